//! The log of a run as a file: one line of JSON that says which run, then one for each step.

use crate::{model::Violation, step::Step};
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

const FORMAT: &str = "rogatory/simulation/1";

#[derive(Debug, Clone)]
pub struct Log {
    pub seed: u64,
    pub states: usize,
    pub steps: Vec<Step>,
    /// What was broken at the end; not read back.
    pub violations: Vec<Violation>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: String,
    seed: u64,
    states: usize,
    #[serde(default)]
    broken: Vec<String>,
}

impl Log {
    pub fn new(seed: u64, states: usize) -> Self {
        Self { seed, states, steps: Vec::new(), violations: Vec::new() }
    }

    pub fn with_steps(&self, steps: Vec<Step>) -> Self {
        Self { steps, violations: Vec::new(), ..*self }
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let broken = self.violations.iter().map(|v| format!("{}: {}: {}", v.invariant, v.state, v.found));
        let head = Head {
            format: FORMAT.to_owned(),
            seed: self.seed,
            states: self.states,
            broken: broken.collect(),
        };
        let mut text = serde_json::to_string(&head)?;
        for step in &self.steps {
            text.push('\n');
            text.push_str(&serde_json::to_string(step)?);
        }
        text.push('\n');
        fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
    }

    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        Self::parse(&text).with_context(|| format!("`{}` is no log of a simulation", path.display()))
    }

    pub fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let head: Head = serde_json::from_str(lines.next().unwrap_or_default())?;
        if head.format != FORMAT {
            bail!("the format is `{}`, expected `{FORMAT}`", head.format);
        }
        let mut log = Self::new(head.seed, head.states);
        for (number, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
            log.steps.push(serde_json::from_str(line).with_context(|| format!("line {}", number + 2))?);
        }
        Ok(log)
    }
}
