//! Points at which a simulation may make the database fail; a node has no hazard.

use crate::StoreFault;
use std::fmt;

/// Where a session stands when the hazard is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A session that reads begins.
    Read,
    /// A write transaction begins.
    Begin,
    /// Before a row of this table is written.
    Row(&'static str),
    /// Before the transaction becomes durable.
    Commit,
    /// The transaction is durable, and nobody was told yet.
    Committed,
}

/// Asked at every point; an error is what the session then reports.
pub trait Hazard: fmt::Debug + Send + Sync {
    fn at(&self, point: Point) -> Result<(), StoreFault>;
}
