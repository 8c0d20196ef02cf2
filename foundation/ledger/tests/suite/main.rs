//! What the ledger promises, on every database that it supports.
//!
//! Each case runs on SQLite in a file, SQLite in memory, and PostgreSQL. The PostgreSQL server is
//! started from the machine's own binaries, or named by `MAINSTAY_TEST_POSTGRES_URL`.

// All other rooms know it by this name.
extern crate mainstay_ledger as ledger;

mod batches;
mod config;
mod crash;
mod events;
mod leases;
mod measure;
mod model;
mod opening;
mod records;
mod support;
mod tables;
mod values;
mod watching;
