//! A checked request: what goes into the package and in which order, and the plain bag written in that order.

use super::{InnerRecord, PackError, PackExhibit, PackKeys, PackRequest, SealedExhibit};
use crate::{
    archive::{ArchiveWriter, Kind, Member},
    bag::{DECLARATION, length, manifest_line},
    content::Content,
    hash::Hasher,
    journal::{Earlier, Journal},
    label::{BagInfo, ExhibitLabel, Oxum, PackageLabel, Side, day_of},
    listing::{Item, Listing, MAX_FILES, ScanError, name_fault},
    package::{BAG_INFO, BAGIT, CASE, CUSTODY, MANIFEST, MAX_PARTS},
    progress::{Progress, Watch},
    seal_stream::{Cursor, SealStream},
};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    sync::Arc,
};
use vocabulary::Digest;

/// Bytes of the custody record, and of the case description.
pub const MAX_CUSTODY_BYTES: u64 = 64 * 1024 * 1024;

pub(super) struct Plan<'a> {
    pub(super) label: PackageLabel,
    /// Ascending by name.
    labels: Vec<ExhibitLabel>,
    /// In the order of the paths that begin with the name.
    exhibits: Vec<&'a PackExhibit>,
    pub(super) oxum: Oxum,
    /// Seconds since 1970, for the members that are not files of an exhibit.
    created: u64,
}

/// Where the files of the bag stand while they are read.
struct Reading<'a, 'p, 'w> {
    earlier: Option<&'a Earlier>,
    journal: Option<&'a Arc<Journal>>,
    progress: &'p mut Watch<'w>,
    total: u64,
    done: u64,
    digests: Vec<Digest>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(request: &'a PackRequest) -> Result<Self, PackError> {
        if request.part_bytes == 0 {
            return Err(PackError::PartBytes);
        }
        let mut addressees = request.addressees.clone();
        addressees.sort_unstable();
        addressees.dedup();
        if addressees.is_empty() {
            return Err(PackError::NoAddressee);
        }
        let mut hybrid = request.hybrid_addressees.clone();
        hybrid.sort_unstable();
        hybrid.dedup();
        let (labels, exhibits) = exhibits(request)?;
        let mut oxum = Oxum::default();
        for exhibit in &exhibits {
            oxum.files = oxum.files.saturating_add(exhibit.listing.files());
            oxum.bytes = oxum.bytes.saturating_add(exhibit.listing.bytes());
        }
        if usize::try_from(oxum.files).unwrap_or(usize::MAX) > MAX_FILES {
            return Err(ScanError::TooMany { limit: MAX_FILES }.into());
        }
        if oxum.bytes / request.part_bytes >= MAX_PARTS {
            return Err(PackError::TooManyParts { limit: MAX_PARTS });
        }
        let label = PackageLabel {
            package_id: request.package_id,
            file_id: request.file_id,
            from: request.from,
            to: request.to,
            addressees,
            hybrid_addressees: hybrid,
            suite: request.suite,
            bagging_date: day_of(request.created),
        };
        let created = u64::try_from(request.created.seconds()).unwrap_or(0);
        Ok(Self { label, labels, exhibits, oxum, created })
    }

    /// Everything that decides the bytes, but for the id, the day and the keys.
    pub(super) fn fingerprint(&self, request: &PackRequest, place: &str) -> Digest {
        let label = &self.label;
        let mut text = format!(
            "{} {:?} {:?} {:?} {:?} {} {} {place}\n",
            label.file_id,
            (label.from, label.to),
            label.addressees,
            label.hybrid_addressees,
            label.suite,
            request.part_bytes,
            self.exhibits.len(),
        );
        for exhibit in &self.exhibits {
            text.push_str(&format!(
                "{} {:?} {:?} {}\n",
                exhibit.exhibit_id,
                exhibit.name,
                exhibit.listing.root(),
                exhibit.listing.digest()
            ));
        }
        Digest::of(text.as_bytes())
    }

    /// The plain bag, in the order that the format lays down.
    pub(super) fn write_inner(
        &self,
        keys: &dyn PackKeys,
        archive: &mut ArchiveWriter<SealStream>,
        earlier: Option<&Earlier>,
        journal: Option<&Arc<Journal>>,
        progress: &mut Watch<'_>,
    ) -> Result<(), PackError> {
        let info = BagInfo { label: self.label.clone(), oxum: self.oxum, exhibits: self.labels.clone() }
            .write(Side::Inner);
        if earlier.is_none_or(|earlier| earlier.checkpoint.member == 0) {
            self.write_lead(&info, archive).map_err(PackError::from_write)?;
        }
        let mut reading =
            Reading { earlier, journal, progress, total: self.oxum.bytes, done: 0, digests: Vec::new() };
        let mut sealed = Vec::with_capacity(self.exhibits.len());
        for exhibit in &self.exhibits {
            sealed.push(reading.exhibit(exhibit, archive)?);
        }
        let digests = reading.digests;
        archive.inner_mut().at(None);
        let manifest = self.write_manifest(archive, &digests).map_err(PackError::from_write)?;
        sealed.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let record = keys.record(&self.label, &sealed).map_err(PackError::Keys)?;
        if length(&record.custody).max(length(&record.case)) > MAX_CUSTODY_BYTES {
            return Err(PackError::Custody { limit: MAX_CUSTODY_BYTES });
        }
        self.write_tail(keys, archive, &info, manifest, &record)
    }

    fn write_lead(&self, info: &str, archive: &mut ArchiveWriter<SealStream>) -> io::Result<()> {
        archive.add_folder("plain", self.created)?;
        archive.add("plain/bagit.txt", DECLARATION.as_bytes(), self.created)?;
        archive.add("plain/bag-info.txt", info.as_bytes(), self.created)?;
        archive.add_folder("plain/data", self.created)?;
        for exhibit in &self.labels {
            archive.add_folder(&format!("plain/data/{}", exhibit.name), self.created)?;
        }
        archive.end_member()
    }

    /// Line by line, because a million files make a long manifest.
    fn write_manifest(
        &self,
        archive: &mut ArchiveWriter<SealStream>,
        digests: &[Digest],
    ) -> io::Result<Digest> {
        let lines = || self.paths().zip(digests).map(|(path, digest)| manifest_line(digest, &path));
        let size = lines().fold(0, |sum: u64, line| sum.saturating_add(length(line.as_bytes())));
        let path = format!("plain/{MANIFEST}");
        archive.begin(&Member { path, kind: Kind::File, size, modified: self.created })?;
        let mut hasher = Hasher::default();
        for line in lines() {
            hasher.update(line.as_bytes());
            archive.write_all(line.as_bytes())?;
        }
        Ok(hasher.finish())
    }

    /// Every path of the payload, in the order of the manifest.
    fn paths(&self) -> impl Iterator<Item = String> + '_ {
        self.exhibits.iter().flat_map(|exhibit| {
            exhibit.listing.items().map(|item| format!("data/{}/{}", exhibit.name, item.relative))
        })
    }

    fn write_tail(
        &self,
        keys: &dyn PackKeys,
        archive: &mut ArchiveWriter<SealStream>,
        info: &str,
        manifest: Digest,
        record: &InnerRecord,
    ) -> Result<(), PackError> {
        let write = PackError::from_write;
        archive.add(&format!("plain/{CASE}"), &record.case, self.created).map_err(write)?;
        archive.add(&format!("plain/{CUSTODY}"), &record.custody, self.created).map_err(write)?;
        let tags = [
            manifest_line(&Digest::of(info.as_bytes()), BAG_INFO),
            manifest_line(&Digest::of(DECLARATION.as_bytes()), BAGIT),
            manifest_line(&Digest::of(&record.case), CASE),
            manifest_line(&Digest::of(&record.custody), CUSTODY),
            manifest_line(&manifest, MANIFEST),
        ]
        .concat();
        let signature = keys.sign(tags.as_bytes()).map_err(PackError::Keys)?;
        archive.add("plain/tagmanifest-sha256.txt", tags.as_bytes(), self.created).map_err(write)?;
        archive.add("plain/inner-signature.p7s", &signature, self.created).map_err(write)
    }
}

fn exhibits(request: &PackRequest) -> Result<(Vec<ExhibitLabel>, Vec<&PackExhibit>), PackError> {
    let mut labels = Vec::with_capacity(request.exhibits.len());
    for exhibit in &request.exhibits {
        let name = exhibit.name.clone();
        if let Some(what) = name_fault(&name) {
            return Err(PackError::ExhibitName { name: name.chars().take(80).collect(), what });
        }
        labels.push(ExhibitLabel { exhibit_id: exhibit.exhibit_id, name });
    }
    labels.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    for pair in labels.windows(2) {
        if let [one, two] = pair
            && one.name == two.name
        {
            return Err(PackError::ExhibitName { name: one.name.clone(), what: "two exhibits have it" });
        }
    }
    let mut exhibits: Vec<&PackExhibit> = request.exhibits.iter().collect();
    exhibits.sort_unstable_by(|a, b| a.name.bytes().chain(*b"/").cmp(b.name.bytes().chain(*b"/")));
    match exhibits.is_empty() {
        true => Err(PackError::NoExhibit),
        false => Ok((labels, exhibits)),
    }
}

impl Reading<'_, '_, '_> {
    fn exhibit(
        &mut self,
        exhibit: &PackExhibit,
        archive: &mut ArchiveWriter<SealStream>,
    ) -> Result<SealedExhibit, PackError> {
        let mut expected = Expected::open(exhibit)?;
        let mut tree = Hasher::default();
        for item in exhibit.listing.items() {
            let known = self.earlier.and_then(|earlier| earlier.digests.get(self.digests.len()).copied());
            let digest = match known {
                Some(digest) => {
                    self.done = self.done.saturating_add(item.size);
                    digest
                }
                None => self.file(exhibit, &item, archive)?,
            };
            expected.check(&item.relative, digest)?;
            tree.update(manifest_line(&digest, &item.relative).as_bytes());
            self.digests.push(digest);
            if known.is_none() {
                if let Some(journal) = self.journal {
                    journal.digest(digest).map_err(PackError::Write)?;
                }
                let stream = archive.inner_mut();
                let files = u64::try_from(self.digests.len()).unwrap_or(u64::MAX);
                stream.at(Some(Cursor { files, member: stream.position(), plain: None }));
            }
        }
        expected.end()?;
        Ok(SealedExhibit {
            exhibit_id: exhibit.exhibit_id,
            name: exhibit.name.clone(),
            files: exhibit.listing.files(),
            bytes: exhibit.listing.bytes(),
            tree: tree.finish(),
        })
    }

    /// One file: header, content, padding; the content is read once.
    fn file(
        &mut self,
        exhibit: &PackExhibit,
        item: &Item,
        archive: &mut ArchiveWriter<SealStream>,
    ) -> Result<Digest, PackError> {
        let write = PackError::from_write;
        let path = format!("plain/data/{}/{}", exhibit.name, item.relative);
        let modified = item.modified / 1_000_000;
        archive.begin(&Member { path, kind: Kind::File, size: item.size, modified }).map_err(write)?;
        let mut hasher = Hasher::default();
        let mut content = Content::open(&exhibit.listing, item)?;
        let again = archive.inner_mut().let_go(item.size);
        if again > 0 {
            let saved = self.earlier.and_then(|earlier| earlier.checkpoint.plain.as_deref());
            hasher = saved.and_then(Hasher::restore).ok_or_else(|| PackError::Write(lost()))?;
            content.seek(again)?;
            archive.carried(again).map_err(write)?;
            self.done = self.done.saturating_add(again);
        }
        self.copy(&mut content, &mut hasher, archive)?;
        // A batch may begin in the padding.
        archive.inner_mut().remember(&hasher);
        archive.end_member().map_err(write)?;
        Ok(hasher.finish())
    }

    fn copy(
        &mut self,
        content: &mut Content<'_>,
        hasher: &mut Hasher,
        archive: &mut ArchiveWriter<SealStream>,
    ) -> Result<(), PackError> {
        loop {
            if archive.inner_mut().begins_batch() {
                archive.inner_mut().remember(hasher);
            }
            let room = archive.inner_mut().room().map_err(PackError::Write)?;
            let read = content.read(room)?;
            if read == 0 {
                return Ok(());
            }
            hasher.update(room.get(..read).unwrap_or_default());
            archive.inner_mut().advance(read);
            let count = u64::try_from(read).unwrap_or(u64::MAX);
            archive.carried(count).map_err(PackError::Write)?;
            self.done = self.done.saturating_add(count);
            let told = Progress { done: self.done, total: self.total, what: "sealing" };
            if (self.progress)(told).is_break() {
                return Err(PackError::Cancelled);
            }
        }
    }
}

pub(super) fn lost() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the journal cannot be read")
}

/// The list of files that was written when the exhibit was taken in, followed line by line.
struct Expected<'a> {
    lines: Option<BufReader<File>>,
    exhibit: &'a str,
}

impl<'a> Expected<'a> {
    fn open(exhibit: &'a PackExhibit) -> Result<Self, PackError> {
        let lines = exhibit.expected.as_ref().map(File::open).transpose().map_err(PackError::Record)?;
        Ok(Self { lines: lines.map(BufReader::new), exhibit: &exhibit.name })
    }

    fn line(&mut self) -> Result<Option<String>, PackError> {
        let Some(lines) = &mut self.lines else { return Ok(None) };
        let mut line = String::new();
        lines.read_line(&mut line).map_err(PackError::Record)?;
        Ok(Some(line))
    }

    fn check(&mut self, path: &str, found: Digest) -> Result<(), PackError> {
        let Some(line) = self.line()? else { return Ok(()) };
        if line == manifest_line(&found, path) {
            return Ok(());
        }
        let recorded = line.split_once("  ").and_then(|(hex, _)| Digest::from_hex(hex).ok());
        let path = path.to_owned();
        match recorded {
            Some(expected) if line == manifest_line(&expected, &path) => {
                Err(PackError::Changed { path, expected, found })
            }
            _ => Err(PackError::NotRecorded { path, exhibit: self.exhibit.to_owned() }),
        }
    }

    fn end(&mut self) -> Result<(), PackError> {
        match self.line()? {
            Some(line) if !line.is_empty() => {
                let path = line.trim_end().split_once("  ").map_or("", |(_, path)| path).to_owned();
                Err(PackError::NotRecorded { path, exhibit: self.exhibit.to_owned() })
            }
            _ => Ok(()),
        }
    }
}

/// Bytes that a package of these exhibits takes on the disk, a little more than it will be.
pub fn package_size(listings: &[&Listing]) -> u64 {
    let headers =
        |listing: &Listing| listing.files().saturating_mul(4 * 1024).min(listing.files() * 1536 + 65_536);
    let plain = listings.iter().fold(1024 * 1024, |sum: u64, listing| {
        sum.saturating_add(listing.bytes()).saturating_add(headers(listing))
    });
    plain.saturating_add(plain / 1000)
}
