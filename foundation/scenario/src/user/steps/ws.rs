//! A WebSocket opened, and messages exchanged on it.

use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use super::super::ended::Ended;
use super::super::walk::call;
use super::super::{Answered, Exchange, Ground, User};
use super::{headers, inspect};
use crate::client::{Address, Message, Opening, RequestError, Socket};
use crate::program::ws::{self, Awaited, Connect, Payload, Ws};
use crate::trace::TraceContext;
use crate::value::{Emitted, Hook, HookRequest, Response};

pub(in crate::user) async fn ws(ground: &Ground, user: &mut User, step: &Ws) -> Result<(), Ended> {
    match step {
        Ws::Connect(step) if step.function.is_some() => {
            let changed = Box::new(changed(ground, user, step).await?);
            Box::pin(connect(ground, user, &changed)).await
        }
        Ws::Connect(step) => connect(ground, user, step).await,
        Ws::Exchange(step) => exchange(ground, user, step).await,
    }
}

/// What the step's function makes of it.
async fn changed(ground: &Ground, user: &mut User, step: &Connect) -> Result<Connect, Ended> {
    let mut seen = HookRequest::new(step.params.clone());
    if let Some(name) = &step.function {
        call(ground, user, name, Hook::Connect(&mut seen)).await?;
    }
    step.changed(&seen).map_err(|reason| Ended::Value { what: "connect".to_owned(), reason })
}

async fn connect(ground: &Ground, user: &mut User, step: &Connect) -> Result<(), Ended> {
    let address = address(ground, user, step)?;
    let mut headers = HeaderMap::new();
    headers::render(&step.headers, &user.scope, &mut headers)?;
    let settings = &ground.program.settings;
    let trace = (settings.tracing || ground.traced > 0.0).then(|| TraceContext::new(ground.traced));
    headers.extend(trace.map(|trace| (TRACEPARENT, trace.header())));
    let (timeout, message_bytes_max) = (settings.timeout, settings.message_bytes_max);
    let opening = Opening { address: address.clone(), headers, timeout, message_bytes_max };
    ground.witness.sent(step.number);
    let sent = Instant::now();
    let intended = user.timetable.request(sent);
    let result = ground.client.open_socket(opening).await.map_err(Ended::Request);
    ground.witness.exchanged(&Exchange {
        number: step.number,
        method: "CONNECT",
        url: &address,
        intended,
        sent,
        trace,
        result: result.as_ref().map(|(_, opened)| Answered::from(opened)),
    });
    user.socket = Some(Rc::new(result?.0));
    Ok(())
}

const TRACEPARENT: http::HeaderName = http::HeaderName::from_static("traceparent");

fn address(ground: &Ground, user: &User, step: &Connect) -> Result<Address, Ended> {
    match (&step.fixed, &step.url) {
        (Some(fixed), _) => Ok(fixed.clone()),
        (None, url) => {
            let text = url.as_ref().map(|url| url.render(&user.scope)).transpose().map_err(Ended::Template)?;
            Address::of_step(text.as_deref().unwrap_or_default(), ground.program.target.as_ref())
                .map_err(|error| Ended::Request(RequestError::Address(error)))
        }
    }
}

async fn exchange(ground: &Ground, user: &mut User, step: &ws::Exchange) -> Result<(), Ended> {
    let Some(socket) = user.socket.clone() else {
        let reason = "there is no connection; `connect` was left out".to_owned();
        return Err(Ended::Value { what: "WebSocket".to_owned(), reason });
    };
    let method = if step.payload.is_some() { "SEND" } else { "WAIT" };
    let data = step.payload.as_ref().map(|payload| Ok((data(payload, user)?, payload.binary))).transpose()?;
    if data.is_some() {
        count(ground, "websocket.messages_sent");
    }
    ground.witness.sent(step.number);
    let sent = Instant::now();
    let intended = user.timetable.request(sent);
    let result = play(&socket, data, step.answer.as_ref()).await.map_err(Ended::Request);
    let url = socket.url();
    let answered = match &result {
        Ok(Some(message)) => Some(Ok(Answered::from(message))),
        Ok(None) => None,
        Err(ended) => Some(Err(ended)),
    };
    match answered {
        Some(result) => ground.witness.exchanged(&Exchange {
            number: step.number,
            method,
            url: &url,
            intended,
            sent,
            trace: None,
            result,
        }),
        None => ground.witness.unanswered(step.number, method, &url),
    }
    let (Some(message), Some(awaited)) = (result?, &step.answer) else { return Ok(()) };
    count(ground, "websocket.messages_received");
    let response = Response::new(0, HeaderMap::new(), message.data, url.to_owned());
    inspect::capture(ground, user, step.number, &awaited.inspection, &response)?;
    inspect::expect(ground, user, step.number, &awaited.inspection, &response)
}

/// The answer to a message is the next that comes after it; a step that only waits takes what has come already.
async fn play(
    socket: &Socket,
    data: Option<(Bytes, bool)>,
    awaited: Option<&Awaited>,
) -> Result<Option<Message>, RequestError> {
    if let Some((data, binary)) = data {
        if awaited.is_some() {
            socket.forget();
        }
        socket.send(data, binary).await?;
    }
    match awaited {
        Some(awaited) => socket.next(awaited.timeout).await.map(Some),
        None => Ok(None),
    }
}

/// A list of numbers is a message's bytes.
fn data(payload: &Payload, user: &User) -> Result<Bytes, Ended> {
    let value = payload.message.render(&user.scope).map_err(Ended::Template)?;
    Ok(match value {
        Value::String(text) => text.into(),
        Value::Array(numbers) if payload.binary => {
            let bytes = numbers.iter().map(|number| number.as_u64().and_then(|number| u8::try_from(number).ok()));
            bytes.collect::<Option<Bytes>>().ok_or_else(|| Ended::Value {
                what: "sendBytes".to_owned(),
                reason: "a list of bytes has whole numbers from 0 to 255".to_owned(),
            })?
        }
        other => other.to_string().into(),
    })
}

fn count(ground: &Ground, name: &str) {
    ground.witness.emitted(Emitted::Counter { name: name.to_owned(), value: 1.0 });
}
