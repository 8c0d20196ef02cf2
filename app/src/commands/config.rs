//! `mainstay config …` and `mainstay flags`

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wire::config_profiles::FlagAnswer;

use crate::cli::{Format, ServerArgs};
use crate::print::{self, Answer};
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List configurations and sets of flags, with the version that each environment serves
    List {
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print what an environment serves, as it is written: for a file of local development, or to look at
    Get {
        /// The name of the profile
        profile: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Evaluate the flags of a profile for somebody
#[derive(Debug, clap::Args)]
pub struct FlagsArgs {
    /// The name of the profile
    profile: String,
    /// Only these flags
    keys: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// What is known of who asks, e.g. targetingKey=user-7; may be repeated
    #[arg(long = "context", value_name = "KEY=VALUE", value_parser = pair)]
    context: Vec<(String, Value)>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Args)]
struct Place {
    /// Which environment; may be left out if there is only one
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
}

/// As much of the API's answers as is shown here.
#[derive(Debug, Deserialize)]
struct Profile {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    broken: bool,
    environments: Vec<Environment>,
    #[serde(default)]
    contents: Vec<Content>,
}

#[derive(Debug, Deserialize)]
struct Environment {
    name: String,
    arrived: String,
    coming: Option<Coming>,
    taken_back: Option<TakenBack>,
    strategy: Option<String>,
    flags: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct Coming {
    version: String,
    weight_percent: f64,
}

#[derive(Debug, Deserialize)]
struct TakenBack {
    version: String,
}

#[derive(Debug, Deserialize)]
struct Content {
    environment: String,
    text: String,
}

pub async fn run(args: ConfigArgs) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List { format, server } => {
            let session = Session::open(&server).await?;
            let profiles: Vec<Profile> = session.client.get("api/config-profiles", &[]).await?;
            session.close().await;
            print::table(&list(&profiles), format)?;
        }
        Action::Get { profile, place, server } => {
            let session = Session::open(&server).await?;
            let profile: Profile = session.client.get(&format!("api/config-profiles/{profile}"), &[]).await?;
            session.close().await;
            let environment = environment(&profile, &place)?;
            let content = profile.contents.iter().find(|content| content.environment == environment);
            std::io::stdout().write_all(content.context("the environment has no content")?.text.as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn flags(args: FlagsArgs) -> anyhow::Result<ExitCode> {
    let session = Session::open(&args.server).await?;
    let profile: Profile = session.client.get(&format!("api/config-profiles/{}", args.profile), &[]).await?;
    let path = format!("api/config-profiles/{}/environments/{}/evaluate", profile.name, environment(&profile, &args.place)?);
    let context: Map<String, Value> = args.context.into_iter().collect();
    let mut answers: Vec<FlagAnswer> = session.client.post(&path, &json!({ "context": context })).await?;
    session.close().await;
    if let Some(unknown) = args.keys.iter().find(|key| !answers.iter().any(|answer| answer.key == **key)) {
        bail!("there is no flag `{unknown}`; there are {}", answers.iter().map(|answer| answer.key.as_str()).collect::<Vec<_>>().join(", "));
    }
    answers.retain(|answer| args.keys.is_empty() || args.keys.contains(&answer.key));
    print::table(&evaluated(&answers), args.format)?;
    Ok(ExitCode::SUCCESS)
}

fn environment(profile: &Profile, place: &Place) -> anyhow::Result<String> {
    let names: Vec<&str> = profile.environments.iter().map(|environment| environment.name.as_str()).collect();
    match (&place.environment, &names[..]) {
        (None, [only]) => Ok((*only).to_owned()),
        (Some(name), _) if names.contains(&name.as_str()) => Ok(name.clone()),
        (Some(name), _) => bail!("`{}` is not served in {name}; there are {}", profile.name, names.join(", ")),
        (None, _) => bail!("name one of the environments with --environment: {}", names.join(", ")),
    }
}

fn list(profiles: &[Profile]) -> Answer {
    let row = |profile: &Profile, environment: &Environment| {
        let version = if profile.broken { format!("{} (broken since)", environment.arrived) } else { environment.arrived.clone() };
        let change = match (&environment.coming, &environment.taken_back) {
            (Some(coming), _) => Some(format!("{} to {} %", coming.version, coming.weight_percent)),
            (None, Some(back)) => Some(format!("{} taken back", back.version)),
            (None, None) => None,
        };
        vec![
            json!(profile.name),
            json!(profile.kind),
            json!(environment.name),
            json!(version),
            json!(change),
            json!(environment.flags),
            json!(environment.strategy),
        ]
    };
    let rows = profiles.iter().flat_map(|profile| profile.environments.iter().map(move |environment| row(profile, environment))).collect();
    Answer::new(["profile", "type", "environment", "version", "change", "flags", "strategy"], rows)
}

fn evaluated(answers: &[FlagAnswer]) -> Answer {
    let row = |answer: &FlagAnswer| {
        let reason = answer.error.clone().or_else(|| answer.reason.clone());
        vec![json!(answer.key), answer.value.clone().unwrap_or(Value::Null), json!(answer.variant), json!(reason)]
    };
    Answer::new(["flag", "value", "variant", "reason"], answers.iter().map(row).collect())
}

/// Numbers and booleans are what they look like, everything else is text.
fn pair(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("write it as key=value")?;
    let value = match serde_json::from_str(value) {
        Ok(value @ (Value::Bool(_) | Value::Number(_))) => value,
        _ => Value::from(value),
    };
    Ok((key.to_owned(), value))
}
