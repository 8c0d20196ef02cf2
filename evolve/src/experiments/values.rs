//! The configuration and the secrets of an experiment, as they are when it is played.

use documents::experiment::{Activity, EnvType, Experiment, Provider, Secret, Setting};
use documents::value::holds_reference;
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use super::platform::Platform;
use super::settings::Settings;
use super::substitute::Names;
use super::vault::Vault;

/// A file of secrets is small.
const SECRET_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Literal values and those of the environment, then secrets. What cannot be had is said, not left out.
pub async fn gather(experiment: &Experiment, settings: &Settings, platform: &dyn Platform) -> Result<Names, Vec<String>> {
    let mut names = Names::default();
    let mut reasons = Vec::new();
    for (name, setting) in &experiment.configuration {
        let given = settings.variables.get(name).cloned();
        let value = match (given, setting) {
            (Some(given), _) => Ok(given),
            (None, Setting::Literal(value)) => filled(value, platform, Shown::Yes).await,
            (None, Setting::Env { key, default, as_type }) => environment(key, default.as_ref(), *as_type, settings),
            // Comes later: it may need the secrets.
            (None, Setting::Probe(_)) => continue,
        };
        match value {
            Ok(value) => drop(names.configuration.insert(name.clone(), value)),
            Err(why) => reasons.push(format!("the configuration's `{name}`: {why}")),
        }
    }
    for (name, value) in &settings.variables {
        names.configuration.entry(name).or_insert_with(|| value.clone());
    }
    let sources = Sources { settings, platform, vault: Vault::of(&names.configuration) };
    for (group, secret) in &experiment.secrets {
        match sources.secret(secret).await {
            Ok(value) => drop(names.secrets.insert(group.clone(), value)),
            Err(why) => reasons.push(format!("the secrets of `{group}`: {why}")),
        }
    }
    if reasons.is_empty() { Ok(names) } else { Err(reasons) }
}

/// The probes of a configuration that nobody gave a value for.
pub fn probes<'a>(experiment: &'a Experiment, settings: &'a Settings) -> impl Iterator<Item = (&'a str, &'a Activity)> {
    experiment.configuration.iter().filter_map(|(name, setting)| match setting {
        Setting::Probe(probe) if !settings.variables.contains_key(name) => Some((name.as_str(), probe.as_ref())),
        _ => None,
    })
}

/// What of a probe's output becomes the value.
pub fn of_output(probe: &Activity, output: Value) -> Result<Value, String> {
    match &probe.provider {
        Provider::Process(_) if output["status"] != 0 => Err(format!("`{}` returned {}: {}", probe.name, output["status"], output["stderr"])),
        Provider::Process(_) => Ok(Value::String(output["stdout"].as_str().unwrap_or_default().trim().to_owned())),
        Provider::Http(_) => Ok(output["body"].clone()),
        _ => Ok(output),
    }
}

fn environment(key: &str, default: Option<&Value>, as_type: EnvType, settings: &Settings) -> Result<Value, String> {
    match (settings.variable(key), default) {
        (Some(text), _) => typed(&Value::String(text), as_type),
        (None, Some(default)) => typed(default, as_type),
        (None, None) => Err(format!("the environment has no variable {key}; set it, or give a `default`")),
    }
}

fn typed(value: &Value, as_type: EnvType) -> Result<Value, String> {
    let Value::String(text) = value else { return Ok(value.clone()) };
    let wrong = |what: &str| format!("`{text}` is not {what}");
    match as_type {
        EnvType::Text => Ok(value.clone()),
        EnvType::Integer => text.trim().parse::<i64>().map(Value::from).map_err(|_| wrong("a whole number")),
        EnvType::Number => text.trim().parse::<f64>().map(Value::from).map_err(|_| wrong("a number")),
        EnvType::Boolean => Ok(Value::Bool(!matches!(text.to_lowercase().as_str(), "false" | "0" | "no"))),
        EnvType::Json if text.is_empty() => Ok(value.clone()),
        EnvType::Json => serde_json::from_str(text).map_err(|_| wrong("JSON")),
    }
}

/// Whether a value is shown to whoever reads the journal.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Yes,
    No,
}

/// With the references in all its texts filled in.
fn filled<'a>(value: &'a Value, platform: &'a dyn Platform, shown: Shown) -> BoxFuture<'a, Result<Value, String>> {
    Box::pin(async move {
        Ok(match value {
            Value::String(text) if holds_reference(value) => {
                let filled = platform.fill(text).await.map_err(|error| error.to_string())?;
                if filled.secret && shown == Shown::Yes {
                    return Err("it is a secret, and the configuration is shown; put it under `secrets`".to_owned());
                }
                Value::String(filled.text)
            }
            Value::Array(items) => {
                let mut all = Vec::with_capacity(items.len());
                for item in items {
                    all.push(filled(item, platform, shown).await?);
                }
                Value::Array(all)
            }
            Value::Object(fields) => {
                let mut all = Map::new();
                for (name, field) in fields {
                    all.insert(name.clone(), filled(field, platform, shown).await?);
                }
                Value::Object(all)
            }
            other => other.clone(),
        })
    })
}

struct Sources<'a> {
    settings: &'a Settings,
    platform: &'a dyn Platform,
    vault: Vault,
}

impl Sources<'_> {
    fn secret<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<Value, String>> {
        Box::pin(async move {
            match secret {
                Secret::Literal(value) => filled(value, self.platform, Shown::No).await,
                Secret::Env { key } => {
                    let value = self.settings.variable(key).map(Value::String);
                    value.ok_or_else(|| format!("the environment has no variable {key}"))
                }
                Secret::File { path, key } => self.file(path, key.as_deref()),
                Secret::Vault { path, key } => self.vault.read(path, key.as_deref()).await,
                Secret::Store { name } => self.platform.secret(name).await.map(Value::String).map_err(|error| error.to_string()),
                Secret::Group(secrets) => {
                    let mut group = Map::new();
                    for (name, secret) in secrets {
                        let value = self.secret(secret).await.map_err(|why| format!("`{name}`: {why}"))?;
                        group.insert(name.clone(), value);
                    }
                    Ok(Value::Object(group))
                }
            }
        })
    }

    /// JSON or YAML with a key, else the text without its last newline.
    fn file(&self, path: &str, key: Option<&str>) -> Result<Value, String> {
        let file = self.settings.path(path);
        let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", file.display());
        if file.metadata().map_err(unreadable)?.len() > SECRET_FILE_BYTES_MAX {
            return Err(format!("{} is larger than {SECRET_FILE_BYTES_MAX} bytes", file.display()));
        }
        let text = std::fs::read_to_string(&file).map_err(unreadable)?;
        let Some(key) = key else { return Ok(Value::String(text.trim_end_matches(['\r', '\n']).to_owned())) };
        let parsed: Value = serde_yaml_ng::from_str(&text).map_err(|_| format!("{} is neither JSON nor YAML", file.display()))?;
        parsed.get(key).cloned().ok_or_else(|| format!("{} has no key `{key}`", file.display()))
    }
}
