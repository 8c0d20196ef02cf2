//! Whether a run was good enough, as its script says in `ensure`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::metrics::metric;
use super::outcome::Outcome;
use crate::program::Program;
use crate::value::Expression;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// As in the script: `http.response_time.p99 <= 250`, or a condition.
    pub rule: String,
    pub holds: bool,
    /// Whether the run fails if it does not hold.
    pub strict: bool,
    /// What was measured, or why there is nothing to compare with.
    pub actual: String,
}

/// All of `ensure`, in the order written.
pub(super) fn judge(program: &Program, outcome: &Outcome) -> Vec<Verdict> {
    let thresholds = program.ensure.thresholds.iter().map(|threshold| {
        let rule = format!("{} <= {}", threshold.metric, threshold.max);
        match metric(program, outcome, &threshold.metric) {
            Some(value) => {
                Verdict { rule, holds: value <= threshold.max, strict: true, actual: shown(value) }
            }
            // What was not measured cannot have been good enough.
            None => Verdict { rule, holds: false, strict: true, actual: "not measured".to_owned() },
        }
    });
    let conditions = program.ensure.conditions.iter().map(|condition| {
        let judged = judge_condition(program, outcome, &condition.expression);
        let (holds, actual) = judged.unwrap_or_else(|reason| (false, reason));
        Verdict { rule: condition.expression.clone(), holds, strict: condition.strict, actual }
    });
    thresholds.chain(conditions).collect()
}

fn judge_condition(program: &Program, outcome: &Outcome, text: &str) -> Result<(bool, String), String> {
    let expression = Expression::parse(text).map_err(|error| error.message)?;
    let measured: Vec<(&str, Option<f64>)> =
        expression.symbols().into_iter().map(|name| (name, metric(program, outcome, name))).collect();
    if let Some((name, _)) = measured.iter().find(|(_, value)| value.is_none()) {
        return Err(format!("{name} was not measured"));
    }
    let holds = expression.holds(&|name| metric(program, outcome, name).map(Value::from));
    let actual = measured.iter().filter_map(|(name, value)| Some(format!("{name} = {}", shown((*value)?))));
    Ok((holds.map_err(|error| error.message)?, actual.collect::<Vec<_>>().join(", ")))
}

fn shown(value: f64) -> String {
    let rounded = (value * 1000.0).round() / 1000.0;
    rounded.to_string()
}
