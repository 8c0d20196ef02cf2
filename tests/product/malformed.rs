//! Whatever a stranger sends, the protocol's own error comes back and the server goes on.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use prost::Message;

use crate::fixture::otlp;
use crate::fixture::server::ServerSettings;

#[test]
fn mutated_payloads_get_an_answer_and_never_a_panic() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = runtime.block_on(ServerSettings::new().start());
    let valid = [
        ("logs", otlp::logs("mutated", ["a line".to_owned()]).encode_to_vec()),
        ("traces", otlp::spans("mutated", 0..3, true).encode_to_vec()),
        ("metrics", otlp::gauge("mutated", "m", [(otlp::now_ns(), 1.0)]).encode_to_vec()),
    ];
    let types = prop::sample::select(vec!["application/x-protobuf", "application/json", "text/plain", ""]);
    let encodings = prop::sample::select(vec!["", "gzip", "zstd", "br"]);
    let mutations = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8);
    let strategy = (prop::sample::select(valid.to_vec()), mutations, any::<prop::sample::Index>(), types, encodings);
    let mut runner = TestRunner::new(Config { cases: 300, ..Config::default() });
    runner
        .run(&strategy, |((signal, mut bytes), mutations, cut, content_type, encoding)| {
            for (index, byte) in mutations {
                let at = index.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(cut.index(bytes.len() * 2).max(1));
            let url = format!("http://{}/v1/{signal}", server.addresses.otlp_http);
            let mut request = server.http().post(url).body(bytes);
            for (name, value) in [("content-type", content_type), ("content-encoding", encoding)] {
                if !value.is_empty() {
                    request = request.header(name, value);
                }
            }
            let response = runtime.block_on(request.send()).expect("there is always an answer");
            let status = response.status().as_u16();
            prop_assert!(matches!(status, 200 | 400 | 415), "{status}");
            Ok(())
        })
        .unwrap();
    runtime.block_on(async {
        server.get("api/status").await;
        assert!(!server.log().contains("panicked"), "{}", server.log());
    });
}

#[tokio::test]
async fn queries_that_cannot_be_get_their_language_s_own_error() {
    let server = ServerSettings::new().start().await;
    for (path, status) in [
        ("prometheus/api/v1/query?query=sum(", 400),
        ("prometheus/api/v1/query", 400),
        ("prometheus/api/v1/query_range?query=up&start=0&end=1e9&step=0.001", 400),
        ("prometheus/api/v1/query?query=up%20+%20on(a)%20group_left%20up%20and%20%22x%22", 400),
        ("prometheus/api/v1/label/__name__/values?start=x", 400),
        ("prometheus/api/v1/nowhere", 404),
    ] {
        let response = server.http().get(server.url(path)).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        if status == 400 {
            let envelope: serde_json::Value = response.json().await.unwrap();
            assert_eq!((envelope["status"].as_str(), envelope["errorType"].as_str()), (Some("error"), Some("bad_data")), "{path}: {envelope}");
        }
    }
}
