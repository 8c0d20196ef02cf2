use proptest::prelude::*;
use serde_json::json;

use super::*;

fn store() -> Value {
    json!({
        "store": {
            "book": [
                {"category": "reference", "title": "Sayings", "price": 8.95},
                {"category": "fiction", "title": "Sword", "price": 12.99},
                {"category": "fiction", "title": "Moby Dick", "isbn": "0-553", "price": 8.99, "tags": ["sea", "whale"]},
            ],
            "bicycle": {"color": "red", "price": 19.95},
        },
        "x-request-id": "r1", "a.b": 1, "0": "zero", "empty": [],
    })
}

fn query(path: &str) -> Value {
    let path = JsonPath::parse(path).expect(path);
    path.query(&store()).into_iter().map(Cow::into_owned).collect()
}

#[test]
fn leads_where_scripts_expect() {
    for (path, found) in [
        ("$.store.bicycle.color", json!(["red"])),
        ("store.bicycle['color']", json!(["red"])),
        ("$.x-request-id", json!(["r1"])),
        ("$['a.b']", json!([1])),
        ("$.0", json!(["zero"])),
        ("$.store.book[0].title", json!(["Sayings"])),
        ("$.store.book.1.title", json!(["Sword"])),
        ("$.store.book[*].title", json!(["Sayings", "Sword", "Moby Dick"])),
        ("$..color", json!(["red"])),
        ("$..book[2].title", json!(["Moby Dick"])),
        ("$..[0].title", json!(["Sayings"])),
        ("$.store.book[(@.length-1)].title", json!(["Moby Dick"])),
        ("$.store.book[-1:].title", json!(["Moby Dick"])),
        ("$.store.book[-1].title", json!(["Moby Dick"])),
        ("$.store.book[0:2].title", json!(["Sayings", "Sword"])),
        ("$.store.book[::2].title", json!(["Sayings", "Moby Dick"])),
        ("$.store.book[-9:].length", json!([])),
        ("$.store.book[0,2].title", json!(["Sayings", "Moby Dick"])),
        ("$.store.book[0]['category', \"price\"]", json!(["reference", 8.95])),
        ("$.store.book.length", json!([3])),
        ("$.store.bicycle.color.length", json!([3])),
        ("$.empty", json!([[]])),
        ("$.empty[*]", json!([])),
        ("$.store.book.title", json!([])),
        ("$.nothing.at.all", json!([])),
        ("$", json!([store()])),
    ] {
        assert_eq!(query(path), found, "{path}");
    }
}

#[test]
fn filters_are_those_of_javascript() {
    for (path, found) in [
        ("$.store.book[?(@.price < 10)].title", json!(["Sayings", "Moby Dick"])),
        ("$.store.book[?(@.category === 'fiction' && @.price<10)].title", json!(["Moby Dick"])),
        ("$..book[?(@.isbn)].title", json!(["Moby Dick"])),
        ("$..book[?(!@.isbn)].title", json!(["Sayings", "Sword"])),
        ("$..book[?(@['category'] !== \"fiction\")].title", json!(["Sayings"])),
        ("$..book[?(@.tags.length > 1)].title", json!(["Moby Dick"])),
        ("$..book[?(@.title.match(/^S/))].title", json!(["Sayings", "Sword"])),
        ("$..book[?(@.title.match(/dick$/i))].title", json!(["Moby Dick"])),
        ("$..book[?@.price > 12].price", json!([12.99])),
    ] {
        assert_eq!(query(path), found, "{path}");
    }
}

#[test]
fn what_is_not_supported_is_named() {
    for (path, reason) in [
        ("", "is empty"),
        ("$.a^", "parent (`^`)"),
        ("$.a~", "property (`~`)"),
        ("$.a[", "not closed"),
        ("$..", "empty step"),
        ("$.a..b.", "empty step"),
        ("$.a[?(@.b == ]", "not closed"),
        ("$.a[?(@.b ==)]", "faulty"),
        ("$.a[?(@property == 'b')]", "`@property`"),
        ("$.a[?(@.b.includes('c'))]", "`includes`"),
        ("$.a[?(@.b == $.c)]", "the root"),
        ("$.a[(@.length/2)]", "(@.length-1)"),
        ("$.a.@string()", "a type (`@string()`)"),
        ("$.a[1:b]", "no slice"),
        ("$.a[]", "empty brackets"),
        ("$.a['b]", "not closed"),
    ] {
        let error = JsonPath::parse(path).expect_err(path);
        assert!(error.contains(reason), "{path}: {error}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(path in r#"([$.@*?:,()\[\]'"^~!<>=&|/0-3a-c é-]|length|match\(/){0,25}"#) {
        if let Ok(path) = JsonPath::parse(&path) {
            path.query(&store());
        }
    }
}
