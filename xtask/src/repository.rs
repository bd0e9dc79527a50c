//! Where the files of the repository are, and what cargo says of its packages.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Folders of our own Rust sources.
const SOURCES: [&str; 4] = ["crates", "xtask", "bench", "fuzz"];

/// Inputs of the fuzz targets: bytes, even where they look like texts.
const INPUTS: &str = "fuzz/corpus/";

/// The top folder of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// One text of the repository, by its path from the top.
#[derive(Debug, Clone)]
pub struct TextFile {
    pub path: String,
    pub text: String,
}

/// Every Rust source of ours, sorted by path.
pub fn rust_files(root: &Path) -> Result<Vec<TextFile>> {
    let mut paths = Vec::new();
    for folder in SOURCES {
        walk(&root.join(folder), &mut paths)?;
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    read_all(root, paths)
}

/// Every text that git tracks or would track; outside a git work tree every text that is there.
pub fn text_files(root: &Path) -> Result<Vec<TextFile>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output();
    let paths = match listed {
        Ok(output) if output.status.success() => {
            let names = String::from_utf8(output.stdout).context("a path in git is not UTF-8")?;
            let ours = |name: &&str| !name.is_empty() && !name.starts_with(INPUTS);
            names.split('\0').filter(ours).map(|name| root.join(name)).collect()
        }
        _ => {
            let mut paths = Vec::new();
            walk(root, &mut paths)?;
            paths.retain(|path| !path.starts_with(root.join(INPUTS)));
            paths
        }
    };
    read_all(root, paths)
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            walk(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// Reads what is UTF-8; other files and files that git lists but that are gone are left out.
fn read_all(root: &Path, mut paths: Vec<PathBuf>) -> Result<Vec<TextFile>> {
    paths.sort();
    paths.dedup();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths.into_iter().filter(|path| path.is_file()) {
        let bytes = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        files.push(TextFile { path, text });
    }
    Ok(files)
}

/// One text by its path from the top.
pub fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| format!("cannot read `{path}`"))
}

/// `cargo metadata`; without `all` it is about our own packages only and needs no network.
pub fn metadata(root: &Path, all: bool) -> Result<Value> {
    let mut words = vec!["metadata", "--format-version", "1", "--locked"];
    if !all {
        words.push("--no-deps");
    }
    let text = cargo(root, &words)?;
    serde_json::from_str(&text).context("cargo metadata printed no JSON")
}

/// What cargo prints for `words`.
pub fn cargo(root: &Path, words: &[&str]) -> Result<String> {
    let output = Command::new(cargo_program())
        .args(words)
        .current_dir(root)
        .output()
        .context("cargo cannot be started")?;
    if !output.status.success() {
        bail!("`cargo {}` failed:\n{}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).context("cargo printed no UTF-8")
}

/// The cargo that started us.
pub fn cargo_program() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// The packages in `cargo metadata`.
pub fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata.get("packages").and_then(Value::as_array).into_iter().flatten()
}

/// A text field of a JSON object, or nothing.
pub fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
