//! Who held an exhibit, when, why, and proof that the chain is unbroken (ISO/IEC 27037).
//!
//! A [`Chain`] is a list of [`Link`]s in which each names the digest of the one before.
//!
//! Not here: the exhibit's bytes, signatures on links (`seal`), the log that commits them (`ledger`),
//! and personal data: a link names offices and an officer's short name, nobody else.

mod action;
mod arrival;
mod chain;
mod fault;
mod link;
#[cfg(test)]
mod property;
mod text;
mod zone;

pub use action::Action;
pub use arrival::{CustodyRecord, Gap};
pub use chain::{CLOCK_ALLOWANCE, Chain, End, MAX_LINKS};
pub use fault::{ChainBroken, LinkFault};
pub use link::Link;
pub use text::{MAX_ALTERATION_BYTES, MAX_PLACE_BYTES, MAX_TOOL_BYTES, MAX_WHY_BYTES};
pub use zone::ZoneName;
