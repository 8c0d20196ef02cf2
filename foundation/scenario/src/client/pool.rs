//! Connections at rest, and how many there may be.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use tokio::sync::Semaphore;

use super::address::Endpoint;
use super::connection::Connection;
use super::cookies::Jar;

/// One virtual user's connections and cookies. A copy is another handle of the same.
#[derive(Clone)]
pub struct Session(Rc<SessionParts>);

pub struct SessionParts {
    pub(super) idle: Idle,
    pub(super) places: Option<Semaphore>,
    pub(super) cookies: RefCell<Jar>,
}

/// Connections that all virtual users of a worker share.
pub(super) struct SharedPool {
    pub idle: Idle,
    pub places: Semaphore,
}

pub(super) struct Idle {
    connections: RefCell<Vec<Connection>>,
    most: usize,
}

/// Of one virtual user. More are closed after their answer.
const SESSION_IDLE_MAX: usize = 100;

impl Session {
    pub(super) fn new(sockets_max: Option<u32>) -> Self {
        Self(Rc::new(SessionParts {
            idle: Idle::new(SESSION_IDLE_MAX),
            places: sockets_max.map(|most| Semaphore::new(most.max(1) as usize)),
            cookies: RefCell::default(),
        }))
    }

    /// A cookie of the script's own, for the host that the address names.
    pub fn set_cookie(&self, address: &super::Address, name: &str, value: &str) {
        self.cookies.borrow_mut().set(address, name, value);
    }
}

impl Deref for Session {
    type Target = SessionParts;

    fn deref(&self) -> &SessionParts {
        &self.0
    }
}

impl SharedPool {
    pub fn new(most: u32) -> Self {
        let most = most.max(1) as usize;
        Self { idle: Idle::new(most), places: Semaphore::new(most) }
    }
}

impl Idle {
    fn new(most: usize) -> Self {
        Self { connections: RefCell::new(Vec::new()), most }
    }

    /// The connection that was used last, since it is the least likely to be closed by now.
    pub fn take(&self, endpoint: &Endpoint, http2: bool) -> Option<Connection> {
        let mut connections = self.connections.borrow_mut();
        let fits = |idle: &Connection| idle.endpoint == *endpoint && idle.is_http2() == http2 && idle.is_open();
        let at = connections.iter().rposition(fits)?;
        if let Some(shared) = connections[at].share() {
            return Some(shared);
        }
        Some(connections.swap_remove(at))
    }

    pub fn put(&self, connection: Connection) {
        if !connection.is_open() {
            return;
        }
        let mut connections = self.connections.borrow_mut();
        if connection.is_http2() {
            connections.retain(|idle| idle.is_open());
            if connections.iter().any(|idle| idle.endpoint == connection.endpoint && idle.is_http2()) {
                return;
            }
        }
        if connections.len() < self.most {
            connections.push(connection);
        } else if let Some(oldest) = connections.iter_mut().find(|idle| idle.endpoint != connection.endpoint) {
            *oldest = connection;
        }
    }
}
