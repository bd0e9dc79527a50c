//! `rogatory time`: a small time-stamp authority for demonstrations, marked as such in every time-stamp it gives.

use crate::{
    command::{
        key::write_new,
        keyring::{text, told},
    },
    named,
    output::Output,
};
use clap::Subcommand;
use flow::{Clock as _, SystemClock};
use seal::TimeStampAuthority;
use serde_json::json;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// A demonstration ends some day.
const VALID: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[derive(Debug, Subcommand)]
pub(crate) enum TimeCommand {
    /// Make an authority for demonstrations: its root, its certificate and its key.
    #[command(after_help = "Example:\n  rogatory time create ./tsa --name Exercise")]
    Create {
        /// A new folder.
        folder: PathBuf,
        #[arg(long, default_value = "Exercise")]
        name: String,
    },
    /// Answer queries (RFC 3161 over HTTP) until Ctrl-C.
    #[command(after_help = "Example:\n  rogatory time serve ./tsa --listen 127.0.0.1:3161")]
    Serve {
        folder: PathBuf,
        #[arg(long, default_value = "127.0.0.1:3161")]
        listen: SocketAddr,
    },
}

impl TimeCommand {
    pub(crate) async fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::Create { folder, name } => create(&folder, &name),
            Self::Serve { folder, listen } => serve(&folder, listen).await,
        }
    }
}

fn create(folder: &Path, name: &str) -> anyhow::Result<Output> {
    fs::create_dir(folder).map_err(|error| named::refused(folder, "made", error))?;
    let now = SystemClock.now();
    let authority = TimeStampAuthority::generate(name, now, now.plus(VALID)).map_err(told)?;
    write_new(&folder.join("root.pem"), authority.root().to_pem().as_bytes(), 0o644)?;
    write_new(&folder.join("tsa.pem"), authority.certificate().to_pem().as_bytes(), 0o644)?;
    write_new(&folder.join("tsa.key"), authority.key_pem().as_bytes(), 0o600)?;
    Ok(Output::new(
        format!(
            "{}\nwho shall trust it copies {}",
            authority.certificate().subject(),
            folder.join("root.pem").display()
        ),
        &json!({ "folder": folder, "authority": authority.certificate().subject() }),
    ))
}

async fn serve(folder: &Path, listen: SocketAddr) -> anyhow::Result<Output> {
    let read = |name: &str| text(&folder.join(name));
    let authority = TimeStampAuthority::from_pem(&read("root.pem")?, &read("tsa.pem")?, &read("tsa.key")?)
        .map_err(told)?;
    let server = node::serve_time_stamps(listen, authority).await?;
    eprintln!("time-stamps for demonstrations at {}", server.url());
    let url = server.url();
    tokio::select! {
        ended = server.join() => ended?,
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(Output::new("stopped", &json!({ "url": url })))
}
