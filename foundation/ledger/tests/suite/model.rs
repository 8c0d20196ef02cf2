//! A random sequence of batches, read back, equals a simple model of the ledger.

use std::collections::{BTreeMap, BTreeSet};

use ledger::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::*;

#[derive(Debug, Clone)]
enum Put {
    Event { kind: u8, key: Option<u8> },
    /// `behind` is how far its revision is from the stored one.
    Run { slot: usize, behind: i64, title: String },
    Output { slot: usize, sequence: i64, data: String },
    Alarm { slot: u8, expression: String },
    RemoveAlarm { slot: u8 },
    Cursor { slot: u8, position: i64 },
}

fn put() -> impl Strategy<Value = Put> {
    prop_oneof![
        4 => (0..3u8, proptest::option::weighted(0.4, 0..12u8)).prop_map(|(kind, key)| Put::Event { kind, key }),
        3 => (0..3usize, prop_oneof![5 => Just(0i64), 1 => -1..=1i64], any::<String>())
            .prop_map(|(slot, behind, title)| Put::Run { slot, behind, title }),
        2 => (0..3usize, 0..5i64, any::<String>()).prop_map(|(slot, sequence, data)| Put::Output { slot, sequence, data }),
        1 => (0..3u8, any::<String>()).prop_map(|(slot, expression)| Put::Alarm { slot, expression }),
        1 => (0..3u8).prop_map(|slot| Put::RemoveAlarm { slot }),
        1 => (0..2u8, 0..100i64).prop_map(|(slot, position)| Put::Cursor { slot, position }),
    ]
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    events: Vec<String>,
    keys: BTreeSet<u8>,
    runs: BTreeMap<usize, Run>,
    output: BTreeMap<(usize, i64), String>,
    alarms: BTreeMap<String, String>,
    cursors: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Written,
    Known,
    Conflict,
    Invalid,
}

impl Model {
    /// What the batch comes to; only a written one changes the model.
    fn write(&mut self, puts: &[Put], runs: &[Run]) -> Fate {
        let keys: Vec<u8> = puts.iter().filter_map(|put| if let Put::Event { key, .. } = put { *key } else { None }).collect();
        if keys.iter().collect::<BTreeSet<_>>().len() < keys.len() {
            return Fate::Invalid;
        }
        if keys.iter().any(|key| self.keys.contains(key)) {
            return Fate::Known;
        }
        let mut next = self.clone();
        next.keys.extend(keys);
        // A batch forgets alarms after it put others.
        let (removals, others): (Vec<&Put>, Vec<&Put>) = puts.iter().partition(|put| matches!(put, Put::RemoveAlarm { .. }));
        for put in others.into_iter().chain(removals) {
            match put.clone() {
                Put::Event { kind, .. } => next.events.push(format!("kind-{kind}")),
                Put::Run { slot, behind, title } => {
                    let stored = next.runs.get(&slot).map_or(0, |run| run.revision);
                    // The revision was chosen against the state before the batch.
                    if self.revision(slot) + behind != stored {
                        return Fate::Conflict;
                    }
                    next.runs.insert(slot, Run { title, revision: stored + 1, ..runs[slot].clone() });
                }
                Put::Output { slot, sequence, data } => drop(next.output.insert((slot, sequence), data)),
                Put::Alarm { slot, expression } => drop(next.alarms.insert(format!("alarm-{slot}"), expression)),
                Put::RemoveAlarm { slot } => drop(next.alarms.remove(&format!("alarm-{slot}"))),
                Put::Cursor { slot, position } => drop(next.cursors.insert(format!("reader-{slot}"), position)),
            }
        }
        *self = next;
        Fate::Written
    }

    fn revision(&self, slot: usize) -> i64 {
        self.runs.get(&slot).map_or(0, |run| run.revision)
    }

    fn batch(&self, puts: &[Put], runs: &[Run]) -> Batch {
        puts.iter().cloned().fold(Batch::new(), |batch, put| match put {
            Put::Event { kind, key } => {
                let event = happened(&format!("kind-{kind}"));
                batch.event(match key {
                    Some(key) => event.key(format!("key-{key}")),
                    None => event,
                })
            }
            Put::Run { slot, behind, title } => {
                batch.run(Run { title, revision: self.revision(slot) + behind, ..runs[slot].clone() })
            }
            Put::Output { slot, sequence, data } => batch.output(a_chunk(&runs[slot].id, sequence, &data)),
            Put::Alarm { slot, expression } => batch.alarm(AlarmRecord { expression, ..an_alarm(&format!("alarm-{slot}")) }),
            Put::RemoveAlarm { slot } => batch.remove_alarm(format!("alarm-{slot}")),
            Put::Cursor { slot, position } => batch.cursor(&format!("reader-{slot}"), Position(position)),
        })
    }
}

/// The ledger as a model, from what it answers; keys do not show.
async fn observed(ledger: &Ledger, runs: &[Run], keys: &BTreeSet<u8>) -> Model {
    let mut model = Model { keys: keys.clone(), ..Model::default() };
    let events = ledger.events(&EventFilter::default()).await.unwrap();
    assert_eq!(ledger.position().await.unwrap().0, events.len() as i64);
    model.events = events.into_iter().map(|event| event.kind).collect();
    for (slot, run) in runs.iter().enumerate() {
        if let Ok(run) = ledger.run(&run.id).await {
            model.runs.insert(slot, run);
        }
        for chunk in ledger.output(&run.id, -1, u32::MAX).await.unwrap() {
            model.output.insert((slot, chunk.sequence), chunk.data);
        }
    }
    model.alarms = ledger.alarms().await.unwrap().into_iter().map(|alarm| (alarm.id, alarm.expression)).collect();
    for reader in ["reader-0", "reader-1"] {
        if let Some(position) = ledger.cursor(reader).await.unwrap() {
            model.cursors.insert(reader.to_owned(), position.0);
        }
    }
    model
}

async fn behaves_like_the_model(database: TestDatabase, batches: Vec<Vec<Put>>) {
    let ledger = database.open().await;
    let runs = [a_run(), a_run(), a_run()];
    let mut model = Model::default();
    for puts in &batches {
        let batch = model.batch(puts, &runs);
        let expected = model.write(puts, &runs);
        let fate = match ledger.commit(batch).await {
            Ok(committed) if committed.written => Fate::Written,
            Ok(_) => Fate::Known,
            Err(LedgerError::Conflict(_)) => Fate::Conflict,
            Err(LedgerError::Invalid(_)) => Fate::Invalid,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(fate, expected, "{puts:?}");
    }
    assert_eq!(observed(&ledger, &runs, &model.keys).await, model);
    ledger.close().await;
    if database.shared {
        assert_eq!(observed(&database.open().await, &runs, &model.keys).await, model, "after opening it again");
    }
}

fn check<F: Future<Output = TestDatabase>>(fresh: impl Fn() -> F, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() });
    let batches = vec(vec(put(), 1..6), 1..20);
    runner
        .run(&batches, |batches| {
            runtime.block_on(async { behaves_like_the_model(fresh().await, batches).await });
            Ok(())
        })
        .unwrap();
}

#[test]
fn sqlite_file_behaves_like_the_model() {
    check(TestDatabase::sqlite_file, 16);
}

#[test]
fn sqlite_memory_behaves_like_the_model() {
    check(TestDatabase::sqlite_memory, 64);
}

#[test]
fn postgres_behaves_like_the_model() {
    check(TestDatabase::postgres, 16);
}
