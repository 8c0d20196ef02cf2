//! A store that fails, or a process that ends, at each step of a flush in turn.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use lake::Store;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result};
use tempfile::TempDir;

use crate::support::*;

/// Counts its writes, and fails from one of them on: before it took effect, or after.
#[derive(Debug)]
struct Failing {
    inner: Arc<InMemory>,
    writes_left: AtomicUsize,
    after: bool,
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a failing store")
    }
}

impl Failing {
    fn spend(&self) -> bool {
        self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

fn broken() -> object_store::Error {
    object_store::Error::Generic { store: "failing", source: "as the test wants it".into() }
}

#[async_trait]
impl ObjectStore for Failing {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if self.spend() {
            return self.inner.put_opts(location, payload, options).await;
        }
        if self.after {
            self.inner.put_opts(location, payload, options).await?;
        }
        Err(broken())
    }

    async fn put_multipart_opts(&self, location: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

async fn assert_three_of_each(lake: &lake::Lake, when: &str) {
    for table in ["logs", "spans", "metrics"] {
        assert_eq!(lines(lake, &format!("SELECT count(*) FROM {table}")).await, ["3"], "{table}, {when}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_that_fails_at_any_step_loses_and_doubles_nothing() {
    // Three signals, each with a file and the manifest.
    for step in 0..=6 {
        for after in [false, true] {
            let when = format!("failing at write {step}, after it took effect: {after}");
            let folder = TempDir::new().unwrap();
            let objects = Arc::new(InMemory::new());
            let failing = Failing { inner: objects.clone(), writes_left: AtomicUsize::new(step), after };
            let lake = open_on(folder.path(), Store::over(Arc::new(failing))).await;
            for number in 1..=3u8 {
                write_log(&lake, log("orders", i64::from(number), "line")).await;
                write_span(&lake, span("orders", i64::from(number), number, true)).await;
                write_metrics(&lake, gauge("orders", "level", i64::from(number) * 1_000, &[1.0])).await;
            }
            let flushed = lake.flush().await;
            assert_eq!(flushed.is_ok(), step == 6, "{when}");
            assert_three_of_each(&lake, &when).await;
            drop(lake);

            let lake = open_on(folder.path(), Store::over(objects)).await;
            assert_three_of_each(&lake, &format!("{when}, after a restart")).await;
            lake.flush().await.unwrap();
            assert_three_of_each(&lake, &format!("{when}, flushed after a restart")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_that_failed_is_made_good_by_the_next() {
    let folder = TempDir::new().unwrap();
    let objects = Arc::new(InMemory::new());
    let failing = Arc::new(Failing { inner: objects, writes_left: AtomicUsize::new(1), after: false });
    let lake = open_on(folder.path(), Store::over(failing.clone())).await;
    write_log(&lake, log("orders", 0, "line")).await;
    lake.flush().await.unwrap_err();
    write_log(&lake, log("orders", 1, "line")).await;
    failing.writes_left.store(100, Ordering::SeqCst);
    assert_eq!(lake.flush().await.unwrap(), 2);
    assert_eq!(lines(&lake, "SELECT count(*) FROM logs").await, ["2"]);
}
