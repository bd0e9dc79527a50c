//! Keeps bytes and finds them again: one small interface of rows, read sessions and write transactions.
//!
//! A `Write` is one SQL transaction: everything in it becomes durable together or not at all.
//! Not here: what the bytes mean, when something is due, any rule.

mod error;
mod ladder;
mod query;
mod row;
mod session;
mod write;

pub use error::StoreFault;
pub use ladder::{AwaitedRow, CopyRow, Direction, ProofRow, StampRow};
pub use query::Queries;
pub use row::{
    CosignatureRow, DutyRow, EventRow, FindingRow, HeadRow, InboxRow, InboxState, Ladder, NewEvent, NodeRow,
    OfficerRow, OutboxRow, PeerRow, ViewRow,
};
pub use session::{Changes, Read, Session, Snapshot, Store, Write};
