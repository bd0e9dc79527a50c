//! The tar inside a package (POSIX pax), reduced to regular files and folders, written and read strictly.

use crate::bag::{MAX_PATH_BYTES, path_fault};
use std::io::{self, BufRead, Read, Write};
use tar::{EntryType, Header};
use vocabulary::{Failure, Family};

const BLOCK: usize = 512;
const NAME_BYTES: usize = 100;
/// Two records of a pax header: the longest path and a size.
const MAX_PAX_BYTES: u64 = 8 * 1024;
/// The largest size in eleven octal digits; above it a pax `size` record says it too.
const MAX_OCTAL_SIZE: u64 = 0o777_7777_7777;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
}

/// One member of the archive, before its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) size: u64,
    /// Seconds since 1970.
    pub(crate) modified: u64,
}

/// Writes members with headers that depend on nothing but the member: owner 0, mode 0644 or 0755.
pub(crate) struct ArchiveWriter<W> {
    inner: W,
    left: u64,
    padding: usize,
}

impl<W: Write> ArchiveWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, left: 0, padding: 0 }
    }

    /// Begins a member; exactly `size` bytes must be written next.
    pub(crate) fn begin(&mut self, member: &Member) -> io::Result<()> {
        self.end_member()?;
        let path = match member.kind {
            Kind::File => member.path.clone(),
            Kind::Folder => format!("{}/", member.path),
        };
        let mut records = Vec::new();
        if path.len() > NAME_BYTES || !path.is_ascii() {
            pax_record(&mut records, "path", &path);
        }
        if member.size > MAX_OCTAL_SIZE {
            pax_record(&mut records, "size", &member.size.to_string());
        }
        if !records.is_empty() {
            let size = u64::try_from(records.len()).unwrap_or(u64::MAX);
            let header = ustar("pax", EntryType::XHeader, size, member.modified)?;
            self.inner.write_all(header.as_bytes())?;
            self.inner.write_all(&records)?;
            self.inner.write_all(zeros(padding_of(size)))?;
        }
        let kind = if member.kind == Kind::File { EntryType::Regular } else { EntryType::Directory };
        let header = ustar(&short_name(&path), kind, member.size, member.modified)?;
        self.inner.write_all(header.as_bytes())?;
        self.left = member.size;
        self.padding = padding_of(member.size);
        Ok(())
    }

    /// A whole small member at once.
    pub(crate) fn add(&mut self, path: &str, bytes: &[u8], modified: u64) -> io::Result<()> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.begin(&Member { path: path.to_owned(), kind: Kind::File, size, modified })?;
        self.write_all(bytes)
    }

    pub(crate) fn add_folder(&mut self, path: &str, modified: u64) -> io::Result<()> {
        self.begin(&Member { path: path.to_owned(), kind: Kind::Folder, size: 0, modified })
    }

    /// Two blocks of zeros end the archive.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.end_member()?;
        self.inner.write_all(&[0; 2 * BLOCK])?;
        Ok(self.inner)
    }

    pub(crate) fn inner_mut(&mut self) -> &mut W {
        &mut self.inner
    }

    pub(crate) fn into_inner(self) -> W {
        self.inner
    }

    /// Counts bytes of the member that went to the inner writer by another way.
    pub(crate) fn carried(&mut self, count: u64) -> io::Result<()> {
        self.left = self
            .left
            .checked_sub(count)
            .ok_or_else(|| io::Error::other("a member of the archive is longer than its header says"))?;
        Ok(())
    }

    /// Writes what a member needs after its bytes; `begin` does it too.
    pub(crate) fn end_member(&mut self) -> io::Result<()> {
        if self.left > 0 {
            return Err(io::Error::other("a member of the archive is shorter than its header says"));
        }
        self.inner.write_all(zeros(self.padding))?;
        self.padding = 0;
        Ok(())
    }
}

impl<W: Write> Write for ArchiveWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let wanted = u64::try_from(data.len()).unwrap_or(u64::MAX);
        if wanted > self.left {
            return Err(io::Error::other("a member of the archive is longer than its header says"));
        }
        let written = self.inner.write(data)?;
        self.left = self.left.saturating_sub(u64::try_from(written).unwrap_or(u64::MAX));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn zeros(count: usize) -> &'static [u8] {
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    ZEROS.get(..count).unwrap_or(&ZEROS)
}

fn padding_of(size: u64) -> usize {
    let over = usize::try_from(size % 512).unwrap_or(0);
    if over == 0 { 0 } else { BLOCK.saturating_sub(over) }
}

/// What a reader without pax sees; the pax `path` record says the whole.
fn short_name(path: &str) -> String {
    let ascii = path.chars().map(|c| if c.is_ascii() { c } else { '_' });
    ascii.take(NAME_BYTES).collect()
}

/// `<length> <key>=<value>\n`, where the length counts itself (POSIX.1-2017, pax).
fn pax_record(out: &mut Vec<u8>, key: &str, value: &str) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    out.extend(format!("{length} {key}={value}\n").into_bytes());
}

fn ustar(name: &str, kind: EntryType, size: u64, modified: u64) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    let fields = header.as_ustar_mut().ok_or_else(|| io::Error::other("not a ustar header"))?;
    for (to, from) in fields.name.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    header.set_entry_type(kind);
    header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(modified);
    header.set_cksum();
    Ok(header)
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFault {
    #[error("the archive has a malformed header: {what}")]
    Header { what: &'static str },
    #[error("the archive holds `{path}`, which is neither a file nor a folder")]
    Kind { path: String },
    #[error("the archive holds `{path}`, which may not be unpacked: {what}")]
    Path { path: String, what: &'static str },
    #[error("the archive ends early")]
    Truncated,
    #[error("the archive has bytes where only zeros belong")]
    Hidden,
    #[error("the archive holds `{found}` where `{expected}` belongs")]
    Order { expected: String, found: String },
    #[error("`{path}` is longer than {limit} bytes")]
    TooLarge { path: &'static str, limit: u64 },
    #[error("the archive holds more than {limit} files")]
    TooMany { limit: usize },
}

impl Failure for ArchiveFault {
    fn family(&self) -> Family {
        Family::PeerFault
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Header { .. } => "P-330",
            Self::Kind { .. } => "P-331",
            Self::Path { .. } => "P-332",
            Self::Truncated => "P-333",
            Self::Hidden => "P-334",
            Self::Order { .. } => "P-335",
            Self::TooLarge { .. } => "P-336",
            Self::TooMany { .. } => "P-337",
        }
    }

    fn clause(&self) -> Option<String> {
        Some("POSIX.1-2017, pax".to_owned())
    }

    fn remedy(&self) -> String {
        "keep the package as it is, open nothing of it by hand, and tell the sending office".to_owned()
    }
}

fn refuse(fault: ArchiveFault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}

/// Reads what `ArchiveWriter` writes; links, devices, sparse files, foreign extensions and padding that hides
/// bytes are refused. Every error holds an `ArchiveFault` or comes from the inner reader.
pub(crate) struct ArchiveReader<R> {
    inner: R,
    left: u64,
    padding: usize,
}

#[derive(Default)]
struct Pax {
    path: Option<String>,
    size: Option<u64>,
}

impl<R: Read> ArchiveReader<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, left: 0, padding: 0 }
    }

    pub(crate) fn inner(&self) -> &R {
        &self.inner
    }

    pub(crate) fn inner_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// The next member, or `None` after the last, when the stream is read to its end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Member>> {
        self.skip_padding()?;
        let Some(header) = self.header()? else {
            self.expect_end()?;
            return Ok(None);
        };
        if header.entry_type() != EntryType::XHeader {
            return self.member(&header, Pax::default()).map(Some);
        }
        let pax = self.pax(&header)?;
        let header = self.header()?.ok_or_else(|| refuse(ArchiveFault::Truncated))?;
        self.member(&header, pax).map(Some)
    }

    fn member(&mut self, header: &Header, pax: Pax) -> io::Result<Member> {
        let raw = || String::from_utf8(header.path_bytes().into_owned());
        let path = match pax.path {
            Some(path) => path,
            None => raw().map_err(|_| malformed("a name is not UTF-8"))?,
        };
        let kind = match header.entry_type() {
            EntryType::Regular => Kind::File,
            EntryType::Directory => Kind::Folder,
            _ => return Err(refuse(ArchiveFault::Kind { path: shown(&path) })),
        };
        let path = match kind {
            Kind::File => path,
            Kind::Folder => path.strip_suffix('/').unwrap_or(&path).to_owned(),
        };
        if let Some(what) = path_fault(&path) {
            return Err(refuse(ArchiveFault::Path { path: shown(&path), what }));
        }
        let size = header.entry_size().map_err(|_| malformed("a size is not a number"))?;
        if pax.size.is_some_and(|said| said != size) || (kind == Kind::Folder && size > 0) {
            return Err(malformed("a size contradicts itself"));
        }
        let modified = header.mtime().map_err(|_| malformed("a time is not a number"))?;
        self.left = size;
        self.padding = padding_of(size);
        Ok(Member { path, kind, size, modified })
    }

    /// A header whose magic and checksum are right, or `None` for a block of zeros.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut header = Header::new_old();
        self.fill(header.as_mut_bytes())?;
        let bytes = header.as_bytes();
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let counted = bytes.iter().enumerate().fold(0, |sum: u32, (at, byte)| {
            sum + if (148..156).contains(&at) { 32 } else { u32::from(*byte) }
        });
        if header.as_ustar().is_none() {
            return Err(malformed("it is not in ustar format"));
        }
        match header.cksum() {
            Ok(said) if said == counted => Ok(Some(header)),
            _ => Err(malformed("its checksum is wrong")),
        }
    }

    fn pax(&mut self, header: &Header) -> io::Result<Pax> {
        let size = header.entry_size().map_err(|_| malformed("a size is not a number"))?;
        if size > MAX_PAX_BYTES {
            return Err(malformed("an extension is longer than 8 KiB"));
        }
        let mut records = vec![0; usize::try_from(size).unwrap_or(0)];
        self.fill(&mut records)?;
        self.padding = padding_of(size);
        self.skip_padding()?;
        parse_pax(&records).ok_or_else(|| malformed("an extension is not a known pax record"))
    }

    fn skip_padding(&mut self) -> io::Result<()> {
        if self.left > 0 {
            return Err(io::Error::other("a member of the archive was not read to its end"));
        }
        let mut block = [0; BLOCK];
        let padding = block.get_mut(..self.padding).unwrap_or_default();
        self.padding = 0;
        self.inner.read_exact(padding).map_err(ended_early)?;
        expect_zeros(&block)
    }

    /// A second block of zeros, and nothing after it.
    fn expect_end(&mut self) -> io::Result<()> {
        let mut block = [0; BLOCK];
        self.fill(&mut block)?;
        expect_zeros(&block)?;
        match self.inner.read(&mut block)? {
            0 => Ok(()),
            _ => Err(refuse(ArchiveFault::Hidden)),
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_exact(bytes).map_err(ended_early)
    }
}

impl<R: BufRead> ArchiveReader<R> {
    /// Bytes of the member that `next` gave last, where they lie; empty at its end. Then call `consume`.
    pub(crate) fn content(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Ok(&[]);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        match self.inner.fill_buf()? {
            [] => Err(refuse(ArchiveFault::Truncated)),
            bytes => Ok(bytes.get(..most).unwrap_or(bytes)),
        }
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.inner.consume(count);
        self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

impl<R: Read> Read for ArchiveReader<R> {
    /// Bytes of the member that `next` gave last.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(out.len());
        let read = match out.get_mut(..room) {
            None | Some([]) => return Ok(0),
            Some(room) => self.inner.read(room)?,
        };
        if read == 0 {
            return Err(refuse(ArchiveFault::Truncated));
        }
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

fn malformed(what: &'static str) -> io::Error {
    refuse(ArchiveFault::Header { what })
}

fn ended_early(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => refuse(ArchiveFault::Truncated),
        _ => error,
    }
}

fn expect_zeros(block: &[u8]) -> io::Result<()> {
    match block.iter().all(|byte| *byte == 0) {
        true => Ok(()),
        false => Err(refuse(ArchiveFault::Hidden)),
    }
}

/// A hostile path as it may be shown: short and without control characters.
fn shown(path: &str) -> String {
    path.chars().take(200).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn parse_pax(mut records: &[u8]) -> Option<Pax> {
    let mut pax = Pax::default();
    while !records.is_empty() {
        let space = records.iter().take(6).position(|byte| *byte == b' ')?;
        let length = std::str::from_utf8(records.get(..space)?).ok()?.parse::<usize>().ok()?;
        let (record, rest) = records.split_at_checked(length)?;
        let text = std::str::from_utf8(record.get(space + 1..)?).ok()?;
        let (key, value) = text.strip_suffix('\n')?.split_once('=')?;
        match key {
            "path" if pax.path.is_none() && value.len() <= MAX_PATH_BYTES + 64 => {
                pax.path = Some(value.to_owned());
            }
            "size" if pax.size.is_none() => pax.size = Some(value.parse().ok()?),
            _ => return None,
        }
        records = rest;
    }
    Some(pax)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_all(bytes: &[u8]) -> io::Result<Vec<(Member, Vec<u8>)>> {
        let mut reader = ArchiveReader::new(bytes);
        let mut members = Vec::new();
        while let Some(member) = reader.next()? {
            let mut data = Vec::new();
            reader.read_to_end(&mut data)?;
            members.push((member, data));
        }
        Ok(members)
    }

    fn code(bytes: &[u8]) -> &'static str {
        let error = read_all(bytes).unwrap_err();
        error.get_ref().unwrap().downcast_ref::<ArchiveFault>().unwrap().code()
    }

    fn sample() -> Vec<u8> {
        let mut writer = ArchiveWriter::new(Vec::new());
        writer.add_folder("plain", 1).unwrap();
        writer.add("plain/empty", b"", 2).unwrap();
        writer.add("plain/é", &[7; 512], 3).unwrap();
        writer.add(&format!("plain/{}", "long/".repeat(200) + "end"), &[8; 513], 4).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let members = read_all(&sample()).unwrap();
        assert_eq!(members.len(), 4);
        assert_eq!(members[0].0.kind, Kind::Folder);
        assert_eq!(members[2].0.path, "plain/é");
        assert_eq!(members[3].1, [8; 513]);
        assert!(members[3].0.path.len() > 1000);
    }

    #[test]
    fn another_authors_reader_agrees() {
        let bytes = sample();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let paths: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(paths.len(), 4);
        assert_eq!(paths[2], "plain/é");
        assert!(paths[3].ends_with("long/end"));
    }

    #[test]
    fn a_size_beyond_eight_gigabytes_is_said_twice_and_agrees() {
        let mut writer = ArchiveWriter::new(Vec::new());
        let size = 20 << 30;
        let member = Member { path: "plain/disk.img".into(), kind: Kind::File, size, modified: 0 };
        writer.begin(&member).unwrap();
        let mut reader = ArchiveReader::new(writer.inner.as_slice());
        assert_eq!(reader.next().unwrap().unwrap(), member);
        let mut archive = tar::Archive::new(writer.inner.as_slice());
        assert_eq!(archive.entries().unwrap().next().unwrap().unwrap().size(), size);
    }

    #[test]
    fn links_devices_and_foreign_extensions_are_refused() {
        for kind in [
            EntryType::Link,
            EntryType::Symlink,
            EntryType::Char,
            EntryType::Block,
            EntryType::Fifo,
            EntryType::GNULongName,
            EntryType::GNUSparse,
            EntryType::XGlobalHeader,
            EntryType::Continuous,
        ] {
            let header = ustar("plain/x", kind, 0, 0).unwrap();
            let bytes = [header.as_bytes().as_slice(), &[0; 1024]].concat();
            assert_eq!(code(&bytes), "P-331", "{kind:?}");
        }
    }

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        for path in ["/etc/passwd", "plain/../../x", "..", "plain//x", "plain/./x", "plain/\u{7}x"] {
            let header = ustar(path, EntryType::Regular, 0, 0).unwrap();
            let bytes = [header.as_bytes().as_slice(), &[0; 1024]].concat();
            assert_eq!(code(&bytes), "P-332", "{path}");
            let mut records = Vec::new();
            pax_record(&mut records, "path", path);
            let size = u64::try_from(records.len()).unwrap();
            let pax = ustar("pax", EntryType::XHeader, size, 0).unwrap();
            let padding = zeros(padding_of(size));
            let honest = ustar("plain/x", EntryType::Regular, 0, 0).unwrap();
            let bytes = [pax.as_bytes(), records.as_slice(), padding, honest.as_bytes(), &[0; 1024]].concat();
            assert_eq!(code(&bytes), "P-332", "{path}");
        }
    }

    #[test]
    fn a_cut_a_trailing_byte_hidden_padding_and_a_wrong_checksum_are_refused() {
        let whole = sample();
        for cut in [whole.len() - 1, whole.len() - 512, whole.len() - 1024, 700, 511, 0] {
            assert_eq!(code(&whole[..cut]), "P-333", "{cut}");
        }
        assert_eq!(code(&[whole.as_slice(), &[0]].concat()), "P-334");
        let mut writer = ArchiveWriter::new(Vec::new());
        writer.add("plain/a", b"1", 0).unwrap();
        let mut hidden = writer.finish().unwrap();
        hidden[600] = 1;
        assert_eq!(code(&hidden), "P-334");
        let mut wrong = whole;
        wrong[0] = b'q';
        assert_eq!(code(&wrong), "P-330");
    }

    #[test]
    fn an_endless_extension_is_refused_before_it_is_read() {
        let header = ustar("pax", EntryType::XHeader, 1 << 40, 0).unwrap();
        assert_eq!(code(header.as_bytes()), "P-330");
    }

    proptest! {
        #[test]
        fn no_changed_byte_makes_the_reader_panic(at in 0usize..4000, value in any::<u8>()) {
            let mut bytes = sample();
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = read_all(&bytes);
        }
    }
}
