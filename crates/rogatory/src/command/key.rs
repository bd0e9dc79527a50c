//! `rogatory key`: certify a key that a laboratory made, make keys in a token or against quantum computers.

use crate::{
    command::keyring::{TokenUri, text, told},
    context::Context,
    named,
    output::{Output, refuse},
};
use clap::{Args, Subcommand};
use evidence::HybridIdentity;
use flow::{Clock as _, SystemClock};
use serde_json::json;
use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};
use vocabulary::{OfficeFunction, OfficeId};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Certify a key that a laboratory or an office made itself, with the State's root of this node.
    #[command(
        after_help = "Example:\n  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout lab.key -subj /CN=lab -out lab.csr\n  rogatory --node ./xb key certify lab.csr --name 'Forensic laboratory' --out lab.pem"
    )]
    Certify(CertifyArguments),
    /// Make a key in a token (PKCS #11), unless it is there, and write its certificate request.
    #[command(
        after_help = "Example:\n  rogatory key request 'pkcs11:token=LAB;object=evidence?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=pin.txt' --out lab.csr"
    )]
    Request {
        /// The key, as RFC 7512 writes it.
        uri: String,
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Make a post-quantum key, and print the recipient to which others encrypt.
    #[command(after_help = "Example:\n  rogatory key hybrid --out court.hybrid")]
    Hybrid {
        /// A new file for the private key.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CertifyArguments {
    /// The certificate request (PKCS #10 in PEM).
    csr: PathBuf,
    /// The office for which the key signs and receives.
    #[arg(long, default_value = "evidence-office")]
    office: OfficeFunction,
    /// The name that the certificate shows.
    #[arg(long)]
    name: String,
    /// How long the certificate is valid.
    #[arg(long, default_value_t = 730)]
    days: u32,
    /// A new file for the certificate.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl KeyCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        match self {
            Self::Certify(arguments) => certify(context, &arguments).await,
            Self::Request { uri, out } => request(&uri, &out),
            Self::Hybrid { out } => hybrid(&out),
        }
    }
}

async fn certify(context: &Context, arguments: &CertifyArguments) -> anyhow::Result<Output> {
    let flow = context.flow().await?;
    let root = flow.keys().root().map_err(told)?;
    let office = OfficeId::new(flow.us(), arguments.office);
    let now = SystemClock.now();
    let until = now.plus(Duration::from_secs(u64::from(arguments.days) * 24 * 60 * 60));
    let csr = text(&arguments.csr)?;
    let certificate = root.certify(&office, &arguments.name, &csr, now, until).map_err(told)?;
    write_new(&arguments.out, certificate.to_pem().as_bytes(), 0o644)?;
    Ok(Output::new(
        format!(
            "{office} certified until {until} in {}\nfingerprint {}",
            arguments.out.display(),
            certificate.fingerprint()
        ),
        &json!({ "office": office, "until": until, "fingerprint": certificate.fingerprint() }),
    ))
}

fn request(uri: &str, out: &Path) -> anyhow::Result<Output> {
    let uri = TokenUri::parse(uri)?;
    let token = uri.open()?;
    let (csr, made) = match token.certificate_request(&uri.object) {
        Ok(csr) => (csr, false),
        Err(_) => {
            token.generate_key(&uri.object).map_err(told)?;
            (token.certificate_request(&uri.object).map_err(told)?, true)
        }
    };
    write_new(out, csr.as_bytes(), 0o644)?;
    let how = if made { "made in" } else { "found in" };
    let text =
        format!("key `{}` {how} token `{}`; its request is in {}", uri.object, uri.token, out.display());
    Ok(Output::new(text, &json!({ "made": made, "request": csr })))
}

fn hybrid(out: &Path) -> anyhow::Result<Output> {
    let identity = HybridIdentity::from_secret(&keys::random_bytes().map_err(told)?);
    let recipient = identity.recipient().map_err(told)?;
    let text = format!("# {recipient}\n{}\n", *identity.to_text());
    write_new(out, text.as_bytes(), 0o600)?;
    Ok(Output::new(recipient.to_string(), &json!({ "recipient": recipient.to_string(), "key": out })))
}

/// Never over a file that is there.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(|error| named::refused(path, "written", error))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|_| refuse("R-846", format!("`{}` was not written", path.display()), "check the disk"))
}
