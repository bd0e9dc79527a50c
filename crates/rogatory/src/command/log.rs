//! `rogatory log`: our transparency log as strangers see it.

use crate::{context::Context, output::Output, show::local};
use clap::Subcommand;
use flow::LogState;
use ledger::{CosignerVerifier, LogVerifier};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Size, root and keys of our log, who cosigned it, and what is not proven of the logs of others.
    #[command(after_help = "Example:\n  rogatory log show --json")]
    Show,
    /// Write the log as files that any web server can serve (C2SP tlog-tiles); again, it adds what is new.
    #[command(after_help = "Example:\n  rogatory log export /srv/www/log")]
    Export {
        /// The folder; made when it is not there.
        folder: PathBuf,
    },
    /// Check a log in a folder as a stranger does: the signed head, every entry and every tile.
    #[command(
        after_help = "Example:\n  rogatory log check /srv/www/log --vkey 'xa.log.rogatory+f6ebdd6c+AezkHy…' --cosigner 'xb.witness.rogatory+9dc748fc+BFTq…'"
    )]
    Check {
        folder: PathBuf,
        /// The verifier key of the log, from another channel than the log.
        #[arg(long)]
        vkey: String,
        /// The verifier key of a cosigner that must have signed the head; can be given several times.
        #[arg(long = "cosigner", value_name = "VKEY")]
        cosigners: Vec<String>,
    },
}

impl LogCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        match self {
            Self::Show => {
                let flow = context.flow().await?;
                let state = flow.log_state().await?;
                Ok(Output::new(shown(&state, flow.zone()), &state))
            }
            Self::Export { folder } => {
                let done = node::export_log(&context.flow().await?, &folder).await?;
                let text = format!(
                    "{} leaves in {}; {} files are new",
                    done.size,
                    folder.display(),
                    done.written + 1
                );
                Ok(Output::new(text, &done))
            }
            Self::Check { folder, vkey, cosigners } => {
                let log = LogVerifier::parse(&vkey)?;
                let cosigners = cosigners
                    .iter()
                    .map(|key| CosignerVerifier::parse(key))
                    .collect::<Result<Vec<_>, _>>()?;
                let checked = node::check_log(&folder, &log, &cosigners)?;
                let mut text = format!(
                    "the log {} of {} leaves holds: {} files follow from the signed head\nroot {}",
                    checked.origin, checked.size, checked.files, checked.root
                );
                for (name, at) in &checked.cosigned {
                    text.push_str(&format!("\ncosigned by {name} at {at} s"));
                }
                Ok(Output::new(text, &checked))
            }
        }
    }
}

fn shown(state: &LogState, zone: &str) -> String {
    let mut text = format!(
        "origin    {}\nsize      {}\nroot      {}\nlog key   {}\ncosigner  {}",
        state.origin, state.size, state.root, state.vkey, state.cosigner
    );
    for known in &state.cosigned {
        text.push_str(&format!(
            "\ncosigned  {} leaves by {}, {}",
            known.size,
            known.by,
            local(known.received_at, zone)
        ));
    }
    for head in &state.unlinked {
        text.push_str(&format!(
            "\nunlinked  {} showed {} leaves {} without a proof from what was seen before (root {})",
            head.peer,
            head.size,
            local(head.seen_at, zone),
            head.root
        ));
    }
    for peer in &state.halted {
        text.push_str(&format!("\nhalted    nothing is exchanged with {peer}: `rogatory peer halted`"));
    }
    text
}
