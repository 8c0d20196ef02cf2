//! Whether a value is within a tolerance. Decides only: no clock, disk or socket. A tolerance that is a probe
//! is for the runner to ask.
//!
//! Source: Chaos Toolkit, "Steady State Probe Tolerance". Where the toolkit's code does otherwise,
//! [`Mode::Compatible`] does as the code.

use std::cmp::Ordering;

use documents::experiment::Tolerance;
use documents::experiment::jsonpath::JsonPath;
use fancy_regex::Regex;
use serde_json::Value;

use super::substitute::{Names, written};

/// Whose word counts where the specification and the toolkit's code differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Specified,
    Compatible,
}

/// Says why a value is not within a tolerance.
pub type Judgement = Result<(), String>;

/// Judges a probe's value. A tolerance of type probe is met here: whoever runs it decides.
pub fn judge(tolerance: &Tolerance, value: &Value, names: &Names, mode: Mode) -> Judgement {
    match tolerance {
        Tolerance::Scalar(wanted) => scalar(&names.fill(wanted), value, mode),
        Tolerance::List(wanted) => list(wanted, value, mode),
        Tolerance::Probe(_) => Ok(()),
        Tolerance::Regex { pattern, target } => regex(&names.fill_to_text(pattern), targeted(value, target.as_deref(), mode)),
        Tolerance::JsonPath { path, expect, count, target } => {
            let expect = expect.as_ref().map(|expect| names.fill(expect));
            let value = target.as_deref().map_or(value, |target| field(value, target));
            jsonpath(&names.fill_to_text(path), expect.as_ref(), *count, value, mode)
        }
        Tolerance::Range { low, high, target } => range(*low, *high, targeted(value, target.as_deref(), mode)),
    }
}

/// What a function or a query answers counts as yes: not nothing, not zero, not empty. As in Python.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// An answer of HTTP or of a process is judged by its status.
fn status(value: &Value) -> Option<&Value> {
    value.as_object()?.get("status")
}

fn field<'a>(value: &'a Value, target: &str) -> &'a Value {
    value.get(target).unwrap_or(value)
}

fn targeted<'a>(value: &'a Value, target: Option<&str>, mode: Mode) -> &'a Value {
    match target {
        Some(target) => field(value, target),
        None if mode == Mode::Specified => status(value).unwrap_or(value),
        None => value,
    }
}

fn scalar(wanted: &Value, value: &Value, mode: Mode) -> Judgement {
    // The toolkit looks at the status only for whole numbers; Python counts booleans among the numbers.
    let by_status = mode == Mode::Specified || wanted.is_i64() || wanted.is_u64();
    let tested = if by_status { status(value).unwrap_or(value) } else { value };
    met(same(wanted, tested, mode), || format!("{} is not {}", shown(tested), shown(wanted)))
}

fn list(wanted: &[Value], value: &Value, mode: Mode) -> Judgement {
    let status = status(value);
    let tested = status.unwrap_or(value);
    let membership = mode == Mode::Compatible && status.is_some();
    if let ([low, high], false) = (wanted, membership) {
        let within = order(low, tested, mode).is_some_and(Ordering::is_le) && order(tested, high, mode).is_some_and(Ordering::is_le);
        return met(within, || format!("{} is not between {} and {}", shown(tested), shown(low), shown(high)));
    }
    let listed = wanted.iter().any(|wanted| same(wanted, tested, mode));
    met(listed, || format!("{} is not among {}", shown(tested), shown(&Value::Array(wanted.to_vec()))))
}

fn regex(pattern: &str, value: &Value) -> Judgement {
    let text = match value {
        Value::Array(_) | Value::Object(_) | Value::Null => return Err(format!("{} is no text to match; name its field as `target`", shown(value))),
        other => written(other),
    };
    let compiled = Regex::new(&as_python_means(pattern)).map_err(|error| format!("`{pattern}` is not a regular expression: {error}"))?;
    let found = compiled.is_match(&text).map_err(|error| format!("`{pattern}` takes too long on {}: {error}", shown(value)))?;
    met(found, || format!("{} does not match `{pattern}`", shown(value)))
}

/// In Python `$` also matches before the newline that ends a text, as the output of most programs does; `\Z`
/// does not.
fn as_python_means(pattern: &str) -> String {
    if pattern.contains("(?") && pattern.split("(?").skip(1).any(|flags| flags.bytes().take_while(u8::is_ascii_alphabetic).any(|flag| flag == b'm')) {
        return pattern.to_owned();
    }
    let mut translated = String::with_capacity(pattern.len());
    let mut in_class = false;
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('Z') => translated.push_str("\\z"),
                Some(escaped) => translated.extend(['\\', escaped]),
                None => translated.push('\\'),
            },
            '$' if !in_class => translated.push_str("(?=\\n?\\z)"),
            _ => {
                in_class = (in_class || character == '[') && character != ']';
                translated.push(character);
            }
        }
    }
    translated
}

fn jsonpath(path: &str, expect: Option<&Value>, count: Option<u64>, value: &Value, mode: Mode) -> Judgement {
    let compiled = JsonPath::parse(path).map_err(|error| error.to_string())?;
    let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    let value: &Value = parsed.as_ref().unwrap_or(value);
    let found = compiled.find(value);
    // The toolkit forgets the count where something is expected.
    if let Some(count) = count.filter(|_| expect.is_none() || mode == Mode::Specified) {
        met(found.len() as u64 == count, || format!("`{path}` found {} values, not {count}", found.len()))?;
    }
    match expect {
        None if count.is_some() => Ok(()),
        None => met(!found.is_empty(), || format!("`{path}` found nothing")),
        Some(expect) => {
            let as_expected = match (expect, mode) {
                (Value::Array(all), _) => all.len() == found.len() && all.iter().zip(&found).all(|(wanted, found)| same(wanted, found, mode)),
                (one, Mode::Specified) => !found.is_empty() && found.iter().all(|found| same(one, found, mode)),
                (one, Mode::Compatible) => found.len() == 1 && same(one, &found[0], mode),
            };
            met(as_expected, || format!("`{path}` found {}, not {}", shown(&Value::Array(found.clone())), shown(expect)))
        }
    }
}

fn range(low: f64, high: f64, value: &Value) -> Judgement {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse::<f64>().ok(),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        _ => None,
    };
    match number {
        None => Err(format!("{} is not a number", shown(value))),
        Some(number) => met((low..=high).contains(&number), || format!("{number} is not between {low} and {high}")),
    }
}

/// Whether two values are equal: 1 is 1.0, and in Python true is 1.
fn same(one: &Value, other: &Value, mode: Mode) -> bool {
    match (number(one, mode), number(other, mode)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one == other,
        _ => false,
    }
}

fn order(one: &Value, other: &Value, mode: Mode) -> Option<Ordering> {
    match (one, other) {
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => number(one, mode)?.partial_cmp(&number(other, mode)?),
    }
}

fn number(value: &Value, mode: Mode) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(flag) if mode == Mode::Compatible => Some(f64::from(u8::from(*flag))),
        _ => None,
    }
}

fn met(met: bool, why: impl FnOnce() -> String) -> Judgement {
    if met { Ok(()) } else { Err(why()) }
}

/// As much of a value as fits a message.
fn shown(value: &Value) -> String {
    const CHARACTERS_MAX: usize = 120;
    let text = value.to_string();
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const BOTH: [Mode; 2] = [Mode::Specified, Mode::Compatible];

    fn within(tolerance: &Tolerance, value: &Value, mode: Mode) -> bool {
        judge(tolerance, value, &Names::default(), mode).is_ok()
    }

    fn scalar_of(value: Value) -> Tolerance {
        Tolerance::Scalar(value)
    }

    fn list_of(value: Value) -> Tolerance {
        Tolerance::List(value.as_array().cloned().unwrap_or_default())
    }

    fn regex_of(pattern: &str, target: Option<&str>) -> Tolerance {
        Tolerance::Regex { pattern: pattern.to_owned(), target: target.map(str::to_owned) }
    }

    fn path_of(path: &str, expect: Option<Value>, count: Option<u64>) -> Tolerance {
        Tolerance::JsonPath { path: path.to_owned(), expect, count, target: Some("body".to_owned()) }
    }

    #[test]
    fn a_scalar_is_equal_or_not() {
        for mode in BOTH {
            assert!(within(&scalar_of(json!(true)), &json!(true), mode));
            assert!(within(&scalar_of(json!("OK")), &json!("OK"), mode));
            assert!(within(&scalar_of(json!(8)), &json!(8.0), mode));
            assert!(within(&scalar_of(json!(200)), &json!({ "status": 200, "body": "" }), mode));
            assert!(!within(&scalar_of(json!(200)), &json!({ "status": 500 }), mode));
            assert!(!within(&scalar_of(json!("200")), &json!(200), mode));
            assert!(!within(&scalar_of(json!(1)), &json!({ "other": 1 }), mode));
        }
    }

    #[test]
    fn two_values_are_bounds_and_more_are_choices() {
        let bounds = list_of(json!([4, 9]));
        let choices = list_of(json!([4, 9, 78]));
        for mode in BOTH {
            for (value, is_bound, is_choice) in [(4, true, true), (6, true, false), (9, true, true), (78, false, true), (3, false, false)] {
                assert_eq!((within(&bounds, &json!(value), mode), within(&choices, &json!(value), mode)), (is_bound, is_choice), "{value}");
            }
            assert!(within(&list_of(json!(["a", "c"])), &json!("b"), mode));
            assert!(!within(&bounds, &json!("5"), mode), "text is not between numbers");
        }
    }

    /// The specification's word against the code's.
    #[test]
    fn the_toolkit_takes_two_statuses_as_choices() {
        let fine = list_of(json!([200, 299]));
        let answer = |status: u16| json!({ "status": status, "headers": {}, "body": null });
        assert!(within(&fine, &answer(204), Mode::Specified) && within(&fine, &answer(299), Mode::Specified));
        assert!(!within(&fine, &answer(204), Mode::Compatible) && within(&fine, &answer(299), Mode::Compatible));
    }

    #[test]
    fn a_regular_expression_searches_its_target() {
        let output = json!({ "status": 0, "stdout": "ready\nok\n", "stderr": "" });
        for mode in BOTH {
            assert!(within(&regex_of("o[kK]$", Some("stdout")), &output, mode), "a last newline is not in the way");
            assert!(!within(&regex_of("^ok", Some("stdout")), &output, mode));
            assert!(!within(&regex_of(r"ok\Z", Some("stdout")), &output, mode));
            assert!(within(&regex_of("^(?!not)r", Some("stdout")), &output, mode), "look-around");
            assert!(within(&regex_of("[$]5", None), &json!("costs $5"), mode));
            assert!(within(&regex_of("(?m)^ok$", Some("stdout")), &output, mode));
            assert!(!within(&regex_of("x", None), &json!(null), mode));
        }
        assert!(within(&regex_of("^0$", None), &output, Mode::Specified), "by its status");
        assert!(!within(&regex_of("^0$", None), &output, Mode::Compatible));
    }

    #[test]
    fn a_jsonpath_finds_what_is_expected() {
        let answer = json!({ "status": 200, "body": "{\"items\": [{\"n\": 4}, {\"n\": 4}, {\"x\": 1}]}" });
        for mode in BOTH {
            assert!(within(&path_of("$.items[*].n", None, None), &answer, mode));
            assert!(within(&path_of("items[*].n", None, Some(2)), &answer, mode), "the root may be left out");
            assert!(within(&path_of("$.items[*].n", Some(json!([4, 4])), None), &answer, mode));
            assert!(within(&path_of("$.items[0].n", Some(json!(4)), None), &answer, mode));
            assert!(!within(&path_of("$.items[*].n", Some(json!(5)), None), &answer, mode));
            assert!(!within(&path_of("$.nothing", None, None), &answer, mode));
            assert!(within(&path_of("$.nothing", None, Some(0)), &answer, mode));
        }
        let each = path_of("$.items[*].n", Some(json!(4)), None);
        assert_eq!((within(&each, &answer, Mode::Specified), within(&each, &answer, Mode::Compatible)), (true, false));
        let count_too = path_of("$.items[0].n", Some(json!(4)), Some(3));
        assert_eq!((within(&count_too, &answer, Mode::Specified), within(&count_too, &answer, Mode::Compatible)), (false, true));
    }

    #[test]
    fn a_range_takes_numbers_and_numbers_as_text() {
        let range = Tolerance::Range { low: 4.6, high: 8.9, target: None };
        for mode in BOTH {
            assert!(within(&range, &json!("5.5\n"), mode) && within(&range, &json!(8.9), mode));
            assert!(!within(&range, &json!(4), mode) && !within(&range, &json!("five"), mode) && !within(&range, &json!(null), mode));
        }
        let stdout = Tolerance::Range { low: 1.0, high: 2.0, target: Some("stdout".to_owned()) };
        assert!(within(&stdout, &json!({ "status": 0, "stdout": "1" }), Mode::Specified));
    }

    #[test]
    fn a_reason_says_what_was_found() {
        let why = judge(&scalar_of(json!(200)), &json!({ "status": 503 }), &Names::default(), Mode::Specified);
        assert_eq!(why, Err("503 is not 200".to_owned()));
    }

    proptest! {
        #[test]
        fn bounds_are_inclusive_and_nothing_else(low in -1000_i64..1000, width in 0_i64..1000, value in -3000_i64..3000) {
            let high = low + width;
            for mode in BOTH {
                prop_assert_eq!(within(&list_of(json!([low, high])), &json!(value), mode), (low..=high).contains(&value));
            }
        }

        #[test]
        fn a_value_is_within_itself(text in "[^$]*", number in any::<i32>(), flag in any::<bool>()) {
            for value in [json!(text), json!(number), json!(flag)] {
                for mode in BOTH {
                    prop_assert!(within(&scalar_of(value.clone()), &value, mode));
                    prop_assert!(within(&list_of(json!([value, "a", "b"])), &value, mode));
                }
            }
        }

        #[test]
        fn patterns_of_strangers_do_not_panic(pattern in ".{0,30}", text in ".{0,30}") {
            for tolerance in [regex_of(&pattern, None), path_of(&pattern, None, None)] {
                let _ = judge(&tolerance, &json!(text), &Names::default(), Mode::Specified);
            }
        }
    }
}
