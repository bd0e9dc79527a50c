//! `rogatory peer`: the States enrolled here.

use crate::{
    context::Context,
    output::{Output, refuse},
    show::{local, table},
};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use flow::{Clock as _, Enrolled, SystemClock};
use register::Peer;
use serde_json::json;
use std::{
    fs,
    io::{BufRead as _, IsTerminal as _, Write as _},
    path::PathBuf,
};

#[derive(Debug, Subcommand)]
pub(crate) enum PeerCommand {
    /// Enrol a State from its descriptor, after comparing the fingerprint by telephone.
    #[command(
        after_help = "Examples:\n  rogatory peer add xb.p7m                                             asks for your confirmation\n  rogatory peer add xb.p7m --fingerprint 7Q2XK-M4T0D-91RZV-WE3HS-B5N8A   for scripts"
    )]
    Add(AddArguments),
    /// The enrolled States with their fingerprints.
    #[command(after_help = "Example:\n  rogatory peer list --json")]
    List,
}

#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// The signed descriptor of the other State.
    file: PathBuf,
    /// The fingerprint that the other State read to you.
    #[arg(long, value_name = "FINGERPRINT")]
    fingerprint: Option<String>,
}

impl PeerCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        let flow = context.flow().await?;
        match self {
            Self::Add(add) => {
                let signed = fs::read(&add.file).with_context(|| format!("`{}`", add.file.display()))?;
                let shown = Peer::verify(&signed, SystemClock.now())?;
                let known = flow.peers().await?.iter().any(|peer| peer.fingerprint() == shown.fingerprint());
                if !known {
                    confirm(&shown, add.fingerprint.as_deref())?;
                }
                let enrolled = flow.enrol(&signed).await?;
                let word = match &enrolled {
                    Enrolled::New(_) => "enrolled",
                    Enrolled::Renewed(_) => "renewed",
                };
                let peer = enrolled.peer();
                let text = format!("{word} {}\n{}", peer.state(), describe(peer, flow.zone()));
                Ok(Output::new(text, &data(peer)))
            }
            Self::List => {
                let peers = flow.peers().await?;
                let rows: Vec<Vec<String>> = peers
                    .iter()
                    .map(|peer| {
                        vec![
                            peer.state().to_string(),
                            peer.descriptor().name("en").to_owned(),
                            peer.endpoint().to_owned(),
                            peer.fingerprint().to_string(),
                            local(peer.descriptor().valid_until, flow.zone()),
                        ]
                    })
                    .collect();
                let data: Vec<_> = peers.iter().map(|peer| data(peer)).collect();
                Ok(Output::new(
                    table(&["State", "Name", "Endpoint", "Fingerprint", "Valid until"], &rows),
                    &data,
                ))
            }
        }
    }
}

/// The comparison is a person's: by `--fingerprint`, or by an answer at the terminal.
fn confirm(peer: &Peer, given: Option<&str>) -> anyhow::Result<()> {
    let expected = peer.fingerprint().to_string();
    if let Some(given) = given {
        if given.trim().eq_ignore_ascii_case(&expected) {
            return Ok(());
        }
        return Err(refuse(
            "R-803",
            format!(
                "the descriptor of `{}` has the fingerprint `{expected}`, not the one given",
                peer.state()
            ),
            "telephone the other State again; do not enrol a descriptor whose fingerprint differs",
        ));
    }
    let mut out = std::io::stderr().lock();
    writeln!(out, "State        {} ({})", peer.state(), peer.descriptor().name("en"))?;
    writeln!(out, "Fingerprint  {expected}")?;
    if !std::io::stdin().is_terminal() {
        return Err(refuse(
            "R-804",
            "the fingerprint was not confirmed",
            "telephone the other State, then give `--fingerprint` as it was read to you",
        ));
    }
    write!(out, "Does the other State read the same over the telephone? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(refuse(
        "R-804",
        "the fingerprint was not confirmed",
        "ask for the descriptor again by another channel",
    ))
}

pub(crate) fn describe(peer: &Peer, zone: &str) -> String {
    let descriptor = peer.descriptor();
    let mut text = format!(
        "name         {}\nendpoint     {}\nfingerprint  {}\nlanguages    {}\nzone         {}\nnumber       {}\nvalid until  {}\n",
        descriptor.name("en"),
        peer.endpoint(),
        peer.fingerprint(),
        descriptor.languages.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        descriptor.zone,
        descriptor.sequence,
        local(descriptor.valid_until, zone),
    );
    for office in &descriptor.offices {
        text.push_str(&format!(
            "office       {} (Art. {}): {}, {}\n",
            office.office, office.article, office.name, office.contact
        ));
    }
    text
}

pub(crate) fn data(peer: &Peer) -> serde_json::Value {
    json!({
        "state": peer.state(),
        "fingerprint": peer.fingerprint().to_string(),
        "descriptor": peer.descriptor(),
    })
}
