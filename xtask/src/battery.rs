//! The fault battery for as long as one likes: passes with one seed after another, and the sum of their figures.

use crate::repository;
use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// How long one scenario of a pass may be under load, in seconds.
const SECONDS: std::ops::RangeInclusive<u64> = 15..=300;
/// Figures of a scenario that say nothing when they are added up.
const NOT_ADDED: [&str; 3] = ["seed", "seconds", "longest_ms"];

/// Runs passes until the minutes are over; false when one failed. Gives the line with the sums.
pub fn run(root: &Path, minutes: u64, first_seed: u64) -> Result<(bool, String)> {
    let seconds = (minutes * 60 / 15).clamp(*SECONDS.start(), *SECONDS.end());
    let (began, whole) = (Instant::now(), Duration::from_secs(minutes * 60));
    let mut total = Map::new();
    for seed in first_seed.. {
        eprintln!("battery: seed {seed}, {seconds} s under load for each scenario");
        let passed = pass(root, seed, seconds, &mut total)?;
        add(&mut total, "passes", 1);
        if !passed || began.elapsed() >= whole {
            total.insert("battery".to_owned(), "total".into());
            total.insert("minutes".to_owned(), (began.elapsed().as_secs() / 60).into());
            return Ok((passed, Value::Object(total).to_string()));
        }
    }
    bail!("the seeds came to their end")
}

fn pass(root: &Path, seed: u64, seconds: u64, total: &mut Map<String, Value>) -> Result<bool> {
    let mut child = Command::new(repository::cargo_program())
        .args(["test", "--locked", "--package", "rogatory", "--test", "battery", "--", "--nocapture"])
        .current_dir(root)
        .env("ROGATORY_BATTERY_SEED", seed.to_string())
        .env("ROGATORY_BATTERY_SECONDS", seconds.to_string())
        .stderr(Stdio::piped())
        .spawn()
        .context("cargo cannot be started")?;
    let errors = child.stderr.take().context("the error stream is piped")?;
    for line in BufReader::new(errors).lines() {
        let line = line.context("the battery says what is not text")?;
        eprintln!("{line}");
        if let Ok(Value::Object(figures)) = serde_json::from_str(&line) {
            add(total, "scenarios", 1);
            sum(total, &figures);
        }
    }
    Ok(child.wait().context("the battery was not waited for")?.success())
}

/// Adds the numbers of a scenario, also those one level deeper, such as connections by fault.
fn sum(total: &mut Map<String, Value>, figures: &Map<String, Value>) {
    for (name, value) in figures {
        match value {
            Value::Object(inner) => {
                let known = total.entry(name.clone()).or_insert_with(|| Map::new().into());
                if let Value::Object(known) = known {
                    sum(known, inner);
                }
            }
            other if !NOT_ADDED.contains(&name.as_str()) => {
                add(total, name, other.as_u64().unwrap_or(0));
            }
            _ => {}
        }
    }
}

fn add(total: &mut Map<String, Value>, name: &str, count: u64) {
    let known = total.get(name).and_then(Value::as_u64).unwrap_or(0);
    if count > 0 || total.contains_key(name) || ["lost", "doubles", "false_receipts"].contains(&name) {
        total.insert(name.to_owned(), (known + count).into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_added_and_seeds_are_not() {
        let mut total = Map::new();
        for text in [
            r#"{"battery":"kill","seed":7,"kills":3,"lost":0}"#,
            r#"{"battery":"line","seed":7,"kills":2,"lost":0,"connections":{"reset":4}}"#,
            r#"{"battery":"line","connections":{"reset":1}}"#,
        ] {
            let Ok(Value::Object(figures)) = serde_json::from_str(text) else { panic!("{text}") };
            sum(&mut total, &figures);
        }
        let expected = r#"{"connections":{"reset":5},"kills":5,"lost":0}"#;
        assert_eq!(Value::Object(total).to_string(), expected);
    }
}
