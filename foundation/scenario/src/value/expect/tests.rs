use std::sync::Arc;

use documents::script::Check as Written;
use serde_json::json;

use super::*;
use crate::value::scope::{Base, Surroundings};

fn scope() -> Scope {
    let mut scope = Scope::new(Arc::new(Base::new(Surroundings::default(), [])));
    scope.set("code", 200);
    scope.set("name", "pets");
    scope.set("list", json!([200, 201]));
    scope
}

fn compile(check: Written) -> Result<Expectation, CompileError> {
    let origin = Origin { path: "shop.yml".to_owned(), line: 9, column: 1 };
    Expectation::compile(&documents::script::Expectation { check, description: None, origin })
}

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Response {
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, http::HeaderValue::from_static(value));
    }
    Response::new(status, map, body.into(), String::new())
}

fn json_answer(body: &'static str) -> Response {
    answer(200, &[("content-type", "application/json; charset=utf-8")], body)
}

/// The mismatch as a text, or that there is none.
fn check(check: Written, response: &Response) -> Result<(), String> {
    compile(check).expect("it compiles").check(response, &scope()).map_err(|mismatch| mismatch.to_string())
}

fn fails(written: Written, response: &Response, message: &str) {
    assert_eq!(check(written, response), Err(message.to_owned()));
}

#[test]
fn status_codes_are_numbers_texts_lists_and_templates() {
    let ok = answer(200, &[], "");
    for codes in [vec![json!(200)], vec![json!("200")], vec![json!("{{ code }}")], vec![json!(404), json!(200)], vec![json!("{{ list }}")]] {
        assert_eq!(check(Written::StatusCode(codes.clone()), &ok), Ok(()), "{codes:?}");
        assert!(check(Written::NotStatusCode(codes), &ok).is_err());
    }
    fails(Written::StatusCode(vec![json!(201), json!(204)]), &ok, "statusCode: expected 201 or 204, got 200");
    fails(Written::NotStatusCode(vec![json!(200)]), &ok, "notStatusCode: expected anything but 200, got 200");
    let error = compile(Written::StatusCode(vec![json!("2xx")])).expect_err("no number");
    assert_eq!((error.to_string().as_str(), error.origin.line), ("statusCode: \"2xx\" is no status code", 9));
}

#[test]
fn content_types() {
    let json = Written::ContentType(json!("json"));
    assert_eq!(check(json.clone(), &json_answer("{}")), Ok(()));
    assert_eq!(check(json.clone(), &answer(200, &[("content-type", "application/problem+json")], "[]")), Ok(()));
    fails(json.clone(), &answer(200, &[("content-type", "text/html")], "{}"), "contentType: expected json, got content-type text/html");
    fails(json.clone(), &answer(200, &[], "{}"), "contentType: expected json, got no content-type header");
    assert!(check(json, &json_answer("{")).is_err(), "it must be JSON in fact");
    let html = answer(200, &[("content-type", "Text/HTML")], "");
    assert_eq!(check(Written::ContentType(json!("text/html")), &html), Ok(()));
    assert!(check(Written::ContentType(json!("text/plain")), &html).is_err());
}

#[test]
fn properties_by_path() {
    let response = json_answer(r#"{"pets": [{"name": null}], "a.b": 1}"#);
    for path in ["pets", "pets[0].name", "{{ name }}.0", "a.b", "pets.length"] {
        assert_eq!(check(Written::HasProperty(json!(path)), &response), Ok(()), "{path}");
        assert!(check(Written::NotHasProperty(json!(path)), &response).is_err(), "{path}");
    }
    assert_eq!(check(Written::NotHasProperty(json!("dogs")), &response), Ok(()));
    fails(Written::HasProperty(json!("dogs")), &json_answer("[1]"), "hasProperty: expected a property `dogs`, got the body [1]");
    fails(
        Written::HasProperty(json!("dogs")),
        &answer(200, &[("content-type", "text/plain")], "{}"),
        "hasProperty: expected a property `dogs`, got a body that is no JSON but text/plain",
    );
    let message = answer(0, &[], r#"{"dogs": 1}"#);
    assert_eq!(check(Written::HasProperty(json!("dogs")), &message), Ok(()), "a message has no type");
}

#[test]
fn values_equal_as_texts() {
    let nothing = answer(200, &[], "");
    assert_eq!(check(Written::Equals(vec![json!("{{ code }}"), json!(200), json!("200")]), &nothing), Ok(()));
    fails(Written::Equals(vec![json!("{{ name }}"), json!("dogs")]), &nothing, "equals: expected all values to be equal, got pets, dogs");
    fails(Written::Equals(vec![json!("{{ gone }}"), json!(1)]), &nothing, "equals: expected all values to be equal, got undefined, 1");
    assert!(check(Written::Equals(vec![]), &nothing).is_err());
}

#[test]
fn headers() {
    let response = answer(200, &[("x-id", "7"), ("via", "a"), ("via", "b"), ("x-cache", "Hit from cloudfront")], "");
    assert_eq!(check(Written::HasHeader(json!("X-Id")), &response), Ok(()));
    fails(Written::HasHeader(json!("x-no")), &response, "hasHeader: expected a header `x-no`, got none");
    assert_eq!(check(Written::HeaderEquals(json!("via"), json!("a, b")), &response), Ok(()));
    assert_eq!(check(Written::HeaderEquals(json!("x-id"), json!(7)), &response), Ok(()));
    fails(Written::HeaderEquals(json!("x-id"), json!("8")), &response, "headerEquals: expected x-id: 8, got x-id: 7");
    assert_eq!(check(Written::CdnHit(json!(true)), &response), Ok(()));
    fails(Written::CdnHit(json!(false)), &response, "cdnHit: expected a cache miss, got x-cache: Hit from cloudfront");
    fails(Written::CdnHit(json!(true)), &answer(200, &[], ""), "cdnHit: expected a cache hit, got no header of a cache");
}

#[test]
fn expressions_over_the_body() {
    let response = json_answer(r#"{"pets": [{"name": "Rex", "age": 3.0}]}"#);
    assert_eq!(check(Written::MatchesRegexp(json!("\"name\":\\s*\"R")), &response), Ok(()));
    assert_eq!(check(Written::MatchesRegexp(json!("{{ name }}")), &response), Ok(()));
    assert!(check(Written::MatchesRegexp(json!("^x")), &response).is_err());
    assert!(compile(Written::MatchesRegexp(json!("("))).is_err());
    let search = |expression: &str, equals| Written::Jmespath { expression: expression.to_owned(), equals };
    assert_eq!(check(search("pets[?age > `2`] | [0]", None), &response), Ok(()));
    assert_eq!(check(search("pets[0].age", Some(json!(3))), &response), Ok(()));
    fails(search("length(pets)", Some(json!(2))), &response, "jmespath: expected `length(pets)` to be 2, got 1");
    fails(search("pets[0].owner", None), &response, "jmespath: expected `pets[0].owner` to be true, got null");
    assert!(compile(search("pets[", None)).is_err());
}

#[test]
fn a_match_compares_what_a_selector_finds() {
    let selector = documents::script::Selector::Json("$.id".to_owned());
    let origin = Origin { path: "a.yml".to_owned(), line: 1, column: 1 };
    let wanted = documents::script::Match { selector, value: json!("{{ code }}"), strict: None, origin };
    let wanted = Match::compile(&wanted).expect("it compiles");
    assert!(wanted.strict);
    assert_eq!(wanted.check(&json_answer(r#"{"id": 200}"#), &scope()), Ok(()));
    let mismatch = wanted.check(&json_answer(r#"{"id": "200"}"#), &scope()).expect_err("a text is no number");
    assert_eq!(mismatch.to_string(), "match JSONPath `$.id`: expected 200, got \"200\"");
}
