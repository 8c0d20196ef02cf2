//! `mainstay init`: a first folder of documents for the repository it stands in. Asks nothing, never overwrites.

mod guess;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::EXIT_COULD_NOT_RUN;
use guess::Guess;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to write
    #[arg(value_name = "DIR", default_value = "ops")]
    folder: PathBuf,
}

/// A file to write: its path, its text, and what it is for.
struct Template {
    path: &'static str,
    text: &'static str,
    purpose: &'static str,
}

const TEMPLATES: [Template; 6] = [
    Template { path: "workload.yaml", text: include_str!("files/workload.yaml"), purpose: "settings of the whole folder" },
    Template { path: "catalog.yaml", text: include_str!("files/catalog.yaml"), purpose: "what there is, and who owns it" },
    Template { path: "alarms.yaml", text: include_str!("files/alarms.yaml"), purpose: "when something is wrong" },
    Template { path: "response.yaml", text: include_str!("files/response.yaml"), purpose: "what happens then" },
    Template { path: "runbooks/diagnose.md", text: include_str!("files/runbooks/diagnose.md"), purpose: "a playbook that looks for the cause" },
    Template { path: "runbooks/restart.md", text: include_str!("files/runbooks/restart.md"), purpose: "a runbook that waits for approval" },
];

/// Beside the documents, where editors find them; hidden, so that they are no clutter.
const SCHEMAS: &str = ".schemas";

/// What became of one file.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Written,
    Kept,
}

pub fn run(args: Args) -> ExitCode {
    let guess = Guess::at(Path::new("."));
    match write_all(&args.folder, &guess) {
        Ok(outcomes) => {
            print!("{}", told(&args.folder, &guess, &outcomes));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("mainstay: cannot write {}: {error}", args.folder.display());
            ExitCode::from(EXIT_COULD_NOT_RUN)
        }
    }
}

fn write_all(folder: &Path, guess: &Guess) -> io::Result<Vec<Outcome>> {
    for schema in documents::schema::ALL {
        let path = folder.join(SCHEMAS).join(format!("{}.json", schema.name));
        write_new(&path, schema.text)?;
    }
    TEMPLATES.iter().map(|template| write_new(&folder.join(template.path), &filled(template.text, guess))).collect()
}

/// Creates the file unless there is one already.
fn write_new(path: &Path, text: &str) -> io::Result<Outcome> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| Outcome::Written),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Outcome::Kept),
        Err(error) => Err(error),
    }
}

fn filled(text: &str, guess: &Guess) -> String {
    text.replace("@component@", &guess.component).replace("@owner@", &guess.owner).replace("@user@", &guess.user)
}

fn told(folder: &Path, guess: &Guess, outcomes: &[Outcome]) -> String {
    let mut text = format!("A first folder for {}, owned by {}:\n\n", guess.component, guess.owner);
    for (template, outcome) in TEMPLATES.iter().zip(outcomes) {
        let path = folder.join(template.path).display().to_string();
        let kept = if *outcome == Outcome::Kept { " (was there already, left as it is)" } else { "" };
        text.push_str(&format!("  {path:<28} {}{kept}\n", template.purpose));
    }
    let folder = folder.display();
    text.push_str(&format!(
        "\nNext:\n  1. correct the names in {folder}/catalog.yaml\n  2. mainstay check {folder}\n  \
         3. mainstay serve --ops {folder} --data .mainstay\n  \
         4. send telemetry: OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 and start your service\n"
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess() -> Guess {
        Guess { component: "orders".to_owned(), owner: "payments".to_owned(), user: "jo".to_owned() }
    }

    #[test]
    fn the_first_folder_passes_its_own_check() {
        let folder = tempfile::tempdir().unwrap();
        write_all(folder.path(), &guess()).unwrap();
        let loaded = documents::load(folder.path());
        assert_eq!(documents::report::text(&loaded, false), "6 files with documents: no problems\n");
        assert!(!loaded.graph.rule_groups.is_empty() && !loaded.graph.event_rules.is_empty());
        assert_eq!(loaded.graph.runbooks.len(), 2);
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("catalog.yaml"), "mine").unwrap();
        let outcomes = write_all(folder.path(), &guess()).unwrap();
        assert_eq!((&outcomes[0], &outcomes[1]), (&Outcome::Written, &Outcome::Kept));
        assert_eq!(fs::read_to_string(folder.path().join("catalog.yaml")).unwrap(), "mine");
    }

    #[test]
    fn every_schema_hint_points_to_a_schema_that_is_written() {
        let folder = tempfile::tempdir().unwrap();
        write_all(folder.path(), &guess()).unwrap();
        for template in TEMPLATES.iter().filter(|template| template.path.ends_with(".yaml")) {
            let hint = template.text.lines().find_map(|line| line.strip_prefix("# yaml-language-server: $schema="));
            assert!(folder.path().join(hint.unwrap()).is_file(), "{}", template.path);
        }
    }
}
