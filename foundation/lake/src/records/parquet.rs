//! Files of logs and spans: in order of service and time, so that what is asked together lies together.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take, take_record_batch};
use arrow::datatypes::TimestampNanosecondType;
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, UnboundedMemoryPool};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet};
use datafusion::physical_plan::sorts::streaming_merge::StreamingMergeBuilder;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::Record;
use super::head::time_bounds;
use crate::files::{DataFile, FileReader, Store};
use crate::shelf::{BoxError, NewFile};

const DAY_NS: i64 = 24 * 3_600 * 1_000_000_000;
/// A sender with wild clocks must not make a file for each of its days.
const DAYS_MAX: usize = 8;
const ROW_GROUP_ROWS: usize = 1 << 17;

/// The rows of a head as files, one a day.
pub fn files_of<R: Record>(batches: &[RecordBatch]) -> Result<Vec<NewFile>, BoxError> {
    let all = concat_batches(&R::schema(), batches)?;
    by_day::<R>(&all)?.into_iter().map(|day| file_of::<R>(&sorted::<R>(&day)?)).collect()
}

/// Merges files into one, without holding their rows in memory.
pub async fn merge<R: Record>(store: &Store, files: &[Arc<DataFile>]) -> Result<Option<NewFile>, BoxError> {
    let mut streams = Vec::new();
    for file in files {
        streams.push(rows_of::<R>(store, file).await?);
    }
    let order = |name: &str| Ok::<_, DataFusionError>(PhysicalSortExpr::new_default(col(name, &R::schema())?));
    let order = LexOrdering::new([order("service")?, order(R::TIME)?]).expect("two columns are an order");
    let pool: Arc<dyn MemoryPool> = Arc::new(UnboundedMemoryPool::default());
    let mut merged = StreamingMergeBuilder::new()
        .with_streams(streams)
        .with_schema(R::schema())
        .with_expressions(&order)
        .with_metrics(BaselineMetrics::new(&ExecutionPlanMetricsSet::new(), 0))
        .with_batch_size(8_192)
        .with_reservation(MemoryConsumer::new("merge").register(&pool))
        .build()?;
    let mut file = FileWriter::new::<R>()?;
    while let Some(batch) = merged.try_next().await? {
        file.write::<R>(&batch)?;
    }
    file.finish()
}

async fn rows_of<R: Record>(store: &Store, file: &DataFile) -> Result<SendableRecordBatchStream, BoxError> {
    let reader = FileReader::new(store, &file.meta);
    let options = ArrowReaderOptions::new().with_schema(R::schema());
    let builder = ParquetRecordBatchStreamBuilder::new_with_options(reader, options).await?;
    let batches = builder.with_batch_size(2_048).build()?.map_err(DataFusionError::from);
    Ok(Box::pin(RecordBatchStreamAdapter::new(R::schema(), batches.boxed())))
}

fn sorted<R: Record>(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let keys = ["service", R::TIME].into_iter().filter_map(|name| batch.column_by_name(name));
    let keys: Vec<_> = keys.map(|column| SortColumn { values: column.clone(), options: None }).collect();
    take_record_batch(batch, &lexsort_to_indices(&keys, None)?)
}

fn file_of<R: Record>(batch: &RecordBatch) -> Result<NewFile, BoxError> {
    let mut file = FileWriter::new::<R>()?;
    file.write::<R>(batch)?;
    file.finish()?.ok_or_else(|| "a file without rows".into())
}

/// Splits rows by day; the days beyond [`DAYS_MAX`] share a part.
fn by_day<R: Record>(batch: &RecordBatch) -> Result<Vec<RecordBatch>, BoxError> {
    let times = batch.column_by_name(R::TIME).and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>());
    let times = times.ok_or("no column of times")?.values();
    let mut days: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for (row, time) in (0..).zip(times) {
        let day = time.div_euclid(DAY_NS);
        // The newest days come last in time, most likely, so a full map takes further rows on its last day.
        let day = if days.len() < DAYS_MAX || days.contains_key(&day) { Some(day) } else { days.keys().next_back().copied() };
        days.entry(day.unwrap_or_default()).or_default().push(row);
    }
    if days.len() <= 1 {
        return Ok(if batch.num_rows() == 0 { vec![] } else { vec![batch.clone()] });
    }
    let part = |rows: Vec<u32>| -> Result<RecordBatch, ArrowError> {
        let rows = UInt32Array::from(rows);
        let columns = batch.columns().iter().map(|column| take(column, &rows, None)).collect::<Result<Vec<_>, _>>()?;
        RecordBatch::try_new(batch.schema(), columns)
    };
    Ok(days.into_values().map(part).collect::<Result<_, _>>()?)
}

struct FileWriter {
    parquet: ArrowWriter<Vec<u8>>,
    records: u64,
    first_ns: i64,
    last_ns: i64,
}

impl FileWriter {
    fn new<R: Record>() -> Result<Self, BoxError> {
        let parquet = ArrowWriter::try_new(Vec::new(), R::schema(), Some(properties()))?;
        Ok(Self { parquet, records: 0, first_ns: i64::MAX, last_ns: i64::MIN })
    }

    fn write<R: Record>(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        let Some((first_ns, last_ns)) = time_bounds::<R>(batch) else { return Ok(()) };
        self.first_ns = self.first_ns.min(first_ns);
        self.last_ns = self.last_ns.max(last_ns);
        self.records += batch.num_rows() as u64;
        Ok(self.parquet.write(batch)?)
    }

    fn finish(self) -> Result<Option<NewFile>, BoxError> {
        let file = NewFile { bytes: self.parquet.into_inner()?.into(), records: self.records, first_ns: self.first_ns, last_ns: self.last_ns };
        Ok((file.records > 0).then_some(file))
    }
}

/// A trace's spans and logs are found by a Bloom filter, since they lie with their services.
fn properties() -> WriterProperties {
    let trace_id = ColumnPath::from("trace_id");
    let level = ZstdLevel::try_new(3).expect("zstd has a level 3");
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_column_bloom_filter_enabled(trace_id.clone(), true)
        .set_column_bloom_filter_fpp(trace_id, 0.01);
    // Nearly every value is another one: a dictionary would only be built to be thrown away.
    for column in ["trace_id", "span_id", "parent_span_id", "body", "attributes"] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(column), column == "body" || column == "attributes");
    }
    properties.build()
}
