//! A shorter log that breaks the same invariant: parts of it are left out as long as it still does.

use crate::{record::Log, run::replay};
use anyhow::{Context as _, Result};
use std::time::{Duration, Instant};

/// Delta debugging (Zeller and Hildebrandt, 2002), for as long as `time` allows.
pub async fn shrink(log: &Log, time: Duration, progress: &dyn Fn(&str)) -> Result<Log> {
    let until = Instant::now() + time;
    let first = replay(log, None, &mut |_, _| {}).await?;
    let invariant = first.first_violation.context("this log breaks no invariant")?.invariant;
    let mut best = log.clone();
    let mut parts = 2;
    while Instant::now() < until && best.steps.len() > 1 && parts <= best.steps.len() {
        let size = best.steps.len().div_ceil(parts);
        let mut shorter = None;
        for part in 0..parts {
            if Instant::now() >= until {
                break;
            }
            let (from, to) = (part * size, (part + 1) * size);
            let steps = best.steps.iter().enumerate();
            let left = steps.filter(|(at, _)| !(from..to).contains(at)).map(|(_, step)| step.clone());
            let candidate = best.with_steps(left.collect());
            if candidate.steps.len() < best.steps.len() && breaks(&candidate, invariant).await? {
                shorter = Some(candidate);
                break;
            }
        }
        match shorter {
            Some(candidate) => {
                progress(&format!("{} steps", candidate.steps.len()));
                best = candidate;
                parts = (parts - 1).max(2);
            }
            None if size <= 1 => break,
            None => parts = (parts * 2).min(best.steps.len()),
        }
    }
    Ok(best)
}

async fn breaks(log: &Log, invariant: &str) -> Result<bool> {
    let summary = replay(log, None, &mut |_, _| {}).await?;
    Ok(summary.first_violation.is_some_and(|violation| violation.invariant == invariant))
}
