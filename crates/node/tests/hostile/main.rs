//! Hostile peers and hostile circumstances against real nodes over real mutual TLS on loopback.

mod clock;
mod disk;
mod door;
mod envelope;
mod fixture;
mod flood;
mod log;
mod outage;
mod quarantine;
mod receipt;
mod replay;
