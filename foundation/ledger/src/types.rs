//! The vocabulary of event types. CloudEvents asks for a reverse-DNS prefix.
//!
//! Event rules match on these names, so they are part of the contract with users.

pub const ALARM_PENDING: &str = "dev.mainstay.alarm.pending";
pub const ALARM_FIRING: &str = "dev.mainstay.alarm.firing";
pub const ALARM_RESOLVED: &str = "dev.mainstay.alarm.resolved";
pub const ALARM_INACTIVE: &str = "dev.mainstay.alarm.inactive";
pub const ALARM_NO_DATA: &str = "dev.mainstay.alarm.nodata";
pub const ALARM_ERROR: &str = "dev.mainstay.alarm.error";

pub const CANARY_PASSED: &str = "dev.mainstay.canary.passed";
pub const CANARY_FAILED: &str = "dev.mainstay.canary.failed";
/// A job called in; `error` if it says that it failed.
pub const CANARY_HEARTBEAT: &str = "dev.mainstay.canary.heartbeat";

/// A scale point is reached, or will be sooner than the workload wants.
pub const RUNWAY_SHORT: &str = "dev.mainstay.runway.short";

pub const INCIDENT_OPENED: &str = "dev.mainstay.incident.opened";
pub const INCIDENT_UPDATED: &str = "dev.mainstay.incident.updated";
pub const INCIDENT_NOTE: &str = "dev.mainstay.incident.note";
pub const INCIDENT_ATTACHED: &str = "dev.mainstay.incident.attached";
pub const INCIDENT_RESOLVED: &str = "dev.mainstay.incident.resolved";
pub const INCIDENT_REOPENED: &str = "dev.mainstay.incident.reopened";

pub const RUN_REQUESTED: &str = "dev.mainstay.run.requested";
/// The steps of a requested run are fixed: what will be executed, with all its settings.
pub const RUN_PLANNED: &str = "dev.mainstay.run.planned";
pub const RUN_STARTED: &str = "dev.mainstay.run.started";
pub const RUN_WAITING: &str = "dev.mainstay.run.waiting";
pub const RUN_APPROVED: &str = "dev.mainstay.run.approved";
pub const RUN_REJECTED: &str = "dev.mainstay.run.rejected";
pub const RUN_INTERRUPTED: &str = "dev.mainstay.run.interrupted";
pub const RUN_RESUMED: &str = "dev.mainstay.run.resumed";
pub const RUN_CANCEL_REQUESTED: &str = "dev.mainstay.run.cancelrequested";
pub const RUN_SUCCEEDED: &str = "dev.mainstay.run.succeeded";
pub const RUN_FAILED: &str = "dev.mainstay.run.failed";
pub const RUN_CANCELLED: &str = "dev.mainstay.run.cancelled";
pub const STEP_STARTED: &str = "dev.mainstay.step.started";
pub const STEP_FINISHED: &str = "dev.mainstay.step.finished";

pub const NOTIFICATION_REQUESTED: &str = "dev.mainstay.notification.requested";
pub const NOTIFICATION_DELIVERED: &str = "dev.mainstay.notification.delivered";
pub const NOTIFICATION_DEAD: &str = "dev.mainstay.notification.dead";

pub const POSTMORTEM_DRAFTED: &str = "dev.mainstay.postmortem.drafted";
pub const ACTION_ADDED: &str = "dev.mainstay.action.added";
pub const ACTION_DONE: &str = "dev.mainstay.action.done";
pub const ACTION_REOPENED: &str = "dev.mainstay.action.reopened";

/// A game day is near, or takes place now.
pub const GAME_DAY_ANNOUNCED: &str = "dev.mainstay.gameday.announced";
/// Its practice incident is open.
pub const GAME_DAY_BEGAN: &str = "dev.mainstay.gameday.began";
/// One of its experiments begins, as a run of its own.
pub const GAME_DAY_PLAYED: &str = "dev.mainstay.gameday.played";
/// One of its experiments was measured.
pub const GAME_DAY_MEASURED: &str = "dev.mainstay.gameday.measured";
/// No more experiments are begun.
pub const GAME_DAY_ABORTED: &str = "dev.mainstay.gameday.aborted";
/// A person says that they take part.
pub const GAME_DAY_JOINED: &str = "dev.mainstay.gameday.joined";
/// A person says what became of a hypothesis.
pub const GAME_DAY_JUDGED: &str = "dev.mainstay.gameday.judged";
/// It is over; `data` is its whole result.
pub const GAME_DAY_ENDED: &str = "dev.mainstay.gameday.ended";
/// A person said more after the end; `data` takes the place of what was said before.
pub const GAME_DAY_REVISED: &str = "dev.mainstay.gameday.revised";
/// A person has practised a role. The subject is the person.
pub const TRAINING_PROVED: &str = "dev.mainstay.training.proved";

/// A version begins to enter an environment. The subject of these is the deployment.
pub const DEPLOYMENT_BEGAN: &str = "dev.mainstay.deployment.began";
pub const DEPLOYMENT_HOOK_PASSED: &str = "dev.mainstay.deployment.hookpassed";
/// A weight is about to be set; from here on the router may have it.
pub const DEPLOYMENT_SHIFTING: &str = "dev.mainstay.deployment.shifting";
/// The router has the weight.
pub const DEPLOYMENT_SHIFTED: &str = "dev.mainstay.deployment.shifted";
/// The judge looked, and says something else than before.
pub const DEPLOYMENT_JUDGED: &str = "dev.mainstay.deployment.judged";
/// The time of a step begins anew, since for a while nobody watched or the clock jumped.
pub const DEPLOYMENT_WATCHED_ANEW: &str = "dev.mainstay.deployment.watchedanew";
/// A person ended a step early.
pub const DEPLOYMENT_PROMOTED: &str = "dev.mainstay.deployment.promoted";
pub const DEPLOYMENT_PAUSED: &str = "dev.mainstay.deployment.paused";
pub const DEPLOYMENT_RESUMED: &str = "dev.mainstay.deployment.resumed";
pub const DEPLOYMENT_ROLLING_BACK: &str = "dev.mainstay.deployment.rollingback";
pub const DEPLOYMENT_ROLLED_BACK: &str = "dev.mainstay.deployment.rolledback";
/// The version has all traffic, and the bake time is over.
pub const DEPLOYMENT_COMPLETED: &str = "dev.mainstay.deployment.completed";
/// Nothing is deployed any more, until somebody allows it again.
pub const DEPLOYMENTS_STOPPED: &str = "dev.mainstay.deployments.stopped";
pub const DEPLOYMENTS_ALLOWED: &str = "dev.mainstay.deployments.allowed";

/// A version of a configuration is everybody's. The subject of these is the profile and the environment: `flags/production`.
pub const CONFIG_ARRIVED: &str = "dev.mainstay.config.arrived";
/// A version is to go out in steps.
pub const CONFIG_BEGAN: &str = "dev.mainstay.config.began";
/// Another share has the version on its way.
pub const CONFIG_SHIFTED: &str = "dev.mainstay.config.shifted";
/// Nobody has the version on its way any more.
pub const CONFIG_TAKEN_BACK: &str = "dev.mainstay.config.takenback";
/// The folder has something else than what was taken back last.
pub const CONFIG_FORGOTTEN: &str = "dev.mainstay.config.forgotten";

/// A parameter has a new version. The subject is its path.
pub const PARAMETER_CHANGED: &str = "dev.mainstay.parameter.changed";
/// A label stands at another version.
pub const PARAMETER_LABELLED: &str = "dev.mainstay.parameter.labelled";

/// A secret has a new version. The subject is its path, here and below.
pub const SECRET_WRITTEN: &str = "dev.mainstay.secret.written";
/// A value was handed out: to whom, which version, and why.
pub const SECRET_READ: &str = "dev.mainstay.secret.read";
/// Somebody asked for a value whom the policy does not let read it.
pub const SECRET_REFUSED: &str = "dev.mainstay.secret.refused";
/// The pending version became current.
pub const SECRET_PROMOTED: &str = "dev.mainstay.secret.promoted";
/// The previous version became current again.
pub const SECRET_ROLLED_BACK: &str = "dev.mainstay.secret.rolledback";
/// The pending version was dropped.
pub const SECRET_DROPPED: &str = "dev.mainstay.secret.dropped";
/// A runbook is to put the pending version to use.
pub const SECRET_ROTATION_BEGUN: &str = "dev.mainstay.secret.rotationbegun";
/// The runbook succeeded, and the pending version became current.
pub const SECRET_ROTATED: &str = "dev.mainstay.secret.rotated";
/// The runbook failed, and the pending version was dropped.
pub const SECRET_ROTATION_FAILED: &str = "dev.mainstay.secret.rotationfailed";
/// Data keys were wrapped anew under the present master key.
pub const SECRETS_REWRAPPED: &str = "dev.mainstay.secret.rewrapped";

pub const DOCUMENTS_CHANGED: &str = "dev.mainstay.documents.changed";
pub const SERVER_STARTED: &str = "dev.mainstay.server.started";
