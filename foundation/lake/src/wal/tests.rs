use std::fs;

use bytes::Bytes;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// Writes the payloads one by one and returns where each frame ends.
fn written(folder: &Path, payloads: &[Vec<u8>]) -> Vec<u64> {
    runtime().block_on(async {
        let wal = Wal::open(folder, 0).unwrap();
        let mut ends = Vec::new();
        for payload in payloads {
            wal.append(7, Bytes::from(payload.clone())).await.unwrap();
            ends.push(fs::metadata(segment::path(folder, 1)).unwrap().len());
        }
        ends
    })
}

fn read(folder: &Path) -> (Vec<Vec<u8>>, Vec<Damage>) {
    let mut payloads = Vec::new();
    let damages = replay(folder, 1, |kind, payload| {
        assert_eq!(kind, 7);
        payloads.push(payload);
    });
    (payloads, damages.unwrap())
}

#[test]
fn what_was_appended_comes_back_in_order() {
    let folder = TempDir::new().unwrap();
    let payloads: Vec<Vec<u8>> = (0..20u8).map(|i| vec![i; usize::from(i) * 100]).collect();
    written(folder.path(), &payloads);
    assert_eq!(read(folder.path()), (payloads, vec![]));
}

#[tokio::test]
async fn many_writers_share_a_sync_and_all_are_kept() {
    let folder = TempDir::new().unwrap();
    let wal = Arc::new(Wal::open(folder.path(), 0).unwrap());
    let writers = (0..64u8).map(|i| {
        let wal = wal.clone();
        tokio::spawn(async move { wal.append(7, Bytes::from(vec![i])).await })
    });
    for outcome in futures::future::join_all(writers).await {
        outcome.unwrap().unwrap();
    }
    let (mut payloads, damages) = read(folder.path());
    payloads.sort();
    assert_eq!(payloads, (0..64u8).map(|i| vec![i]).collect::<Vec<_>>());
    assert!(damages.is_empty());
}

#[tokio::test]
async fn a_rotation_separates_earlier_from_later_frames() {
    let folder = TempDir::new().unwrap();
    let wal = Wal::open(folder.path(), 4).unwrap();
    wal.append(7, Bytes::from_static(b"early")).await.unwrap();
    assert_eq!(wal.rotate().await, 5);
    assert_eq!(wal.rotate().await, 5);
    wal.append(7, Bytes::from_static(b"late")).await.unwrap();
    wal.delete_through(5).unwrap();
    assert_eq!(list(folder.path()).unwrap(), [6]);
    assert!(wal.bytes() > 0);
}

#[test]
fn a_payload_that_quotes_a_frame_is_not_taken_for_one() {
    let folder = TempDir::new().unwrap();
    let mut quoted = vec![1; 50];
    frame::encode(&mut quoted, 0, 7, b"forged");
    written(folder.path(), &[quoted, b"honest".to_vec()]);
    let path = segment::path(folder.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[segment::HEADER_BYTES] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(read(folder.path()).0, [b"honest".to_vec()]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn truncated_anywhere_it_keeps_all_frames_before(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..12),
        at in any::<prop::sample::Index>(),
    ) {
        let folder = TempDir::new().unwrap();
        let ends = written(folder.path(), &payloads);
        let path = segment::path(folder.path(), 1);
        let cut = at.index(fs::metadata(&path).unwrap().len() as usize) as u64;
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(cut).unwrap();
        let (kept, _) = read(folder.path());
        let whole = ends.iter().take_while(|end| **end <= cut).count();
        prop_assert_eq!(&kept[..], &payloads[..whole]);
        // The torn tail is gone, so a second reading finds nothing wrong.
        if cut >= segment::HEADER_BYTES as u64 {
            prop_assert!(read(folder.path()).1.is_empty());
        }
    }

    #[test]
    fn with_a_flipped_bit_it_loses_that_frame_only(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..12),
        at in any::<prop::sample::Index>(),
        bit in 0..8u8,
    ) {
        let folder = TempDir::new().unwrap();
        let ends = written(folder.path(), &payloads);
        let path = segment::path(folder.path(), 1);
        let mut bytes = fs::read(&path).unwrap();
        let at = segment::HEADER_BYTES + at.index(bytes.len() - segment::HEADER_BYTES);
        bytes[at] ^= 1 << bit;
        fs::write(&path, bytes).unwrap();
        let hit = ends.iter().position(|end| at < *end as usize).unwrap();
        let mut expected = payloads.clone();
        expected.remove(hit);
        let (kept, damages) = read(folder.path());
        prop_assert_eq!(kept, expected);
        prop_assert_eq!(damages.len(), 1);
    }
}
