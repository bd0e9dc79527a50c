//! Measures exchange and evidence beside real peers, in one run: ratios and the physical limit, never a timed test.
#![expect(clippy::print_stdout, reason = "a program that talks to the terminal")]

mod cast;
mod drive;
mod evidence;
mod ledger;
mod machine;
mod memory;
mod peer;
mod report;
mod spread;

use clap::{Args, Parser, Subcommand};
use report::Report;
use serde::Serialize;
use std::{fmt::Display, path::PathBuf, process::ExitCode};

/// Figures of this machine only: what carries over is the ratio to what ran beside it.
#[derive(Debug, Parser)]
#[command(name = "bench", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Statements from submit to verified receipt between two node processes, beside peers and the disk.
    #[command(after_help = "Example:\n  cargo run --release -p bench -- exchange --statements 1000 --json")]
    Exchange(ExchangeArguments),
    /// Resident memory of both node processes, idle and after the statements; no peers.
    #[command(after_help = "Example:\n  cargo run --release -p bench -- memory")]
    Memory(ExchangeArguments),
    /// Evidence sealed, verified, opened and sent, beside the hand, the tools of others and the physical limit.
    #[command(after_help = "Example:\n  cargo run --release -p bench -- evidence --gib 2 --rounds 3 --json")]
    Evidence(evidence::EvidenceArguments),
    /// The ledger: appends in memory and on disk, proof sizes and verification time, beside another author's tree.
    #[command(after_help = "Example:\n  cargo run --release -p bench -- ledger --json")]
    Ledger(ledger::LedgerArguments),
}

#[derive(Debug, Clone, Args)]
struct ExchangeArguments {
    /// Statements submitted at once in each round.
    #[arg(long, default_value_t = 1000)]
    statements: usize,
    /// Statements sent one after the other in each round.
    #[arg(long, default_value_t = 100)]
    sequential: usize,
    /// Files over which the statements are spread.
    #[arg(long, default_value_t = 20)]
    files: usize,
    /// Bytes of text in each statement, and of payload in each peer's message.
    #[arg(long, default_value_t = 10 * 1024)]
    bytes: usize,
    /// Rounds; what runs beside each other takes turns within each.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The program to measure, instead of the one built from these sources.
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments.what {
        What::Exchange(arguments) => told(&runtime.block_on(measure(&arguments, true))?, arguments.json),
        What::Memory(arguments) => told(&runtime.block_on(measure(&arguments, false))?, arguments.json),
        What::Ledger(arguments) => told(&runtime.block_on(ledger::measure(&arguments))?, arguments.json),
        What::Evidence(arguments) => told(&runtime.block_on(evidence::measure(&arguments))?, arguments.json),
    }
}

fn told(report: &(impl Serialize + Display), json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}

async fn measure(arguments: &ExchangeArguments, with_peers: bool) -> anyhow::Result<Report> {
    let program = machine::program(arguments.program.as_deref())?;
    let place = machine::scratch()?;
    let mut peers = if with_peers { peer::Peers::prepare(place.path()) } else { peer::Peers::default() };
    let cast = cast::Cast::assemble(place.path(), &program).await?;
    let done = rounds(arguments, &cast, &mut peers).await;
    cast.dismiss().await;
    done
}

async fn rounds(
    arguments: &ExchangeArguments,
    cast: &cast::Cast,
    peers: &mut peer::Peers,
) -> anyhow::Result<Report> {
    let mut report = Report::new(arguments);
    report.memory("idle", 0, cast)?;
    for round in 1..=arguments.rounds {
        eprintln!("round {round} of {}", arguments.rounds);
        let mut driver = drive::Driver::begin(cast, arguments.files).await?;
        report.sequential(&driver.one_at_a_time(arguments.sequential, arguments.bytes).await?);
        report.pipelined(driver.at_once(arguments.statements, arguments.bytes).await?);
        drive::at_rest(cast).await?;
        if round == 1 {
            report.memory("after the first round", driver.exchanged(), cast)?;
        }
        for (name, samples) in peers.round(arguments.bytes)? {
            report.peer(name, &samples);
        }
    }
    report.memory("at the end", arguments.rounds * drive::in_a_round(arguments), cast)?;
    report.audited(drive::audit(cast).await?);
    report.missing(peers.missing());
    Ok(report)
}
