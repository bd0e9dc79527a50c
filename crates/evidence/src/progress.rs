//! How far a long work has come, and the way to stop it.

use std::{ops::ControlFlow, thread, time::Duration};

/// Bytes done of bytes expected, and the name of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
    pub what: &'static str,
}

/// Called often; `Break` stops the work.
pub type Watch<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// Calls `tick` until it says that the work of other threads is done.
pub(crate) fn ticks(mut tick: impl FnMut() -> bool) {
    let mut pause = Duration::from_micros(200);
    while !tick() {
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}
