//! `rogatory peer`: the States enrolled here.

use crate::{
    context::Context,
    named,
    output::{Output, refuse},
    show::{local, table},
};
use clap::{Args, Subcommand};
use flow::{Clock as _, Enrolled, SystemClock};
use register::Peer;
use serde_json::json;
use std::{
    io::{BufRead as _, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};
use vocabulary::StateCode;

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
    /// The States with which nothing is exchanged, with who stopped it and why.
    #[command(after_help = "Example:\n  rogatory peer halted --json")]
    Halted,
    /// Stop the exchange with a State by hand.
    #[command(
        after_help = "Example:\n  rogatory --officer d.kim --token-file kim.token peer halt XB --reason 'they reported a break-in'"
    )]
    Halt {
        /// The State's code.
        state: StateCode,
        /// Why; kept with who and when.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Let the exchange with a State go on, after looking at the finding and speaking to the State.
    #[command(
        after_help = "Examples:\n  rogatory --officer d.kim --token-file kim.token peer resume XB --reason 'a wrong alarm, ticket 12'\n  rogatory --officer d.kim --token-file kim.token peer resume XB --new-log --reason 'restored from a copy; letter of 3 May'"
    )]
    Resume {
        /// The State's code.
        state: StateCode,
        /// Why; kept with who and when.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Keep the heads of its log that were seen so far as evidence, and compare new ones with none of them.
        #[arg(long)]
        new_log: bool,
    },
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
                let signed = read_signed(&add.file)?;
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
            Self::Halted => {
                let halts = flow.halts().await?;
                let rows: Vec<Vec<String>> = halts
                    .iter()
                    .map(|halt| {
                        vec![
                            halt.peer.to_string(),
                            local(halt.since, flow.zone()),
                            halt.by.to_string(),
                            halt.reason.clone().unwrap_or_else(|| "(destroyed)".to_owned()),
                            halt.finding.clone().unwrap_or_default(),
                        ]
                    })
                    .collect();
                let text = match rows.is_empty() {
                    true => "the exchange is stopped with no State".to_owned(),
                    false => table(&["State", "Since", "By", "Reason", "Finding"], &rows),
                };
                Ok(Output::new(text, &halts))
            }
            Self::Halt { state, reason } => {
                flow.halt(&context.credential()?, state, &reason).await?;
                let text = format!("nothing is exchanged with {state} until `rogatory peer resume {state}`");
                Ok(Output::new(text, &json!({ "halted": state })))
            }
            Self::Resume { state, reason, new_log } => {
                flow.resume(&context.credential()?, state, &reason, new_log).await?;
                let text = format!("the exchange with {state} goes on");
                Ok(Output::new(text, &json!({ "resumed": state, "new_log": new_log })))
            }
        }
    }
}

/// DER of the object identifier `id-signedData`, 1.2.840.113549.1.7.2 (RFC 5652, 5.1).
const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

/// Reads a file that says of itself that it is signed; the signature is checked after it.
pub(crate) fn read_signed(path: &Path) -> anyhow::Result<Vec<u8>> {
    let size = named::size(path)?;
    if size > register::MAX_DESCRIPTOR_BYTES as u64 {
        let found = usize::try_from(size).unwrap_or(usize::MAX);
        return Err(flow::FlowError::from(register::DescriptorError::TooLarge { found }).into());
    }
    let bytes = named::read(path)?;
    if is_signed_data(&bytes) {
        return Ok(bytes);
    }
    Err(refuse(
        "R-814",
        format!("`{}` is not a signed descriptor", path.display()),
        "ask the other State for the file that its `rogatory descriptor export` wrote",
    ))
}

/// Whether a CMS `ContentInfo` of signed data begins here, RFC 5652, 3.
fn is_signed_data(bytes: &[u8]) -> bool {
    let Some((0x30, rest)) = bytes.split_first().map(|(tag, rest)| (*tag, rest)) else { return false };
    let Some((length, rest)) = rest.split_first() else { return false };
    // The long form says how many bytes of length follow, X.690, 8.1.3.5.
    let more = if length & 0x80 == 0 { 0 } else { usize::from(length & 0x7f) };
    rest.get(more..).is_some_and(|content| content.starts_with(&SIGNED_DATA))
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

#[cfg(test)]
mod tests {
    use super::is_signed_data;

    #[test]
    fn only_a_cms_of_signed_data_is_read_as_a_descriptor() {
        let oid = super::SIGNED_DATA;
        for head in [&[0x30, 0x0b][..], &[0x30, 0x82, 0x12, 0x34], &[0x30, 0x80]] {
            assert!(is_signed_data(&[head, &oid[..]].concat()));
        }
        for other in [&b""[..], b"0", b"0\xff", b"-----BEGIN CMS-----", b"{\"format\":1}", &oid[..]] {
            assert!(!is_signed_data(other));
        }
    }
}
