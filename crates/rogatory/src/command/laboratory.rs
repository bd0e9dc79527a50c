//! Sealing, opening and verifying packages without any node: for a laboratory, a court or counsel, offline.

use crate::{
    named,
    output::{Output, refuse},
    show::{Watched, bytes},
};
use clap::Args;
use custody::{Action, Chain, Link, ZoneName};
use evidence::{
    BulkSuite, Carry, InnerRecord, Judges, KeyEnvelope, PackExhibit, PackKeys, PackRequest, PackageLabel,
    PackageSummary, SealedExhibit, SignerInfo, VerifyReport,
};
use flow::{Clock as _, SystemClock};
use seal::{Certificate, DecryptionKey, SigningKey, TrustAnchor};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};
use vocabulary::{
    Digest, ExhibitId, Failure, Family, FileId, Instant, OfficeId, OfficerId, PackageId, Report,
};

#[derive(Debug, Args)]
pub(crate) struct SealArguments {
    /// A certificate that may open the package (PEM; EC P-256 or P-384, or RSA); once for each addressee.
    #[arg(long = "to", value_name = "CERT.pem")]
    pub(crate) to: Vec<PathBuf>,
    /// The new package.
    #[arg(long, value_name = "PACKAGE")]
    pub(crate) out: Option<PathBuf>,
    /// The private key of the sealing office (PKCS #8 in PEM).
    #[arg(long, value_name = "KEY.pem")]
    sign_key: Option<PathBuf>,
    /// The certificate of the sealing office; it names the office.
    #[arg(long, value_name = "CERT.pem")]
    sign_cert: Option<PathBuf>,
    /// The addressed office, such as `XA/evidence-office`.
    #[arg(long, value_name = "OFFICE")]
    to_office: Option<OfficeId>,
    /// The file that the package belongs to; a new id when not given.
    #[arg(long = "in-file", value_name = "ID")]
    in_file: Option<FileId>,
    /// The name of the exhibit; once for each PATH when given. The file's own name otherwise.
    #[arg(long)]
    name: Vec<String>,
    /// Carry each folder as one tar, with links, empty folders, owners, modes and names of any bytes.
    #[arg(long)]
    pub(crate) as_archive: bool,
    /// Why the exhibits were acquired, in words of the office.
    #[arg(long, default_value = "acquired for the file")]
    why: String,
    /// Where, in words of the office.
    #[arg(long, default_value = "laboratory")]
    place: String,
    /// The time zone of the place (IANA); the machine's own when not given.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// The bulk cipher: `age-v1`, or `cobblestone-256` where AES is asked for.
    #[arg(long, value_name = "SUITE", default_value = "age-v1")]
    pub(crate) suite: BulkSuite,
    /// The size of a part, such as `256MiB`.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size)]
    pub(crate) part_size: u64,
    /// Where a seal that was stopped finds how far it was; it holds a secret, so not on a disk that travels.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Begin anew, although an earlier attempt can be gone on with.
    #[arg(long)]
    restart: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyArguments {
    /// A private key that may open the package (PKCS #8 in PEM); its certificate may be in the same file.
    #[arg(long, value_name = "KEY.pem")]
    pub(crate) key: Option<PathBuf>,
    /// The certificate of that key, when it is not in the same file.
    #[arg(long, value_name = "CERT.pem")]
    cert: Option<PathBuf>,
    /// A folder with the root certificates you trust, each from its State and not from the package.
    #[arg(long, value_name = "DIR")]
    pub(crate) trust: Option<PathBuf>,
}

/// `256MiB`, `20MB`, `65536`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.get(digits.len()..).unwrap_or_default().trim();
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err("a size is a number and B, KiB, MiB, GiB, TiB, KB, MB or GB".to_owned()),
    };
    let number: u64 = digits.trim().parse().map_err(|_| "a size begins with a number".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "the size is too large".to_owned())
}

fn told(error: impl Failure) -> anyhow::Error {
    crate::output::Told(error.report()).into()
}

fn text(path: &Path) -> anyhow::Result<String> {
    String::from_utf8(named::read(path)?)
        .map_err(|_| named::refused(path, "read", std::io::ErrorKind::InvalidData.into()))
}

/// Every PEM block of one kind in a file.
fn blocks(text: &str, label: &str) -> Vec<String> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    text.split(&begin)
        .skip(1)
        .filter_map(|rest| rest.split_once(&end))
        .map(|(body, _)| format!("{begin}{body}{end}\n"))
        .collect()
}

fn certificate(path: &Path) -> anyhow::Result<Certificate> {
    let text = text(path)?;
    let first = blocks(&text, "CERTIFICATE").into_iter().next();
    let none = || refuse("R-830", format!("`{}` has no certificate", path.display()), "give a PEM file");
    Certificate::from_pem(&first.ok_or_else(none)?).map_err(told)
}

/// The private key in a file that may hold certificates too.
fn private_key(path: &Path) -> anyhow::Result<String> {
    let text = text(path)?;
    let none = || {
        let remedy = "give a PKCS #8 key in PEM; `openssl pkcs8 -topk8 -nodes` makes one of an older form";
        refuse("R-831", format!("`{}` has no private key", path.display()), remedy)
    };
    blocks(&text, "PRIVATE KEY").into_iter().next().ok_or_else(none)
}

/// The roots in a folder, one State each.
pub(crate) struct Trust {
    anchors: Vec<TrustAnchor>,
}

impl Trust {
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let entries = fs::read_dir(folder).map_err(|error| named::refused(folder, "read", error))?;
        let mut anchors = Vec::new();
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in
            paths.iter().filter(|path| path.extension().is_some_and(|ext| ext == "pem" || ext == "crt"))
        {
            for block in blocks(&text(path)?, "CERTIFICATE") {
                let root = Certificate::from_pem(&block).map_err(told)?;
                if let Some(state) = root.country() {
                    anchors.push(TrustAnchor::new(state, root).map_err(told)?);
                }
            }
        }
        if anchors.is_empty() {
            let message = format!("`{}` has no root certificate of a State", folder.display());
            return Err(refuse("R-832", message, "put the root certificates you trust there, as `*.pem`"));
        }
        Ok(Self { anchors })
    }

    /// Whose seal it is, under whichever of the roots it holds.
    fn signer(&self, tag_manifest: &[u8], signature: &[u8], at: Instant) -> Result<SignerInfo, Report> {
        let mut first = None;
        for anchor in &self.anchors {
            match seal::verify_cms_detached(signature, tag_manifest, anchor, at) {
                Ok(verified) => {
                    return Ok(SignerInfo {
                        office: verified.signer(),
                        fingerprint: verified.certificate(),
                        claimed_at: Some(verified.signing_time()),
                    });
                }
                Err(error) => {
                    first.get_or_insert(error.report());
                }
            }
        }
        first.map_or_else(|| Err(no_roots()), Err)
    }
}

fn no_roots() -> Report {
    Report {
        family: Family::Refusal,
        code: "R-832".to_owned(),
        message: "no root certificate is trusted".to_owned(),
        clause: None,
        remedy: "name a folder with `--trust`".to_owned(),
    }
}

/// Signs, wraps and records for one package, with keys from files.
struct Laboratory {
    sign: SigningKey,
    certificate: Certificate,
    office: OfficeId,
    officer: OfficerId,
    addressees: Vec<Certificate>,
    why: String,
    place: String,
    zone: ZoneName,
}

impl Laboratory {
    fn chain(&self, exhibit: &SealedExhibit) -> Result<Chain, Report> {
        let link = |sequence, action, why: &str, before, previous| Link {
            exhibit: exhibit.exhibit_id,
            sequence,
            action,
            office: self.office,
            officer: self.officer.clone(),
            at: SystemClock.now(),
            zone: self.zone.clone(),
            place: self.place.clone(),
            why: why.to_owned(),
            tool: concat!("rogatory ", env!("CARGO_PKG_VERSION")).to_owned(),
            to: None,
            related: None,
            digest_before: before,
            digest_after: Some(exhibit.tree),
            alteration: None,
            previous,
        };
        let mut chain =
            Chain::start(link(0, Action::Acquired, &self.why, None, None)).map_err(|error| error.report())?;
        let sealed =
            link(1, Action::Sealed, "sealed for the addressees", Some(exhibit.tree), Some(chain.head()));
        chain.append(sealed).map_err(|error| error.report())?;
        Ok(chain)
    }
}

impl PackKeys for Laboratory {
    fn wrap(&self, package_key: &[u8]) -> Result<KeyEnvelope, Report> {
        seal::encrypt_cms(package_key, &self.addressees).map(KeyEnvelope::Cms).map_err(|error| error.report())
    }

    fn sign(&self, tag_manifest: &[u8]) -> Result<Vec<u8>, Report> {
        seal::sign_cms(tag_manifest, false, &self.sign, &self.certificate, SystemClock.now())
            .map_err(|error| error.report())
    }

    fn random(&self, bytes: &mut [u8]) {
        keys::fill_random(bytes).expect("getrandom(2) does not fail once the machine has started");
    }

    fn record(&self, label: &PackageLabel, exhibits: &[SealedExhibit]) -> Result<InnerRecord, Report> {
        let chains = exhibits.iter().map(|exhibit| self.chain(exhibit)).collect::<Result<Vec<_>, _>>()?;
        let custody = serde_json::to_vec(&chains).expect("chains of strings and numbers always become JSON");
        Ok(InnerRecord { custody, case: label.case(exhibits, &chains) })
    }
}

fn new_uuid() -> anyhow::Result<uuid::Uuid> {
    Ok(uuid::Builder::from_unix_timestamp_millis(
        u64::try_from(SystemClock.now().micros() / 1000).unwrap_or(0),
        &keys::random_bytes::<10>().map_err(told)?,
    )
    .into_uuid())
}

/// Where unfinished seals of this user are remembered.
fn state_folder(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
    given.or_else(|| state.map(|state| state.join("rogatory/seal"))).ok_or_else(|| {
        refuse("R-833", "there is no home folder to remember an unfinished seal in", "give `--state DIR`")
    })
}

fn needed<'a, T>(value: &'a Option<T>, flag: &str) -> anyhow::Result<&'a T> {
    let remedy = "see `rogatory evidence seal --help`";
    value.as_ref().ok_or_else(|| refuse("R-834", format!("sealing without a node needs `{flag}`"), remedy))
}

pub(crate) fn seal(
    paths: &[PathBuf],
    arguments: SealArguments,
    officer: Option<&str>,
) -> anyhow::Result<Output> {
    let out = needed(&arguments.out, "--out")?.clone();
    let sign_cert = needed(&arguments.sign_cert, "--sign-cert")?;
    let certificate = certificate(sign_cert)?;
    let office = certificate.office().ok_or_else(|| {
        let message = format!("`{}` names no office of a State", sign_cert.display());
        refuse("R-835", message, "let the State's root certify the laboratory's key: `rogatory node certify`")
    })?;
    let sign = SigningKey::from_pkcs8_pem(&private_key(needed(&arguments.sign_key, "--sign-key")?)?)
        .map_err(told)?;
    if !sign.belongs_to(&certificate) {
        return Err(refuse("R-836", "the key does not belong to the certificate", "give the matching pair"));
    }
    let addressees =
        arguments.to.iter().map(|path| self::certificate(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let zone =
        arguments.zone.clone().or_else(|| jiff::tz::TimeZone::system().iana_name().map(ToOwned::to_owned));
    let laboratory = Laboratory {
        sign,
        certificate,
        office,
        officer: officer.unwrap_or("examiner").parse()?,
        addressees,
        why: arguments.why.clone(),
        place: arguments.place.clone(),
        zone: zone.as_deref().unwrap_or("UTC").parse()?,
    };
    let exhibits = exhibits(paths, &arguments)?;
    let digest = Digest::of(std::path::absolute(&out)?.as_os_str().as_encoded_bytes()).hex();
    let journal = state_folder(arguments.state.clone())?.join(format!("{digest}.journal"));
    if arguments.restart {
        evidence::forget(&journal)?;
    }
    let begun = evidence::unfinished(&journal);
    let request = PackRequest {
        package_id: begun.map_or_else(|| new_uuid().map(PackageId::from_uuid), |(id, _)| Ok(id))?,
        file_id: match arguments.in_file {
            Some(file) => file,
            // The same again when an attempt goes on.
            None => FileId::from_uuid(derived(&digest)),
        },
        from: office,
        to: arguments.to_office.or_else(|| laboratory.addressees.first().and_then(Certificate::office)),
        addressees: laboratory.addressees.iter().map(Certificate::fingerprint).collect(),
        hybrid_addressees: Vec::new(),
        created: begun.map_or_else(|| SystemClock.now(), |(_, created)| created),
        suite: arguments.suite,
        part_bytes: arguments.part_size,
        exhibits,
        journal: Some(journal),
    };
    let mut watched = Watched::new("sealing");
    let summary = evidence::pack(request, &laboratory, &out, &mut *watched.watch()).map_err(told)?;
    drop(watched);
    Ok(Output::new(sealed_text(&summary, &out), &json!({ "package": out, "summary": summary })))
}

/// A UUID (version 8) that is the same for the same text.
fn derived(text: &str) -> uuid::Uuid {
    let digest = Digest::of(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn sealed_text(summary: &PackageSummary, out: &Path) -> String {
    let resumed = match summary.resumed_bytes {
        0 => String::new(),
        kept => format!("; {} were sealed by an earlier attempt", bytes(kept)),
    };
    format!(
        "package {} sealed in {}: {} of plain text in {} files, {} on the disk{resumed}\n\
         its name for ever: {}",
        summary.label.package_id,
        out.display(),
        bytes(summary.payload_bytes),
        summary.payload_files,
        bytes(summary.ciphertext_bytes),
        summary.tagmanifest_digest
    )
}

fn exhibits(paths: &[PathBuf], arguments: &SealArguments) -> anyhow::Result<Vec<PackExhibit>> {
    if !arguments.name.is_empty() && arguments.name.len() != paths.len() {
        return Err(refuse(
            "R-837",
            "there are not as many names as paths",
            "give `--name` once for each PATH",
        ));
    }
    let carry = if arguments.as_archive { Carry::Archive } else { Carry::Files };
    let mut taken = BTreeSet::new();
    let mut exhibits = Vec::with_capacity(paths.len());
    for (at, path) in paths.iter().enumerate() {
        let own = || std::path::absolute(path).ok()?.file_name()?.to_str().map(ToOwned::to_owned);
        let name = arguments.name.get(at).cloned().or_else(own);
        let name = name.ok_or_else(|| refuse("R-807", "the exhibit has no name", "give `--name`"))?;
        let exhibit_id = ExhibitId::from_uuid(derived(&format!("{name}\n{}", path.display())));
        if !taken.insert(exhibit_id) {
            return Err(refuse("R-838", format!("`{}` is named twice", path.display()), "name it once"));
        }
        let listing = evidence::survey(path, carry).map_err(told)?;
        exhibits.push(PackExhibit { exhibit_id, name, listing, expected: None });
    }
    Ok(exhibits)
}

/// A key pair that opens packages.
pub(crate) struct Reader {
    key: DecryptionKey,
    certificate: Certificate,
}

impl Reader {
    pub(crate) fn read(arguments: &KeyArguments) -> anyhow::Result<Self> {
        let path = needed(&arguments.key, "--key")?;
        let certificate = certificate(arguments.cert.as_ref().unwrap_or(path))?;
        let key = DecryptionKey::from_pkcs8_pem(&private_key(path)?).map_err(told)?;
        Ok(Self { key, certificate })
    }

    fn unwrap(&self, envelope: &KeyEnvelope) -> Result<Vec<u8>, Report> {
        let (KeyEnvelope::Cms(cms) | KeyEnvelope::HybridCms(cms)) = envelope;
        seal::decrypt_cms(cms, &self.key, &self.certificate).map_err(|error| error.report())
    }
}

fn trust(arguments: &KeyArguments) -> anyhow::Result<Trust> {
    let remedy = "name a folder with the root certificates you trust";
    let folder =
        arguments.trust.as_ref().ok_or_else(|| refuse("R-839", "`--trust DIR` is missing", remedy))?;
    Trust::read(folder)
}

pub(crate) fn verify(package: &Path, arguments: &KeyArguments) -> anyhow::Result<Output> {
    named::size(package)?;
    let trust = trust(arguments)?;
    let now = SystemClock.now();
    let signer = |tags: &[u8], signature: &[u8]| trust.signer(tags, signature, now);
    let mut watched = Watched::new("verifying");
    let report =
        evidence::verify_outer_watched(package, Judges::of_signature(&signer), &mut *watched.watch());
    drop(watched);
    if arguments.key.is_none() || !report.is_valid() {
        return Ok(verdict(package, &report, None));
    }
    let reader = Reader::read(arguments)?;
    let mut watched = Watched::new("decrypting");
    let inside =
        evidence::inspect(package, &|envelope| reader.unwrap(envelope), &signer, &mut *watched.watch());
    drop(watched);
    Ok(verdict(package, &report, Some(inside)))
}

fn verdict(
    package: &Path,
    report: &VerifyReport,
    inside: Option<Result<evidence::Opened, evidence::OpenError>>,
) -> Output {
    let mut text = report.to_string();
    let mut valid = report.is_valid();
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
    let data = json!({ "package": package, "valid": valid, "report": report, "content": inside });
    Output::new(text, &data).with_code(code)
}

pub(crate) fn open(package: &Path, out: &Path, arguments: &KeyArguments) -> anyhow::Result<Output> {
    named::size(package)?;
    let (trust, reader) = (trust(arguments)?, Reader::read(arguments)?);
    let now = SystemClock.now();
    let mut watched = Watched::new("opening");
    let opened = evidence::open(
        package,
        &|envelope| reader.unwrap(envelope),
        &|tags, signature| trust.signer(tags, signature, now),
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
