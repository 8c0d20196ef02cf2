//! The variables of one virtual user.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::path;
use super::template::{Json, RenderError};

pub use super::path::Path;

/// What all virtual users of a run see alike.
///
/// Its texts are the script's own, so templates in them are filled in where they are used. What a virtual user
/// captures from an answer is never taken for a template: an answer could ask for `$env` that way.
#[derive(Debug, Default)]
pub struct Base {
    surroundings: HashMap<Arc<str>, Slot>,
    variables: HashMap<Arc<str>, Slot>,
    /// Variables that are lists: each virtual user draws one of the values.
    choices: Vec<(Arc<str>, Vec<Value>)>,
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
    /// `$dirname`
    pub folder: String,
    /// `$scenarioFile`
    pub file: String,
    /// `$env` and `$processEnvironment`
    pub process: Vec<(String, String)>,
}

/// The variables of one virtual user: its own over a shared base and shared rows of CSV files.
#[derive(Debug, Clone)]
pub struct Scope {
    base: Arc<Base>,
    rows: Vec<Row>,
    own: Vec<(Arc<str>, Slot)>,
    uuid: u128,
    journey: Option<Arc<str>>,
    /// What JavaScript functions have kept on their `context`, beside its variables.
    kept: Option<Box<Map<String, Value>>>,
}

#[derive(Debug, Clone)]
struct Row {
    fields: Arc<[Arc<str>]>,
    values: Arc<[Value]>,
}

#[derive(Debug, Clone)]
struct Slot {
    value: Value,
    /// Whether it is of the script and holds templates.
    live: bool,
}

impl Base {
    /// `variables` is `config.variables`; of a list each virtual user draws one value.
    pub fn new(surroundings: Surroundings, variables: impl IntoIterator<Item = (String, Value)>) -> Self {
        let mut base = Self { surroundings: surroundings.into_slots(), ..Self::default() };
        for (name, value) in variables {
            match value {
                Value::Array(values) if !values.is_empty() => base.choices.push((name.into(), values)),
                value => drop(base.variables.insert(name.into(), Slot::of_script(value))),
            }
        }
        base
    }

    /// Gives every virtual user a value as it is: a whole CSV file, or what the journey before all has found.
    pub fn share(&mut self, name: &str, value: Value) {
        self.variables.insert(name.into(), Slot { value, live: false });
    }
}

impl Base {
    /// All values as they were given; of two with one name, the nearer.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Value)> {
        let hidden = |name: &Arc<str>| self.variables.contains_key(name);
        let surroundings = self.surroundings.iter().filter(move |(name, _)| !hidden(name));
        self.variables.iter().chain(surroundings).map(|(name, slot)| (&**name, &slot.value))
    }

    pub(super) fn raw(&self, name: &str) -> Option<&Value> {
        self.variables.get(name).or_else(|| self.surroundings.get(name)).map(|slot| &slot.value)
    }
}

impl Surroundings {
    fn into_slots(self) -> HashMap<Arc<str>, Slot> {
        let process: Map<String, Value> = self.process.into_iter().map(|(name, value)| (name, value.into())).collect();
        let values = [
            ("target", self.target.map(Value::String)),
            ("$environment", self.environment.map(Value::String)),
            ("$testId", Some(self.test_id.into())),
            ("$dirname", Some(self.folder.into())),
            ("$scenarioFile", Some(self.file.into())),
            ("$env", Some(process.clone().into())),
            ("$processEnvironment", Some(process.into())),
        ];
        let given = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
        // A target may hold `{{ $env.HOST }}`; a variable of the process is no template.
        given.map(|(name, value)| (name.into(), if name == "target" { Slot::of_script(value) } else { value.into() })).collect()
    }
}

impl Slot {
    fn of_script(value: Value) -> Self {
        Self { live: holds_template(&value), value }
    }
}

impl From<Value> for Slot {
    fn from(value: Value) -> Self {
        Self { value, live: false }
    }
}

impl Scope {
    /// Draws the user's number and its share of the variables that are lists.
    pub fn new(base: Arc<Base>) -> Self {
        let drawn = |(name, values): &(Arc<str>, Vec<Value>)| {
            let value = values[fastrand::usize(..values.len())].clone();
            (name.clone(), Slot::of_script(value))
        };
        let own = base.choices.iter().map(drawn).collect();
        Self { base, rows: Vec::new(), own, uuid: fastrand::u128(..), journey: None, kept: None }
    }

    /// Lays a row of a CSV file under the script's variables: names, and as many values.
    pub fn lay_row(&mut self, fields: &Arc<[Arc<str>]>, row: &Arc<[Value]>) {
        self.rows.push(Row { fields: fields.clone(), values: row.clone() });
    }

    /// A variable or a part of one: `user.roles[0]`.
    pub fn get(&self, path: &str) -> Option<Cow<'_, Value>> {
        self.look_up(&Path::parse(path))
    }

    /// As [`Scope::get`], for a path that is used often. Templates that refer to each other in a circle stay as
    /// they are.
    pub fn look_up(&self, path: &Path) -> Option<Cow<'_, Value>> {
        self.resolve(path, 0).unwrap_or_else(|_| self.raw(path).map(|(value, _)| value))
    }

    /// Sets a variable, or, with a dotted name, a part of one. What is set here is never taken for a template.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        if Path::is_plain(name) {
            return self.put(name, value.into().into());
        }
        let path = Path::parse(name);
        let (root, rest) = path.split();
        let mut whole = self.look_up(&root).map_or(Value::Null, Cow::into_owned);
        path::place(&mut whole, rest, value.into());
        self.put(root.text(), whole.into());
    }

    /// Sets a variable to a value of the script, whose templates are filled in where it is used: the element of
    /// a loop over a list.
    pub fn set_of_script(&mut self, name: &str, value: Value) {
        self.put(name, Slot::of_script(value));
    }

    pub fn remove(&mut self, name: &str) {
        self.own.retain(|(own, _)| **own != *name);
    }

    /// What the virtual user has been given or has found itself, without what all share.
    pub fn own(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.own.iter().map(|(name, slot)| (&**name, &slot.value))
    }

    /// The names of all variables there are, each once.
    pub fn names(&self) -> Vec<&str> {
        let rows = self.rows.iter().flat_map(|row| row.fields.iter());
        let base = self.base.variables.keys().chain(self.base.surroundings.keys());
        let mut names: Vec<&str> = self.own.iter().map(|(name, _)| name).chain(rows).chain(base).map(|name| &**name).collect();
        names.push("$uuid");
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Tells JavaScript functions which scenario the user plays: `context.scenario.name`.
    pub fn set_journey(&mut self, name: Arc<str>) {
        self.journey = Some(name);
    }

    pub(super) fn journey(&self) -> Option<&str> {
        self.journey.as_deref()
    }

    pub(super) fn base(&self) -> &Arc<Base> {
        &self.base
    }

    pub(super) fn uuid(&self) -> String {
        uuid_text(self.uuid)
    }

    /// The rows' values that nothing hides, and the user's own.
    pub(super) fn personal(&self) -> impl Iterator<Item = (&str, &Value)> {
        let rows = self.rows.iter().flat_map(|row| row.fields.iter().zip(row.values.iter()));
        let rows = rows.filter(|(field, _)| !self.base.variables.contains_key(&***field));
        rows.map(|(field, value)| (&**field, value)).chain(self.own())
    }

    /// Sets a variable whose name is taken as it is, dots and all.
    pub(super) fn set_whole(&mut self, name: &str, value: Value) {
        self.put(name, value.into());
    }

    pub(super) fn kept(&self) -> Option<&Map<String, Value>> {
        self.kept.as_deref()
    }

    pub(super) fn keep(&mut self, kept: Map<String, Value>) {
        self.kept = (!kept.is_empty()).then(|| Box::new(kept));
    }

    /// The value, with the templates of a script's own texts filled in. `depth` counts texts within texts.
    pub(super) fn resolve(&self, path: &Path, depth: usize) -> Result<Option<Cow<'_, Value>>, RenderError> {
        match self.raw(path) {
            Some((value, true)) if holds_template(&value) => {
                if depth >= DEPTH_MAX {
                    return Err(RenderError::Endless(path.text().to_owned()));
                }
                match Json::parse(&value) {
                    Ok(json) => json.render_within(self, depth + 1).map(|value| Some(Cow::Owned(value))),
                    Err(_) => Ok(Some(value)),
                }
            }
            found => Ok(found.map(|(value, _)| value)),
        }
    }

    /// The value as it was set, and whether it may hold templates.
    fn raw(&self, path: &Path) -> Option<(Cow<'_, Value>, bool)> {
        if let Some(slot) = self.slot(path.text()) {
            return Some(slot);
        }
        let (root, rest) = path.root_and_rest()?;
        let (whole, live) = self.slot(root)?;
        let part = match whole {
            Cow::Borrowed(whole) => path::part(whole, rest)?,
            Cow::Owned(whole) => Cow::Owned(path::part(&whole, rest)?.into_owned()),
        };
        Some((part, live))
    }

    fn slot(&self, name: &str) -> Option<(Cow<'_, Value>, bool)> {
        if let Some((_, slot)) = self.own.iter().find(|(own, _)| **own == *name) {
            return Some((Cow::Borrowed(&slot.value), slot.live));
        }
        if let Some(slot) = self.base.variables.get(name) {
            return Some((Cow::Borrowed(&slot.value), slot.live));
        }
        if let Some(value) = self.rows.iter().rev().find_map(|row| row.get(name)) {
            return Some((Cow::Borrowed(value), true));
        }
        if let Some(slot) = self.base.surroundings.get(name) {
            return Some((Cow::Borrowed(&slot.value), slot.live));
        }
        (name == "$uuid").then(|| (Cow::Owned(Value::String(uuid_text(self.uuid))), false))
    }

    fn put(&mut self, name: &str, slot: Slot) {
        match self.own.iter_mut().find(|(own, _)| **own == *name) {
            Some((_, old)) => *old = slot,
            None => self.own.push((name.into(), slot)),
        }
    }
}

impl Row {
    fn get(&self, name: &str) -> Option<&Value> {
        let index = self.fields.iter().position(|field| **field == *name)?;
        self.values.get(index)
    }
}

/// A version 4 UUID of random bits, as text.
pub(crate) fn uuid_text(bits: u128) -> String {
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn holds_template(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{"),
        Value::Array(items) => items.iter().any(holds_template),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains("{{") || holds_template(value)),
        _ => false,
    }
}

/// Texts within texts; deeper is a circle.
const DEPTH_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope(variables: Value) -> Scope {
        let Value::Object(variables) = variables else { panic!("variables are an object") };
        let surroundings = Surroundings {
            target: Some("http://{{ $env.HOST }}:80".to_owned()),
            process: vec![("HOST".to_owned(), "shop".to_owned())],
            ..Surroundings::default()
        };
        Scope::new(Arc::new(Base::new(surroundings, variables)))
    }

    #[test]
    fn parts_are_found_by_dots_and_indices_and_a_whole_name_comes_first() {
        let mut scope = scope(json!({"user": {"roles": ["admin"], "a b": {"c-d": 1}}, "x.y": "whole"}));
        scope.set("x", json!({"y": "part"}));
        assert_eq!(scope.get("user.roles[0]").as_deref(), Some(&json!("admin")));
        assert_eq!(scope.get("user.roles.0").as_deref(), Some(&json!("admin")));
        assert_eq!(scope.get("user.roles.length").as_deref(), Some(&json!(1)));
        assert_eq!(scope.get("user['a b'][\"c-d\"]").as_deref(), Some(&json!(1)));
        assert_eq!(scope.get("x.y").as_deref(), Some(&json!("whole")));
        assert_eq!(scope.get("user.name.first"), None);
    }

    #[test]
    fn an_own_value_hides_a_variable_and_a_variable_hides_a_row() {
        let mut scope = scope(json!({"a": 1, "b": 1}));
        scope.lay_row(&["b".into(), "c".into()].into(), &[json!(2), json!(2)].into());
        scope.set("a", 3);
        let values: Vec<_> = ["a", "b", "c"].map(|name| scope.get(name).map(Cow::into_owned)).into();
        assert_eq!(values, [Some(json!(3)), Some(json!(1)), Some(json!(2))]);
    }

    #[test]
    fn each_user_draws_one_of_a_list() {
        let base = Arc::new(Base::new(Surroundings::default(), [("colour".to_owned(), json!(["red", "blue"]))]));
        let drawn: Vec<_> = (0..100).map(|_| Scope::new(base.clone()).get("colour").map(Cow::into_owned)).collect();
        for colour in ["red", "blue"] {
            assert!(drawn.contains(&Some(json!(colour))), "{colour} was never drawn");
        }
    }

    #[test]
    fn templates_of_the_script_are_filled_in_where_they_are_used_those_of_answers_never() {
        let mut scope = scope(json!({"path": "{{ id }}/x", "circle": "{{ circle }}!"}));
        scope.set("id", 7);
        assert_eq!(scope.get("target").as_deref(), Some(&json!("http://shop:80")));
        assert_eq!(scope.get("path").as_deref(), Some(&json!("7/x")));
        assert_eq!(scope.get("circle").as_deref(), Some(&json!("{{ circle }}!")));
        scope.set("captured", "{{ $env.HOST }}");
        assert_eq!(scope.get("captured").as_deref(), Some(&json!("{{ $env.HOST }}")));
        scope.set_of_script("$loopElement", json!({"uri": "{{ id }}"}));
        assert_eq!(scope.get("$loopElement.uri").as_deref(), Some(&json!(7)));
    }

    #[test]
    fn a_dotted_name_sets_a_part() {
        let mut scope = scope(json!({"user": {"name": "a"}}));
        scope.set("user.roles[1]", "admin");
        assert_eq!(scope.get("user").as_deref(), Some(&json!({"name": "a", "roles": [null, "admin"]})));
        scope.set("list[999999999]", 1);
        assert_eq!(scope.get("list").as_deref(), Some(&json!({"999999999": 1})), "no list is grown that far");
    }

    #[test]
    fn a_user_keeps_its_uuid() {
        let scope = scope(json!({}));
        let uuid = scope.get("$uuid").expect("every user has one");
        assert_eq!(scope.get("$uuid").as_deref(), Some(&*uuid));
        assert_eq!(uuid.as_str().map(|text| (text.len(), &text[14..15])), Some((36, "4")));
    }
}
