//! Asking a server for its schema.
//!
//! Source: `grpc.reflection.v1.ServerReflection` of grpc/grpc-proto, and `v1alpha`, which differs in name only.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use prost::Message;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{DescriptorPool, ServiceDescriptor};

use super::call::{Outgoing, call};
use super::error::GrpcError;
use super::schema::unknown_service;
use super::status::{OK, UNIMPLEMENTED};
use crate::client::{Address, Client, Session};

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(oneof = "Question", tags = "3, 4, 7")]
    question: Option<Question>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Question {
    #[prost(string, tag = "3")]
    FileByName(String),
    #[prost(string, tag = "4")]
    FileOfSymbol(String),
    #[prost(string, tag = "7")]
    Services(String),
}

#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "4")]
    files: Option<Files>,
    #[prost(message, optional, tag = "6")]
    services: Option<Services>,
    #[prost(message, optional, tag = "7")]
    error: Option<Failure>,
}

#[derive(Clone, PartialEq, Message)]
struct Files {
    /// Encoded `FileDescriptorProto`s.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    encoded: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    services: Vec<Named>,
}

#[derive(Clone, PartialEq, Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Failure {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

const VERSIONS: [&str; 2] = ["v1", "v1alpha"];
/// A server cannot make us ask without end.
const FILES_MAX: usize = 2000;

/// The service with everything that its messages need.
pub(super) async fn ask(
    client: &Client,
    target: &Address,
    service: &str,
    timeout: Duration,
) -> Result<ServiceDescriptor, GrpcError> {
    let mut asker = Asker { client, session: client.session(), target, timeout, version: VERSIONS[0] };
    let first = match asker.ask(Question::FileOfSymbol(service.to_owned())).await {
        Err(GrpcError::NoReflection { .. }) => {
            asker.version = VERSIONS[1];
            asker.ask(Question::FileOfSymbol(service.to_owned())).await?
        }
        answer => answer?,
    };
    let mut pool = DescriptorPool::new();
    if let Some(files) = first.files {
        let files = asker.with_imports(files).await?;
        pool.add_file_descriptor_protos(files.into_values()).map_err(|error| asker.faulty(error.to_string()))?;
    }
    // The name may be that of something else, a message for example.
    if let Some(found) = pool.get_service_by_name(service) {
        return Ok(found);
    }
    let listed = asker.ask(Question::Services(String::new())).await?.services.unwrap_or_default();
    let known: Vec<String> = listed.services.into_iter().map(|service| service.name).collect();
    Err(unknown_service(service, &known))
}

struct Asker<'a> {
    client: &'a Client,
    /// Its own, so that the connection of the first call is measured as any other.
    session: Session,
    target: &'a Address,
    timeout: Duration,
    version: &'static str,
}

impl Asker<'_> {
    async fn ask(&self, question: Question) -> Result<Response, GrpcError> {
        let path = format!("/grpc.reflection.{}.ServerReflection/ServerReflectionInfo", self.version);
        let address = Address::of_step(&path, Some(self.target))
            .map_err(|error| GrpcError::Request(crate::client::RequestError::Address(error)))?;
        let host = self.target.endpoint().host().to_owned();
        let message = Request { host, question: Some(question) }.encode_to_vec().into();
        let outgoing = Outgoing {
            address,
            metadata: HeaderMap::new(),
            messages: vec![message],
            deadline: None,
            timeout: self.timeout,
            keep_messages: true,
        };
        let incoming = call(self.client, &self.session, outgoing).await.map_err(GrpcError::Request)?;
        match incoming.status.code {
            OK => {
                let first = incoming.messages.first().cloned().unwrap_or_default();
                Response::decode(first).map_err(|error| self.faulty(error.to_string()))
            }
            UNIMPLEMENTED => Err(GrpcError::NoReflection { peer: self.target.endpoint().peer() }),
            _ => Err(self.faulty(incoming.status.to_json().to_string())),
        }
    }

    /// By name, with all that they import.
    async fn with_imports(&self, first: Files) -> Result<BTreeMap<String, FileDescriptorProto>, GrpcError> {
        let mut known = BTreeMap::new();
        self.add(first, &mut known)?;
        loop {
            let imported: BTreeSet<String> = known.values().flat_map(|file| file.dependency.iter().cloned()).collect();
            let Some(missing) = imported.into_iter().find(|name| !known.contains_key(name)) else { return Ok(known) };
            let answer = self.ask(Question::FileByName(missing.clone())).await?;
            self.add(answer.files.unwrap_or_default(), &mut known)?;
            if !known.contains_key(&missing) {
                let said = answer.error.map(|error| error.message).unwrap_or_default();
                return Err(self.faulty(format!("{missing} is imported, and not there {said}").trim_end().to_owned()));
            }
            if known.len() > FILES_MAX {
                return Err(self.faulty(format!("it has more than {FILES_MAX} files")));
            }
        }
    }

    fn add(&self, files: Files, known: &mut BTreeMap<String, FileDescriptorProto>) -> Result<(), GrpcError> {
        for encoded in files.encoded {
            let file = FileDescriptorProto::decode(encoded).map_err(|error| self.faulty(error.to_string()))?;
            known.insert(file.name().to_owned(), file);
        }
        Ok(())
    }

    fn faulty(&self, reason: String) -> GrpcError {
        GrpcError::Schema { peer: self.target.endpoint().peer(), reason }
    }
}
