//! The command line of the simulator.
#![expect(clippy::print_stdout, reason = "a program that talks to the terminal")]

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use simulator::{Faults, Log, Order, Summary, Trial};
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// Many States, one seed: the real nodes' code under every fault of network, disk, clock and peer.
#[derive(Debug, Parser)]
#[command(
    name = "simulator",
    after_help = "Examples:\n  simulator run --states 193 --exchanges 10000 --seed 1 --json\n  simulator run --states 6 --exchanges 200 --seed 1 --seeds 50\n  simulator run --faults lost,crash --seed 7\n  simulator shrink simulation-7.log --out short.log\n  simulator replay short.log\n  simulator mutants"
)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run from one seed, or from several one after another.
    Run(RunArguments),
    /// Do the steps of a log again and show each.
    Replay { log: PathBuf },
    /// Find a shorter log that breaks the same invariant.
    Shrink {
        log: PathBuf,
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The longest time to search, in seconds.
        #[arg(long, default_value_t = 120)]
        seconds: u64,
    },
    /// Break the code in one place at a time and count the seeds until a run notices.
    Mutants(MutantArguments),
}

#[derive(Debug, Args)]
struct MutantArguments {
    /// The work tree; it is copied and never changed.
    #[arg(long, value_name = "DIR", default_value = ".")]
    tree: PathBuf,
    /// Where the copy and its build lie; kept for the next time.
    #[arg(long, value_name = "DIR", default_value = "target/mutants")]
    build: PathBuf,
    /// One patch in `crates/simulator/mutants`, without `.patch`; `none` is the code as it is.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    #[arg(long, default_value_t = 6)]
    states: usize,
    #[arg(long, default_value_t = 120)]
    exchanges: u64,
    #[arg(long, default_value_t = 40)]
    seeds: u64,
    /// The last line is JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RunArguments {
    #[arg(long, default_value_t = 8)]
    states: usize,
    /// The run ends when so many statements are delivered with a receipt on both sides.
    #[arg(long, default_value_t = 500)]
    exchanges: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// So many seeds from `--seed` on; the first that fails is the last.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// `all`, `none`, or a list divided by commas.
    #[arg(long, default_value = "all")]
    faults: String,
    /// The last line is JSON.
    #[arg(long)]
    json: bool,
    /// Keep the nodes' folders here.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Where the log of a failing seed is written; every log with `--log-always`.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    #[arg(long)]
    log_always: bool,
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(perform(Program::parse().command)),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("simulator: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// True when no invariant was broken.
async fn perform(command: Command) -> Result<bool> {
    match command {
        Command::Run(arguments) => many(&arguments).await,
        Command::Replay { log } => {
            let log = Log::read(&log)?;
            let mut shown = Ok(());
            let summary =
                simulator::replay(&log, None, &mut |step, said| match serde_json::to_string(step) {
                    Ok(text) => println!("{text}\n    {said}"),
                    Err(error) => shown = Err(error),
                })
                .await?;
            shown?;
            println!("{}", serde_json::to_string(&summary)?);
            tell(&summary);
            Ok(summary.violations == 0)
        }
        Command::Mutants(arguments) => hunt(arguments),
        Command::Shrink { log, out, seconds } => {
            let long = Log::read(&log)?;
            let progress = |text: &str| eprintln!("shrink: {text}");
            let short = simulator::shrink(&long, Duration::from_secs(seconds), &progress).await?;
            short.write(&out)?;
            println!("{} of {} steps are enough: {}", short.steps.len(), long.steps.len(), out.display());
            Ok(true)
        }
    }
}

fn hunt(arguments: MutantArguments) -> Result<bool> {
    let trial = Trial {
        tree: arguments.tree,
        build: arguments.build,
        only: arguments.only,
        states: arguments.states,
        exchanges: arguments.exchanges,
        seeds: arguments.seeds,
    };
    let tried = simulator::mutants(&trial, &mut |one| {
        let came = match (one.seeds, &one.invariant) {
            (Some(seeds), Some(invariant)) => format!("caught by seed {seeds}: {invariant}"),
            _ => format!("not caught by {} seeds", arguments.seeds),
        };
        println!("{:<34} {came} ({} s)", one.mutant, one.seconds);
    })?;
    if arguments.json {
        println!("{}", serde_json::to_string(&tried)?);
    }
    Ok(simulator::all_caught(&tried))
}

async fn many(arguments: &RunArguments) -> Result<bool> {
    let faults = Faults::parse(&arguments.faults)?;
    for seed in arguments.seed..arguments.seed.saturating_add(arguments.seeds) {
        let order = Order {
            states: arguments.states,
            exchanges: arguments.exchanges,
            seed,
            faults: faults.clone(),
            keep: arguments.keep.clone(),
        };
        let progress = |text: &str| eprintln!("seed {seed}: {text}");
        let (summary, log) = simulator::run(&order, &progress).await?;
        if summary.violations > 0 || arguments.log_always {
            let path =
                arguments.log.clone().unwrap_or_else(|| PathBuf::from(format!("simulation-{seed}.log")));
            log.write(&path)?;
            eprintln!("seed {seed}: the steps are in `{}`", path.display());
        }
        tell(&summary);
        if arguments.json {
            println!("{}", serde_json::to_string(&summary)?);
        } else {
            println!(
                "seed {seed}: {} States, {} exchanges, {} steps, {} faults, {} violations",
                summary.states, summary.exchanges, summary.steps, summary.faults_in_all, summary.violations
            );
        }
        if summary.violations > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn tell(summary: &Summary) {
    if let Some(broken) = &summary.first_violation {
        eprintln!(
            "seed {}: broken at step {}: {}: {}: {}",
            summary.seed, broken.step, broken.invariant, broken.state, broken.found
        );
    }
}
