//! Each toxic's effect, in figures.

use std::io::ErrorKind;

use super::*;

#[tokio::test]
async fn without_a_toxic_everything_passes_and_each_half_ends_by_itself() {
    let through = Through::new(echo().await, &[]).await;
    let mut stream = through.connect().await;
    let sent: Vec<u8> = (0..1_000_000u32).map(|byte| byte as u8).collect();
    let (mut reader, mut writer) = stream.split();
    let mut received = Vec::new();
    let (written, read) = tokio::join!(
        async {
            writer.write_all(&sent).await?;
            writer.shutdown().await
        },
        timeout(PATIENCE, reader.read_to_end(&mut received))
    );
    written.unwrap();
    read.unwrap().unwrap();
    assert!(received == sent);
}

#[tokio::test]
async fn latency_of_100_ms_with_jitter_of_10_adds_that() {
    let through = Through::new(echo().await, &[]).await;
    let mut stream = through.connect().await;
    ping(&mut stream).await.unwrap();
    through.add(toxic("latency", json!({"latency": 100, "jitter": 10}))).await;
    let mut took = Vec::new();
    for _ in 0..11 {
        took.push(ping(&mut stream).await.unwrap());
    }
    took.sort();
    // Other work on the machine can only make it longer.
    assert!((90..=112).contains(&ms(took[0])), "{took:?}");
    assert!((94..=120).contains(&ms(took[5])), "{took:?}");
}

#[tokio::test]
async fn latency_leaves_the_bandwidth() {
    let through = Through::new(source(8_000_000).await, &[toxic("latency", json!({"latency": 100}))]).await;
    takes(100..800, async || {
        let (bytes, _, took) = read_all(&mut through.connect().await).await;
        assert_eq!(bytes.len(), 8_000_000);
        took
    })
    .await;
}

#[tokio::test]
async fn bandwidth_of_1_mb_a_second_is_that_within_5_percent() {
    let through = Through::new(source(1_000_000).await, &[toxic("bandwidth", json!({"rate": 1000}))]).await;
    takes(950..1050, async || {
        let (bytes, _, took) = read_all(&mut through.connect().await).await;
        assert_eq!(bytes.len(), 1_000_000);
        took
    })
    .await;
}

#[tokio::test]
async fn limit_data_is_to_the_byte() {
    let through = Through::new(source(300_000).await, &[toxic("limit_data", json!({"bytes": 123_457}))]).await;
    let (bytes, result, _) = read_all(&mut through.connect().await).await;
    assert_eq!(bytes.len(), 123_457);
    result.unwrap();
}

#[tokio::test]
async fn timeout_stops_the_data_and_closes() {
    let through = Through::new(echo().await, &[toxic("timeout", json!({"timeout": 150}))]).await;
    takes(145..180, async || {
        let start = Instant::now();
        let mut stream = through.connect().await;
        stream.write_all(b"x").await.unwrap();
        let (bytes, result, _) = read_all(&mut stream).await;
        assert_eq!(bytes, b"");
        result.unwrap();
        start.elapsed()
    })
    .await;
}

#[tokio::test]
async fn reset_peer_is_a_reset_to_the_client() {
    let through = Through::new(echo().await, &[upstream("reset_peer", json!({"timeout": 60}))]).await;
    takes(60..85, async || {
        let mut stream = through.connect().await;
        let start = Instant::now();
        stream.write_all(b"x").await.unwrap();
        let (_, result, _) = read_all(&mut stream).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionReset);
        start.elapsed()
    })
    .await;
}

#[tokio::test]
async fn slicer_cuts_to_size_and_waits_after_each() {
    let sliced = upstream("slicer", json!({"average_size": 100, "size_variation": 0, "delay": 5000}));
    let (sizes, mut received) = tokio::sync::mpsc::unbounded_channel();
    let server = serve(move |mut stream| {
        let sizes = sizes.clone();
        async move {
            let mut buffer = [0; 1000];
            while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                sizes.send((length, Instant::now())).unwrap();
            }
        }
    })
    .await;
    let through = Through::new(server, &[sliced]).await;
    let mut stream = through.connect().await;
    stream.write_all(&[b'x'; 1000]).await.unwrap();
    let mut pieces = Vec::new();
    while pieces.iter().map(|(length, _)| length).sum::<usize>() < 1000 {
        pieces.push(timeout(PATIENCE, received.recv()).await.unwrap().unwrap());
    }
    let sizes: Vec<usize> = pieces.iter().map(|(length, _)| *length).collect();
    // A receiver that comes late finds two at once.
    assert!(sizes.iter().all(|size| size % 100 == 0) && sizes.len() >= 6, "{sizes:?}");
    let took = pieces[sizes.len() - 1].1 - pieces[0].1;
    assert!(ms(took) >= 35, "{took:?}");
}

#[tokio::test]
async fn slow_close_delays_the_end_alone() {
    let through = Through::new(source(10).await, &[toxic("slow_close", json!({"delay": 120}))]).await;
    takes(115..150, async || {
        let start = Instant::now();
        let mut stream = through.connect().await;
        timeout(PATIENCE, stream.read_exact(&mut [0; 10])).await.unwrap().unwrap();
        assert!(ms(start.elapsed()) < 115);
        let (_, result, _) = read_all(&mut stream).await;
        result.unwrap();
        start.elapsed()
    })
    .await;
}

#[tokio::test]
async fn a_change_acts_on_open_connections() {
    let through = Through::new(echo().await, &[]).await;
    let mut stream = through.connect().await;
    assert!(ms(ping(&mut stream).await.unwrap()) < 100);
    through.add(json!({"name": "slow", "type": "latency", "attributes": {"latency": 150}})).await;
    assert!(ms(ping(&mut stream).await.unwrap()) >= 150);
    let change = serde_json::from_value(json!({"attributes": {"latency": 60}})).unwrap();
    through.proxies.change_toxic("p", "slow", change).await.unwrap();
    assert!((60..150).contains(&ms(ping(&mut stream).await.unwrap())));
    through.proxies.remove_toxic("p", "slow").await.unwrap();
    assert!(ms(ping(&mut stream).await.unwrap()) < 60);
}

#[tokio::test]
async fn removing_a_toxic_lets_go_of_what_it_holds() {
    let through = Through::new(echo().await, &[toxic("latency", json!({"latency": 60_000}))]).await;
    let mut stream = through.connect().await;
    stream.write_all(b"held").await.unwrap();
    // It holds the data once that has come back from the server.
    while through.proxies.passed().await[1].received_bytes < 4 {
        tokio::task::yield_now().await;
    }
    through.proxies.remove_toxic("p", "latency_downstream").await.unwrap();
    let mut held = [0; 4];
    timeout(PATIENCE, stream.read_exact(&mut held)).await.unwrap().unwrap();
    assert_eq!(&held, b"held");
}

#[tokio::test]
async fn a_reset_of_the_server_is_passed_on() {
    let server = serve(|mut stream| async move {
        let _ = stream.read(&mut [0]).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    let through = Through::new(server, &[]).await;
    let mut stream = through.connect().await;
    assert_eq!(ping(&mut stream).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn down_drops_connections_and_refuses_new_ones() {
    let through = Through::new(echo().await, &[]).await;
    let mut stream = through.connect().await;
    ping(&mut stream).await.unwrap();
    let down = |enabled| super::super::Alteration { enabled: Some(enabled), ..Default::default() };
    through.proxies.alter("p", down(false)).await.unwrap();
    assert!(ping(&mut stream).await.is_err());
    assert_eq!(TcpStream::connect(&through.address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    through.proxies.alter("p", down(true)).await.unwrap();
    ping(&mut through.connect().await).await.unwrap();
}
