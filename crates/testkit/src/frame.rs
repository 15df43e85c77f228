//! Frames of the Kafka protocol: a size and so many bytes.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// Reads a frame.
pub(crate) fn read_frame(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let size = usize::try_from(i32::from_be_bytes(size)).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let mut frame = vec![0; size];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

/// Writes a frame with its size.
pub(crate) fn write_frame(stream: &mut TcpStream, frame: &[u8]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(frame.len() + 4);
    bytes.extend_from_slice(&(frame.len() as i32).to_be_bytes());
    bytes.extend_from_slice(frame);
    stream.write_all(&bytes)
}
