//! How far an unfinished seal has come, kept beside the sources so that a killed one goes on where it was.
//!
//! The file holds the seed from which the package's keys grow. It is removed when the package is whole.

use crate::bag::PartInfo;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use vocabulary::{Digest, Instant, PackageId};

/// What must be the same for an attempt to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opening {
    pub(crate) format: String,
    pub(crate) package: PackageId,
    pub(crate) created: Instant,
    /// Where the package is being built.
    pub(crate) partial: PathBuf,
    /// Of everything that decides the bytes: label, exhibits, tables of files, suite, size of parts.
    pub(crate) request: Digest,
    /// The seed, as `PackKeys::protect` gave it, in hex.
    pub(crate) seed: String,
}

/// A place from which sealing can go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// The part that is being written, and its bytes that are on the disk.
    pub(crate) part: u64,
    pub(crate) offset: u64,
    /// The state of its digest.
    pub(crate) cipher: String,
    /// The batch that those bytes end in, and how many of its bytes they hold.
    pub(crate) batch: u64,
    pub(crate) within: u64,
    /// Files whose digest is known.
    pub(crate) files: u64,
    /// Where in the archive the member begins that is being read; 0 is the beginning of the archive.
    pub(crate) member: u64,
    /// The state of the digest of the file that is being read.
    pub(crate) plain: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Opening(Opening),
    Digest(Digest),
    Part(PartInfo),
    Checkpoint(Checkpoint),
}

/// What an earlier attempt left.
pub(crate) struct Earlier {
    pub(crate) opening: Opening,
    pub(crate) digests: Vec<Digest>,
    pub(crate) parts: Vec<PartInfo>,
    pub(crate) checkpoint: Checkpoint,
}

pub(crate) struct Journal(Mutex<BufWriter<File>>);

impl Journal {
    /// Begins a new journal, or goes on with what `earlier` reached.
    pub(crate) fn create(path: &Path, opening: &Opening, earlier: Option<&Earlier>) -> io::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let fresh = PathBuf::from(name);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        let mut out = BufWriter::new(file);
        write_line(&mut out, &Line::Opening(opening.clone()))?;
        if let Some(earlier) = earlier {
            for digest in &earlier.digests {
                write_line(&mut out, &Line::Digest(*digest))?;
            }
            for part in &earlier.parts {
                write_line(&mut out, &Line::Part(part.clone()))?;
            }
            write_line(&mut out, &Line::Checkpoint(earlier.checkpoint.clone()))?;
        }
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&fresh, path)?;
        Ok(Self(Mutex::new(out)))
    }

    /// `None` when there is no journal, or one from which nothing can go on.
    pub(crate) fn read(path: &Path) -> Option<Earlier> {
        let text = fs::read_to_string(path).ok()?;
        let (mut opening, mut checkpoint) = (None, None);
        let (mut digests, mut parts) = (Vec::new(), Vec::new());
        for line in text.split_inclusive('\n') {
            // A line that was cut is the last.
            let Some(line) = line.strip_suffix('\n') else { break };
            match serde_json::from_str(line) {
                Ok(Line::Opening(found)) if opening.is_none() => opening = Some(found),
                Ok(Line::Digest(digest)) => digests.push(digest),
                Ok(Line::Part(part)) => parts.push(part),
                Ok(Line::Checkpoint(found)) => checkpoint = Some(found),
                _ => break,
            }
        }
        let checkpoint: Checkpoint = checkpoint?;
        digests.truncate(usize::try_from(checkpoint.files).ok()?);
        parts.truncate(usize::try_from(checkpoint.part).ok()?);
        let whole = |found: usize, wanted: u64| u64::try_from(found).is_ok_and(|found| found == wanted);
        let whole = whole(digests.len(), checkpoint.files) && whole(parts.len(), checkpoint.part);
        whole.then_some(())?;
        Some(Earlier { opening: opening?, digests, parts, checkpoint })
    }

    fn add(&self, line: &Line, durable: bool) -> io::Result<()> {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write_line(&mut *out, line)?;
        if durable {
            out.flush()?;
            out.get_ref().sync_data()?;
        }
        Ok(())
    }

    pub(crate) fn digest(&self, digest: Digest) -> io::Result<()> {
        self.add(&Line::Digest(digest), false)
    }

    pub(crate) fn part(&self, part: &PartInfo) -> io::Result<()> {
        self.add(&Line::Part(part.clone()), false)
    }

    /// Makes everything before it durable too.
    pub(crate) fn checkpoint(&self, checkpoint: Checkpoint) -> io::Result<()> {
        self.add(&Line::Checkpoint(checkpoint), true)
    }
}

/// The first line of a journal, also of one from which nothing can go on.
pub(crate) fn opening(path: &Path) -> Option<Opening> {
    let mut line = String::new();
    io::BufRead::read_line(&mut io::BufReader::new(File::open(path).ok()?), &mut line).ok()?;
    match serde_json::from_str(&line).ok()? {
        Line::Opening(opening) => Some(opening),
        _ => None,
    }
}

pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write_line(out: &mut impl Write, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line).map_err(io::Error::other)?;
    text.push(b'\n');
    out.write_all(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_was_cut_anywhere_gives_the_last_whole_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let opening = Opening {
            format: "1".into(),
            package: "0198c0de-0000-7000-8000-000000000001".parse().unwrap(),
            created: "2026-11-15T08:00:00Z".parse().unwrap(),
            partial: "p".into(),
            request: Digest::of(b"r"),
            seed: "00".into(),
        };
        let journal = Journal::create(&path, &opening, None).unwrap();
        assert!(Journal::read(&path).is_none());
        for number in 0..3_u64 {
            journal.digest(Digest::of(&number.to_be_bytes())).unwrap();
            let name = format!("data/payload.age.{number:06}");
            journal.part(&PartInfo { name, size: 7, digest: Digest::of(b"part") }).unwrap();
            let (part, files) = (number + 1, number + 1);
            journal
                .checkpoint(Checkpoint {
                    part,
                    offset: 0,
                    cipher: String::new(),
                    batch: number,
                    within: 0,
                    files,
                    member: 512,
                    plain: None,
                })
                .unwrap();
        }
        let whole = fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            if let Some(earlier) = Journal::read(&path) {
                assert_eq!(earlier.opening, opening);
                assert_eq!(u64::try_from(earlier.digests.len()).unwrap(), earlier.checkpoint.files);
                assert_eq!(u64::try_from(earlier.parts.len()).unwrap(), earlier.checkpoint.part);
            }
        }
        assert_eq!(Journal::read(&path).unwrap().checkpoint.part, 3);
    }
}
