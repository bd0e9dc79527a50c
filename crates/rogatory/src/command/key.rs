//! `rogatory key`: replace and protect the keys of a node, certify others' keys, make keys in a token or against quantum computers.

use crate::{
    command::keyring::{TokenUri, text, told},
    context::Context,
    named,
    output::{Output, refuse},
    show::{local, table},
};
use clap::{Args, Subcommand};
use evidence::HybridIdentity;
use flow::{Clock as _, SystemClock};
use keys::{Converted, KeyRole, NodeKeys, Unlock};
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
    /// Replace a key of this node by a new one; what was sealed to the old one still opens.
    #[command(
        after_help = "Examples:\n  rogatory --node ./xb key rotate contact-point\n  rogatory --node ./xb key rotate log --compromised\nThen: rogatory descriptor export, and start the node again."
    )]
    Rotate {
        /// `central-authority`, `contact-point`, `extradition-authority`, `law-enforcement`, `evidence-office`, `node`, `tls`, `log` or `cosigner`.
        key: KeyRole,
        /// Somebody else may have the old key: nothing that it signs from now on is to be believed.
        #[arg(long)]
        compromised: bool,
        /// A further host name or address for the TLS certificate; those of the old one stay.
        #[arg(long = "host")]
        hosts: Vec<String>,
    },
    /// The keys of this node: which are protected, which were replaced and until when they are believed.
    #[command(after_help = "Example:\n  rogatory --node ./xb key list --json")]
    List,
    /// Protect the private keys of this node, or its root, with the passphrase in a file.
    #[command(
        after_help = "Examples:\n  rogatory --node ./xb key protect --passphrase-file keys.pass\n  rogatory --node ./xb key protect --root --root-passphrase-file root.pass"
    )]
    Protect {
        /// The root instead of the keys of offices, node and log.
        #[arg(long)]
        root: bool,
        /// The passphrase that protects them now, to change it.
        #[arg(long, value_name = "FILE")]
        old_passphrase_file: Option<PathBuf>,
    },
    /// Write the private keys of this node, or its root, without protection again.
    #[command(after_help = "Example:\n  rogatory --node ./xb key unprotect --passphrase-file keys.pass")]
    Unprotect {
        /// The root instead of the keys of offices, node and log.
        #[arg(long)]
        root: bool,
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
            Self::Rotate { key, compromised, hosts } => rotate(context, key, compromised, hosts).await,
            Self::List => list(context),
            Self::Protect { root, old_passphrase_file } => protect(context, root, old_passphrase_file),
            Self::Unprotect { root } => unprotect(context, root),
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

async fn rotate(
    context: &Context,
    role: KeyRole,
    compromised: bool,
    hosts: Vec<String>,
) -> anyhow::Result<Output> {
    let home = context.home()?;
    let flow = home.flow().await?;
    let (actor, now) = (context.actor(&flow).await?, SystemClock.now());
    let until = if compromised { now } else { now.plus(flow::key_overlap()) };
    let rotation = home.rotate(role, hosts, now, until)?;
    flow.record_rotation(actor, &rotation, until).await?;
    let believed =
        if compromised { "no more".to_owned() } else { format!("until {}", local(until, flow.zone())) };
    let next = match role {
        KeyRole::Tls => "A node that is running takes it up by itself.".to_owned(),
        _ => "next: rogatory descriptor export --out FILE, and start the node again; peers fetch the descriptor by themselves".to_owned(),
    };
    Ok(Output::new(
        format!(
            "{role} has a new key\nold  {}, believed {believed}\nnew  {}\n{next}",
            rotation.old, rotation.new
        ),
        &json!({ "key": role.as_str(), "old": rotation.old, "new": rotation.new, "believed_until": until, "retired": rotation.retired }),
    ))
}

fn list(context: &Context) -> anyhow::Result<Output> {
    let keys = context.home()?.keys()?;
    let (protected, of) = keys.protected().map_err(told)?;
    let old: Vec<_> = keys
        .retired()
        .iter()
        .map(|old| json!({ "key": old.role.as_str(), "fingerprint": old.fingerprint, "believed_until": old.until }))
        .collect();
    let rows: Vec<Vec<String>> = keys
        .retired()
        .iter()
        .map(|old| vec![old.role.to_string(), old.fingerprint.to_string(), old.until.to_string()])
        .collect();
    Ok(Output::new(
        format!(
            "{protected} of {of} private keys are protected with a passphrase\n{}",
            table(&["Replaced", "Fingerprint", "Believed until"], &rows)
        ),
        &json!({ "protected": protected, "private_keys": of, "replaced": old }),
    ))
}

fn protect(context: &Context, root: bool, old: Option<PathBuf>) -> anyhow::Result<Output> {
    let (home, old) = (context.home()?, Unlock::new(old.clone(), old));
    let place = home.folder.path();
    let done = if root {
        NodeKeys::protect_root(place, &home.unlock, &old)
    } else {
        NodeKeys::protect(place, &home.unlock, &old)
    };
    Ok(converted(&done.map_err(told)?, "protected"))
}

fn unprotect(context: &Context, root: bool) -> anyhow::Result<Output> {
    let home = context.home()?;
    let place = home.folder.path();
    let done = if root {
        NodeKeys::unprotect_root(place, &home.unlock)
    } else {
        NodeKeys::unprotect(place, &home.unlock)
    };
    Ok(converted(&done.map_err(told)?, "without protection"))
}

fn converted(done: &Converted, word: &str) -> Output {
    let text = format!("{} files are {word} now, {} were so before", done.changed, done.unchanged);
    Output::new(text, &json!({ "changed": done.changed, "unchanged": done.unchanged }))
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
