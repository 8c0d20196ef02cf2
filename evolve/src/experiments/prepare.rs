//! Everything that an experiment needs, looked for before anything is done.

use documents::experiment::{Activity, Carrier, Control, Experiment, OwnCall, Provider, Step, StopWhen, Tolerance};

use super::providers::{self, Http, Own, Providers, Python};
use super::redact::Redaction;
use super::runner::{Player, stopping};
use super::settings::Settings;
use super::substitute::Names;
use super::tolerance::Mode;
use super::{Around, ExperimentError, programs, values};

pub async fn prepare<'a>(experiment: &'a Experiment, settings: &'a Settings, around: Around<'a>) -> Result<Player<'a>, ExperimentError> {
    approved(experiment, settings)?;
    let names = values::gather(experiment, settings, around.platform).await;
    let all = activities(experiment);
    let mut reasons: Vec<String> = python_controls(experiment).collect();
    reasons.extend(all.iter().filter_map(|(activity, _)| missing_program(activity, settings, names.as_ref().ok())));
    let python = python(&all, settings, &mut reasons).await;
    let mut names = names.unwrap_or_else(|missing| {
        reasons.extend(missing);
        Names::default()
    });
    let providers = Providers { settings, http: Http::default(), own: Own::new(around.platform, &experiment.safety.targets), python };
    if reasons.is_empty() {
        configure(experiment, settings, &providers, &mut names, &mut reasons).await;
        reasons.extend(all.iter().filter_map(|(activity, _)| unreadable_fault(activity, &names)));
        reasons.extend(holds_already(experiment, around).await);
    }
    if !reasons.is_empty() {
        let redaction = Redaction::of(&names.secrets);
        return Err(ExperimentError::Refused { reasons: reasons.iter().map(|reason| redaction.text(reason)).collect() });
    }
    let redaction = Redaction::of(&names.secrets);
    Ok(Player { experiment, settings, mode: settings.mode(), names, providers, redaction, around })
}

fn approved(experiment: &Experiment, settings: &Settings) -> Result<(), ExperimentError> {
    match &experiment.safety.environment {
        Some(environment) if experiment.safety.is_production() && !settings.approved => {
            Err(ExperimentError::NeedsApproval { environment: environment.clone() })
        }
        _ => Ok(()),
    }
}

/// Every activity, and whether it is called with a value to judge.
fn activities(experiment: &Experiment) -> Vec<(&Activity, bool)> {
    let mut all = Vec::new();
    let probes = experiment.hypothesis.iter().flat_map(|hypothesis| &hypothesis.probes);
    for probe in probes.clone() {
        if let Tolerance::Probe(judge) = &probe.tolerance {
            all.push((judge.as_ref(), true));
        }
    }
    let steps = probes.map(|probe| &probe.step).chain(&experiment.method).chain(&experiment.rollbacks);
    for step in steps {
        if let Step::Activity(activity) = step {
            all.push((activity.as_ref(), false));
            all.extend(carried(&activity.controls).map(|control| (control, false)));
        }
    }
    all.extend(carried(&experiment.controls).map(|control| (control, false)));
    all.extend(experiment.hypothesis.iter().flat_map(|hypothesis| carried(&hypothesis.controls)).map(|control| (control, false)));
    all.extend(experiment.configuration.iter().filter_map(|(_, setting)| match setting {
        documents::experiment::Setting::Probe(probe) => Some((probe.as_ref(), false)),
        _ => None,
    }));
    all
}

fn carried(controls: &[Control]) -> impl Iterator<Item = &Activity> {
    controls.iter().filter_map(|control| match &control.carrier {
        Carrier::Activity(activity) => Some(activity.as_ref()),
        _ => None,
    })
}

/// They reach into the toolkit's own process, so that we could only pretend to run them.
fn python_controls(experiment: &Experiment) -> impl Iterator<Item = String> {
    let probes = experiment.hypothesis.iter().flat_map(|hypothesis| hypothesis.probes.iter().map(|probe| &probe.step));
    let steps = probes.chain(&experiment.method).chain(&experiment.rollbacks);
    let of_steps = steps.flat_map(|step| match step {
        Step::Activity(activity) => activity.controls.as_slice(),
        Step::Ref(_) => &[],
    });
    let of_hypothesis = experiment.hypothesis.iter().flat_map(|hypothesis| &hypothesis.controls);
    let all = experiment.controls.iter().chain(of_hypothesis).chain(of_steps);
    all.filter_map(|control| match &control.carrier {
        Carrier::Python { module } => {
            Some(format!("the control `{}` is a Python module of the toolkit's own ({module}); write it as a process or http control, or take it out", control.name))
        }
        _ => None,
    })
}

fn missing_program(activity: &Activity, settings: &Settings, names: Option<&Names>) -> Option<String> {
    let Provider::Process(call) = &activity.provider else { return None };
    let path = names?.fill_to_text(&call.path);
    let missing = !path.contains('$') && programs::find(&path, settings).is_none();
    missing.then(|| format!("`{}`: there is no program `{path}`", activity.name))
}

async fn python(all: &[(&Activity, bool)], settings: &Settings, reasons: &mut Vec<String>) -> Option<Python> {
    let calls = all.iter().filter_map(|(activity, judges)| match &activity.provider {
        Provider::Python(call) => Some((activity, call, *judges)),
        _ => None,
    });
    let calls: Vec<_> = calls.collect();
    if calls.is_empty() {
        return None;
    }
    let python = Python::start(settings).map_err(|why| reasons.push(why)).ok()?;
    for (activity, call, judges) in calls {
        let further: &[&str] = if judges { &["value"] } else { &[] };
        if let Err(why) = python.check(call, further).await {
            reasons.push(format!("`{}`: {why}", activity.name));
        }
    }
    Some(python)
}

/// The toolkit leaves out what a probe of the configuration could not say, and goes on.
async fn configure(experiment: &Experiment, settings: &Settings, providers: &Providers<'_>, names: &mut Names, reasons: &mut Vec<String>) {
    for (name, probe) in values::probes(experiment, settings) {
        let outcome = providers.carry_out(probe, names).await.and_then(|output| values::of_output(probe, output));
        match outcome {
            Ok(value) => drop(names.configuration.insert(name.to_owned(), value)),
            Err(_) if settings.mode() == Mode::Compatible => {}
            Err(why) => reasons.push(format!("the configuration's `{name}`: {why}")),
        }
    }
}

fn unreadable_fault(activity: &Activity, names: &Names) -> Option<String> {
    let Provider::Mainstay(OwnCall::Fault(written)) = &activity.provider else { return None };
    providers::fault(written, names).err().map(|why| format!("`{}`: {why}", activity.name))
}

/// An experiment that would have to stop at once does not begin, nor one whose conditions cannot be watched.
async fn holds_already(experiment: &Experiment, around: Around<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    for condition in &experiment.safety.stop_when {
        match stopping::holds(condition, around.platform).await {
            Ok(None) => {}
            Ok(Some(why)) => reasons.push(format!("a stop condition holds already: {why}")),
            Err(why) => reasons.push(format!("the stop condition {} cannot be watched: {why}", shown(condition))),
        }
    }
    reasons
}

fn shown(condition: &StopWhen) -> String {
    match condition {
        StopWhen::Alert(text) | StopWhen::Promql(text) => format!("`{text}`"),
    }
}
