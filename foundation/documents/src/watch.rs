//! Follows a folder: reads it again when it changes.
//!
//! A document that breaks leaves the graph until it is mended; the rest goes on working. If the whole
//! folder cannot be read (it is being replaced), the last graph stays and the diagnostics say why.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::watch;

use crate::graph::{Graph, Loaded};
use crate::load::{Options, load_with};
use crate::revision;

/// A change often comes as several events; reading waits until they end.
const QUIET: Duration = Duration::from_millis(100);
/// How often a commit (whose files lie outside the folder) and the end of all receivers are looked for.
const TICK: Duration = Duration::from_secs(1);
/// Where the system cannot tell of changes, the folder is compared this often.
const POLL: Duration = Duration::from_secs(2);

/// The first reading is done when this returns. The folder is followed until every receiver is gone.
pub fn watch(root: &Path) -> watch::Receiver<Arc<Loaded>> {
    watch_with(root, Options::default())
}

pub fn watch_with(root: &Path, options: Options) -> watch::Receiver<Arc<Loaded>> {
    let follower = Follower { root: root.to_owned(), options };
    // Watching begins before reading, so that no change falls between the two.
    let changes = Changes::of(root);
    let sender = watch::Sender::new(Arc::new(load_with(&follower.root, &follower.options)));
    let receiver = sender.subscribe();
    let started = std::thread::Builder::new().name("documents".to_owned()).spawn(move || follower.follow(changes, &sender));
    if let Err(error) = started {
        tracing::error!(%error, "the documents are not followed; restart to read them again");
    }
    receiver
}

struct Follower {
    root: PathBuf,
    options: Options,
}

impl Follower {
    fn follow(&self, mut changes: Changes, sender: &watch::Sender<Arc<Loaded>>) {
        let mut present = self.root.is_dir();
        while !sender.is_closed() {
            let changed = changes.wait();
            let back = self.root.is_dir() && !present;
            if back {
                // What told of changes told of the old folder.
                changes = Changes::of(&self.root);
            }
            if changed || back || present != self.root.is_dir() || revision::of(&self.root) != sender.borrow().graph.revision {
                present = self.root.is_dir();
                self.reload(sender);
            }
        }
    }

    fn reload(&self, sender: &watch::Sender<Arc<Loaded>>) {
        let mut loaded = load_with(&self.root, &self.options);
        if !self.root.is_dir() {
            loaded.graph = Graph { revision: loaded.graph.revision, ..sender.borrow().graph.clone() };
        }
        tracing::info!(files = loaded.files, problems = loaded.diagnostics.len(), "documents read again");
        sender.send_replace(Arc::new(loaded));
    }
}

/// Tells of changes below a folder.
struct Changes {
    events: Receiver<()>,
    /// Stops telling when dropped. `None` if nothing on this machine can tell.
    watcher: Option<Box<dyn Watcher + Send>>,
}

impl Changes {
    fn of(root: &Path) -> Self {
        let (sender, events) = channel();
        let tell = move |event: notify::Result<Event>| {
            // Reading the folder is no change of it.
            if event.as_ref().is_ok_and(|event| matches!(event.kind, EventKind::Access(_)) || only_git(event)) {
                return;
            }
            // The receiver is gone only when nobody follows any more.
            let _ = sender.send(());
        };
        let native = RecommendedWatcher::new(tell.clone(), Config::default()).and_then(|mut watcher| {
            watcher.watch(root, RecursiveMode::Recursive)?;
            Ok(Box::new(watcher) as Box<dyn Watcher + Send>)
        });
        let watcher = native.or_else(|error| {
            tracing::info!(%error, "the system cannot tell of changed documents; comparing them instead");
            let mut watcher = PollWatcher::new(tell, Config::default().with_poll_interval(POLL))?;
            watcher.watch(root, RecursiveMode::Recursive)?;
            Ok::<_, notify::Error>(Box::new(watcher) as Box<dyn Watcher + Send>)
        });
        if let Err(error) = &watcher {
            tracing::warn!(%error, folder = %root.display(), "changes of documents are seen only at the next commit");
        }
        Self { events, watcher: watcher.ok() }
    }

    /// Waits one tick at most; true once something changed and it is quiet again.
    fn wait(&self) -> bool {
        if self.watcher.is_none() {
            std::thread::sleep(TICK);
            return false;
        }
        match self.events.recv_timeout(TICK) {
            Ok(()) => {
                let latest = Instant::now() + TICK;
                while self.events.recv_timeout(QUIET).is_ok() && Instant::now() < latest {}
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(TICK);
                false
            }
        }
    }
}

/// Git's own files change with every command; a new commit is seen by its id.
fn only_git(event: &Event) -> bool {
    !event.paths.is_empty() && event.paths.iter().all(|path| path.components().any(|part| part.as_os_str() == ".git"))
}
