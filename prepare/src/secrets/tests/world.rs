//! What the tests stand on.

use std::path::Path;
use std::sync::Arc;

use documents::Loaded;
use documents::value::SecretAt;
use kernel::{SharedClock, SystemClock};
use ledger::{Actor, Event, EventFilter, Ledger, Secret};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

use crate::secrets::keys::{KeySource, Keys};
use crate::secrets::{Asking, Principal, SecretError, Secrets};

/// `jo` is of the team `payments`, which owns `orders`; `ann` is of `security`; `bob` is of nobody.
pub const DOCUMENTS: &str = "
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: payments }
spec: { type: team, children: [], members: [jo] }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: security }
spec: { type: team, children: [], members: [ann] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: jo }
spec: { memberOf: [] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: ann }
spec: { memberOf: [] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: bob }
spec: { memberOf: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: orders }
spec: { type: service, lifecycle: production, owner: payments }
---
apiVersion: mainstay.dev/v1
kind: Workload
metadata: { name: shop }
spec:
  secrets:
    - { path: /shop/orders/keys, readers: [security] }
    - { path: /shop/shared, readers: [\"user:jo\"], documents: [other] }
";

pub const RUNBOOK: &str = "---
apiVersion: mainstay.dev/v1
kind: Runbook
metadata: { name: NAME }
spec: { component: orders }
---
```bash
true
```
";

pub struct World {
    pub folder: tempfile::TempDir,
    pub ledger: Ledger,
    pub secrets: Secrets,
    graph: watch::Sender<Arc<Loaded>>,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ops = folder.path().join("ops");
        std::fs::create_dir(&ops).unwrap();
        std::fs::write(ops.join("all.yaml"), DOCUMENTS).unwrap();
        for name in ["restart", "other"] {
            let text = RUNBOOK.replace("NAME", name);
            let text = if name == "other" { text.replace("spec: { component: orders }\n", "") } else { text };
            std::fs::write(ops.join(format!("{name}.md")), text).unwrap();
        }
        let loaded = documents::load(&ops);
        assert_eq!(loaded.diagnostics, []);
        let graph = watch::Sender::new(Arc::new(loaded));
        let (ledger, secrets) = open(folder.path(), &graph).await;
        Self { folder, ledger, secrets, graph }
    }

    /// As after kill -9: nothing is kept but the files.
    pub async fn restart(&mut self) {
        (self.ledger, self.secrets) = open(self.folder.path(), &self.graph).await;
    }

    /// The same ledger with other master keys.
    pub fn with_keys(&self, first: KeySource, older: Vec<KeySource>) -> Secrets {
        let keys = Arc::new(Keys::new(first, older));
        Secrets::new(self.ledger.clone(), self.graph.subscribe(), Arc::new(SystemClock), keys)
    }

    pub fn key_file(&self) -> KeySource {
        key_file(self.folder.path())
    }

    pub async fn put(&self, path: &str, value: &str) -> Secret {
        self.secrets.put(path, &value.into(), None, false, &user("jo")).await.unwrap()
    }

    pub async fn read(&self, path: &str, at: SecretAt) -> Result<String, SecretError> {
        read(&self.secrets, path, at).await
    }

    pub async fn events(&self, path: &str) -> Vec<Event> {
        self.ledger.events(&EventFilter { subject: Some(path.to_owned()), ..EventFilter::default() }).await.unwrap()
    }
}

async fn open(folder: &Path, graph: &watch::Sender<Arc<Loaded>>) -> (Ledger, Secrets) {
    let clock: SharedClock = Arc::new(SystemClock);
    let ledger = Ledger::open(&format!("sqlite:{}", folder.join("ledger.db").display()), clock.clone()).await.unwrap();
    let keys = Arc::new(Keys::new(key_file(folder), Vec::new()));
    (ledger.clone(), Secrets::new(ledger, graph.subscribe(), clock, keys))
}

fn key_file(folder: &Path) -> KeySource {
    KeySource::File(folder.join("master.key"))
}

/// As `jo`, who may.
pub async fn read(secrets: &Secrets, path: &str, at: SecretAt) -> Result<String, SecretError> {
    let (_, value): (i64, SecretString) = secrets.read(path, &at, &asking(Principal::person(&user("jo")))).await?;
    Ok(value.expose_secret().to_owned())
}

pub fn asking(principal: Principal) -> Asking {
    Asking { principal, why: "a test".to_owned(), run: None }
}

pub fn user(name: &str) -> Actor {
    Actor(format!("user:default/{name}"))
}
