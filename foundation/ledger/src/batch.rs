//! One atomic change.

use kernel::RunId;

use crate::{
    Action, AlarmRecord, ConfigRollout, ConfigVersion, Delivery, Event, Incident, NewEvent, OutputChunk, Parameter, ParameterVersion, Position,
    Postmortem, Run, RunAttachment, Secret, SecretRead, SecretVersion, Step,
};

/// Events and the state that goes with them, written in one transaction or not at all.
///
/// Puts insert or replace by id. Runs, incidents, parameters, secrets and rollouts of configurations carry a revision: a put
/// whose revision is not the stored one fails the whole batch with [`Conflict`](crate::LedgerError::Conflict).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) runs: Vec<Run>,
    pub(crate) steps: Vec<Step>,
    pub(crate) output: Vec<OutputChunk>,
    pub(crate) attachments: Vec<RunAttachment>,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) alarms: Vec<AlarmRecord>,
    pub(crate) removed_alarms: Vec<String>,
    pub(crate) forgotten_runs: Vec<RunId>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) postmortems: Vec<Postmortem>,
    pub(crate) actions: Vec<Action>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) parameter_versions: Vec<ParameterVersion>,
    pub(crate) forgotten_parameter_versions: Vec<(String, i64)>,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) secret_versions: Vec<SecretVersion>,
    pub(crate) forgotten_secret_versions: Vec<(String, i64)>,
    pub(crate) secret_reads: Vec<SecretRead>,
    pub(crate) config_versions: Vec<ConfigVersion>,
    pub(crate) config_rollouts: Vec<ConfigRollout>,
    pub(crate) cursors: Vec<(String, Position)>,
    pub(crate) lease: Option<(String, i64)>,
}

macro_rules! adders {
    ($($(#[$doc:meta])* $name:ident($type:ty) => $field:ident;)*) => {
        $($(#[$doc])* #[must_use] pub fn $name(mut self, value: $type) -> Self {
            self.$field.push(value);
            self
        })*
    };
}

impl Batch {
    pub fn new() -> Self {
        Self::default()
    }

    adders! {
        event(NewEvent) => events;
        run(Run) => runs;
        step(Step) => steps;
        output(OutputChunk) => output;
        attachment(RunAttachment) => attachments;
        incident(Incident) => incidents;
        alarm(AlarmRecord) => alarms;
        /// Forgets an alarm whose rule is gone, even one that the same batch puts.
        remove_alarm(String) => removed_alarms;
        /// Deletes a run that is over with its steps, its output, its attachments and its events.
        forget_run(RunId) => forgotten_runs;
        delivery(Delivery) => deliveries;
        postmortem(Postmortem) => postmortems;
        action(Action) => actions;
        parameter(Parameter) => parameters;
        /// A version that is there already fails the batch.
        parameter_version(ParameterVersion) => parameter_versions;
        forget_parameter_version((String, i64)) => forgotten_parameter_versions;
        secret(Secret) => secrets;
        secret_version(SecretVersion) => secret_versions;
        forget_secret_version((String, i64)) => forgotten_secret_versions;
        secret_read(SecretRead) => secret_reads;
        config_version(ConfigVersion) => config_versions;
        /// Forgets the versions that have neither arrived by it nor are on their way.
        config_rollout(ConfigRollout) => config_rollouts;
    }

    /// Moves a reader's cursor: what it has handled is remembered with what it did.
    #[must_use]
    pub fn cursor(mut self, reader: &str, position: Position) -> Self {
        self.cursors.push((reader.to_owned(), position));
        self
    }

    /// Fails the batch with `Conflict` unless the lease is still held with this token.
    #[must_use]
    pub fn under_lease(mut self, name: &str, token: i64) -> Self {
        self.lease = Some((name.to_owned(), token));
        self
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The run that the batch writes, if it writes one.
    pub fn written_run(&self) -> Option<&RunId> {
        self.runs.first().map(|run| &run.id)
    }
}

/// What a batch came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    /// The events as appended.
    pub events: Vec<Event>,
    /// False if an event's key was known already: then nothing was written.
    pub written: bool,
}
