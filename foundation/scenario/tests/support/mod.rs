//! What the tests of several engines share.

use std::path::Path;
use std::sync::Arc;

use mainstay_scenario::load::{self, LoadOptions, Report, Unobserved};
use mainstay_scenario::test::{self, StepReport, TestReport};
use mainstay_scenario::{CompileOptions, Program};
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Compiles a script that stands in a folder of its own, beside what else is there.
pub fn compile(folder: &Path, script: &str) -> Result<Program, Vec<String>> {
    let path = folder.join("script.yaml");
    std::fs::write(&path, script).expect("the folder can be written");
    let (script, diagnostics) = documents::script::read_file(&path);
    let script = script.ok_or_else(|| diagnostics.iter().map(|told| told.message.clone()).collect::<Vec<_>>())?;
    let options = CompileOptions { folder: folder.to_owned(), ..CompileOptions::default() };
    let told = |error: &mainstay_scenario::CompileError| match &error.mend {
        Some(mend) => format!("{}; {mend}", error.message),
        None => error.message.clone(),
    };
    Program::compile(&script, &options).map_err(|errors| errors.iter().map(told).collect())
}

/// Plays a script once, as a test.
#[allow(dead_code, reason = "each test binary uses a part of what is here")]
pub async fn play(script: &str) -> TestReport {
    let folder = tempfile::tempdir().expect("a folder");
    let program = compile(folder.path(), script).expect("a script that can be played");
    test::play(&program, CancellationToken::new()).await
}

/// Plays a script at the rate that it says.
#[allow(dead_code, reason = "each test binary uses a part of what is here")]
pub async fn load(script: &str) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Arc::new(compile(folder.path(), script).expect("a script that can be played"));
    let options = LoadOptions::default();
    let late_after = options.late_after;
    let outcome = load::run(program.clone(), options, Arc::new(Unobserved), CancellationToken::new()).await;
    Report::new(&program, &outcome.expect("a run"), late_after)
}

/// Accepts TLS for `localhost` with a certificate that nobody has signed, which comes beside it as PEM.
#[allow(dead_code, reason = "each test binary uses a part of what is here")]
pub fn self_signed(protocols: &[&str]) -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate and its key");
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}

/// The steps of the only scenario.
#[allow(dead_code, reason = "each test binary uses a part of what is here")]
pub fn steps(report: &TestReport) -> &[StepReport] {
    &report.scenarios[0].steps
}

/// What a test that must fail says.
pub fn failure(report: &TestReport) -> String {
    report.failure().unwrap_or_else(|| panic!("passed: {:#?}", report.lines()))
}
