//! Sealing a package without any node: for a laboratory, offline.

use crate::{
    command::keyring::{Signer, certificate, hybrid_recipient, told},
    output::{Output, refuse},
    show::{Watched, bytes},
};
use clap::Args;
use custody::{Action, Chain, Link, ZoneName};
use evidence::{
    BulkSuite, Carry, HybridRecipient, InnerRecord, KeyEnvelope, PackExhibit, PackKeys, PackRequest,
    PackageLabel, PackageSummary, SealedExhibit,
};
use flow::{Clock as _, SystemClock};
use seal::{Certificate, TimeStampQuery};
use serde_json::json;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use vocabulary::{Digest, ExhibitId, Failure as _, FileId, OfficeId, OfficerId, PackageId, Report};

#[derive(Debug, Args)]
pub(crate) struct SealArguments {
    /// A certificate that may open the package (PEM; EC P-256 or P-384, or RSA); once for each addressee.
    #[arg(long = "to", value_name = "CERT.pem")]
    pub(crate) to: Vec<PathBuf>,
    /// The new package.
    #[arg(long, value_name = "PACKAGE")]
    pub(crate) out: Option<PathBuf>,
    /// The private key of the sealing office (PKCS #8 in PEM, or `pkcs11:token=…;object=…?module-path=…`).
    #[arg(long, value_name = "KEY")]
    sign_key: Option<PathBuf>,
    /// The certificate of the sealing office; it names the office.
    #[arg(long, value_name = "CERT.pem")]
    sign_cert: Option<PathBuf>,
    /// A post-quantum recipient, `age1pq1…` or a file with it; then its key is needed as well as a certificate's.
    #[arg(long, value_name = "RECIPIENT")]
    hybrid_to: Vec<String>,
    /// A time-stamp authority (RFC 3161) that confirms when the package was sealed.
    #[arg(long, value_name = "URL")]
    pub(crate) tsa: Option<String>,
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

/// Signs, wraps and records for one package, with keys from files.
struct Laboratory {
    sign: Signer,
    certificate: Certificate,
    office: OfficeId,
    officer: OfficerId,
    addressees: Vec<Certificate>,
    hybrid: Vec<HybridRecipient>,
    authority: Option<Authority>,
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
        let cms = seal::encrypt_cms(package_key, &self.addressees).map_err(|error| error.report())?;
        if self.hybrid.is_empty() {
            return Ok(KeyEnvelope::Cms(cms));
        }
        evidence::encrypt_hybrid(&cms, &self.hybrid, &|bytes| self.random(bytes))
            .map(KeyEnvelope::HybridCms)
            .map_err(|error| error.report())
    }

    fn sign(&self, tag_manifest: &[u8]) -> Result<Vec<u8>, Report> {
        let signed =
            seal::sign_cms(tag_manifest, false, self.sign.key(), &self.certificate, SystemClock.now())
                .map_err(|error| error.report())?;
        match &self.authority {
            None => Ok(signed),
            Some(authority) => authority.attach(&signed),
        }
    }

    fn time_stamp(&self, tag_manifest: &[u8]) -> Result<Option<Vec<u8>>, Report> {
        self.authority.as_ref().map(|authority| authority.stamp(tag_manifest)).transpose()
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

/// A time-stamp authority that can be reached.
pub(crate) struct Authority {
    url: String,
    runtime: tokio::runtime::Handle,
}

impl Authority {
    /// Asks once, so that an authority that does not answer is known before hours of sealing.
    pub(crate) fn reach(url: &str) -> anyhow::Result<Self> {
        let authority = Self { url: url.to_owned(), runtime: tokio::runtime::Handle::current() };
        authority.stamp(b"is anybody there").map_err(crate::output::Told)?;
        Ok(authority)
    }

    /// A response that grants a time-stamp of `data`.
    pub(crate) fn stamp(&self, data: &[u8]) -> Result<Vec<u8>, Report> {
        let nonce = keys::random_bytes().map_err(|error| error.report())?;
        let query = TimeStampQuery::new(Digest::of(data), nonce);
        let der = query.to_der().map_err(|error| error.report())?;
        // On a thread of its own: the caller may itself be waited for by the runtime.
        let ask = || self.runtime.block_on(node::request_time_stamp(&self.url, &der));
        let answer = std::thread::scope(|scope| scope.spawn(ask).join());
        let answer = answer.expect("asking an authority does not panic").map_err(|error| error.report())?;
        query.check_answer(&answer).map_err(|error| error.report())?;
        Ok(answer)
    }

    /// The same signature with a time-stamp of its value in it (CAdES-B-T).
    pub(crate) fn attach(&self, signed: &[u8]) -> Result<Vec<u8>, Report> {
        let value = seal::signature_value(signed).map_err(|error| error.report())?;
        seal::attach_time_stamp(signed, &self.stamp(&value)?).map_err(|error| error.report())
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
    let out = std::path::absolute(needed(&arguments.out, "--out")?)?;
    let sign_cert = needed(&arguments.sign_cert, "--sign-cert")?;
    let certificate = certificate(sign_cert)?;
    let office = certificate.office().ok_or_else(|| {
        let message = format!("`{}` names no office of a State", sign_cert.display());
        refuse("R-835", message, "let the State's root certify the laboratory's key: `rogatory node certify`")
    })?;
    let sign = Signer::read(needed(&arguments.sign_key, "--sign-key")?, &certificate)?;
    let addressees = arguments.to.iter().map(|path| addressee(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let hybrid =
        arguments.hybrid_to.iter().map(|text| hybrid_recipient(text)).collect::<anyhow::Result<Vec<_>>>()?;
    let authority = arguments.tsa.as_deref().map(Authority::reach).transpose()?;
    let zone =
        arguments.zone.clone().or_else(|| jiff::tz::TimeZone::system().iana_name().map(ToOwned::to_owned));
    let laboratory = Laboratory {
        sign,
        certificate,
        office,
        officer: officer.unwrap_or("examiner").parse()?,
        addressees,
        hybrid,
        authority,
        why: arguments.why.clone(),
        place: arguments.place.clone(),
        zone: zone.as_deref().unwrap_or("UTC").parse()?,
    };
    let exhibits = exhibits(paths, &arguments)?;
    let listings: Vec<_> = exhibits.iter().map(|exhibit| &exhibit.listing).collect();
    let begun = out.parent().is_some_and(|folder| unfinished_beside(folder, &out));
    if !begun {
        flow::ensure_space(out.parent().unwrap_or(Path::new(".")), evidence::package_size(&listings))?;
    }
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
        hybrid_addressees: laboratory
            .hybrid
            .iter()
            .map(|recipient| Digest::of(recipient.to_string().as_bytes()))
            .collect(),
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

/// A certificate that may be encrypted to today.
fn addressee(path: &Path) -> anyhow::Result<Certificate> {
    let certificate = certificate(path)?;
    certificate.check_recipient(SystemClock.now()).map_err(|error| {
        let mut report = error.report();
        report.message = format!("`{}`: {}", path.display(), report.message);
        crate::output::Told(report)
    })?;
    Ok(certificate)
}

/// An earlier attempt has taken some of the space already.
fn unfinished_beside(folder: &Path, out: &Path) -> bool {
    let name = out.file_name().map(|name| format!("{}.partial-", name.to_string_lossy()));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    name.is_some_and(|name| names.into_iter().any(|found| found.starts_with(&name)))
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
        let name = name.ok_or_else(|| refuse("R-848", "the exhibit has no name", "give `--name`"))?;
        let exhibit_id = ExhibitId::from_uuid(derived(&format!("{name}\n{}", path.display())));
        if !taken.insert(exhibit_id) {
            return Err(refuse("R-838", format!("`{}` is named twice", path.display()), "name it once"));
        }
        let listing = evidence::survey(path, carry).map_err(told)?;
        exhibits.push(PackExhibit { exhibit_id, name, listing, expected: None });
    }
    Ok(exhibits)
}
