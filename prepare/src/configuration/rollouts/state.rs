//! What becomes of a profile in an environment next. Decides only: no clock, ledger or run.

use documents::strategy::Weight;
use kernel::{RunId, Timestamp};
use ledger::{ConfigComing, ConfigRefused, ConfigRollout};

/// What the folder has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub version: String,
    /// Of everything that says how it goes out.
    pub digest: String,
    /// It takes time, or may be refused.
    pub in_steps: bool,
}

/// The run that carries the version on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// Nobody has asked for it yet.
    Unknown,
    Active,
    Succeeded,
    /// And why.
    Ended(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Rest,
    /// Everybody has the folder's version from now on.
    Arrive,
    /// The folder's version is to go out in steps; nobody has it yet.
    Begin,
    /// The run that carries it must be asked for.
    Ask,
    /// The folder has something else by now.
    Cancel,
    /// The version on its way is everybody's.
    Arrived,
    /// Nobody has the version on its way any more. It is refused unless the folder has something else by now.
    TakenBack { refused: bool, reason: String },
    /// What was refused is not in the folder any more; should it come back, it goes out again.
    Forget,
}

/// `wanted` is absent if the folder has the profile no more, `record` if it was never served.
pub fn next(wanted: Option<&Wanted>, record: Option<&ConfigRollout>, carried: &Carried) -> Next {
    let Some(record) = record else {
        return if wanted.is_some() { Next::Arrive } else { Next::Rest };
    };
    if let Some(coming) = &record.coming {
        let still_wanted = wanted.is_some_and(|wanted| wanted.digest == coming.digest);
        return match carried {
            Carried::Succeeded => Next::Arrived,
            Carried::Ended(reason) => Next::TakenBack { refused: still_wanted, reason: reason.clone() },
            Carried::Active if still_wanted => Next::Rest,
            Carried::Active => Next::Cancel,
            Carried::Unknown if still_wanted => Next::Ask,
            Carried::Unknown => Next::TakenBack { refused: false, reason: "the folder has something else".to_owned() },
        };
    }
    let Some(wanted) = wanted else { return Next::Rest };
    let refused = record.refused.as_ref().map(|refused| &refused.digest);
    if record.arrived == wanted.version {
        return if refused.is_some() { Next::Forget } else { Next::Rest };
    }
    match refused {
        Some(refused) if *refused == wanted.digest => Next::Rest,
        _ if wanted.in_steps => Next::Begin,
        _ => Next::Arrive,
    }
}

/// The record once a router's weight is set on behalf of a run; none if it stands there already.
///
/// `folder` is what the folder has: a run that a person asked for anew takes that out, if nothing else is on its way.
pub fn reached(record: &ConfigRollout, folder: Option<&Wanted>, run: &RunId, version: &str, weight: Weight, now: Timestamp) -> Result<Option<ConfigRollout>, NotItsTurn> {
    let percent = weight.as_percent();
    let coming = match &record.coming {
        Some(coming) if coming.run == *run && coming.version == version => {
            if coming.weight_percent == percent {
                return Ok(None);
            }
            ConfigComing { weight_percent: percent, ..coming.clone() }
        }
        // Nobody has anything of this run.
        _ if weight == Weight::NONE => return Ok(None),
        None => {
            let wanted = folder.filter(|wanted| wanted.version == version).ok_or(NotItsTurn)?;
            ConfigComing { version: version.to_owned(), digest: wanted.digest.clone(), run: run.clone(), key: String::new(), weight_percent: percent, since: now }
        }
        Some(_) => return Err(NotItsTurn),
    };
    Ok(Some(ConfigRollout { coming: Some(coming), ..record.clone() }))
}

/// Something else is on its way, or the folder has another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this run is not the one that takes the folder's version out")]
pub struct NotItsTurn;

/// The record once the version on its way is everybody's.
pub fn arrived(record: &ConfigRollout, now: Timestamp) -> ConfigRollout {
    let Some(coming) = &record.coming else { return record.clone() };
    ConfigRollout { arrived: coming.version.clone(), arrived_at: now, arrived_by: Some(coming.run.clone()), coming: None, refused: None, ..record.clone() }
}

/// The record once nobody has the version on its way any more.
pub fn taken_back(record: &ConfigRollout, refused: bool, reason: &str, now: Timestamp) -> ConfigRollout {
    let refused = record.coming.as_ref().filter(|_| refused).map(|coming| ConfigRefused {
        version: coming.version.clone(),
        digest: coming.digest.clone(),
        run: coming.run.clone(),
        reason: reason.to_owned(),
        at: now,
    });
    ConfigRollout { coming: None, refused, ..record.clone() }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
