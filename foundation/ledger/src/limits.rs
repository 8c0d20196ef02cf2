//! How much the ledger takes at once. Larger things belong in the lake or in a file.

/// Of one chunk of a run's output. A longer one is refused; whoever writes it cuts it, for the writer
/// gives the sequence numbers.
pub const OUTPUT_CHUNK_BYTES_MAX: usize = 1 << 20;
/// Of one attachment of a run, as it is.
pub const ATTACHMENT_BYTES_MAX: usize = 4 << 20;
/// Runs that keep their attachments; those of older runs go when newer ones come.
pub const RUNS_WITH_ATTACHMENTS_MAX: i64 = 200;
/// Of one event's data as JSON.
pub const EVENT_DATA_BYTES_MAX: usize = 1 << 20;
/// Of one version of a parameter or a secret as it is stored.
pub const VALUE_BYTES_MAX: usize = 256 << 10;
/// Of one batch, everything together.
pub const BATCH_BYTES_MAX: usize = 16 << 20;
/// Of a text that is searched for: an event's type, subject or key, a name, a fingerprint.
pub const KEY_BYTES_MAX: usize = 1024;

/// Of all batches that wait for the writer; whoever comes then waits in turn.
pub(crate) const WAITING_BYTES_MAX: usize = 64 << 20;
/// Of jobs that wait for the writer.
pub(crate) const WAITING_JOBS_MAX: usize = 1024;
/// Of jobs in one transaction.
pub(crate) const GROUP_JOBS_MAX: usize = 256;
