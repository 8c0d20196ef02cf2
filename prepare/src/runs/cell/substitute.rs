//! `{{ name }}` in `sql` and `promql` cells: values that cannot change what the query is.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::runs::error::closest;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Sql,
    Promql,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubstituteError {
    #[error("{{{{ {name} }}}} is neither a parameter nor an output of an earlier step{}", .suggestion.as_ref().map(|name| format!("; did you mean {name:?}?")).unwrap_or_default())]
    Unknown { name: String, suggestion: Option<String> },
    #[error("write {{{{ {name} }}}} without quotes around it; it is quoted when it is filled in")]
    Quoted { name: String },
    #[error("the value of {name} is {value:?}, which is not a {filter}")]
    Value { name: String, value: String, filter: String },
    #[error("{{{{ {name} | {filter} }}}}: there is no {filter:?}; use number or duration, or nothing for a quoted string")]
    Filter { name: String, filter: String },
}

static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:\|\s*([A-Za-z]+)\s*)?\}\}").expect("the expression is constant and valid")
});

/// Fills in the places. Values given later in `values` win.
pub fn substitute(text: &str, language: Language, values: &[&BTreeMap<String, String>]) -> Result<String, SubstituteError> {
    let mut filled = String::with_capacity(text.len());
    let mut end = 0;
    for place in PLACE.captures_iter(text) {
        let whole = place.get_match();
        filled.push_str(&text[end..whole.start()]);
        filled.push_str(&fill(&place, text[..whole.start()].ends_with(['\'', '"']), language, values)?);
        end = whole.end();
    }
    filled.push_str(&text[end..]);
    Ok(filled)
}

fn fill(place: &Captures<'_>, quoted: bool, language: Language, values: &[&BTreeMap<String, String>]) -> Result<String, SubstituteError> {
    let name = place[1].to_owned();
    let Some(value) = values.iter().rev().find_map(|values| values.get(&name)) else {
        let suggestion = closest(&name, values.iter().flat_map(|values| values.keys()).map(String::as_str));
        return Err(SubstituteError::Unknown { name, suggestion });
    };
    let bare = |fits: bool, filter: &str| match fits {
        true => Ok(value.clone()),
        false => Err(SubstituteError::Value { name: name.clone(), value: value.clone(), filter: filter.to_owned() }),
    };
    match place.get(2).map(|filter| filter.as_str()) {
        None if quoted => Err(SubstituteError::Quoted { name }),
        None => Ok(quote(value, language)),
        Some("number") => bare(is_number(value), "number"),
        Some("duration") => bare(kernel::parse_duration(value).is_ok(), "duration"),
        Some(filter) => Err(SubstituteError::Filter { filter: filter.to_owned(), name }),
    }
}

/// Digits, with a sign, a fraction and an exponent at most: nothing that a query could take for more.
fn is_number(value: &str) -> bool {
    value.parse::<f64>().is_ok_and(f64::is_finite) && value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
}

fn quote(value: &str, language: Language) -> String {
    match language {
        // Standard SQL: the quote is doubled, nothing else is special.
        Language::Sql => format!("'{}'", value.replace('\'', "''")),
        // PromQL reads Go's escapes.
        Language::Promql => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> BTreeMap<String, String> {
        [("service", "it's; DROP TABLE logs --"), ("limit", "10"), ("window", "5m"), ("path", "a\\\"b\n")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn values_stay_values() {
        let values = values();
        let sql = |text| substitute(text, Language::Sql, &[&values]);
        assert_eq!(sql("service = {{ service }} LIMIT {{limit|number}}").unwrap(), "service = 'it''s; DROP TABLE logs --' LIMIT 10");
        let promql = substitute("rate(x{path={{ path }}}[{{ window | duration }}])", Language::Promql, &[&values]);
        assert_eq!(promql.unwrap(), r#"rate(x{path="a\\\"b\n"}[5m])"#);
    }

    #[test]
    fn mistakes_are_named() {
        let values = values();
        for (text, expected) in [
            ("{{ servise }}", "{{ servise }} is neither a parameter nor an output of an earlier step; did you mean \"service\"?"),
            ("'{{ service }}'", "write {{ service }} without quotes around it; it is quoted when it is filled in"),
            ("{{ service | number }}", "the value of service is \"it's; DROP TABLE logs --\", which is not a number"),
            ("{{ limit | raw }}", "{{ limit | raw }}: there is no \"raw\"; use number or duration, or nothing for a quoted string"),
        ] {
            assert_eq!(substitute(text, Language::Sql, &[&values]).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn later_values_win() {
        let outputs = BTreeMap::from([("limit".to_owned(), "20".to_owned())]);
        assert_eq!(substitute("{{ limit | number }}", Language::Sql, &[&values(), &outputs]).unwrap(), "20");
    }
}
