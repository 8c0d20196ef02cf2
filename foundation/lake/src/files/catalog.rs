//! The manifest, and the one way to change it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use telemetry::ports::Metadata;

use super::{DataFile, FileMeta, Store, StoreError};
use crate::error::LakeError;
use crate::signal::SignalName;

const MANIFEST: &str = "manifest.json";
const VERSION: u32 = 1;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    /// The next file's sequence number.
    next_sequence: u64,
    signals: BTreeMap<SignalName, Extent>,
    /// What the metrics are, by name.
    #[serde(default)]
    metadata: BTreeMap<String, MetricMetadata>,
}

/// What the files hold of one signal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Extent {
    /// The last segment of the write-ahead log that is in the files as a whole.
    flushed_through: u64,
    files: Vec<FileMeta>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct MetricMetadata {
    kind: String,
    help: String,
    unit: String,
}

/// A step from one set of files to the next.
#[derive(Debug, Default)]
pub struct Change {
    pub add: Vec<FileMeta>,
    /// Paths.
    pub remove: Vec<String>,
    /// The log's segments up to this one are in the files now.
    pub flushed_through: Option<u64>,
    pub metadata: Vec<Metadata>,
}

/// The files that count. Changed through [`commit`](Self::commit) only.
#[derive(Debug)]
pub struct Catalog {
    store: Store,
    manifest: tokio::sync::Mutex<Manifest>,
    /// No longer in the manifest; deleted once nobody reads them.
    trash: Mutex<Vec<Arc<DataFile>>>,
}

impl Catalog {
    /// Reads the manifest, or begins one, and deletes the files that it does not name: a crash left them.
    pub async fn open(store: Store) -> Result<Self, LakeError> {
        let manifest = match store.get(MANIFEST).await? {
            Some(bytes) => parse(&bytes)?,
            None => Manifest { version: VERSION, next_sequence: 1, signals: BTreeMap::new(), metadata: BTreeMap::new() },
        };
        delete_orphans(&store, &manifest).await?;
        Ok(Self { store, manifest: tokio::sync::Mutex::new(manifest), trash: Mutex::default() })
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub async fn files(&self, signal: SignalName) -> Vec<Arc<DataFile>> {
        let manifest = self.manifest.lock().await;
        let files = manifest.signals.get(&signal).map(|extent| extent.files.as_slice()).unwrap_or_default();
        files.iter().cloned().map(DataFile::new).map(Arc::new).collect()
    }

    pub async fn flushed_through(&self, signal: SignalName) -> u64 {
        self.manifest.lock().await.signals.get(&signal).map_or(0, |extent| extent.flushed_through)
    }

    pub async fn metadata(&self) -> Vec<Metadata> {
        let manifest = self.manifest.lock().await;
        let metadata = manifest.metadata.iter().map(|(name, about)| Metadata {
            name: name.clone(),
            kind: about.kind.clone(),
            help: about.help.clone(),
            unit: about.unit.clone(),
        });
        metadata.collect()
    }

    pub async fn next_sequence(&self) -> u64 {
        let mut manifest = self.manifest.lock().await;
        manifest.next_sequence += 1;
        manifest.next_sequence - 1
    }

    /// Makes the change durable, then lets `publish` show it, before any other change can be made.
    pub async fn commit(&self, signal: SignalName, change: Change, publish: impl FnOnce()) -> Result<(), StoreError> {
        let mut manifest = self.manifest.lock().await;
        let mut next = manifest.clone();
        let extent = next.signals.entry(signal).or_default();
        extent.files.retain(|file| !change.remove.contains(&file.path));
        extent.files.extend(change.add);
        extent.files.sort_by_key(|file| (file.first_ns, file.sequence));
        extent.flushed_through = change.flushed_through.unwrap_or(extent.flushed_through);
        for Metadata { name, kind, help, unit } in change.metadata {
            next.metadata.insert(name, MetricMetadata { kind, help, unit });
        }
        let bytes = serde_json::to_vec_pretty(&next).expect("a manifest has only text keys");
        self.store.put(MANIFEST, bytes.into()).await?;
        *manifest = next;
        publish();
        Ok(())
    }

    /// Takes files out of use that a commit has removed.
    pub fn discard(&self, files: impl IntoIterator<Item = Arc<DataFile>>) {
        self.trash.lock().extend(files);
    }

    /// Deletes discarded files that nobody reads any more.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let unused: Vec<_> = {
            let mut trash = self.trash.lock();
            let all = std::mem::take(&mut *trash);
            let (used, unused) = all.into_iter().partition(|file| Arc::strong_count(file) > 1);
            *trash = used;
            unused
        };
        for (done, file) in unused.iter().enumerate() {
            if let Err(error) = self.store.delete(&file.meta.path).await {
                self.trash.lock().extend(unused[done..].iter().cloned());
                return Err(error);
            }
        }
        Ok(unused.len())
    }
}

fn parse(bytes: &[u8]) -> Result<Manifest, LakeError> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|source| LakeError::Manifest { reason: source.to_string() })?;
    if manifest.version > VERSION {
        let reason = format!("it has version {}, this build knows versions up to {VERSION}", manifest.version);
        return Err(LakeError::Manifest { reason });
    }
    Ok(manifest)
}

async fn delete_orphans(store: &Store, manifest: &Manifest) -> Result<(), StoreError> {
    let named: HashSet<&str> = manifest.signals.values().flat_map(|extent| &extent.files).map(|file| file.path.as_str()).collect();
    for signal in SignalName::ALL {
        for path in store.list(signal.folder()).await? {
            if !named.contains(path.as_str()) {
                tracing::info!(path, "deleting a file that was written but never committed");
                store.delete(&path).await?;
            }
        }
    }
    Ok(())
}
