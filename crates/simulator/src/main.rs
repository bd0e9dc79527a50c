//! The command line of the simulator.
#![expect(clippy::print_stdout, reason = "a program that talks to the terminal")]

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use simulator::{Faults, Log, Order, Summary};
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// Many States, one seed: the real nodes' code under every fault of network, disk, clock and peer.
#[derive(Debug, Parser)]
#[command(
    name = "simulator",
    after_help = "Examples:\n  simulator run --states 193 --exchanges 10000 --seed 1 --json\n  simulator run --states 6 --exchanges 200 --seed 1 --seeds 50\n  simulator run --faults lost,crash --seed 7\n  simulator shrink simulation-7.log --out short.log\n  simulator replay short.log"
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
