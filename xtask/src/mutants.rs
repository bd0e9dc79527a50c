//! Changes the code of a pure crate, one place at a time, and lists the changes that no test notices.

use crate::repository;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Rings 0 to 2, the quickest first.
pub const CRATES: [&str; 10] = [
    "custody",
    "mandate",
    "vocabulary",
    "ledger",
    "exchange",
    "register",
    "casefile",
    "treaty",
    "seal",
    "evidence",
];
const TOOL: &str = "cargo-mutants@27.1.0";

/// Which crates, and which part of their changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub crates: Vec<String>,
    /// `k/n`: the k-th of n parts, counted from 0.
    pub shard: Option<String>,
}

impl Plan {
    pub fn of_words(words: &[&str]) -> Result<Self> {
        let mut plan = Self { crates: Vec::new(), shard: None };
        let mut rest = words;
        loop {
            rest = match rest {
                [] => break,
                ["--shard", shard, rest @ ..] => {
                    plan.shard = Some((*shard).to_owned());
                    rest
                }
                [name, rest @ ..] if CRATES.contains(name) => {
                    plan.crates.push((*name).to_owned());
                    rest
                }
                [other, ..] => {
                    bail!("`{other}` is no crate of rings 0 to 2; there are {}", CRATES.join(", "))
                }
            };
        }
        if plan.crates.is_empty() {
            plan.crates = CRATES.map(str::to_owned).to_vec();
        }
        Ok(plan)
    }
}

/// How the changes of one crate ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    pub name: String,
    /// A test failed, or never ended.
    pub caught: usize,
    pub time_outs: usize,
    /// The compiler refused the change.
    pub unviable: usize,
    /// No test noticed, each with its place.
    pub missed: Vec<String>,
}

/// One crate after the other, one change at a time; the caller shows the outcome.
pub fn run(root: &Path, plan: &Plan, mut show: impl FnMut(&Judged)) -> Result<()> {
    let program = install(root)?;
    for name in &plan.crates {
        let output = root.join("target/mutants").join(name);
        fs::create_dir_all(&output)?;
        let mut command = Command::new(&program);
        command
            .args([
                "mutants",
                "--package",
                name,
                "--jobs",
                "1",
                "--no-shuffle",
                "--colors",
                "never",
                "--output",
            ])
            .arg(&output)
            .current_dir(root);
        // The tool works on a copy; what it builds of others serves all crates.
        if std::env::var_os("CARGO_TARGET_DIR").is_none() {
            command.env("CARGO_TARGET_DIR", root.join("target/mutants/build"));
        }
        if let Some(shard) = &plan.shard {
            command.args(["--shard", shard]);
        }
        let status = command.status().context("cargo-mutants cannot be started")?;
        let outcomes = output.join("mutants.out/outcomes.json");
        // It ends badly when something was missed, which is for us to judge.
        let text =
            fs::read(&outcomes).with_context(|| format!("no outcomes: cargo-mutants ended with {status}"))?;
        show(&read(name, &serde_json::from_slice(&text)?));
    }
    Ok(())
}

/// The tool is built once, into `target`.
fn install(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/tools/mutants");
    let program = folder.join("bin/cargo-mutants");
    if program.is_file() {
        return Ok(program);
    }
    let status = Command::new(repository::cargo_program())
        .args(["install", "--locked", TOOL, "--root"])
        .arg(&folder)
        .status()
        .context("cargo cannot be started")?;
    if !status.success() {
        bail!("`cargo install {TOOL}` failed");
    }
    Ok(program)
}

fn read(name: &str, outcomes: &Value) -> Judged {
    let mut judged = Judged { name: name.to_owned(), ..Judged::default() };
    for outcome in outcomes.get("outcomes").and_then(Value::as_array).into_iter().flatten() {
        let Some(change) = outcome.pointer("/scenario/Mutant/name") else { continue };
        match outcome.get("summary").and_then(Value::as_str) {
            Some("CaughtMutant") => judged.caught += 1,
            Some("Timeout") => judged.time_outs += 1,
            Some("Unviable") => judged.unviable += 1,
            _ => judged.missed.push(change.as_str().unwrap_or_default().to_owned()),
        }
    }
    judged
}

/// The figures of one crate, and what was missed.
pub fn line(judged: &Judged) -> String {
    let Judged { name, caught, time_outs, unviable, missed } = judged;
    let mut text = format!(
        "{name:<12} caught {caught}, time-out {time_outs}, unviable {unviable}, missed {}\n",
        missed.len()
    );
    for change in missed {
        text += &format!("  {change}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_no_test_noticed_is_named() {
        let outcome = |summary: &str| json!({ "scenario": { "Mutant": { "name": "a.rs:1: replace" } }, "summary": summary });
        let base = json!({ "scenario": "Baseline", "summary": "Success" });
        let all = ["CaughtMutant", "Timeout", "Unviable", "MissedMutant"].map(outcome);
        let outcomes: Vec<Value> = [base].into_iter().chain(all).collect();
        let judged = read("ledger", &json!({ "outcomes": outcomes }));
        assert_eq!((judged.caught, judged.time_outs, judged.unviable), (1, 1, 1));
        assert_eq!(judged.missed, ["a.rs:1: replace"]);
    }

    #[test]
    fn only_crates_of_the_inner_rings_are_changed() {
        assert_eq!(Plan::of_words(&[]).unwrap().crates.len(), CRATES.len());
        let one = Plan::of_words(&["ledger", "--shard", "0/4"]).unwrap();
        assert_eq!(one, Plan { crates: vec!["ledger".to_owned()], shard: Some("0/4".to_owned()) });
        assert!(Plan::of_words(&["node"]).is_err());
    }
}
