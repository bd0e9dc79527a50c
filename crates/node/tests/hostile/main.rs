//! Hostile peers and hostile circumstances against real nodes over real mutual TLS on loopback.

#![cfg(test)]

mod clock;
mod disk;
mod door;
mod envelope;
mod fixture;
mod flood;
mod log;
mod outage;
mod package;
mod peer_bugs;
mod ping;
mod public;
mod quarantine;
mod receipt;
mod replay;
mod transfer;
