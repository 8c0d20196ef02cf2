//! Steps of engine grpc: one call each.

use std::time::Duration;

use documents::diagnostic::Origin;
use documents::script::{self, Check, Engine};
use http::header::HeaderName;
use prost_reflect::MethodDescriptor;
use serde_json::{Value, json};

use super::EndpointName;
use super::compile::Compiler;
use super::inspection::Inspection;
use crate::client::Address;
use crate::grpc::{GrpcError, Place, check, code_of};
use crate::value::{Json, Text};

#[derive(Debug)]
pub(crate) struct Call {
    pub number: usize,
    /// `/package.Service/Method` at the target.
    pub address: Address,
    /// Whom to ask for the schema, if no file has it.
    pub place: Place,
    pub method_name: String,
    /// From the script's `.proto` files.
    pub method: Option<MethodDescriptor>,
    pub message: Json,
    pub metadata: Box<[(HeaderName, Text)]>,
    pub deadline: Option<Duration>,
    pub inspection: Inspection,
    /// Whether anything looks at more than the status.
    pub reads_answer: bool,
}

/// None if it has faults, which are told.
pub(super) fn compile(compiler: &mut Compiler<'_>, written: &script::GrpcCall, origin: &Origin) -> Option<Call> {
    let address = compiler.address(&format!("/{}/{}", written.service, written.method), origin);
    let method = method(compiler, written, origin);
    let message = compiler.take(origin, Json::parse(&written.message));
    let usual: Vec<_> = compiler.config.grpc.metadata.clone().into_iter().collect();
    let metadata = compiler.headers(usual.iter().chain(&written.metadata), origin);
    let expectations = expectations(compiler, written, origin);
    let inspection = Inspection::compile(compiler, &written.capture, &[], &expectations);
    let shown = written.name.clone().unwrap_or_else(|| format!("{}/{}", written.service, written.method));
    let number = compiler.endpoint(EndpointName { engine: Engine::Grpc, shown, named: written.name.is_some() });
    let target = compiler.target?.to_string();
    Some(Call {
        number,
        address: address?,
        place: Place { target, service: written.service.clone() },
        method_name: written.method.clone(),
        method: method?,
        message: message?,
        metadata,
        deadline: written.deadline.or(compiler.config.grpc.deadline),
        reads_answer: !inspection.captures.is_empty() || !expectations.iter().all(|wanted| is_of_status(&wanted.check)),
        inspection,
    })
}

/// None if it has faults; within, none if the schema is not known yet.
fn method(
    compiler: &mut Compiler<'_>,
    written: &script::GrpcCall,
    origin: &Origin,
) -> Option<Option<MethodDescriptor>> {
    let Some(found) = compiler.schema.as_ref()?.in_files(&written.service, &written.method) else { return Some(None) };
    let checked = found.and_then(|method| {
        let messages = messages(&method, &written.message)?;
        messages.iter().try_for_each(|message| check(&method.input(), message))?;
        Ok(method)
    });
    checked.map_err(|error| compiler.error(origin, error.to_string(), None)).ok().map(Some)
}

/// The messages of a call: those of a list for a client's stream, else the one.
pub(crate) fn messages<'v>(method: &MethodDescriptor, message: &'v Value) -> Result<&'v [Value], GrpcError> {
    match message {
        Value::Array(messages) if method.is_client_streaming() => Ok(messages),
        Value::Array(_) => Err(GrpcError::OneMessage { method: method.full_name().to_owned() }),
        message => Ok(std::slice::from_ref(message)),
    }
}

/// A call is expected to end well unless its script says how it ends. Statuses may be written by name.
fn expectations(
    compiler: &mut Compiler<'_>,
    written: &script::GrpcCall,
    origin: &Origin,
) -> Vec<script::Expectation> {
    let mut expectations = written.expect.clone();
    for expectation in &mut expectations {
        let (Check::StatusCode(codes) | Check::NotStatusCode(codes)) = &mut expectation.check else { continue };
        for code in codes {
            let Some(name) = code.as_str().filter(|text| !text.contains("{{") && text.parse::<u16>().is_err()) else {
                continue;
            };
            match code_of(name) {
                Ok(number) => *code = number.into(),
                Err(mend) => compiler.error(&expectation.origin, format!("there is no status `{name}`"), Some(mend)),
            }
        }
    }
    if !expectations.iter().any(|wanted| is_of_status(&wanted.check)) {
        let check = Check::StatusCode(vec![json!(0)]);
        expectations.push(script::Expectation { check, description: None, origin: origin.clone() });
    }
    expectations
}

fn is_of_status(check: &Check) -> bool {
    matches!(check, Check::StatusCode(_) | Check::NotStatusCode(_))
}
