//! Files in memory on a disk with little room, and a clock that is set by hand.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex};

use crate::checkpoint::files::{CheckpointFile, CheckpointFiles};

#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Bytes that a file may have; `None`: any number.
    pub(crate) room: Option<usize>,
    pub(crate) clock_ms: i64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryFiles {
    pub(crate) disk: Arc<Mutex<Disk>>,
}

struct MemoryFile {
    name: String,
    bytes: Vec<u8>,
    disk: Arc<Mutex<Disk>>,
}

impl CheckpointFiles for MemoryFiles {
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn Read + Send>>> {
        let bytes = self.disk.lock().unwrap().files.get(name).cloned();
        Ok(bytes.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>))
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn CheckpointFile>> {
        Ok(Box::new(MemoryFile { name: name.to_owned(), bytes: Vec::new(), disk: Arc::clone(&self.disk) }))
    }
    fn describe(&self, name: &str) -> String {
        format!("memory:{name}")
    }
    fn clock_ms(&self) -> i64 {
        self.disk.lock().unwrap().clock_ms
    }
}

impl CheckpointFile for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        match self.disk.lock().unwrap().room {
            Some(room) if self.bytes.len() > room => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.disk.lock().unwrap().files.insert(self.name.clone(), self.bytes.clone());
        Ok(())
    }
}
