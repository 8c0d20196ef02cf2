//! Puts the rooms together: settings → build → run → drain. Clean-ups unwind in reverse.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::middleware;
use documents::Loaded;
use documents::canary::SERVER;
use evolve::faults::Injector;
use evolve::game_days::GameDays;
use evolve::postmortems::Postmortems;
use evolve::scale_points::{RunwayTask, ScalePoints};
use kernel::table::TableSource;
use kernel::task::{Driver, Task};
use kernel::{SharedClock, SystemClock};
use lake::{Lake, LakeSettings, Retention};
use ledger::{Batch, Ledger, NewEvent, types};
use operate::alarms::AlarmTask;
use operate::canaries::CanaryTask;
use operate::events::EventRuleTask;
use operate::incidents::{IncidentTask, Incidents};
use operate::notify::{Deliveries, NotifyTask};
use organize::catalog::CatalogTables;
use prepare::deployments::{Deployments, UndoTask};
use prepare::parameters::Parameters;
use prepare::configuration::{Configurations, RolloutTask, Rollouts};
use prepare::runners::Runners;
use prepare::runs::playable::{DEPLOYMENT, GAME_DAY};
use prepare::runs::{Executor, ExecutorSettings, Player, Players, Runs};
use prepare::scenarios::{ScenarioPlayer, Telemetry};
use prepare::secrets::Secrets;
use prepare::secrets::keys::Keys;
use prepare::values::{Elsewhere, ValueSource, Values};
use serde::Serialize;
use serde_json::json;
use server::telemetry::Limits;
use server::{About, Access, App};
use telemetry::promql::Engine;
use telemetry::{MetricSource, SqlSource};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::observe::{self, Observing};
use crate::proxies;
use crate::players::{ExperimentPlayer, GameDayHost, GameDayPlayer, House, Scenarios, injector};
use crate::reading;
use crate::settings::Settings;

/// How long requests under way may take once the server drains.
const DRAIN: Duration = Duration::from_secs(5);

/// Where the server answers; the ready file's content.
#[derive(Debug, Clone, Serialize)]
pub struct Addresses {
    pub http: SocketAddr,
    pub otlp_grpc: SocketAddr,
    pub otlp_http: SocketAddr,
}

impl Addresses {
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http)
    }
}

/// A running server.
pub struct Server {
    pub addresses: Addresses,
    shutdown: CancellationToken,
    listeners: JoinSet<()>,
    tasks: Arc<Driver>,
    executor: Arc<Executor>,
    lake: Arc<Lake>,
    ledger: Ledger,
    observing: Option<Observing>,
    proxies: Vec<proxies::Running>,
}

impl Server {
    /// Returns once everything answers.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        let clock: SharedClock = Arc::new(SystemClock);
        let shutdown = CancellationToken::new();
        std::fs::create_dir_all(&settings.data).with_context(|| format!("the data folder {} cannot be made", settings.data.display()))?;
        let sockets = Sockets::bind(&settings).await?;
        let addresses = sockets.addresses()?;
        let observing = match settings.observe_itself {
            Some(level) => Some(Observing::start(&format!("http://{}", addresses.otlp_grpc), &settings.access, level)?),
            None => None,
        };
        let documents = documents::watch_with(&settings.ops, reading::options_with(settings.run_environment.clone()));
        let ledger = Ledger::open(&settings.ledger, clock.clone()).await?;
        let lake = open_lake(&settings, &clock, &ledger, &documents).await?;
        let tasks = Arc::new(Driver::new(clock.clone(), shutdown.clone()));
        let injector = injector(&settings.data).await?;
        let keys = Arc::new(Keys::new(settings.master_key.clone(), settings.old_master_keys.clone()));
        keys.check().await?;
        let rollouts = Rollouts::open(ledger.clone(), documents.clone(), clock.clone()).await?;
        let rooms = Rooms::build(&settings, &addresses, &clock, &ledger, &lake, &documents, &tasks, &shutdown, &injector, keys, rollouts);
        ledger
            .commit(Batch::new().event(NewEvent::new("/server", types::SERVER_STARTED, json!({"version": env!("CARGO_PKG_VERSION")}))))
            .await?;
        rooms.run(&tasks, &ledger, &lake);
        let listeners = sockets.serve(rooms.app, &lake, &settings.access, &shutdown);
        if let Some(observing) = &observing {
            observing.measure_tasks(&tasks, &ledger);
        }
        let proxies = settings.proxies.iter().map(|path| run_proxy(path, &settings, &addresses)).collect::<Result<_, _>>()?;
        Ok(Self { addresses, shutdown, listeners, tasks, executor: rooms.executor, lake, ledger, observing, proxies })
    }

    /// Answers what is under way, finishes the passes that have begun, and closes the stores.
    pub async fn stop(mut self) {
        // Before the receiver of what they tell is gone.
        let stopped: JoinSet<()> = self.proxies.drain(..).map(proxies::Running::stop).collect();
        stopped.join_all().await;
        if let Some(observing) = self.observing.take() {
            observing.stop().await;
        }
        self.executor.stop().await;
        self.shutdown.cancel();
        let drained = async {
            while self.listeners.join_next().await.is_some() {}
            self.tasks.drain().await;
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("some requests were still under way after {DRAIN:?}");
        }
        self.listeners.shutdown().await;
        if let Err(error) = Lake::clone(&self.lake).close().await {
            tracing::error!(%error, "the lake could not be closed; the next start replays its log");
        }
        self.ledger.close().await;
    }
}

fn run_proxy(path: &Path, settings: &Settings, addresses: &Addresses) -> anyhow::Result<proxies::Running> {
    let states = settings.data.join("proxies");
    std::fs::create_dir_all(&states).with_context(|| format!("the folder {} cannot be made", states.display()))?;
    let token = match &settings.access {
        Access::Token(token) => Some(token.to_string()),
        Access::Loopback => None,
    };
    let collector = proxies::Collector { endpoint: format!("http://{}", addresses.otlp_http), token };
    let running = proxies::Running::start(path, Some(&states), Some(collector))?;
    let listening = running.proxy();
    tracing::info!(file = %path.display(), address = %listening.address(), control = listening.control_address().map(tracing::field::display), "a proxy is ready");
    Ok(running)
}

async fn open_lake(
    settings: &Settings,
    clock: &SharedClock,
    ledger: &Ledger,
    documents: &watch::Receiver<Arc<Loaded>>,
) -> anyhow::Result<Arc<Lake>> {
    let tables: Vec<Arc<dyn TableSource>> = vec![Arc::new(ledger.clone()), Arc::new(CatalogTables::new(documents.clone()))];
    let kept = documents.borrow().graph.workload.retention;
    let lake = LakeSettings {
        url: settings.lake.clone(),
        retention: Retention { logs: kept, spans: kept, metrics: kept },
        ..LakeSettings::below(&settings.data)
    };
    Ok(Arc::new(Lake::open(lake, clock.clone(), tables).await?))
}

/// The stages, and what the surface sees of them.
struct Rooms {
    app: App,
    executor: Arc<Executor>,
    tasks: Vec<Arc<dyn Task>>,
    /// Those that the ledger's changes do not concern.
    timed: Vec<Arc<dyn Task>>,
    /// Those that the documents' changes concern, too.
    following: Vec<Arc<dyn Task>>,
}

impl Rooms {
    #[expect(clippy::too_many_arguments, reason = "the one place where everything meets")]
    fn build(
        settings: &Settings,
        addresses: &Addresses,
        clock: &SharedClock,
        ledger: &Ledger,
        lake: &Arc<Lake>,
        documents: &watch::Receiver<Arc<Loaded>>,
        driver: &Arc<Driver>,
        shutdown: &CancellationToken,
        injector: &Injector,
        keys: Arc<Keys>,
        rollouts: Rollouts,
    ) -> Self {
        let metrics: Arc<dyn MetricSource> = lake.clone();
        let sql: Arc<dyn SqlSource> = lake.clone();
        let engine = Engine::new(metrics.clone());
        let holder = holder(&settings.data);
        let alarms = AlarmTask::new(ledger.clone(), documents.clone(), engine.clone(), metrics.clone(), clock.clone())
            .held_by(&holder)
            .reached_at(&addresses.http_url());
        let rules = alarms.rules();
        let runs = Runs::new(ledger.clone(), documents.clone(), clock.clone());
        let parameters = Parameters::new(ledger.clone(), clock.clone());
        let secrets = Secrets::new(ledger.clone(), documents.clone(), clock.clone(), keys);
        let elsewhere = Elsewhere::new(settings.run_environment.clone());
        let values: Arc<dyn ValueSource> = Arc::new(Values { parameters: parameters.clone(), secrets: secrets.clone(), elsewhere });
        let house = House {
            runs: runs.clone(),
            ledger: ledger.clone(),
            engine: engine.clone(),
            clock: clock.clone(),
            injector: injector.clone(),
            values: values.clone(),
        };
        let runners = Runners::new(ledger.clone(), clock.clone());
        let scenarios = ScenarioPlayer {
            runners: runners.clone(),
            telemetry: Telemetry { metrics: metrics.clone(), signals: lake.clone() },
            clock: clock.clone(),
            root: settings.ops.clone(),
            environment: settings.run_environment.clone(),
            values: values.clone(),
        };
        let experiments = ExperimentPlayer {
            house,
            clock: clock.clone(),
            root: settings.ops.clone(),
            environment: settings.run_environment.clone(),
        };
        let incidents = Incidents::new(ledger.clone(), documents.clone(), clock.clone());
        let postmortems = Postmortems::new(
            ledger.clone(),
            documents.clone(),
            engine.clone(),
            sql.clone(),
            clock.clone(),
            settings.repository.clone(),
        );
        let host = GameDayHost { runs: runs.clone(), incidents: incidents.clone() };
        let game_days = GameDays::new(ledger.clone(), documents.clone(), clock.clone(), postmortems.clone(), Arc::new(host));
        let deployments = Deployments::new(ledger.clone(), documents.clone(), engine.clone(), sql.clone(), clock.clone(), values.clone(), rollouts.clone());
        let configurations = Configurations::new(documents.clone(), rollouts);
        let outgoing = RolloutTask::new(configurations.clone(), runs.clone(), clock.clone(), &holder);
        let players = Players::from([
            ("scenario", Arc::new(Scenarios { player: scenarios, sql: sql.clone(), clock: clock.clone() }) as Arc<dyn Player>),
            ("experiment", Arc::new(experiments)),
            (DEPLOYMENT, Arc::new(deployments.clone())),
            (GAME_DAY, Arc::new(GameDayPlayer { days: game_days.clone() })),
        ]);
        let executor = Arc::new(Executor::new(
            ledger.clone(),
            documents.clone(),
            engine.clone(),
            sql.clone(),
            values,
            players,
            clock.clone(),
            executor_settings(settings, addresses),
        ));
        let actions = postmortems.actions_task();
        let scale_points = ScalePoints::new(ledger.clone(), documents.clone(), engine.clone(), clock.clone());
        let runways = RunwayTask::new(scale_points.clone());
        let app = App {
            clock: clock.clone(),
            ledger: ledger.clone(),
            documents: documents.clone(),
            sink: lake.clone(),
            sql,
            metrics,
            tail: lake.clone(),
            engine,
            rules,
            incidents: incidents.clone(),
            deliveries: Deliveries::new(ledger.clone(), clock.clone()),
            runs,
            deployments: deployments.clone(),
            runners,
            parameters,
            secrets: secrets.clone(),
            scale_points,
            postmortems,
            game_days: game_days.clone(),
            configurations,
            tasks: driver.clone(),
            access: settings.access.clone(),
            about: Arc::new(about(settings, addresses, clock)),
            shutdown: shutdown.clone(),
        };
        let tasks: Vec<Arc<dyn Task>> = vec![
            Arc::new(alarms),
            Arc::new(EventRuleTask::new(ledger.clone(), documents.clone(), clock.clone()).held_by(&holder)),
            Arc::new(CanaryTask::new(ledger.clone(), documents.clone(), app.metrics.clone(), clock.clone(), SERVER).held_by(&holder)),
            Arc::new(IncidentTask::new(incidents)),
            Arc::new(NotifyTask::new(ledger.clone(), clock.clone()).held_by(&holder)),
            executor.clone(),
            Arc::new(actions),
            Arc::new(game_days.task()),
            Arc::new(UndoTask::new(deployments)),
            Arc::new(secrets.task()),
        ];
        Self { app, executor, tasks, timed: vec![Arc::new(runways)], following: vec![Arc::new(outgoing)] }
    }

    fn run(&self, driver: &Driver, ledger: &Ledger, lake: &Lake) {
        for task in &self.tasks {
            driver.spawn(task.clone(), ledger.watch());
        }
        for task in &self.following {
            driver.spawn(task.clone(), with_documents(ledger.watch(), self.app.documents.clone(), self.app.shutdown.clone()));
        }
        for task in &self.timed {
            // Its sender is gone: nothing but time wakes it.
            driver.spawn(task.clone(), watch::channel(0).1);
        }
        for (task, wake) in lake.tasks() {
            driver.spawn(task, wake);
        }
    }
}

/// Wakes by the ledger and by the documents.
fn with_documents(mut ledger: watch::Receiver<u64>, mut documents: watch::Receiver<Arc<Loaded>>, shutdown: CancellationToken) -> watch::Receiver<u64> {
    let (wakes, woken) = watch::channel(0);
    let follow = async move {
        loop {
            let changed = tokio::select! {
                changed = ledger.changed() => changed,
                changed = documents.changed() => changed,
            };
            if changed.is_err() || wakes.is_closed() {
                return;
            }
            wakes.send_modify(|count| *count += 1);
        }
    };
    tokio::spawn(shutdown.run_until_cancelled_owned(follow));
    woken
}

fn executor_settings(settings: &Settings, addresses: &Addresses) -> ExecutorSettings {
    ExecutorSettings {
        holder: holder(&settings.data),
        data_dir: settings.data.join("runs"),
        base_url: addresses.http_url(),
        environment: settings.run_environment.clone(),
        ..ExecutorSettings::default()
    }
}

/// This server's name among those that share a ledger: the same after a restart on the same folder.
fn holder(data: &Path) -> String {
    let folder = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", host.trim(), folder.display())
}

fn about(settings: &Settings, addresses: &Addresses, clock: &SharedClock) -> About {
    About {
        started_at: clock.now(),
        ledger: without_password(&settings.ledger),
        lake: settings.lake.clone().unwrap_or_else(|| settings.data.join("lake").display().to_string()),
        ops: settings.ops.display().to_string(),
        otlp_grpc: format!("http://{}", addresses.otlp_grpc),
        otlp_http: format!("http://{}", addresses.otlp_http),
    }
}

/// `postgres://user:secret@host/db` → `postgres://user@host/db`
fn without_password(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?))) {
        Some((scheme, (credentials, host))) => {
            format!("{scheme}://{}@{host}", credentials.split(':').next().unwrap_or_default())
        }
        None => url.to_owned(),
    }
}

/// Bound before anything else is done, so that an address in use is told at once.
struct Sockets {
    http: TcpListener,
    otlp_grpc: TcpListener,
    otlp_http: TcpListener,
}

impl Sockets {
    async fn bind(settings: &Settings) -> anyhow::Result<Self> {
        async fn bind(flag: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
            let message = || format!("{flag} {address} cannot be listened on; choose another address, or port 0 for a free one");
            TcpListener::bind(address).await.with_context(message)
        }
        Ok(Self {
            http: bind("--listen", settings.listen).await?,
            otlp_grpc: bind("--otlp-grpc", settings.otlp_grpc).await?,
            otlp_http: bind("--otlp-http", settings.otlp_http).await?,
        })
    }

    fn addresses(&self) -> std::io::Result<Addresses> {
        Ok(Addresses {
            http: self.http.local_addr()?,
            otlp_grpc: self.otlp_grpc.local_addr()?,
            otlp_http: self.otlp_http.local_addr()?,
        })
    }

    fn serve(self, app: App, lake: &Arc<Lake>, access: &Access, shutdown: &CancellationToken) -> JoinSet<()> {
        let limits = Limits::default();
        let grpc = server::telemetry::otlp_grpc::router(lake.clone(), limits);
        let http = server::telemetry::otlp_http::router(lake.clone(), limits);
        let surface = server::router(app).layer(middleware::from_fn(observe::measure));
        let mut listeners = JoinSet::new();
        listeners.spawn(listen(self.http, surface, shutdown.clone()));
        listeners.spawn(listen(self.otlp_grpc, server::for_senders(grpc, access), shutdown.clone()));
        listeners.spawn(listen(self.otlp_http, server::for_senders(http, access), shutdown.clone()));
        listeners
    }
}

async fn listen(socket: TcpListener, router: Router, shutdown: CancellationToken) {
    let served = axum::serve(socket, router).with_graceful_shutdown(shutdown.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "a listener failed");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(super::without_password("postgres://u:secret@db/x"), "postgres://u@db/x");
        assert_eq!(super::without_password("sqlite:/a@b"), "sqlite:/a@b");
    }
}
