//! Metric files: one row for each chunk of a series, in order of metric name and labels.
//!
//! | column | |
//! | --- | --- |
//! | `name` | the metric's name |
//! | `labels` | the other labels, a JSON object |
//! | `first_ms`, `last_ms` | times of the chunk's first and last sample |
//! | `samples` | how many |
//! | `times`, `values` | packed as [`super::chunk`] does it |

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, BinaryBuilder, Int64Builder, RecordBatch, StringBuilder, UInt32Builder};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, UInt32Type};
use futures::TryStreamExt;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection, RowSelector};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use roaring::RoaringBitmap;
use telemetry::Labels;
use telemetry::labels::METRIC_NAME;
use telemetry::ports::{Matcher, Sample};

use super::chunk::{self, Chunk};
use super::index::SeriesIndex;
use super::merge::PackedChunk;
use crate::files::{DataFile, FileMeta, FileReader, Store};
use crate::shelf::NewFile;

/// Samples in a chunk of a file: enough that its labels and bounds cost little.
const CHUNK_SAMPLES: usize = 960;
const BATCH_ROWS: usize = 2_048;

#[derive(Debug, thiserror::Error)]
pub enum MetricFileError {
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("{path} is damaged: {what}")]
    Damaged { path: String, what: &'static str },
    #[error("a chunk is damaged")]
    Chunk,
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("name", DataType::Utf8, false),
        Field::new("labels", DataType::Utf8, false),
        Field::new("first_ms", DataType::Int64, false),
        Field::new("last_ms", DataType::Int64, false),
        Field::new("samples", DataType::UInt32, false),
        Field::new("times", DataType::Binary, false),
        Field::new("values", DataType::Binary, false),
    ]))
});

/// Builds one file in memory from series in order of name and labels.
pub struct Writer {
    parquet: ArrowWriter<Vec<u8>>,
    rows: Rows,
    samples: u64,
    first_ms: i64,
    last_ms: i64,
}

impl Writer {
    pub fn new() -> Result<Self, ParquetError> {
        let parquet = ArrowWriter::try_new(Vec::new(), SCHEMA.clone(), Some(properties()))?;
        Ok(Self { parquet, rows: Rows::default(), samples: 0, first_ms: i64::MAX, last_ms: i64::MIN })
    }

    /// Samples in order of time, each time once.
    pub fn push(&mut self, labels: &Labels, samples: &[Sample]) -> Result<(), MetricFileError> {
        let json = labels_json(labels);
        for part in samples.chunks(CHUNK_SAMPLES) {
            let Some(chunk) = Chunk::pack(part) else { continue };
            self.samples += u64::from(chunk.samples);
            self.first_ms = self.first_ms.min(chunk.first_ms);
            self.last_ms = self.last_ms.max(chunk.last_ms);
            self.rows.push(labels.metric_name().unwrap_or_default(), &json, &chunk);
            if self.rows.len() >= BATCH_ROWS {
                self.write_rows()?;
            }
        }
        Ok(())
    }

    /// None if no sample was written.
    pub fn finish(mut self) -> Result<Option<NewFile>, MetricFileError> {
        self.write_rows()?;
        let file = NewFile {
            bytes: self.parquet.into_inner()?.into(),
            records: self.samples,
            first_ns: self.first_ms.saturating_mul(1_000_000),
            last_ns: self.last_ms.saturating_mul(1_000_000),
        };
        Ok((file.records > 0).then_some(file))
    }

    fn write_rows(&mut self) -> Result<(), MetricFileError> {
        self.parquet.write(&self.rows.finish()?)?;
        Ok(())
    }
}

fn properties() -> WriterProperties {
    let plain = |properties: parquet::file::properties::WriterPropertiesBuilder, column: &str| {
        let path = ColumnPath::from(column);
        properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_statistics_enabled(path.clone(), EnabledStatistics::None)
            .set_column_encoding(path, Encoding::PLAIN)
    };
    let level = ZstdLevel::try_new(1).expect("zstd has a level 1");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_write_batch_size(256)
        .set_data_page_size_limit(256 << 10)
        .set_max_row_group_row_count(Some(1 << 16));
    plain(plain(plain(properties, "times"), "values"), "labels").build()
}

#[derive(Default)]
struct Rows {
    name: StringBuilder,
    labels: StringBuilder,
    first_ms: Int64Builder,
    last_ms: Int64Builder,
    samples: UInt32Builder,
    times: BinaryBuilder,
    values: BinaryBuilder,
}

impl Rows {
    fn len(&self) -> usize {
        use arrow::array::ArrayBuilder;
        self.samples.len()
    }

    fn push(&mut self, name: &str, labels: &str, chunk: &Chunk) {
        self.name.append_value(name);
        self.labels.append_value(labels);
        self.first_ms.append_value(chunk.first_ms);
        self.last_ms.append_value(chunk.last_ms);
        self.samples.append_value(chunk.samples);
        self.times.append_value(&chunk.times);
        self.values.append_value(&chunk.values);
    }

    fn finish(&mut self) -> Result<RecordBatch, arrow::error::ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.name.finish()),
            Arc::new(self.labels.finish()),
            Arc::new(self.first_ms.finish()),
            Arc::new(self.last_ms.finish()),
            Arc::new(self.samples.finish()),
            Arc::new(self.times.finish()),
            Arc::new(self.values.finish()),
        ];
        RecordBatch::try_new(SCHEMA.clone(), columns)
    }
}

/// What a query needs to find its chunks in a file without reading them.
#[derive(Debug)]
pub struct FileIndex {
    parquet: ArrowReaderMetadata,
    series: SeriesIndex,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    series: u32,
    samples: u32,
    first_ms: i64,
    last_ms: i64,
}

impl FileIndex {
    pub async fn read(store: &Store, file: &FileMeta) -> Result<Self, MetricFileError> {
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let parquet = ArrowReaderMetadata::load_async(&mut FileReader::new(store, file), options).await?;
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(FileReader::new(store, file), parquet.clone());
        let mask = ProjectionMask::columns(builder.parquet_schema(), ["name", "labels", "first_ms", "last_ms", "samples"]);
        let mut batches = builder.with_projection(mask).build()?;
        let mut index = Self { parquet, series: SeriesIndex::default(), rows: Vec::new() };
        while let Some(batch) = batches.try_next().await? {
            index.add(&batch).ok_or_else(|| damaged(file, "its labels cannot be read"))?;
        }
        Ok(index)
    }

    /// Roughly, in memory.
    pub fn bytes(&self) -> usize {
        self.series.bytes() + self.rows.len() * size_of::<Row>() + self.parquet.metadata().memory_size()
    }

    /// The rows of the series that all matchers match, with samples that may lie in the window.
    pub fn find(&self, matchers: &[Matcher], window_ms: &std::ops::RangeInclusive<i64>) -> Rowset<'_> {
        let series = self.series.select(matchers);
        let wanted = |row: &Row| series.contains(row.series) && row.first_ms <= *window_ms.end() && row.last_ms >= *window_ms.start();
        let rows = (0..).zip(&self.rows).filter(|(_, row)| wanted(row)).map(|(number, _)| number).collect();
        Rowset { index: self, rows }
    }

    fn add(&mut self, batch: &RecordBatch) -> Option<()> {
        let (names, labels) = (batch.column(0).as_string_opt::<i32>()?, batch.column(1).as_string_opt::<i32>()?);
        let first_ms = batch.column(2).as_primitive_opt::<Int64Type>()?.values();
        let last_ms = batch.column(3).as_primitive_opt::<Int64Type>()?.values();
        let samples = batch.column(4).as_primitive_opt::<UInt32Type>()?.values();
        for i in 0..batch.num_rows() {
            let labels = labels_from_json(names.value(i), labels.value(i))?;
            let series = self.series.insert(&labels);
            self.rows.push(Row { series, samples: samples[i], first_ms: first_ms[i], last_ms: last_ms[i] });
        }
        Some(())
    }
}

/// Some rows of a file.
pub struct Rowset<'a> {
    index: &'a FileIndex,
    rows: RoaringBitmap,
}

impl Rowset<'_> {
    pub fn samples(&self) -> usize {
        self.rows.iter().map(|row| self.index.rows[row as usize].samples as usize).sum()
    }

    pub fn series(&self) -> impl Iterator<Item = &Labels> {
        let mut numbers: Vec<u32> = self.rows.iter().map(|row| self.index.rows[row as usize].series).collect();
        numbers.dedup();
        numbers.into_iter().map(|number| self.index.series.labels(number))
    }

    /// Hands the samples of each row to `each`, in the order of the file.
    pub async fn read(&self, store: &Store, file: &DataFile, mut each: impl FnMut(&Labels, Vec<Sample>)) -> Result<(), MetricFileError> {
        let mut whole = true;
        self.each_row(store, file, |row, times, values| {
            let mut samples = Vec::new();
            whole &= chunk::unpack(row.samples, times, values, &mut samples).is_some();
            each(self.index.series.labels(row.series), samples);
        })
        .await?;
        if whole { Ok(()) } else { Err(damaged(&file.meta, "a chunk cannot be unpacked")) }
    }

    /// As [`read`](Self::read), but leaves the samples packed.
    pub async fn read_packed(&self, store: &Store, file: &DataFile, mut each: impl FnMut(&Labels, PackedChunk)) -> Result<(), MetricFileError> {
        self.each_row(store, file, |row, times, values| {
            each(self.index.series.labels(row.series), PackedChunk { samples: row.samples, times: times.into(), values: values.into() });
        })
        .await
    }

    async fn each_row(&self, store: &Store, file: &DataFile, mut each: impl FnMut(Row, &[u8], &[u8])) -> Result<(), MetricFileError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(FileReader::new(store, &file.meta), self.index.parquet.clone());
        let mask = ProjectionMask::columns(builder.parquet_schema(), ["times", "values"]);
        let builder = builder.with_projection(mask).with_row_selection(self.selection()).with_batch_size(BATCH_ROWS);
        let mut batches = builder.build()?;
        let mut rows = self.rows.iter();
        while let Some(batch) = batches.try_next().await? {
            let columns = batch.column(0).as_binary_opt::<i32>().zip(batch.column(1).as_binary_opt::<i32>());
            let (times, values) = columns.ok_or_else(|| damaged(&file.meta, "its chunks are not binary"))?;
            for (i, row) in (0..batch.num_rows()).zip(&mut rows) {
                each(self.index.rows[row as usize], times.value(i), values.value(i));
            }
        }
        Ok(())
    }

    fn selection(&self) -> RowSelection {
        let mut selectors: Vec<RowSelector> = Vec::new();
        let mut at = 0;
        for row in &self.rows {
            if row > at {
                selectors.push(RowSelector::skip((row - at) as usize));
            }
            match selectors.last_mut() {
                Some(last) if !last.skip => last.row_count += 1,
                _ => selectors.push(RowSelector::select(1)),
            }
            at = row + 1;
        }
        let rest = self.index.rows.len() - at as usize;
        if rest > 0 {
            selectors.push(RowSelector::skip(rest));
        }
        selectors.into()
    }
}

/// The labels without the metric's name, as a JSON object.
pub fn labels_json(labels: &Labels) -> String {
    let rest = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    let mut out = String::from("{");
    for (i, (name, value)) in rest.enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&serde_json::Value::from(name).to_string());
        out.push(':');
        out.push_str(&serde_json::Value::from(value).to_string());
    }
    out.push('}');
    out
}

fn labels_from_json(name: &str, json: &str) -> Option<Labels> {
    let mut labels: std::collections::BTreeMap<String, String> = serde_json::from_str(json).ok()?;
    labels.insert(METRIC_NAME.to_owned(), name.to_owned());
    Some(Labels::from_pairs(labels))
}

fn damaged(file: &FileMeta, what: &'static str) -> MetricFileError {
    MetricFileError::Damaged { path: file.path.clone(), what }
}
