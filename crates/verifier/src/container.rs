//! The bundle as a set of files, from a ZIP or a folder; every size is bounded, and there is one way to read it.

use crate::flaw::{Flaw, Wrong, wrong};
use std::{collections::BTreeMap, path::Path};

/// The largest bundle that is read into memory.
pub const MAX_BUNDLE_BYTES: usize = 512 << 20;
/// The largest file in it: an envelope in JSON has 3 MiB.
const MAX_FILE_BYTES: usize = 16 << 20;
const MAX_FILES: usize = 60_000;
const MAX_DEPTH: usize = 4;
const MAX_NAME_BYTES: usize = 255;
const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";
/// The name is UTF-8: the only flag that may be set.
const UTF8_NAMES: u16 = 1 << 11;

/// Path in the bundle to content.
pub type Files = BTreeMap<String, Vec<u8>>;

fn bad(what: impl Into<String>) -> Wrong {
    wrong(Flaw::Container, what)
}

/// `A-Z a-z 0-9 . _ -` in parts divided by `/`, none empty or beginning with `.`.
fn is_path(name: &str) -> bool {
    let sign = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(sign);
    name.len() <= MAX_NAME_BYTES && name.split('/').count() <= MAX_DEPTH && name.split('/').all(part)
}

fn put(files: &mut Files, name: &str, content: &[u8]) -> Result<(), Wrong> {
    if !is_path(name) {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        return Err(bad(format!("the name `{shown}` is not allowed in a bundle")));
    }
    if content.len() > MAX_FILE_BYTES {
        return Err(bad(format!("`{name}` is larger than 16777216 bytes")));
    }
    if files.len() >= MAX_FILES {
        return Err(bad("there are more than 60000 files"));
    }
    match files.insert(name.to_owned(), content.to_vec()) {
        None => Ok(()),
        Some(_) => Err(bad(format!("there are two files of the name `{name}`"))),
    }
}

/// Reads a ZIP of stored entries that follow each other without gaps, so that no two programs can see two bundles.
pub fn from_zip(bytes: &[u8]) -> Result<Files, Wrong> {
    if bytes.len() > MAX_BUNDLE_BYTES {
        return Err(bad("the bundle is larger than 536870912 bytes"));
    }
    let at = bytes.len().checked_sub(22).ok_or_else(|| bad("it is not a ZIP"))?;
    let mut end = Fields(bytes.get(at..).unwrap_or_default());
    if end.take(4)? != END || end.short()? != 0 || end.short()? != 0 {
        return Err(bad("it is not a ZIP, was cut short, or has something after its end"));
    }
    let (here, all) = (end.short()?, end.short()?);
    let (size, start) = (end.long()?, end.long()?);
    if here != all || start.checked_add(size) != Some(at) {
        return Err(bad("the directory of the ZIP is not where it must be"));
    }
    let mut directory = Fields(bytes.get(start..at).unwrap_or_default());
    let (mut files, mut next) = (Files::new(), 0);
    for _ in 0..all {
        let entry = Entry::read(&mut directory)?;
        next = entry.content(bytes, next, start, &mut files)?;
    }
    if next != start || !directory.0.is_empty() {
        return Err(bad("the ZIP has bytes that belong to no file"));
    }
    Ok(files)
}

/// Little-endian fields, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Wrong> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| bad("the ZIP was cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn short(&mut self) -> Result<u16, Wrong> {
        self.take(2).map(|b| b.iter().rev().fold(0, |value, byte| value << 8 | u16::from(*byte)))
    }

    fn long(&mut self) -> Result<usize, Wrong> {
        let value = self.take(4)?.iter().rev().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
        usize::try_from(value).map_err(|_| bad("the ZIP is too large"))
    }
}

/// One line of the directory.
struct Entry<'a> {
    checksum: usize,
    size: usize,
    offset: usize,
    name: &'a [u8],
}

impl<'a> Entry<'a> {
    fn read(directory: &mut Fields<'a>) -> Result<Self, Wrong> {
        if directory.take(4)? != ENTRY {
            return Err(bad("the directory of the ZIP is malformed"));
        }
        directory.take(4)?;
        let (flags, method) = (directory.short()?, directory.short()?);
        directory.take(4)?;
        let (checksum, packed, size) = (directory.long()?, directory.long()?, directory.long()?);
        let (name, extra, comment) = (directory.short()?, directory.short()?, directory.short()?);
        directory.take(8)?;
        let offset = directory.long()?;
        let name = directory.take(usize::from(name))?;
        directory.take(usize::from(extra))?;
        if flags & !UTF8_NAMES != 0 || method != 0 || packed != size || comment != 0 {
            return Err(bad(
                "the ZIP has an entry that is not simply stored (packed, encrypted or described later)",
            ));
        }
        Ok(Self { checksum, size, offset, name })
    }

    /// Compares the line with the header before the content, keeps the content, and returns where it ends.
    fn content(&self, bytes: &[u8], next: usize, limit: usize, files: &mut Files) -> Result<usize, Wrong> {
        let area = bytes.get(..limit).unwrap_or_default();
        let mut local = Fields(area.get(self.offset..).unwrap_or_default());
        let before = local.0.len();
        if self.offset != next || local.take(4)? != LOCAL {
            return Err(bad("the files of the ZIP do not follow each other"));
        }
        local.take(2)?;
        let (flags, method) = (local.short()?, local.short()?);
        local.take(4)?;
        let same = (local.long()?, local.long()?, local.long()?) == (self.checksum, self.size, self.size);
        let (name, extra) = (local.short()?, local.short()?);
        let named = local.take(usize::from(name))? == self.name;
        local.take(usize::from(extra))?;
        if flags & !UTF8_NAMES != 0 || method != 0 || !same || !named {
            return Err(bad("the ZIP says two things about one file"));
        }
        let content = local.take(self.size)?;
        if usize::try_from(crc32(content)) != Ok(self.checksum) {
            return Err(bad("a file of the ZIP is damaged"));
        }
        let name = std::str::from_utf8(self.name).map_err(|_| bad("a name in the ZIP is not UTF-8"))?;
        match name.strip_suffix('/') {
            Some(folder) if content.is_empty() && is_path(folder) => {}
            _ => put(files, name, content)?,
        }
        Ok(next + (before - local.0.len()))
    }
}

/// The checksum of ZIP (ISO 3309), one bit at a time over half a byte.
fn crc32(bytes: &[u8]) -> u32 {
    const STEP: [u32; 16] = [
        0,
        0x1db7_1064,
        0x3b6e_20c8,
        0x26d9_30ac,
        0x76dc_4190,
        0x6b6b_51f4,
        0x4db2_6158,
        0x5005_713c,
        0xedb8_8320,
        0xf00f_9344,
        0xd6d6_a3e8,
        0xcb61_b38c,
        0x9b64_c2b0,
        0x86d3_d2d4,
        0xa00a_e278,
        0xbdbd_f21c,
    ];
    let half = |sum: u32, bits: u32| STEP.get(((sum ^ bits) & 15) as usize).copied().unwrap_or(0) ^ sum >> 4;
    !bytes.iter().fold(!0, |sum, byte| {
        let byte = u32::from(*byte);
        half(half(sum, byte), byte >> 4)
    })
}

/// Reads the same tree from a folder; links are refused.
pub fn from_folder(folder: &Path) -> Result<Files, Wrong> {
    let mut files = Files::new();
    let mut total = 0;
    walk(folder, "", 1, &mut files, &mut total)?;
    Ok(files)
}

fn walk(folder: &Path, before: &str, depth: usize, files: &mut Files, total: &mut u64) -> Result<(), Wrong> {
    let unread = |error: std::io::Error| bad(format!("the folder cannot be read: {}", error.kind()));
    if depth > MAX_DEPTH {
        return Err(bad("the folders are nested too deep"));
    }
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let name = entry.file_name().into_string().map_err(|_| bad("a name in the folder is not UTF-8"))?;
        let name = format!("{before}{name}");
        let kind = std::fs::symlink_metadata(entry.path()).map_err(unread)?;
        *total = total.saturating_add(kind.len());
        if kind.is_dir() {
            walk(&entry.path(), &format!("{name}/"), depth + 1, files, total)?;
        } else if !kind.is_file() {
            return Err(bad(format!("`{name}` is neither a file nor a folder")));
        } else if kind.len() > MAX_FILE_BYTES as u64 || *total > MAX_BUNDLE_BYTES as u64 {
            return Err(bad(format!("`{name}` is too large")));
        } else {
            put(files, &name, &std::fs::read(entry.path()).map_err(unread)?)?;
        }
    }
    Ok(())
}

/// A ZIP of stored entries, for tests.
#[cfg(test)]
pub(crate) fn to_zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let length = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
        let short = |n: usize| u16::try_from(n).unwrap().to_le_bytes();
        let offset = length(body.len());
        let middle = [
            &[10, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &crc32(content).to_le_bytes(),
            &length(content.len()),
            &length(content.len()),
            &short(name.len()),
            &[0, 0],
        ]
        .concat();
        body.extend([LOCAL, &middle, name.as_bytes(), content].concat());
        directory.extend([ENTRY, &[10, 0], &middle, &[0; 10], &offset, name.as_bytes()].concat());
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let (start, size) = (u32::try_from(body.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    let end = [END, &[0; 4], &count, &count, &size.to_le_bytes(), &start.to_le_bytes(), &[0, 0]].concat();
    [body, directory, end].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_zip_is_read() {
        let files = from_zip(&to_zip(&[("a.txt", b"one"), ("b/c.json", b"")])).unwrap();
        assert_eq!(files.get("a.txt").map(Vec::as_slice), Some(&b"one"[..]));
        assert_eq!(files.len(), 2);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn names_that_climb_or_repeat_are_refused() {
        for name in ["../a", "/a", "a//b", ".a", "a/../b", "a\\b", "a b", "C:a", "a/b/c/d/e", ""] {
            assert!(from_zip(&to_zip(&[(name, b"x")])).is_err(), "{name}");
        }
        let twice = from_zip(&to_zip(&[("a", b"x"), ("a", b"y")])).unwrap_err();
        assert!(twice.1.contains("two files"));
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_refused_or_harmless() {
        let whole = to_zip(&[("a.txt", b"one"), ("b.txt", b"two")]);
        let good = from_zip(&whole).unwrap();
        for at in 0..whole.len() {
            assert!(from_zip(&whole[..at]).is_err());
            let mut changed = whole.clone();
            changed[at] ^= 0x41;
            assert!(from_zip(&changed).map_or(true, |files| files == good || files.len() == 2), "{at}");
        }
        assert!(from_zip(&[whole, vec![0]].concat()).is_err());
    }
}
