//! A folder as it changes, and who gets which version of it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use documents::config_profile::ConfigContent;
use documents::load;
use documents::strategy::Weight;

use super::{Coming, ConfigError, Scope, Seat, Served, Standing, version_for};

const FLAGS: &str = r#"{"flags": {"sort": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}"#;

fn folder(profiles: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let entities = "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: { name: jo }\n---\n\
        apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: { name: shop }\nspec: { owner: user:jo }\n---\n\
        apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: orders }\nspec: { type: service, lifecycle: production, owner: user:jo, system: shop }\n";
    fs::write(folder.path().join("catalog.yaml"), entities).unwrap();
    fs::write(folder.path().join("profiles.yaml"), profiles).unwrap();
    fs::write(folder.path().join("flags.json"), FLAGS).unwrap();
    folder
}

fn profile(name: &str, rest: &str) -> String {
    format!("apiVersion: mainstay.dev/v1\nkind: ConfigProfile\nmetadata: {{ name: {name} }}\nspec: {{ component: orders, {rest} }}\n---\n")
}

fn read(folder: &Path, before: &Served) -> Served {
    Served::after(before, &load(folder))
}

fn flag<'s>(served: &'s Served, scope: &Scope, key: &str) -> Result<Seat<'s>, ConfigError> {
    served.flag(scope, key, |seat| seat.environment.content.flags.as_ref().is_some_and(|set| set.contains(key)))
}

fn two_environments() -> String {
    profile("limits", "content: { perDay: 5 }, environments: [{ name: beta, content: { perDay: 9 } }, { name: production }]")
}

#[test]
fn an_application_is_a_component_or_its_system() {
    let folder = folder(&two_environments());
    let served = read(folder.path(), &Served::default());
    for application in ["orders", "shop"] {
        let seat = served.find(application, "production", "limits").unwrap();
        assert_eq!(&*seat.environment.content.bytes, br#"{"perDay":5}"#);
    }
    assert!(matches!(served.find("payments", "production", "limits"), Err(ConfigError::NoProfile { .. })));
    let missing = served.find("orders", "gamma", "limits").unwrap_err();
    assert_eq!(missing.to_string(), "`limits` is not served in the environment `gamma`; there are beta, production");
}

#[test]
fn a_flag_is_found_wherever_it_is_once() {
    let one = profile("checkout", "type: flags, file: flags.json, environments: [{ name: beta }]");
    let folder = folder(&(one.clone() + &two_environments()));
    let served = read(folder.path(), &Served::default());
    let scope = Scope::default();
    assert_eq!(flag(&served, &scope, "sort").unwrap().profile.name, "checkout");
    assert_eq!(flag(&served, &scope, "other").unwrap_err(), ConfigError::NoFlag("other".to_owned()));
    let twice = profile("search", "type: flags, file: flags.json, environments: [{ name: beta }, { name: production }]");
    fs::write(folder.path().join("profiles.yaml"), one + &twice).unwrap();
    let served = read(folder.path(), &Served::default());
    assert!(matches!(flag(&served, &scope, "sort"), Err(ConfigError::WhichEnvironment { .. })));
    let beta = Scope { environment: Some("beta".to_owned()), ..Scope::default() };
    assert!(matches!(flag(&served, &beta, "sort"), Err(ConfigError::Ambiguous { .. })));
    let production = Scope { environment: Some("production".to_owned()), ..Scope::default() };
    assert_eq!(flag(&served, &production, "sort").unwrap().profile.name, "search");
}

#[test]
fn what_breaks_stays_in_its_last_good_version() {
    let folder = folder(&profile("checkout", "type: flags, file: flags.json, environments: [{ name: beta }]"));
    let good = read(folder.path(), &Served::default());
    fs::write(folder.path().join("flags.json"), "{").unwrap();
    let broken = read(folder.path(), &good);
    let kept = broken.profile("checkout").expect("it is still served");
    assert!(kept.broken && &*kept.profile.environments[0].content.bytes == FLAGS.as_bytes());
    fs::write(folder.path().join("flags.json"), FLAGS.replace("true", "1")).unwrap();
    let mended = read(folder.path(), &broken);
    assert!(!mended.profile("checkout").expect("it is served").broken);
    fs::write(folder.path().join("profiles.yaml"), "").unwrap();
    assert!(read(folder.path(), &mended).profile("checkout").is_none(), "what is taken away is gone");
}

#[test]
fn a_new_version_reaches_the_share_that_it_may_and_keeps_them() {
    let folder = folder(&two_environments());
    let served = read(folder.path(), &Served::default());
    let seat = served.find("orders", "production", "limits").unwrap();
    let before: Arc<ConfigContent> = served.find("orders", "beta", "limits").unwrap().environment.content.clone();
    let new = &seat.environment.content;
    let standing = |percent: f64| {
        let coming = Coming { content: new.clone(), reached: Weight::percent(percent).unwrap() };
        Standing { arrived: before.clone(), coming: Some(coming) }
    };
    let having = |percent: f64| -> Vec<usize> {
        let standing = standing(percent);
        (0..2000).filter(|number| Arc::ptr_eq(version_for(&seat, Some(&standing), Some(&format!("user-{number}"))), new)).collect()
    };
    let (ten, forty) = (having(10.0), having(40.0));
    assert!((140..260).contains(&ten.len()) && (700..900).contains(&forty.len()), "{} {}", ten.len(), forty.len());
    assert!(ten.iter().all(|number| forty.contains(number)));
    assert_eq!((having(0.0).len(), having(100.0).len()), (0, 2000));
    assert!(Arc::ptr_eq(version_for(&seat, Some(&standing(99.0)), None), &before), "who does not say who they are gets it last");
    assert!(Arc::ptr_eq(version_for(&seat, Some(&standing(100.0)), None), new));
    assert!(Arc::ptr_eq(version_for(&seat, None, None), new), "the first version of all");
    let back = Standing { arrived: before.clone(), coming: None };
    assert!(Arc::ptr_eq(version_for(&seat, Some(&back), Some("user-1")), &before), "what the folder has is nobody's before it goes out");
}
