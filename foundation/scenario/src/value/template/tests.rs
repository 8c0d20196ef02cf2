use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::value::scope::{Base, Surroundings};

fn scope(variables: Value) -> Scope {
    let mut scope = Scope::new(Arc::new(Base::new(Surroundings::default(), [])));
    for (name, value) in variables.as_object().expect("variables are an object") {
        scope.set(name, value.clone());
    }
    scope
}

fn text(template: &str, variables: Value) -> String {
    let text = Text::parse(template).expect("a template");
    text.render(&scope(variables)).expect("it renders").into_owned()
}

fn value(template: Value, variables: Value) -> Value {
    let json = Json::parse(&template).expect("a template");
    let scope = scope(variables);
    let value = json.render(&scope).expect("it renders");
    let bytes = json.to_bytes(&scope).expect("it renders");
    assert_eq!(serde_json::from_slice::<Value>(&bytes).expect("it is JSON"), value, "both ways say the same");
    value
}

#[test]
fn variables_are_filled_in_between_two_or_three_braces() {
    let variables = json!({"name": "Ada", "day": "Friday", "one": 1.0, "none": null, "list": [1, "a"]});
    assert_eq!(text("hello {{name}}, {{{ day }}}!", variables.clone()), "hello Ada, Friday!");
    assert_eq!(text("{{ one }} {{ none }} {{ list }} {{ nobody }}", variables), r#"1 null [1,"a"] undefined"#);
    assert_eq!(text("{}", json!({})), "{}");
    assert_eq!(text("", json!({})), "");
}

#[test]
fn a_body_keeps_its_last_brace() {
    assert_eq!(text(r#"{"a":{{ x }}}"#, json!({"x": 5})), r#"{"a":5}"#);
    assert_eq!(text(r#"{"a":{{{x}},1}"#, json!({"x": 5})), r#"{"a":{5,1}"#);
}

#[test]
fn a_template_that_stands_alone_keeps_its_type() {
    let variables = json!({"zero": 0, "no": false, "list": [1, 2], "k": "foo"});
    assert_eq!(
        value(json!({"{{k}}": "{{ zero }}", "no": "{{no}}", "l": ["{{ list }}", "{{ gone }}"], "s": " {{ zero }}"}), variables),
        json!({"foo": 0, "no": false, "l": [[1, 2], null], "s": " 0"})
    );
}

#[test]
fn a_field_whose_variable_is_not_there_is_left_out() {
    assert_eq!(value(json!({"a": "{{ gone }}", "b": "{{ x }}"}), json!({"x": "\"quoted\""})), json!({"b": "\"quoted\""}));
    assert_eq!(value(json!("{{ gone }}"), json!({})), Value::Null);
    assert_eq!(value(json!([]), json!({})), json!([]));
}

#[test]
fn functions_draw_numbers_and_texts() {
    for _ in 0..200 {
        let number: i64 = text("{{ $randomNumber(5, 7) }}", json!({})).parse().expect("a number");
        assert!((5..=7).contains(&number));
        let negative: i64 = text("{{ $randomNumber( 2 , -2 ) }}", json!({})).parse().expect("a number");
        assert!((-2..=2).contains(&negative));
        assert_eq!(text("{{ $randomString(3) }}", json!({})).len(), 3);
        assert_eq!(text("{{ $randomString( ) }}-{{ greeting }}", json!({"greeting": "hi"})).len(), 13);
    }
}

#[test]
fn slips_are_named_with_their_place() {
    let slip = |template| Text::parse(template).expect_err("a slip");
    let unknown = slip("x {{ $randomNumbr(1, 2) }}");
    assert_eq!((unknown.column, unknown.mend.as_deref()), (3, Some("did you mean `$randomNumber`?")));
    assert_eq!(slip("é {{ a").message, "`{{` is not closed");
    assert_eq!(slip("é {{ a").column, 3);
    assert_eq!(slip("{{ a + b }}").message, "`{{ a + b }}` is neither a variable nor a function");
    assert_eq!(slip("{{ $randomString }}").mend.as_deref(), Some("write `$randomString(10)`"));
    assert_eq!(slip("{{ $randomNumber(1, n) }}").message, "`n` is no number that `$randomNumber` can take");
    assert_eq!(slip("{{ $uuid() }}").mend.as_deref(), Some("`$uuid` is a variable: leave out the parentheses"));
    assert!(Text::parse("{{ $randomString(1e300) }}").is_err());
}

#[test]
fn a_captured_text_is_never_a_template() {
    assert_eq!(text("{{ x }}!", json!({"x": "{{ secret }}", "secret": 1})), "{{ secret }}!");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(template in r"(\{\{|\}\}|\{|\}|[$a-z0-9 ().,\[\]'é-]){0,30}") {
        if let Ok(text) = Text::parse(&template) {
            let _ = text.render(&scope(json!({"a": {"b": [1]}})));
        }
    }

    #[test]
    fn a_text_without_double_braces_stays(template in "[^{]{0,30}") {
        let text = Text::parse(&template).expect("no template");
        prop_assert_eq!(text.constant(), Some(template.as_str()));
    }

    #[test]
    fn what_stands_around_a_variable_stays(before in "[^{]{0,10}", after in "[^{}]{0,10}", value in "[^{}]{0,10}") {
        prop_assume!(!before.is_empty() || !after.is_empty());
        let rendered = text(&format!("{before}{{{{ v }}}}{after}"), json!({"v": value}));
        prop_assert_eq!(rendered, format!("{before}{value}{after}"));
    }
}
