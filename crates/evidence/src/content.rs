//! The bytes of one file of the bag: read from the disk, or a tar built on the way from the table of entries.

use crate::listing::{Carry, Entries, Entry, Item, Listing, ScanError, Sort, modified, visible};
use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Seek, SeekFrom},
    path::PathBuf,
};
use tar::{EntryType, Header};

const BLOCK: u64 = 512;
const LONG_NAME: &[u8] = b"././@LongLink";

/// What `seal` and `measure` read; every change since the table was made is an error that names the file.
pub(crate) enum Content<'a> {
    Disk(DiskFile),
    Archive(Box<ArchiveContent<'a>>),
}

impl<'a> Content<'a> {
    pub(crate) fn open(listing: &'a Listing, item: &Item) -> Result<Self, ScanError> {
        match listing.carry() {
            Carry::Files => {
                let place = listing.place(item.relative.as_bytes());
                DiskFile::open(place, item.relative.clone(), item.size, item.modified).map(Self::Disk)
            }
            Carry::Archive => Ok(Self::Archive(Box::new(ArchiveContent::new(listing)))),
        }
    }

    /// Goes on at `offset`, which an interrupted attempt reached.
    pub(crate) fn seek(&mut self, offset: u64) -> Result<(), ScanError> {
        match self {
            Self::Disk(file) => file.seek(offset),
            Self::Archive(archive) => archive.seek(offset),
        }
    }

    /// 0 only at the end, when everything was read and nothing had changed.
    pub(crate) fn read(&mut self, room: &mut [u8]) -> Result<usize, ScanError> {
        match self {
            Self::Disk(file) => file.read(room),
            Self::Archive(archive) => archive.read(room),
        }
    }
}

/// A file of which size and time of change are known; more, fewer or newer bytes are an error.
pub(crate) struct DiskFile {
    file: File,
    shown: String,
    size: u64,
    modified: u64,
    offset: u64,
}

impl DiskFile {
    pub(crate) fn open(place: PathBuf, shown: String, size: u64, time: u64) -> Result<Self, ScanError> {
        let unreadable = |source| ScanError::read(&shown, source);
        // A pipe that took the file's place would block `open`.
        if !fs::symlink_metadata(&place).map_err(unreadable)?.is_file() {
            return Err(ScanError::Changed { path: shown });
        }
        let file = File::open(&place).map_err(unreadable)?;
        let opened = Self { file, shown, size, modified: time, offset: 0 };
        opened.check()?;
        Ok(opened)
    }

    fn check(&self) -> Result<(), ScanError> {
        let about = self.file.metadata().map_err(|source| ScanError::read(&self.shown, source))?;
        match about.is_file() && about.len() == self.size && modified(&about) == self.modified {
            true => Ok(()),
            false => Err(ScanError::Changed { path: self.shown.clone() }),
        }
    }

    fn seek(&mut self, offset: u64) -> Result<(), ScanError> {
        self.offset = offset;
        match self.file.seek(SeekFrom::Start(offset)) {
            Ok(_) => Ok(()),
            Err(source) => Err(self.unreadable(source)),
        }
    }

    fn unreadable(&self, source: std::io::Error) -> ScanError {
        ScanError::ReadAt { path: self.shown.clone(), offset: self.offset, source }
    }

    fn read(&mut self, room: &mut [u8]) -> Result<usize, ScanError> {
        let left = self.size.saturating_sub(self.offset);
        if left == 0 {
            self.check()?;
            return Ok(0);
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(room.len());
        let room = room.get_mut(..most).unwrap_or_default();
        loop {
            match self.file.read(room) {
                Ok(0) if !room.is_empty() => return Err(ScanError::Changed { path: self.shown.clone() }),
                Ok(read) => {
                    self.offset = self.offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
                    return Ok(read);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(error)),
            }
        }
    }
}

/// Bytes of the tar of a whole listing.
pub(crate) fn archive_size(listing: &Listing) -> u64 {
    let members = listing.entries().map(|entry| {
        let headers = u64::try_from(headers(&entry).len()).unwrap_or(u64::MAX);
        headers.saturating_add(entry.size).saturating_add(padding(entry.size))
    });
    members.fold(2 * BLOCK, u64::saturating_add)
}

fn padding(size: u64) -> u64 {
    (BLOCK - size % BLOCK) % BLOCK
}

/// A tar in the GNU dialect: any bytes in names and targets, links, owners, modes, empty folders, devices.
pub(crate) struct ArchiveContent<'a> {
    listing: &'a Listing,
    entries: Entries<'a>,
    /// Headers and padding that wait to be read.
    waiting: Vec<u8>,
    taken: usize,
    file: Option<DiskFile>,
    ended: bool,
}

impl<'a> ArchiveContent<'a> {
    fn new(listing: &'a Listing) -> Self {
        let entries = listing.entries();
        Self { listing, entries, waiting: Vec::new(), taken: 0, file: None, ended: false }
    }

    fn seek(&mut self, offset: u64) -> Result<(), ScanError> {
        *self = Self::new(self.listing);
        let mut left = offset;
        while left > 0 {
            if self.taken == self.waiting.len() && self.file.is_none() {
                self.next_member()?;
            }
            let waiting = u64::try_from(self.waiting.len().saturating_sub(self.taken)).unwrap_or(u64::MAX);
            let step = waiting.min(left);
            self.taken = self.taken.saturating_add(usize::try_from(step).unwrap_or(usize::MAX));
            left -= step;
            if left == 0 {
                break;
            }
            match &mut self.file {
                Some(file) if file.size > left => {
                    file.seek(left)?;
                    left = 0;
                }
                Some(file) => {
                    left -= file.size;
                    self.pad();
                }
                None if self.ended => return Err(ScanError::Changed { path: ".".to_owned() }),
                None => {}
            }
        }
        Ok(())
    }

    fn pad(&mut self) {
        let size = self.file.take().map_or(0, |file| file.size);
        self.waiting = vec![0; usize::try_from(padding(size)).unwrap_or(0)];
        self.taken = 0;
    }

    fn next_member(&mut self) -> Result<(), ScanError> {
        self.taken = 0;
        let Some(entry) = self.entries.next() else {
            self.waiting = if self.ended { Vec::new() } else { vec![0; 1024] };
            self.ended = true;
            return Ok(());
        };
        self.waiting = headers(&entry);
        if entry.sort == Sort::File && entry.size > 0 {
            let (place, shown) = (self.listing.place(&entry.path), visible(&entry.path));
            self.file = Some(DiskFile::open(place, shown, entry.size, entry.modified)?);
        }
        Ok(())
    }

    fn read(&mut self, room: &mut [u8]) -> Result<usize, ScanError> {
        loop {
            let waiting = self.waiting.get(self.taken..).unwrap_or_default();
            if !waiting.is_empty() {
                let count = waiting.len().min(room.len());
                for (to, from) in room.iter_mut().zip(waiting) {
                    *to = *from;
                }
                self.taken += count;
                return Ok(count);
            }
            match &mut self.file {
                Some(file) => match file.read(room)? {
                    0 => self.pad(),
                    read => return Ok(read),
                },
                None if self.ended => return Ok(0),
                None => self.next_member()?,
            }
        }
    }
}

/// Everything before the content of a member: long name and long target first, where they are needed.
fn headers(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::new();
    let mut path = entry.path.clone();
    if entry.sort == Sort::Folder {
        path.push(b'/');
    }
    for (kind, text) in [(EntryType::GNULongName, &path), (EntryType::GNULongLink, &entry.target)] {
        if text.len() > 99 {
            let size = u64::try_from(text.len()).unwrap_or(u64::MAX).saturating_add(1);
            let mut header = Header::new_gnu();
            fill(&mut header.as_old_mut().name, LONG_NAME);
            header.set_entry_type(kind);
            header.set_size(size);
            header.set_mtime(0);
            header.set_mode(0);
            header.set_uid(0);
            header.set_gid(0);
            header.set_cksum();
            out.extend_from_slice(header.as_bytes());
            out.extend_from_slice(text);
            let zeros = usize::try_from(padding(size)).unwrap_or(0).saturating_add(1);
            out.resize(out.len().saturating_add(zeros), 0);
        }
    }
    let mut header = Header::new_gnu();
    fill(&mut header.as_old_mut().name, path.get(..99).unwrap_or(&path));
    fill(&mut header.as_old_mut().linkname, entry.target.get(..99).unwrap_or(&entry.target));
    header.set_entry_type(match entry.sort {
        Sort::File => EntryType::Regular,
        Sort::Folder => EntryType::Directory,
        Sort::Link => EntryType::Symlink,
        Sort::Pipe => EntryType::Fifo,
        Sort::Device { block: true } => EntryType::Block,
        Sort::Device { block: false } => EntryType::Char,
    });
    header.set_mode(u32::try_from(entry.mode).unwrap_or(0));
    header.set_uid(entry.owner);
    header.set_gid(entry.group);
    header.set_size(entry.size);
    header.set_mtime(entry.modified / 1_000_000);
    if let Sort::Device { .. } = entry.sort {
        let device = entry.device;
        let number = |value: u64| u32::try_from(value & 0xffff_ffff).unwrap_or(0);
        // As glibc takes `st_rdev` apart.
        let major = number(((device >> 8) & 0xfff) | ((device >> 32) & 0xffff_f000));
        let minor = number((device & 0xff) | ((device >> 12) & 0xffff_ff00));
        let both = header.set_device_major(major).and_then(|()| header.set_device_minor(minor));
        both.expect("a GNU header has places for device numbers");
    }
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
    out
}

fn fill(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::shell, listing::survey};
    use std::{
        ffi::OsStr,
        os::unix::{ffi::OsStrExt, fs::symlink},
        path::Path,
    };

    fn strange_folder() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let case = root.path().join("case");
        fs::create_dir_all(case.join("empty folder")).unwrap();
        let deep = "a folder with a long name/".repeat(8);
        fs::create_dir_all(case.join(&deep)).unwrap();
        fs::write(case.join(&deep).join("file"), vec![7; 1000]).unwrap();
        fs::write(case.join(OsStr::from_bytes(b"caf\xe9 100%\n.txt ")), b"x").unwrap();
        fs::write(case.join("empty"), b"").unwrap();
        fs::write(case.join("whole block"), vec![1; 512]).unwrap();
        symlink("../outside", case.join("link")).unwrap();
        symlink("x".repeat(300), case.join("long link")).unwrap();
        root
    }

    fn read_all(content: &mut Content<'_>, piece: usize) -> Vec<u8> {
        let (mut all, mut room) = (Vec::new(), vec![0; piece]);
        loop {
            match content.read(&mut room).unwrap() {
                0 => return all,
                read => all.extend_from_slice(&room[..read]),
            }
        }
    }

    fn archive_of(path: &Path) -> (Listing, Item) {
        let listing = survey(path, Carry::Archive).unwrap();
        let item = listing.items().next().unwrap();
        (listing, item)
    }

    #[test]
    fn tar_unpacks_links_empty_folders_and_names_of_any_bytes_as_they_were() {
        let root = strange_folder();
        let (listing, item) = archive_of(&root.path().join("case"));
        let bytes = read_all(&mut Content::open(&listing, &item).unwrap(), 700);
        assert_eq!(u64::try_from(bytes.len()).unwrap(), item.size);
        fs::write(root.path().join("case.tar"), bytes).unwrap();
        shell(root.path(), "mkdir out && tar -xf case.tar -C out && diff -r --no-dereference case out");
    }

    #[test]
    fn reading_goes_on_at_every_offset_of_an_archive() {
        let root = strange_folder();
        let (listing, item) = archive_of(&root.path().join("case"));
        let whole = read_all(&mut Content::open(&listing, &item).unwrap(), 64 * 1024);
        for offset in (0..whole.len()).step_by(97).chain([whole.len() - 1, whole.len()]) {
            let mut content = Content::open(&listing, &item).unwrap();
            content.seek(u64::try_from(offset).unwrap()).unwrap();
            assert_eq!(read_all(&mut content, 64 * 1024), whole[offset..], "{offset}");
        }
    }

    #[test]
    fn a_file_that_grows_shrinks_or_is_touched_while_it_is_read_is_named() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("log");
        for change in ["grow", "shrink", "touch"] {
            fs::write(&path, vec![1; 10_000]).unwrap();
            let listing = survey(&path, Carry::Files).unwrap();
            let item = listing.items().next().unwrap();
            let mut content = Content::open(&listing, &item).unwrap();
            let mut room = vec![0; 4000];
            content.read(&mut room).unwrap();
            match change {
                "grow" => fs::write(&path, vec![1; 10_001]).unwrap(),
                "shrink" => fs::write(&path, vec![1; 5]).unwrap(),
                _ => File::options()
                    .write(true)
                    .open(&path)
                    .unwrap()
                    .set_modified(std::time::UNIX_EPOCH)
                    .unwrap(),
            }
            let error = std::iter::repeat_with(|| content.read(&mut room))
                .find_map(|read| match read {
                    Ok(0) => panic!("{change} was not seen"),
                    Ok(_) => None,
                    Err(error) => Some(error),
                })
                .unwrap();
            assert!(matches!(&error, ScanError::Changed { path } if path == "log"), "{change}: {error}");
        }
    }
}
