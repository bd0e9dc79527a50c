//! The requested State's file: Received, Triaged, Consulting, Proposed, Decided, Executing, Executed, Answered, Closed.

mod command;
mod decide;
mod event;
mod state;

pub use command::{Command, Proposal};
pub use event::Event;
pub use state::{Exhibit, Incoming, Sealed, Stage};

#[cfg(test)]
mod tests;
