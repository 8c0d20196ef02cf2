//! One direction of one connection: the toxics in their order, and what is on its way through them.
//!
//! Decides only: no clock, no socket. An item leaves a toxic at the instant it is due, however late that is
//! noticed, so that delays and rates come out right.

use std::collections::VecDeque;
use std::sync::Arc;

use fastrand::Rng;
use tokio::time::Instant;

use super::toxic::Toxic;
use super::toxics::{Act, Item, Queue, act};

/// Items that may wait for the receiver.
const LEAVING: usize = 2;

/// A toxic of a proxy, with an id that stays the same when its attributes change.
#[derive(Debug, PartialEq)]
pub(super) struct Installed {
    pub id: u64,
    pub toxic: Toxic,
}

#[derive(Debug)]
pub(super) struct Pipeline {
    stages: Vec<Stage>,
    /// What has passed all toxics.
    pub leaving: VecDeque<Item>,
    /// A toxic has closed the connection.
    closed: bool,
    rng: Rng,
}

#[derive(Debug)]
struct Stage {
    installed: Arc<Installed>,
    /// None where its toxicity spares this connection, or where it acts on requests.
    act: Option<Box<dyn Act>>,
    queue: Queue,
}

impl Pipeline {
    pub fn new(rng: Rng) -> Self {
        Self { stages: Vec::new(), leaving: VecDeque::new(), closed: false, rng }
    }

    /// Nothing acts, and nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.leaving.is_empty() && self.stages.iter().all(|stage| stage.act.is_none() && stage.queue.len() == 0)
    }

    /// Whether the sender may send more.
    pub fn accepts(&self) -> bool {
        match self.acting(0) {
            Some(first) => self.stages[first].has_room(),
            None => self.leaving.len() < LEAVING,
        }
    }

    /// Takes what has come in at `at`.
    pub fn push(&mut self, item: Item, at: Instant) {
        self.enter(0, item, at);
    }

    /// Moves on all that is due.
    pub fn advance(&mut self, now: Instant) {
        // From the end, so that what moves makes room for what follows.
        while (0..self.stages.len()).rev().any(|stage| self.move_one(stage, now)) {}
    }

    /// When there is something to do next; none while the receiver is the one to wait for.
    pub fn next_due(&self) -> Option<Instant> {
        let stages = self.stages.iter().enumerate();
        let moves = stages.clone().filter(|(index, _)| self.has_room_after(*index)).filter_map(|(_, stage)| stage.queue.due());
        let closes = stages.filter_map(|(_, stage)| stage.act.as_ref()?.closes_at()).filter(|_| !self.closed);
        moves.chain(closes).min()
    }

    /// Acts on the connection as these toxics say from now on: those that are gone let go of what they
    /// hold, those that changed take it again, new ones come last.
    pub fn configure(&mut self, toxics: &[Arc<Installed>], now: Instant) {
        let mut index = 0;
        while index < self.stages.len() {
            match toxics.iter().find(|toxic| toxic.id == self.stages[index].installed.id) {
                None => self.remove(index, now),
                Some(toxic) => {
                    if !Arc::ptr_eq(toxic, &self.stages[index].installed) {
                        self.change(index, toxic, now);
                    }
                    index += 1;
                }
            }
        }
        for toxic in &toxics[self.stages.len().min(toxics.len())..] {
            let act = self.start(toxic, now);
            self.stages.push(Stage { installed: toxic.clone(), act, queue: Queue::default() });
        }
    }

    fn start(&mut self, toxic: &Installed, now: Instant) -> Option<Box<dyn Act>> {
        (self.rng.f64() < toxic.toxic.toxicity).then(|| act(&toxic.toxic.effect, now)).flatten()
    }

    fn remove(&mut self, index: usize, now: Instant) {
        let mut gone = self.stages.remove(index);
        if gone.act.is_some_and(|act| act.closes_when_removed()) {
            self.close();
        }
        for (item, _) in gone.queue.drain() {
            // What the toxic itself was about to do does not happen any more.
            if !matches!(item, Item::Close | Item::Reset) {
                self.enter(index, item, now);
            }
        }
    }

    fn change(&mut self, index: usize, toxic: &Arc<Installed>, now: Instant) {
        // Whether it acts on this connection is decided anew.
        let started = self.start(toxic, now);
        let stage = &mut self.stages[index];
        stage.installed = toxic.clone();
        stage.act = match (stage.act.take(), started) {
            (Some(mut act), Some(_)) => {
                act.change(&toxic.toxic.effect, now);
                Some(act)
            }
            (_, started) => started,
        };
        if stage.act.as_ref().is_some_and(|act| !act.holds_back()) {
            return;
        }
        for (item, arrived) in stage.queue.drain() {
            match &mut stage.act {
                Some(act) => act.take(item, arrived, &mut stage.queue, &mut self.rng),
                None => stage.queue.put(item, arrived, now),
            }
        }
    }

    /// Into the first toxic that acts, from `index` on; behind all of them if none does.
    fn enter(&mut self, index: usize, item: Item, at: Instant) {
        match self.acting(index) {
            None => self.leaving.push_back(item),
            Some(next) => {
                let stage = &mut self.stages[next];
                match &mut stage.act {
                    Some(act) => act.take(item, at, &mut stage.queue, &mut self.rng),
                    None => stage.queue.put(item, at, at),
                }
            }
        }
    }

    fn move_one(&mut self, index: usize, now: Instant) -> bool {
        let closes_at = self.stages[index].act.as_ref().and_then(|act| act.closes_at());
        if !self.closed && closes_at.is_some_and(|at| at <= now) {
            self.close();
            return true;
        }
        if !self.has_room_after(index) {
            return false;
        }
        match self.stages[index].queue.take_due(now) {
            None => false,
            Some((item, due)) => {
                self.enter(index + 1, item, due);
                true
            }
        }
    }

    fn close(&mut self) {
        self.closed = true;
        self.leaving.push_back(Item::Close);
    }

    /// The first toxic from `index` on that acts or still has something in its queue.
    fn acting(&self, index: usize) -> Option<usize> {
        (index..self.stages.len()).find(|stage| self.stages[*stage].act.is_some() || self.stages[*stage].queue.len() > 0)
    }

    fn has_room_after(&self, index: usize) -> bool {
        match self.acting(index + 1) {
            Some(next) => self.stages[next].has_room(),
            None => self.leaving.len() < LEAVING,
        }
    }
}

impl Stage {
    fn has_room(&self) -> bool {
        self.queue.len() < self.act.as_ref().map_or(LEAVING, |act| act.room())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    use super::super::toxic::Effect;
    use super::super::toxics::{Bandwidth, Latency, Slicer, Timeout};
    use super::*;

    fn toxic(id: u64, effect: Effect) -> Arc<Installed> {
        let toxic = Toxic { name: id.to_string(), stream: Default::default(), toxicity: 1.0, effect };
        Arc::new(Installed { id, toxic })
    }

    fn latency(id: u64, latency: i64) -> Arc<Installed> {
        toxic(id, Effect::Latency(Latency { latency, jitter: 0 }))
    }

    struct Line {
        pipeline: Pipeline,
        start: Instant,
    }

    impl Line {
        fn new(toxics: &[Arc<Installed>]) -> Self {
            let start = Instant::now();
            let mut pipeline = Pipeline::new(Rng::with_seed(7));
            pipeline.configure(toxics, start);
            Self { pipeline, start }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        fn push(&mut self, ms: u64, bytes: &'static str) {
            self.pipeline.push(Item::Data(Bytes::from_static(bytes.as_bytes())), self.at(ms));
        }

        /// What has left until then.
        fn left(&mut self, ms: u64) -> String {
            let mut text = String::new();
            loop {
                self.pipeline.advance(self.at(ms));
                if self.pipeline.leaving.is_empty() {
                    return text;
                }
                for item in self.pipeline.leaving.drain(..) {
                    match item {
                        Item::Data(bytes) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
                        Item::End => text.push('.'),
                        Item::Close => text.push('|'),
                        Item::Reset => text.push('!'),
                    }
                }
            }
        }
    }

    #[test]
    fn two_latencies_add_up() {
        let mut line = Line::new(&[latency(1, 30), latency(2, 20)]);
        line.push(0, "a");
        assert_eq!(line.left(49), "");
        assert_eq!(line.left(50), "a");
    }

    #[test]
    fn a_removed_toxic_lets_go_of_what_it_holds_in_order() {
        let mut line = Line::new(&[latency(1, 1000), latency(2, 10)]);
        line.push(0, "a");
        line.push(5, "b");
        let second = line.pipeline.stages[1].installed.clone();
        line.pipeline.configure(&[second], line.at(100));
        assert_eq!(line.left(109), "");
        assert_eq!(line.left(110), "ab");
        line.pipeline.configure(&[], line.at(120));
        assert!(line.pipeline.is_idle());
    }

    #[test]
    fn a_changed_latency_counts_from_when_the_data_came() {
        let mut line = Line::new(&[latency(1, 1000)]);
        line.push(0, "a");
        line.pipeline.configure(&[latency(1, 60)], line.at(10));
        assert_eq!(line.left(59), "");
        assert_eq!(line.left(60), "a");
    }

    #[test]
    fn a_toxic_added_to_an_open_connection_acts_last() {
        let mut line = Line::new(&[]);
        line.push(0, "a");
        assert_eq!(line.left(0), "a");
        line.pipeline.configure(&[latency(1, 10)], line.at(1));
        line.push(2, "b");
        assert_eq!((line.left(11), line.left(12)), (String::new(), "b".to_owned()));
    }

    #[test]
    fn a_timeout_closes_and_so_does_its_removal() {
        let silent = || toxic(1, Effect::Timeout(Timeout { timeout: 40 }));
        let mut line = Line::new(&[silent()]);
        line.push(0, "a");
        assert_eq!((line.left(39), line.left(40).contains('|')), (String::new(), true));
        let mut line = Line::new(&[silent()]);
        line.pipeline.configure(&[], line.at(10));
        assert_eq!(line.left(10), "|");
    }

    #[test]
    fn toxicity_decides_for_the_connection() {
        let sometimes = |toxicity| {
            let toxic = Toxic { toxicity, ..latency(1, 10).toxic.clone() };
            let toxics = [Arc::new(Installed { id: 1, toxic })];
            let mut acted = 0;
            for seed in 0..1000 {
                let mut pipeline = Pipeline::new(Rng::with_seed(seed));
                pipeline.configure(&toxics, Instant::now());
                acted += usize::from(!pipeline.is_idle());
            }
            acted
        };
        assert_eq!((sometimes(0.0), sometimes(1.0)), (0, 1000));
        assert!((250..=350).contains(&sometimes(0.3)), "{}", sometimes(0.3));
    }

    #[test]
    fn a_narrow_line_makes_the_sender_wait() {
        let mut line = Line::new(&[toxic(1, Effect::Bandwidth(Bandwidth { rate: 1 }))]);
        line.push(0, "aaaaaaaaaa");
        line.push(0, "bbbbbbbbbb");
        assert!(!line.pipeline.accepts());
        assert_eq!(line.left(10), "aaaaaaaaaa");
        assert!(line.pipeline.accepts());
    }

    proptest! {
        /// Whatever acts and changes meanwhile, nothing is lost, doubled or reordered.
        #[test]
        fn every_byte_arrives_once_and_in_order(
            chunks in prop::collection::vec((0u64..50, 1usize..200), 1..20),
            delay in 0i64..40, rate in 1i64..20, size in 0i64..30, changed_at in 0u64..100, removed in any::<bool>(),
        ) {
            let slicer = toxic(3, Effect::Slicer(Slicer { average_size: size, size_variation: size / 2, delay: 500 }));
            let narrow = |rate| toxic(2, Effect::Bandwidth(Bandwidth { rate }));
            let mut line = Line::new(&[latency(1, delay), narrow(rate), slicer.clone()]);
            let (mut sent, mut received, mut changed) = (Vec::new(), Vec::new(), false);
            let (mut now, mut coming) = (0u64, chunks.into_iter().peekable());
            while now < 100_000 && (coming.peek().is_some() || !received.ends_with(b".")) {
                if !changed && now >= changed_at {
                    let rest = if removed { vec![slicer.clone()] } else { vec![latency(1, 0), narrow(rate + 1), slicer.clone()] };
                    line.pipeline.configure(&rest, line.at(now));
                    changed = true;
                }
                if line.pipeline.accepts() && let Some((wait, length)) = coming.next() {
                    now += wait;
                    let bytes: Vec<u8> = (0..length).map(|at| b'a' + ((sent.len() + at) % 26) as u8).collect();
                    sent.extend_from_slice(&bytes);
                    line.pipeline.push(Item::Data(bytes.into()), line.at(now));
                    if coming.peek().is_none() {
                        line.pipeline.push(Item::End, line.at(now));
                    }
                }
                now += 1;
                received.extend_from_slice(line.left(now).as_bytes());
            }
            sent.push(b'.');
            prop_assert_eq!(String::from_utf8(received).unwrap(), String::from_utf8(sent).unwrap());
        }
    }
}
