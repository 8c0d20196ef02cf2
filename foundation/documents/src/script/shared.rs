//! Settings that several scripts share, in a file of their own.

use std::path::Path;

use super::model::{Config, Script};

/// The script says itself how it is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the script has settings of its own, and `config` of another file is for a script that has none")]
pub struct OwnSettings;

impl Script {
    /// The same with the settings of another script, whose files lie in `folder`.
    pub fn with_settings(mut self, of: Self, folder: &Path) -> Result<Self, OwnSettings> {
        let unset = std::mem::take(&mut self.config.unset);
        if self.config != Config::default() || !self.environments.is_empty() {
            return Err(OwnSettings);
        }
        self.config = seen_from(of.config, folder);
        self.config.unset.extend(unset);
        self.environments = of.environments.into_iter().map(|(name, config)| (name, seen_from(config, folder))).collect();
        Ok(self)
    }
}

/// Its files are named relative to the settings, and looked for relative to the script.
fn seen_from(mut config: Config, folder: &Path) -> Config {
    let place = |path: &mut String| *path = folder.join(&*path).display().to_string();
    config.processor.iter_mut().for_each(place);
    config.payloads.iter_mut().for_each(|payload| place(&mut payload.path));
    [&mut config.tls.ca, &mut config.tls.cert, &mut config.tls.key].into_iter().flatten().for_each(place);
    config.grpc.protos.iter_mut().chain(&mut config.grpc.includes).for_each(place);
    config
}
