//! Builds the fuzz targets with the flags of the engine and runs them, two at a time.

use crate::repository;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Coverage for the engine (SanitizerCoverage of LLVM); all of it is stable in the compiler. No address sanitizer: there is
/// no `unsafe` in our own code.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";
/// Targets that run beside each other.
const AT_ONCE: usize = 2;
/// Of each target in the one test command.
pub const CI_SECONDS: u64 = 60;
/// One input that takes longer, in seconds, is a fault.
const MOST_SECONDS: u64 = 20;
const MOST_MEGABYTES: u64 = 2048;

/// What to run, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// All of them when none is named.
    pub targets: Vec<String>,
    pub seconds: u64,
    pub json: bool,
    /// Keeps the smallest inputs that reach what the whole corpus reached, in `fuzz/corpus`.
    pub keep: bool,
}

impl Plan {
    pub fn of_words(words: &[&str]) -> Result<Self> {
        let mut plan = Self { targets: Vec::new(), seconds: CI_SECONDS, json: false, keep: false };
        let mut rest = words;
        loop {
            rest = match rest {
                [] => return Ok(plan),
                ["--target", target, rest @ ..] => {
                    plan.targets.push((*target).to_owned());
                    rest
                }
                ["--seconds", seconds, rest @ ..] => {
                    plan.seconds =
                        seconds.parse().with_context(|| format!("`{seconds}` is no number of seconds"))?;
                    rest
                }
                ["--json", rest @ ..] => {
                    plan.json = true;
                    rest
                }
                ["--keep", rest @ ..] => {
                    plan.keep = true;
                    rest
                }
                other => bail!("`{}` is no option of `fuzz`", other.join(" ")),
            }
        }
    }
}

/// How one target ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fuzzed {
    pub target: String,
    pub executions: u64,
    pub per_second: u64,
    /// Edges of the program that were reached.
    pub edges: u64,
    /// Inputs that are kept in the working corpus.
    pub inputs: u64,
    /// The input that broke it, and where its output is.
    pub broken: Option<String>,
}

/// Builds and runs; the caller shows the outcome.
pub fn run(root: &Path, plan: &Plan) -> Result<Vec<Fuzzed>> {
    let all = targets(root)?;
    if let Some(unknown) = plan.targets.iter().find(|target| !all.contains(target)) {
        bail!("`{unknown}` is no target; there are {}", all.join(", "));
    }
    let chosen = if plan.targets.is_empty() { all } else { plan.targets.clone() };
    let programs = build(root, &chosen)?;
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(target) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ended = one(root, &programs.join(target), target, plan);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push(ended);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut done: Vec<Fuzzed> = done.into_iter().collect::<Result<_>>()?;
    done.sort_by(|a, b| a.target.cmp(&b.target));
    Ok(done)
}

/// The names of `fuzz/fuzz_targets`.
fn targets(root: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(root.join("fuzz/fuzz_targets")).context("no folder `fuzz/fuzz_targets`")?;
    let names = entries.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

/// A build for the machine that runs it, in a folder of its own; with `--target` the flags do not reach build scripts.
fn build(root: &Path, chosen: &[String]) -> Result<PathBuf> {
    let machine = machine()?;
    let folder = root.join("target/fuzz");
    let mut command = Command::new(repository::cargo_program());
    command
        .args(["build", "--locked", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", &machine])
        .arg("--target-dir")
        .arg(&folder)
        .args(chosen.iter().flat_map(|target| ["--bin", target]))
        .env("RUSTFLAGS", FLAGS)
        .current_dir(root);
    if !command.status().context("cargo cannot be started")?.success() {
        bail!("the fuzz targets do not build (the engine needs a C++ compiler, `g++`)");
    }
    Ok(folder.join(machine).join("release"))
}

fn machine() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let machine = text.lines().find_map(|line| line.strip_prefix("host: "));
    machine.map(str::to_owned).context("rustc does not say for which machine it is")
}

/// New inputs go to a working folder under `target`; the seeds are read where they are and stay as they are.
fn one(root: &Path, program: &Path, target: &str, plan: &Plan) -> Result<Fuzzed> {
    let seeds = root.join("fuzz/corpus").join(target);
    let work = root.join("target/fuzz/corpus").join(target);
    let broken = root.join("target/fuzz/artifacts").join(target);
    for folder in [&seeds, &work, &broken] {
        fs::create_dir_all(folder)?;
    }
    let report = root.join("target/fuzz").join(format!("{target}.txt"));
    let mut command = Command::new(program);
    command
        .args([&work, &seeds])
        .arg(format!("-max_total_time={}", plan.seconds))
        .arg(format!("-timeout={MOST_SECONDS}"))
        .arg(format!("-rss_limit_mb={MOST_MEGABYTES}"))
        .arg(format!("-artifact_prefix={}/", broken.display()))
        .args(["-print_final_stats=1", "-use_value_profile=1"])
        .stdout(Stdio::null())
        .stderr(fs::File::create(&report)?)
        .current_dir(root);
    let words = root.join("fuzz/words").join(format!("{target}.txt"));
    if words.is_file() {
        command.arg(format!("-dict={}", words.display()));
    }
    let mut running = command.spawn().with_context(|| format!("`{target}` cannot be started"))?;
    let status = running.wait()?;
    // Where the target of packages works; the engine ends it without a chance to clear up.
    for memory in [Path::new("/dev/shm"), &std::env::temp_dir()] {
        let _ = fs::remove_dir_all(memory.join(format!("rogatory-fuzz-{}", running.id())));
    }
    let text = String::from_utf8_lossy(&fs::read(&report)?).into_owned();
    let mut ended = read(target, &text);
    if !status.success() {
        ended.broken = Some(ended.broken.unwrap_or_else(|| format!("see {}", report.display())));
    } else if plan.keep {
        keep(program, &work, &seeds)?;
    }
    ended.inputs = u64::try_from(fs::read_dir(&work)?.count()).unwrap_or(u64::MAX);
    Ok(ended)
}

/// Writes the smallest set of inputs that reaches as much into the folder of the seeds.
fn keep(program: &Path, work: &Path, seeds: &Path) -> Result<()> {
    let fresh = seeds.with_extension("new");
    fs::create_dir_all(&fresh)?;
    let status = Command::new(program)
        .args(["-set_cover_merge=1", "-use_counters=0"])
        .args([&fresh, &seeds.to_owned(), &work.to_owned()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("`{}` could not be made smaller", seeds.display());
    }
    fs::remove_dir_all(seeds)?;
    fs::rename(fresh, seeds)?;
    Ok(())
}

/// Reads what the engine printed.
fn read(target: &str, text: &str) -> Fuzzed {
    let number = |label: &str| {
        let line = text.lines().rev().find_map(|line| line.strip_prefix(label));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
    };
    let edges = text.lines().rev().find_map(|line| line.split_once(" cov: ")).map(|(_, rest)| rest);
    let edges = edges.and_then(|rest| rest.split(' ').next()).and_then(|count| count.parse().ok());
    let broken = text.lines().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path);
    Fuzzed {
        target: target.to_owned(),
        executions: number("stat::number_of_executed_units:"),
        per_second: number("stat::average_exec_per_sec:"),
        edges: edges.unwrap_or(0),
        inputs: 0,
        broken: broken.map(str::to_owned),
    }
}

/// The table for people.
pub fn table(done: &[Fuzzed]) -> String {
    let mut text = format!(
        "{:<12} {:>12} {:>10} {:>8} {:>8}  broken by\n",
        "target", "executions", "a second", "edges", "inputs"
    );
    for one in done {
        text += &format!(
            "{:<12} {:>12} {:>10} {:>8} {:>8}  {}\n",
            one.target,
            one.executions,
            one.per_second,
            one.edges,
            one.inputs,
            one.broken.as_deref().unwrap_or("-")
        );
    }
    text
}

/// The same as data.
pub fn data(done: &[Fuzzed]) -> Value {
    let one = |one: &Fuzzed| {
        json!({
            "target": one.target, "executions": one.executions, "per_second": one.per_second,
            "edges": one.edges, "inputs": one.inputs, "broken": one.broken,
        })
    };
    json!({ "targets": done.iter().map(one).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_prints_is_read() {
        let good = "#2\tINITED cov: 10 ft: 11\n#99\tDONE   cov: 812 ft: 2200 corp: 7/9b\nstat::number_of_executed_units: 99\nstat::average_exec_per_sec:     33\n";
        let read_good = read("words", good);
        assert_eq!((read_good.executions, read_good.per_second, read_good.edges), (99, 33, 812));
        assert_eq!(read_good.broken, None);
        let bad = "artifact_prefix='x/'; Test unit written to x/crash-1\nstat::number_of_executed_units: 5\n";
        assert_eq!(read("words", bad).broken.as_deref(), Some("x/crash-1"));
    }

    #[test]
    fn every_target_has_seeds_and_stands_in_the_manifest() {
        let root = repository::root();
        let manifest = repository::read(&root, "fuzz/Cargo.toml").unwrap();
        let all = targets(&root).unwrap();
        assert!(all.len() <= 12, "two at a time they would take longer than six minutes");
        for target in all {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
            assert!(fs::read_dir(root.join("fuzz/corpus").join(&target)).unwrap().count() > 2, "{target}");
        }
    }

    #[test]
    fn the_words_of_the_command_are_read() {
        let plan = Plan::of_words(&["--target", "log", "--seconds", "5", "--json"]).unwrap();
        assert_eq!(plan, Plan { targets: vec!["log".to_owned()], seconds: 5, json: true, keep: false });
        assert!(Plan::of_words(&["--seconds", "many"]).is_err());
        assert!(Plan::of_words(&["log"]).is_err());
    }
}
