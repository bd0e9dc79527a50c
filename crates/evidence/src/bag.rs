//! BagIt 1.0 manifests (RFC 8493): two-space lines in ascending order, written and parsed strictly in constant memory.

use serde::{Deserialize, Serialize};
use std::io::{self, BufRead};
use vocabulary::{Digest, Failure, Family};

/// The whole of `bagit.txt`.
pub(crate) const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
/// Lines of one manifest.
pub const MAX_MANIFEST_LINES: u64 = 2_000_000;
/// Bytes of one path in a manifest, decoded.
pub const MAX_PATH_BYTES: usize = 4096 + 256;
/// 64 digits, two spaces, and a path of which every byte may be percent-encoded.
const MAX_LINE_BYTES: usize = 66 + 3 * MAX_PATH_BYTES;

pub(crate) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// One file of a package as a receiver fetches and checks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartInfo {
    /// The path inside the package, with `/`.
    pub name: String,
    pub size: u64,
    pub digest: Digest,
}

/// One line of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestEntry {
    pub path: String,
    pub digest: Digest,
}

impl ManifestEntry {
    /// The line as `bagit.py` and `sha256sum -c` both read it, with its line feed.
    pub fn line(&self) -> String {
        manifest_line(&self.digest, &self.path)
    }
}

/// Two spaces: with one, `sha256sum -c` refuses the line.
pub(crate) fn manifest_line(digest: &Digest, path: &str) -> String {
    format!("{}  {}\n", digest.hex(), encode_path(path))
}

/// Percent-encodes carriage return, line feed and `%`, and only those (RFC 8493, 2.1.3).
fn encode_path(path: &str) -> String {
    path.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn decode_path(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut path = pieces.next()?.to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        path.push(match code {
            "25" => '%',
            "0D" | "0d" => '\r',
            "0A" | "0a" => '\n',
            _ => return None,
        });
        path.push_str(rest);
    }
    Some(path)
}

/// Reads a manifest line by line; at most one line is in memory.
pub fn read_manifest(
    file: &'static str,
    mut input: impl BufRead,
    visit: &mut dyn FnMut(ManifestEntry) -> Result<(), BagFault>,
) -> Result<u64, BagFault> {
    let mut buffer = Vec::new();
    let mut previous = String::new();
    let mut line = 0;
    while next_line(file, &mut input, &mut buffer, line + 1)? {
        line += 1;
        if line > MAX_MANIFEST_LINES {
            return Err(BagFault::TooLarge { file: file.to_owned(), limit: "2,000,000 lines" });
        }
        let entry = parse_line(file, line, &buffer)?;
        if line > 1 && entry.path <= previous {
            return Err(BagFault::OutOfOrder { file, path: entry.path });
        }
        previous.clone_from(&entry.path);
        visit(entry)?;
    }
    Ok(line)
}

/// Reads one line without its line feed; a last line without one is refused.
fn next_line(
    file: &'static str,
    input: &mut impl BufRead,
    buffer: &mut Vec<u8>,
    line: u64,
) -> Result<bool, BagFault> {
    buffer.clear();
    let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
    let mut limited = io::Read::take(&mut *input, limit);
    limited.read_until(b'\n', buffer).map_err(|error| BagFault::from_read(file, error))?;
    match buffer.pop() {
        None => Ok(false),
        Some(b'\n') => Ok(true),
        Some(_) if buffer.len() + 1 >= MAX_LINE_BYTES => {
            Err(BagFault::Line { file, line, what: "it is too long" })
        }
        Some(_) => Err(BagFault::Line { file, line, what: "it does not end in a line feed" }),
    }
}

fn parse_line(file: &'static str, line: u64, bytes: &[u8]) -> Result<ManifestEntry, BagFault> {
    let wrong = |what| BagFault::Line { file, line, what };
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
    let (hex, path) = text.split_once("  ").ok_or_else(|| wrong("it has no two spaces"))?;
    if hex.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(wrong("the digest is not in lower case"));
    }
    let digest = Digest::from_hex(hex).map_err(|_| wrong("it does not begin with a SHA-256 digest"))?;
    let path = decode_path(path).ok_or_else(|| wrong("the path is wrongly percent-encoded"))?;
    match path_fault(&path) {
        Some(what) => Err(wrong(what)),
        None => Ok(ManifestEntry { path, digest }),
    }
}

/// Why a relative path may not be used, on this machine or on another; `None` when it may.
pub(crate) fn path_fault(path: &str) -> Option<&'static str> {
    if path.is_empty() || path.len() > MAX_PATH_BYTES {
        return Some("the path is empty or too long");
    }
    if path.starts_with('/') {
        return Some("the path is absolute");
    }
    path.split('/').find_map(component_fault)
}

/// Why one component of a path may not be used.
pub(crate) fn component_fault(name: &str) -> Option<&'static str> {
    let foreign = |c: char| cfg!(windows) && matches!(c, '\\' | ':');
    match name {
        "" => Some("the path has an empty component"),
        "." | ".." => Some("the path climbs out of its folder"),
        _ if name.chars().any(char::is_control) => Some("the path has a control character"),
        _ if name.chars().any(foreign) => Some("the path has a separator of this system in a name"),
        _ => None,
    }
}

/// What is wrong with the files of a bag, outer or inner.
#[derive(Debug, thiserror::Error)]
pub enum BagFault {
    #[error("line {line} of `{file}` is wrong: {what}")]
    Line { file: &'static str, line: u64, what: &'static str },
    #[error("`{file}` lists `{path}` twice or out of order")]
    OutOfOrder { file: &'static str, path: String },
    #[error("`{file}` is larger than {limit}")]
    TooLarge { file: String, limit: &'static str },
    #[error("`{file}` is missing")]
    Missing { file: String },
    #[error("`{file}` is in the bag but no manifest lists it")]
    Extra { file: String },
    #[error("`{file}` is not a regular file")]
    NotAFile { file: String },
    #[error("`{file}` is altered: the manifest says {expected}, the file has {found}")]
    Altered { file: String, expected: Digest, found: Digest },
    #[error("`{manifest}` lists `{path}`, which does not belong there")]
    Unexpected { manifest: &'static str, path: String },
    #[error("`{file}` is not the declaration of a BagIt 1.0 bag in UTF-8")]
    Declaration { file: String },
    #[error("`{file}` is malformed: {what}")]
    Info { file: &'static str, what: &'static str },
    #[error("`{file}` needs `{label}`, as often as its rules say: {expected}")]
    Label { file: &'static str, label: &'static str, expected: &'static str },
    #[error("`Payload-Oxum` says {expected}, the files make {found}")]
    Oxum { expected: String, found: String },
    #[error("`{file}` could not be read")]
    Read { file: String, source: io::Error },
}

impl BagFault {
    /// A missing file is the package's fault, any other failure to read is ours.
    pub(crate) fn from_read(file: &str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { file: file.to_owned() },
            _ => Self::Read { file: file.to_owned(), source },
        }
    }
}

impl Failure for BagFault {
    fn family(&self) -> Family {
        match self {
            Self::Read { .. } => Family::Fault,
            _ => Family::PeerFault,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Line { .. } => "P-301",
            Self::OutOfOrder { .. } => "P-302",
            Self::TooLarge { .. } => "P-303",
            Self::Missing { .. } => "P-304",
            Self::Extra { .. } => "P-305",
            Self::NotAFile { .. } => "P-306",
            Self::Altered { .. } => "P-307",
            Self::Unexpected { .. } => "P-308",
            Self::Declaration { .. } => "P-309",
            Self::Info { .. } => "P-310",
            Self::Label { .. } => "P-311",
            Self::Oxum { .. } => "P-312",
            Self::Read { .. } => "F-301",
        }
    }

    fn clause(&self) -> Option<String> {
        let section = match self {
            Self::Line { .. } | Self::OutOfOrder { .. } | Self::Unexpected { .. } => "2.1.3",
            Self::Missing { .. } | Self::Extra { .. } | Self::Altered { .. } => "3",
            Self::Declaration { .. } => "2.1.1",
            Self::Info { .. } | Self::Label { .. } | Self::Oxum { .. } => "2.2.2",
            Self::TooLarge { .. } | Self::NotAFile { .. } => "5",
            Self::Read { .. } => return None,
        };
        Some(format!("RFC 8493, {section}"))
    }

    fn remedy(&self) -> String {
        match self {
            Self::Read { .. } => "check the disk that holds the package and try again".to_owned(),
            Self::Missing { file } | Self::Altered { file, .. } => {
                format!("fetch `{file}` again; if it fails again, keep it and tell the sending office")
            }
            _ => "keep the package as it is and tell the sending office".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<ManifestEntry>, BagFault> {
        let mut entries = Vec::new();
        read_manifest("manifest-sha256.txt", text.as_bytes(), &mut |entry| {
            entries.push(entry);
            Ok(())
        })?;
        Ok(entries)
    }

    fn line(path: &str) -> String {
        format!("{}  {path}\n", Digest::of(b"x").hex())
    }

    #[test]
    fn only_carriage_return_line_feed_and_percent_are_encoded() {
        assert_eq!(encode_path("data/100%\r\né *.txt"), "data/100%25%0D%0Aé *.txt");
        assert_eq!(decode_path("data/100%25%0D%0Aé *.txt").unwrap(), "data/100%\r\né *.txt");
    }

    #[test]
    fn paths_that_climb_out_or_are_absolute_are_refused() {
        for path in ["../x", "data/../../x", "/etc/passwd", "data//x", "data/./x", "data/x/", ""] {
            assert_eq!(read(&line(path)).unwrap_err().code(), "P-301", "{path}");
        }
    }

    #[test]
    fn a_path_listed_twice_or_out_of_order_is_refused() {
        let twice = format!("{}{}", line("data/a"), line("data/a"));
        let backwards = format!("{}{}", line("data/b"), line("data/a"));
        assert_eq!(read(&twice).unwrap_err().code(), "P-302");
        assert_eq!(read(&backwards).unwrap_err().code(), "P-302");
    }

    #[test]
    fn one_space_upper_case_a_stray_percent_and_a_missing_line_feed_are_refused() {
        let one_space = line("data/a").replace("  ", " ");
        let upper = format!("{}  data/a\n", Digest::of(b"x").hex().to_uppercase());
        let percent = line("data/%41");
        let unfinished = line("data/a").trim_end().to_owned();
        let endless = format!("{}  data/{}", Digest::of(b"x").hex(), "a".repeat(MAX_LINE_BYTES));
        for text in [one_space, upper, percent, unfinished, endless] {
            assert_eq!(read(&text).unwrap_err().code(), "P-301");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_manifest("manifest-sha256.txt", bytes.as_slice(), &mut |_| Ok(()));
        }

        #[test]
        fn every_path_without_control_characters_goes_round(name in "[^\\p{Cc}/]{1,40}") {
            prop_assume!(name != "." && name != "..");
            let entry = ManifestEntry { path: format!("data/{name}"), digest: Digest::of(name.as_bytes()) };
            prop_assert_eq!(read(&entry.line()).unwrap(), vec![entry]);
        }
    }
}
