//! The program: every subcommand, one file for each noun.

mod bundle;
mod command;
mod context;
mod demo;
mod named;
mod output;
mod show;
mod side_by_side;
mod zip;

use clap::{Parser, Subcommand};
use command::{
    custody::CustodyCommand, descriptor::DescriptorCommand, desk::DeskCommand, envelope::EnvelopeCommand,
    evidence::EvidenceCommand, file::FileCommand, finding::FindingCommand, incoming::IncomingCommand,
    key::KeyCommand, law::LawCommand, log::LogCommand, matter::MatterCommand, node::NodeCommand,
    officer::OfficerCommand, peer::PeerCommand, register::RegisterCommand, request::RequestCommand,
    time::TimeCommand, treaty::TreatyCommand, verify::VerifyArguments, witness::WitnessCommand,
};
use context::Context;
use output::Output;
use std::{path::PathBuf, process::ExitCode};

/// Software for States that cooperate under the United Nations Convention against Cybercrime.
///
/// Exit codes: 0 done; 2 wrong usage; 3 refused by a rule; 4 the other node is at fault; 5 this machine is at fault.
#[derive(Debug, Parser)]
#[command(name = "rogatory", version, propagate_version = true, max_term_width = 110, after_help = EXAMPLES)]
struct Arguments {
    /// The folder of the node.
    #[arg(long, global = true, env = "ROGATORY_NODE", default_value = ".", value_name = "DIR")]
    node: PathBuf,
    /// The short name of the officer who gives the command.
    #[arg(long, global = true, env = "ROGATORY_OFFICER", value_name = "NAME")]
    officer: Option<String>,
    /// The file with the officer's token.
    #[arg(long, global = true, env = "ROGATORY_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The file with the passphrase of protected keys; else systemd's credential `rogatory-passphrase`.
    #[arg(long, global = true, env = "ROGATORY_PASSPHRASE_FILE", value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// The file with the passphrase of a protected root.
    #[arg(long, global = true, env = "ROGATORY_ROOT_PASSPHRASE_FILE", value_name = "FILE")]
    root_passphrase_file: Option<PathBuf>,
    /// Print data as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    noun: Noun,
}

const EXAMPLES: &str = "\
Examples:
  rogatory demo                                       two States walk a request from end to end
  rogatory demo ./case --keep ./walk                  the same with your files, and everything kept
  rogatory request template preservation > p.toml     a form to fill in
  rogatory --node a request check p.toml              all findings at once, each with its article";

#[derive(Debug, Subcommand)]
enum Noun {
    /// Two States on this machine walk a request from draft to verified evidence.
    Demo(demo::DemoArguments),
    /// Make, run and examine a node.
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xa node doctor")]
    Node(NodeCommand),
    /// What our State tells the others about its offices and keys.
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xa descriptor export --out xa.p7m")]
    Descriptor(DescriptorCommand),
    /// The States enrolled here.
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xa peer add xb.p7m")]
    Peer(PeerCommand),
    /// The people who work at this node.
    #[command(
        subcommand,
        after_help = "Example:\n  rogatory --node ./xa officer add ana.cruz --name 'Ana Cruz' --role case-officer --token-out ana.token"
    )]
    Officer(OfficerCommand),
    /// Requests that our State makes.
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xa request check preservation.toml")]
    Request(RequestCommand),
    /// Requests that other States make to ours.
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xb incoming show FILE")]
    Incoming(IncomingCommand),
    /// The 24/7 desk: what waits and rings, who is on duty, whether other contact points are there, Art. 41.
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xb desk list")]
    Desk(DeskCommand),
    /// Electronic evidence: take in, seal, send, fetch, verify, open.
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xa evidence verify FILE")]
    Evidence(EvidenceCommand),
    /// Keys: replace and protect those of a node; make further ones for laboratories, tokens, quantum computers.
    #[command(subcommand, after_help = "Example:\n  rogatory key hybrid --out court.hybrid")]
    Key(KeyCommand),
    /// A time-stamp authority for demonstrations.
    #[command(subcommand, after_help = "Example:\n  rogatory time create ./tsa --name Exercise")]
    Time(TimeCommand),
    /// Who held each exhibit, when, where and why: show, check, export, and what offices do with it.
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xa custody check FILE")]
    Custody(CustodyCommand),
    /// A file of either side, with the timeline of both ladders.
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xa file show FILE")]
    File(FileCommand),
    /// Sealed envelopes and receipts as files, for the pouch.
    #[command(
        subcommand,
        after_help = "Example:\n  rogatory --node ./xa envelope export FILE --out request.envelope.json"
    )]
    Envelope(EnvelopeCommand),
    /// What the two States raise and answer inside a file: conditions, consents, questions, notices
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xa matter list FILE")]
    Matter(MatterCommand),
    /// What a person should look at.
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xa finding list")]
    Finding(FindingCommand),
    /// Our law and that of other States beside the Convention's offences: publish, import, lay side by side.
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xa law compare --offence 7 --with XB")]
    Law(LawCommand),
    /// Our transparency log as strangers see it: show, export as files, check.
    #[command(subcommand, after_help = "Example:\n  rogatory --node ./xa log show")]
    Log(LogCommand),
    /// A witness of logs without a node, for an oversight body.
    #[command(subcommand, after_help = "Example:\n  rogatory witness serve ./witness")]
    Witness(WitnessCommand),
    /// Check a bundle of proofs as a court does: what is proven, what is not, what would have to be forged.
    #[command(
        after_help = "Example:\n  rogatory verify FILE.rogatory.zip --fingerprint XA=4T9KX-... --pdf report.pdf"
    )]
    Verify(VerifyArguments),
    /// Who signed the Convention, who is bound, what was reserved: the depositary's events, with their age.
    #[command(subcommand, after_help = "Example:\n  rogatory register status --on 2026-11-23")]
    Register(RegisterCommand),
    /// The Convention as data.
    #[command(subcommand, after_help = "Example:\n  rogatory treaty grounds")]
    Treaty(TreatyCommand),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.json;
    output::log_to_stderr(matches!(
        arguments.noun,
        Noun::Node(NodeCommand::Serve(_)) | Noun::Witness(WitnessCommand::Serve { .. })
    ));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&anyhow::Error::from(error), json),
    };
    match runtime.block_on(run(arguments)) {
        Ok(output) => output.print(json),
        Err(error) => output::fail(&error, json),
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<Output> {
    let context = Context {
        node: arguments.node,
        officer: arguments.officer,
        token_file: arguments.token_file,
        passphrase_file: arguments.passphrase_file,
        root_passphrase_file: arguments.root_passphrase_file,
        json: arguments.json,
    };
    match arguments.noun {
        Noun::Demo(demo) => demo::run(demo, context.json).await,
        Noun::Node(command) => command.run(&context).await,
        Noun::Descriptor(command) => command.run(&context).await,
        Noun::Peer(command) => command.run(&context).await,
        Noun::Officer(command) => command.run(&context).await,
        Noun::Request(command) => command.run(&context).await,
        Noun::Incoming(command) => command.run(&context).await,
        Noun::Desk(command) => command.run(&context).await,
        Noun::Evidence(command) => command.run(&context).await,
        Noun::Key(command) => command.run(&context).await,
        Noun::Time(command) => command.run().await,
        Noun::Custody(command) => command.run(&context).await,
        Noun::File(command) => command.run(&context).await,
        Noun::Envelope(command) => command.run(&context).await,
        Noun::Matter(command) => command.run(&context).await,
        Noun::Finding(command) => command.run(&context).await,
        Noun::Law(command) => command.run(&context).await,
        Noun::Log(command) => command.run(&context).await,
        Noun::Witness(command) => command.run(context.json).await,
        Noun::Verify(arguments) => arguments.run(),
        Noun::Register(command) => command.run(&context).await,
        Noun::Treaty(command) => command.run(),
    }
}
