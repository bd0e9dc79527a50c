//! What runs beside the nodes: a library of another author, the tool that officers use by hand, the disk.

use crate::machine;
use anyhow::{Context as _, bail};
use serde::Deserialize;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A peer, its script below `bench/peers` and how many exchanges a round has.
#[derive(Debug, Clone, Copy)]
struct Script {
    name: &'static str,
    file: &'static str,
    count: usize,
    /// Needs the packages of `requirements.txt`.
    packages: bool,
}

const SCRIPTS: [Script; 4] = [
    Script { name: "as4 0.2.0 in memory", file: "as4_round.py", count: 100, packages: true },
    Script { name: "openssl cms by hand", file: "cms_round.py", count: 30, packages: false },
    Script { name: "SQLite, one commit per side", file: "sqlite_round.py", count: 500, packages: false },
    Script { name: "disk, one 4 KiB write per side", file: "disk_round.py", count: 500, packages: false },
];

/// What a script prints.
#[derive(Debug, Deserialize)]
struct Printed {
    samples_ms: Vec<f64>,
}

#[derive(Debug, Default)]
pub(crate) struct Peers {
    place: PathBuf,
    present: Vec<(Script, PathBuf)>,
    missing: Vec<String>,
}

impl Peers {
    /// Finds or installs what the scripts need; what cannot be had is named in the report.
    pub(crate) fn prepare(place: &Path) -> Self {
        let mut peers = Self { place: place.to_owned(), ..Self::default() };
        for script in SCRIPTS {
            match interpreter(script) {
                Ok(python) => peers.present.push((script, python)),
                Err(error) => peers.leave_out(script, &error),
            }
        }
        peers
    }

    fn leave_out(&mut self, script: Script, error: &anyhow::Error) {
        eprintln!("without `{}`: {error:#}", script.name);
        self.missing.push(format!("{}: {error:#}", script.name));
    }

    /// One round of each, in turn: name and milliseconds of each exchange.
    pub(crate) fn round(&mut self, bytes: usize) -> anyhow::Result<Vec<(&'static str, Vec<f64>)>> {
        let mut samples = Vec::new();
        for (script, python) in std::mem::take(&mut self.present) {
            let place = self.place.join(script.file);
            match run(script, &python, &place, bytes) {
                Ok(printed) => {
                    samples.push((script.name, printed.samples_ms));
                    self.present.push((script, python));
                }
                Err(error) => self.leave_out(script, &error),
            }
        }
        Ok(samples)
    }

    pub(crate) fn missing(&self) -> Vec<String> {
        self.missing.clone()
    }
}

fn run(script: Script, python: &Path, place: &Path, bytes: usize) -> anyhow::Result<Printed> {
    std::fs::create_dir_all(place)?;
    let out = Command::new(python)
        .arg(machine::root().join("bench/peers").join(script.file))
        .args([script.count.to_string(), bytes.to_string()])
        .arg(place)
        .output()
        .with_context(|| format!("`{}`", python.display()))?;
    if !out.status.success() {
        let words = String::from_utf8_lossy(&out.stderr);
        bail!("{}", words.lines().last().unwrap_or("the script failed"));
    }
    serde_json::from_slice(&out.stdout).context("what the script printed")
}

/// The machine's Python, or one of its own with the pinned packages, made once below `target/bench`.
fn interpreter(script: Script) -> anyhow::Result<PathBuf> {
    if !script.packages {
        return Ok(PathBuf::from("python3"));
    }
    let folder = machine::base().join("as4");
    let python = folder.join("bin/python");
    if !python.exists() {
        finished(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let requirements = machine::root().join("bench/peers/requirements.txt");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    finished(Command::new(&python).args(pip).arg(requirements))?;
    Ok(python)
}

fn finished(command: &mut Command) -> anyhow::Result<()> {
    let out = command.output().context("python3 (Debian: python3, python3-venv)")?;
    if out.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&out.stderr);
    bail!("{}", words.lines().last().unwrap_or("the installation failed"));
}
