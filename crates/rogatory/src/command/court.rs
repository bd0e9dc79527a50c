//! Verifying and opening a package without any node: for a court, counsel or a laboratory, offline.

use crate::{
    command::keyring::{Reader, Trust, told},
    named,
    output::{Output, refuse},
    show::{Watched, bytes},
};
use clap::Args;
use custody::Chain;
use evidence::{
    FurtherAddressee, Judges, KeyEnvelope, OpenError, Opened, PartInfo, SupplementFault, VerifyReport,
    VerifySignature,
};
use flow::{Clock as _, SystemClock};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use vocabulary::{Digest, Failure as _, Family, Instant};

#[derive(Debug, Args)]
pub(crate) struct KeyArguments {
    /// A private key that may open the package (PKCS #8 in PEM, or `pkcs11:…`); its certificate may be in the same file.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<PathBuf>,
    /// The certificate of that key, when it is not in the same file.
    #[arg(long, value_name = "CERT.pem")]
    cert: Option<PathBuf>,
    /// The post-quantum key, where the package has one more envelope.
    #[arg(long, value_name = "FILE")]
    hybrid_key: Option<PathBuf>,
    /// A folder with the roots you trust, each from its State and not from the package; of time-stamp authorities in `DIR/time`.
    #[arg(long, value_name = "DIR")]
    pub(crate) trust: Option<PathBuf>,
}

impl KeyArguments {
    fn trust(&self) -> anyhow::Result<Trust> {
        let remedy = "name a folder with the root certificates you trust";
        let folder =
            self.trust.as_ref().ok_or_else(|| refuse("R-839", "`--trust DIR` is missing", remedy))?;
        Trust::read(folder)
    }

    fn reader(&self) -> anyhow::Result<Reader> {
        let missing = || refuse("R-849", "`--key` is missing", "name the key that opens the package");
        let key = self.key.as_ref().ok_or_else(missing)?;
        Reader::read(key, self.cert.as_deref(), self.hybrid_key.as_deref())
    }
}

/// When the signer's certificate must have been valid: at the time-stamp where one holds, now otherwise.
fn judged_at(package: &Path, trust: &Trust) -> Instant {
    let read = |name: &str| std::fs::read(package.join(name)).ok();
    let stamp = read("tagmanifest-sha256.txt").zip(read("seal/timestamp.tsr"));
    let stamp = stamp.and_then(|(tags, response)| trust.time_stamp(&tags, &response).ok());
    stamp.map_or_else(|| SystemClock.now(), |stamp| stamp.at)
}

pub(crate) fn verify(package: &Path, arguments: &KeyArguments) -> anyhow::Result<Output> {
    named::size(package)?;
    let trust = arguments.trust()?;
    let at = judged_at(package, &trust);
    let signer = |tags: &[u8], signature: &[u8]| trust.signer(tags, signature, at);
    let stamp = |tags: &[u8], response: &[u8]| trust.time_stamp(tags, response);
    let count = |envelope: &[u8]| seal::recipient_count(envelope).map_err(|error| error.report());
    let inside = arguments.key.is_some().then(|| inspect(package, arguments, &signer)).transpose()?;
    // What was read to decrypt it was compared with the manifest then.
    let compared: Option<BTreeMap<String, Digest>> = match &inside {
        Some(Ok(_)) => evidence::list_package(package).ok().map(compared),
        _ => None,
    };
    let judges = Judges {
        time_stamp: trust.judges_time().then_some(&stamp),
        recipients: Some(&count),
        arrived: compared.as_ref(),
        ..Judges::of_signature(&signer)
    };
    let mut watched = Watched::new("verifying");
    let report = evidence::verify_outer_watched(package, judges, &mut *watched.watch());
    drop(watched);
    let added = evidence::read_supplements(package, &|der| trust.attached(der, at));
    Ok(verdict(package, &report, added, inside))
}

fn compared(files: Vec<PartInfo>) -> BTreeMap<String, Digest> {
    let payload = files.into_iter().filter(|file| file.name.starts_with("data/payload."));
    payload.map(|file| (file.name, file.digest)).collect()
}

/// Decrypts and checks the content; nothing is written.
fn inspect(
    package: &Path,
    arguments: &KeyArguments,
    signer: &VerifySignature<'_>,
) -> anyhow::Result<Result<Opened, OpenError>> {
    let reader = arguments.reader()?;
    let mut watched = Watched::new("decrypting");
    let unwrap = |envelope: &KeyEnvelope| reader.unwrap(envelope);
    Ok(evidence::inspect(package, &unwrap, signer, &mut *watched.watch()))
}

fn verdict(
    package: &Path,
    report: &VerifyReport,
    added: Result<Vec<FurtherAddressee>, SupplementFault>,
    inside: Option<Result<Opened, OpenError>>,
) -> Output {
    let mut text = report.to_string();
    let mut valid = report.is_valid();
    let added = match added {
        Ok(added) => {
            for one in &added {
                let said = &one.statement;
                text.push_str(&format!(
                    "further addressee: ok; {} was added by {} at {}: {}\n",
                    said.addressee, one.signer.office, said.at, said.why
                ));
            }
            json!(added)
        }
        Err(error) => {
            valid = false;
            text.push_str(&format!("further addressees: FAILED; {}\n", error.report()));
            json!({ "fault": error.report() })
        }
    };
    let inside = inside.map(|inside| match inside {
        Ok(opened) => {
            text.push_str(&format!(
                "content: ok; {} files, {}, signed inside by {}\n  proves: the sender knew this content, and \
                 every file in it is as it was sealed\n",
                opened.files,
                bytes(opened.bytes),
                opened.signer.office
            ));
            let chains = serde_json::from_slice::<Vec<Chain>>(&opened.custody);
            match &chains {
                Ok(chains) => text.push_str(&format!("custody: ok; {} unbroken chains\n", chains.len())),
                Err(error) => {
                    valid = false;
                    text.push_str(&format!("custody: FAILED; {error}\n"));
                }
            }
            json!({ "outcome": "passed", "opened": opened, "custody": chains.is_ok() })
        }
        Err(error) => {
            valid = false;
            let report = error.report();
            text.push_str(&format!("content: FAILED; {report}\n"));
            json!({ "outcome": "failed", "fault": report })
        }
    });
    text.push_str(&format!(
        "verdict: {}\nPKG is {}",
        if valid { "it holds" } else { "IT DOES NOT HOLD" },
        package.display()
    ));
    let code = if valid { 0 } else { Family::PeerFault.exit_code() };
    let data = json!({ "package": package, "valid": valid, "report": report, "further_addressees": added, "content": inside });
    Output::new(text, &data).with_code(code)
}

pub(crate) fn open(package: &Path, out: &Path, arguments: &KeyArguments) -> anyhow::Result<Output> {
    named::size(package)?;
    let (trust, reader) = (arguments.trust()?, arguments.reader()?);
    let at = judged_at(package, &trust);
    let mut watched = Watched::new("opening");
    let opened = evidence::open(
        package,
        &|envelope| reader.unwrap(envelope),
        &|tags, signature| trust.signer(tags, signature, at),
        out,
        &mut *watched.watch(),
    )
    .map_err(told)?;
    drop(watched);
    let text = format!(
        "{} exhibits, {} files, {} opened in {}; sealed by {}",
        opened.exhibits.len(),
        opened.files,
        bytes(opened.bytes),
        out.display(),
        opened.signer.office
    );
    Ok(Output::new(text, &json!({ "folder": out, "opened": opened })))
}
