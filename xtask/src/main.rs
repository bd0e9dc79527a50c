//! The command line of `cargo xtask`.
#![expect(clippy::print_stdout, reason = "a program that talks to the terminal")]

use anyhow::{Result, bail};
use std::process::ExitCode;
use xtask::{battery, code, fuzz, mutants, repository, stage, tool};

const HELP: &str = "\
cargo xtask test             install what the tests need, then run every stage
cargo xtask test --fast      formatting, guards, lints and unit tests only
cargo xtask test --only NAME one stage (may be repeated)
cargo xtask test --list      the stages
cargo xtask install          only what the tests need
cargo xtask battery --minutes N [--seed S]  the fault battery on real nodes, with one seed after another
cargo xtask fuzz             every fuzz target for 60 s; --target NAME, --seconds N, --json, --keep
cargo xtask mutants          changes that no test notices; CRATE for one of rings 0 to 2, --shard K/N for a part
cargo xtask codes            every error code, with the failure and the file that uses it";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<bool> {
    match words {
        ["test", rest @ ..] => test(rest),
        ["install"] => tool::install(&repository::root()).map(|()| true),
        ["codes"] => codes(),
        ["battery", rest @ ..] => faults(rest),
        ["mutants", rest @ ..] => mutated(&mutants::Plan::of_words(rest)?),
        ["fuzz", rest @ ..] => fuzzed(&fuzz::Plan::of_words(rest)?),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(true)
        }
        other => bail!("`{}` is no task here\n\n{HELP}", other.join(" ")),
    }
}

fn test(words: &[&str]) -> Result<bool> {
    let chosen = match words {
        [] => stage::all(),
        ["--fast"] => stage::fast(),
        ["--list"] => {
            for stage in stage::all() {
                println!("{:<8} {}", stage.name, stage.what);
            }
            return Ok(true);
        }
        ["--only", ..] => stage::only(words)?,
        other => bail!("`{}` is no option of `test`\n\n{HELP}", other.join(" ")),
    };
    let outcome = stage::run(&repository::root(), &chosen)?;
    println!("stages: {} passed, {} failed", outcome.passed, outcome.failed);
    Ok(outcome.failed == 0)
}

fn faults(words: &[&str]) -> Result<bool> {
    let (mut minutes, mut seed) = (10, 1);
    for pair in words.chunks(2) {
        match pair {
            ["--minutes", number] => minutes = number.parse()?,
            ["--seed", number] => seed = number.parse()?,
            other => bail!("`{}` is no option of `battery`\n\n{HELP}", other.join(" ")),
        }
    }
    let (passed, total) = battery::run(&repository::root(), minutes, seed)?;
    println!("{total}");
    Ok(passed)
}

fn codes() -> Result<bool> {
    let uses = code::uses(&repository::root())?;
    for used in &uses {
        println!("{}  {:<24} {}:{}", used.code, used.owner, used.path, used.line);
    }
    let complaints = code::complaints(&uses);
    for complaint in &complaints {
        println!("collision: {complaint}");
    }
    Ok(complaints.is_empty())
}

fn fuzzed(plan: &fuzz::Plan) -> Result<bool> {
    let done = fuzz::run(&repository::root(), plan)?;
    if plan.json {
        println!("{}", fuzz::data(&done));
    } else {
        print!("{}", fuzz::table(&done));
    }
    Ok(done.iter().all(|one| one.broken.is_none()))
}

/// What was missed is listed, and is no failure: `docs/mutants.md` answers it.
fn mutated(plan: &mutants::Plan) -> Result<bool> {
    mutants::run(&repository::root(), plan, |judged| print!("{}", mutants::line(judged)))?;
    Ok(true)
}
