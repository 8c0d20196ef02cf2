use std::sync::Arc;

use documents::script::Pick;
use serde_json::json;

use super::*;
use crate::value::scope::{Base, Surroundings};

fn origin() -> Origin {
    Origin { path: "shop.yml".to_owned(), line: 3, column: 5 }
}

fn compile(selector: Written) -> Result<Capture, CompileError> {
    Capture::compile(&documents::script::Capture { selector, variable: "v".to_owned(), strict: None, origin: origin() })
}

fn capture(selector: Written, response: &Response) -> Result<Value, CaptureError> {
    let mut scope = Scope::new(Arc::new(Base::new(Surroundings::default(), [])));
    scope.set("key", "id");
    let capture = compile(selector).expect("it compiles");
    let mut found = capture.run(response, &scope)?;
    assert_eq!(found[0].0, "v");
    Ok(found.swap_remove(0).1)
}

fn answer(body: &str) -> Response {
    let mut headers = http::HeaderMap::new();
    headers.append("x-id", http::HeaderValue::from_static("7"));
    headers.append("set-cookie", http::HeaderValue::from_static("a=1"));
    headers.append("set-cookie", http::HeaderValue::from_static("b=2"));
    Response::new(200, headers, body.to_owned().into(), String::new())
}

#[test]
fn json_by_path_with_templates_and_types_kept() {
    let response = answer(r#"{"id": 5, "none": null, "list": [1, 2]}"#);
    assert_eq!(capture(Written::Json("$.id".to_owned()), &response).expect("found"), json!(5));
    assert_eq!(capture(Written::Json("$.{{ key }}".to_owned()), &response).expect("found"), json!(5));
    assert_eq!(capture(Written::Json("$.none".to_owned()), &response).expect("found"), json!(null));
    assert_eq!(capture(Written::Json("$.list".to_owned()), &response).expect("found"), json!([1, 2]));
    let drawn: Vec<_> = (0..100).filter_map(|_| capture(Written::Json("$.list[*]".to_owned()), &response).ok()).collect();
    assert!(drawn.contains(&json!(1)) && drawn.contains(&json!(2)), "one of several is drawn");
}

#[test]
fn headers_in_any_case() {
    assert_eq!(capture(Written::Header("X-Id".to_owned()), &answer("")).expect("found"), json!("7"));
    assert_eq!(capture(Written::Header("set-cookie".to_owned()), &answer("")).expect("found"), json!(["a=1", "b=2"]));
}

#[test]
fn xml_by_xpath() {
    let response = answer("<?xml version=\"1.0\"?><shop><item id='a'>Pen</item><item id='b'>Ink</item></shop>");
    for (path, found) in [
        ("//item[2]", json!("Ink")),
        ("/shop/item[@id='b']/text()", json!("Ink")),
        ("//item[last()]/@id", json!("b")),
        ("count(//item)", json!(2.0)),
        ("concat(//item[1], '!')", json!("Pen!")),
    ] {
        assert_eq!(capture(Written::XPath(path.to_owned()), &response).expect(path), found, "{path}");
    }
    assert!(capture(Written::XPath("//nothing".to_owned()), &response).is_err());
    assert!(capture(Written::XPath("//a".to_owned()), &answer("<a><b></a>")).is_err());
}

#[test]
fn html_by_css() {
    let response = answer("<ul><li><a class=p href=/1>One</a><li><a class=p href=/2>Two</a></ul><p>x");
    let css = |selector: &str, attribute: Option<&str>, pick| {
        let selector = selector.to_owned();
        capture(Written::Css { selector, attribute: attribute.map(str::to_owned), pick }, &response)
    };
    assert_eq!(css("a.p", Some("href"), Pick::First).expect("found"), json!("/1"));
    assert_eq!(css("li:nth-child(2) > a", Some("href"), Pick::First).expect("found"), json!("/2"));
    assert_eq!(css("a", Some("href"), Pick::Last).expect("found"), json!("/2"));
    assert_eq!(css("a", None, Pick::Index(1)).expect("found"), json!("Two"));
    assert!(css("a", Some("href"), Pick::Random).is_ok());
    assert!(css("a", Some("href"), Pick::Index(5)).is_err());
    assert!(css("a", Some("rel"), Pick::First).is_err());
    assert!(css("table", None, Pick::First).is_err());
}

#[test]
fn a_failure_names_the_selector_its_place_and_the_beginning_of_the_body() {
    let error = capture(Written::Json("$.token".to_owned()), &answer(r#"{"error": "denied"}"#)).expect_err("nothing");
    assert_eq!(error.to_string(), "JSONPath `$.token` found nothing; the body begins: {\"error\": \"denied\"}");
    assert_eq!(error.origin.line, 3);
    let error = capture(Written::Json("$.a".to_owned()), &answer("<html>")).expect_err("no JSON");
    assert!(error.to_string().starts_with("JSONPath `$.a` needs JSON, but expected value at line 1"), "{error}");
    assert!(capture(Written::Json("$.a".to_owned()), &answer(r#"{"a": ""}"#)).is_err(), "an empty text is no result");
}

#[test]
fn faulty_selectors_are_found_before_the_run() {
    for (selector, message) in [
        (Written::Json("$.a[".to_owned()), "JSONPath `$.a[` has a `[` that is not closed"),
        (Written::Json("$.{{ a".to_owned()), "JSONPath `$.{{ a`: `{{` is not closed; close it with `}}`"),
        (Written::Header("a b".to_owned()), "header `a b` is no name of a header"),
    ] {
        assert_eq!(compile(selector).expect_err(message).to_string(), message);
    }
    assert!(compile(Written::XPath("//a[".to_owned())).is_err());
    assert!(compile(Written::Css { selector: "a[".to_owned(), attribute: None, pick: Pick::First }).is_err());
    assert!(compile(Written::Regexp { pattern: "(".to_owned(), group: None, flags: None }).is_err());
}
