//! How far a long work has come, and the way to stop it.

use std::ops::ControlFlow;

/// Bytes done of bytes expected, and the name of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
    pub what: &'static str,
}

/// Called often; `Break` stops the work, which then leaves nothing behind.
pub type Watch<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;
