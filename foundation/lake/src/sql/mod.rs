//! One SQL surface over the lake's signals and the other rooms' tables.
//!
//! Queries run on threads of their own, within a bound of memory and time, and can only read. The
//! engine is started by the first query.

mod answer;
mod error;
mod json;
mod metrics_table;
mod ops_table;
mod prune;
mod records_table;
mod source;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider};
use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use futures::future::BoxFuture;
use kernel::table::{Table, TableSchema, TableSource};
use telemetry::{SqlError, SqlSource};
use tokio::runtime::Runtime;
use tokio_util::task::AbortOnDropHandle;

use crate::lake::Lake;
use crate::metrics::{IndexCache, MetricHead};
use crate::records::{Logs, Record, RecordHead, Spans};
use crate::settings::LakeSettings;
use crate::shelf::Shelf;
use metrics_table::MetricsTable;
use ops_table::OpsTable;
use records_table::RecordsTable;
use source::Provider;

const CATALOG: &str = "mainstay";
const SCHEMA: &str = "public";
const OPS: &str = "ops";

pub struct Sql {
    tables: Tables,
    timeout: Duration,
    memory_bytes: usize,
    engine: OnceLock<Result<Engine, String>>,
}

/// What the session's tables are made of.
struct Tables {
    logs: Arc<Shelf<RecordHead<Logs>>>,
    spans: Arc<Shelf<RecordHead<Spans>>>,
    metrics: Arc<Shelf<MetricHead>>,
    indexes: Arc<IndexCache>,
    samples_max: usize,
    ops: Vec<Arc<dyn TableSource>>,
}

struct Engine {
    session: Arc<dyn Session>,
    /// None once it is shut down.
    runtime: Option<Runtime>,
}

/// Hides the engine's types: whether a lake may be sent to another thread, which every one of its futures asks, would
/// else be proved over all types of a plan, for seconds each time.
trait Session: Send + Sync {
    /// No more rows than the limit.
    fn answer(self: Arc<Self>, query: String, limit: usize) -> BoxFuture<'static, Result<Table, SqlError>>;
}

impl Session for SessionContext {
    fn answer(self: Arc<Self>, query: String, limit: usize) -> BoxFuture<'static, Result<Table, SqlError>> {
        Box::pin(async move { answer(&self, &query, limit).await })
    }
}

#[async_trait]
impl SqlSource for Lake {
    async fn sql(&self, query: &str, limit: usize) -> Result<Table, SqlError> {
        self.inner.sql.run(query, limit).await
    }

    fn tables(&self) -> Vec<TableSchema> {
        self.inner.sql.tables.schemas()
    }
}

impl Sql {
    pub fn new(
        settings: &LakeSettings,
        logs: Arc<Shelf<RecordHead<Logs>>>,
        spans: Arc<Shelf<RecordHead<Spans>>>,
        metrics: Arc<Shelf<MetricHead>>,
        indexes: Arc<IndexCache>,
        ops: Vec<Arc<dyn TableSource>>,
    ) -> Self {
        let samples_max = settings.query.samples_max;
        Self {
            tables: Tables { logs, spans, metrics, indexes, samples_max, ops },
            timeout: settings.query.sql_timeout,
            memory_bytes: settings.query.sql_memory_bytes,
            engine: OnceLock::new(),
        }
    }

    async fn run(&self, query: &str, limit: usize) -> Result<Table, SqlError> {
        let engine = self.engine.get_or_init(|| Engine::start(&self.tables, self.memory_bytes).map_err(|error| error.to_string()));
        let engine = engine.as_ref().map_err(|error| SqlError::Execution(error.as_str().into()))?;
        let Some(runtime) = &engine.runtime else { return Err(SqlError::Execution("the engine is shut down".into())) };
        // Dropped when the caller goes away or time is up, which ends the query.
        let running = AbortOnDropHandle::new(runtime.spawn(engine.session.clone().answer(query.to_owned(), limit)));
        match tokio::time::timeout(self.timeout, running).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => Err(SqlError::Execution(panic.into())),
            Err(_) => Err(SqlError::Timeout { limit_s: self.timeout.as_secs() }),
        }
    }
}

async fn answer(session: &SessionContext, query: &str, limit: usize) -> Result<Table, SqlError> {
    let known = |error| error::explain(error, session);
    let plan = session.state().create_logical_plan(query).await.map_err(known)?;
    refuse_changes(&plan)?;
    let bounded = !matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_));
    let mut frame = session.execute_logical_plan(plan).await.map_err(known)?;
    if bounded {
        frame = frame.limit(0, Some(limit.saturating_add(1))).map_err(known)?;
    }
    let mut batches = frame.execute_stream().await.map_err(known)?;
    let mut table = answer::empty(&batches.schema());
    while let Some(batch) = batches.next().await {
        answer::push(&mut table, &batch.map_err(known)?, limit);
        if table.truncated {
            break;
        }
    }
    Ok(table)
}

fn refuse_changes(plan: &LogicalPlan) -> Result<(), SqlError> {
    let what = match plan {
        LogicalPlan::Ddl(ddl) => ddl.name().to_owned(),
        LogicalPlan::Dml(dml) => dml.op.name().to_owned(),
        LogicalPlan::Copy(_) => "COPY".to_owned(),
        LogicalPlan::Statement(statement) => statement.name().to_owned(),
        LogicalPlan::Explain(explain) => return refuse_changes(&explain.plan),
        LogicalPlan::Analyze(analyze) => return refuse_changes(&analyze.input),
        _ => return Ok(()),
    };
    Err(SqlError::Invalid { message: format!("{what} is not possible: SQL only reads here. Use SELECT, SHOW TABLES, DESCRIBE or EXPLAIN") })
}

impl Tables {
    fn schemas(&self) -> Vec<TableSchema> {
        let records = |name: &str, description: &str, columns| TableSchema { name: name.to_owned(), description: description.to_owned(), columns };
        let signals = [
            records("logs", Logs::DESCRIPTION, Logs::columns()),
            records("spans", Spans::DESCRIPTION, Spans::columns()),
            metrics_table::description(),
        ];
        signals.into_iter().chain(self.ops.iter().flat_map(|source| source.tables())).collect()
    }
}

impl Engine {
    fn start(tables: &Tables, memory_bytes: usize) -> Result<Self, DataFusionError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name("sql").enable_all().build()?;
        let session = session(memory_bytes, threads)?;
        let files = ObjectStoreUrl::parse(records_table::FILES_URL)?;
        session.runtime_env().register_object_store(files.as_ref(), tables.logs.store().objects().clone());
        session.register_table("logs", Arc::new(Provider(RecordsTable::new(tables.logs.clone()))))?;
        session.register_table("spans", Arc::new(Provider(RecordsTable::new(tables.spans.clone()))))?;
        let metrics = MetricsTable::new(tables.metrics.clone(), tables.indexes.clone(), tables.samples_max);
        session.register_table("metrics", Arc::new(Provider(metrics)))?;
        register_ops(&session, &tables.ops)?;
        Ok(Self { session: Arc::new(session), runtime: Some(runtime) })
    }
}

impl Drop for Engine {
    /// A runtime may not wait for its threads where others run.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn session(memory_bytes: usize, threads: usize) -> Result<SessionContext, DataFusionError> {
    let config = SessionConfig::new()
        .with_information_schema(true)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_target_partitions(threads)
        // Its operators bind as users expect: `a->>'k' = 'v'` compares what `->>` gives.
        .set_str("datafusion.sql_parser.dialect", "PostgreSQL")
        .set_bool("datafusion.execution.parquet.pushdown_filters", true)
        .set_bool("datafusion.execution.parquet.reorder_filters", true);
    let no_spilling = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)))
        .with_disk_manager_builder(no_spilling)
        .build_arc()?;
    let mut session = SessionContext::new_with_config_rt(config, runtime);
    for function in json::functions() {
        session.register_udf(function);
    }
    session.register_expr_planner(Arc::new(json::Arrows))?;
    Ok(session)
}

/// `ops.runs` and the like go into a schema of their own.
fn register_ops(session: &SessionContext, sources: &[Arc<dyn TableSource>]) -> Result<(), DataFusionError> {
    let schema = Arc::new(MemorySchemaProvider::new());
    for source in sources {
        for table in source.tables() {
            let name = table.name.strip_prefix("ops.").unwrap_or(&table.name).to_owned();
            schema.register_table(name, Arc::new(Provider(OpsTable::new(table, source.clone()))))?;
        }
    }
    let catalog = session.catalog(CATALOG).ok_or_else(|| DataFusionError::Internal("the session has no catalogue".to_owned()))?;
    catalog.register_schema(OPS, schema)?;
    Ok(())
}
