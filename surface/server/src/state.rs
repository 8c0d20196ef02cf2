//! What the handlers hold.

use std::sync::Arc;

use documents::Loaded;
use evolve::game_days::GameDays;
use evolve::postmortems::Postmortems;
use evolve::scale_points::ScalePoints;
use kernel::task::Driver;
use kernel::{SharedClock, Timestamp};
use ledger::Ledger;
use operate::alarms::Rules;
use operate::incidents::Incidents;
use operate::notify::Deliveries;
use prepare::deployments::Deployments;
use prepare::parameters::Parameters;
use prepare::configuration::Configurations;
use prepare::runners::Runners;
use prepare::runs::Runs;
use prepare::secrets::Secrets;
use telemetry::promql::Engine;
use telemetry::{LogTail, MetricSource, SignalSink, SqlSource};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::access::Access;

/// The rooms, as the surface sees them. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub clock: SharedClock,
    pub ledger: Ledger,
    pub documents: watch::Receiver<Arc<Loaded>>,
    pub sink: Arc<dyn SignalSink>,
    pub sql: Arc<dyn SqlSource>,
    pub metrics: Arc<dyn MetricSource>,
    pub tail: Arc<dyn LogTail>,
    pub engine: Engine,
    pub rules: Rules,
    pub incidents: Incidents,
    pub deliveries: Deliveries,
    pub runs: Runs,
    pub deployments: Deployments,
    pub runners: Runners,
    pub parameters: Parameters,
    pub secrets: Secrets,
    pub scale_points: ScalePoints,
    pub postmortems: Postmortems,
    pub game_days: GameDays,
    pub configurations: Configurations,
    pub tasks: Arc<Driver>,
    pub access: Access,
    pub about: Arc<About>,
    /// Cancelled when the server drains: endless answers end then.
    pub shutdown: CancellationToken,
}

/// The server's own facts.
#[derive(Debug, Clone)]
pub struct About {
    pub started_at: Timestamp,
    /// URLs without their secrets.
    pub ledger: String,
    pub lake: String,
    pub ops: String,
    pub otlp_grpc: String,
    pub otlp_http: String,
}
