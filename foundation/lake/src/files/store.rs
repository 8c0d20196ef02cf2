//! The object store, with writes that are durable when they return.

use std::fs::File;
use std::io;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("a lake cannot lie at `{url}`: {reason}; give a folder, `file:///folder` or `memory:`")]
    Url { url: String, reason: String },
    #[error("the lake's folder {} cannot be used", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error(transparent)]
    Object(#[from] object_store::Error),
    #[error("{} could not be made durable", path.display())]
    Sync { path: PathBuf, source: io::Error },
}

#[derive(Debug, Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    /// Where the objects lie, if that is a folder of this machine.
    folder: Option<Arc<FsPath>>,
}

impl Store {
    /// A folder, `file:///folder`, or `memory:`.
    pub fn from_url(url: &str) -> Result<Self, StoreError> {
        if url == "memory:" || url == "memory://" {
            return Ok(Self::memory());
        }
        match url.split_once("://") {
            None => Self::folder(FsPath::new(url)),
            Some(("file", path)) if path.starts_with('/') => Self::folder(FsPath::new(path)),
            Some(("file", _)) => Err(StoreError::Url { url: url.to_owned(), reason: "a file URL needs three slashes".to_owned() }),
            Some((scheme, _)) => Err(StoreError::Url { url: url.to_owned(), reason: format!("this build knows no `{scheme}` stores") }),
        }
    }

    pub fn folder(folder: &FsPath) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Folder { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let folder = folder.canonicalize().map_err(failed)?;
        let objects = Arc::new(LocalFileSystem::new_with_prefix(&folder)?);
        Ok(Self { objects, folder: Some(folder.into()) })
    }

    pub fn memory() -> Self {
        Self::over(Arc::new(InMemory::new()))
    }

    /// Over any store whose writes are durable when they return.
    pub fn over(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, folder: None }
    }

    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    /// Writes an object as a whole, in place of any that is there.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.objects.put(&Path::from(path), bytes.into()).await?;
        let Some(root) = self.folder.clone() else { return Ok(()) };
        let path = path.to_owned();
        let synced = tokio::task::spawn_blocking(move || sync_up(&root, &path)).await;
        synced.unwrap_or_else(|panic| Err(StoreError::Sync { path: PathBuf::new(), source: io::Error::other(panic) }))
    }

    /// None if there is no such object.
    pub async fn get(&self, path: &str) -> Result<Option<Bytes>, StoreError> {
        match self.objects.get(&Path::from(path)).await {
            Ok(object) => Ok(Some(object.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Deleting what is not there is no error.
    pub async fn delete(&self, path: &str) -> Result<(), StoreError> {
        match self.objects.delete(&Path::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let objects = self.objects.list(Some(&Path::from(folder)));
        Ok(objects.map_ok(|object| object.location.to_string()).try_collect().await?)
    }
}

/// Syncs a file and the folders above it, up to the root: its bytes and its name must survive a power cut.
fn sync_up(root: &FsPath, path: &str) -> Result<(), StoreError> {
    let file = root.join(path);
    for place in file.ancestors().take_while(|place| place.starts_with(root)) {
        let synced = File::open(place).and_then(|opened| opened.sync_all());
        synced.map_err(|source| StoreError::Sync { path: place.to_owned(), source })?;
    }
    Ok(())
}
