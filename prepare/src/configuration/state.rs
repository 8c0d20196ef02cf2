//! Decides only: what is served, and which version an entity gets.

use std::collections::BTreeMap;
use std::sync::Arc;

use documents::config_profile::{ConfigContent, ConfigEnvironment, ConfigProfile, ProfileKind};
use documents::strategy::Weight;
use documents::{Level, Loaded};

use super::ConfigError;

/// Every profile that is served, by its name.
#[derive(Debug, Default)]
pub struct Served {
    profiles: BTreeMap<String, ServedProfile>,
}

#[derive(Debug, Clone)]
pub struct ServedProfile {
    pub profile: ConfigProfile,
    /// The names under which clients of AppConfig know the application: the component's and its system's.
    pub applications: Vec<String>,
    /// The document or its content has errors now; this is the version before.
    pub broken: bool,
}

/// One profile in one environment.
#[derive(Debug, Clone, Copy)]
pub struct Seat<'a> {
    pub profile: &'a ConfigProfile,
    pub environment: &'a ConfigEnvironment,
}

/// What is served of a profile in an environment.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Who does not have the version on its way has this.
    pub arrived: Arc<ConfigContent>,
    pub coming: Option<Coming>,
}

/// A new version on its way out.
#[derive(Debug, Clone)]
pub struct Coming {
    pub content: Arc<ConfigContent>,
    /// How many have it.
    pub reached: Weight,
}

/// Whose flags are asked for. What is absent does not narrow.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub application: Option<String>,
    pub environment: Option<String>,
    pub profile: Option<String>,
}

/// Which version an entity gets: the one place that decides it. The same entity stays on its side while the share
/// grows; who does not say who they are gets the new version last.
pub fn version_for<'a>(seat: &Seat<'a>, standing: Option<&'a Standing>, entity: Option<&str>) -> &'a Arc<ConfigContent> {
    let folder = &seat.environment.content;
    let Some(standing) = standing else { return folder };
    let has = standing.coming.as_ref().filter(|coming| is_reached(seat, coming, entity)).map_or(&standing.arrived, |coming| &coming.content);
    // The same bytes; what the document says of them now, such as their type, holds.
    if has.version == folder.version { folder } else { has }
}

fn is_reached(seat: &Seat<'_>, coming: &Coming, entity: Option<&str>) -> bool {
    // Each version begins with other entities, so that nobody is always the first.
    let seed = || format!("{}/{}/{}", seat.profile.name, seat.environment.name, coming.content.version);
    coming.reached == Weight::ALL || entity.is_some_and(|entity| flags::is_among(coming.reached.as_percent(), &seed(), entity))
}

impl Served {
    /// What is served once the folder has been read again.
    pub fn after(before: &Self, loaded: &Loaded) -> Self {
        let graph = &loaded.graph;
        let applications = |profile: &ConfigProfile| {
            let system = graph.entity(&profile.component).and_then(|component| component.system.as_ref());
            [Some(&profile.component), system].into_iter().flatten().map(|entity| entity.name().to_owned()).collect()
        };
        let serve = |profile: &ConfigProfile| ServedProfile { profile: profile.clone(), applications: applications(profile), broken: false };
        let mut profiles: BTreeMap<String, ServedProfile> = graph.config_profiles.iter().map(|(name, profile)| (name.clone(), serve(profile))).collect();
        for (name, last) in &before.profiles {
            if !profiles.contains_key(name) && is_faulty(&last.profile, loaded) {
                profiles.insert(name.clone(), ServedProfile { broken: true, ..last.clone() });
            }
        }
        Self { profiles }
    }

    pub fn profiles(&self) -> impl Iterator<Item = &ServedProfile> {
        self.profiles.values()
    }

    pub fn profile(&self, name: &str) -> Option<&ServedProfile> {
        self.profiles.get(name)
    }

    /// As a client of AppConfig names it.
    pub fn find(&self, application: &str, environment: &str, configuration: &str) -> Result<Seat<'_>, ConfigError> {
        let found = self.profiles.get(configuration).filter(|served| served.applications.iter().any(|name| name == application));
        let no_profile = || ConfigError::NoProfile { application: application.to_owned(), configuration: configuration.to_owned() };
        seat(&found.ok_or_else(no_profile)?.profile, Some(environment))
    }

    /// The sets of flags in a scope.
    pub fn flags(&self, scope: &Scope) -> Result<Vec<Seat<'_>>, ConfigError> {
        if let (Some(application), Some(environment), Some(profile)) = (&scope.application, &scope.environment, &scope.profile) {
            let seat = self.find(application, environment, profile)?;
            return if seat.environment.content.flags.is_some() { Ok(vec![seat]) } else { Err(ConfigError::NoFlags(profile.clone())) };
        }
        let narrowed = |served: &&ServedProfile| {
            served.profile.kind == ProfileKind::Flags
                && scope.profile.as_ref().is_none_or(|name| *name == served.profile.name)
                && scope.application.as_ref().is_none_or(|name| served.applications.contains(name))
        };
        let mut seats = Vec::new();
        for served in self.profiles.values().filter(narrowed) {
            match seat(&served.profile, scope.environment.as_deref()) {
                Ok(seat) => seats.push(seat),
                // Not every profile is served in every environment.
                Err(ConfigError::NoEnvironment { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(seats)
    }

    /// The one set of flags in a scope that has a key, as `has` says: while a version goes out, not everybody has it.
    pub fn flag(&self, scope: &Scope, key: &str, has: impl Fn(&Seat<'_>) -> bool) -> Result<Seat<'_>, ConfigError> {
        let mut having = self.flags(scope)?.into_iter().filter(has);
        let first = having.next().ok_or_else(|| ConfigError::NoFlag(key.to_owned()))?;
        match having.next() {
            None => Ok(first),
            Some(second) => Err(ConfigError::Ambiguous { key: key.to_owned(), first: first.profile.name.clone(), second: second.profile.name.clone() }),
        }
    }
}

/// Where no environment is named, there must be only one.
fn seat<'a>(profile: &'a ConfigProfile, environment: Option<&str>) -> Result<Seat<'a>, ConfigError> {
    let known = || profile.environments.iter().map(|environment| environment.name.as_str()).collect::<Vec<_>>().join(", ");
    match (environment, &profile.environments[..]) {
        (None, [only]) => Ok(Seat { profile, environment: only }),
        (None, _) => Err(ConfigError::WhichEnvironment { profile: profile.name.clone(), known: known() }),
        (Some(name), _) => match profile.environment(name) {
            Some(environment) => Ok(Seat { profile, environment }),
            None => Err(ConfigError::NoEnvironment { profile: profile.name.clone(), environment: name.to_owned(), known: known() }),
        },
    }
}

/// Whether a profile is gone because of a fault, rather than taken away.
fn is_faulty(profile: &ConfigProfile, loaded: &Loaded) -> bool {
    let files = profile.environments.iter().filter_map(|environment| environment.content.file.as_ref());
    let paths: Vec<&String> = files.chain([&profile.origin.path]).collect();
    loaded.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error && paths.contains(&&diagnostic.origin.path))
}
