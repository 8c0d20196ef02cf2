//! Why there is no configuration.

use kernel::{Classified, Kind};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("there is no configuration `{configuration}` of the application `{application}`")]
    NoProfile { application: String, configuration: String },
    #[error("`{profile}` is not served in the environment `{environment}`; there are {known}")]
    NoEnvironment { profile: String, environment: String, known: String },
    /// Several environments, and none named.
    #[error("name the environment: `{profile}` is served in {known}")]
    WhichEnvironment { profile: String, known: String },
    #[error("there is no flag `{0}`")]
    NoFlag(String),
    /// Two profiles have the key.
    #[error("the flag `{key}` is in {first} and in {second}; ask one of the two by its own address")]
    Ambiguous { key: String, first: String, second: String },
    #[error("`{0}` is not a set of flags")]
    NoFlags(String),
}

impl Classified for ConfigError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoProfile { .. } | Self::NoEnvironment { .. } | Self::NoFlag(_) => Kind::NotFound,
            Self::WhichEnvironment { .. } | Self::Ambiguous { .. } | Self::NoFlags(_) => Kind::Invalid,
        }
    }
}
