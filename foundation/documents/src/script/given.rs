//! What a script's settings may refer to before there is any virtual user.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// The environment of the process, and variables given on the command line.
#[derive(Clone)]
pub struct Given {
    /// Given on the command line, for templates in `config`; the script's own `variables` are those of virtual users.
    pub variables: BTreeMap<String, Value>,
    /// `$env.NAME` and `$processEnvironment.NAME`.
    pub process: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>,
    /// The CSV file of a `payload` that names none, as a path from the script's folder or from the root.
    pub payload: Option<String>,
}

impl Default for Given {
    fn default() -> Self {
        Self { variables: BTreeMap::new(), process: Arc::new(|name| std::env::var(name).ok()), payload: None }
    }
}

impl fmt::Debug for Given {
    /// Neither variables nor the environment are shown: secrets lie there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").finish_non_exhaustive()
    }
}

/// A template with what is known filled in.
#[derive(Debug, PartialEq)]
pub struct Filled {
    /// Of its own type if the template stood alone.
    pub value: Value,
    /// What had no value, and still stands as a template.
    pub missing: Vec<String>,
}

impl Given {
    pub fn fill(&self, text: &str, environment: Option<&str>) -> Filled {
        let mut missing = Vec::new();
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, template, after)) = next_template(rest) {
            let name = template.trim_matches(['{', '}']).trim();
            match self.look_up(name, environment) {
                Some(value) if template == text.trim() => return Filled { value, missing },
                Some(Value::String(value)) => filled.extend([before, &value]),
                Some(value) => filled.extend([before, &value.to_string()]),
                None => {
                    missing.push(name.to_owned());
                    filled.extend([before, template]);
                }
            }
            rest = after;
        }
        filled.push_str(rest);
        Filled { value: Value::String(filled), missing }
    }

    fn look_up(&self, name: &str, environment: Option<&str>) -> Option<Value> {
        let process = name.strip_prefix("$env.").or_else(|| name.strip_prefix("$processEnvironment."));
        match (name, process) {
            (_, Some(variable)) => (self.process)(variable).map(Value::String),
            ("$environment", _) => environment.map(Value::from),
            // Paths are relative to the script as it is.
            ("$dirname", _) => Some(Value::from(".")),
            _ => {
                let mut parts = name.split('.');
                let first = self.variables.get(parts.next()?)?;
                parts.try_fold(first, |value, part| value.get(part)).cloned()
            }
        }
    }
}

/// The first `{{ … }}` or `{{{ … }}}` with what stands before and after it.
fn next_template(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find("{{")?;
    let mut end = start + text[start..].find("}}")? + 2;
    if text[end..].starts_with('}') && text[start..].starts_with("{{{") {
        end += 1;
    }
    Some((&text[..start], &text[start..end], &text[end..]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given() -> Given {
        let variables = BTreeMap::from([("rate".to_owned(), json!(5)), ("shop".to_owned(), json!({ "path": "a/b" }))]);
        Given { variables, process: Arc::new(|name| (name == "RATE").then(|| "20".to_owned())), payload: None }
    }

    #[test]
    fn fills_in_what_is_known_and_names_the_rest() {
        let fill = |text: &str| given().fill(text, Some("stage"));
        for (text, value) in [
            ("{{ $env.RATE }}", json!("20")),
            ("{{{$processEnvironment.RATE}}}", json!("20")),
            ("{{ rate }}", json!(5)),
            ("a-{{ rate }}-{{ shop.path }}", json!("a-5-a/b")),
            ("{{ $dirname }}/{{ $environment }}.csv", json!("./stage.csv")),
            ("plain } }}", json!("plain } }}")),
            ("{{ open", json!("{{ open")),
        ] {
            assert_eq!(fill(text), Filled { value, missing: vec![] }, "{text}");
        }
        let partly = fill("{{ $env.HOST }}/{{ rate }}/{{ shop.none }}");
        assert_eq!(partly.value, json!("{{ $env.HOST }}/5/{{ shop.none }}"));
        assert_eq!(partly.missing, ["$env.HOST", "shop.none"]);
    }
}
