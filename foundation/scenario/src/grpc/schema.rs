//! Which services there are, and what their messages look like: from files, or from the server itself.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::RwLock;
use prost_reflect::{DescriptorPool, MethodDescriptor, ServiceDescriptor};

use super::error::GrpcError;
use super::reflection;
use crate::client::{Address, Client};
use crate::nearest;

/// Shared by all workers of a run.
#[derive(Default)]
pub(crate) struct Schema {
    files: Option<DescriptorPool>,
    /// What servers have told of their services.
    told: RwLock<HashMap<Place, ServiceDescriptor>>,
}

/// A service at a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub target: String,
    pub service: String,
}

impl Schema {
    /// Of these files, seen from the script's folder. Without any, servers are asked.
    pub fn read(protos: &[String], includes: &[String], folder: &Path) -> Result<Self, GrpcError> {
        if protos.is_empty() {
            return Ok(Self::default());
        }
        let files: Vec<PathBuf> = protos.iter().map(|path| folder.join(path)).collect();
        let mut roots: Vec<PathBuf> = includes.iter().map(|path| folder.join(path)).collect();
        // Files that import each other usually lie side by side.
        let beside = files.iter().filter_map(|file| file.parent()).map(Path::to_owned);
        for root in beside.chain([folder.to_owned()]) {
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        let compiled = protox::Compiler::new(&roots).and_then(|mut compiler| {
            compiler.include_imports(true).include_source_info(false).open_files(&files)?;
            Ok(compiler.descriptor_pool())
        });
        let pool = compiled.map_err(|error| GrpcError::Protos(error.to_string()))?;
        Ok(Self { files: Some(pool), told: RwLock::default() })
    }

    /// The method, if the schema is known without asking a server.
    pub fn in_files(&self, service: &str, method: &str) -> Option<Result<MethodDescriptor, GrpcError>> {
        let pool = self.files.as_ref()?;
        let known = || pool.services().map(|service| service.full_name().to_owned()).collect::<Vec<_>>();
        let found = pool.get_service_by_name(service).ok_or_else(|| unknown_service(service, &known()));
        Some(found.and_then(|service| method_of(&service, method)))
    }

    /// The method, as its server tells it; it is asked once.
    pub async fn at(
        &self,
        place: &Place,
        method: &str,
        client: &Client,
        timeout: Duration,
    ) -> Result<MethodDescriptor, GrpcError> {
        if let Some(service) = self.told.read().get(place) {
            return method_of(service, method);
        }
        let target = Address::parse(&place.target)
            .map_err(|error| GrpcError::Request(crate::client::RequestError::Address(error)))?;
        let service = reflection::ask(client, &target, &place.service, timeout).await?;
        let found = method_of(&service, method);
        self.told.write().insert(place.clone(), service);
        found
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("from_files", &self.files.is_some()).finish_non_exhaustive()
    }
}

pub(super) fn unknown_service(service: &str, known: &[String]) -> GrpcError {
    GrpcError::UnknownService { service: service.to_owned(), mend: nearest::mend(service, known) }
}

fn method_of(service: &ServiceDescriptor, method: &str) -> Result<MethodDescriptor, GrpcError> {
    let found = service.methods().find(|known| known.name() == method);
    found.ok_or_else(|| {
        let known: Vec<String> = service.methods().map(|method| method.name().to_owned()).collect();
        GrpcError::UnknownMethod {
            service: service.full_name().to_owned(),
            method: method.to_owned(),
            mend: nearest::mend(method, &known),
        }
    })
}
