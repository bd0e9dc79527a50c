//! Opens a package in one pass: decrypt, unpack into a scratch folder, verify the inner bag, and only then accept it.

use crate::{
    age::{AgeError, AgeIdentity, AgeReader},
    archive::{ArchiveFault, ArchiveReader, Kind, Member},
    bag::{BagFault, DECLARATION, read_manifest},
    folder::{FileDigest, MAX_FILES, READ_BYTES, finish, tree_digest},
    label::{BagInfo, ExhibitLabel, MAX_INFO_BYTES, Oxum, PackageLabel, Side},
    pack::MAX_CUSTODY_BYTES,
    package::{
        BAG_INFO, BAGIT, MANIFEST, MAX_SIGNATURE_BYTES, PackageFolder, Parts, TAG_MANIFEST,
        parse_tag_manifest,
    },
    progress::{Progress, Watch},
    scratch::{Scratch, create_new},
    verify::{SignerInfo, VerifyFault, VerifySignature},
};
use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};
use vocabulary::{Digest, Failure, Family, Report};
use zeroize::Zeroizing;

const CUSTODY: &str = "custody.json";
const INNER_SIGNATURE: &str = "inner-signature.p7s";
/// What the inner tag manifest lists.
const INNER_TAGS: [&str; 4] = [BAG_INFO, BAGIT, CUSTODY, MANIFEST];
const MAX_TAG_MANIFEST_BYTES: u64 = 64 * 1024;

/// Opens the key envelope and gives its content, one line with an age identity.
pub type Unwrap<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, Report> + 'a;

/// A package that was opened and whose inner bag, inner signature and label all hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub label: PackageLabel,
    /// Who signed the inner bag: they knew the plaintext.
    pub signer: SignerInfo,
    pub exhibits: Vec<OpenedExhibit>,
    /// Every file, its path below the output folder (`data/<exhibit>/…`), in ascending order.
    pub files: Vec<FileDigest>,
    /// The custody record, as it was sealed.
    pub custody: Vec<u8>,
}

/// One exhibit as it lies in the output folder, under `data/<name>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedExhibit {
    #[serde(flatten)]
    pub label: ExhibitLabel,
    pub files: u64,
    pub bytes: u64,
    /// As `measure` gave it when the exhibit was taken in.
    pub tree_digest: Digest,
}

/// Opens the package into the new folder `out`, which becomes the inner bag; on any failure nothing is left there.
///
/// `unwrap` opens the key envelope. The outer bag is not checked again: call `verify_outer` first.
pub fn open(
    package: &Path,
    unwrap: &Unwrap<'_>,
    verify_inner_signature: &VerifySignature<'_>,
    out: &Path,
    progress: &mut Watch<'_>,
) -> Result<Opened, OpenError> {
    let folder = PackageFolder::new(package);
    let outer = folder.info()?;
    let manifest = folder.manifest()?;
    let mut total: u64 = 0;
    for entry in manifest.iter().skip(1) {
        total = total.saturating_add(folder.size(&entry.path)?);
    }
    let key = Zeroizing::new(unwrap(&folder.key_envelope()?).map_err(OpenError::Keys)?);
    let identity = parse_package_key(&key)?;
    let scratch = Scratch::create(out, &outer.label.package_id.to_string()).map_err(OpenError::place)?;
    let cipher = AgeReader::new(folder.parts(&manifest), &identity).map_err(OpenError::from_age)?;
    if cipher.stanza_count() != 1 {
        return Err(OpenError::Stanzas { found: cipher.stanza_count() });
    }
    let opener = Opener {
        archive: ArchiveReader::new(cipher),
        root: scratch.path(),
        buffer: vec![0; READ_BYTES],
        progress,
        total,
    };
    let opened = opener.run(&outer.label, verify_inner_signature)?;
    scratch.keep(&["data"]).map_err(OpenError::place)?;
    Ok(opened)
}

/// One `AGE-SECRET-KEY-1…` and one line feed.
fn parse_package_key(bytes: &[u8]) -> Result<AgeIdentity, OpenError> {
    let text = std::str::from_utf8(bytes).ok();
    let line = text.and_then(|text| text.strip_suffix('\n'));
    let wrong = AgeError::Key { expected: "one line with an age identity" };
    Ok(line.ok_or(wrong)?.parse::<AgeIdentity>()?)
}

struct Opener<'a, 'w> {
    archive: ArchiveReader<AgeReader<Parts<'a>>>,
    root: &'a Path,
    buffer: Vec<u8>,
    progress: &'a mut Watch<'w>,
    total: u64,
}

impl Opener<'_, '_> {
    /// The members in the one order that the format knows.
    fn run(mut self, outer: &PackageLabel, verify: &VerifySignature<'_>) -> Result<Opened, OpenError> {
        self.folder("plain")?;
        let declaration = self.small(BAGIT, 1024)?;
        if declaration != DECLARATION.as_bytes() {
            return Err(BagFault::Declaration { file: "plain/bagit.txt".to_owned() }.into());
        }
        let info_bytes = self.small(BAG_INFO, MAX_INFO_BYTES)?;
        let info = BagInfo::parse(&info_bytes, Side::Inner)?;
        if info.label != *outer {
            return Err(OpenError::Label);
        }
        self.folder("plain/data")?;
        self.create_folder("data")?;
        for exhibit in &info.exhibits {
            self.folder(&format!("plain/data/{}", exhibit.name))?;
            self.create_folder(&format!("data/{}", exhibit.name))?;
        }
        let (files, manifest) = self.payload(&info)?;
        let manifest_digest = self.manifest(manifest, &files)?;
        let custody = self.small(CUSTODY, MAX_CUSTODY_BYTES)?;
        let tags = self.small(TAG_MANIFEST, MAX_TAG_MANIFEST_BYTES)?;
        let found =
            [Digest::of(&info_bytes), Digest::of(&declaration), Digest::of(&custody), manifest_digest];
        check_tags(&tags, found)?;
        let signature = self.small(INNER_SIGNATURE, MAX_SIGNATURE_BYTES)?;
        self.end()?;
        let signer = verify(&tags, &signature).map_err(OpenError::Signature)?;
        if signer.office != info.label.from {
            let fault = VerifyFault::Signer { said: info.label.from, signed: signer.office };
            return Err(OpenError::Signer(fault));
        }
        let exhibits = info.exhibits.into_iter().map(|label| exhibit(label, &files)).collect();
        Ok(Opened { label: info.label, signer, exhibits, files, custody })
    }

    fn next(&mut self) -> Result<Option<Member>, OpenError> {
        self.archive.next().map_err(|error| self.fault(error))
    }

    fn expect(&mut self, path: &str, kind: Kind) -> Result<Member, OpenError> {
        let found = self.next()?;
        match found {
            Some(member) if member.path == path && member.kind == kind => Ok(member),
            other => Err(out_of_order(path, other)),
        }
    }

    fn folder(&mut self, path: &str) -> Result<(), OpenError> {
        self.expect(path, Kind::Folder).map(drop)
    }

    fn create_folder(&self, name: &str) -> Result<(), OpenError> {
        fs::create_dir(self.root.join(name)).map_err(|error| taken(name, error))
    }

    /// Reads a small member into memory and writes it to the scratch folder.
    fn small(&mut self, name: &'static str, limit: u64) -> Result<Vec<u8>, OpenError> {
        let member = self.expect(&format!("plain/{name}"), Kind::File)?;
        if member.size > limit {
            return Err(ArchiveFault::TooLarge { path: name, limit }.into());
        }
        let mut bytes = Vec::new();
        self.archive.read_to_end(&mut bytes).map_err(|error| self.fault(error))?;
        let mut file = create_new(&self.root.join(name)).map_err(OpenError::Write)?;
        file.write_all(&bytes).map_err(OpenError::Write)?;
        Ok(bytes)
    }

    /// Every file under `plain/data/`, and the member that follows the last.
    fn payload(&mut self, info: &BagInfo) -> Result<(Vec<FileDigest>, Member), OpenError> {
        let names: BTreeSet<&str> = info.exhibits.iter().map(|exhibit| exhibit.name.as_str()).collect();
        let mut files: Vec<FileDigest> = Vec::new();
        let mut oxum = Oxum::default();
        loop {
            let member = self.next()?.ok_or_else(|| out_of_order("plain/manifest-sha256.txt", None))?;
            let path = match member.path.strip_prefix("plain/") {
                Some(path) if path.starts_with("data/") && member.kind == Kind::File => path.to_owned(),
                _ => {
                    info.oxum.check(oxum)?;
                    return Ok((files, member));
                }
            };
            check_place(&path, &names, files.last())?;
            if files.len() >= MAX_FILES {
                return Err(ArchiveFault::TooMany { limit: MAX_FILES }.into());
            }
            let digest = self.extract(&path, &member)?;
            oxum.add(member.size);
            files.push(FileDigest { relative: path, size: member.size, digest });
        }
    }

    /// Hashes a file while it is written; it keeps its time of change.
    fn extract(&mut self, path: &str, member: &Member) -> Result<Digest, OpenError> {
        let mut file = self.create_file(path)?;
        let mut context = Context::new(&SHA256);
        loop {
            let read = self.archive.read(&mut self.buffer).map_err(|error| self.fault(error))?;
            let bytes = self.buffer.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            context.update(bytes);
            file.write_all(bytes).map_err(OpenError::Write)?;
            self.tell()?;
        }
        if let Some(time) = UNIX_EPOCH.checked_add(Duration::from_secs(member.modified)) {
            file.set_modified(time).map_err(OpenError::Write)?;
        }
        Ok(finish(context))
    }

    fn create_file(&self, path: &str) -> Result<File, OpenError> {
        let place = path.split('/').fold(self.root.to_owned(), |place, name| place.join(name));
        match create_new(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let parent: PathBuf = place.parent().map(Path::to_owned).unwrap_or_default();
                fs::create_dir_all(parent).map_err(|error| taken(path, error))?;
                create_new(&place).map_err(|error| taken(path, error))
            }
            other => other.map_err(|error| taken(path, error)),
        }
    }

    /// Streams the inner manifest to the disk and compares it line by line with what was unpacked.
    fn manifest(&mut self, member: Member, files: &[FileDigest]) -> Result<Digest, OpenError> {
        if member.path != "plain/manifest-sha256.txt" || member.kind != Kind::File {
            return Err(out_of_order("plain/manifest-sha256.txt", Some(member)));
        }
        let copy = create_new(&self.root.join(MANIFEST)).map_err(OpenError::Write)?;
        let mut tee = Tee { from: &mut self.archive, to: copy, context: Context::new(&SHA256) };
        let mut unpacked = files.iter();
        let listed = read_manifest(MANIFEST, BufReader::with_capacity(READ_BYTES, &mut tee), &mut |entry| {
            match unpacked.next() {
                Some(file) if file.relative == entry.path && file.digest == entry.digest => Ok(()),
                Some(file) if file.relative == entry.path => {
                    Err(BagFault::Altered { file: entry.path, expected: entry.digest, found: file.digest })
                }
                Some(file) if file.relative < entry.path => {
                    Err(BagFault::Extra { file: file.relative.clone() })
                }
                _ => Err(BagFault::Missing { file: entry.path }),
            }
        });
        let digest = tee.context;
        match listed {
            Ok(_) => {}
            Err(BagFault::Read { source, .. }) => return Err(self.fault(source)),
            Err(fault) => return Err(fault.into()),
        }
        match unpacked.next() {
            Some(file) => Err(BagFault::Extra { file: file.relative.clone() }.into()),
            None => Ok(finish(digest)),
        }
    }

    fn end(&mut self) -> Result<(), OpenError> {
        match self.next()? {
            None => Ok(()),
            other => Err(out_of_order("the end", other)),
        }
    }

    fn tell(&mut self) -> Result<(), OpenError> {
        let done = self.archive.inner().inner().position();
        match (self.progress)(Progress { done, total: self.total, what: "opening" }) {
            ControlFlow::Break(()) => Err(OpenError::Cancelled),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    /// Gives back the error that a layer of the stream wrapped; a broken chunk is named by its part.
    fn fault(&self, error: io::Error) -> OpenError {
        match OpenError::from_read(error) {
            OpenError::Age(error) => {
                let part = self.archive.inner().inner().current_part().to_owned();
                OpenError::Stream { part, error }
            }
            other => other,
        }
    }
}

fn out_of_order(expected: &str, found: Option<Member>) -> OpenError {
    let found = found.map_or("the end".to_owned(), |member| member.path.chars().take(200).collect());
    ArchiveFault::Order { expected: expected.to_owned(), found }.into()
}

/// A file must lie in an exhibit that the label names, after every file before it.
fn check_place(
    path: &str,
    exhibits: &BTreeSet<&str>,
    previous: Option<&FileDigest>,
) -> Result<(), OpenError> {
    let wrong = |what| ArchiveFault::Path { path: path.chars().take(200).collect(), what };
    let inside = path.strip_prefix("data/").and_then(|rest| rest.split_once('/'));
    if !inside.is_some_and(|(name, _)| exhibits.contains(name)) {
        return Err(wrong("it is in no exhibit that the label names").into());
    }
    match previous {
        Some(previous) if previous.relative.as_str() >= path => {
            Err(wrong("it is there twice or out of order").into())
        }
        _ => Ok(()),
    }
}

/// A name that another file already has is the archive's fault; everything else is the disk's.
fn taken(path: &str, error: io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
            let path = path.chars().take(200).collect();
            ArchiveFault::Path { path, what: "another member has this name on this disk" }.into()
        }
        _ => OpenError::Write(error),
    }
}

fn check_tags(bytes: &[u8], found: [Digest; 4]) -> Result<(), OpenError> {
    let listed = parse_tag_manifest(bytes, &INNER_TAGS)?;
    for (entry, found) in listed.into_iter().zip(found) {
        if entry.digest != found {
            let (file, expected) = (format!("plain/{}", entry.path), entry.digest);
            return Err(BagFault::Altered { file, expected, found }.into());
        }
    }
    Ok(())
}

fn exhibit(label: ExhibitLabel, files: &[FileDigest]) -> OpenedExhibit {
    let prefix = format!("data/{}/", label.name);
    let inside: Vec<FileDigest> = files
        .iter()
        .filter_map(|file| {
            let relative = file.relative.strip_prefix(&prefix)?.to_owned();
            Some(FileDigest { relative, size: file.size, digest: file.digest })
        })
        .collect();
    OpenedExhibit {
        label,
        files: u64::try_from(inside.len()).unwrap_or(u64::MAX),
        bytes: inside.iter().map(|file| file.size).sum(),
        tree_digest: tree_digest(&inside),
    }
}

/// Copies what is read to a file and to a hash.
struct Tee<'a, R> {
    from: &'a mut R,
    to: File,
    context: Context,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(out)?;
        let bytes = out.get(..read).unwrap_or_default();
        self.context.update(bytes);
        self.to.write_all(bytes).map_err(|error| io::Error::other(OpenError::Write(error)))?;
        Ok(read)
    }
}

/// Why a package was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("something is already at the place of the output")]
    OutExists,
    #[error("opening was stopped")]
    Cancelled,
    #[error("the key did not open the package key: {0}")]
    Keys(Report),
    #[error("the inner signature does not hold: {0}")]
    Signature(Report),
    #[error("inside the encryption, {0}")]
    Signer(VerifyFault),
    #[error("the label inside the encryption is not the label outside")]
    Label,
    #[error("the package is encrypted to {found} keys instead of its own alone")]
    Stanzas { found: usize },
    #[error("in `{part}` or at the end of the part before it: {error}")]
    Stream { part: String, error: AgeError },
    #[error(transparent)]
    Bag(#[from] BagFault),
    #[error(transparent)]
    Age(#[from] AgeError),
    #[error(transparent)]
    Archive(#[from] ArchiveFault),
    #[error("the package could not be read")]
    Read(#[source] io::Error),
    #[error("the output could not be written")]
    Write(#[source] io::Error),
}

impl OpenError {
    fn place(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::OutExists,
            _ => Self::Write(error),
        }
    }

    fn from_age(error: AgeError) -> Self {
        match error {
            AgeError::Read(source) => Self::from_read(source),
            other => Self::Age(other),
        }
    }

    fn from_read(error: io::Error) -> Self {
        let error = match error.downcast::<AgeError>() {
            Ok(age) => return Self::from_age(age),
            Err(other) => other,
        };
        let error = match error.downcast::<ArchiveFault>() {
            Ok(fault) => return Self::Archive(fault),
            Err(other) => other,
        };
        let error = match error.downcast::<BagFault>() {
            Ok(fault) => return Self::Bag(fault),
            Err(other) => other,
        };
        error.downcast::<Self>().unwrap_or_else(Self::Read)
    }

    /// The failure that this one passes on, if any.
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Signer(error) => Some(error),
            Self::Stream { error, .. } | Self::Age(error) => Some(error),
            Self::Bag(error) => Some(error),
            Self::Archive(error) => Some(error),
            _ => None,
        }
    }
}

impl Failure for OpenError {
    fn family(&self) -> Family {
        match self {
            Self::OutExists | Self::Cancelled => Family::Refusal,
            Self::Keys(report) | Self::Signature(report) => report.family,
            Self::Read(_) | Self::Write(_) => Family::Fault,
            other => other.inner().map_or(Family::PeerFault, Failure::family),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::OutExists => "R-340",
            Self::Cancelled => "R-341",
            Self::Label => "P-340",
            Self::Stanzas { .. } => "P-341",
            Self::Signature(_) => "P-342",
            Self::Keys(_) => "F-342",
            Self::Read(_) => "F-340",
            Self::Write(_) => "F-341",
            other => other.inner().map_or("P-340", Failure::code),
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::Keys(report) | Self::Signature(report) => report.clause.clone(),
            other => other.inner().and_then(Failure::clause),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::OutExists => "choose a place where nothing is yet".to_owned(),
            Self::Cancelled => "start again when ready".to_owned(),
            Self::Keys(report) | Self::Signature(report) => report.remedy.clone(),
            Self::Read(_) => "check the disk that holds the package and try again".to_owned(),
            Self::Write(_) => "check the space and the permissions of the disk, and try again".to_owned(),
            other => other.inner().map_or_else(
                || "keep the package as it is and tell the sending office".to_owned(),
                Failure::remedy,
            ),
        }
    }

    /// A report that a key or a signature check made is passed on as it is.
    fn report(&self) -> Report {
        match self {
            Self::Keys(report) | Self::Signature(report) => report.clone(),
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
    use crate::{
        age::AgeWriter,
        archive::ArchiveWriter,
        bag::manifest_line,
        fixture::{Bench, SENDER, ToyKeys, carry_on, has_tool, shell, toy_report, toy_unwrap, toy_verify},
        measure,
        package::part_name,
        scan,
    };

    #[test]
    fn what_was_sealed_is_what_is_opened() {
        let bench = Bench::usual();
        let summary = bench.pack();
        let opened = bench.open().unwrap();
        let (_, tree) = measure(&scan(&bench.path("case")).unwrap(), &mut carry_on).unwrap();
        assert_eq!(opened.label, summary.label);
        assert_eq!(opened.custody, b"{\"links\":[]}");
        assert_eq!(opened.exhibits.len(), 1);
        assert_eq!(opened.exhibits[0].tree_digest, tree);
        assert_eq!(opened.exhibits[0].bytes, summary.payload_bytes);
        assert_eq!(opened.files.len(), 6);
        let (_, again) = measure(&scan(&bench.path("opened/data/case")).unwrap(), &mut carry_on).unwrap();
        assert_eq!(again, tree);
        assert_eq!(bench.left_behind(), ["case", "opened", "package"]);
        if has_tool("bagit.py", "--version") {
            shell(bench.root.path(), "bagit.py --validate opened");
        }
        assert_eq!(bench.open().unwrap_err().code(), "R-340");
    }

    #[test]
    fn a_changed_byte_in_any_part_leaves_nothing_and_names_the_part() {
        let bench = Bench::usual();
        let summary = bench.pack();
        for part in summary.files.iter().filter(|part| part.name.starts_with("data/payload")) {
            let path = bench.path("package").join(&part.name);
            let honest = fs::read(&path).unwrap();
            for at in [0, honest.len() / 2, honest.len() - 1] {
                let mut changed = honest.clone();
                changed[at] ^= 0x80;
                fs::write(&path, changed).unwrap();
                let error = bench.open().unwrap_err();
                assert_eq!(error.family(), Family::PeerFault, "{error}");
                assert_eq!(bench.left_behind(), ["case", "package"]);
            }
            fs::write(&path, honest).unwrap();
        }
        let last = bench.path("package/data/payload.age.000002");
        let cut = fs::read(&last).unwrap();
        fs::write(&last, &cut[..cut.len() - 1]).unwrap();
        let error = bench.open().unwrap_err();
        assert!(error.to_string().contains("payload.age.000002"), "{error}");
        fs::remove_file(&last).unwrap();
        assert_eq!(bench.open().unwrap_err().code(), "P-304");
    }

    #[test]
    fn a_wrong_key_a_refusing_key_and_a_stop_leave_nothing() {
        let bench = Bench::usual();
        bench.pack();
        let (package, out) = (bench.path("package"), bench.path("opened"));
        let other = AgeIdentity::from_secret(&[1; 32]).unwrap();
        let wrong = |_: &[u8]| Ok(format!("{}\n", *other.to_text()).into_bytes());
        let text = |_: &[u8]| Ok(b"not a key".to_vec());
        let refusing = |_: &[u8]| Err(toy_report("the token is locked"));
        let code = |unwrap: &Unwrap<'_>| {
            open(&package, unwrap, &toy_verify, &out, &mut carry_on).unwrap_err().report().code
        };
        assert_eq!(code(&wrong), "P-322");
        assert_eq!(code(&text), "P-320");
        assert_eq!(code(&refusing), "P-999");
        let stopped = open(&package, &toy_unwrap, &toy_verify, &out, &mut |_| ControlFlow::Break(()));
        assert_eq!(stopped.unwrap_err().code(), "R-341");
        let unsigned = |_: &[u8], _: &[u8]| Err(toy_report("no such signer"));
        let unsigned = open(&package, &toy_unwrap, &unsigned, &out, &mut carry_on);
        assert_eq!(unsigned.unwrap_err().report().message, "no such signer");
        assert_eq!(bench.left_behind(), ["case", "package"]);
    }

    #[test]
    fn a_package_rewrapped_for_somebody_else_is_refused() {
        let bench = Bench::usual();
        bench.pack();
        let path = bench.path("package/bag-info.txt");
        let text = fs::read_to_string(&path).unwrap();
        let counsel = Digest::of(b"counsel").hex();
        let thief = format!("{}{}", &counsel[..63], if counsel.ends_with('0') { "1" } else { "0" });
        fs::write(&path, text.replace(&counsel, &thief)).unwrap();
        assert_eq!(bench.open().unwrap_err().code(), "P-340");
        fs::write(&path, text.replace(SENDER, "XC/evidence-office")).unwrap();
        assert_eq!(bench.open().unwrap_err().code(), "P-340");
    }

    type Build = dyn Fn(&mut ArchiveWriter<AgeWriter<Vec<u8>>>, &str) -> io::Result<()>;

    /// Replaces the stream of an honest package by what a hostile sender builds with the honest label.
    fn forge(bench: &Bench, build: &Build) {
        let package = bench.path("package");
        let identity = AgeIdentity::from_secret(&[5; 32]).unwrap();
        let keys = ToyKeys::new();
        let random = |bytes: &mut [u8]| crate::PackKeys::random(&keys, bytes);
        let cipher = AgeWriter::new(Vec::new(), &identity.recipient(), &random).unwrap();
        let mut archive = ArchiveWriter::new(cipher);
        let outer = PackageFolder::new(&package).info().unwrap();
        let exhibits =
            vec![ExhibitLabel { exhibit_id: bench.request().exhibits[0].exhibit_id, name: "case".into() }];
        let info =
            BagInfo { label: outer.label, oxum: Oxum { bytes: 1, files: 1 }, exhibits }.write(Side::Inner);
        build(&mut archive, &info).unwrap();
        let stream = archive.finish().unwrap().finish().unwrap();
        let manifest = [("data/package-key.p7m", &b""[..]), (&part_name(0), &stream)]
            .map(|(name, bytes)| manifest_line(&Digest::of(bytes), name));
        fs::write(package.join(MANIFEST), manifest.concat()).unwrap();
        fs::write(package.join(part_name(0)), stream).unwrap();
        let envelope = format!("toy envelope\n{}\n", *identity.to_text());
        fs::write(package.join("data/package-key.p7m"), envelope).unwrap();
    }

    fn start(archive: &mut ArchiveWriter<AgeWriter<Vec<u8>>>, info: &str) -> io::Result<()> {
        archive.add_folder("plain", 0)?;
        archive.add("plain/bagit.txt", DECLARATION.as_bytes(), 0)?;
        archive.add("plain/bag-info.txt", info.as_bytes(), 0)?;
        archive.add_folder("plain/data", 0)?;
        archive.add_folder("plain/data/case", 0)
    }

    fn end(archive: &mut ArchiveWriter<AgeWriter<Vec<u8>>>, info: &str, manifest: &str) -> io::Result<()> {
        let tags = [
            manifest_line(&Digest::of(info.as_bytes()), BAG_INFO),
            manifest_line(&Digest::of(DECLARATION.as_bytes()), BAGIT),
            manifest_line(&Digest::of(b"{}"), CUSTODY),
            manifest_line(&Digest::of(manifest.as_bytes()), MANIFEST),
        ]
        .concat();
        archive.add("plain/manifest-sha256.txt", manifest.as_bytes(), 0)?;
        archive.add("plain/custody.json", b"{}", 0)?;
        archive.add("plain/tagmanifest-sha256.txt", tags.as_bytes(), 0)?;
        let signature = format!("{SENDER} {}", Digest::of(tags.as_bytes()));
        archive.add("plain/inner-signature.p7s", signature.as_bytes(), 0)
    }

    fn line(path: &str, bytes: &[u8]) -> String {
        manifest_line(&Digest::of(bytes), path)
    }

    fn verdict(build: &Build) -> String {
        let bench = Bench::usual();
        bench.pack();
        forge(&bench, build);
        let result = bench.open();
        let expected: &[&str] =
            if result.is_ok() { &["case", "opened", "package"] } else { &["case", "package"] };
        assert_eq!(bench.left_behind(), expected);
        result.err().map_or("opened".to_owned(), |error| error.code().to_owned())
    }

    #[test]
    fn the_forger_of_these_tests_can_build_an_honest_package() {
        let honest = verdict(&|archive, info| {
            start(archive, info)?;
            archive.add("plain/data/case/a", b"1", 0)?;
            end(archive, info, &line("data/case/a", b"1"))
        });
        assert_eq!(honest, "opened");
    }

    #[test]
    fn members_outside_their_place_are_refused() {
        for path in ["plain/data/../../evil", "/tmp/evil", "../evil", "plain/data/case/../../../evil"] {
            let code = verdict(&move |archive, info| {
                start(archive, info)?;
                archive.add(path, b"1", 0)
            });
            assert_eq!(code, "P-332", "{path}");
        }
        for path in ["plain/data/other/a", "plain/data/case"] {
            let code = verdict(&move |archive, info| {
                start(archive, info)?;
                archive.add(path, b"1", 0)
            });
            assert_eq!(code, "P-332", "{path}");
        }
        let before = verdict(&|archive, _| archive.add("evil", b"1", 0));
        assert_eq!(before, "P-335");
    }

    #[test]
    fn members_twice_out_of_order_or_in_place_of_a_folder_are_refused() {
        for (one, two) in [("a", "a"), ("b", "a"), ("a", "a/b")] {
            let code = verdict(&move |archive, info| {
                start(archive, info)?;
                archive.add(&format!("plain/data/case/{one}"), b"1", 0)?;
                archive.add(&format!("plain/data/case/{two}"), b"1", 0)
            });
            assert_eq!(code, "P-332", "{one} {two}");
        }
    }

    #[test]
    fn an_inner_bag_that_does_not_hold_is_refused() {
        let with = |data: &'static [u8], manifest: String, tail: bool| {
            verdict(&move |archive, info| {
                start(archive, info)?;
                archive.add("plain/data/case/a", data, 0)?;
                end(archive, info, &manifest)?;
                if tail { archive.add("plain/extra", b"", 0) } else { Ok(()) }
            })
        };
        let honest = line("data/case/a", b"1");
        assert_eq!(with(b"1", honest.clone(), true), "P-335");
        assert_eq!(with(b"2", honest.clone(), false), "P-307");
        assert_eq!(with(b"22", honest.clone(), false), "P-312");
        assert_eq!(with(b"1", honest.clone() + &line("data/case/b", b""), false), "P-304");
        assert_eq!(with(b"1", String::new(), false), "P-305");
        assert_eq!(with(b"1", line("data/case/0", b"1"), false), "P-304");
        assert_eq!(with(b"1", honest.replace("data/case/a", "../a"), false), "P-301");
    }

    #[test]
    fn an_inner_label_or_tag_manifest_that_does_not_match_is_refused() {
        let relabelled = verdict(&|archive, info| start(archive, &info.replace("XA/", "XC/")));
        assert_eq!(relabelled, "P-340");
        let other_custody = verdict(&|archive, info| {
            start(archive, info)?;
            archive.add("plain/data/case/a", b"1", 0)?;
            let manifest = line("data/case/a", b"1");
            archive.add("plain/manifest-sha256.txt", manifest.as_bytes(), 0)?;
            archive.add("plain/custody.json", b"[]", 0)?;
            let tags = [
                line(BAG_INFO, info.as_bytes()),
                line(BAGIT, DECLARATION.as_bytes()),
                line(CUSTODY, b"{}"),
                line(MANIFEST, manifest.as_bytes()),
            ];
            archive.add("plain/tagmanifest-sha256.txt", tags.concat().as_bytes(), 0)
        });
        assert_eq!(other_custody, "P-307");
    }
}
