//! A deployment shifts a real nginx by the worked example in `examples/routers/nginx`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;

use crate::fixture::deployments::{JO, ORDERS, promote};
use crate::fixture::server::ServerSettings;
use crate::fixture::{client, eventually, repository};

const LIMIT: Duration = Duration::from_secs(30);
const USERS: usize = 300;

const ROLLOUT: &str = "apiVersion: mainstay.dev/v1
kind: Deployment
metadata: { name: orders-rollout }
spec:
  component: orders
  environments:
    - name: production
      router: { command: { set: [SCRIPT] } }
      strategy: { steps: [{ percent: 20, hold: 1h }] }
";

#[tokio::test]
async fn a_deployment_shifts_nginx_and_who_moved_stays() {
    let (first, second) = (release("1").await, release("2").await);
    let nginx = Nginx::start(&first, &second).await;
    let script = repository("examples/routers/nginx/set-weight.sh").canonicalize().unwrap();
    let server = ServerSettings::new()
        .document("catalog.yaml", ORDERS)
        .document("rollout.yaml", &ROLLOUT.replace("SCRIPT", &script.display().to_string()))
        .variable("SHARES", &nginx.shares().display().to_string())
        .variable("NGINX", &nginx.call())
        .start()
        .await;
    assert_eq!(nginx.users_of("2").await.len(), 0);

    let request = json!({ "document": "orders-rollout", "parameters": { "version": "2", "from": "1" } });
    let run = server.post("api/runs", JO, request).await["id"].as_str().unwrap().to_owned();
    // An old worker of nginx answers until it has ended.
    let moved = eventually("a fifth of the users has moved", LIMIT, async || {
        let moved = nginx.users_of("2").await;
        (USERS / 8..USERS / 3).contains(&moved.len()).then_some(moved)
    });
    let moved = moved.await;
    promote(&server, &run, 0).await;
    let all = eventually("everybody has moved", LIMIT, async || Some(nginx.users_of("2").await).filter(|moved| moved.len() == USERS)).await;
    assert!(all.is_superset(&moved));
    eventually("the deployment's end", LIMIT, async || (server.get(&format!("api/runs/{run}")).await["run"]["status"] == "succeeded").then_some(())).await;

    // What nginx refuses is not left behind, and the deployment tells nginx's own words.
    let request = json!({ "document": "orders-rollout", "parameters": { "version": "3 broken;", "from": "2" } });
    let run = server.post("api/runs", JO, request).await["id"].as_str().unwrap().to_owned();
    let path = format!("api/events?type=dev.mainstay.deployment.rollingback&run={run}");
    let reason = eventually("nginx's refusal", LIMIT, async || Some(server.get(&path).await.as_array()?.first()?["data"]["reason"].to_string())).await;
    assert!(reason.contains("[emerg]") && reason.contains("shares.conf"), "{reason}");
    assert_eq!(nginx.users_of("2").await.len(), USERS);
}

/// Answers its name; the address.
async fn release(name: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = axum::Router::new().route("/", axum::routing::get(async move || name));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Ended when dropped.
struct Nginx {
    child: Child,
    folder: tempfile::TempDir,
    url: String,
}

impl Nginx {
    async fn start(first: &str, second: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listen = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
        let shown = folder.path().display().to_string();
        let config = std::fs::read_to_string(repository("examples/routers/nginx/nginx.conf")).unwrap();
        let config = config.replace("FOLDER", &shown).replace("FIRST", first).replace("SECOND", second).replace("LISTEN", &listen);
        std::fs::write(folder.path().join("nginx.conf"), config).unwrap();
        std::fs::write(folder.path().join("shares.conf"), "split_clients \"$http_x_user\" $orders { * orders_1; }").unwrap();
        let child = Command::new(program()).args(arguments(folder.path())).args(["-g", "daemon off;"]).stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("nginx starts");
        let nginx = Self { child, folder, url: format!("http://{listen}/") };
        eventually("nginx answers", LIMIT, async || client().get(&nginx.url).send().await.ok().filter(|answer| answer.status().is_success())).await;
        nginx
    }

    fn shares(&self) -> PathBuf {
        self.folder.path().join("shares.conf")
    }

    /// As a shell takes it.
    fn call(&self) -> String {
        format!("{} {}", program().display(), arguments(self.folder.path()).join(" "))
    }

    /// Who is answered by a release.
    async fn users_of(&self, release: &str) -> BTreeSet<usize> {
        let client = client();
        let mut users = BTreeSet::new();
        for user in 0..USERS {
            // A connection of its own: one that waits ends with its worker, maybe just as the next request goes out.
            let request = client.get(&self.url).header("x-user", format!("user-{user}")).header("connection", "close");
            let answer = request.send().await.expect("nginx answers all the time");
            assert!(answer.status().is_success(), "{}", answer.status());
            if answer.text().await.unwrap() == release {
                users.insert(user);
            }
        }
        users
    }
}

impl Drop for Nginx {
    /// Its workers end with it only if it is asked.
    fn drop(&mut self) {
        if let Some(process) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

fn arguments(folder: &Path) -> [String; 4] {
    ["-p".to_owned(), folder.display().to_string(), "-c".to_owned(), folder.join("nginx.conf").display().to_string()]
}

/// Debian keeps it where only root looks.
fn program() -> PathBuf {
    let folders = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    folders.into_iter().chain([PathBuf::from("/usr/sbin")]).map(|folder| folder.join("nginx")).find(|path| path.is_file()).expect("nginx is installed; run the tests by `cargo xtask test`")
}
