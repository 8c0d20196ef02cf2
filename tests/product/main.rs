//! The built product from the outside: the binary, HTTP, the wire formats, real clients, a browser.
//!
//! `cargo xtask test` builds what these tests need and then runs them.

mod fixture;

mod access;
mod attachments;
mod aws;
mod canary;
mod command_line;
mod crash;
mod demo;
mod deployment;
mod experiment;
mod game_day;
mod http;
mod judge;
mod judgement;
mod malformed;
mod nginx_router;
mod observes_itself;
mod openfeature;
mod proxy;
mod python_sdk;
mod resources;
mod rollout;
mod runner;
mod scenario;
mod secrets;
mod timed;
