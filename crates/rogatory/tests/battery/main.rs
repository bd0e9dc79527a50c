//! The fault battery on real node processes: kills, bad lines, cut networks, full disks, frozen processes, copies.
//!
//! Each scenario ends with a line of JSON. `ROGATORY_BATTERY_SECONDS=n` makes every one that is under load take n seconds,
//! `ROGATORY_BATTERY_SEED=s` begins with another seed; `cargo xtask battery --minutes N` sets them.

#![cfg(test)]

#[expect(dead_code, reason = "the stories read more of what a command says")]
#[path = "../harness/mod.rs"]
mod harness;

mod disk;
mod frozen;
mod kills;
mod line;
mod load;
mod network;
mod proxy;
mod random;
mod replica;
mod tally;
