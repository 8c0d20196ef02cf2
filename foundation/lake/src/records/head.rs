//! The newest logs or spans, in memory.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{concat_batches, max, min};
use arrow::datatypes::TimestampNanosecondType;
use async_trait::async_trait;
use parking_lot::Mutex;

use super::Record;
use super::parquet::{files_of, merge};
use crate::files::{DataFile, Store};
use crate::shelf::{BoxError, Head, NewFile};
use crate::signal::SignalName;

/// Small batches are put together when they have this many rows, or are this many.
const SEAL_ROWS: usize = 8_192;
const SEAL_BATCHES: usize = 64;

#[derive(Debug)]
pub struct RecordHead<R> {
    inner: Mutex<Inner>,
    record: PhantomData<R>,
}

#[derive(Debug, Default)]
struct Inner {
    sealed: Vec<RecordBatch>,
    open: Vec<RecordBatch>,
    open_rows: usize,
    rows: usize,
    bytes: usize,
}

impl<R> Default for RecordHead<R> {
    fn default() -> Self {
        Self { inner: Mutex::default(), record: PhantomData }
    }
}

impl<R: Record> RecordHead<R> {
    pub fn batches(&self) -> Vec<RecordBatch> {
        let inner = self.inner.lock();
        inner.sealed.iter().chain(&inner.open).cloned().collect()
    }
}

impl Inner {
    fn seal(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.open_rows = 0;
        let Some(first) = open.first() else { return };
        match concat_batches(&first.schema(), &open) {
            Ok(batch) => self.sealed.push(batch),
            // Only text beyond what offsets can count does not fit together.
            Err(_) => self.sealed.extend(open),
        }
    }
}

#[async_trait]
impl<R: Record> Head for RecordHead<R> {
    const SIGNAL: SignalName = R::SIGNAL;
    type Batch = RecordBatch;

    fn decode(payload: &[u8]) -> Option<RecordBatch> {
        R::decode(payload)
    }

    fn append(&self, batch: RecordBatch) {
        if batch.num_rows() == 0 {
            return;
        }
        let mut inner = self.inner.lock();
        inner.rows += batch.num_rows();
        inner.open_rows += batch.num_rows();
        inner.bytes += batch.get_array_memory_size();
        inner.open.push(batch);
        if inner.open_rows >= SEAL_ROWS || inner.open.len() >= SEAL_BATCHES {
            inner.seal();
        }
    }

    fn bytes(&self) -> usize {
        self.inner.lock().bytes
    }

    fn records(&self) -> usize {
        self.inner.lock().rows
    }

    fn files(&self) -> Result<Vec<NewFile>, BoxError> {
        files_of::<R>(&self.batches())
    }

    async fn merge(store: &Store, files: &[Arc<DataFile>]) -> Result<Option<NewFile>, BoxError> {
        merge::<R>(store, files).await
    }
}

/// The times of a batch's first and last row.
pub fn time_bounds<R: Record>(batch: &RecordBatch) -> Option<(i64, i64)> {
    let times = batch.column_by_name(R::TIME)?.as_primitive_opt::<TimestampNanosecondType>()?;
    debug_assert_eq!(times.null_count(), 0);
    Some((min(times)?, max(times)?))
}
