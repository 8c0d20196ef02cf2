//! An answer, looked at: what is kept of it, and whether it is as it should be.

use super::super::ended::Ended;
use super::super::{Ground, User};
use crate::program::Inspection;
use crate::value::Response;

/// `number` is that of what was asked.
pub(super) fn capture(
    ground: &Ground,
    user: &mut User,
    number: usize,
    inspection: &Inspection,
    response: &Response,
) -> Result<(), Ended> {
    for capture in &inspection.captures {
        match capture.run(response, &user.scope) {
            Ok(found) => {
                for (name, value) in found {
                    ground.witness.captured(number, name, &value);
                    user.scope.set(name, value);
                }
            }
            Err(error) => {
                let strict = capture.strict.unwrap_or(ground.program.settings.strict_capture);
                ground.witness.not_captured(number, &error, strict);
                if strict {
                    return Err(Ended::Capture(error));
                }
            }
        }
    }
    Ok(())
}

pub(super) fn expect(
    ground: &Ground,
    user: &User,
    number: usize,
    inspection: &Inspection,
    response: &Response,
) -> Result<(), Ended> {
    let scope = &user.scope;
    let matches = inspection.matches.iter().map(|wanted| (wanted.check(response, scope), wanted.strict));
    let strict = ground.strict_expectations;
    let expectations = inspection.expectations.iter().map(|wanted| (wanted.check(response, scope), strict));
    for (checked, strict) in matches.chain(expectations) {
        match checked {
            Ok(()) => ground.witness.met(number),
            Err(mismatch) => {
                ground.witness.unmet(number, &mismatch, response);
                if strict {
                    return Err(Ended::Mismatch(mismatch));
                }
            }
        }
    }
    Ok(())
}
