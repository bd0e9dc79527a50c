//! Packages: manifests, outer bags with one file changed, archives inside, and what is added for further addressees.
//!
//! Whatever is inside, nothing is written outside the target, and what is accepted has the files that it lists.

use crate::{age, input::way};
use evidence::{
    Judges, KeyEnvelope, ManifestEntry, SignerInfo, inspect, list_package, open, read_manifest,
    read_supplements, unfinished, verify_outer,
};
use std::{
    fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::LazyLock,
};
use vocabulary::{Digest, Report};

const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
const PAYLOAD: &str = "data/payload.age.000000";
const ENVELOPE: &str = "data/package-key.p7m";
const OFFICE: &str = "XB/evidence-office";
const EXHIBIT: &str = "0198c0de-0000-7000-8000-00000000000e";
/// The files that a way may replace.
const FILES: [&str; 9] = [
    "bagit.txt",
    "bag-info.txt",
    "manifest-sha256.txt",
    "tagmanifest-sha256.txt",
    "seal/signature.p7s",
    "seal/timestamp.tsr",
    ENVELOPE,
    PAYLOAD,
    "data/payload.age.000001",
];

/// A folder in memory where there is one.
static SCRATCH: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    place.join(format!("rogatory-fuzz-{}", std::process::id()))
});

pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 7) else { return };
    match way {
        0 => manifest(rest),
        1 => drop(outer(rest)),
        2 => drop(inside(&archive(&named(rest)), true)),
        3 => drop(inside(rest, false)),
        4 => drop(changed(rest)),
        5 => drop(supplement(rest)),
        _ => drop(journal(rest)),
    }
}

/// Strict enough that what is read is, line for line, what was there.
fn manifest(data: &[u8]) {
    let mut lines = String::new();
    let read = read_manifest("manifest-sha256.txt", data, &mut |entry: ManifestEntry| {
        assert!(
            !entry.path.starts_with('/')
                && entry.path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        );
        lines.push_str(&entry.line());
        Ok(())
    });
    if read.is_ok() {
        assert_eq!(lines.as_bytes(), data);
    }
}

/// One file of a good package is replaced; the lists around it stay, or are made right again.
fn outer(data: &[u8]) -> io::Result<()> {
    let Some(([which, how], content)) = data.split_first_chunk::<2>() else { return Ok(()) };
    let name = FILES.get(usize::from(*which) % FILES.len()).copied().unwrap_or(PAYLOAD);
    let mut bag = Bag::of(&age::encrypted(&archive(&[("a".to_owned(), b"content".to_vec())])));
    bag.put(name, content.to_vec());
    if how & 1 == 1 {
        bag.list_again(name);
    }
    let folder = bag.write()?;
    let report = verify_outer(&folder, Judges::of_signature(&anybody));
    if report.is_valid() {
        let listed = list_package(&folder).expect("a package that holds can be listed");
        for part in listed {
            let bytes = fs::read(folder.join(&part.name))?;
            assert_eq!(Digest::of(&bytes), part.digest);
        }
    }
    let _ = inspect(&folder, &whatever, &anybody, &mut go_on);
    let _ = list_package(&folder);
    Ok(())
}

/// Files of an exhibit by name and content, as lines of the input give them.
fn named(data: &[u8]) -> Vec<(String, Vec<u8>)> {
    let lines = data.split(|byte| *byte == b'\n').take(6);
    let mut files: Vec<_> =
        lines.filter_map(|line| Some((std::str::from_utf8(line).ok()?.to_owned(), line.to_vec()))).collect();
    files.sort();
    files.dedup();
    files
}

/// An archive as a package has it, right in everything but what the names do.
pub fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut members: Vec<(String, Vec<u8>)> = Vec::new();
    let bytes: usize = files.iter().map(|(_, content)| content.len()).sum();
    let info = info(bytes, files.len()) + &format!("Rogatory-Exhibit: {EXHIBIT} case\n");
    let entry = |path: String, content: &[u8]| ManifestEntry { path, digest: Digest::of(content) }.line();
    let manifest: String =
        files.iter().map(|(name, content)| entry(format!("data/case/{name}"), content)).collect();
    let small: [(&str, &[u8]); 5] = [
        ("bag-info.txt", info.as_bytes()),
        ("bagit.txt", DECLARATION.as_bytes()),
        ("case.jsonld", b"{}"),
        ("custody.json", b"[]"),
        ("manifest-sha256.txt", manifest.as_bytes()),
    ];
    let tags: String = small.iter().map(|(name, content)| entry((*name).to_owned(), content)).collect();
    members.push(("plain/".to_owned(), Vec::new()));
    members.push(("plain/bagit.txt".to_owned(), DECLARATION.into()));
    members.push(("plain/bag-info.txt".to_owned(), info.clone().into_bytes()));
    members.push(("plain/data/".to_owned(), Vec::new()));
    members.push(("plain/data/case/".to_owned(), Vec::new()));
    members.extend(files.iter().map(|(name, content)| (format!("plain/data/case/{name}"), content.clone())));
    members.push(("plain/manifest-sha256.txt".to_owned(), manifest.clone().into_bytes()));
    members.push(("plain/case.jsonld".to_owned(), b"{}".to_vec()));
    members.push(("plain/custody.json".to_owned(), b"[]".to_vec()));
    members.push(("plain/tagmanifest-sha256.txt".to_owned(), tags.into_bytes()));
    members.push(("plain/inner-signature.p7s".to_owned(), b"signature".to_vec()));
    let mut bytes: Vec<u8> = members.iter().flat_map(|(path, content)| member(path, content)).collect();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// One member, with a pax record where its path does not fit or is not ASCII.
fn member(path: &str, content: &[u8]) -> Vec<u8> {
    let kind = if path.ends_with('/') { b'5' } else { b'0' };
    if path.len() <= 100 && path.is_ascii() {
        return block(path.as_bytes(), kind, content);
    }
    let body = format!(" path={path}\n");
    let digits = |length: usize| length.to_string().len();
    let mut length = body.len() + digits(body.len());
    length = body.len() + digits(length);
    let mut bytes = block(b"pax", b'x', format!("{length}{body}").as_bytes());
    bytes.extend(block(b"pax-name", kind, content));
    bytes
}

/// A ustar header (POSIX 1003.1) and the content in blocks of 512 bytes.
fn block(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    let mut put = |at: usize, bytes: &[u8]| {
        header.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
    };
    put(0, name);
    put(100, if kind == b'5' { b"0000755\0" } else { b"0000644\0" });
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{:011o}\0", content.len()).as_bytes());
    put(136, b"14000000000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let sum = format!("{sum:06o}\0 ");
    header.iter_mut().skip(148).zip(sum.as_bytes()).for_each(|(to, from)| *to = *from);
    let mut bytes = [header.as_slice(), content].concat();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// A good archive with one run of bytes replaced, and the checksum of its block made right again.
fn changed(data: &[u8]) -> io::Result<()> {
    let Some(([first, second], bytes)) = data.split_first_chunk::<2>() else { return Ok(()) };
    let mut archive = archive(&[("a".to_owned(), b"content".to_vec()), ("b/c".to_owned(), vec![])]);
    let at = usize::from(u16::from_le_bytes([*first, *second])) % archive.len();
    archive.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
    let start = at - at % 512;
    if let Some(header) =
        archive.get_mut(start..start + 512).filter(|header| header.get(257..262) == Some(b"ustar"))
    {
        header.iter_mut().skip(148).take(8).for_each(|byte| *byte = b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        let sum = format!("{sum:06o}\0 ");
        header.iter_mut().skip(148).zip(sum.as_bytes()).for_each(|(to, from)| *to = *from);
    }
    inside(&archive, false)
}

/// Opens a package with this archive inside into a folder, beside which nothing may appear.
fn inside(archive: &[u8], whole: bool) -> io::Result<()> {
    let folder = Bag::of(&age::encrypted(archive)).write()?;
    let looked = inspect(&folder, &whatever, &anybody, &mut go_on);
    // Both take their time: what is refused on looking is opened now and then.
    if looked.is_err() && !archive.len().is_multiple_of(4) {
        return Ok(());
    }
    let out = SCRATCH.join("out");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let opened = open(&folder, &whatever, &anybody, &out, &mut go_on);
    assert_eq!(opened.is_ok(), looked.is_ok());
    match opened {
        Ok(opened) => {
            let mut files = 0;
            count(&out.join("data"), &mut files)?;
            assert_eq!(files, opened.files);
            assert!(whole || opened.exhibits.len() == 1);
        }
        Err(_) => assert!(!out.exists(), "a failure left something behind"),
    }
    let mut beside: Vec<_> =
        fs::read_dir(&*SCRATCH)?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    beside.retain(|name| name != "package" && name != "out");
    assert_eq!(beside, Vec::<std::ffi::OsString>::new(), "something was written outside the target");
    Ok(())
}

fn count(folder: &Path, files: &mut u64) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        assert!(kind.is_dir() || kind.is_file(), "neither a file nor a folder");
        match kind.is_dir() {
            true => count(&entry.path(), files)?,
            false => *files += 1,
        }
    }
    Ok(())
}

/// What was added in `seal/`: the statement is `data`, whoever signed it.
fn supplement(data: &[u8]) -> io::Result<()> {
    let mut bag = Bag::of(b"payload");
    let name = format!("seal/addressee-{}", Digest::of(b"addressee").hex());
    bag.put(&format!("{name}.p7s"), data.to_vec());
    bag.put(&format!("{name}.p7m"), b"envelope".to_vec());
    let folder = bag.write()?;
    let attached = |bytes: &[u8]| Ok((bytes.to_vec(), signer()));
    if let Ok(found) = read_supplements(&folder, &attached) {
        for further in found {
            assert_eq!(further.statement.envelope, Digest::of(b"envelope"));
        }
    }
    Ok(())
}

fn journal(data: &[u8]) -> io::Result<()> {
    fs::create_dir_all(&*SCRATCH)?;
    let path = SCRATCH.join("out");
    if path.is_dir() {
        fs::remove_dir_all(&path)?;
    }
    fs::write(&path, data)?;
    let _ = unfinished(&path);
    fs::remove_file(&path)
}

fn go_on(_: evidence::Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn signer() -> SignerInfo {
    SignerInfo { office: OFFICE.parse().expect("an office"), fingerprint: Digest::of(b"x"), claimed_at: None }
}

/// Signatures are the matter of another target: here anybody's will do.
fn anybody(_: &[u8], _: &[u8]) -> Result<SignerInfo, Report> {
    Ok(signer())
}

fn whatever(_: &KeyEnvelope) -> Result<Vec<u8>, Report> {
    let mut key = age::identity().to_text().as_bytes().to_vec();
    key.push(b'\n');
    Ok(key)
}

fn info(bytes: usize, files: usize) -> String {
    let id = "0198c0de-0000-7000-8000-000000000001";
    format!(
        "Bagging-Date: 2026-11-15\nExternal-Identifier: {id}\nPayload-Oxum: {bytes}.{files}\n\
         Rogatory-Bulk-Suite: age-v1\nRogatory-File: {id}\nRogatory-From: {OFFICE}\n"
    )
}

/// An outer bag in memory, by name.
struct Bag(Vec<(String, Vec<u8>)>);

impl Bag {
    fn of(payload: &[u8]) -> Self {
        let mut bag = Self(Vec::new());
        bag.put(ENVELOPE, b"envelope".to_vec());
        bag.put(PAYLOAD, payload.to_vec());
        bag.put("bagit.txt", DECLARATION.into());
        bag.put("seal/signature.p7s", b"signature".to_vec());
        let size = b"envelope".len() + payload.len();
        bag.put("bag-info.txt", info(size, 2).into_bytes());
        bag.list_again(PAYLOAD);
        bag
    }

    fn put(&mut self, name: &str, content: Vec<u8>) {
        self.0.retain(|(there, _)| there != name);
        self.0.push((name.to_owned(), content));
        self.0.sort();
    }

    fn lines(&self, among: impl Fn(&str) -> bool) -> Vec<u8> {
        let entries = self.0.iter().filter(|(name, _)| among(name));
        let line = |(name, content): &(String, Vec<u8>)| {
            ManifestEntry { path: name.clone(), digest: Digest::of(content) }.line()
        };
        entries.map(line).collect::<String>().into_bytes()
    }

    /// Writes the lists above a changed file anew.
    fn list_again(&mut self, changed: &str) {
        if changed.starts_with("data/") {
            let payload: Vec<&Vec<u8>> = self
                .0
                .iter()
                .filter(|(name, _)| name.starts_with("data/"))
                .map(|(_, content)| content)
                .collect();
            let info = info(payload.iter().map(|content| content.len()).sum(), payload.len());
            self.put("bag-info.txt", info.into_bytes());
            self.put("manifest-sha256.txt", self.lines(|name| name.starts_with("data/")));
        }
        if !matches!(changed, "tagmanifest-sha256.txt") {
            let tags = ["bag-info.txt", "bagit.txt", "manifest-sha256.txt"];
            self.put("tagmanifest-sha256.txt", self.lines(|name| tags.contains(&name)));
        }
    }

    fn write(&self) -> io::Result<PathBuf> {
        let folder = SCRATCH.join("package");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        for (name, content) in &self.0 {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&folder))?;
            fs::write(path, content)?;
        }
        Ok(folder)
    }
}
