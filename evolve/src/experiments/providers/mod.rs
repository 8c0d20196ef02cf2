//! What carries an activity out.

mod http;
mod own;
mod process;
mod python;

use std::time::Duration;

use documents::experiment::{Activity, ActivityKind, Provider};
use serde_json::Value;

use super::settings::Settings;
use super::substitute::Names;

pub use http::Http;
pub use own::{Own, fault};
pub use python::Python;

/// What an activity answers, or why it could not be carried out.
pub type Outcome = Result<Value, String>;

/// Of an answer that is kept: the body of HTTP, each output of a process.
const OUTPUT_BYTES_MAX: usize = 10 * 1024 * 1024;

pub struct Providers<'a> {
    pub settings: &'a Settings,
    pub http: Http,
    pub own: Own<'a>,
    /// Where an activity of the experiment needs it.
    pub python: Option<Python>,
}

impl Providers<'_> {
    pub async fn carry_out(&self, activity: &Activity, names: &Names) -> Outcome {
        match &activity.provider {
            Provider::Http(call) => self.http.carry_out(call, names).await,
            Provider::Process(call) => process::carry_out(call, names, self.settings, &[]).await,
            Provider::Python(call) => match &self.python {
                Some(python) => python.carry_out(call, names).await,
                None => Err("Python is not there".to_owned()),
            },
            Provider::Mainstay(call) => self.own.carry_out(call, &activity.name, names).await,
        }
    }

    /// As [`Self::carry_out`], with further variables in a process's environment.
    pub async fn carry_out_control(&self, activity: &Activity, names: &Names, variables: &[(&str, &str)]) -> Outcome {
        match &activity.provider {
            Provider::Process(call) => process::carry_out(call, names, self.settings, variables).await,
            _ => self.carry_out(activity, names).await,
        }
    }
}

/// Why an answer is no success, though the activity was carried out. A tolerance has its own say.
pub fn complaint(activity: &Activity, output: &Value) -> Option<String> {
    let status = &output["status"];
    match &activity.provider {
        _ if activity.judged => None,
        Provider::Process(_) if *status != 0 => {
            let last = output["stderr"].as_str().unwrap_or_default().trim().lines().last().unwrap_or_default();
            Some(format!("the process returned {status}{}{last}", if last.is_empty() { "" } else { ": " }))
        }
        // A probe may well want to see an error; an action wants something done.
        Provider::Http(_) if activity.kind == ActivityKind::Action && status.as_u64() >= Some(400) => Some(format!("the answer has status {status}")),
        Provider::Mainstay(_) if *status == false => Some("the scenario did not pass".to_owned()),
        _ => None,
    }
}

/// Seconds, however they are written.
fn seconds(value: Option<&Value>) -> Result<Option<Duration>, String> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let duration = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.map(Some).ok_or_else(|| format!("{value} is not a number of seconds"))
}

/// An error with its causes, as the last of them says what happened.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}

const TOO_LONG: &str = "activity took too long to complete";
