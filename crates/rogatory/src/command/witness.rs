//! `rogatory witness`: a witness of logs without a node, for an oversight body.

use crate::output::Output;
use clap::Subcommand;
use node::{Limits, WitnessHome, WitnessHomeConfiguration};
use serde_json::json;
use std::{io::Write as _, path::PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum WitnessCommand {
    /// Make a witness: its folder, its key and the list of logs that it knows.
    #[command(
        after_help = "Example:\n  rogatory witness init ./witness --name witness.oversight.example --listen 127.0.0.1:8480 --log 'xa.log.rogatory+f6ebdd6c+AezkHy…'"
    )]
    Init {
        /// A new folder.
        folder: PathBuf,
        /// The name of the witness's key.
        #[arg(long)]
        name: String,
        #[arg(long, default_value = "127.0.0.1:8480")]
        listen: String,
        /// The verifier key of a log, from its State; can be given several times.
        #[arg(long = "log", value_name = "VKEY")]
        logs: Vec<String>,
        /// TLS certificate chain in PEM; without it the witness speaks plain HTTP, to stand behind a proxy.
        #[arg(long, value_name = "FILE", requires = "tls_key")]
        tls_certificate: Option<PathBuf>,
        #[arg(long, value_name = "FILE", requires = "tls_certificate")]
        tls_key: Option<PathBuf>,
    },
    /// Cosign what follows from what was cosigned before, until Ctrl-C or a TERM signal (C2SP tlog-witness).
    #[command(after_help = "Example:\n  rogatory witness serve ./witness")]
    Serve { folder: PathBuf },
    /// The last head of each log, and what contradicted it.
    #[command(after_help = "Example:\n  rogatory witness show ./witness --json")]
    Show { folder: PathBuf },
}

impl WitnessCommand {
    pub(crate) async fn run(self, as_json: bool) -> anyhow::Result<Output> {
        match self {
            Self::Init { folder, name, listen, logs, tls_certificate, tls_key } => {
                let configuration = WitnessHomeConfiguration { name, listen, tls_certificate, tls_key, logs };
                let home = WitnessHome::create(&folder, &configuration)?;
                let text = format!("give this key to the States whose logs it cosigns:\n{}", home.vkey());
                Ok(Output::new(text, &json!({ "folder": folder, "vkey": home.vkey() })))
            }
            Self::Serve { folder } => serve(WitnessHome::open(&folder)?, as_json).await,
            Self::Show { folder } => {
                let home = WitnessHome::open(&folder)?;
                let (heads, contradictions) = home.memory().await?;
                let mut text = format!("key  {}", home.vkey());
                for head in &heads {
                    text.push_str(&format!("\n{}  {} leaves, {}", head.origin, head.size, head.at));
                }
                for found in &contradictions {
                    text.push_str(&format!(
                        "\nCONTRADICTED  {}, {}: both heads are kept (`--json` prints them)",
                        found.origin, found.at
                    ));
                }
                Ok(Output::new(
                    text,
                    &json!({ "vkey": home.vkey(), "heads": heads, "contradictions": contradictions }),
                ))
            }
        }
    }
}

async fn serve(home: WitnessHome, as_json: bool) -> anyhow::Result<Output> {
    let vkey = home.vkey();
    let running = home.serve(Limits::default()).await?;
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{}", json!({ "witness": vkey, "address": running.address().to_string() }))?;
    } else {
        writeln!(out, "witness {vkey} on {}; Ctrl-C stops it", running.address())?;
    }
    out.flush()?;
    drop(out);
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(Output::new("", &json!({ "stopped": true })))
}
