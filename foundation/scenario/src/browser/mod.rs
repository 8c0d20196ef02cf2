//! Steps of engine browser: real Chromium, driven through the DevTools protocol.
//!
//! One process for each worker of a load and for each test, started by the first step that needs it. A virtual
//! user has a browser context of its own in it, with its own cookies and storage, and in that one tab.

mod deeds;
mod error;
mod evidence;
mod find;
mod har;
mod keys;
mod process;
mod selector;
mod steps;
mod tab;
#[cfg(test)]
mod tests;
mod traffic;
mod wanted;

use std::rc::Rc;

use documents::script::BrowserSettings;
use tokio::sync::OnceCell;

use crate::program::Program;
use process::Process;
use tab::Tab;

pub use error::BrowserError;
pub use evidence::Attachment;
pub(crate) use steps::{address as check_address, ended, evidence, play};

/// The browser that the virtual users of one thread share. Ends when it is dropped.
pub(crate) struct Browsers {
    settings: BrowserSettings,
    ignores_certificates: bool,
    /// A browser that did not start is not tried again by each user.
    process: OnceCell<Result<Process, BrowserError>>,
    /// Whether tabs keep what tells why a journey failed.
    keeps_evidence: bool,
}

/// A user's tab, once it has one. Its parallel branches share it.
#[derive(Clone, Default)]
pub(crate) struct TabSlot(Rc<OnceCell<Box<Tab>>>);

impl Browsers {
    pub fn new(program: &Program, keeps_evidence: bool) -> Rc<Self> {
        Rc::new(Self {
            settings: program.settings.browser.clone(),
            ignores_certificates: program.client.tls.accept_all,
            process: OnceCell::new(),
            keeps_evidence,
        })
    }

    /// Starts it before the first user needs it. Whether that failed, the users tell.
    pub async fn warm(&self) {
        drop(self.process().await);
    }

    async fn process(&self) -> Result<&Process, BrowserError> {
        let start = || async { Process::start(&find::chromium()?, &self.settings).await };
        self.process.get_or_init(start).await.as_ref().map_err(Clone::clone)
    }
}

impl TabSlot {
    async fn open(&self, browsers: &Browsers, traced: bool) -> Result<&Tab, BrowserError> {
        let tab = self.0.get_or_try_init(|| async { Tab::open(browsers, traced).await.map(Box::new) }).await?;
        Ok(tab)
    }

    fn get(&self) -> Option<&Tab> {
        self.0.get().map(|tab| &**tab)
    }
}
