//! The indexes of metric files that queries have read, within a bound of memory.

use std::sync::Arc;

use ahash::AHashMap;
use parking_lot::Mutex;

use super::file::{FileIndex, MetricFileError};
use crate::files::{DataFile, Store};

#[derive(Debug)]
pub struct IndexCache {
    bytes_max: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_path: AHashMap<String, Cached>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct Cached {
    index: Arc<FileIndex>,
    bytes: usize,
    last_use: u64,
}

impl IndexCache {
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, inner: Mutex::default() }
    }

    pub async fn get(&self, store: &Store, file: &DataFile) -> Result<Arc<FileIndex>, MetricFileError> {
        if let Some(index) = self.inner.lock().touch(&file.meta.path) {
            return Ok(index);
        }
        let index = Arc::new(FileIndex::read(store, &file.meta).await?);
        self.inner.lock().insert(file.meta.path.clone(), index.clone(), self.bytes_max);
        Ok(index)
    }
}

impl Inner {
    fn touch(&mut self, path: &str) -> Option<Arc<FileIndex>> {
        self.uses += 1;
        let uses = self.uses;
        self.by_path.get_mut(path).map(|cached| {
            cached.last_use = uses;
            cached.index.clone()
        })
    }

    fn insert(&mut self, path: String, index: Arc<FileIndex>, bytes_max: usize) {
        self.uses += 1;
        let cached = Cached { bytes: index.bytes(), index, last_use: self.uses };
        self.bytes += cached.bytes;
        if let Some(before) = self.by_path.insert(path, cached) {
            self.bytes -= before.bytes;
        }
        while self.bytes > bytes_max && self.by_path.len() > 1 {
            let oldest = self.by_path.iter().min_by_key(|(_, cached)| cached.last_use).map(|(path, _)| path.clone());
            let Some(evicted) = oldest.and_then(|path| self.by_path.remove(&path)) else { break };
            self.bytes -= evicted.bytes;
        }
    }
}
