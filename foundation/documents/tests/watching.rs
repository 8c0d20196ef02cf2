//! A folder is followed: what changes on disk arrives without asking.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use mainstay_documents::{Loaded, watch};

const WORKLOAD: &str = "apiVersion: mainstay.dev/v1\nkind: Workload\nmetadata: { name: NAME }\n";

async fn arrives(documents: &mut tokio::sync::watch::Receiver<Arc<Loaded>>, wanted: impl Fn(&Loaded) -> bool) -> Arc<Loaded> {
    let arrived = tokio::time::timeout(Duration::from_secs(30), documents.wait_for(|loaded| wanted(loaded))).await;
    arrived.expect("the change arrives in time").expect("the folder is still followed").clone()
}

#[tokio::test]
async fn changes_arrive_and_broken_documents_leave() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("workload.yaml");
    fs::write(&file, WORKLOAD.replace("NAME", "one")).unwrap();
    let mut documents = watch(folder.path());
    assert_eq!(documents.borrow().graph.workload.name, "one");

    fs::write(&file, WORKLOAD.replace("NAME", "two")).unwrap();
    arrives(&mut documents, |loaded| loaded.graph.workload.name == "two").await;

    fs::write(&file, "apiVersion: mainstay.dev/v1\nkind: Workload\n").unwrap();
    let broken = arrives(&mut documents, |loaded| !loaded.diagnostics.is_empty()).await;
    assert_eq!(broken.graph.workload.name, "workload", "the default, until it is mended");
}

#[tokio::test]
async fn a_folder_that_goes_away_keeps_its_last_graph_and_may_come_back() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("ops");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("workload.yaml"), WORKLOAD.replace("NAME", "one")).unwrap();
    let mut documents = watch(&folder);

    fs::rename(&folder, parent.path().join("away")).unwrap();
    let gone = arrives(&mut documents, |loaded| !loaded.diagnostics.is_empty()).await;
    assert_eq!(gone.graph.workload.name, "one");

    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("workload.yaml"), WORKLOAD.replace("NAME", "three")).unwrap();
    arrives(&mut documents, |loaded| loaded.graph.workload.name == "three").await;
}
