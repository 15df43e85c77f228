//! Ports of this machine: a free one, and whether a service behind one is ready.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

/// A port that nobody listens on; somebody else may take it before it is used.
///
/// # Errors
/// When the system has none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Whether the admin HTTP of a service at this port says that it is ready.
#[must_use]
pub fn is_ready(admin_port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", admin_port)) else { return false };
    let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}
