//! Whether backends answer, asked at intervals. What requests themselves tell is `Backend::connect_failed`.

mod state;
mod task;

pub(crate) use task::watch;
