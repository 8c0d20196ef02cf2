//! What burns: a child of the guard that uses up a resource until its standard input ends.

use std::fs::{self, File};
use std::hint::spin_loop;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate, ftruncate};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::Burn;
use crate::faults::kinds::{command, pressure::free_bytes};

/// Names the work to the child.
pub(super) const VARIABLE: &str = "MAINSTAY_FAULT_BURN";
/// The child says this, or why not, in one line.
pub(super) const BEGUN: &str = "begun";

/// Load is spread over periods of this length.
const PERIOD: Duration = Duration::from_millis(50);
const PIECE_BYTES: u64 = 64 << 20;
const WATCH: Duration = Duration::from_millis(200);

/// Burns until standard input ends, and then ends the process.
pub(super) async fn burn(burn: Burn) -> ! {
    let (end, ended) = oneshot::channel();
    thread::spawn(move || {
        // The guard writes nothing: this returns when it has gone, or lets go.
        let _ = io::stdin().read(&mut [0]);
        let _ = end.send(());
    });
    let work = async {
        match burn {
            // Dropping it ends the program's whole group.
            Burn::Command { program, timeout_ms } => tell(command::run(&program, Duration::from_millis(timeout_ms)).await),
            pressure => {
                // Blocks for as long as it lasts, beside the wait for the end.
                let _ = spawn_blocking(move || press(pressure)).await;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = ended => {}
        () = work => {}
    }
    exit(0)
}

fn press(burn: Burn) {
    be_the_first_to_go();
    match burn {
        Burn::Cpu { workers, load_percent } => {
            for _ in 0..workers {
                thread::spawn(move || spin(load_percent));
            }
            tell(Ok(()));
        }
        Burn::Memory { bytes } => match fill_memory(bytes) {
            Ok(held) => {
                tell(Ok(()));
                hold(held)
            }
            Err(message) => tell(Err(message)),
        },
        Burn::Disk { folder, bytes, keep_free_bytes } => match fill_disk(&folder, bytes, keep_free_bytes) {
            Ok(file) => {
                tell(Ok(()));
                keep_free(&file, bytes, &folder, keep_free_bytes)
            }
            Err(error) => tell(Err(format!("{}: {error}", folder.display()))),
        },
        Burn::Command { .. } => {}
    }
}

fn spin(load_percent: u8) -> ! {
    let busy = PERIOD * u32::from(load_percent) / 100;
    loop {
        let start = Instant::now();
        while start.elapsed() < busy {
            for _ in 0..1000 {
                spin_loop();
            }
        }
        // At full load there is nothing left of the period.
        thread::sleep(PERIOD.saturating_sub(start.elapsed()));
    }
}

fn fill_memory(bytes: u64) -> Result<Vec<Vec<u8>>, String> {
    let mut held = Vec::new();
    let mut left = bytes;
    while left > 0 {
        let length = left.min(PIECE_BYTES);
        let size = usize::try_from(length).map_err(|error| error.to_string())?;
        let mut piece = Vec::new();
        piece.try_reserve_exact(size).map_err(|error| error.to_string())?;
        // Not zero: a page of zeros may be shared, and take no memory.
        piece.resize(size, 0x5a);
        held.push(piece);
        left -= length;
    }
    Ok(held)
}

fn hold(held: Vec<Vec<u8>>) -> ! {
    loop {
        thread::park();
        std::hint::black_box(&held);
    }
}

/// The file has no name: its space returns the moment that this process ends.
fn fill_disk(folder: &Path, bytes: u64, keep_free_bytes: u64) -> io::Result<File> {
    let file = tempfile::tempfile_in(folder)?;
    let mut filled = 0;
    while filled < bytes {
        let length = PIECE_BYTES.min(bytes - filled);
        if free_bytes(folder)?.saturating_sub(length) < keep_free_bytes {
            return Err(io::Error::other(format!("something else is filling the disk: less than {keep_free_bytes} bytes would stay free")));
        }
        match fallocate(&file, FallocateFlags::empty(), filled, length) {
            Err(rustix::io::Errno::OPNOTSUPP) => write_zeros(&file, length)?,
            result => result?,
        }
        filled += length;
    }
    Ok(file)
}

fn write_zeros(mut file: &File, length: u64) -> io::Result<()> {
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.sync_data()
}

/// Gives back what others need meanwhile.
fn keep_free(file: &File, mut bytes: u64, folder: &Path, keep_free_bytes: u64) -> ! {
    loop {
        thread::sleep(WATCH);
        let missing = free_bytes(folder).map_or(0, |free| keep_free_bytes.saturating_sub(free));
        if missing > 0 && ftruncate(file, bytes.saturating_sub(missing)).is_ok() {
            bytes = bytes.saturating_sub(missing);
        }
    }
}

/// If the machine runs out of memory, this process is to blame.
fn be_the_first_to_go() {
    // Where it cannot be said, the limits checked before have to do.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
}

fn tell(result: Result<(), String>) {
    let line = result.map_or_else(|message| message.replace('\n', " "), |()| BEGUN.to_owned());
    // A guard that is gone does not hear, and this process ends.
    let _ = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
}
