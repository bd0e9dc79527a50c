//! Where the run takes place: the program, the folder, the machine's description.

use anyhow::{Context as _, bail};
use serde::Serialize;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// What a reader must know of the machine; it has no name here.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_mib: u64,
    pub(crate) kernel: String,
    pub(crate) filesystem: String,
}

impl Machine {
    pub(crate) fn describe() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, name: &str| {
            text.lines()
                .find_map(|line| {
                    line.strip_prefix(name)?.split_once(':').map(|(_, value)| value.trim().to_owned())
                })
                .unwrap_or_default()
        };
        let memory = value(&read("/proc/meminfo"), "MemTotal");
        Self {
            processor: value(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory.split(' ').next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            filesystem: filesystem().unwrap_or_default(),
        }
    }
}

/// The type of the file system under the scratch folder, as `stat` of GNU coreutils names it.
fn filesystem() -> Option<String> {
    let out = Command::new("stat").args(["-f", "-c", "%T"]).arg(base()).output().ok()?;
    Some(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Below `target`, because a folder for temporary files may be in memory, where nothing is durable.
pub(crate) fn base() -> PathBuf {
    root().join("target/bench")
}

pub(crate) fn scratch() -> anyhow::Result<TempDir> {
    fs::create_dir_all(base()).with_context(|| format!("`{}`", base().display()))?;
    Ok(tempfile::Builder::new().prefix("run-").tempdir_in(base())?)
}

/// The release build of the program from these sources, or the one that was named.
pub(crate) fn program(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(named) = named {
        return named.canonicalize().with_context(|| format!("the program `{}`", named.display()));
    }
    let built = root().join("target/release/rogatory");
    if built.exists() {
        eprintln!("bringing target/release/rogatory up to date: cargo build --release -p rogatory");
    } else {
        eprintln!("target/release/rogatory is missing and is built first, which takes some minutes");
    }
    let done = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["build", "--quiet", "--release", "-p", "rogatory"])
        .status()
        .context("cargo")?;
    if !done.success() || !built.exists() {
        bail!("`cargo build --release -p rogatory` failed; mend it, or name a program with `--program`");
    }
    Ok(built)
}
