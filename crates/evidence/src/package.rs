//! A package as it lies on a disk: the names in it, bounded reads of its small files, its parts as one stream.

use crate::{
    KeyEnvelope,
    bag::{BagFault, DECLARATION, ManifestEntry, PartInfo, length, read_manifest},
    hash::Hasher,
    label::{BagInfo, MAX_INFO_BYTES, Side},
    measure::READ_BYTES,
    suite::BulkSuite,
    supplement::MAX_SUPPLEMENTS,
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};
use vocabulary::Digest;

pub(crate) const BAGIT: &str = "bagit.txt";
pub(crate) const BAG_INFO: &str = "bag-info.txt";
pub(crate) const MANIFEST: &str = "manifest-sha256.txt";
pub(crate) const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
pub(crate) const KEY_ENVELOPE: &str = "data/package-key.p7m";
/// The envelope inside an age file to post-quantum recipients; instead of the other, never beside it.
pub(crate) const HYBRID_ENVELOPE: &str = "data/package-key.p7m.age";
pub(crate) const SIGNATURE: &str = "seal/signature.p7s";
pub(crate) const TIME_STAMP: &str = "seal/timestamp.tsr";
pub(crate) const CUSTODY: &str = "custody.json";
pub(crate) const CASE: &str = "case.jsonld";
/// What the outer tag manifest lists, in its order.
pub(crate) const OUTER_TAGS: [&str; 3] = [BAG_INFO, BAGIT, MANIFEST];
/// Parts of one package: 64 TiB at 256 MiB each.
pub const MAX_PARTS: u64 = 262_144;
const MAX_ENTRIES: usize = 300_000;
const MAX_TAG_MANIFEST_BYTES: u64 = 64 * 1024;
pub(crate) const MAX_ENVELOPE_BYTES: u64 = 16 * 1024 * 1024;
pub(crate) const MAX_SIGNATURE_BYTES: u64 = 1024 * 1024;

pub(crate) struct PackageFolder {
    root: PathBuf,
}

impl PackageFolder {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, name: &str) -> PathBuf {
        name.split('/').fold(self.root.clone(), |path, component| path.join(component))
    }

    /// Opens a regular file and says its size; links are refused.
    fn open(&self, name: &str) -> Result<(File, u64), BagFault> {
        let path = self.path(name);
        let about = fs::symlink_metadata(&path).map_err(|error| BagFault::from_read(name, error))?;
        if !about.is_file() {
            return Err(BagFault::NotAFile { file: name.to_owned() });
        }
        let file = File::open(&path).map_err(|error| BagFault::from_read(name, error))?;
        Ok((file, about.len()))
    }

    pub(crate) fn small(&self, name: &str, limit: u64, shown: &'static str) -> Result<Vec<u8>, BagFault> {
        let (file, _) = self.open(name)?;
        let mut bytes = Vec::new();
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| BagFault::from_read(name, error))?;
        match length(&bytes) > limit {
            true => Err(BagFault::TooLarge { file: name.to_owned(), limit: shown }),
            false => Ok(bytes),
        }
    }

    pub(crate) fn check_declaration(&self) -> Result<(), BagFault> {
        match self.small(BAGIT, 1024, "1 KiB")? == DECLARATION.as_bytes() {
            true => Ok(()),
            false => Err(BagFault::Declaration { file: BAGIT.to_owned() }),
        }
    }

    pub(crate) fn info(&self) -> Result<BagInfo, BagFault> {
        BagInfo::parse(&self.small(BAG_INFO, MAX_INFO_BYTES, "1 MiB")?, Side::Outer)
    }

    pub(crate) fn signature(&self) -> Result<Vec<u8>, BagFault> {
        self.small(SIGNATURE, MAX_SIGNATURE_BYTES, "1 MiB")
    }

    /// Whichever envelope the manifest lists, which is its first entry.
    pub(crate) fn key_envelope(&self, manifest: &[ManifestEntry]) -> Result<KeyEnvelope, BagFault> {
        match manifest.first() {
            Some(entry) if entry.path == HYBRID_ENVELOPE => {
                self.small(HYBRID_ENVELOPE, MAX_ENVELOPE_BYTES, "16 MiB").map(KeyEnvelope::HybridCms)
            }
            _ => self.small(KEY_ENVELOPE, MAX_ENVELOPE_BYTES, "16 MiB").map(KeyEnvelope::Cms),
        }
    }

    /// As `key_envelope`; its digest is the one in the manifest.
    pub(crate) fn checked_envelope(&self, manifest: &[ManifestEntry]) -> Result<KeyEnvelope, BagFault> {
        let envelope = self.key_envelope(manifest)?;
        let (KeyEnvelope::Cms(bytes) | KeyEnvelope::HybridCms(bytes)) = &envelope;
        let found = Digest::of(bytes);
        match manifest.first() {
            Some(entry) if entry.digest != found => {
                let (file, expected) = (entry.path.clone(), entry.digest);
                Err(BagFault::Altered { file, expected, found })
            }
            _ => Ok(envelope),
        }
    }

    /// Envelopes that were added in `seal/` for further addressees, read one at a time.
    ///
    /// That folder is not sealed: what somebody laid there and cannot be read stands in no addressee's way.
    pub(crate) fn further_envelopes(&self) -> Result<impl Iterator<Item = Vec<u8>> + '_, BagFault> {
        let added = |name: &String| name.starts_with("seal/addressee-") && name.ends_with(".p7m");
        let names = self.contents()?.into_keys().filter(added).take(MAX_SUPPLEMENTS);
        Ok(names.filter_map(|name| self.small(&name, MAX_ENVELOPE_BYTES, "16 MiB").ok()))
    }

    /// The time-stamp over the tag manifest, when there is one.
    pub(crate) fn time_stamp(&self) -> Result<Option<Vec<u8>>, BagFault> {
        match self.small(TIME_STAMP, MAX_SIGNATURE_BYTES, "1 MiB") {
            Ok(bytes) => Ok(Some(bytes)),
            Err(BagFault::Missing { .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The key envelope and then the parts, numbered without a gap; nothing else may be listed.
    pub(crate) fn manifest(&self) -> Result<Vec<ManifestEntry>, BagFault> {
        let (file, _) = self.open(MANIFEST)?;
        let mut entries: Vec<ManifestEntry> = Vec::new();
        let mut suite = None;
        read_manifest(MANIFEST, BufReader::new(file), &mut |entry| {
            let index = length_of(&entries);
            if index > MAX_PARTS {
                return Err(BagFault::TooLarge { file: MANIFEST.to_owned(), limit: "262,144 parts" });
            }
            let belongs = match index.checked_sub(1) {
                None => [KEY_ENVELOPE, HYBRID_ENVELOPE].contains(&entry.path.as_str()),
                Some(part) => {
                    let found = suite.or_else(|| BulkSuite::of_first_part(&entry.path));
                    suite = found;
                    found.is_some_and(|suite| suite.part_name(part) == entry.path)
                }
            };
            if !belongs {
                return Err(BagFault::Unexpected { manifest: MANIFEST, path: entry.path });
            }
            entries.push(entry);
            Ok(())
        })?;
        match entries.len() {
            0 => Err(BagFault::Missing { file: KEY_ENVELOPE.to_owned() }),
            1 => Err(BagFault::Missing { file: BulkSuite::default().part_name(0) }),
            _ => Ok(entries),
        }
    }

    /// The parts are those of the suite that the label names.
    pub(crate) fn check_suite(&self, manifest: &[ManifestEntry], suite: BulkSuite) -> Result<(), BagFault> {
        match manifest.get(1) {
            Some(first) if first.path != suite.part_name(0) => {
                Err(BagFault::Unexpected { manifest: MANIFEST, path: first.path.clone() })
            }
            _ => Ok(()),
        }
    }

    /// The exact bytes that are signed, and what they list.
    pub(crate) fn tag_manifest(&self) -> Result<(Vec<u8>, Vec<ManifestEntry>), BagFault> {
        let bytes = self.small(TAG_MANIFEST, MAX_TAG_MANIFEST_BYTES, "64 KiB")?;
        let entries = parse_tag_manifest(&bytes, &OUTER_TAGS)?;
        Ok((bytes, entries))
    }

    /// Every file of the package with its size; folders other than `data` and `seal` are refused.
    pub(crate) fn contents(&self) -> Result<BTreeMap<String, u64>, BagFault> {
        let mut files = BTreeMap::new();
        for folder in ["", "data", "seal"] {
            self.list(folder, &mut files)?;
        }
        Ok(files)
    }

    fn list(&self, folder: &str, files: &mut BTreeMap<String, u64>) -> Result<(), BagFault> {
        let shown = if folder.is_empty() { "." } else { folder };
        let unreadable = |error| BagFault::from_read(shown, error);
        let entries = match fs::read_dir(self.path(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BagFault::Missing { file: shown.to_owned() });
            }
            other => other.map_err(unreadable)?,
        };
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            let file = entry.file_name().to_string_lossy().replace(char::is_control, "\u{fffd}");
            let name = if folder.is_empty() { file } else { format!("{folder}/{file}") };
            let about = fs::symlink_metadata(entry.path()).map_err(unreadable)?;
            if about.is_dir() && matches!(name.as_str(), "data" | "seal") {
                continue;
            }
            if !about.is_file() {
                return Err(BagFault::NotAFile { file: name });
            }
            if files.len() >= MAX_ENTRIES {
                return Err(BagFault::TooLarge { file: shown.to_owned(), limit: "300,000 files" });
            }
            files.insert(name, about.len());
        }
        Ok(())
    }

    /// Hashes a file without holding it; `visit` hears of every piece and may stop the work by returning false.
    pub(crate) fn digest(
        &self,
        name: &str,
        buffer: &mut [u8],
        visit: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Option<PartInfo>, BagFault> {
        let (mut file, _) = self.open(name)?;
        let mut hasher = Hasher::default();
        let mut size: u64 = 0;
        loop {
            let read = match file.read(buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(BagFault::from_read(name, error)),
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            hasher.update(bytes);
            size = size.saturating_add(length(bytes));
            if !visit(length(bytes)) {
                return Ok(None);
            }
        }
        Ok(Some(PartInfo { name: name.to_owned(), size, digest: hasher.finish() }))
    }

    pub(crate) fn part(&self, name: &str) -> Result<(File, u64), BagFault> {
        self.open(name)
    }

    pub(crate) fn size(&self, name: &str) -> Result<u64, BagFault> {
        self.open(name).map(|(_, size)| size)
    }
}

/// Every file of a package as a receiver fetches it: digests of the parts are taken from the manifest, the few
/// small files are hashed. What it says is worth as much as `verify_outer` says of the package.
pub fn list_package(package: &Path) -> Result<Vec<PartInfo>, BagFault> {
    let folder = PackageFolder::new(package);
    let manifest: BTreeMap<String, Digest> =
        folder.manifest()?.into_iter().map(|entry| (entry.path, entry.digest)).collect();
    let mut buffer = vec![0; READ_BYTES];
    let mut files = Vec::new();
    for (name, size) in folder.contents()? {
        let listed = manifest.get(&name).map(|digest| PartInfo { name: name.clone(), size, digest: *digest });
        match listed {
            Some(part) => files.push(part),
            None => files.extend(folder.digest(&name, &mut buffer, &mut |_| true)?),
        }
    }
    Ok(files)
}

/// Parses a small tag manifest that must list exactly `expected`.
pub(crate) fn parse_tag_manifest(bytes: &[u8], expected: &[&str]) -> Result<Vec<ManifestEntry>, BagFault> {
    let mut entries: Vec<ManifestEntry> = Vec::new();
    read_manifest(TAG_MANIFEST, bytes, &mut |entry| {
        if !expected.contains(&entry.path.as_str()) {
            return Err(BagFault::Unexpected { manifest: TAG_MANIFEST, path: entry.path });
        }
        entries.push(entry);
        Ok(())
    })?;
    let listed = |name: &&&str| entries.iter().any(|entry| entry.path == **name);
    match expected.iter().find(|name| !listed(name)) {
        Some(name) => Err(BagFault::Missing { file: (*name).to_owned() }),
        None => Ok(entries),
    }
}

fn length_of<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}
