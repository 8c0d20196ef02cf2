//! What the operating system allows a process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Each user holds a connection, and a shell's usual limit is 1,024 files. Takes what is allowed without asking;
/// where it is still too little, requests say so.
pub(super) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).unwrap_or_default();
}
