//! `logs` and `spans`: heads and files as one table.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;

use super::prune;
use super::source::{Scan, Source};
use crate::files::DataFile;
use crate::records::{Record, RecordHead, time_bounds};
use crate::shelf::{Shelf, View};

/// Where the session finds the lake's files.
pub const FILES_URL: &str = "lake://files";

pub struct RecordsTable<R: Record> {
    shelf: Arc<Shelf<RecordHead<R>>>,
}

impl<R: Record> RecordsTable<R> {
    pub fn new(shelf: Arc<Shelf<RecordHead<R>>>) -> Self {
        Self { shelf }
    }
}

impl<R: Record> fmt::Debug for RecordsTable<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordsTable({})", R::SIGNAL.folder())
    }
}

impl<R: Record> Source for RecordsTable<R> {
    fn schema(&self) -> SchemaRef {
        R::schema()
    }

    fn plan(&self, state: &dyn Session, scan: Scan<'_>) -> Result<Arc<dyn ExecutionPlan>> {
        let predicate = prune::predicate(state, scan.filters, &R::schema())?;
        let view = self.shelf.view();
        let mut parts = vec![heads::<R>(&view, predicate.as_ref(), scan)?];
        let files = matching_files::<R>(&view.files, predicate.as_ref());
        if !files.is_empty() {
            parts.push(scan_files::<R>(state, files, predicate, scan)?);
        }
        match <[_; 1]>::try_from(parts) {
            Ok([only]) => Ok(only),
            Err(parts) => UnionExec::try_new(parts),
        }
    }
}

fn heads<R: Record>(view: &View<RecordHead<R>>, predicate: Option<&Arc<dyn PhysicalExpr>>, scan: Scan<'_>) -> Result<Arc<dyn ExecutionPlan>> {
    let batches: Vec<_> = view.heads().flat_map(|head| head.batches()).collect();
    let bounds: Vec<_> = batches.iter().map(|batch| time_bounds::<R>(batch).unwrap_or((i64::MIN, i64::MAX))).collect();
    let keep = prune::by_time(predicate, &R::schema(), R::TIME, &bounds);
    let kept = batches.into_iter().zip(keep).filter_map(|(batch, keep)| keep.then_some(batch)).collect();
    let memory = MemorySourceConfig::try_new(&[kept], R::schema(), scan.columns.cloned())?;
    Ok(DataSourceExec::from_data_source(memory.with_limit(scan.limit)))
}

fn matching_files<R: Record>(files: &[Arc<DataFile>], predicate: Option<&Arc<dyn PhysicalExpr>>) -> Vec<Arc<DataFile>> {
    let bounds: Vec<_> = files.iter().map(|file| (file.meta.first_ns, file.meta.last_ns)).collect();
    let keep = prune::by_time(predicate, &R::schema(), R::TIME, &bounds);
    files.iter().zip(keep).filter_map(|(file, keep)| keep.then(|| file.clone())).collect()
}

fn scan_files<R: Record>(state: &dyn Session, files: Vec<Arc<DataFile>>, predicate: Option<Arc<dyn PhysicalExpr>>, scan: Scan<'_>) -> Result<Arc<dyn ExecutionPlan>> {
    let options = TableParquetOptions { global: state.config_options().execution.parquet.clone(), ..TableParquetOptions::default() };
    let mut source = ParquetSource::new(TableSchema::from(R::schema())).with_table_parquet_options(options);
    if let Some(predicate) = predicate {
        source = source.with_predicate(predicate);
    }
    let groups = state.config().target_partitions().min(files.len()).max(1);
    let mut parts: Vec<Vec<PartitionedFile>> = vec![Vec::new(); groups];
    for (i, file) in files.into_iter().enumerate() {
        let part = PartitionedFile::new(file.meta.path.clone(), file.meta.bytes);
        // The plan holds the file, so that it is not deleted while the query runs.
        parts[i % groups].push(part.with_extension(Held(file)));
    }
    let read = FileScanConfigBuilder::new(ObjectStoreUrl::parse(FILES_URL)?, Arc::new(source))
        .with_file_groups(parts.into_iter().map(FileGroup::new).collect())
        .with_projection_indices(scan.columns.cloned())?
        .with_limit(scan.limit)
        .build();
    Ok(DataSourceExec::from_data_source(read))
}

/// Keeps a file from being deleted.
struct Held(#[expect(dead_code, reason = "held, never read")] Arc<DataFile>);
