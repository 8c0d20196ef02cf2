//! Operate: judgements over the signals, and the responses that follow from them.

pub mod alarms;
pub mod canaries;
pub mod events;
pub mod incidents;
pub mod notify;

mod leadership;
mod template;
#[cfg(test)]
mod testing;
