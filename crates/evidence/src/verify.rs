//! Checks a package without any key, layer by layer, in words for a reader who must be convinced.

use crate::{
    KeyEnvelope,
    bag::{BagFault, ManifestEntry},
    chunk::workers,
    label::{BagInfo, Oxum, PackageLabel},
    measure::READ_BYTES,
    open::OpenError,
    package::{BAG_INFO, BAGIT, MANIFEST, PackageFolder, SIGNATURE, TAG_MANIFEST, TIME_STAMP},
    progress::{Progress, Watch, ticks},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    ops::ControlFlow,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};
use vocabulary::{Digest, Failure, Family, Instant, OfficeId, Report};

/// Faults kept of one layer; the rest are counted.
const MAX_FAULTS: usize = 1000;

/// Who signed, as the signature and the trusted certificates say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignerInfo {
    pub office: OfficeId,
    /// SHA-256 of the DER of the signer's certificate.
    pub fingerprint: Digest,
    /// The signing time that the signer claims; no authority confirms it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Instant>,
}

/// When an authority saw a package, as its time-stamp and the trusted certificates say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StampInfo {
    pub at: Instant,
    /// The subject of the authority's certificate.
    pub authority: String,
    /// SHA-256 of the DER of that certificate.
    pub fingerprint: Digest,
    /// It says of itself that it is for demonstrations only.
    pub demonstration: bool,
}

/// Checks a time-stamp (second) over a tag manifest (first).
pub type VerifyTimeStamp<'a> = dyn Fn(&[u8], &[u8]) -> Result<StampInfo, Report> + 'a;

/// Counts the recipients of a key envelope without opening it.
pub type CountRecipients<'a> = dyn Fn(&[u8]) -> Result<usize, Report> + 'a;

/// Who judges what needs certificates; what nobody judges is named as not proven.
#[derive(Clone, Copy)]
pub struct Judges<'a> {
    pub signature: &'a VerifySignature<'a>,
    pub time_stamp: Option<&'a VerifyTimeStamp<'a>>,
    pub recipients: Option<&'a CountRecipients<'a>>,
    /// Digests of files that were hashed when they arrived here, so that they need not be read a second time.
    pub arrived: Option<&'a BTreeMap<String, Digest>>,
}

impl<'a> Judges<'a> {
    /// Signatures alone.
    pub fn of_signature(signature: &'a VerifySignature<'a>) -> Self {
        Self { signature, time_stamp: None, recipients: None, arrived: None }
    }
}

/// Checks a detached signature (second) over a tag manifest (first).
pub type VerifySignature<'a> = dyn Fn(&[u8], &[u8]) -> Result<SignerInfo, Report> + 'a;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Passed,
    Failed,
    /// Something this layer needs is itself missing or malformed, or the work was stopped.
    NotChecked,
}

/// One thing that is proven, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    pub name: String,
    /// What follows when the layer passes.
    pub proves: String,
    pub outcome: Outcome,
    /// What was checked, in figures.
    pub found: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Report>,
    /// How to check the same with a tool that is not ours; `PKG` is the package.
    pub command: String,
}

/// The whole verdict on the outer bag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Absent when `bag-info.txt` cannot be read.
    pub label: Option<PackageLabel>,
    /// The name of the package for ever: SHA-256 of the tag manifest.
    pub tagmanifest_digest: Option<Digest>,
    pub signer: Option<SignerInfo>,
    /// Absent when there is no time-stamp, or none that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_stamp: Option<StampInfo>,
    pub parts: u64,
    pub ciphertext_bytes: u64,
    pub layers: Vec<Layer>,
    /// What this check does not prove.
    pub not_proven: Vec<String>,
}

impl VerifyReport {
    /// True when every layer passed.
    pub fn is_valid(&self) -> bool {
        !self.layers.is_empty() && self.layers.iter().all(|layer| layer.outcome == Outcome::Passed)
    }

    pub fn faults(&self) -> impl Iterator<Item = &Report> {
        self.layers.iter().flat_map(|layer| &layer.faults)
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = &self.label {
            writeln!(
                f,
                "package {} from {} to {}, sealed {}",
                label.package_id,
                label.from,
                addressed(label),
                label.bagging_date
            )?;
        }
        for layer in &self.layers {
            let outcome = match layer.outcome {
                Outcome::Passed => "ok",
                Outcome::Failed => "FAILED",
                Outcome::NotChecked => "not checked",
            };
            writeln!(f, "{}: {outcome}; {}", layer.name, layer.found)?;
            writeln!(f, "  proves: {}", layer.proves)?;
            for fault in &layer.faults {
                writeln!(f, "  {fault}")?;
            }
            writeln!(f, "  check it yourself: {}", layer.command)?;
        }
        for gap in &self.not_proven {
            writeln!(f, "not proven: {gap}")?;
        }
        Ok(())
    }
}

/// Checks everything that can be checked without a key. It never fails as a whole: what is wrong is in the layers.
pub fn verify_outer(package: &Path, judges: Judges<'_>) -> VerifyReport {
    verify_outer_watched(package, judges, &mut |_| ControlFlow::Continue(()))
}

/// As `verify_outer`, with progress; a stopped check is never valid.
pub fn verify_outer_watched(package: &Path, judges: Judges<'_>, progress: &mut Watch<'_>) -> VerifyReport {
    let folder = PackageFolder::new(package);
    let view = View::read(&folder);
    let (signature, signer) = signature_layer(&folder, &view, judges.signature);
    let (stamped, time_stamp) = time_stamp_layer(&folder, &view, judges.time_stamp);
    let mut layers = vec![
        files_layer(&view),
        parts_layer(&folder, &view, judges.arrived, progress),
        tags_layer(&folder, &view),
        signature,
        addressees_layer(&folder, &view, judges.recipients),
    ];
    layers.extend(stamped);
    let label = view.info.as_ref().ok().map(|info| info.label.clone());
    let manifest = view.manifest.as_deref().unwrap_or_default();
    VerifyReport {
        label,
        tagmanifest_digest: view.tags.as_ref().ok().map(|(bytes, _)| Digest::of(bytes)),
        signer,
        not_proven: not_proven(&view, time_stamp.as_ref()),
        time_stamp,
        parts: u64::try_from(manifest.len().saturating_sub(1)).unwrap_or(u64::MAX),
        ciphertext_bytes: manifest.iter().skip(1).map(|entry| view.size(&entry.path)).sum(),
        layers,
    }
}

/// The small files of a package, read once; every layer reports the faults that concern it.
struct View {
    declaration: Result<(), BagFault>,
    info: Result<BagInfo, BagFault>,
    manifest: Result<Vec<ManifestEntry>, BagFault>,
    tags: Result<(Vec<u8>, Vec<ManifestEntry>), BagFault>,
    contents: Result<BTreeMap<String, u64>, BagFault>,
}

impl View {
    fn read(folder: &PackageFolder) -> Self {
        Self {
            declaration: folder.check_declaration(),
            info: folder.info(),
            manifest: folder.manifest(),
            tags: folder.tag_manifest(),
            contents: folder.contents(),
        }
    }

    fn size(&self, name: &str) -> u64 {
        self.contents.as_ref().ok().and_then(|files| files.get(name).copied()).unwrap_or(0)
    }

    /// Files of `seal/` beside the signature: later proofs, which nothing here checks.
    fn other_proofs(&self, stamped: bool) -> Vec<&str> {
        let files = self.contents.iter().flat_map(BTreeMap::keys).map(String::as_str);
        let checked = |name: &str| name == SIGNATURE || (stamped && name == TIME_STAMP);
        files.filter(|name| name.starts_with("seal/") && !checked(name)).collect()
    }
}

fn layer(name: &str, proves: &str, found: String, faults: Vec<Report>, command: &str) -> Layer {
    let outcome = if faults.is_empty() { Outcome::Passed } else { Outcome::Failed };
    let (name, proves, command) = (name.to_owned(), proves.to_owned(), command.to_owned());
    Layer { name, proves, outcome, found, faults, command }
}

fn files_layer(view: &View) -> Layer {
    let mut faults = Vec::new();
    let mut keep = |result: Result<(), &BagFault>| faults.extend(result.err().map(Failure::report));
    keep(view.declaration.as_ref().map(drop));
    keep(view.info.as_ref().map(drop));
    keep(view.manifest.as_ref().map(drop));
    keep(view.tags.as_ref().map(drop));
    keep(view.contents.as_ref().map(drop));
    if let (Ok(manifest), Ok(contents)) = (&view.manifest, &view.contents) {
        faults.extend(set_faults(manifest, contents));
        if let Ok(info) = &view.info {
            let mut oxum = Oxum::default();
            contents
                .iter()
                .filter(|(name, _)| name.starts_with("data/"))
                .for_each(|(_, size)| oxum.add(*size));
            faults.extend(info.oxum.check(oxum).err().map(|fault| fault.report()));
        }
    }
    let count = view.contents.as_ref().map_or(0, BTreeMap::len);
    layer(
        "files",
        "the package has every file that its manifests list, and no other",
        format!("{count} files"),
        faults,
        "bagit.py --validate PKG",
    )
}

/// Every file that is listed and absent, or present and not listed.
fn set_faults(manifest: &[ManifestEntry], contents: &BTreeMap<String, u64>) -> Vec<Report> {
    let tags = [BAGIT, BAG_INFO, MANIFEST, TAG_MANIFEST, SIGNATURE];
    let listed: BTreeMap<&str, ()> =
        manifest.iter().map(|entry| entry.path.as_str()).chain(tags).map(|name| (name, ())).collect();
    let missing = listed.keys().filter(|name| !contents.contains_key(**name));
    let missing = missing.map(|name| BagFault::Missing { file: (*name).to_owned() });
    let known = |name: &str| listed.contains_key(name) || name.starts_with("seal/");
    let extra = contents.keys().filter(|name| !known(name));
    let extra = extra.map(|name| BagFault::Extra { file: name.clone() });
    missing.chain(extra).take(MAX_FAULTS).map(|fault| fault.report()).collect()
}

fn parts_layer(
    folder: &PackageFolder,
    view: &View,
    arrived: Option<&BTreeMap<String, Digest>>,
    progress: &mut Watch<'_>,
) -> Layer {
    let manifest = view.manifest.as_deref().unwrap_or_default();
    let known = |entry: &&ManifestEntry| arrived.is_some_and(|known| known.contains_key(&entry.path));
    let unknown = manifest.iter().filter(|entry| !known(entry));
    let total = unknown.map(|entry| view.size(&entry.path)).sum();
    let before: u64 = manifest.iter().filter(known).map(|entry| view.size(&entry.path)).sum();
    let check = PartsCheck::new(folder, manifest, arrived);
    let threads = workers();
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| check.work())).collect();
        ticks(|| {
            let done = check.done.load(Ordering::Relaxed);
            if progress(Progress { done, total, what: "verifying" }).is_break() {
                check.stop.store(true, Ordering::Relaxed);
            }
            running.iter().all(thread::ScopedJoinHandle::is_finished)
        });
    });
    let stopped = check.stop.load(Ordering::Relaxed);
    let done = check.done.load(Ordering::Relaxed);
    let found = check.faults.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut faults: Vec<Report> = found.into_values().take(MAX_FAULTS).collect();
    if stopped {
        faults.push(VerifyFault::Stopped.report());
    }
    if let (Ok(manifest), Ok(info)) = (&view.manifest, &view.info) {
        faults.extend(folder.check_suite(manifest, info.label.suite).err().map(|fault| fault.report()));
    }
    let mut layer = layer(
        "parts",
        "no byte of the encrypted parts or of the key envelope was changed since the manifest was written",
        match before {
            0 => format!("{} files, {done} bytes hashed with SHA-256", manifest.len()),
            _ => format!("{} files, {before} bytes hashed with SHA-256 when they were read", manifest.len()),
        },
        faults,
        "cd PKG && sha256sum -c manifest-sha256.txt",
    );
    if view.manifest.is_err() || stopped {
        layer.outcome = Outcome::NotChecked;
    }
    layer
}

/// The listed files hashed by several threads.
struct PartsCheck<'a> {
    folder: &'a PackageFolder,
    manifest: &'a [ManifestEntry],
    arrived: Option<&'a BTreeMap<String, Digest>>,
    next: AtomicUsize,
    done: AtomicU64,
    stop: AtomicBool,
    faults: Mutex<BTreeMap<usize, Report>>,
}

impl<'a> PartsCheck<'a> {
    fn new(
        folder: &'a PackageFolder,
        manifest: &'a [ManifestEntry],
        arrived: Option<&'a BTreeMap<String, Digest>>,
    ) -> Self {
        Self {
            folder,
            manifest,
            arrived,
            next: AtomicUsize::new(0),
            done: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            faults: Mutex::default(),
        }
    }

    fn work(&self) {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(entry) = self.manifest.get(number) else { return };
            let checked = match self.arrived.and_then(|arrived| arrived.get(&entry.path)) {
                Some(found) => same(entry, *found),
                None => check_digest(self.folder, entry, &mut buffer, &mut |bytes| {
                    self.done.fetch_add(bytes, Ordering::Relaxed);
                    !self.stop.load(Ordering::Relaxed)
                }),
            };
            if let Err(fault) = checked {
                let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
                faults.insert(number, fault.report());
            }
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// The small files that say what is signed; their label and the digest of the signed bytes.
pub(crate) fn check_tags_and_signature(
    folder: &PackageFolder,
    verify: &VerifySignature<'_>,
) -> Result<(BagInfo, Digest), OpenError> {
    let (tags, entries) = folder.tag_manifest()?;
    let mut buffer = vec![0; READ_BYTES];
    for entry in &entries {
        check_digest(folder, entry, &mut buffer, &mut |_| true)?;
    }
    folder.check_declaration()?;
    let info = folder.info()?;
    let signer = verify(&tags, &folder.signature()?).map_err(OpenError::Outer)?;
    if signer.office != info.label.from {
        let fault = VerifyFault::Signer { said: info.label.from, signed: signer.office };
        return Err(OpenError::Outer(fault.report()));
    }
    Ok((info, Digest::of(&tags)))
}

fn check_digest(
    folder: &PackageFolder,
    entry: &ManifestEntry,
    buffer: &mut [u8],
    visit: &mut dyn FnMut(u64) -> bool,
) -> Result<(), BagFault> {
    folder.digest(&entry.path, buffer, visit)?.map_or(Ok(()), |found| same(entry, found.digest))
}

fn same(entry: &ManifestEntry, found: Digest) -> Result<(), BagFault> {
    match found == entry.digest {
        true => Ok(()),
        false => Err(BagFault::Altered { file: entry.path.clone(), expected: entry.digest, found }),
    }
}

fn tags_layer(folder: &PackageFolder, view: &View) -> Layer {
    let entries = view.tags.as_ref().map_or(&[][..], |(_, entries)| entries);
    let mut buffer = vec![0; READ_BYTES];
    let check = |entry| check_digest(folder, entry, &mut buffer, &mut |_| true).err();
    let faults = entries.iter().filter_map(check).map(|fault| fault.report()).collect();
    let mut layer = layer(
        "tag manifest",
        "the manifest, the declaration and the label are those that the signed file lists",
        format!("{} files", entries.len()),
        faults,
        "cd PKG && sha256sum -c tagmanifest-sha256.txt",
    );
    if view.tags.is_err() {
        layer.outcome = Outcome::NotChecked;
    }
    layer
}

fn signature_layer(
    folder: &PackageFolder,
    view: &View,
    verify_signature: &VerifySignature<'_>,
) -> (Layer, Option<SignerInfo>) {
    let checked = match (&view.tags, folder.signature()) {
        (Ok((bytes, _)), Ok(signature)) => verify_signature(bytes, &signature).map(Some),
        (_, Err(fault)) => Err(fault.report()),
        (Err(_), Ok(_)) => Ok(None),
    };
    let mut faults = Vec::new();
    let mut found = "no signature that holds".to_owned();
    let signer = match checked {
        Ok(signer) => signer,
        Err(report) => {
            faults.push(report);
            None
        }
    };
    if let Some(signer) = &signer {
        found = format!("signed by {}, certificate {}", signer.office, signer.fingerprint);
        if let Ok(info) = &view.info
            && info.label.from != signer.office
        {
            let (said, signed) = (info.label.from, signer.office);
            faults.push(VerifyFault::Signer { said, signed }.report());
        }
    }
    let mut layer = layer(
        "signature",
        "the office named as sender sealed exactly this package",
        found,
        faults,
        "openssl cms -verify -cades -binary -inform DER -in PKG/seal/signature.p7s \
         -content PKG/tagmanifest-sha256.txt -CAfile root.pem -purpose any -out /dev/null",
    );
    if layer.faults.is_empty() && (signer.is_none() || view.info.is_err()) {
        layer.outcome = Outcome::NotChecked;
    }
    (layer, signer)
}

/// `None` when there is no time-stamp, or nobody to judge it.
fn time_stamp_layer(
    folder: &PackageFolder,
    view: &View,
    judge: Option<&VerifyTimeStamp<'_>>,
) -> (Option<Layer>, Option<StampInfo>) {
    let (Some(judge), Ok((tags, _))) = (judge, &view.tags) else { return (None, None) };
    let checked = match folder.time_stamp() {
        Ok(None) => return (None, None),
        Ok(Some(bytes)) => judge(tags, &bytes),
        Err(fault) => Err(fault.report()),
    };
    let (found, faults) = match &checked {
        Ok(stamp) => {
            let mark = if stamp.demonstration { ", which is for DEMONSTRATIONS only" } else { "" };
            (format!("{}, says {}{mark}", stamp.at, stamp.authority), Vec::new())
        }
        Err(report) => ("no time-stamp that holds".to_owned(), vec![report.clone()]),
    };
    let layer = layer(
        "time-stamp",
        "the package existed, exactly as it is, when the authority says so",
        found,
        faults,
        "openssl ts -verify -data PKG/tagmanifest-sha256.txt -in PKG/seal/timestamp.tsr -CAfile tsa-root.pem",
    );
    (Some(layer), checked.ok())
}

/// As many recipients as the label names; whose keys they are shows only when each opens it.
fn recipient_fault(
    folder: &PackageFolder,
    view: &View,
    count: Option<&CountRecipients<'_>>,
) -> Option<Report> {
    let (Some(count), Ok(info), Ok(manifest)) = (count, &view.info, &view.manifest) else { return None };
    let envelope = match folder.key_envelope(manifest) {
        Ok(KeyEnvelope::Cms(envelope)) => envelope,
        // Who is inside an age file shows only to who opens it.
        Ok(KeyEnvelope::HybridCms(_)) => {
            let said = info.label.hybrid_addressees.len();
            return (said == 0).then(|| VerifyFault::Recipients { said, found: 1 }.report());
        }
        Err(fault) => return Some(fault.report()),
    };
    let said = info.label.addressees.len();
    match count(&envelope) {
        Ok(found) if found == said && info.label.hybrid_addressees.is_empty() => None,
        Ok(found) => Some(VerifyFault::Recipients { said, found }.report()),
        Err(report) => Some(report),
    }
}

fn addressees_layer(folder: &PackageFolder, view: &View, count: Option<&CountRecipients<'_>>) -> Layer {
    let addressees = view.info.as_ref().map_or(&[][..], |info| &info.label.addressees);
    let mut faults = Vec::new();
    if view.info.is_ok() && addressees.is_empty() {
        faults.push(VerifyFault::NoAddressee.report());
    }
    faults.extend(recipient_fault(folder, view, count));
    let to = view.info.as_ref().map_or("nobody".to_owned(), |info| addressed(&info.label));
    let mut layer = layer(
        "addressees",
        "the signed label says for which office and which certificates the sender sealed the package",
        format!("to {to}, {} certificates", addressees.len()),
        faults,
        "grep ^Rogatory- PKG/bag-info.txt",
    );
    if view.info.is_err() {
        layer.outcome = Outcome::NotChecked;
    }
    layer
}

fn addressed(label: &PackageLabel) -> String {
    label.to.map_or("the holders of the keys".to_owned(), |to| to.to_string())
}

fn not_proven(view: &View, stamp: Option<&StampInfo>) -> Vec<String> {
    let mut gaps = vec!["what the package holds: that needs a key".to_owned()];
    match stamp {
        None => {
            gaps.push("when it was sealed: the time in the signature is the signer's own word".to_owned())
        }
        Some(stamp) if stamp.demonstration => {
            gaps.push("when it was sealed, before a court: the time-stamp is for demonstrations".to_owned());
        }
        Some(_) => {}
    }
    gaps.push("that every addressee can open it: only the holder of each key can show that".to_owned());
    let proofs = view.other_proofs(stamp.is_some());
    if !proofs.is_empty() {
        gaps.push(format!("anything by the other files in `seal/`: {}", proofs.join(", ")));
    }
    gaps
}

/// What is wrong with who sealed a package and for whom.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFault {
    #[error("the label says the package comes from {said}, but {signed} signed it")]
    Signer { said: OfficeId, signed: OfficeId },
    #[error("`bag-info.txt` names no certificate that may open the package")]
    NoAddressee,
    #[error("the label names {said} addressees, the key envelope has {found}")]
    Recipients { said: usize, found: usize },
    #[error("the check was stopped")]
    Stopped,
}

impl Failure for VerifyFault {
    fn family(&self) -> Family {
        match self {
            Self::Stopped => Family::Refusal,
            _ => Family::PeerFault,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Signer { .. } => "P-313",
            Self::NoAddressee => "P-314",
            Self::Recipients { .. } => "P-315",
            Self::Stopped => "R-310",
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Stopped => "start the check again".to_owned(),
            _ => "keep the package as it is and tell the sending office".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Bench, SENDER, ToyKeys, carry_on, has_tool, toy_verify, try_shell};
    use std::fs;

    fn codes(report: &VerifyReport) -> Vec<&str> {
        report.faults().map(|fault| fault.code.as_str()).collect()
    }

    fn says(report: &VerifyReport, name: &str) -> bool {
        report.faults().any(|fault| fault.message.contains(name))
    }

    #[test]
    fn an_honest_package_passes_every_layer_and_says_what_is_not_proven() {
        let bench = Bench::usual();
        let summary = bench.pack();
        let report = bench.verify();
        assert!(report.is_valid(), "{report}");
        assert_eq!(report.label, Some(summary.label));
        assert_eq!(report.tagmanifest_digest, Some(summary.tagmanifest_digest));
        assert_eq!(report.ciphertext_bytes, summary.ciphertext_bytes);
        assert_eq!(report.signer.as_ref().unwrap().office, SENDER.parse().unwrap());
        assert_eq!(report.layers.len(), 5);
        assert_eq!(report.not_proven.len(), 3);
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<VerifyReport>(&json).unwrap(), report);
        assert!(report.to_string().contains("check it yourself: bagit.py --validate PKG"));
    }

    #[test]
    fn a_changed_byte_in_any_file_is_refused_naming_the_file_and_bagit_agrees() {
        let bench = Bench::usual();
        let summary = bench.pack();
        let judge = has_tool("bagit.py", "--version");
        for part in &summary.files {
            let path = bench.path("package").join(&part.name);
            let honest = fs::read(&path).unwrap();
            for at in [0, honest.len() / 2, honest.len() - 1] {
                let mut changed = honest.clone();
                changed[at] ^= 1;
                fs::write(&path, changed).unwrap();
                let report = bench.verify();
                assert!(!report.is_valid(), "{} at {at}", part.name);
                let signature = part.name == SIGNATURE;
                assert!(signature || says(&report, &part.name) || part.name == TAG_MANIFEST, "{report}");
                if judge && !signature && at == 0 && part.name != TAG_MANIFEST {
                    assert!(!try_shell(bench.root.path(), "bagit.py --validate package").0, "{}", part.name);
                }
            }
            fs::write(&path, honest).unwrap();
        }
        assert!(bench.verify().is_valid());
    }

    #[test]
    fn a_missing_file_is_named() {
        let bench = Bench::usual();
        let summary = bench.pack();
        for part in &summary.files {
            let path = bench.path("package").join(&part.name);
            let honest = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            let report = bench.verify();
            assert!(says(&report, &part.name), "{}: {report}", part.name);
            fs::write(&path, honest).unwrap();
        }
    }

    #[test]
    fn an_extra_file_is_named_but_later_proofs_may_be_added() {
        let bench = Bench::usual();
        bench.pack();
        for name in
            ["fetch.txt", "data/payload.age.999999", "data/note.txt", "manifest-md5.txt", "data/\u{1b}[2J"]
        {
            let path = bench.path("package").join(name);
            fs::write(&path, "x").unwrap();
            let report = bench.verify();
            let shown = name.replace('\u{1b}', "\u{fffd}");
            assert!(codes(&report).contains(&"P-305") && says(&report, &shown), "{name}: {report}");
            fs::remove_file(&path).unwrap();
        }
        fs::write(bench.path("package/seal/timestamp.tsr"), "x").unwrap();
        let report = bench.verify();
        assert!(report.is_valid());
        assert!(report.not_proven.iter().any(|gap| gap.contains("seal/timestamp.tsr")));
    }

    #[test]
    fn links_and_unknown_folders_are_refused() {
        let bench = Bench::usual();
        bench.pack();
        fs::create_dir(bench.path("package/data/more")).unwrap();
        assert!(codes(&bench.verify()).contains(&"P-306"));
        fs::remove_dir(bench.path("package/data/more")).unwrap();
        let part = bench.path("package/data/payload.age.000000");
        fs::rename(&part, bench.path("elsewhere")).unwrap();
        std::os::unix::fs::symlink(bench.path("elsewhere"), &part).unwrap();
        let report = bench.verify();
        assert!(codes(&report).contains(&"P-306") && says(&report, "payload.age.000000"), "{report}");
    }

    #[test]
    fn swapped_truncated_and_extended_parts_are_named() {
        let bench = Bench::usual();
        bench.pack();
        let [one, two] =
            ["000000", "000001"].map(|n| bench.path("package/data/payload.age.").display().to_string() + n);
        let (first, second) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
        for (a, b) in
            [(&second, &first), (&first[..99_999].to_vec(), &second), (&[&first[..], b"x"].concat(), &second)]
        {
            fs::write(&one, a).unwrap();
            fs::write(&two, b).unwrap();
            let report = bench.verify();
            assert!(codes(&report).contains(&"P-307") && says(&report, "payload.age.000000"), "{report}");
        }
    }

    #[test]
    fn a_package_signed_by_another_office_or_over_other_bytes_is_refused() {
        let bench = Bench::usual();
        let mut request = bench.request();
        request.from = "XC/evidence-office".parse().unwrap();
        crate::pack(request, &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap();
        let report = bench.verify();
        assert_eq!(codes(&report), ["P-313"]);
        assert!(says(&report, "XB/evidence-office"));
        fs::write(bench.path("package/seal/signature.p7s"), "XC/evidence-office sha256:00").unwrap();
        assert_eq!(codes(&bench.verify()), ["P-999"]);
    }

    #[test]
    fn a_manifest_that_lists_other_things_is_refused() {
        let bench = Bench::usual();
        bench.pack();
        let path = bench.path("package/manifest-sha256.txt");
        let honest = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = honest.lines().collect();
        let cases = [
            String::new(),
            format!("{}\n", lines[0]),
            format!("{}\n{}\n", lines[0], lines[2]),
            honest.replace("payload.age.000001", "../../etc/passwd"),
            honest.replace("payload.age.000001", "payload.age.000002"),
            honest.replace("data/payload.age.000001", "seal/signature.p7s"),
        ];
        for text in cases {
            fs::write(&path, text).unwrap();
            let report = bench.verify();
            assert!(!report.is_valid());
            assert_eq!(report.layers[1].outcome, Outcome::NotChecked);
        }
    }

    #[test]
    fn a_stopped_check_is_not_valid_and_no_package_at_all_is_no_panic() {
        let bench = Bench::usual();
        bench.pack();
        let report =
            verify_outer_watched(&bench.path("package"), Judges::of_signature(&toy_verify), &mut |_| {
                ControlFlow::Break(())
            });
        assert!(!report.is_valid());
        assert_eq!(codes(&report), ["R-310"]);
        let nothing = verify_outer(&bench.path("nothing"), Judges::of_signature(&toy_verify));
        assert!(!nothing.is_valid());
        assert!(codes(&nothing).iter().all(|code| *code == "P-304"), "{nothing}");
    }
}
