//! References come to values, whoever keeps them.

use std::collections::BTreeMap;

use ledger::Actor;
use serde_json::json;

use super::*;
use crate::secrets::Principal;

fn asking() -> Asking {
    Asking { principal: Principal::person(&Actor::system()), why: "a test".to_owned(), run: None }
}

fn here() -> Elsewhere {
    Elsewhere::new(BTreeMap::from([("HOST".to_owned(), "db".to_owned()), ("DB_PASSWORD".to_owned(), "hunter22".to_owned())]))
}

#[tokio::test]
async fn texts_are_filled_in_and_what_is_secret_is_told() {
    let source: &dyn ValueSource = &here();
    let filled = source.fill("postgres://app:{{resolve:env:DB_PASSWORD}}@{{resolve:env:HOST}}/shop", &asking()).await.unwrap();
    assert_eq!(filled.text.expose_secret(), "postgres://app:hunter22@db/shop");
    assert_eq!(filled.secrets.iter().map(ExposeSecret::expose_secret).collect::<Vec<_>>(), ["hunter22"]);
    assert!(!format!("{filled:?}").contains("hunter22"), "it shows nothing of itself");
    let mut secrets = Vec::new();
    let value = json!({ "{{resolve:env:HOST}}": ["{{resolve:env:HOST}}", 7, { "x": "{{resolve:env:DB_PASSWORD}}" }] });
    let filled = source.fill_json(&value, &asking(), &mut secrets).await.unwrap();
    assert_eq!(filled, json!({ "{{resolve:env:HOST}}": ["db", 7, { "x": "hunter22" }] }));
    assert_eq!(secrets.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_had_is_said() {
    let source: &dyn ValueSource = &here();
    for (text, expected) in [
        ("{{resolve:env:NO_SUCH_VARIABLE}}", "the environment has no variable NO_SUCH_VARIABLE"),
        ("{{resolve:env:MAINSTAY_MASTER}}", "a setting of the server"),
        ("{{resolve:mainstay-secret:/a}}", "mainstay-secret:/a needs a server"),
        ("{{resolve:nowhere:/a}}", "there is no service `nowhere`"),
    ] {
        let error = source.fill(text, &asking()).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
