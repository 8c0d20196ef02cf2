//! The variables of one virtual user.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

/// What all virtual users of a run see alike.
#[derive(Debug, Default)]
pub struct Base {
    variables: HashMap<String, Value>,
}

/// Where a run takes place; its parts are variables.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `target`
    pub target: Option<String>,
    /// `$environment`
    pub environment: Option<String>,
    /// `$testId`
    pub test_id: String,
    /// `$dirname` and the folder of `$scenarioFile`.
    pub folder: String,
    /// `$scenarioFile`
    pub file: String,
    /// `$env` and `$processEnvironment`
    pub process: Vec<(String, String)>,
}

/// The variables of one virtual user: a shared base, a shared row of a CSV file, and its own.
#[derive(Debug, Clone)]
pub struct Scope {
    base: Arc<Base>,
    own: Vec<(Arc<str>, Value)>,
}

/// `a.b[0]['c']`, split once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    text: String,
}

impl Base {
    /// `variables` is `config.variables`, where a list has already been left to [`Scope::set`] to draw from.
    pub fn new(surroundings: Surroundings, variables: impl IntoIterator<Item = (String, Value)>) -> Self {
        let _ = surroundings;
        Self { variables: variables.into_iter().collect() }
    }
}

impl Path {
    pub fn parse(text: &str) -> Self {
        Self { text: text.to_owned() }
    }
}

impl Scope {
    pub fn new(base: Arc<Base>) -> Self {
        Self { base, own: Vec::new() }
    }

    /// Lays a row of a CSV file under the user's own variables: names, and as many values.
    pub fn lay_row(&mut self, fields: &Arc<[Arc<str>]>, row: &Arc<[Value]>) {
        for (field, value) in fields.iter().zip(row.iter()) {
            self.own.push((field.clone(), value.clone()));
        }
    }

    /// A variable or a part of one: `user.roles[0]`.
    pub fn get(&self, path: &str) -> Option<Cow<'_, Value>> {
        self.look_up(&Path::parse(path))
    }

    pub fn look_up(&self, path: &Path) -> Option<Cow<'_, Value>> {
        let own = self.own.iter().find(|(name, _)| **name == *path.text).map(|(_, value)| value);
        own.or_else(|| self.base.variables.get(&path.text)).map(Cow::Borrowed)
    }

    /// Sets a variable, or, with a dotted name, a part of one.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.own.push((name.into(), value.into()));
    }

    /// What the virtual user has been given or has found itself, without what all share.
    pub fn own(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.own.iter().map(|(name, value)| (&**name, value))
    }
}
