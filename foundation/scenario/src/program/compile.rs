//! From a script to a program.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use documents::diagnostic::Origin;
use documents::script::{Config, Engine, HttpVersion, PAYLOAD_PATH, Script};
use documents::value::holds_reference;
use http::HeaderName;

use super::journey;
use super::{CompileError, CompileOptions, EndpointName, Payload, Program, Settings};
use crate::client::{Address, AddressError, ClientSettings, Tls};
use crate::grpc::{GrpcError, Schema};
use crate::nearest::nearest;
use crate::value::{Base, Processor, ProcessorError, Scope, Surroundings, TemplateError, Text};

const OWN_PREFIX: &str = "MAINSTAY_";

/// What the parts of a script need while they are compiled, and where their faults go.
pub(super) struct Compiler<'a> {
    pub config: &'a Config,
    pub folder: &'a Path,
    pub target: Option<&'a Address>,
    pub processor: Option<&'a Processor>,
    /// None if its files cannot be read, which has been told.
    pub schema: Option<Schema>,
    pub endpoints: Vec<EndpointName>,
    pub thinks: usize,
    pub errors: Vec<CompileError>,
}

pub(super) fn compile(script: &Script, options: &CompileOptions) -> Result<Program, Vec<CompileError>> {
    let config = config(script, options.environment.as_deref()).map_err(|error| vec![error])?;
    let mut errors: Vec<CompileError> = config.unset.iter().map(unset).collect();
    let surroundings = surroundings(script, config, options);
    let mut variables = config.variables.clone();
    variables.extend(options.variables.clone());
    for (name, _) in variables.iter().filter(|(name, value)| !options.variables.contains_key(*name) && holds_reference(value)) {
        let mend = "play it as a run of a server, or give the variable a value of your own".to_owned();
        errors.push(fault(&script.origin, format!("the variable `{name}` refers to a value that is kept elsewhere"), Some(mend)));
    }
    let base = Base::new(surroundings.clone(), variables.clone());
    let scope = Scope::new(Arc::new(base));
    let target = target(script, &scope).unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    let processor = config.processor.as_deref().and_then(|path| {
        let loaded = Processor::load(&options.folder.join(path), &options.folder);
        let told = |error: ProcessorError| CompileError {
            unsupported: error.is_unsupported(),
            ..fault(&script.origin, error.to_string(), None)
        };
        loaded.map_err(|error| errors.push(told(error))).ok()
    });
    let payloads = Payload::read_all(&config.payloads, &options.folder, &scope, &mut errors);
    let schema = schema(script, config, &options.folder);
    let schema = schema.map_err(|error| errors.push(fault(&script.origin, error.to_string(), None))).ok();
    let mut compiler = Compiler {
        config,
        folder: &options.folder,
        target: target.as_ref(),
        processor: processor.as_ref(),
        schema,
        endpoints: Vec::new(),
        thinks: 0,
        errors,
    };
    // A processor that does not load would make every function unknown.
    let unloaded = config.processor.is_some() && processor.is_none();
    let journeys: Vec<_> =
        script.scenarios.iter().enumerate().map(|(at, written)| journey::compile(&mut compiler, written, at)).collect();
    let before = script.before.as_ref().map(|written| journey::compile(&mut compiler, written, 0));
    let after = script.after.as_ref().map(|written| journey::compile(&mut compiler, written, 0));
    if unloaded {
        compiler.errors.retain(|error| !error.message.starts_with(UNKNOWN_FUNCTION));
    }
    let Compiler { schema, endpoints, thinks, errors, .. } = compiler;
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Program {
        name: script.name.clone(),
        digest: script.digest.clone(),
        environment: options.environment.clone(),
        test_id: surroundings.test_id.clone(),
        seed: options.seed.unwrap_or_else(|| fastrand::u64(..)),
        phases: config.phases.clone(),
        ensure: config.ensure.clone(),
        apdex: config.apdex,
        client: client(config, &options.folder),
        settings: settings(config),
        target,
        journeys: journeys.into(),
        before: before.map(Arc::new),
        after: after.map(Arc::new),
        endpoints: endpoints.into(),
        thinks,
        processor: processor.map(Arc::new),
        schema: Arc::new(schema.unwrap_or_default()),
        payloads: payloads.into(),
        surroundings: Arc::new(surroundings),
        variables: Arc::new(variables),
        secrets: options.secrets.clone().into(),
    })
}

fn config<'a>(script: &'a Script, environment: Option<&str>) -> Result<&'a Config, CompileError> {
    let Some(name) = environment else { return Ok(&script.config) };
    script.environments.get(name).ok_or_else(|| {
        let names: Vec<&str> = script.environments.keys().map(String::as_str).collect();
        let mend = match (nearest(name, names.iter().copied()), names.is_empty()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, true) => "the script has none; describe it in `config.environments`".to_owned(),
            (None, false) => format!("the script has: {}", names.join(", ")),
        };
        fault(&script.origin, format!("there is no environment `{name}`"), Some(mend))
    })
}

fn unset(unset: &documents::script::Unset) -> CompileError {
    let variable = &unset.variable;
    if variable == PAYLOAD_PATH {
        let mend = "name it as `path`, or give it by --payload FILE".to_owned();
        return fault(&unset.origin, "the payload names no file".to_owned(), Some(mend));
    }
    let mend = match variable.strip_prefix("$env.").or(variable.strip_prefix("$processEnvironment.")) {
        Some(name) => format!("set the environment variable {name}"),
        None => format!("set it in `config.variables`, or by `--var {variable}=VALUE`"),
    };
    fault(&unset.origin, format!("`{variable}` has no value"), Some(mend))
}

fn surroundings(script: &Script, config: &Config, options: &CompileOptions) -> Surroundings {
    let drawn = || format!("t{:08x}", fastrand::u32(..));
    let inherited = std::env::vars_os();
    // The server's own settings are not for scripts.
    let inherited = inherited.filter(|(name, _)| !name.to_string_lossy().starts_with(OWN_PREFIX));
    let mut process: BTreeMap<String, String> =
        inherited.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
    process.extend(options.process.clone());
    Surroundings {
        target: options.target.clone().or_else(|| config.target.clone()),
        environment: options.environment.clone(),
        test_id: options.test_id.clone().unwrap_or_else(drawn),
        folder: options.folder.display().to_string(),
        file: script.origin.path.clone(),
        process: process.into_iter().collect(),
    }
}

/// Where the requests go, if the script says so. Whether one is needed, its steps decide.
fn target(script: &Script, scope: &Scope) -> Result<Option<Address>, CompileError> {
    let Some(written) = scope.get("target") else { return Ok(None) };
    let text = written.as_str().unwrap_or_default();
    if text.is_empty() {
        let written = script.config.target.as_deref().unwrap_or_default();
        let mend = "set what it names, or give a target of your own by `--target`".to_owned();
        return Err(fault(&script.origin, format!("`config.target` is empty: `{written}` came to nothing"), Some(mend)));
    }
    match Address::parse(text) {
        Ok(address) => Ok(Some(address)),
        Err(error) => {
            let mend = match error {
                AddressError::Relative { .. } => format!("write `http://{text}` or `https://{text}`"),
                _ => "a target is an address such as http://localhost:8080".to_owned(),
            };
            Err(fault(&script.origin, format!("`config.target`: {error}"), Some(mend)))
        }
    }
}

/// Read only if a journey needs it.
fn schema(script: &Script, config: &Config, folder: &Path) -> Result<Schema, GrpcError> {
    let all = script.scenarios.iter().chain(&script.before).chain(&script.after);
    let protos = if all.into_iter().any(|journey| journey.engine == Engine::Grpc) { &config.grpc.protos[..] } else { &[] };
    Schema::read(protos, &config.grpc.includes, folder)
}

fn client(config: &Config, folder: &Path) -> ClientSettings {
    let file = |path: &Option<String>| path.as_ref().map(|path| folder.join(path));
    let mut tls = Tls::default();
    tls.accept_all = !config.tls.reject_unauthorized;
    tls.ca = file(&config.tls.ca);
    tls.identity = file(&config.tls.cert).zip(file(&config.tls.key));
    tls.server_name = config.tls.server_name.clone();
    ClientSettings { pool: config.http.pool, sockets_max: config.http.max_sockets, tls }
}

fn settings(config: &Config) -> Settings {
    Settings {
        http2: config.http.version == HttpVersion::Http2,
        timeout: config.http.timeout,
        redirects_max: config.http.max_redirects,
        message_bytes_max: config.ws.max_payload.map(|bytes| bytes as usize),
        strict_capture: config.http.strict_capture,
        tracing: config.http.distributed_tracing,
        expect: config.plugins.expect.clone().unwrap_or_default(),
        by_endpoint: config.plugins.metrics_by_endpoint.clone(),
        browser: config.browser.clone(),
    }
}

const UNKNOWN_FUNCTION: &str = "there is no function";

impl Compiler<'_> {
    pub fn error(&mut self, origin: &Origin, message: impl Into<String>, mend: Option<String>) {
        self.errors.push(fault(origin, message.into(), mend));
    }

    /// Where something goes each time. A path without a target is a fault now rather than later.
    pub fn address(&mut self, text: &str, origin: &Origin) -> Option<Address> {
        match Address::of_step(text, self.target) {
            Ok(address) => Some(address),
            // A target that is wrong has been told already.
            Err(_) if self.target.is_none() && self.config.target.is_some() => None,
            Err(error) => {
                let mend = self.target.is_none().then(|| "write `config.target`, or give `--target`".to_owned());
                self.error(origin, error.to_string(), mend);
                None
            }
        }
    }

    /// Of several with one name, the last.
    pub fn headers<'h>(
        &mut self,
        written: impl IntoIterator<Item = &'h (String, String)>,
        origin: &Origin,
    ) -> Box<[(HeaderName, Text)]> {
        let mut headers: Vec<(HeaderName, Text)> = Vec::new();
        for (name, value) in written {
            let Ok(key) = HeaderName::try_from(name) else {
                self.error(origin, format!("`{name}` is no name of a header"), None);
                continue;
            };
            let Some(text) = self.take(origin, Text::parse(value)) else { continue };
            headers.retain(|(other, _)| *other != key);
            headers.push((key, text));
        }
        headers.into()
    }

    /// What was compiled, or nothing and a fault told.
    pub fn take<T>(&mut self, origin: &Origin, compiled: Result<T, TemplateError>) -> Option<T> {
        let told = |error: TemplateError| CompileError { unsupported: error.unsupported, ..fault(origin, error.message, error.mend) };
        compiled.map_err(|error| self.errors.push(told(error))).ok()
    }

    pub fn take_value<T>(&mut self, compiled: Result<T, crate::value::CompileError>) -> Option<T> {
        compiled.map_err(|error| self.error(&error.origin, error.message, None)).ok()
    }

    /// Its number among all that is measured by itself.
    pub fn endpoint(&mut self, name: EndpointName) -> usize {
        self.endpoints.push(name);
        self.endpoints.len() - 1
    }

    pub fn has_function(&self, name: &str) -> bool {
        self.processor.is_some_and(|processor| processor.functions().iter().any(|known| known == name))
    }

    /// The names of functions that the processor has; the others are faults.
    pub fn functions(&mut self, names: &[String], origin: &Origin) -> Box<[String]> {
        for name in names {
            if self.has_function(name) {
                continue;
            }
            let known = self.processor.map_or(&[][..], Processor::functions);
            let mend = match (nearest(name, known.iter().map(String::as_str)), &self.config.processor) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, Some(file)) => format!("export it from {file}"),
                (None, None) => "name the JavaScript file that has it in `config.processor`".to_owned(),
            };
            self.error(origin, format!("{UNKNOWN_FUNCTION} `{name}`"), Some(mend));
        }
        names.into()
    }
}

pub(super) fn fault(origin: &Origin, message: String, mend: Option<String>) -> CompileError {
    CompileError { origin: origin.clone(), message, mend, unsupported: false }
}
