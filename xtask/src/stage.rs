//! The stages of the one test command: each has a name, a time and an end, and the first failure stops.

use crate::{fuzz, repository, tool};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

/// How a stage that did not fail ended; a skipped one counts in neither number.
enum Ending {
    Passed,
    Skipped(&'static str),
}

/// One named part of the test command.
#[derive(Clone, Copy)]
pub struct Stage {
    pub name: &'static str,
    pub what: &'static str,
    run: fn(&Bench<'_>) -> Result<Ending>,
}

/// How many stages ended well and badly.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    pub passed: usize,
    pub failed: usize,
}

/// What the stages share.
struct Bench<'a> {
    root: &'a Path,
    /// The work tree before the first stage; `None` outside git.
    before: Option<BTreeSet<String>>,
}

const UNITS: Stage = Stage {
    name: "units",
    what: "unit tests only",
    run: |bench| bench.cargo(&["test", "--workspace", "--locked", "--lib", "--bins"]),
};

const STAGES: [Stage; 10] = [
    Stage { name: "install", what: "tools by others that judge our formats", run: install },
    Stage {
        name: "fmt",
        what: "cargo fmt --all --check",
        run: |bench| bench.cargo(&["fmt", "--all", "--check"]),
    },
    Stage { name: "house", what: "the guards in xtask/tests/house.rs", run: house },
    Stage {
        name: "clippy",
        what: "lints, warnings are errors",
        run: |bench| {
            bench.cargo(&["clippy", "--workspace", "--locked", "--all-targets", "--", "-D", "warnings"])
        },
    },
    Stage {
        name: "build",
        what: "the program",
        run: |bench| bench.cargo(&["build", "--locked", "--package", "rogatory"]),
    },
    Stage { name: "test", what: "unit, integration and story tests; no tool may be missing", run: test },
    Stage { name: "fuzz", what: "every fuzz target for a minute, two at a time", run: fuzzed },
    Stage { name: "doc", what: "cargo doc, warnings are errors", run: doc },
    Stage {
        name: "deny",
        what: "licences, bans and sources by cargo-deny, where it is installed",
        run: deny,
    },
    Stage { name: "tree", what: "the tests left the work tree as it was", run: tree },
];

/// Every stage, in order.
pub fn all() -> Vec<Stage> {
    STAGES.to_vec()
}

/// What a change should pass before every commit.
pub fn fast() -> Vec<Stage> {
    let early = STAGES.into_iter().filter(|stage| ["fmt", "house", "clippy"].contains(&stage.name));
    early.chain([UNITS]).collect()
}

/// The stages named in `--only NAME --only NAME`.
pub fn only(words: &[&str]) -> Result<Vec<Stage>> {
    let mut chosen = Vec::new();
    for pair in words.chunks(2) {
        let ["--only", name] = pair else { bail!("write `--only NAME`") };
        let stage = STAGES.into_iter().chain([UNITS]).find(|stage| stage.name == *name);
        let names = || STAGES.iter().chain([&UNITS]).map(|stage| stage.name).collect::<Vec<_>>().join(", ");
        chosen.push(stage.with_context(|| format!("`{name}` is no stage; there are {}", names()))?);
    }
    Ok(chosen)
}

/// Runs the stages until one fails.
pub fn run(root: &Path, stages: &[Stage]) -> Result<Outcome> {
    let bench = Bench { root, before: work_tree(root) };
    let mut outcome = Outcome::default();
    let whole = Instant::now();
    for (number, stage) in stages.iter().enumerate() {
        let place = format!("[{}/{}] {}", number + 1, stages.len(), stage.name);
        eprintln!("{place}: {}", stage.what);
        let started = Instant::now();
        let ending = (stage.run)(&bench);
        let seconds = started.elapsed().as_secs_f64();
        match ending {
            Ok(Ending::Passed) => {
                outcome.passed += 1;
                eprintln!("{place}: passed in {seconds:.1} s");
            }
            Ok(Ending::Skipped(why)) => eprintln!("{place}: skipped: {why}"),
            Err(error) => {
                outcome.failed += 1;
                eprintln!("{place}: FAILED after {seconds:.1} s: {error:#}");
                eprintln!("run it again alone: cargo xtask test --only {}", stage.name);
                break;
            }
        }
    }
    eprintln!("all stages: {:.1} s", whole.elapsed().as_secs_f64());
    Ok(outcome)
}

impl Bench<'_> {
    fn cargo(&self, words: &[&str]) -> Result<Ending> {
        self.cargo_with(words, &[])
    }

    fn cargo_with(&self, words: &[&str], environment: &[(&str, OsString)]) -> Result<Ending> {
        let mut command = Command::new(repository::cargo_program());
        command
            .args(words)
            .current_dir(self.root)
            .envs(environment.iter().map(|(name, value)| (name, value)));
        let status = command.status().context("cargo cannot be started")?;
        if !status.success() {
            bail!("`cargo {}` failed", words.join(" "));
        }
        Ok(Ending::Passed)
    }
}

fn install(bench: &Bench<'_>) -> Result<Ending> {
    tool::install(bench.root)?;
    Ok(Ending::Passed)
}

/// What a guard found is shown without a backtrace into the guard.
fn house(bench: &Bench<'_>) -> Result<Ending> {
    bench.cargo_with(
        &["test", "--quiet", "--locked", "--package", "xtask", "--test", "house"],
        &[("RUST_BACKTRACE", "0".into())],
    )
}

/// Tools must be there: a test that cannot ask its judge fails instead of passing.
fn test(bench: &Bench<'_>) -> Result<Ending> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [tool::programs(bench.root)].into_iter().chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).context("PATH cannot be extended")?;
    bench.cargo_with(
        &["test", "--workspace", "--locked"],
        &[
            ("PATH", path),
            ("ROGATORY_REQUIRE_TOOLS", "1".into()),
            ("ROGATORY_NODE_MODULES", tool::node_modules(bench.root).into()),
            ("ROGATORY_AGE_VECTORS", tool::age_vectors(bench.root).into()),
        ],
    )
}

fn fuzzed(bench: &Bench<'_>) -> Result<Ending> {
    let done = fuzz::run(bench.root, &fuzz::Plan::of_words(&[])?)?;
    eprint!("{}", fuzz::table(&done));
    match done.iter().find_map(|one| one.broken.as_ref()) {
        None => Ok(Ending::Passed),
        Some(input) => bail!("a target broke: {input}"),
    }
}

fn doc(bench: &Bench<'_>) -> Result<Ending> {
    bench.cargo_with(
        &["doc", "--workspace", "--locked", "--no-deps"],
        &[("RUSTDOCFLAGS", "-D warnings".into())],
    )
}

fn deny(bench: &Bench<'_>) -> Result<Ending> {
    let there = Command::new(repository::cargo_program())
        .args(["deny", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !there {
        return Ok(Ending::Skipped(
            "cargo install --locked cargo-deny (the guards of `house` checked the essentials)",
        ));
    }
    bench.cargo(&["deny", "--locked", "check", "licenses", "bans", "sources"])
}

fn tree(bench: &Bench<'_>) -> Result<Ending> {
    let (Some(before), Some(after)) = (&bench.before, work_tree(bench.root)) else {
        return Ok(Ending::Skipped("not a git work tree"));
    };
    let changed: Vec<&str> = before.symmetric_difference(&after).map(String::as_str).collect();
    if changed.is_empty() {
        return Ok(Ending::Passed);
    }
    bail!("the tests changed the work tree:\n{}", changed.join("\n"))
}

/// Every changed or new file with the digest of what is in it, so that a change on top of a change is seen.
fn work_tree(root: &Path) -> Option<BTreeSet<String>> {
    let git = |words: &[&str]| {
        let output = Command::new("git").args(words).current_dir(root).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let listed = git(&["ls-files", "--modified", "--deleted", "--others", "--exclude-standard"])?;
    let mut names: Vec<&str> = listed.lines().collect();
    names.dedup();
    names.into_iter().map(|name| Some(format!("{name} {}", digest(root, name)))).collect()
}

fn digest(root: &Path, name: &str) -> String {
    let output = Command::new("git").args(["hash-object", "--", name]).current_dir(root).output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "(gone)".to_owned(),
    }
}
