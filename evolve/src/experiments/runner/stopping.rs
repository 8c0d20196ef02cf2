//! Stop conditions and the deadline of a method.

use std::time::Duration;

use documents::experiment::StopWhen;
use kernel::Timestamp;
use tokio::time::timeout;

use crate::experiments::Around;
use crate::experiments::platform::Platform;

const INTERVAL: Duration = Duration::from_secs(1);
/// For one condition to be looked at.
const TIMEOUT: Duration = Duration::from_secs(5);
/// So often in a row a condition may not be readable; then nobody knows whether it is safe to go on.
const BLIND_MAX: u32 = 3;

/// Whether a condition holds now, and in which words.
pub async fn holds(condition: &StopWhen, platform: &dyn Platform) -> Result<Option<String>, String> {
    let look = async {
        Ok(match condition {
            StopWhen::Alert(name) => platform.alarm_fires(name).await?.then(|| format!("the alarm `{name}` fires")),
            StopWhen::Promql(query) => {
                let samples = platform.promql(query).await?;
                samples.first().map(|sample| format!("`{query}` has the value {}", sample.value))
            }
        })
    };
    match timeout(TIMEOUT, look).await {
        Ok(answer) => answer.map_err(|error: crate::experiments::PlatformError| error.to_string()),
        Err(_) => Err(format!("there was no answer within {} s", TIMEOUT.as_secs())),
    }
}

/// Returns once the method must end, and says why.
pub async fn until_stopped(conditions: &[StopWhen], deadline: Option<Timestamp>, around: Around<'_>) -> String {
    let late = async {
        match deadline {
            Some(deadline) => around.clock.sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = late => "the deadline has passed".to_owned(),
        why = until_one_holds(conditions, around) => why,
    }
}

async fn until_one_holds(conditions: &[StopWhen], around: Around<'_>) -> String {
    if conditions.is_empty() {
        return std::future::pending().await;
    }
    let mut blind = 0;
    loop {
        let mut unreadable = None;
        for condition in conditions {
            match holds(condition, around.platform).await {
                Ok(Some(why)) => return why,
                Ok(None) => {}
                Err(why) => unreadable = Some(why),
            }
        }
        blind = if unreadable.is_some() { blind + 1 } else { 0 };
        if let Some(why) = unreadable.filter(|_| blind >= BLIND_MAX) {
            return format!("the stop conditions can no longer be watched: {why}");
        }
        match around.clock.now().checked_add(INTERVAL) {
            Ok(next) => around.clock.sleep_until(next).await,
            Err(_) => return std::future::pending().await,
        }
    }
}
