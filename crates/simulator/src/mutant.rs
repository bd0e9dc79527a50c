//! Does the simulator notice? Each patch in `mutants/` breaks the code in one place; runs go on until one is caught.

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

/// Where the patches lie in the repository.
const PATCHES: &str = "crates/simulator/mutants";

/// How the mutants are made and run.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The work tree; it is copied and never changed.
    pub tree: PathBuf,
    /// Where the copy and its build lie; kept for the next time.
    pub build: PathBuf,
    pub only: Option<String>,
    pub states: usize,
    pub exchanges: u64,
    pub seeds: u64,
}

/// What came of one mutant.
#[derive(Debug, Clone, Serialize)]
pub struct Tried {
    pub mutant: String,
    /// What the patch does, in its first line.
    pub about: String,
    /// How many seeds it took; `None` when no run noticed.
    pub seeds: Option<u64>,
    pub invariant: Option<String>,
    pub seconds: u64,
}

/// Tries every mutant, the code as it is first: that one must not be caught.
pub fn mutants(trial: &Trial, told: &mut dyn FnMut(&Tried)) -> Result<Vec<Tried>> {
    let tree = trial.build.join("tree");
    let mut tried = Vec::new();
    let mut patches: Vec<PathBuf> = fs::read_dir(trial.tree.join(PATCHES))
        .with_context(|| format!("`{}` is no work tree of this repository", trial.tree.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    patches.retain(|path| path.extension() == Some(OsStr::new("patch")));
    patches.sort();
    let all = std::iter::once(None).chain(patches.iter().map(Some));
    for patch in all {
        let name = patch.map_or("none", |path| path.file_stem().and_then(OsStr::to_str).unwrap_or("?"));
        if trial.only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        copy_tree(&trial.tree, &tree)?;
        let mut about = "the code as it is".to_owned();
        if let Some(patch) = patch {
            about = fs::read_to_string(patch)?.lines().next().unwrap_or_default().to_owned();
            apply(&tree, &trial.tree.join(patch), &trial.build)?;
        }
        let program = compile(&tree, &trial.build.join("target"))?;
        let one = hunt(&program, trial, name, about)?;
        told(&one);
        tried.push(one);
    }
    Ok(tried)
}

fn hunt(program: &Path, trial: &Trial, name: &str, about: String) -> Result<Tried> {
    let began = Instant::now();
    let log = trial.build.join(format!("{name}.log"));
    for seed in 1..=trial.seeds {
        let done = Command::new(program)
            .args(["run", "--json", "--states", &trial.states.to_string()])
            .args(["--exchanges", &trial.exchanges.to_string(), "--seed", &seed.to_string()])
            .arg("--log")
            .arg(&log)
            .output()
            .context("the mutant could not be run")?;
        if done.status.success() {
            continue;
        }
        let last = String::from_utf8_lossy(&done.stdout).lines().last().unwrap_or_default().to_owned();
        let told: Option<serde_json::Value> = serde_json::from_str(&last).ok();
        let invariant = told
            .as_ref()
            .and_then(|summary| summary.pointer("/first_violation/invariant")?.as_str().map(str::to_owned));
        if invariant.is_none() {
            bail!("the mutant `{name}` ended without a summary: {}", String::from_utf8_lossy(&done.stderr));
        }
        let (mutant, seconds) = (name.to_owned(), began.elapsed().as_secs());
        return Ok(Tried { mutant, about, seeds: Some(seed), invariant, seconds });
    }
    let (mutant, seconds) = (name.to_owned(), began.elapsed().as_secs());
    Ok(Tried { mutant, about, seeds: None, invariant: None, seconds })
}

/// Copies what git knows or would know; a file that is the same keeps its time, so that little is built again.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let listed = Command::new("git")
        .arg("-C")
        .arg(from)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .context("git could not be run")?;
    if !listed.status.success() {
        bail!("`{}` is no work tree of git", from.display());
    }
    for name in String::from_utf8(listed.stdout)?.split('\0').filter(|name| !name.is_empty()) {
        let (source, target) = (from.join(name), to.join(name));
        let Ok(content) = fs::read(&source) else { continue };
        if fs::read(&target).is_ok_and(|there| there == content) {
            continue;
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&target, content)?;
    }
    Ok(())
}

fn apply(tree: &Path, patch: &Path, ceiling: &Path) -> Result<()> {
    let patch = fs::canonicalize(patch)?;
    let done = Command::new("git")
        // The copy may lie inside a work tree, in whose name git must not speak.
        .env("GIT_CEILING_DIRECTORIES", fs::canonicalize(ceiling)?)
        .current_dir(tree)
        .arg("apply")
        .arg(&patch)
        .output()?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        bail!("`{}` does not fit the code any more: {said}", patch.display());
    }
    Ok(())
}

fn compile(tree: &Path, target: &Path) -> Result<PathBuf> {
    let target = std::path::absolute(target)?;
    let done = Command::new("cargo")
        .current_dir(tree)
        .args(["build", "--quiet", "-p", "simulator"])
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .context("cargo could not be run")?;
    if !done.status.success() {
        bail!("the mutant does not compile: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(target.join("debug/simulator"))
}

/// True when the code as it is was never caught and every mutant was.
pub fn all_caught(tried: &[Tried]) -> bool {
    tried.iter().all(|one| one.seeds.is_some() == (one.mutant != "none"))
}
