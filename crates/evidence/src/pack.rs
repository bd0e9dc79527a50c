//! Seals exhibits into a package in one pass: read, hash, archive, encrypt, hash, write, in constant memory.

use crate::{
    age::{AgeError, AgeIdentity, AgeWriter},
    archive::{ArchiveWriter, Kind, Member},
    bag::{DECLARATION, PartInfo, manifest_line},
    folder::{
        FileDigest, MAX_FILES, READ_BYTES, ScanError, SourceFile, check_relative, finish, length, name_fault,
        read_exactly,
    },
    label::{BagInfo, ExhibitLabel, Oxum, PackageLabel, Side, day_of},
    package::{BAG_INFO, BAGIT, KEY_ENVELOPE, MANIFEST, MAX_PARTS, SIGNATURE, TAG_MANIFEST, part_name},
    progress::{Progress, Watch},
    scratch::{Scratch, create_new},
};
use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use vocabulary::{Digest, ExhibitId, Failure, Family, FileId, Instant, OfficeId, PackageId, Report};
use zeroize::Zeroizing;

/// The usual size of a part: 256 MiB.
pub const DEFAULT_PART_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of the custody record inside the package.
pub const MAX_CUSTODY_BYTES: u64 = 64 * 1024 * 1024;

/// What a package is made of.
#[derive(Debug, Clone)]
pub struct PackRequest {
    pub package_id: PackageId,
    pub file_id: FileId,
    pub from: OfficeId,
    pub to: OfficeId,
    /// SHA-256 of the DER of every certificate to which `PackKeys::wrap` encrypts.
    pub addressees: Vec<Digest>,
    pub created: Instant,
    pub part_bytes: u64,
    pub exhibits: Vec<PackExhibit>,
    /// The custody record, carried as it is.
    pub custody: Vec<u8>,
}

/// One exhibit: its files as they lie on the disk now, and what was recorded of them when they were taken in.
#[derive(Debug, Clone)]
pub struct PackExhibit {
    pub exhibit_id: ExhibitId,
    /// The folder of the exhibit inside the package.
    pub name: String,
    pub files: Vec<SourceFile>,
    pub expected: Vec<FileDigest>,
}

/// The keys and the randomness that sealing needs.
pub trait PackKeys {
    /// Encrypts the package key to every addressee's certificate (CMS AuthEnvelopedData).
    fn wrap(&self, package_key: &[u8]) -> Result<Vec<u8>, Report>;
    /// Signs a tag manifest (CMS, CAdES, detached).
    fn sign(&self, tag_manifest: &[u8]) -> Result<Vec<u8>, Report>;
    /// Fills `bytes` from a cryptographic source.
    fn random(&self, bytes: &mut [u8]);
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
}

/// Seals `request` into the new folder `out`; on any failure nothing is left there.
pub fn pack(
    request: PackRequest,
    keys: &dyn PackKeys,
    out: &Path,
    progress: &mut Watch<'_>,
) -> Result<PackageSummary, PackError> {
    let plan = Plan::new(&request)?;
    let scratch = Scratch::create(out, &request.package_id.to_string()).map_err(PackError::place)?;
    for folder in ["data", "seal"] {
        scratch.folder(folder).map_err(PackError::Write)?;
    }
    let mut secret = Zeroizing::new([0; 32]);
    keys.random(&mut secret[..]);
    let identity = AgeIdentity::from_secret(&secret)?;
    let parts = PartWriter::new(scratch.path(), request.part_bytes);
    let cipher = AgeWriter::new(parts, &identity.recipient(), &|bytes| keys.random(bytes))?;
    let mut archive = ArchiveWriter::new(cipher);
    plan.write_inner(&request.custody, keys, &mut archive, progress)?;
    let cipher = archive.finish().map_err(PackError::from_write)?;
    let parts = cipher.finish().and_then(PartWriter::finish).map_err(PackError::from_write)?;
    let summary = plan.write_outer(&scratch, &identity, keys, parts)?;
    scratch.keep(&["data", "seal"]).map_err(PackError::place)?;
    Ok(summary)
}

/// A checked request: every file with its place in the bag, in the order in which they are written.
struct Plan<'a> {
    label: PackageLabel,
    exhibits: Vec<ExhibitLabel>,
    items: Vec<Item<'a>>,
    oxum: Oxum,
    /// Seconds since 1970, for the members that are not files of an exhibit.
    created: u64,
}

struct Item<'a> {
    path: String,
    source: &'a SourceFile,
    expected: &'a FileDigest,
}

impl<'a> Plan<'a> {
    fn new(request: &'a PackRequest) -> Result<Self, PackError> {
        if request.part_bytes == 0 {
            return Err(PackError::PartBytes);
        }
        if length(&request.custody) > MAX_CUSTODY_BYTES {
            return Err(PackError::Custody { limit: MAX_CUSTODY_BYTES });
        }
        let mut addressees = request.addressees.clone();
        addressees.sort_unstable();
        addressees.dedup();
        if addressees.is_empty() {
            return Err(PackError::NoAddressee);
        }
        let (exhibits, items) = (exhibits(request)?, items(request)?);
        let mut oxum = Oxum::default();
        items.iter().for_each(|item| oxum.add(item.expected.size));
        if oxum.bytes / request.part_bytes >= MAX_PARTS {
            return Err(PackError::TooManyParts { limit: MAX_PARTS });
        }
        let label = PackageLabel {
            package_id: request.package_id,
            file_id: request.file_id,
            from: request.from,
            to: request.to,
            addressees,
            bagging_date: day_of(request.created),
        };
        let created = u64::try_from(request.created.seconds()).unwrap_or(0);
        Ok(Self { label, exhibits, items, oxum, created })
    }

    /// The plain bag, in the order that the format lays down.
    fn write_inner<W: Write>(
        &self,
        custody: &[u8],
        keys: &dyn PackKeys,
        archive: &mut ArchiveWriter<W>,
        progress: &mut Watch<'_>,
    ) -> Result<(), PackError> {
        let info = BagInfo { label: self.label.clone(), oxum: self.oxum, exhibits: self.exhibits.clone() }
            .write(Side::Inner);
        let write = PackError::from_write;
        archive.add_folder("plain", self.created).map_err(write)?;
        archive.add("plain/bagit.txt", DECLARATION.as_bytes(), self.created).map_err(write)?;
        archive.add("plain/bag-info.txt", info.as_bytes(), self.created).map_err(write)?;
        archive.add_folder("plain/data", self.created).map_err(write)?;
        for exhibit in &self.exhibits {
            archive.add_folder(&format!("plain/data/{}", exhibit.name), self.created).map_err(write)?;
        }
        self.write_files(archive, progress)?;
        let manifest = self.write_manifest(archive).map_err(write)?;
        archive.add("plain/custody.json", custody, self.created).map_err(write)?;
        let tags = [
            manifest_line(&Digest::of(info.as_bytes()), BAG_INFO),
            manifest_line(&Digest::of(DECLARATION.as_bytes()), BAGIT),
            manifest_line(&Digest::of(custody), "custody.json"),
            manifest_line(&manifest, MANIFEST),
        ]
        .concat();
        let signature = keys.sign(tags.as_bytes()).map_err(PackError::Keys)?;
        archive.add("plain/tagmanifest-sha256.txt", tags.as_bytes(), self.created).map_err(write)?;
        archive.add("plain/inner-signature.p7s", &signature, self.created).map_err(write)
    }

    fn write_files<W: Write>(
        &self,
        archive: &mut ArchiveWriter<W>,
        progress: &mut Watch<'_>,
    ) -> Result<(), PackError> {
        let mut buffer = vec![0; READ_BYTES];
        let mut done = 0;
        for item in &self.items {
            let modified = u64::try_from(item.source.modified.seconds()).unwrap_or(0);
            let size = item.expected.size;
            let path = format!("plain/{}", item.path);
            archive
                .begin(&Member { path, kind: Kind::File, size, modified })
                .map_err(PackError::from_write)?;
            let mut context = Context::new(&SHA256);
            read_exactly(item.source, size, &mut buffer, &mut |bytes| {
                context.update(bytes);
                archive.write_all(bytes).map_err(PackError::from_write)?;
                done += length(bytes);
                match progress(Progress { done, total: self.oxum.bytes, what: "sealing" }) {
                    ControlFlow::Break(()) => Err(PackError::Cancelled),
                    ControlFlow::Continue(()) => Ok(()),
                }
            })?;
            let found = finish(context);
            if found != item.expected.digest {
                let path = item.path.clone();
                return Err(PackError::Changed { path, expected: item.expected.digest, found });
            }
        }
        Ok(())
    }

    /// Line by line, because a million files make a long manifest.
    fn write_manifest<W: Write>(&self, archive: &mut ArchiveWriter<W>) -> io::Result<Digest> {
        let lines = || self.items.iter().map(|item| manifest_line(&item.expected.digest, &item.path));
        let size = lines().fold(0, |sum: u64, line| sum.saturating_add(length(line.as_bytes())));
        let path = "plain/manifest-sha256.txt".to_owned();
        archive.begin(&Member { path, kind: Kind::File, size, modified: self.created })?;
        let mut context = Context::new(&SHA256);
        for line in lines() {
            context.update(line.as_bytes());
            archive.write_all(line.as_bytes())?;
        }
        Ok(finish(context))
    }

    fn write_outer(
        self,
        scratch: &Scratch,
        identity: &AgeIdentity,
        keys: &dyn PackKeys,
        parts: Vec<PartInfo>,
    ) -> Result<PackageSummary, PackError> {
        let mut text = identity.to_text();
        text.push('\n');
        let envelope = keys.wrap(text.as_bytes()).map_err(PackError::Keys)?;
        let ciphertext_bytes = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.size));
        let mut outer = Outer { scratch, files: parts };
        outer.write(KEY_ENVELOPE, &envelope)?;
        let mut oxum = Oxum::default();
        outer.files.iter().for_each(|part| oxum.add(part.size));
        outer.files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let manifest: String =
            outer.files.iter().map(|part| manifest_line(&part.digest, &part.name)).collect();
        let info = BagInfo { label: self.label, oxum, exhibits: Vec::new() };
        let tags = [
            (BAG_INFO, outer.write(BAG_INFO, info.write(Side::Outer).as_bytes())?),
            (BAGIT, outer.write(BAGIT, DECLARATION.as_bytes())?),
            (MANIFEST, outer.write(MANIFEST, manifest.as_bytes())?),
        ];
        let tags: String = tags.iter().map(|(name, digest)| manifest_line(digest, name)).collect();
        let tagmanifest_digest = outer.write(TAG_MANIFEST, tags.as_bytes())?;
        let signature = keys.sign(tags.as_bytes()).map_err(PackError::Keys)?;
        outer.write(SIGNATURE, &signature)?;
        outer.files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(PackageSummary {
            label: info.label,
            tagmanifest_digest,
            files: outer.files,
            payload_files: self.oxum.files,
            payload_bytes: self.oxum.bytes,
            ciphertext_bytes,
        })
    }
}

fn exhibits(request: &PackRequest) -> Result<Vec<ExhibitLabel>, PackError> {
    let mut exhibits = Vec::with_capacity(request.exhibits.len());
    for exhibit in &request.exhibits {
        let name = exhibit.name.clone();
        if let Some(what) = name_fault(&name) {
            return Err(PackError::ExhibitName { name: name.chars().take(80).collect(), what });
        }
        exhibits.push(ExhibitLabel { exhibit_id: exhibit.exhibit_id, name });
    }
    exhibits.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    for pair in exhibits.windows(2) {
        if let [one, two] = pair
            && one.name == two.name
        {
            return Err(PackError::ExhibitName { name: one.name.clone(), what: "two exhibits have it" });
        }
    }
    match exhibits.is_empty() {
        true => Err(PackError::NoExhibit),
        false => Ok(exhibits),
    }
}

/// Pairs every file with what was recorded of it, and sorts by the path in the bag.
fn items(request: &PackRequest) -> Result<Vec<Item<'_>>, PackError> {
    let mut items = Vec::new();
    for exhibit in &request.exhibits {
        let mut files: Vec<&SourceFile> = exhibit.files.iter().collect();
        let mut expected: Vec<&FileDigest> = exhibit.expected.iter().collect();
        files.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
        expected.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
        let unpaired = files.iter().zip(&expected).find(|(file, known)| file.relative != known.relative);
        let surplus = files.get(expected.len()).map(|file| &file.relative);
        let missing = expected.get(files.len()).map(|file| &file.relative);
        if let Some(path) = unpaired.map(|(file, _)| &file.relative).or(surplus).or(missing) {
            return Err(PackError::NotRecorded { path: path.clone(), exhibit: exhibit.name.clone() });
        }
        for (source, expected) in files.into_iter().zip(expected) {
            check_relative(&source.relative)?;
            let path = format!("data/{}/{}", exhibit.name, source.relative);
            items.push(Item { path, source, expected });
        }
    }
    if items.len() > MAX_FILES {
        return Err(ScanError::TooMany { limit: MAX_FILES }.into());
    }
    items.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    match items.windows(2).find_map(|pair| match pair {
        [one, two] if one.path == two.path => Some(one),
        _ => None,
    }) {
        Some(twice) => Err(PackError::Twice { path: twice.path.clone() }),
        None => Ok(items),
    }
}

/// Writes the small outer files and remembers each for the announcement.
struct Outer<'a> {
    scratch: &'a Scratch,
    files: Vec<PartInfo>,
}

impl Outer<'_> {
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<Digest, PackError> {
        self.scratch.write(name, bytes).map_err(PackError::Write)?;
        let digest = Digest::of(bytes);
        self.files.push(PartInfo { name: name.to_owned(), size: length(bytes), digest });
        Ok(digest)
    }
}

/// Cuts the encrypted stream into files of equal size, each hashed and made durable.
struct PartWriter {
    root: PathBuf,
    part_bytes: u64,
    open: Option<OpenPart>,
    parts: Vec<PartInfo>,
}

struct OpenPart {
    file: File,
    context: Context,
    size: u64,
}

impl PartWriter {
    fn new(root: &Path, part_bytes: u64) -> Self {
        Self { root: root.to_owned(), part_bytes, open: None, parts: Vec::new() }
    }

    fn finish(mut self) -> io::Result<Vec<PartInfo>> {
        self.close()?;
        Ok(self.parts)
    }

    fn close(&mut self) -> io::Result<()> {
        let Some(part) = self.open.take() else { return Ok(()) };
        part.file.sync_all()?;
        let name = part_name(self.index());
        self.parts.push(PartInfo { name, size: part.size, digest: finish(part.context) });
        Ok(())
    }

    fn index(&self) -> u64 {
        u64::try_from(self.parts.len()).unwrap_or(u64::MAX)
    }

    fn begin(&self) -> io::Result<OpenPart> {
        if self.index() >= MAX_PARTS {
            return Err(io::Error::other(PackError::TooManyParts { limit: MAX_PARTS }));
        }
        let file = create_new(&self.root.join(part_name(self.index())))?;
        Ok(OpenPart { file, context: Context::new(&SHA256), size: 0 })
    }
}

impl Write for PartWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut part = match self.open.take() {
            Some(part) => part,
            None => self.begin()?,
        };
        let room = usize::try_from(self.part_bytes.saturating_sub(part.size)).unwrap_or(usize::MAX);
        let written = part.file.write(data.get(..room).unwrap_or(data))?;
        let bytes = data.get(..written).unwrap_or_default();
        part.context.update(bytes);
        part.size = part.size.saturating_add(length(bytes));
        let full = part.size >= self.part_bytes;
        self.open = Some(part);
        if full {
            self.close()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |part| part.file.flush())
    }
}

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("something is already at the place of the package")]
    OutExists,
    #[error("a part of 0 bytes holds nothing")]
    PartBytes,
    #[error("the package would have more than {limit} parts")]
    TooManyParts { limit: u64 },
    #[error("the package has no addressee")]
    NoAddressee,
    #[error("the package has no exhibit")]
    NoExhibit,
    #[error("the exhibit cannot be called `{name}`: {what}")]
    ExhibitName { name: String, what: &'static str },
    #[error("exhibit `{exhibit}` and its record of intake do not agree about `{path}`")]
    NotRecorded { path: String, exhibit: String },
    #[error("`{path}` is in the package twice")]
    Twice { path: String },
    #[error("`{path}` changed since it was taken in: recorded {expected}, found {found}")]
    Changed { path: String, expected: Digest, found: Digest },
    #[error("the custody record is longer than {limit} bytes")]
    Custody { limit: u64 },
    #[error("sealing was stopped")]
    Cancelled,
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error(transparent)]
    Age(#[from] AgeError),
    #[error("the key refused: {0}")]
    Keys(Report),
    #[error("the package could not be written")]
    Write(#[source] io::Error),
}

impl PackError {
    fn place(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::OutExists,
            _ => Self::Write(error),
        }
    }

    /// Gives back the error that a layer of the stream wrapped.
    fn from_write(error: io::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(own) => return own,
            Err(other) => other,
        };
        match error.downcast::<AgeError>() {
            Ok(age) => Self::Age(age),
            Err(other) => Self::Write(other),
        }
    }
}

impl Failure for PackError {
    fn family(&self) -> Family {
        match self {
            Self::Scan(error) => error.family(),
            Self::Age(error) => error.family(),
            Self::Keys(report) => report.family,
            Self::Write(_) => Family::Fault,
            _ => Family::Refusal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::OutExists => "R-320",
            Self::PartBytes => "R-321",
            Self::TooManyParts { .. } => "R-322",
            Self::NoAddressee => "R-323",
            Self::NoExhibit => "R-324",
            Self::ExhibitName { .. } => "R-325",
            Self::NotRecorded { .. } => "R-326",
            Self::Twice { .. } => "R-327",
            Self::Changed { .. } => "R-328",
            Self::Custody { .. } => "R-329",
            Self::Cancelled => "R-330",
            Self::Scan(error) => error.code(),
            Self::Age(error) => error.code(),
            Self::Keys(_) => "F-331",
            Self::Write(_) => "F-330",
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::Changed { .. } | Self::NotRecorded { .. } => Some("ISO/IEC 27037".to_owned()),
            Self::Scan(error) => error.clause(),
            Self::Age(error) => error.clause(),
            Self::Keys(report) => report.clause.clone(),
            _ => None,
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::OutExists => "choose a place where nothing is yet",
            Self::PartBytes => "choose parts of at least 1 byte; 256 MiB is usual",
            Self::TooManyParts { .. } => "choose larger parts",
            Self::NoAddressee => "name at least one certificate that may open the package",
            Self::NoExhibit => "name at least one exhibit",
            Self::ExhibitName { .. } => "give the exhibit another name",
            Self::NotRecorded { .. } => "take the exhibit in again",
            Self::Twice { .. } => "name every file once",
            Self::Changed { .. } => {
                "find out who changed the file and why; take it in again as a new exhibit"
            }
            Self::Custody { .. } => "divide the exhibits over several packages",
            Self::Cancelled => "start again when ready",
            Self::Scan(error) => return error.remedy(),
            Self::Age(error) => return error.remedy(),
            Self::Keys(report) => return report.remedy.clone(),
            Self::Write(_) => "check the space and the permissions of the disk, and try again",
        }
        .to_owned()
    }

    fn report(&self) -> Report {
        match self {
            Self::Keys(report) => report.clone(),
            _ => Report {
                family: self.family(),
                code: self.code().to_owned(),
                message: self.to_string(),
                clause: self.clause(),
                remedy: self.remedy(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Bench, ToyKeys, carry_on, has_tool, noise, shell, toy_report};
    use std::fs;

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
            for file in &request.exhibits[0].expected {
                assert!(!text.contains(&file.relative) && !text.contains(&file.digest.hex()));
            }
            assert!(!text.contains("case"));
        }
    }

    #[test]
    fn a_file_that_changed_since_it_was_taken_in_is_named_and_nothing_is_left() {
        let bench = Bench::usual();
        let request = bench.request();
        for (text, code) in [("From somebody", "R-308"), ("From Nobody\n", "R-328")] {
            fs::write(bench.path("case/mailbox.mbox"), text).unwrap();
            let error =
                pack(request.clone(), &ToyKeys::new(), &bench.path("package"), &mut carry_on).unwrap_err();
            assert_eq!(error.code(), code);
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
        assert_eq!(result.unwrap_err().code(), "R-328");
        assert_eq!(bench.left_behind(), ["case"]);
    }

    #[test]
    fn a_file_without_a_record_and_a_record_without_a_file_are_refused() {
        let bench = Bench::usual();
        let mut short = bench.request();
        short.exhibits[0].expected.pop();
        let mut other = bench.request();
        other.exhibits[0].files.remove(0);
        for request in [short, other] {
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
            fn wrap(&self, _: &[u8]) -> Result<Vec<u8>, Report> {
                Err(toy_report("the token is locked"))
            }
            fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Report> {
                Ok(vec![])
            }
            fn random(&self, bytes: &mut [u8]) {
                bytes.fill(9);
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
            assert_eq!(opened.files[0].digest, Digest::of(&noise(size)));
        }
    }
}
