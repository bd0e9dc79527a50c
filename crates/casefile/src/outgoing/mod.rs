//! The requesting State's file: Drafting, AwaitingApproval, Approved, Delivered, Answered, Closed, Withdrawn.

mod command;
mod decide;
mod event;
mod state;

pub use command::Command;
pub(crate) use decide::rule_text;
pub use event::{Direction, Event};
pub(crate) use state::clock_duties;
pub use state::{Evidence, Outgoing, Stage};

#[cfg(test)]
mod tests;
