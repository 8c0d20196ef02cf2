//! A look at the hypothesis: its probes, until the first that is out of tolerance.

use documents::experiment::{Activity, Provider, Tolerance};
use serde_json::{Map, Value};

use super::controls::{Level, When};
use super::rows::Rows;
use super::{Part, Player};
use crate::experiments::journal::SteadyState;
use crate::experiments::substitute::written;
use crate::experiments::tolerance::{Judgement, Mode, judge, truthy};

impl Player<'_> {
    pub(super) async fn look(&self, part: Part) -> SteadyState {
        let mut state = SteadyState { steady_state_met: true, probes: Vec::new() };
        let Some(hypothesis) = &self.experiment.hypothesis else { return state };
        self.control(Level::Hypothesis, When::Before, &hypothesis.controls, &hypothesis.title).await;
        let rows = Rows::default();
        for probe in &hypothesis.probes {
            let Some(activity) = self.activity(&probe.step) else { continue };
            let (outcome, mut row) = self.execute(part, activity, &rows).await;
            let judgement = match outcome {
                Ok(value) => self.judge(activity, &probe.tolerance, &value).await,
                Err(why) => Err(why),
            };
            row.tolerance_met = Some(judgement.is_ok());
            row.reason = judgement.err().map(|why| self.redaction.text(&why));
            let met = row.reason.is_none();
            state.probes.push(row);
            if !met {
                state.steady_state_met = false;
                break;
            }
        }
        self.control(Level::Hypothesis, When::After, &hypothesis.controls, &hypothesis.title).await;
        self.around.observer.hypothesis_judged(part, &state);
        state
    }

    async fn judge(&self, activity: &Activity, tolerance: &Tolerance, value: &Value) -> Judgement {
        let Tolerance::Probe(judge_probe) = tolerance else {
            // The toolkit has no word on what only we have.
            let mode = if matches!(activity.provider, Provider::Mainstay(_)) { Mode::Specified } else { self.mode };
            return judge(tolerance, value, &self.names, mode);
        };
        let asked = with_value(judge_probe, value);
        let answer = self.providers.carry_out(&asked, &self.names).await.map_err(|why| format!("`{}` could not judge: {why}", asked.name))?;
        let status = &answer["status"];
        let yes = match (&asked.provider, self.mode) {
            (_, Mode::Compatible) | (Provider::Python(_), _) => truthy(&answer),
            (Provider::Process(_), _) => *status == 0,
            (Provider::Http(_), _) => status.as_u64().is_some_and(|status| status < 400),
            (Provider::Mainstay(_), _) => truthy(answer.get("status").unwrap_or(&answer)),
        };
        if yes { Ok(()) } else { Err(format!("`{}` says no: {answer}", asked.name)) }
    }
}

/// The probe of a tolerance is given the value to judge as its argument `value`.
fn with_value(probe: &Activity, value: &Value) -> Activity {
    let mut probe = probe.clone();
    let arguments = match &mut probe.provider {
        Provider::Python(call) => {
            call.arguments.insert("value".to_owned(), value.clone());
            return probe;
        }
        Provider::Http(call) => &mut call.arguments,
        Provider::Process(call) => &mut call.arguments,
        Provider::Mainstay(_) => return probe,
    };
    match arguments.get_or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(fields) => drop(fields.insert("value".to_owned(), value.clone())),
        Value::Array(items) => items.push(Value::String(written(value))),
        // A line for a shell: a value in it could be a command.
        _ => {}
    }
    probe
}
