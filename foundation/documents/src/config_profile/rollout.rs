//! A profile in one environment, as the deployment that takes a new version of it out.

use std::time::Duration;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{ConfigEnvironment, ConfigProfile, ConfigValidator};
use crate::deployment::{CommandCheck, Deployment, Environment, Hook, HookCheck, Hooks, ProfileRouter, Router};
use crate::strategy::Strategy;

/// Of one validator.
const VALIDATOR_TIMEOUT: Duration = Duration::from_secs(60);

/// The name under which runs know a profile in an environment. No document has it: their names hold no slash.
pub fn rollout_name(profile: &str, environment: &str) -> String {
    format!("{profile}/{environment}")
}

/// The profile and the environment of a rollout's name.
pub fn of_rollout_name(name: &str) -> Option<(&str, &str)> {
    name.split_once('/')
}

impl ConfigProfile {
    /// Whether a new version takes time or may be refused; otherwise everybody has it at once.
    pub fn goes_out_in_steps(&self, environment: &ConfigEnvironment) -> bool {
        environment.strategy.is_some() || environment.bake.is_some_and(|bake| !bake.is_zero()) || self.commands().next().is_some()
    }

    /// What takes the version of the folder out. Its digest is another with each version.
    pub fn rollout(&self, environment: &ConfigEnvironment) -> Deployment {
        let mut strategy = environment.strategy.clone().unwrap_or_else(Strategy::all_at_once);
        if let (Some(last), Some(bake)) = (strategy.steps.last_mut(), environment.bake) {
            last.hold = bake;
        }
        let hook = |command: &Vec<String>| Hook {
            check: HookCheck::Command(CommandCheck { command: command.clone(), input: environment.content.bytes.clone() }),
            timeout: VALIDATOR_TIMEOUT,
        };
        let hooks = Hooks { before_allow_traffic: self.commands().map(hook).collect(), ..Hooks::default() };
        let name = rollout_name(&self.name, &environment.name);
        let said = json!({
            "name": name, "component": self.component, "content": environment.content, "strategy": strategy, "alarms": environment.alarms, "hooks": hooks,
        });
        Deployment {
            digest: Sha256::digest(said.to_string()).iter().map(|byte| format!("{byte:02x}")).collect(),
            title: Some(format!("{} in {}", self.title.as_ref().unwrap_or(&self.name), environment.name)),
            description: self.description.clone(),
            component: self.component.clone(),
            operators: Vec::new(),
            environments: vec![Environment {
                name: environment.name.clone(),
                gates: Vec::new(),
                router: Router::Profile(ProfileRouter { profile: self.name.clone() }),
                strategy,
                alarms: environment.alarms.clone(),
                judge: None,
                hooks,
            }],
            freezes: Vec::new(),
            origin: self.origin.clone(),
            name,
        }
    }

    fn commands(&self) -> impl Iterator<Item = &Vec<String>> {
        self.validators.iter().filter_map(|validator| match validator {
            ConfigValidator::Command(command) => Some(command),
            ConfigValidator::Schema { .. } => None,
        })
    }
}
