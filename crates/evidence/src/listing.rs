//! Takes stock of an exhibit before it is read: every entry in one compact table, in the order in which it is sealed.

use crate::{
    bag::component_fault,
    compact::{put, take, take_bytes},
    content::archive_size,
};
use std::{
    ffi::{OsStr, OsString},
    fs::{self, Metadata},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
};
use vocabulary::{Digest, Failure, Family};

/// Bytes of one path below the exhibit's own folder.
pub const MAX_RELATIVE_PATH: usize = 4096;
/// Files of one package; leaves room below `MAX_MANIFEST_LINES`.
pub const MAX_FILES: usize = 1_999_000;
const MAX_NAME_BYTES: usize = 200;
/// Faults named in one refusal; the rest are counted.
const MAX_NAMED: usize = 20;

/// How an exhibit is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carry {
    /// File by file: what a manifest cannot say so that every tool reads it alike is refused.
    #[default]
    Files,
    /// As one tar file, which keeps links, empty folders, owners, modes and names of any bytes.
    Archive,
}

/// What an entry is; only `Carry::Archive` has others than files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    File,
    Folder,
    Link,
    Pipe,
    Device { block: bool },
}

/// One entry as the table keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Below the exhibit, with `/`.
    pub(crate) path: Vec<u8>,
    pub(crate) sort: Sort,
    /// Bytes of content; 0 for everything but files.
    pub(crate) size: u64,
    /// Microseconds since 1970; 0 where the file system has no times.
    pub(crate) modified: u64,
    pub(crate) mode: u64,
    pub(crate) owner: u64,
    pub(crate) group: u64,
    pub(crate) device: u64,
    /// Of a link.
    pub(crate) target: Vec<u8>,
}

/// One file of the bag, whose content is read from the disk or built from the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) relative: String,
    pub(crate) size: u64,
    /// Microseconds since 1970.
    pub(crate) modified: u64,
}

/// Every entry of an exhibit in ascending byte order of the path, about 40 bytes each.
#[derive(Debug, Clone)]
pub struct Listing {
    root: PathBuf,
    /// The exhibit is one file, whose only entry is its own name.
    single: bool,
    carry: Carry,
    archive: String,
    table: Vec<u8>,
    entries: u64,
    bytes: u64,
}

/// Lists a file, or everything below a folder.
///
/// `Carry::Files` lists files only: an empty subfolder is not carried, because a bag lists files.
pub fn survey(path: &Path, carry: Carry) -> Result<Listing, ScanError> {
    let shown = path.display().to_string();
    let root = std::path::absolute(path).map_err(|source| ScanError::read(&shown, source))?;
    let about = fs::symlink_metadata(&root).map_err(|source| ScanError::read(&shown, source))?;
    let name = root.file_name().unwrap_or(OsStr::new("exhibit")).to_owned();
    let mut survey = Survey {
        listing: Listing {
            single: !about.is_dir(),
            archive: format!("{}.tar", plain_name(&name)),
            root,
            carry,
            table: Vec::new(),
            entries: 0,
            bytes: 0,
        },
        last: Vec::new(),
        faults: Vec::new(),
        refused: 0,
    };
    if about.is_dir() {
        let root = survey.listing.root.clone();
        survey.folder(&root, &[])?;
    } else {
        survey.entry(&survey.listing.root.clone(), name.as_bytes(), &about)?;
    }
    survey.finish()
}

/// The name of the archive that carries a folder: letters that every tool reads alike.
fn plain_name(name: &OsStr) -> String {
    let text = name.to_string_lossy();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    let kept: String = text.chars().map(|c| if fits(c) { c } else { '_' }).take(150).collect();
    let kept = kept.trim().to_owned();
    if kept.is_empty() || kept.starts_with('.') { format!("exhibit{kept}") } else { kept }
}

struct Survey {
    listing: Listing,
    last: Vec<u8>,
    faults: Vec<ScanError>,
    refused: u64,
}

impl Survey {
    /// Depth first, siblings sorted as if a folder's name ended in `/`: that is the byte order of whole paths.
    fn folder(&mut self, root: &Path, prefix: &[u8]) -> Result<(), ScanError> {
        let mut folders = vec![self.children(root, prefix)?.into_iter()];
        while let Some(children) = folders.last_mut() {
            let Some((path, about)) = children.next() else {
                folders.pop();
                continue;
            };
            let place = if path.is_empty() { root.to_owned() } else { root.join(OsStr::from_bytes(&path)) };
            self.entry(&place, &path, &about)?;
            if about.is_dir() {
                folders.push(self.children(root, &path)?.into_iter());
            }
        }
        Ok(())
    }

    fn children(&self, root: &Path, below: &[u8]) -> Result<Vec<(Vec<u8>, Metadata)>, ScanError> {
        let place = root.join(OsStr::from_bytes(below));
        let shown = if below.is_empty() { ".".to_owned() } else { visible(below) };
        let mut children = Vec::new();
        for entry in fs::read_dir(&place).map_err(|source| ScanError::read(&shown, source))? {
            let entry = entry.map_err(|source| ScanError::read(&shown, source))?;
            let mut path = below.to_vec();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(entry.file_name().as_bytes());
            let about = fs::symlink_metadata(entry.path())
                .map_err(|source| ScanError::read(&visible(&path), source))?;
            if children.len() >= MAX_FILES {
                return Err(ScanError::TooMany { limit: MAX_FILES });
            }
            children.push((path, about));
        }
        let folder = |about: &Metadata| if about.is_dir() { b"/".as_slice() } else { b"" };
        children.sort_unstable_by(|(a, about_a), (b, about_b)| {
            a.iter().chain(folder(about_a)).cmp(b.iter().chain(folder(about_b)))
        });
        Ok(children)
    }

    fn entry(&mut self, place: &Path, path: &[u8], about: &Metadata) -> Result<(), ScanError> {
        if path.len() > MAX_RELATIVE_PATH {
            let start = visible(path).chars().take(80).collect();
            return Err(ScanError::TooLong { start, limit: MAX_RELATIVE_PATH });
        }
        let kind = about.file_type();
        let files_only = self.listing.carry == Carry::Files;
        let sort = if kind.is_file() {
            Sort::File
        } else if kind.is_dir() {
            Sort::Folder
        } else if kind.is_symlink() && !files_only {
            Sort::Link
        } else if kind.is_fifo() && !files_only {
            Sort::Pipe
        } else if (kind.is_block_device() || kind.is_char_device()) && !files_only {
            Sort::Device { block: kind.is_block_device() }
        } else if kind.is_symlink() {
            self.refuse(ScanError::Link { path: visible(path) });
            return Ok(());
        } else {
            self.refuse(ScanError::Special { path: visible(path) });
            return Ok(());
        };
        if files_only {
            if let Err(fault) = relative(path).and_then(check_relative) {
                self.refuse(fault);
                return Ok(());
            }
            if sort == Sort::Folder {
                return Ok(());
            }
        }
        if usize::try_from(self.listing.entries).unwrap_or(usize::MAX) >= MAX_FILES {
            return Err(ScanError::TooMany { limit: MAX_FILES });
        }
        let target = match sort {
            Sort::Link => fs::read_link(place)
                .map(|target| target.into_os_string().into_vec())
                .map_err(|source| ScanError::read(&visible(path), source))?,
            _ => Vec::new(),
        };
        let device = if matches!(sort, Sort::Device { .. }) { about.rdev() } else { 0 };
        let entry = Entry {
            path: path.to_vec(),
            sort,
            size: if sort == Sort::File { about.len() } else { 0 },
            modified: modified(about),
            mode: u64::from(about.mode() & 0o7777),
            owner: u64::from(about.uid()),
            group: u64::from(about.gid()),
            device,
            target,
        };
        self.listing.bytes = self.listing.bytes.saturating_add(entry.size);
        self.listing.entries += 1;
        encode(&mut self.listing.table, &self.last, &entry);
        self.last = entry.path;
        Ok(())
    }

    fn refuse(&mut self, fault: ScanError) {
        self.refused += 1;
        if self.faults.len() < MAX_NAMED {
            self.faults.push(fault);
        }
    }

    fn finish(mut self) -> Result<Listing, ScanError> {
        match (self.refused, self.faults.pop()) {
            (0, _) | (_, None) => {}
            (1, Some(only)) => return Err(only),
            (count, Some(last)) => {
                self.faults.push(last);
                let named = self.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                return Err(ScanError::Several { count, named });
            }
        }
        self.listing.table.shrink_to_fit();
        if self.listing.carry == Carry::Archive {
            self.listing.bytes = archive_size(&self.listing);
        }
        Ok(self.listing)
    }
}

/// Microseconds since 1970, at least 0.
pub(crate) fn modified(about: &Metadata) -> u64 {
    let seconds = u64::try_from(about.mtime()).unwrap_or(0);
    let within = u64::try_from(about.mtime_nsec()).unwrap_or(0) / 1000;
    if about.mtime() < 0 { 0 } else { seconds.saturating_mul(1_000_000).saturating_add(within) }
}

impl Listing {
    /// Where the exhibit lies.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn carry(&self) -> Carry {
        self.carry
    }

    /// Files of the bag.
    pub fn files(&self) -> u64 {
        if self.carry == Carry::Archive { 1 } else { self.entries }
    }

    /// Bytes of the files of the bag.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Changes with every name, size, time, mode or target.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.table)
    }

    pub(crate) fn entries(&self) -> Entries<'_> {
        Entries { rest: &self.table, last: Vec::new() }
    }

    /// Where an entry lies on the disk.
    pub(crate) fn place(&self, path: &[u8]) -> PathBuf {
        if self.single { self.root.clone() } else { self.root.join(OsString::from_vec(path.to_vec())) }
    }

    /// The files of the bag, ascending by path.
    pub(crate) fn items(&self) -> Items<'_> {
        Items { listing: self, entries: self.entries(), done: false }
    }
}

pub(crate) struct Items<'a> {
    listing: &'a Listing,
    entries: Entries<'a>,
    done: bool,
}

impl Iterator for Items<'_> {
    type Item = Item;
    fn next(&mut self) -> Option<Item> {
        if self.listing.carry == Carry::Archive {
            let first = !std::mem::replace(&mut self.done, true);
            let newest = || self.listing.entries().map(|entry| entry.modified).max().unwrap_or(0);
            let (relative, size) = (self.listing.archive.clone(), self.listing.bytes);
            return first.then(|| Item { relative, size, modified: newest() });
        }
        let entry = self.entries.next()?;
        let relative = String::from_utf8(entry.path).unwrap_or_default();
        Some(Item { relative, size: entry.size, modified: entry.modified })
    }
}

/// The part that a path shares with the one before is written as its length only.
fn encode(out: &mut Vec<u8>, last: &[u8], entry: &Entry) {
    let shared = last.iter().zip(&entry.path).take_while(|(a, b)| a == b).count();
    let suffix = entry.path.get(shared..).unwrap_or_default();
    let number = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    put(out, number(shared));
    put(out, number(suffix.len()));
    out.extend_from_slice(suffix);
    let sort = match entry.sort {
        Sort::File => 0,
        Sort::Folder => 1,
        Sort::Link => 2,
        Sort::Pipe => 3,
        Sort::Device { block: false } => 4,
        Sort::Device { block: true } => 5,
    };
    for value in [sort, entry.size, entry.modified, entry.mode, entry.owner, entry.group, entry.device] {
        put(out, value);
    }
    put(out, number(entry.target.len()));
    out.extend_from_slice(&entry.target);
}

pub(crate) struct Entries<'a> {
    rest: &'a [u8],
    last: Vec<u8>,
}

impl Entries<'_> {
    fn read(&mut self) -> Option<Entry> {
        let shared = usize::try_from(take(&mut self.rest)?).ok()?;
        let suffix = take_bytes(&mut self.rest)?;
        self.last.truncate(shared);
        self.last.extend_from_slice(&suffix);
        let sort = match take(&mut self.rest)? {
            0 => Sort::File,
            1 => Sort::Folder,
            2 => Sort::Link,
            3 => Sort::Pipe,
            other => Sort::Device { block: other == 5 },
        };
        let mut number = || take(&mut self.rest);
        let (size, modified, mode) = (number()?, number()?, number()?);
        let (owner, group, device) = (number()?, number()?, number()?);
        let target = take_bytes(&mut self.rest)?;
        Some(Entry { path: self.last.clone(), sort, size, modified, mode, owner, group, device, target })
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;
    fn next(&mut self) -> Option<Entry> {
        self.read()
    }
}

fn relative(path: &[u8]) -> Result<&str, ScanError> {
    std::str::from_utf8(path).map_err(|_| ScanError::NotUtf8 { path: visible(path) })
}

pub(crate) fn check_relative(relative: &str) -> Result<(), ScanError> {
    match relative.split('/').find_map(component_fault).or_else(|| text_fault(relative)) {
        Some(what) => Err(ScanError::Name { path: visible(relative.as_bytes()), what }),
        None => Ok(()),
    }
}

/// Shows control characters as escapes, so that a name cannot write on a terminal.
pub(crate) fn visible(name: &[u8]) -> String {
    let escape = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let text = String::from_utf8_lossy(name);
    text.chars().map(|c| if escape(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// What `bagit.py` 1.9 or `sha256sum -c` would misread in a manifest line.
fn text_fault(path: &str) -> Option<&'static str> {
    if path.contains('%') {
        Some("it has a `%`, which manifests must encode and common tools do not decode")
    } else if path.contains(['\u{2028}', '\u{2029}']) {
        Some("it has a Unicode line or paragraph separator")
    } else if path.ends_with(char::is_whitespace) {
        Some("it ends in white space, which manifest readers strip")
    } else {
        None
    }
}

/// Why an exhibit may not have this name, which becomes a folder; `None` when it may.
pub(crate) fn name_fault(name: &str) -> Option<&'static str> {
    if name.len() > MAX_NAME_BYTES {
        return Some("it is longer than 200 bytes");
    }
    if name.contains('/') {
        return Some("it has a `/`");
    }
    if name.starts_with(char::is_whitespace) {
        return Some("it begins with white space");
    }
    component_fault(name).or_else(|| text_fault(name))
}

/// Why a file or folder cannot be taken in as it is.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("`{path}` is a symbolic link")]
    Link { path: String },
    #[error("`{path}` is a device, a socket or a pipe")]
    Special { path: String },
    #[error("the name `{path}` is not UTF-8")]
    NotUtf8 { path: String },
    #[error("the name `{path}` cannot be carried: {what}")]
    Name { path: String, what: &'static str },
    #[error("the path that begins `{start}` is longer than {limit} bytes")]
    TooLong { start: String, limit: usize },
    #[error("{count} entries cannot be carried file by file: {named}")]
    Several { count: u64, named: String },
    #[error("there are more than {limit} files")]
    TooMany { limit: usize },
    #[error("`{path}` does not exist")]
    Absent { path: String },
    #[error("`{path}` changed while it was being read")]
    Changed { path: String },
    #[error("the work was stopped")]
    Cancelled,
    #[error("`{path}` could not be read")]
    Read { path: String, source: std::io::Error },
    #[error("`{path}` could not be read at byte {offset}")]
    ReadAt { path: String, offset: u64, source: std::io::Error },
}

impl ScanError {
    pub(crate) fn read(path: &str, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::NotFound => Self::Absent { path: path.to_owned() },
            _ => Self::Read { path: path.to_owned(), source },
        }
    }
}

impl Failure for ScanError {
    fn family(&self) -> Family {
        match self {
            Self::Read { .. } | Self::ReadAt { .. } => Family::Fault,
            _ => Family::Refusal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Link { .. } => "R-301",
            Self::Special { .. } => "R-302",
            Self::NotUtf8 { .. } => "R-303",
            Self::Name { .. } => "R-304",
            Self::TooLong { .. } => "R-305",
            Self::TooMany { .. } => "R-306",
            Self::Absent { .. } => "R-307",
            Self::Changed { .. } => "R-308",
            Self::Cancelled => "R-309",
            Self::Several { .. } => "R-311",
            Self::Read { .. } => "F-302",
            Self::ReadAt { .. } => "F-303",
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::Name { .. } | Self::Several { .. } | Self::NotUtf8 { .. } => {
                Some("RFC 8493, 2.1.3".to_owned())
            }
            Self::Changed { .. } | Self::ReadAt { .. } => Some("ISO/IEC 27037".to_owned()),
            _ => None,
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Link { .. }
            | Self::Special { .. }
            | Self::NotUtf8 { .. }
            | Self::Name { .. }
            | Self::Several { .. } => "carry the exhibit as one archive (`--as-archive`), or leave these out",
            Self::TooLong { .. } | Self::TooMany { .. } => {
                "put the folder in an archive and make the archive the exhibit"
            }
            Self::Absent { .. } => "check the path",
            Self::Changed { .. } => "stop whatever writes to it, or make a copy, and take that in",
            Self::Cancelled => "start again when ready",
            Self::Read { .. } => "check the disk and the permissions and try again",
            Self::ReadAt { .. } => {
                "the medium has an unreadable place: image it with a tool that records bad sectors, \
                 and make the image and its log the exhibit"
            }
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn paths(listing: &Listing) -> Vec<String> {
        listing.items().map(|item| item.relative).collect()
    }

    #[test]
    fn files_come_in_the_byte_order_of_their_whole_paths() {
        let root = tempfile::tempdir().unwrap();
        for path in ["a/x", "a.b", "a/y/z", "a0", "b", "a-"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, path_bytes()).unwrap();
        }
        fs::create_dir(root.path().join("empty folder")).unwrap();
        let listing = survey(root.path(), Carry::Files).unwrap();
        assert_eq!(paths(&listing), ["a-", "a.b", "a/x", "a/y/z", "a0", "b"]);
        assert_eq!((listing.files(), listing.bytes()), (6, 18));
    }

    fn path_bytes() -> &'static [u8] {
        b"abc"
    }

    #[test]
    fn every_entry_that_cannot_be_carried_is_named_and_the_remedy_carries_them() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("fine"), b"1").unwrap();
        fs::write(root.path().join(OsStr::from_bytes(b"caf\xe9")), b"22").unwrap();
        fs::write(root.path().join("100%"), b"333").unwrap();
        symlink("fine", root.path().join("link")).unwrap();
        let refused = survey(root.path(), Carry::Files).unwrap_err();
        assert_eq!(refused.code(), "R-311");
        for name in ["caf", "100%", "link"] {
            assert!(refused.to_string().contains(name), "{refused}");
        }
        let listing = survey(root.path(), Carry::Archive).unwrap();
        assert_eq!(listing.files(), 1);
        let entries: Vec<_> = listing.entries().collect();
        assert_eq!(entries.len(), 4);
        assert!(entries.iter().any(|entry| entry.sort == Sort::Link && entry.target == b"fine"));
    }

    #[test]
    fn the_table_goes_round_and_its_digest_tells_a_change() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("one"), b"1").unwrap();
        let before = survey(root.path(), Carry::Files).unwrap();
        assert_eq!(before.digest(), survey(root.path(), Carry::Files).unwrap().digest());
        fs::write(root.path().join("one"), b"12").unwrap();
        assert_ne!(before.digest(), survey(root.path(), Carry::Files).unwrap().digest());
    }

    #[test]
    fn a_million_entries_fit_the_memory_that_is_promised() {
        let mut table = Vec::new();
        let mut last = Vec::new();
        for number in 0..1000_u32 {
            let path = format!("folder/of/messages/{number:06}.eml").into_bytes();
            let entry = Entry {
                path: path.clone(),
                sort: Sort::File,
                size: 4096,
                modified: 1_763_193_600_000_000,
                mode: 0o644,
                owner: 1000,
                group: 1000,
                device: 0,
                target: Vec::new(),
            };
            encode(&mut table, &last, &entry);
            last = path;
        }
        assert!(table.len() < 40 * 1000, "{}", table.len());
        assert_eq!(Entries { rest: &table, last: Vec::new() }.count(), 1000);
    }
}
