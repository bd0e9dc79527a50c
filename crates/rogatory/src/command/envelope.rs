//! `rogatory envelope`: the same sealed envelopes and receipts as files, for the pouch.

use crate::{
    context::Context,
    named,
    output::{Output, refuse},
};
use clap::{Args, Subcommand};
use exchange::ProofRoad;
use flow::HandedBy;
use serde_json::json;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};
use vocabulary::{Digest, EnvelopeId, FileId};

#[derive(Debug, Subcommand)]
pub(crate) enum EnvelopeCommand {
    /// Write an envelope of a file for the pouch; it proves what the HTTPS road proves.
    #[command(
        after_help = "Examples:\n  rogatory envelope export FILE --out request.envelope.json\n  rogatory envelope export FILE --envelope ID --out again.json"
    )]
    Export(ExportArguments),
    /// Take in an envelope from the pouch and write its receipt, or take in a receipt that came back.
    #[command(
        after_help = "Examples:\n  rogatory envelope import request.envelope.json --receipt-out request.receipt.p7m   at the receiver\n  rogatory envelope import request.receipt.p7m                                          back at the sender"
    )]
    Import(ImportArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    file: FileId,
    /// Which envelope; the oldest without a receipt when not given.
    #[arg(long, value_name = "ID")]
    envelope: Option<EnvelopeId>,
    /// A new file for the envelope.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// An envelope (JSON) or a receipt (CMS).
    file: PathBuf,
    /// A new file for the receipt of an envelope; send it back by the pouch.
    #[arg(long, value_name = "FILE")]
    receipt_out: Option<PathBuf>,
}

impl EnvelopeCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        let flow = context.flow().await?;
        match self {
            Self::Export(export) => {
                flow.discharge_due().await?;
                let chosen = flow.exportable(export.file, export.envelope).await?;
                let bytes = flow.envelope_bytes(chosen.envelope).await?;
                write_new(&export.out, &bytes)?;
                flow.relayed(chosen.envelope, ProofRoad::Pouch).await?;
                Ok(Output::new(
                    format!(
                        "{} to {}: envelope {} in {}",
                        chosen.kind,
                        chosen.peer,
                        chosen.envelope,
                        export.out.display()
                    ),
                    &json!({ "envelope": chosen.envelope, "kind": chosen.kind, "to": chosen.peer, "file": export.out }),
                ))
            }
            Self::Import(import) => {
                let size = named::size(&import.file)?;
                if size > exchange::MAX_ENVELOPE_BYTES as u64 {
                    let found = usize::try_from(size).unwrap_or(usize::MAX);
                    return Err(flow::FlowError::from(exchange::EnvelopeFault::TooLarge { found }).into());
                }
                let bytes = named::read(&import.file)?;
                if bytes.trim_ascii_start().first() == Some(&b'{') {
                    let out = import.receipt_out.ok_or_else(|| {
                        refuse(
                            "R-810",
                            "an envelope is answered with a receipt, and no file for it is named",
                            "give `--receipt-out FILE`",
                        )
                    })?;
                    let receipt = flow.take_in(&bytes, HandedBy::Pouch).await?;
                    write_new(&out, &receipt)?;
                    flow.record_stored().await?;
                    // Clocks stop and run on here too, where no node may be serving.
                    flow.discharge_due().await?;
                    return Ok(Output::new(
                        format!("envelope taken in; receipt in {}, send it back", out.display()),
                        &json!({ "receipt": Digest::of(&receipt), "file": out }),
                    ));
                }
                let delivered = flow.settle_from_pouch(&bytes).await?;
                flow.discharge_due().await?;
                let word = if delivered.first { "delivery is proven" } else { "delivery was proven before" };
                Ok(Output::new(
                    format!("{word}: envelope {} at {}", delivered.envelope, delivered.received_at),
                    &delivered,
                ))
            }
        }
    }
}

/// A file that must not exist; the same content there already is as good.
fn write_new(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        refuse("R-811", format!("`{}` cannot be made: {error}", path.display()), "name a new file")
    })?;
    file.write_all(content)?;
    Ok(file.sync_all()?)
}
