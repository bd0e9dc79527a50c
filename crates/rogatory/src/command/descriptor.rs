//! `rogatory descriptor`: what our State tells the others.

use crate::{
    command::peer::{data, describe, read_signed},
    context::Context,
    named,
    output::Output,
};
use anyhow::Context as _;
use clap::Subcommand;
use flow::{Clock as _, SystemClock};
use register::{DescriptorError, Fingerprint, Peer};
use serde_json::json;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

#[derive(Debug, Subcommand)]
pub(crate) enum DescriptorCommand {
    /// Show our descriptor as it would be signed now, or a signed one in a file.
    #[command(after_help = "Examples:\n  rogatory descriptor show\n  rogatory descriptor show xb.p7m --json")]
    Show {
        /// A signed descriptor; ours when not given.
        file: Option<PathBuf>,
    },
    /// Sign our descriptor with the root and write it to a file for the other States.
    #[command(after_help = "Example:\n  rogatory --node a descriptor export --out xa.p7m")]
    Export {
        /// Where to write it; a copy stays in the node's folder as `descriptor.p7m`.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

impl DescriptorCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        let now = SystemClock.now();
        match self {
            Self::Show { file: Some(file) } => {
                let peer = Peer::verify(&read_signed(&file)?, now)?;
                Ok(Output::new(describe(&peer, "UTC"), &data(&peer)))
            }
            Self::Show { file: None } => {
                let home = context.home()?;
                let flow = home.flow().await?;
                let descriptor = node::export(&home, &flow, now)?;
                let root = seal::Certificate::from_pem(&descriptor.root)
                    .map_err(|error| DescriptorError::Certificate { what: "root".to_owned(), error })?;
                let fingerprint = Fingerprint::of(root.fingerprint()).to_string();
                let text = String::from_utf8_lossy(&descriptor.to_json()?).into_owned();
                let mut data = serde_json::to_value(&descriptor)?;
                if let Some(fields) = data.as_object_mut() {
                    fields.insert("fingerprint".to_owned(), fingerprint.clone().into());
                }
                Ok(Output::new(format!("{text}\nfingerprint  {fingerprint}"), &data))
            }
            Self::Export { out } => {
                let home = context.home()?;
                let flow = home.flow().await?;
                let signed = node::sign(&node::export(&home, &flow, now)?, &flow, now)?;
                // What peers will check, checked before it leaves.
                let peer = Peer::verify(&signed, now)?;
                fs::write(&out, &signed).map_err(|error| named::refused(&out, "written", error))?;
                let kept = home.folder.path().join("descriptor.p7m");
                replace(&kept, &signed).with_context(|| format!("`{}`", kept.display()))?;
                let fingerprint = peer.fingerprint().to_string();
                Ok(Output::new(
                    format!(
                        "descriptor of {} written to {}\nfingerprint  {fingerprint}\nRead the fingerprint to the other State over the telephone.",
                        peer.state(),
                        out.display()
                    ),
                    &json!({ "state": peer.state(), "file": out, "fingerprint": fingerprint }),
                ))
            }
        }
    }
}

/// The node may be reading it: the old bytes or the new ones.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let fresh = path.with_added_extension("new");
    let mut file = fs::File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}
