//! Seals exhibits into a package in one pass: read, hash, archive, encrypt, hash, write; in parallel, in constant
//! memory, and where a journal is kept, going on after a kill where it was.

mod error;
mod plan;

pub use error::PackError;
pub use plan::{MAX_CUSTODY_BYTES, package_size};

use crate::{
    archive::ArchiveWriter,
    bag::{DECLARATION, PartInfo, length, manifest_line},
    case::{CaseExhibit, case_document},
    journal::{self, Earlier, Journal, Opening},
    label::{BagInfo, Oxum, PackageLabel, Side},
    listing::Listing,
    package::{
        BAG_INFO, BAGIT, HYBRID_ENVELOPE, KEY_ENVELOPE, MANIFEST, SIGNATURE, TAG_MANIFEST, TIME_STAMP,
    },
    progress::Watch,
    scratch::Scratch,
    seal_stream::{Cursor, SealStream, Setup},
    suite::{Bulk, BulkSuite, Seed},
};
use custody::Chain;
use plan::Plan;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};
use vocabulary::{Digest, ExhibitId, FileId, Instant, OfficeId, PackageId, Report};
use zeroize::Zeroizing;

/// The usual size of a part: 256 MiB.
pub const DEFAULT_PART_BYTES: u64 = 256 * 1024 * 1024;
const FORMAT: &str = "rogatory-seal/1";

/// What a package is made of.
#[derive(Debug, Clone)]
pub struct PackRequest {
    /// An attempt that goes on keeps the id of the first; see `unfinished`.
    pub package_id: PackageId,
    pub file_id: FileId,
    pub from: OfficeId,
    /// The addressed office, when it is one.
    pub to: Option<OfficeId>,
    /// SHA-256 of the DER of every certificate to which `PackKeys::wrap` encrypts.
    pub addressees: Vec<Digest>,
    /// SHA-256 of the text of every post-quantum recipient around that envelope.
    pub hybrid_addressees: Vec<Digest>,
    pub created: Instant,
    pub suite: BulkSuite,
    pub part_bytes: u64,
    pub exhibits: Vec<PackExhibit>,
    /// Where an interrupted attempt finds how far it was; it holds a secret, so not beside the package.
    pub journal: Option<PathBuf>,
}

/// One exhibit: its files as they lie on the disk now, and what was recorded of them when they were taken in.
#[derive(Debug, Clone)]
pub struct PackExhibit {
    pub exhibit_id: ExhibitId,
    /// The folder of the exhibit inside the package.
    pub name: String,
    pub listing: Listing,
    /// The manifest text that `measure` wrote at intake; without one the digests are first taken now.
    pub expected: Option<PathBuf>,
}

/// An exhibit whose content was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedExhibit {
    pub exhibit_id: ExhibitId,
    pub name: String,
    pub files: u64,
    pub bytes: u64,
    /// As `measure` gives it.
    pub tree: Digest,
}

impl PackageLabel {
    /// The case description of these exhibits and chains.
    pub fn case(&self, exhibits: &[SealedExhibit], chains: &[Chain]) -> Vec<u8> {
        let exhibits: Vec<CaseExhibit> = exhibits
            .iter()
            .map(|exhibit| CaseExhibit {
                exhibit_id: exhibit.exhibit_id,
                name: exhibit.name.clone(),
                files: exhibit.files,
                bytes: exhibit.bytes,
                tree: exhibit.tree,
            })
            .collect();
        case_document(self.file_id, Some(self.package_id), &exhibits, chains)
    }
}

/// The documents about the exhibits that travel with them inside the encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InnerRecord {
    /// The chains of custody, JSON.
    pub custody: Vec<u8>,
    /// The same and the exhibits as CASE/UCO JSON-LD.
    pub case: Vec<u8>,
}

/// The package key, encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyEnvelope {
    /// CMS AuthEnvelopedData.
    Cms(Vec<u8>),
    /// The same inside an age file to post-quantum recipients.
    HybridCms(Vec<u8>),
}

/// The keys, the randomness and the words that sealing needs.
pub trait PackKeys {
    /// Encrypts the package key to every addressee.
    fn wrap(&self, package_key: &[u8]) -> Result<KeyEnvelope, Report>;
    /// Signs a tag manifest (CMS, CAdES, detached).
    fn sign(&self, tag_manifest: &[u8]) -> Result<Vec<u8>, Report>;
    /// Fills `bytes` from a cryptographic source.
    fn random(&self, bytes: &mut [u8]);
    /// What is said about the exhibits, now that they were read.
    fn record(&self, label: &PackageLabel, exhibits: &[SealedExhibit]) -> Result<InnerRecord, Report>;
    /// A time-stamp over a tag manifest (RFC 3161), where an authority was asked.
    fn time_stamp(&self, _tag_manifest: &[u8]) -> Result<Option<Vec<u8>>, Report> {
        Ok(None)
    }
    /// Makes the seed fit to lie on the disk while the package is unfinished.
    fn protect(&self, seed: &[u8]) -> Result<Vec<u8>, Report> {
        Ok(seed.to_vec())
    }
    /// Undoes `protect`.
    fn recover(&self, kept: &[u8]) -> Result<Vec<u8>, Report> {
        Ok(kept.to_vec())
    }
}

/// What was sealed, in the words of the announcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageSummary {
    pub label: PackageLabel,
    /// SHA-256 of the signed bytes: the name of the package for ever.
    pub tagmanifest_digest: Digest,
    /// Every file of the package, in ascending order of name.
    pub files: Vec<PartInfo>,
    pub payload_files: u64,
    pub payload_bytes: u64,
    pub ciphertext_bytes: u64,
    /// Plain bytes that were not read again, because an interrupted attempt had sealed them.
    #[serde(default)]
    pub resumed_bytes: u64,
}

/// The package that an interrupted attempt began, if the next one can go on with it.
pub fn unfinished(journal: &Path) -> Option<(PackageId, Instant)> {
    Journal::read(journal).map(|earlier| (earlier.opening.package, earlier.opening.created))
}

/// Forgets an interrupted attempt and removes what it wrote.
pub fn forget(journal: &Path) -> io::Result<()> {
    if let Some(opening) = journal::opening(journal) {
        remove_folder(&opening.partial)?;
    }
    journal::remove(journal)
}

/// Seals `request` into the new folder `out`.
///
/// On failure nothing is left there, but for what a later attempt with the same journal goes on with.
pub fn pack(
    mut request: PackRequest,
    keys: &dyn PackKeys,
    out: &Path,
    progress: &mut Watch<'_>,
) -> Result<PackageSummary, PackError> {
    let _alone = request.journal.as_deref().map(lock).transpose()?;
    let place = std::path::absolute(out).map_err(PackError::Write)?;
    let shown = place.display().to_string();
    let fingerprint = Plan::new(&request)?.fingerprint(&request, &shown);
    let earlier = earlier(&request, fingerprint, &place)?;
    if let Some(earlier) = &earlier {
        (request.package_id, request.created) = (earlier.opening.package, earlier.opening.created);
    }
    let plan = Plan::new(&request)?;
    let id = request.package_id.to_string();
    let scratch = match earlier {
        Some(_) => Scratch::go_on(&place, &id),
        None => Scratch::create(&place, &id),
    }
    .map_err(PackError::place)?;
    let attempt = Attempt { request: &request, plan: &plan, keys, fingerprint, scratch: &scratch };
    match attempt.run(earlier, progress) {
        Ok(summary) => {
            scratch.keep(&["data", "seal"]).map_err(PackError::place)?;
            if let Some(journal) = &request.journal {
                journal::remove(journal).map_err(PackError::Write)?;
            }
            Ok(summary)
        }
        Err(error) => {
            match &request.journal {
                Some(journal) if error.can_go_on() && unfinished(journal).is_some() => scratch.leave(),
                Some(journal) => journal::remove(journal).map_err(PackError::Write)?,
                None => {}
            }
            Err(error)
        }
    }
}

/// One program at a time; the lock ends with the program.
fn lock(journal: &Path) -> Result<File, PackError> {
    if let Some(folder) = journal.parent() {
        fs::create_dir_all(folder).map_err(PackError::Write)?;
    }
    let mut name = journal.as_os_str().to_owned();
    name.push(".lock");
    let file = File::create(PathBuf::from(name)).map_err(PackError::Write)?;
    // A program that this one is just starting holds it for a moment too.
    for pause in [1, 10, 100, 500] {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(pause)),
            Err(TryLockError::Error(error)) => return Err(PackError::Write(error)),
        }
    }
    Err(PackError::Busy)
}

/// What can be gone on with; what cannot is removed.
fn earlier(request: &PackRequest, fingerprint: Digest, place: &Path) -> Result<Option<Earlier>, PackError> {
    let Some(path) = &request.journal else { return Ok(None) };
    if let Some(found) = Journal::read(path)
        && found.opening.format == FORMAT
        && found.opening.request == fingerprint
        && found.opening.partial.is_dir()
    {
        return Ok(Some(found));
    }
    if let Some(opening) = journal::opening(path)
        && opening.partial.parent() == place.parent()
    {
        remove_folder(&opening.partial).map_err(PackError::Write)?;
    }
    journal::remove(path).map_err(PackError::Write)?;
    Ok(None)
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

struct Attempt<'a> {
    request: &'a PackRequest,
    plan: &'a Plan<'a>,
    keys: &'a dyn PackKeys,
    fingerprint: Digest,
    scratch: &'a Scratch,
}

impl Attempt<'_> {
    fn run(&self, earlier: Option<Earlier>, progress: &mut Watch<'_>) -> Result<PackageSummary, PackError> {
        let seed = self.seed(earlier.as_ref())?;
        let bulk = Bulk::begin(self.request.suite, &Seed::new(&seed))?;
        let journal = self.journal(&seed, earlier.as_ref())?;
        if earlier.is_none() {
            for folder in ["data", "seal"] {
                self.scratch.folder(folder).map_err(PackError::Write)?;
            }
        }
        let resumed = earlier.as_ref().map_or(0, |earlier| earlier.checkpoint.batch);
        let setup = Setup {
            folder: self.scratch.path().to_owned(),
            suite: self.request.suite,
            part_bytes: self.request.part_bytes,
            header: bulk.header.clone(),
            cipher: Arc::clone(&bulk.cipher),
            journal: journal.clone(),
            earlier: earlier.as_ref().map(|earlier| (earlier.parts.clone(), earlier.checkpoint.clone())),
        };
        let mut stream = SealStream::start(setup).map_err(PackError::Write)?;
        if let Some(earlier) = &earlier {
            let at = &earlier.checkpoint;
            stream.at(Some(Cursor { files: at.files, member: at.member, plain: None }));
        }
        let resumed_bytes = stream.batch_bytes().saturating_mul(resumed);
        let mut archive = ArchiveWriter::new(stream);
        let written =
            self.plan.write_inner(self.keys, &mut archive, earlier.as_ref(), journal.as_ref(), progress);
        let parts = match written {
            Ok(()) => archive.finish().and_then(SealStream::finish).map_err(PackError::from_write)?,
            Err(PackError::Write(error)) => {
                return Err(PackError::from_write(archive.into_inner().fault(error)));
            }
            Err(error) => return Err(error),
        };
        self.write_outer(&bulk, parts, resumed_bytes)
    }

    fn seed(&self, earlier: Option<&Earlier>) -> Result<Zeroizing<[u8; 32]>, PackError> {
        let mut seed = Zeroizing::new([0; 32]);
        match earlier {
            None => self.keys.random(&mut seed[..]),
            Some(earlier) => {
                let kept = hex::decode(&earlier.opening.seed).map_err(|_| PackError::Write(plan::lost()))?;
                let found = Zeroizing::new(self.keys.recover(&kept).map_err(PackError::Keys)?);
                *seed = found.as_slice().try_into().map_err(|_| PackError::Write(plan::lost()))?;
            }
        }
        Ok(seed)
    }

    fn journal(&self, seed: &[u8; 32], earlier: Option<&Earlier>) -> Result<Option<Arc<Journal>>, PackError> {
        let Some(path) = &self.request.journal else { return Ok(None) };
        let opening = match earlier {
            Some(earlier) => earlier.opening.clone(),
            None => Opening {
                format: FORMAT.to_owned(),
                package: self.request.package_id,
                created: self.request.created,
                partial: self.scratch.path().to_owned(),
                request: self.fingerprint,
                seed: hex::encode(self.keys.protect(seed).map_err(PackError::Keys)?),
            },
        };
        Journal::create(path, &opening, earlier).map(Arc::new).map(Some).map_err(PackError::Write)
    }

    fn write_outer(
        &self,
        bulk: &Bulk,
        parts: Vec<PartInfo>,
        resumed_bytes: u64,
    ) -> Result<PackageSummary, PackError> {
        let ciphertext_bytes = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.size));
        let mut outer = Outer { scratch: self.scratch, files: parts };
        match self.keys.wrap(&bulk.key_file).map_err(PackError::Keys)? {
            KeyEnvelope::Cms(bytes) => outer.write(KEY_ENVELOPE, &bytes)?,
            KeyEnvelope::HybridCms(bytes) => outer.write(HYBRID_ENVELOPE, &bytes)?,
        };
        let mut oxum = Oxum::default();
        outer.files.iter().for_each(|part| oxum.add(part.size));
        outer.files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let manifest: String =
            outer.files.iter().map(|part| manifest_line(&part.digest, &part.name)).collect();
        let info = BagInfo { label: self.plan.label.clone(), oxum, exhibits: Vec::new() };
        let tags = [
            (BAG_INFO, outer.write(BAG_INFO, info.write(Side::Outer).as_bytes())?),
            (BAGIT, outer.write(BAGIT, DECLARATION.as_bytes())?),
            (MANIFEST, outer.write(MANIFEST, manifest.as_bytes())?),
        ];
        let tags: String = tags.iter().map(|(name, digest)| manifest_line(digest, name)).collect();
        let tagmanifest_digest = outer.write(TAG_MANIFEST, tags.as_bytes())?;
        let signature = self.keys.sign(tags.as_bytes()).map_err(PackError::Keys)?;
        outer.write(SIGNATURE, &signature)?;
        if let Some(time_stamp) = self.keys.time_stamp(tags.as_bytes()).map_err(PackError::Keys)? {
            outer.write(TIME_STAMP, &time_stamp)?;
        }
        outer.files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(PackageSummary {
            label: info.label,
            tagmanifest_digest,
            files: outer.files,
            payload_files: self.plan.oxum.files,
            payload_bytes: self.plan.oxum.bytes,
            ciphertext_bytes,
            resumed_bytes,
        })
    }
}

/// Writes the small outer files and remembers each for the announcement.
struct Outer<'a> {
    scratch: &'a Scratch,
    files: Vec<PartInfo>,
}

impl Outer<'_> {
    /// What an interrupted attempt may have written is written again.
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<Digest, PackError> {
        self.scratch.replace(name, bytes).map_err(PackError::Write)?;
        let digest = Digest::of(bytes);
        self.files.push(PartInfo { name: name.to_owned(), size: length(bytes), digest });
        Ok(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Carry, Progress,
        fixture::{Bench, ToyKeys, carry_on, has_tool, noise, shell, toy_record, toy_report},
        survey,
    };
    use std::ops::ControlFlow;
    use vocabulary::Failure as _;

    #[test]
    fn the_summary_names_every_file_that_is_there() {
        let bench = Bench::usual();
        let summary = bench.pack();
        assert_eq!(summary.payload_files, 6);
        assert_eq!(summary.files, crate::list_package(&bench.path("package")).unwrap());
        for part in &summary.files {
            let bytes = fs::read(bench.path("package").join(&part.name)).unwrap();
            assert_eq!((part.size, part.digest), (length(&bytes), Digest::of(&bytes)), "{}", part.name);
        }
        let parts: Vec<_> =
            summary.files.iter().filter(|part| part.name.starts_with("data/payload")).collect();
        assert!(parts.len() > 2);
        assert!(parts.iter().rev().skip(1).all(|part| part.size == 100_000));
        assert_eq!(bench.left_behind(), ["case", "package"]);
    }

    #[test]
    fn no_name_size_or_digest_of_a_file_is_outside_the_encryption() {
        let bench = Bench::usual();
        let request = bench.request();
        bench.pack();
        for name in ["bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"] {
            let text = fs::read_to_string(bench.path("package").join(name)).unwrap();
            let recorded = fs::read_to_string(request.exhibits[0].expected.as_ref().unwrap()).unwrap();
            for line in recorded.lines() {
                let (hex, path) = line.split_once("  ").unwrap();
                assert!(!text.contains(path) && !text.contains(hex));
            }
            assert!(!text.contains("case"));
        }
    }

    #[test]
    fn a_file_that_changed_since_it_was_taken_in_is_named_and_nothing_is_left() {
        let bench = Bench::usual();
        let request = bench.request();
        for surveyed_again in [false, true] {
            fs::write(bench.path("case/mailbox.mbox"), "From somebody").unwrap();
            let mut request = request.clone();
            if surveyed_again {
                request.exhibits[0].listing = survey(&bench.path("case"), Carry::Files).unwrap();
            }
            let error = pack(request, &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap_err();
            assert_eq!(error.code(), if surveyed_again { "R-328" } else { "R-308" });
            assert!(error.to_string().contains("mailbox.mbox"), "{error}");
            assert_eq!(bench.left_behind(), ["case"]);
        }
        fs::remove_file(bench.path("case/mailbox.mbox")).unwrap();
        let error = pack(request, &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap_err();
        assert_eq!(error.code(), "R-307");
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_leaves_nothing() {
        let bench = Bench::new(&[("a", noise(2_000_000)), ("b", noise(10))]);
        let mut told = false;
        let result = pack(bench.request(), &ToyKeys::new(), &bench.path("package"), &mut |progress| {
            if !told && progress.done > 0 {
                told = true;
                fs::write(bench.path("case/b"), "other text").unwrap();
            }
            ControlFlow::Continue(())
        });
        assert_eq!(result.unwrap_err().code(), "R-308");
        assert_eq!(bench.left_behind(), ["case"]);
    }

    #[test]
    fn a_file_without_a_record_and_a_record_without_a_file_are_refused() {
        let bench = Bench::usual();
        let cut = |lines: std::ops::Range<usize>| {
            let request = bench.request();
            let path = request.exhibits[0].expected.clone().unwrap();
            let text = fs::read_to_string(&path).unwrap();
            let kept: Vec<&str> = text.split_inclusive('\n').collect();
            fs::write(&path, kept[lines].concat()).unwrap();
            request
        };
        let mut surplus = bench.request();
        fs::remove_file(bench.path("case/empty")).unwrap();
        surplus.exhibits[0].listing = survey(&bench.path("case"), Carry::Files).unwrap();
        let error = pack(surplus, &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap_err();
        assert_eq!(error.code(), "R-326");
        for lines in [0..4, 1..5, 0..0] {
            let request = cut(lines);
            let error = pack(request, &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap_err();
            assert_eq!(error.code(), "R-326");
        }
    }

    #[test]
    fn requests_that_make_no_package_are_refused_with_a_remedy() {
        let bench = Bench::usual();
        let with = |change: &dyn Fn(&mut PackRequest)| {
            let mut request = bench.request();
            change(&mut request);
            let error = pack(request, &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap_err();
            assert!(!error.remedy().is_empty());
            error.code()
        };
        assert_eq!(with(&|request| request.part_bytes = 0), "R-321");
        assert_eq!(with(&|request| request.part_bytes = 1), "R-322");
        assert_eq!(with(&|request| request.addressees.clear()), "R-323");
        assert_eq!(with(&|request| request.exhibits.clear()), "R-324");
        assert_eq!(with(&|request| request.exhibits[0].name = "../x".into()), "R-325");
        assert_eq!(with(&|request| request.exhibits.push(request.exhibits[0].clone())), "R-325");
        assert_eq!(bench.left_behind(), ["case"]);
        bench.pack();
        assert_eq!(with(&|_| ()), "R-320");
    }

    #[test]
    fn sealing_can_be_stopped_and_a_refusing_key_is_heard() {
        struct NoKeys;
        impl PackKeys for NoKeys {
            fn wrap(&self, _: &[u8]) -> Result<KeyEnvelope, Report> {
                Err(toy_report("the token is locked"))
            }
            fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Report> {
                Ok(vec![])
            }
            fn random(&self, bytes: &mut [u8]) {
                bytes.fill(9);
            }
            fn record(&self, _: &PackageLabel, _: &[SealedExhibit]) -> Result<InnerRecord, Report> {
                Ok(toy_record())
            }
        }
        let bench = Bench::usual();
        let stopped =
            pack(bench.request(), &ToyKeys::new(), &bench.path("package"), &mut |_| ControlFlow::Break(()));
        assert_eq!(stopped.unwrap_err().code(), "R-330");
        let locked = pack(bench.request(), &NoKeys, &bench.path("package"), &mut carry_on).unwrap_err();
        assert_eq!(locked.report().message, "the token is locked");
        assert_eq!(bench.left_behind(), ["case"]);
    }

    #[test]
    fn what_a_killed_attempt_left_is_replaced() {
        let bench = Bench::usual();
        let left = bench.path("package.partial-0198c0de-0000-7000-8000-000000000001");
        fs::create_dir_all(left.join("data")).unwrap();
        fs::write(left.join("data/payload.age.000000"), "half").unwrap();
        bench.pack();
        assert!(bench.verify().is_valid());
        assert_eq!(bench.left_behind(), ["case", "package"]);
    }

    #[test]
    fn stock_tools_check_and_open_the_package() {
        let tools = [
            ("bagit.py", "--version"),
            ("sha256sum", "--version"),
            ("age", "--version"),
            ("tar", "--version"),
        ];
        if !tools.iter().all(|(name, probe)| has_tool(name, probe)) {
            return;
        }
        for part_bytes in [1000, 100_000, DEFAULT_PART_BYTES] {
            let bench = Bench::usual();
            fs::create_dir(bench.path("nothing")).unwrap();
            let mut request = bench.request();
            request.part_bytes = part_bytes;
            request.exhibits.push(bench.exhibit("nothing at all", "nothing"));
            request.exhibits.push(bench.exhibit("дело 7", "case/mailbox.mbox"));
            pack(request, &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap();
            judge_with_stock_tools(&bench);
            let same = "diff -r case plain/data/case && ls plain/data && test -d 'plain/data/nothing at all'";
            shell(bench.root.path(), same);
            let times = "stat -c %Y case/empty; stat -c %Y plain/data/case/empty";
            let times = shell(bench.root.path(), times);
            assert_eq!(times.lines().next(), times.lines().nth(1));
        }
    }

    fn judge_with_stock_tools(bench: &Bench) {
        let root = bench.root.path();
        shell(root, "bagit.py --validate package");
        shell(root, "cd package && sha256sum --strict -c manifest-sha256.txt tagmanifest-sha256.txt");
        shell(root, "tail -n 1 package/data/package-key.p7m > id.txt");
        shell(root, "cat package/data/payload.age.* | age -d -i id.txt | tar x");
        shell(root, "bagit.py --validate plain");
        shell(root, "cd plain && sha256sum --strict -c tagmanifest-sha256.txt");
        // `sha256sum` refuses a list of no files; `bagit.py` does not.
        shell(
            root,
            "cd plain && { ! test -s manifest-sha256.txt || sha256sum --strict -c manifest-sha256.txt; }",
        );
    }

    #[test]
    fn an_exhibit_without_files_and_files_without_bytes_make_a_package() {
        let empty = Bench::new(&[]);
        assert_eq!(empty.pack().payload_files, 0);
        let hollow = Bench::new(&[("a", vec![]), ("b", vec![])]);
        assert_eq!(hollow.pack().payload_bytes, 0);
        for bench in [empty, hollow] {
            assert!(bench.verify().is_valid());
            bench.open().unwrap();
            if ["bagit.py", "age", "tar"].iter().all(|name| has_tool(name, "--version")) {
                fs::remove_dir_all(bench.path("opened")).unwrap();
                judge_with_stock_tools(&bench);
            }
        }
    }

    #[test]
    fn files_that_fill_chunks_and_parts_exactly_go_round() {
        for size in [65_536 - 512, 65_536, 2 * 65_536, 4 * 65_536 - 512 * 9] {
            let bench = Bench::new(&[("exact", noise(size))]);
            let mut request = bench.request();
            request.part_bytes = 65_552;
            pack(request, &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap();
            assert!(bench.verify().is_valid());
            let opened = bench.open().unwrap();
            assert_eq!(opened.bytes, u64::try_from(size).unwrap());
            assert_eq!(fs::read(bench.path("opened/data/case/exact")).unwrap(), noise(size));
        }
    }

    /// Stops a seal with a journal somewhere, as a kill would, and gives back how far the next one had not to go.
    fn go_on_after(bench: &Bench, stop_at: u64) -> u64 {
        let request = || {
            let mut request = bench.request();
            request.journal = Some(bench.records.path().join("journal"));
            request.part_bytes = 300_000;
            request
        };
        let stopped =
            pack(request(), &ToyKeys::new(), &bench.path("package"), &mut |progress| match progress.done
                > stop_at
            {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            });
        assert_eq!(stopped.unwrap_err().code(), "R-330");
        let summary = pack(request(), &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap();
        assert!(bench.verify().is_valid());
        let opened = bench.open().unwrap();
        assert_eq!(opened.bytes, summary.payload_bytes);
        let same = shell(bench.root.path(), "diff -r case opened/data/case && echo same");
        assert_eq!(same, "same\n");
        assert_eq!(bench.left_behind(), ["case", "opened", "package"]);
        assert!(!bench.records.path().join("journal").exists());
        summary.resumed_bytes
    }

    #[test]
    fn a_seal_that_was_stopped_anywhere_goes_on_where_it_was() {
        let names: Vec<String> = (0..40).map(|number| format!("mail/{number:03}.eml")).collect();
        let mut kept = 0;
        for stop_at in [0, 500_000, 1_100_000, 2_500_000, 3_300_000, 3_650_000, 3_999_000] {
            let mut files = vec![("image.dd", noise(3_333_333))];
            files.extend(names.iter().map(|name| (name.as_str(), noise(17_777))));
            let bench = Bench::new(&files);
            kept += go_on_after(&bench, stop_at);
        }
        assert!(kept > 8_000_000, "{kept}");
    }

    #[test]
    fn a_changed_source_or_another_request_begins_anew() {
        let bench = Bench::new(&[("image.dd", noise(3_000_000))]);
        let request = |part_bytes| {
            let mut request = bench.request();
            request.journal = Some(bench.records.path().join("journal"));
            request.part_bytes = part_bytes;
            request
        };
        let stop = |progress: Progress| match progress.done > 2_500_000 {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        pack(request(300_000), &ToyKeys::new(), &bench.path("package"), &mut { stop }).unwrap_err();
        assert!(unfinished(&bench.records.path().join("journal")).is_some());
        let summary = pack(request(400_000), &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap();
        assert_eq!(summary.resumed_bytes, 0);
        fs::remove_dir_all(bench.path("package")).unwrap();
        pack(request(300_000), &ToyKeys::new(), &bench.path("package"), &mut { stop }).unwrap_err();
        fs::write(bench.path("case/image.dd"), noise(2_999_999)).unwrap();
        let summary = pack(request(300_000), &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap();
        assert_eq!(summary.resumed_bytes, 0);
        assert_eq!(bench.left_behind(), ["case", "package"]);
        fs::remove_dir_all(bench.path("package")).unwrap();
        pack(request(300_000), &ToyKeys::new(), &bench.path("package"), &mut { stop }).unwrap_err();
        forget(&bench.records.path().join("journal")).unwrap();
        assert_eq!(bench.left_behind(), ["case"]);
    }

    #[test]
    fn the_second_suite_goes_round_at_every_size_around_its_chunks_and_batches() {
        // The archive is 512 bytes a block: these sizes end it on and beside whole chunks and batches.
        for blocks in [0, 1, 31, 32, 33, 63, 64, 1023, 1024, 1025, 2000] {
            let bench = Bench::new(&[("exact", noise(512 * blocks))]);
            let mut request = bench.request();
            request.suite = BulkSuite::Cobblestone256;
            let summary = pack(request, &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap();
            assert!(summary.files.iter().any(|file| file.name == "data/payload.cob.000000"));
            let report = bench.verify();
            assert!(report.is_valid(), "{report}");
            bench.open().unwrap();
            assert!(
                fs::read(bench.path("opened/data/case/exact")).unwrap() == noise(512 * blocks),
                "{blocks}"
            );
        }
    }

    #[test]
    fn links_strange_names_and_empty_folders_travel_as_one_archive() {
        let bench = Bench::usual();
        std::os::unix::fs::symlink("nowhere", bench.path("case/link")).unwrap();
        fs::create_dir(bench.path("case/empty folder")).unwrap();
        let mut request = bench.request_without_exhibits();
        request.exhibits.push(PackExhibit {
            exhibit_id: "0198c0de-0000-7000-8000-00000000000e".parse().unwrap(),
            name: "case".into(),
            listing: survey(&bench.path("case"), Carry::Archive).unwrap(),
            expected: None,
        });
        pack(request, &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap();
        assert_eq!(bench.open().unwrap().files, 1);
        shell(
            bench.root.path(),
            "mkdir out && tar -xf opened/data/case/case.tar -C out && diff -r --no-dereference case out",
        );
    }
}
