//! Tells each step in one line, with its article and how long it took.

use serde::Serialize;
use std::{
    io::Write as _,
    time::{Duration, Instant},
};

/// One step of the walk, as `summary.json` keeps it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Told {
    pub(crate) step: usize,
    /// The State that acts: `A` asks, `B` is asked.
    pub(crate) side: &'static str,
    pub(crate) article: String,
    pub(crate) what: String,
    pub(crate) seconds: f64,
}

#[derive(Debug)]
pub(crate) struct Narrator {
    steps: Vec<Told>,
    last: Instant,
    /// With `--json` the lines go to the error stream, so that the output is JSON alone.
    json: bool,
}

impl Narrator {
    pub(crate) fn new(json: bool) -> Self {
        Self { steps: Vec::new(), last: Instant::now(), json }
    }

    pub(crate) fn steps(&self) -> &[Told] {
        &self.steps
    }

    /// A step that is done.
    pub(crate) fn step(&mut self, side: &'static str, article: &str, what: impl Into<String>) {
        let seconds = self.last.elapsed();
        self.last = Instant::now();
        let told = Told {
            step: self.steps.len() + 1,
            side,
            article: article.to_owned(),
            what: what.into(),
            seconds: rounded(seconds),
        };
        self.say(&format!(
            "{:>3}  {:<3} {:<24} {}  [{:.2} s]",
            told.step, told.side, told.article, told.what, told.seconds
        ));
        self.steps.push(told);
    }

    pub(crate) fn say(&self, line: &str) {
        // A closed terminal does not stop the walk.
        let _ = if self.json {
            writeln!(std::io::stderr().lock(), "{line}")
        } else {
            writeln!(std::io::stdout().lock(), "{line}")
        };
    }
}

fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
