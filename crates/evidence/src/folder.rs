//! Takes stock of a file or folder before it is sealed: what is there, and the digest of each file and of the whole.

use crate::{
    bag::{component_fault, manifest_line},
    progress::{Progress, Watch},
};
use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};
use vocabulary::{Digest, Failure, Family, Instant};

/// Bytes of one path below the exhibit's own folder.
pub const MAX_RELATIVE_PATH: usize = 4096;
/// Files of one package; leaves room below `MAX_MANIFEST_LINES`.
pub const MAX_FILES: usize = 1_999_000;
/// Bytes read at a time.
pub(crate) const READ_BYTES: usize = 256 * 1024;
const MAX_NAME_BYTES: usize = 200;

/// One regular file found by `scan`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path below the exhibit, in UTF-8 and with `/`; a single file is called by its own name.
    pub relative: String,
    pub absolute: PathBuf,
    pub size: u64,
    pub modified: Instant,
}

/// What was recorded of a file when it was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    pub relative: String,
    pub size: u64,
    pub digest: Digest,
}

/// Lists a file, or every file below a folder, in ascending byte order of the relative path.
///
/// Empty subfolders are not listed: BagIt carries files only.
pub fn scan(path: &Path) -> Result<Vec<SourceFile>, ScanError> {
    let shown = path.display().to_string();
    let root = std::path::absolute(path).map_err(|source| ScanError::read(&shown, source))?;
    let about = fs::symlink_metadata(&root).map_err(|source| ScanError::read(&shown, source))?;
    if !about.is_dir() {
        let name = root.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| ScanError::NotUtf8 { path: shown.clone() })?.to_owned();
        return Ok(vec![source_file(name, root, &about)?]);
    }
    let mut files = Vec::new();
    let mut folders = vec![(String::new(), root)];
    while let Some((prefix, folder)) = folders.pop() {
        scan_folder(&prefix, &folder, &mut folders, &mut files)?;
    }
    files.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
    Ok(files)
}

fn scan_folder(
    prefix: &str,
    folder: &Path,
    folders: &mut Vec<(String, PathBuf)>,
    files: &mut Vec<SourceFile>,
) -> Result<(), ScanError> {
    let shown = if prefix.is_empty() { "." } else { prefix };
    for entry in fs::read_dir(folder).map_err(|source| ScanError::read(shown, source))? {
        let entry = entry.map_err(|source| ScanError::read(shown, source))?;
        let name = entry.file_name();
        let relative = format!("{prefix}{}", name.to_string_lossy());
        if name.to_str().is_none() {
            return Err(ScanError::NotUtf8 { path: relative });
        }
        let about =
            fs::symlink_metadata(entry.path()).map_err(|source| ScanError::read(&relative, source))?;
        if about.is_dir() {
            check_relative(&relative)?;
            folders.push((relative + "/", entry.path()));
        } else if files.len() >= MAX_FILES {
            return Err(ScanError::TooMany { limit: MAX_FILES });
        } else {
            files.push(source_file(relative, entry.path(), &about)?);
        }
    }
    Ok(())
}

fn source_file(relative: String, absolute: PathBuf, about: &Metadata) -> Result<SourceFile, ScanError> {
    if about.is_symlink() {
        return Err(ScanError::Link { path: relative });
    }
    if !about.is_file() {
        return Err(ScanError::Special { path: relative });
    }
    check_relative(&relative)?;
    Ok(SourceFile { relative, absolute, size: about.len(), modified: modified(about) })
}

/// To the microsecond; a file system without times gives 1970.
fn modified(about: &Metadata) -> Instant {
    let since = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Instant::from_micros(since.and_then(|span| i64::try_from(span.as_micros()).ok()).unwrap_or(0))
}

pub(crate) fn check_relative(relative: &str) -> Result<(), ScanError> {
    if relative.len() > MAX_RELATIVE_PATH {
        let start = relative.chars().take(80).collect();
        return Err(ScanError::TooLong { start, limit: MAX_RELATIVE_PATH });
    }
    match relative.split('/').find_map(component_fault).or_else(|| text_fault(relative)) {
        Some(what) => Err(ScanError::Name { path: visible(relative), what }),
        None => Ok(()),
    }
}

/// Shows control characters as escapes, so that a name cannot write on a terminal.
fn visible(name: &str) -> String {
    let escape = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    name.chars().map(|c| if escape(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
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

/// Hashes every file once, and gives each digest and one of the whole.
pub fn measure(
    files: &[SourceFile],
    progress: &mut Watch<'_>,
) -> Result<(Vec<FileDigest>, Digest), ScanError> {
    let total = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size));
    let mut done = 0;
    let mut buffer = vec![0; READ_BYTES];
    let mut digests = Vec::with_capacity(files.len());
    for file in files {
        let mut context = Context::new(&SHA256);
        read_exactly(file, file.size, &mut buffer, &mut |bytes| {
            context.update(bytes);
            done += length(bytes);
            match progress(Progress { done, total, what: "hashing" }) {
                ControlFlow::Break(()) => Err(ScanError::Cancelled),
                ControlFlow::Continue(()) => Ok(()),
            }
        })?;
        let digest = finish(context);
        digests.push(FileDigest { relative: file.relative.clone(), size: file.size, digest });
    }
    let tree = tree_digest(&digests);
    Ok((digests, tree))
}

/// One digest of a whole exhibit: SHA-256 of its manifest text, that is of `<hex>  <relative>\n` in ascending
/// byte order of the relative path. With coreutils, inside the folder:
/// `find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum`.
pub fn tree_digest(files: &[FileDigest]) -> Digest {
    let mut sorted: Vec<&FileDigest> = files.iter().collect();
    sorted.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
    let mut context = Context::new(&SHA256);
    for file in sorted {
        context.update(manifest_line(&file.digest, &file.relative).as_bytes());
    }
    finish(context)
}

/// Reads a file of which `size` bytes are expected; fewer or more is an error that names it.
pub(crate) fn read_exactly<E: From<ScanError>>(
    file: &SourceFile,
    size: u64,
    buffer: &mut [u8],
    visit: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let name = file.relative.as_str();
    let unreadable = |source| ScanError::read(name, source);
    let changed = || ScanError::Changed { path: name.to_owned() };
    let about = fs::symlink_metadata(&file.absolute).map_err(unreadable)?;
    if !about.is_file() || about.len() != size {
        return Err(changed().into());
    }
    let mut input = File::open(&file.absolute).map_err(unreadable)?;
    let mut left = size;
    loop {
        let read = match input.read(buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error).into()),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() && left == 0 {
            return Ok(());
        }
        left = left.checked_sub(length(bytes)).filter(|_| read > 0).ok_or_else(changed)?;
        visit(bytes)?;
    }
}

pub(crate) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

pub(crate) fn finish(context: Context) -> Digest {
    let digest = context.finish();
    let bytes = digest.as_ref().try_into().expect("SHA-256 gives 32 bytes");
    Digest::from_bytes(bytes)
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
    #[error("there are more than {limit} files")]
    TooMany { limit: usize },
    #[error("`{path}` does not exist")]
    Absent { path: String },
    #[error("`{path}` changed while it was being read")]
    Changed { path: String },
    #[error("the work was stopped")]
    Cancelled,
    #[error("`{path}` could not be read")]
    Read { path: String, source: io::Error },
}

impl ScanError {
    fn read(path: &str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::Absent { path: path.to_owned() },
            _ => Self::Read { path: path.to_owned(), source },
        }
    }
}

impl Failure for ScanError {
    fn family(&self) -> Family {
        match self {
            Self::Read { .. } => Family::Fault,
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
            Self::Read { .. } => "F-302",
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::Name { .. } => Some("RFC 8493, 2.1.3".to_owned()),
            Self::Changed { .. } => Some("ISO/IEC 27037".to_owned()),
            _ => None,
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Link { .. } | Self::Special { .. } => {
                "take it out of the folder, or put the folder in an archive (`tar`) and take in the archive"
            }
            Self::NotUtf8 { .. } | Self::Name { .. } | Self::TooLong { .. } => {
                "put the folder in an archive (`tar`) and take in the archive, so that the name stays as it is"
            }
            Self::TooMany { .. } => "put the folder in an archive (`tar`), or divide it into several exhibits",
            Self::Absent { .. } => "check the path",
            Self::Changed { .. } => "make sure that nothing writes to it, and take it in again",
            Self::Cancelled => "start again when ready",
            Self::Read { .. } => "check the permissions and the disk, and try again",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::{ffi::OsStrExt, fs::symlink, net::UnixListener};

    fn carry_on(_: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn files_come_in_byte_order_whatever_the_disk_says() {
        let root = folder(&[("b", ""), ("a/x", "1"), ("a b", "22"), ("a/é", "333"), ("Z", "")]);
        let files = scan(root.path()).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.relative.as_str()).collect();
        assert_eq!(names, ["Z", "a b", "a/x", "a/é", "b"]);
        assert_eq!(files[1].size, 2);
    }

    #[test]
    fn a_single_file_is_called_by_its_own_name_and_an_empty_folder_has_no_files() {
        let root = folder(&[("mailbox.mbox", "From x")]);
        let files = scan(&root.path().join("mailbox.mbox")).unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].relative, "mailbox.mbox");
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(scan(empty.path()).unwrap(), []);
        let (digests, tree) = measure(&[], &mut carry_on).unwrap();
        assert!(digests.is_empty());
        assert_eq!(tree, Digest::of(b""));
    }

    #[test]
    fn links_sockets_and_names_no_manifest_can_carry_are_refused_by_name() {
        let link = folder(&[]);
        symlink("/etc/passwd", link.path().join("shortcut")).unwrap();
        let socket = folder(&[]);
        let _listener = UnixListener::bind(socket.path().join("plug")).unwrap();
        let latin = folder(&[]);
        fs::write(latin.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "").unwrap();
        let cases = [
            (scan(link.path()), "R-301", "shortcut"),
            (scan(socket.path()), "R-302", "plug"),
            (scan(latin.path()), "R-303", "caf"),
            (scan(folder(&[("line\nfeed", "")]).path()), "R-304", "line\\nfeed"),
            (scan(folder(&[("100%.txt", "")]).path()), "R-304", "100%.txt"),
            (scan(folder(&[("trailing ", "")]).path()), "R-304", "trailing "),
            (scan(folder(&[("a\u{2028}b", "")]).path()), "R-304", "a\\u{2028}b"),
            (scan(&link.path().join("nowhere")), "R-307", "nowhere"),
        ];
        for (result, code, name) in cases {
            let error = result.unwrap_err();
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(name), "{error}");
            assert!(!error.remedy().is_empty());
        }
    }

    #[test]
    fn the_digest_of_an_exhibit_is_what_coreutils_compute() {
        let root = folder(&[("b", "bee"), ("a/x", "1"), ("a b", ""), ("a/é", "333")]);
        let (digests, tree) = measure(&scan(root.path()).unwrap(), &mut carry_on).unwrap();
        assert_eq!(digests.len(), 4);
        let shell = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum";
        let output =
            std::process::Command::new("sh").args(["-c", shell]).current_dir(&root).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.split_whitespace().next().unwrap(), tree.hex());
    }

    #[test]
    fn a_file_that_grew_or_shrank_since_the_scan_is_refused_and_work_can_be_stopped() {
        let root = folder(&[("a", "1234")]);
        let files = scan(root.path()).unwrap();
        for text in ["123", "12345"] {
            fs::write(root.path().join("a"), text).unwrap();
            assert_eq!(measure(&files, &mut carry_on).unwrap_err().code(), "R-308");
        }
        fs::write(root.path().join("a"), "1234").unwrap();
        let stopped = measure(&files, &mut |_| ControlFlow::Break(()));
        assert_eq!(stopped.unwrap_err().code(), "R-309");
    }
}
