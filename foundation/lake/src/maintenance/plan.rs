//! Which files to merge, and which to let go. Decides only.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::files::{DataFile, FileMeta};

const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// So many files of one level become one of the next.
const FAN_IN: usize = 8;
/// A merged file is not planned larger than this.
const BYTES_MAX: u64 = 128 << 20;
/// A day that is over is merged into one file when stragglers have had this time.
const SETTLED_MS: i64 = 2 * 3_600 * 1_000;

/// Whether all of it is older than the retention. A record from the future ages from when it was written.
pub fn is_expired(file: &FileMeta, oldest_ms: i64) -> bool {
    (file.last_ns.div_euclid(1_000_000)).min(file.written_ms) < oldest_ms
}

/// The next group of files to merge, all of one day, neighbours in the order of writing.
pub fn merge(files: &[Arc<DataFile>], now_ms: i64) -> Option<Vec<Arc<DataFile>>> {
    let mut days: BTreeMap<i64, Vec<&Arc<DataFile>>> = BTreeMap::new();
    for file in files {
        days.entry(file.meta.first_ns.div_euclid(1_000_000 * DAY_MS)).or_default().push(file);
    }
    days.into_iter().find_map(|(day, mut files)| {
        files.sort_by_key(|file| file.meta.sequence);
        let over = (day + 1).saturating_mul(DAY_MS).saturating_add(SETTLED_MS) < now_ms;
        let group = if over { neighbours(&files, |_, _| true, 2) } else { neighbours(&files, |a, b| a.level == b.level, FAN_IN) };
        group.map(|group| group.into_iter().cloned().collect())
    })
}

/// The first run of at least `count` files that belong together and are not too large as one.
fn neighbours<'a>(files: &[&'a Arc<DataFile>], together: impl Fn(&FileMeta, &FileMeta) -> bool, count: usize) -> Option<Vec<&'a Arc<DataFile>>> {
    let mut run: Vec<&Arc<DataFile>> = Vec::new();
    let mut bytes = 0;
    for file in files {
        let fits = bytes + file.meta.bytes <= BYTES_MAX && run.len() < 4 * FAN_IN;
        let joins = run.last().is_none_or(|last| together(&last.meta, &file.meta));
        if !(fits && joins) {
            if run.len() >= count {
                break;
            }
            run.clear();
            bytes = 0;
        }
        run.push(file);
        bytes += file.meta.bytes;
    }
    (run.len() >= count).then_some(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(sequence: u64, day: i64, level: u32, bytes: u64) -> Arc<DataFile> {
        let first_ns = day * DAY_MS * 1_000_000;
        let meta = FileMeta { path: sequence.to_string(), bytes, records: 1, first_ns, last_ns: first_ns + 1, written_ms: day * DAY_MS, level, sequence };
        Arc::new(DataFile::new(meta))
    }

    fn merged(files: &[Arc<DataFile>], now_ms: i64) -> Vec<u64> {
        merge(files, now_ms).unwrap_or_default().iter().map(|file| file.meta.sequence).collect()
    }

    #[test]
    fn eight_neighbours_of_one_level_and_day_become_one() {
        let today = 100 * DAY_MS;
        let mut files: Vec<_> = (0..7).map(|n| file(n, 100, 0, 1_000)).collect();
        assert_eq!(merged(&files, today), [0; 0]);
        files.push(file(7, 100, 0, 1_000));
        assert_eq!(merged(&files, today), (0..8).collect::<Vec<_>>());
        files[3] = file(3, 100, 1, 1_000);
        assert_eq!(merged(&files, today), [0; 0]);
    }

    #[test]
    fn a_day_that_is_over_becomes_one_file() {
        let files = [file(0, 100, 2, 1_000), file(5, 100, 0, 1_000), file(6, 101, 0, 1_000)];
        assert_eq!(merged(&files, 102 * DAY_MS - 1), [0, 5]);
    }

    #[test]
    fn large_files_stay_as_they_are() {
        let files = [file(0, 100, 2, BYTES_MAX), file(5, 100, 0, 1_000)];
        assert_eq!(merged(&files, 102 * DAY_MS), [0; 0]);
    }

    #[test]
    fn a_file_expires_by_its_last_record_and_the_future_by_its_writing() {
        let mut meta = file(0, 100, 0, 1).meta.clone();
        assert!(!is_expired(&meta, 100 * DAY_MS));
        assert!(is_expired(&meta, 100 * DAY_MS + 1));
        meta.last_ns = i64::MAX;
        assert!(is_expired(&meta, 101 * DAY_MS));
    }
}
