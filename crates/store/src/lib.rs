//! Keeps bytes and finds them again: one small interface of rows, read sessions and write transactions.
//!
//! A `Write` is one SQL transaction: everything in it becomes durable together or not at all.
//! Not here: what the bytes mean, when something is due, any rule.

mod depositary;
mod desk;
mod error;
mod hazard;
mod ladder;
mod law;
mod query;
mod row;
mod session;
mod write;

pub use desk::{CallRow, PingAnswer, PingRow, RingRow};
pub use error::StoreFault;
pub use hazard::{Hazard, Point};
pub use ladder::{AwaitedRow, CopyRow, Direction, ProofRow, StampRow};
pub use law::LawRow;
pub use query::Queries;
pub use row::{
    ActRow, CosignatureRow, DescriptorRow, DutyRow, EventRow, FindingRow, HaltRow, HeadRow, InboxRow,
    InboxState, Ladder, NewEvent, NodeRow, OfficerRow, OutboxRow, OversightRow, PeerRow, ViewRow,
    WitnessedRow,
};
pub use session::{Changes, Read, Session, Snapshot, Store, Write};
