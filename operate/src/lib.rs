//! Operate: judgements over the signals, and the responses that follow from them.

pub mod alarms;
mod template;
