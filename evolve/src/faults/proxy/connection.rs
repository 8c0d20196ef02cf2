//! One connection through a proxy: two sockets, and the bytes between them.
//!
//! Without a toxic the bytes are copied through one buffer for each direction and nothing else; with one
//! they take the way through the toxics. A change of the toxics acts on the open connection.

mod link;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};

use fastrand::Rng;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until};

use super::http::{Gate, Outcome};
use super::pipeline::Installed;
use super::toxic::{Direction, Effect};
use super::toxics::Item;
use link::{Link, Progress};

/// The toxics of a proxy, in the order in which they were added.
pub(super) type Toxics = Vec<Arc<Installed>>;

/// Bytes that passed in one direction.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub received: AtomicU64,
    pub sent: AtomicU64,
}

/// Of both directions.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub upstream: Counters,
    pub downstream: Counters,
}

/// Carries the bytes until the connection ends.
pub(super) async fn carry(client: TcpStream, server: TcpStream, mut toxics: watch::Receiver<Arc<Toxics>>, traffic: Arc<Traffic>) {
    let mut connection = Connection::new(client, server, traffic);
    loop {
        let current = toxics.borrow_and_update().clone();
        connection.configure(&current);
        tokio::select! {
            ending = poll_fn(|context| connection.poll(context)) => return connection.end(ending).await,
            changed = toxics.changed() => if changed.is_err() { return },
        }
    }
}

#[derive(Debug)]
struct Connection {
    client: TcpStream,
    server: TcpStream,
    upstream: Link,
    downstream: Link,
    /// Reads requests where a toxic acts on them.
    gate: Option<Gate>,
    timer: Option<Pin<Box<Sleep>>>,
    traffic: Arc<Traffic>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Both sides have ended.
    Over,
    Close,
    Reset,
}

impl Connection {
    fn new(client: TcpStream, server: TcpStream, traffic: Arc<Traffic>) -> Self {
        Self { client, server, upstream: Link::new(), downstream: Link::new(), gate: None, timer: None, traffic }
    }

    fn configure(&mut self, toxics: &Toxics) {
        let now = Instant::now();
        let in_direction = |direction| toxics.iter().filter(|toxic| toxic.toxic.stream == direction).cloned().collect::<Vec<_>>();
        self.upstream.pipeline.configure(&in_direction(Direction::Upstream), now);
        self.downstream.pipeline.configure(&in_direction(Direction::Downstream), now);
        let on_requests = |toxic: &&Arc<Installed>| matches!(toxic.toxic.effect, Effect::HttpStatus(_) | Effect::HttpDelay(_));
        let on_requests: Vec<_> = toxics.iter().filter(on_requests).cloned().collect();
        if self.gate.is_some() || !on_requests.is_empty() {
            self.gate.get_or_insert_with(|| Gate::new(Rng::new())).configure(on_requests);
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Ending> {
        loop {
            match self.poll_once(context) {
                Ok(()) => {}
                Err(ending) => return Poll::Ready(ending),
            }
            if self.upstream.is_over() && self.downstream.is_over() {
                return Poll::Ready(Ending::Over);
            }
            let Some(due) = self.next_due() else { return Poll::Pending };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn poll_once(&mut self, context: &mut Context<'_>) -> Result<(), Ending> {
        if self.gate.as_ref().is_some_and(Gate::is_idle) {
            self.gate = None;
        }
        if self.gate.is_none() {
            self.upstream.pass(context, &mut self.client, &mut self.server, &self.traffic.upstream)?;
            return self.downstream.pass(context, &mut self.server, &mut self.client, &self.traffic.downstream);
        }
        loop {
            let up = self.poll_requests(context)?;
            let down = self.poll_answers(context)?;
            if up == Progress::Waits && down == Progress::Waits {
                return Ok(());
            }
        }
    }

    /// From the client, through the gate, to the server or back.
    fn poll_requests(&mut self, context: &mut Context<'_>) -> Result<Progress, Ending> {
        let now = Instant::now();
        let Some(gate) = &mut self.gate else { return Ok(Progress::Waits) };
        let mut progress = Progress::Waits;
        if gate.accepts()
            && self.upstream.pipeline.accepts()
            && let Some(bytes) = self.upstream.receive(context, &mut self.client, &self.traffic.upstream)?
        {
            gate.from_client(&bytes);
            progress = Progress::Made;
        }
        while self.upstream.pipeline.accepts() && self.downstream.pipeline.accepts() {
            match gate.poll(now) {
                None => break,
                Some(Outcome::Forward(bytes)) => self.upstream.pipeline.push(Item::Data(bytes), now),
                Some(Outcome::Answer { response, last }) => {
                    self.downstream.pipeline.push(Item::Data(response), now);
                    if last {
                        self.downstream.pipeline.push(Item::Close, now);
                    }
                }
            }
            progress = Progress::Made;
        }
        if gate.is_empty() {
            self.upstream.push_end(now);
        }
        Ok(progress.or(self.upstream.deliver(context, &mut self.server, &self.traffic.upstream)?))
    }

    /// From the server to the client, under the eyes of the gate.
    fn poll_answers(&mut self, context: &mut Context<'_>) -> Result<Progress, Ending> {
        let mut progress = Progress::Waits;
        if self.downstream.pipeline.accepts()
            && let Some(bytes) = self.downstream.receive(context, &mut self.server, &self.traffic.downstream)?
        {
            if let Some(gate) = &mut self.gate {
                gate.from_server(&bytes);
            }
            self.downstream.pipeline.push(Item::Data(bytes), Instant::now());
            progress = Progress::Made;
        }
        self.downstream.push_end(Instant::now());
        Ok(progress.or(self.downstream.deliver(context, &mut self.client, &self.traffic.downstream)?))
    }

    fn next_due(&self) -> Option<Instant> {
        let gate = self.gate.as_ref().filter(|_| self.upstream.pipeline.accepts() && self.downstream.pipeline.accepts());
        let gate = gate.and_then(Gate::next_due);
        [self.upstream.pipeline.next_due(), self.downstream.pipeline.next_due(), gate].into_iter().flatten().min()
    }

    async fn end(mut self, ending: Ending) {
        match ending {
            Ending::Over => {}
            Ending::Close => {
                // A peer that is gone cannot be told.
                let _ = self.client.shutdown().await;
                let _ = self.server.shutdown().await;
            }
            Ending::Reset => {
                // Dropping a socket without linger sends a reset.
                let _ = self.client.set_zero_linger();
                let _ = self.server.set_zero_linger();
            }
        }
    }
}
