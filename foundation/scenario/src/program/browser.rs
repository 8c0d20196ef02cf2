//! Steps of engine browser.

use std::time::Duration;

use documents::diagnostic::Origin;
use documents::script::{self, Engine};

use super::EndpointName;
use super::compile::Compiler;
use crate::browser::check_address;
use crate::value::{Json, Text};

#[derive(Debug)]
pub(crate) struct BrowserStep {
    /// Its number among all requests of the script.
    pub number: usize,
    pub action: BrowserAction,
    pub origin: Origin,
}

#[derive(Debug)]
pub(crate) enum BrowserAction {
    Goto { url: Text },
    Click { selector: Text },
    Fill { selector: Text, value: Json },
    Press { key: Text },
    Pause(Duration),
    Wait { seen: Seen, timeout: Duration },
    Expect(Seen),
    Screenshot { name: Text },
}

/// What a page is to show.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub selector: Option<Text>,
    pub text: Option<Text>,
    pub url: Option<Text>,
    pub title: Option<Text>,
    pub status: Option<u16>,
}

/// None if it has faults, which are told.
pub(super) fn compile(
    compiler: &mut Compiler<'_>,
    written: &script::BrowserAction,
    origin: &Origin,
) -> Option<BrowserStep> {
    let (name, action) = action(compiler, written, origin)?;
    let tls = &compiler.config.tls;
    if tls.ca.is_some() || tls.cert.is_some() {
        let mend = "give the authority to the system, or write `tls.rejectUnauthorized: false`".to_owned();
        compiler.error(origin, "a browser takes no certificates from `config.tls`", Some(mend));
    }
    let number = compiler.endpoints.len();
    compiler.endpoints.push(EndpointName { engine: Engine::Browser, shown: name, named: false });
    Some(BrowserStep { number, action, origin: origin.clone() })
}

type Named = (String, BrowserAction);

fn action(compiler: &mut Compiler<'_>, written: &script::BrowserAction, origin: &Origin) -> Option<Named> {
    let mut text = |text: &str| compiler.take(origin, Text::parse(text));
    Some(match written {
        script::BrowserAction::Goto { url } => {
            let action = BrowserAction::Goto { url: text(url)? };
            check(compiler, url, origin);
            (format!("goto {url}"), action)
        }
        script::BrowserAction::Click { selector } => {
            (format!("click {selector}"), BrowserAction::Click { selector: text(selector)? })
        }
        script::BrowserAction::Fill { selector, value } => {
            let shown = text(selector)?;
            let value = compiler.take(origin, Json::parse(value))?;
            (format!("fill {selector}"), BrowserAction::Fill { selector: shown, value })
        }
        script::BrowserAction::Press { key } => (format!("press {key}"), BrowserAction::Press { key: text(key)? }),
        script::BrowserAction::Wait { selector: None, text: None, timeout } => {
            (format!("wait {timeout:?}"), BrowserAction::Pause(*timeout))
        }
        script::BrowserAction::Wait { selector, text, timeout } => {
            let name = named("wait", &[selector, text]);
            let seen = seen(compiler, [selector, text, &None, &None], None, origin)?;
            (name, BrowserAction::Wait { seen, timeout: *timeout })
        }
        script::BrowserAction::Expect { selector, text, url, title, status } => {
            let name = named("expect", &[selector, text, url, title]);
            let name = status.filter(|_| name == "expect").map_or(name, |status| format!("expect {status}"));
            (name, BrowserAction::Expect(seen(compiler, [selector, text, url, title], *status, origin)?))
        }
        script::BrowserAction::Screenshot { name } => {
            (format!("screenshot {name}"), BrowserAction::Screenshot { name: text(name)? })
        }
    })
}

fn named(action: &str, parts: &[&Option<String>]) -> String {
    parts.iter().copied().flatten().fold(action.to_owned(), |name, part| format!("{name} {part}"))
}

/// Selector, text, URL and title.
fn seen(
    compiler: &mut Compiler<'_>,
    parts: [&Option<String>; 4],
    status: Option<u16>,
    origin: &Origin,
) -> Option<Seen> {
    let mut of = |part: &Option<String>| match part {
        Some(part) => compiler.take(origin, Text::parse(part)).map(Some),
        None => Some(None),
    };
    let [selector, text, url, title] = parts;
    Some(Seen { selector: of(selector)?, text: of(text)?, url: of(url)?, title: of(title)?, status })
}

/// A path without a target is a fault now rather than later.
fn check(compiler: &mut Compiler<'_>, url: &str, origin: &Origin) {
    let wrong_target = compiler.target.is_none() && compiler.config.target.is_some();
    if url.contains("{{") || wrong_target {
        return;
    }
    if let Err(error) = check_address(url, compiler.target) {
        let mend = compiler.target.is_none().then(|| "write `config.target`, or give `--target`".to_owned());
        compiler.error(origin, error.to_string(), mend);
    }
}
