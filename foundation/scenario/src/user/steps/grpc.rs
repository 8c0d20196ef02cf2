//! One call: encoded, sent, measured, and its answer looked at.

use std::time::Instant;

use http::header::{self, HeaderMap, HeaderValue};
use prost_reflect::MethodDescriptor;
use serde_json::{Value, json};

use super::super::ended::Ended;
use super::super::{Answered, Exchange, Ground, User};
use super::{headers, inspect};
use crate::client::{Answer, RequestError};
use crate::grpc::{self, GrpcError, Incoming, Outgoing, Status};
use crate::program::{Call, USER_AGENT, messages};
use crate::trace::TraceContext;
use crate::value::Response;

pub(in crate::user) async fn grpc(ground: &Ground, user: &mut User, step: &Call) -> Result<(), Ended> {
    let method = match &step.method {
        Some(method) => method.clone(),
        // Asked once; its state is large.
        None => Box::pin(learn(ground, step)).await.map_err(Ended::Grpc)?,
    };
    let (outgoing, trace) = build(ground, user, step, &method)?;
    ground.witness.sent(step.number);
    let sent = Instant::now();
    let intended = user.timetable.request(sent);
    let called = grpc::call(&ground.client, &user.session, outgoing).await;
    let result = came_of_it(called, step).map_err(Ended::Request);
    ground.witness.exchanged(&Exchange {
        number: step.number,
        method: "CALL",
        url: &step.address,
        intended,
        sent,
        trace,
        result: result.as_ref().map(|outcome| outcome.answered),
    });
    let outcome = result?;
    let response = response(step, &method, outcome, step.reads_answer || ground.reads_all)?;
    if response.status == 0 {
        inspect::capture(ground, user, step.number, &step.inspection, &response)?;
        return inspect::expect(ground, user, step.number, &step.inspection, &response);
    }
    // An answer without a message has nothing to be captured, but how it ended is judged first.
    inspect::expect(ground, user, step.number, &step.inspection, &response)?;
    inspect::capture(ground, user, step.number, &step.inspection, &response)
}

async fn learn(ground: &Ground, step: &Call) -> Result<MethodDescriptor, GrpcError> {
    let program = &ground.program;
    program.schema.at(&step.place, &step.method_name, &ground.client, program.settings.timeout).await
}

fn build(
    ground: &Ground,
    user: &User,
    step: &Call,
    method: &MethodDescriptor,
) -> Result<(Outgoing, Option<TraceContext>), Ended> {
    let scope = &user.scope;
    let message = step.message.render(scope).map_err(Ended::Template)?;
    let written = messages(method, &message).map_err(Ended::Grpc)?;
    let encoded = written.iter().map(|message| grpc::encode(&method.input(), message));
    let mut metadata = HeaderMap::new();
    metadata.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers::render(&step.metadata, scope, &mut metadata)?;
    let settings = &ground.program.settings;
    let trace = (settings.tracing || ground.traced > 0.0).then(|| TraceContext::new(ground.traced));
    if let Some(trace) = &trace {
        metadata.insert("traceparent", trace.header());
    }
    let outgoing = Outgoing {
        address: step.address.clone(),
        metadata,
        messages: encoded.collect::<Result<_, _>>().map_err(Ended::Grpc)?,
        deadline: step.deadline,
        timeout: settings.timeout,
        keep_messages: step.reads_answer || ground.reads_all,
    };
    Ok((outgoing, trace))
}

struct Outcome {
    answered: Answered,
    status: Status,
    headers: HeaderMap,
    messages: Vec<bytes::Bytes>,
}

/// A deadline that is over is a status, whether the server or we noticed it first.
fn came_of_it(called: Result<Incoming, RequestError>, step: &Call) -> Result<Outcome, RequestError> {
    match called {
        Ok(Incoming { answer, status, messages }) => {
            let answered = Answered { status: Some(status.code), ..Answered::from(&answer) };
            Ok(Outcome { answered, status, headers: metadata(answer), messages })
        }
        Err(RequestError::Timeout { .. }) if step.deadline.is_some() => {
            let (status, now) = (Status::deadline_exceeded(), Instant::now());
            let code = Some(status.code);
            let answered = Answered { status: code, first_byte: now, last_byte: now, body_bytes: 0, connected: None };
            Ok(Outcome { answered, status, headers: HeaderMap::new(), messages: Vec::new() })
        }
        Err(error) => Err(error),
    }
}

/// Before and behind the messages.
fn metadata(answer: Answer) -> HeaderMap {
    let mut headers = answer.headers;
    headers.extend(answer.trailers);
    headers
}

/// The answer as captures and expectations see it: its message as JSON; of a stream, `{"count": 3, "last": …}`.
fn response(step: &Call, method: &MethodDescriptor, outcome: Outcome, reads: bool) -> Result<Response, Ended> {
    let Outcome { status, mut headers, messages, .. } = outcome;
    let last = match messages.last() {
        Some(last) if reads => grpc::decode(&method.output(), last.clone()).map_err(Ended::Grpc)?,
        _ => Value::Null,
    };
    let shown = if !status.is_ok() {
        status.to_json()
    } else if method.is_server_streaming() {
        json!({ "count": messages.len(), "last": last })
    } else {
        last
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Response::new(status.code, headers, shown.to_string().into(), step.address.to_string()))
}
