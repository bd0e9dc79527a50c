//! Opens a package in one pass: check, decrypt, unpack into a scratch folder, verify the inner bag, and only then
//! accept it. The same pass without a folder checks what is inside and writes nothing.

mod error;

pub use error::OpenError;

use crate::{
    KeyEnvelope,
    archive::{ArchiveFault, ArchiveReader, Kind, Member},
    bag::{BagFault, DECLARATION, ManifestEntry, manifest_line, read_manifest},
    compact::PathTable,
    hash::Hasher,
    label::{BagInfo, ExhibitLabel, MAX_INFO_BYTES, Oxum, PackageLabel, Side},
    listing::MAX_FILES,
    measure::READ_BYTES,
    open_stream::{OpenStream, Parts},
    pack::MAX_CUSTODY_BYTES,
    package::{
        BAG_INFO, BAGIT, CASE, CUSTODY, MANIFEST, MAX_SIGNATURE_BYTES, PackageFolder, TAG_MANIFEST,
        parse_tag_manifest,
    },
    progress::{Progress, Watch},
    scratch::Scratch,
    suite,
    unpacked::Unpacked,
    verify::{SignerInfo, VerifyFault, VerifySignature, check_tags_and_signature},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    io::{self, BufReader, Read},
    path::Path,
};
use vocabulary::{Digest, Report};
use zeroize::Zeroizing;

const INNER_SIGNATURE: &str = "inner-signature.p7s";
/// What the inner tag manifest lists.
const INNER_TAGS: [&str; 5] = [BAG_INFO, BAGIT, CASE, CUSTODY, MANIFEST];
const MAX_TAG_MANIFEST_BYTES: u64 = 64 * 1024;

/// Opens the key envelope and gives its content, which is the package key.
pub type Unwrap<'a> = dyn Fn(&KeyEnvelope) -> Result<Vec<u8>, Report> + 'a;

/// A package that was opened and whose inner bag, inner signature and label all hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub label: PackageLabel,
    pub tagmanifest_digest: Digest,
    /// Who signed the inner bag: they knew the plaintext.
    pub signer: SignerInfo,
    pub exhibits: Vec<OpenedExhibit>,
    pub files: u64,
    pub bytes: u64,
    /// The custody record, as it was sealed.
    #[serde(skip)]
    pub custody: Vec<u8>,
    /// The case description (CASE/UCO), as it was sealed.
    #[serde(skip)]
    pub case: Vec<u8>,
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
/// Tag manifest and signature are checked first, every part against the manifest while it is read.
pub fn open(
    package: &Path,
    unwrap: &Unwrap<'_>,
    verify: &VerifySignature<'_>,
    out: &Path,
    progress: &mut Watch<'_>,
) -> Result<Opened, OpenError> {
    let folder = PackageFolder::new(package);
    let id = folder.info()?.label.package_id.to_string();
    let scratch = Scratch::create(out, &id).map_err(OpenError::place)?;
    let opened = read(&folder, unwrap, verify, Some(scratch.path()), progress)?;
    scratch.keep(&["data"]).map_err(OpenError::place)?;
    Ok(opened)
}

/// As `open`, but the content is only read and checked; nothing is written.
pub fn inspect(
    package: &Path,
    unwrap: &Unwrap<'_>,
    verify: &VerifySignature<'_>,
    progress: &mut Watch<'_>,
) -> Result<Opened, OpenError> {
    read(&PackageFolder::new(package), unwrap, verify, None, progress)
}

fn read(
    folder: &PackageFolder,
    unwrap: &Unwrap<'_>,
    verify: &VerifySignature<'_>,
    out: Option<&Path>,
    progress: &mut Watch<'_>,
) -> Result<Opened, OpenError> {
    let (outer, tagmanifest_digest) = check_tags_and_signature(folder, verify)?;
    let manifest = folder.manifest()?;
    folder.check_suite(&manifest, outer.label.suite)?;
    let key = package_key(folder, &manifest, unwrap)?;
    let mut parts = Parts::new(folder, &manifest)?;
    let total = parts.total();
    let cipher = match suite::unlock(outer.label.suite, &key, &mut parts) {
        Ok(cipher) => cipher,
        // A part that was altered explains a header that cannot be read.
        Err(error) => {
            return Err(crate::open_stream::blame(parts)
                .err()
                .map_or_else(|| OpenError::from_age(error), OpenError::from_read));
        }
    };
    let mut opener = Opener {
        archive: ArchiveReader::new(OpenStream::start(parts, &cipher)),
        out: Unpacked::new(out),
        progress,
        total,
    };
    let mut opened = opener.run(&outer.label, verify)?;
    opened.tagmanifest_digest = tagmanifest_digest;
    opener.out.finish()?;
    Ok(opened)
}

/// From the envelope of the sealing, or else from one that was added for a further addressee.
fn package_key(
    folder: &PackageFolder,
    manifest: &[ManifestEntry],
    unwrap: &Unwrap<'_>,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let first = match unwrap(&folder.checked_envelope(manifest)?) {
        Ok(key) => return Ok(Zeroizing::new(key)),
        Err(report) => report,
    };
    for envelope in folder.further_envelopes()? {
        // Whoever it is for: a key that opens nothing else opens the right one or none.
        if let Ok(key) = unwrap(&KeyEnvelope::Cms(envelope)) {
            return Ok(Zeroizing::new(key));
        }
    }
    Err(OpenError::Keys(first))
}

struct Opener<'w, 'p> {
    archive: ArchiveReader<OpenStream>,
    out: Unpacked,
    progress: &'p mut Watch<'w>,
    total: u64,
}

/// What was found of the payload, exhibit by exhibit.
struct Payload {
    files: PathTable,
    exhibits: Vec<OpenedExhibit>,
    oxum: Oxum,
}

impl Opener<'_, '_> {
    /// The members in the one order that the format knows.
    fn run(&mut self, outer: &PackageLabel, verify: &VerifySignature<'_>) -> Result<Opened, OpenError> {
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
        self.out.folder("data")?;
        for exhibit in &info.exhibits {
            self.folder(&format!("plain/data/{}", exhibit.name))?;
            self.out.folder(&format!("data/{}", exhibit.name))?;
        }
        let (payload, next) = self.payload(&info)?;
        let manifest = self.manifest(next, &payload.files)?;
        let case = self.small(CASE, MAX_CUSTODY_BYTES)?;
        let custody = self.small(CUSTODY, MAX_CUSTODY_BYTES)?;
        let tags = self.small(TAG_MANIFEST, MAX_TAG_MANIFEST_BYTES)?;
        let of = |bytes: &[u8]| Digest::of(bytes);
        check_tags(&tags, [of(&info_bytes), of(&declaration), of(&case), of(&custody), manifest])?;
        let signature = self.small(INNER_SIGNATURE, MAX_SIGNATURE_BYTES)?;
        self.end()?;
        let signer = verify(&tags, &signature).map_err(OpenError::Signature)?;
        if signer.office != info.label.from {
            let fault = VerifyFault::Signer { said: info.label.from, signed: signer.office };
            return Err(OpenError::Signer(fault));
        }
        Ok(Opened {
            label: info.label,
            tagmanifest_digest: Digest::of(b""),
            signer,
            exhibits: payload.exhibits,
            files: payload.oxum.files,
            bytes: payload.oxum.bytes,
            custody,
            case,
        })
    }

    fn next(&mut self) -> Result<Option<Member>, OpenError> {
        self.archive.next().map_err(OpenError::from_read)
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

    /// Reads a small member into memory and writes it to the scratch folder.
    fn small(&mut self, name: &'static str, limit: u64) -> Result<Vec<u8>, OpenError> {
        let member = self.expect(&format!("plain/{name}"), Kind::File)?;
        if member.size > limit {
            return Err(ArchiveFault::TooLarge { path: name, limit }.into());
        }
        let mut bytes = Vec::new();
        self.archive.read_to_end(&mut bytes).map_err(OpenError::from_read)?;
        self.out.write(name, &bytes)?;
        Ok(bytes)
    }

    /// Every file under `plain/data/`, and the member that follows the last.
    fn payload(&mut self, info: &BagInfo) -> Result<(Payload, Member), OpenError> {
        let names: BTreeSet<&str> = info.exhibits.iter().map(|exhibit| exhibit.name.as_str()).collect();
        let mut found = Payload { files: PathTable::default(), exhibits: Vec::new(), oxum: Oxum::default() };
        let mut trees: Vec<(u64, u64, Hasher)> = vec![(0, 0, Hasher::default()); info.exhibits.len()];
        loop {
            let member = self.next()?.ok_or_else(|| out_of_order("plain/manifest-sha256.txt", None))?;
            let path = match member.path.strip_prefix("plain/") {
                Some(path) if path.starts_with("data/") && member.kind == Kind::File => path.to_owned(),
                _ => {
                    info.oxum.check(found.oxum)?;
                    found.exhibits = info.exhibits.iter().cloned().zip(trees).map(exhibit).collect();
                    return Ok((found, member));
                }
            };
            let (name, relative) = check_place(&path, &names, found.files.last())?;
            if found.files.len() >= MAX_FILES {
                return Err(ArchiveFault::TooMany { limit: MAX_FILES }.into());
            }
            let digest = self.extract(&path, &member)?;
            if let Some((files, bytes, tree)) =
                info.exhibits.iter().position(|exhibit| exhibit.name == name).and_then(|at| trees.get_mut(at))
            {
                *files = files.saturating_add(1);
                *bytes = bytes.saturating_add(member.size);
                tree.update(manifest_line(&digest, relative).as_bytes());
            }
            found.oxum.add(member.size);
            found.files.push(&path, digest);
        }
    }

    /// Hashes a file while it is written; it keeps its time of change.
    fn extract(&mut self, path: &str, member: &Member) -> Result<Digest, OpenError> {
        let mut target = self.out.begin(path, member.size)?;
        let mut hasher = Hasher::default();
        loop {
            let bytes = self.archive.content().map_err(OpenError::from_read)?;
            let count = bytes.len();
            if count == 0 {
                break;
            }
            hasher.update(bytes);
            self.out.add(&mut target, bytes)?;
            self.archive.consume(count);
            self.tell()?;
        }
        self.out.end(target, path, member.modified)?;
        Ok(hasher.finish())
    }

    /// Streams the inner manifest to the disk and compares it line by line with what was unpacked.
    fn manifest(&mut self, member: Member, files: &PathTable) -> Result<Digest, OpenError> {
        if member.path != "plain/manifest-sha256.txt" || member.kind != Kind::File {
            return Err(out_of_order("plain/manifest-sha256.txt", Some(member)));
        }
        let copy = self.out.begin(MANIFEST, member.size)?;
        let mut tee = Tee { from: &mut self.archive, out: &self.out, to: copy, hasher: Hasher::default() };
        let mut unpacked = files.iter();
        let listed = read_manifest(MANIFEST, BufReader::with_capacity(READ_BYTES, &mut tee), &mut |entry| {
            match unpacked.next() {
                Some((path, digest)) if path == entry.path && digest == entry.digest => Ok(()),
                Some((path, found)) if path == entry.path => {
                    Err(BagFault::Altered { file: entry.path, expected: entry.digest, found })
                }
                Some((path, _)) if path < entry.path => Err(BagFault::Extra { file: path }),
                _ => Err(BagFault::Missing { file: entry.path }),
            }
        });
        let (copy, hasher) = (tee.to, tee.hasher);
        match listed {
            Ok(_) => {}
            Err(BagFault::Read { source, .. }) => return Err(OpenError::from_read(source)),
            Err(fault) => return Err(fault.into()),
        }
        self.out.end(copy, MANIFEST, member.modified)?;
        match unpacked.next() {
            Some((path, _)) => Err(BagFault::Extra { file: path }.into()),
            None => Ok(hasher.finish()),
        }
    }

    fn end(&mut self) -> Result<(), OpenError> {
        match self.next()? {
            None => self.archive.inner_mut().finish().map_err(OpenError::from_read),
            other => Err(out_of_order("the end", other)),
        }
    }

    fn tell(&mut self) -> Result<(), OpenError> {
        let done = self.archive.inner().done();
        match (self.progress)(Progress { done, total: self.total, what: "opening" }).is_break() {
            true => Err(OpenError::Cancelled),
            false => Ok(()),
        }
    }
}

fn out_of_order(expected: &str, found: Option<Member>) -> OpenError {
    let found = found.map_or("the end".to_owned(), |member| member.path.chars().take(200).collect());
    ArchiveFault::Order { expected: expected.to_owned(), found }.into()
}

/// A file must lie in an exhibit that the label names, after every file before it; gives exhibit and path in it.
fn check_place<'p>(
    path: &'p str,
    exhibits: &BTreeSet<&str>,
    previous: Option<&str>,
) -> Result<(&'p str, &'p str), OpenError> {
    let wrong = |what| ArchiveFault::Path { path: path.chars().take(200).collect(), what };
    let inside = path.strip_prefix("data/").and_then(|rest| rest.split_once('/'));
    let inside = inside.filter(|(name, _)| exhibits.contains(name));
    match previous {
        Some(previous) if previous >= path => Err(wrong("it is there twice or out of order").into()),
        _ => inside.ok_or_else(|| wrong("it is in no exhibit that the label names").into()),
    }
}

fn check_tags(bytes: &[u8], found: [Digest; 5]) -> Result<(), OpenError> {
    let listed = parse_tag_manifest(bytes, &INNER_TAGS)?;
    for (entry, found) in listed.into_iter().zip(found) {
        if entry.digest != found {
            let (file, expected) = (format!("plain/{}", entry.path), entry.digest);
            return Err(BagFault::Altered { file, expected, found }.into());
        }
    }
    Ok(())
}

fn exhibit((label, (files, bytes, tree)): (ExhibitLabel, (u64, u64, Hasher))) -> OpenedExhibit {
    OpenedExhibit { label, files, bytes, tree_digest: tree.finish() }
}

/// Copies what is read to a file and to a hash.
struct Tee<'a, R> {
    from: &'a mut R,
    out: &'a Unpacked,
    to: crate::unpacked::Target,
    hasher: Hasher,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(out)?;
        let bytes = out.get(..read).unwrap_or_default();
        self.hasher.update(bytes);
        self.out.add(&mut self.to, bytes).map_err(io::Error::other)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        age::{AgeIdentity, AgeWriter},
        archive::ArchiveWriter,
        bag::manifest_line,
        fixture::{
            Bench, SENDER, ToyKeys, carry_on, has_tool, shell, toy_record, toy_report, toy_unwrap, toy_verify,
        },
        listing::{Carry, survey},
        measure,
        suite::BulkSuite,
    };
    use std::{fs, ops::ControlFlow};
    use vocabulary::{Failure as _, Family};

    fn part_name(index: u64) -> String {
        BulkSuite::AgeV1.part_name(index)
    }

    fn tree(path: &Path) -> Digest {
        measure(&survey(path, Carry::Files).unwrap(), &mut Vec::new(), &mut carry_on).unwrap().tree
    }

    #[test]
    fn what_was_sealed_is_what_is_opened() {
        let bench = Bench::usual();
        let summary = bench.pack();
        let opened = bench.open().unwrap();
        assert_eq!(opened.label, summary.label);
        assert_eq!((opened.custody, opened.case), (toy_record().custody, toy_record().case));
        assert_eq!(opened.exhibits.len(), 1);
        assert_eq!(opened.exhibits[0].tree_digest, tree(&bench.path("case")));
        assert_eq!(opened.exhibits[0].bytes, summary.payload_bytes);
        assert_eq!(opened.files, 6);
        assert_eq!(tree(&bench.path("opened/data/case")), tree(&bench.path("case")));
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
        let wrong = |_: &KeyEnvelope| Ok(format!("{}\n", *other.to_text()).into_bytes());
        let text = |_: &KeyEnvelope| Ok(b"not a key".to_vec());
        let refusing = |_: &KeyEnvelope| Err(toy_report("the token is locked"));
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
        assert_eq!(bench.open().unwrap_err().code(), "P-307");
        resign(&bench);
        assert_eq!(bench.open().unwrap_err().code(), "P-340");
        fs::write(&path, text.replace(SENDER, "XC/evidence-office")).unwrap();
        resign(&bench);
        assert_eq!(bench.open().unwrap_err().report().code, "P-313");
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
        let envelope = format!("toy envelope\n{}\n", *identity.to_text());
        let manifest = [("data/package-key.p7m", envelope.as_bytes()), (&part_name(0), &stream)]
            .map(|(name, bytes)| manifest_line(&Digest::of(bytes), name));
        fs::write(package.join(MANIFEST), manifest.concat()).unwrap();
        fs::write(package.join(part_name(0)), stream).unwrap();
        fs::write(package.join("data/package-key.p7m"), envelope).unwrap();
        resign(bench);
    }

    /// Signs the outer bag again, as only the sender can.
    fn resign(bench: &Bench) {
        let package = bench.path("package");
        let lines =
            [BAG_INFO, BAGIT, MANIFEST].map(|name| line(name, &fs::read(package.join(name)).unwrap()));
        fs::write(package.join(TAG_MANIFEST), lines.concat()).unwrap();
        let signature = format!("{SENDER} {}", Digest::of(lines.concat().as_bytes()));
        fs::write(package.join("seal/signature.p7s"), signature).unwrap();
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
            manifest_line(&Digest::of(b"{}"), CASE),
            manifest_line(&Digest::of(b"{}"), CUSTODY),
            manifest_line(&Digest::of(manifest.as_bytes()), MANIFEST),
        ]
        .concat();
        archive.add("plain/manifest-sha256.txt", manifest.as_bytes(), 0)?;
        archive.add("plain/case.jsonld", b"{}", 0)?;
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
            archive.add("plain/case.jsonld", b"{}", 0)?;
            archive.add("plain/custody.json", b"[]", 0)?;
            let tags = [
                line(BAG_INFO, info.as_bytes()),
                line(BAGIT, DECLARATION.as_bytes()),
                line(CASE, b"{}"),
                line(CUSTODY, b"{}"),
                line(MANIFEST, manifest.as_bytes()),
            ];
            archive.add("plain/tagmanifest-sha256.txt", tags.concat().as_bytes(), 0)
        });
        assert_eq!(other_custody, "P-307");
    }
}
