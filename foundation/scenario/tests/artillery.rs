//! Scripts in Artillery's format: our own, and those of a folder that `MAINSTAY_ARTILLERY_SCRIPTS` names.
//!
//! `expected.txt` beside our own says what becomes of each; `UPDATE_EXPECTED=1` writes it anew.

use std::path::{Path, PathBuf};

use mainstay_scenario::conformance::{Outcome, check_folder};

fn own() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/artillery");
    folder.canonicalize().expect("our own scripts")
}

#[test]
fn our_own_scripts_come_out_as_expected() {
    let shown: String = check_folder(&own())
        .expect("a folder")
        .into_iter()
        .map(|checked| match checked.outcome {
            Outcome::Plays { scenarios, without } if without.is_empty() => format!("{}: plays {scenarios}\n", checked.file),
            Outcome::Plays { scenarios, without } => format!("{}: plays {scenarios}, {}\n", checked.file, without.join("; ")),
            Outcome::Needs(what) => format!("{}: needs {what}\n", checked.file),
            Outcome::Missing(what) => format!("{}: missing, {what}\n", checked.file),
            Outcome::Wrong(what) => format!("{}: wrong, {what}\n", checked.file),
        })
        .collect();
    let shown = shown.replace(&format!("{}/", own().display()), "");
    let expected = own().join("expected.txt");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&expected, &shown).expect("it can be written");
    }
    assert_eq!(shown, std::fs::read_to_string(&expected).unwrap_or_default());
}

#[test]
fn scripts_of_others_are_played_or_name_what_is_missing() {
    let Some(folder) = std::env::var_os("MAINSTAY_ARTILLERY_SCRIPTS") else { return };
    let checked = check_folder(Path::new(&folder)).expect("a folder");
    let wrong: Vec<_> = checked.iter().filter(|checked| matches!(checked.outcome, Outcome::Wrong(_))).collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), checked.len());
}
