//! A virtual user: one journey after the other, each step in its turn.
//!
//! A user is one future. What it needs while it waits is small; what is large and rare is kept apart.

mod clock;
mod ended;
mod pause;
mod steps;
mod timetable;
mod walk;
mod witness;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};

use crate::browser::{Browsers, TabSlot};
use crate::client::{Client, Session, Socket};
use crate::program::Program;
use crate::value::Scope;

pub(crate) use clock::Clock;
pub use ended::Ended;
pub(crate) use timetable::{Pace, Timetable};
pub(crate) use walk::walk;
pub(crate) use witness::{Answered, Exchange, Witness};

/// What the virtual users of one worker thread share.
pub(crate) struct Ground {
    pub program: Arc<Program>,
    pub client: Rc<Client>,
    pub browsers: Rc<Browsers>,
    pub clock: Clock,
    pub pace: Pace,
    pub witness: Rc<dyn Witness>,
    /// Whether a failed expectation ends the journey.
    pub strict_expectations: bool,
    /// Whether answers are read even if the script does not look at them.
    pub reads_all: bool,
    /// The part of the requests whose traces are recorded, from 0 to 1.
    pub traced: f64,
}

/// One virtual user.
pub(crate) struct User {
    pub number: u64,
    pub session: Session,
    /// The WebSocket of the present journey, if its engine is ws.
    pub socket: Option<Rc<Socket>>,
    /// In the browser, if its engine is browser.
    pub tab: TabSlot,
    pub scope: Scope,
    pub timetable: Timetable,
    /// No step begins after this.
    pub stops: Option<Instant>,
    /// The request that failed last, as functions see it.
    pub failed: Option<Box<Map<String, Value>>>,
}
