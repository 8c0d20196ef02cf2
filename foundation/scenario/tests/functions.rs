//! Functions of a script around its journeys and requests.

mod support;

use support::{compile, failure};
use tokio_util::sync::CancellationToken;

/// The function learns the reason and which request it was, also of one among several at once.
#[tokio::test]
async fn what_ends_a_journey_is_told_to_on_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let functions = "exports.failed = (error, params, context, events, done) => {
  console.log(`${params.method} ${params.url} as ${params.name}: ${error.message} (${context.vars.tea})`);
  done();
};";
    std::fs::write(folder.path().join("functions.js"), functions).expect("the folder can be written");
    for flow in ["[{ get: { url: /teas, name: list } }]", "[{ parallel: [{ think: 1ms }, { get: { url: /teas, name: list } }] }]"] {
        let script = format!(
            "config: {{ target: 'http://127.0.0.1:1', processor: functions.js, variables: {{ tea: assam }} }}\nscenarios:\n- onError: failed\n  flow: {flow}\n"
        );
        let program = compile(folder.path(), &script).expect("a script that can be played");
        let report = mainstay_scenario::test::play(&program, CancellationToken::new()).await;
        let reason = failure(&report);
        let said = report.lines().join("\n");
        assert!(reason.contains("refused the connection"), "{reason}");
        assert!(said.contains("GET /teas as list: ") && said.contains("(assam)"), "{said}");
    }
}
