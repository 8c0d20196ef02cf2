//! Feature flags: a definition is compiled once into a [`FlagSet`], which then answers for many contexts.
//!
//! Two formats are read as they are: AppConfig's feature flag JSON, and flagd's definitions in JSON or YAML.
//! Who gets which variant of a split is decided by a named [`Bucketing`], pinned in each set, so that nobody
//! changes sides because a library was updated.
//!
//! Pure: knows no clock, no folder and no network. The instant is handed in, as a rule may ask for it.
//!
//! Sources: AWS AppConfig's user guide, "Understanding the type reference for AWS.AppConfig.FeatureFlags" and
//! "Defining rules for multi-variant feature flags"; flagd's reference, "Flag Definitions" and "Custom
//! Operations"; <https://jsonlogic.com/operations.html>; OpenFeature's specification, "Types".

mod appconfig;
mod bucketing;
mod evaluation;
mod fault;
mod flagd;
mod set;
mod source;

pub use bucketing::{Bucketing, is_among};
pub use evaluation::{Evaluation, Failure, Reason};
pub use fault::Fault;
pub use set::{Ask, Flag, FlagSet, Format, Variant};
pub use source::{BYTES_MAX, Place};

/// What is known of the one who asks: `targetingKey` and whatever else the caller sends along.
pub type Context = serde_json::Map<String, serde_json::Value>;
