//! One PostgreSQL server for the whole test binary, from the machine's own binaries.
//!
//! It lives in a temporary folder, listens on a socket in that folder only, and ends with the test
//! process, however that ends: the shell that started it reads from a pipe that closes then.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

const SCRIPT: &str = r#"
set -eu
PATH="$1:$PATH"
folder=$(mktemp -d /tmp/mainstay-postgres.XXXXXX)
trap 'pg_ctl -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$folder"' EXIT
initdb -D "$folder/data" -U mainstay -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
pg_ctl -D "$folder/data" -l "$folder/log" -w -o "-k '$folder' -c listen_addresses='' -c fsync=off -c max_connections=400" start >/dev/null 2>&1 ||
    { cat "$folder/log" >&2; exit 1; }
echo "$folder"
cat >/dev/null
"#;

struct Server {
    url: String,
    _lifeline: ChildStdin,
    _shell: Child,
}

/// The URL of a database where the tests may create schemas.
pub fn url() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    match std::env::var("MAINSTAY_TEST_POSTGRES_URL") {
        Ok(url) => url,
        Err(_) => SERVER.get_or_init(start).url.clone(),
    }
}

fn start() -> Server {
    let binaries = binaries().unwrap_or_else(|| {
        panic!(
            "PostgreSQL is missing: install it (apt-get install postgresql, brew install postgresql), \
             or set MAINSTAY_TEST_POSTGRES_URL to a database where tests may create schemas"
        )
    });
    let mut command = as_ordinary_user();
    let mut shell = command
        .args(["sh", "-c", SCRIPT, "sh"])
        .arg(&binaries)
        .current_dir("/tmp")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell starts PostgreSQL");
    let lifeline = shell.stdin.take().expect("stdin is piped");
    let mut folder = String::new();
    BufReader::new(shell.stdout.take().expect("stdout is piped"))
        .read_line(&mut folder)
        .expect("the shell tells the folder");
    assert!(!folder.is_empty(), "PostgreSQL from {} did not start; its log is above", binaries.display());
    let socket = folder.trim().replace('/', "%2F");
    Server { url: format!("postgres://mainstay@{socket}/postgres"), _lifeline: lifeline, _shell: shell }
}

/// The newest of Debian's folders, or wherever `initdb` lies in the path.
fn binaries() -> Option<PathBuf> {
    let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|version| Some((version.file_name().to_str()?.parse().ok()?, version.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").exists())
        .collect();
    debian.sort();
    let newest = debian.pop().map(|(_, folder)| folder);
    let path = std::env::var_os("PATH")?;
    newest.or_else(|| std::env::split_paths(&path).find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists()))
}

/// PostgreSQL refuses to run as root.
fn as_ordinary_user() -> Command {
    if user_id(&[]).as_deref() != Some("0") {
        return Command::new("env");
    }
    let user = if user_id(&["postgres"]).is_some() { "postgres" } else { "nobody" };
    let mut command = Command::new("runuser");
    command.args(["-u", user, "--", "env"]);
    command
}

fn user_id(user: &[&str]) -> Option<String> {
    let output = Command::new("id").arg("-u").args(user).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
