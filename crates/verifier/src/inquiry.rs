//! One examination as it is ordered: which bundle, with which knowledge from elsewhere; reads the files it is told to.

use crate::{
    container,
    examine::examine,
    flaw::{Complaint, Flaw, Wrong},
    hash::Digest,
    instant::Instant,
    report::{Report, Subject},
    trust::{Trust, of_state},
};
use std::{
    fmt,
    io::Read as _,
    path::{Path, PathBuf},
};

/// A file of keys or certificates is read up to here.
const MAX_KEY_FILE_BYTES: u64 = 64 << 10;

/// What a reader orders.
#[derive(Debug, Clone, Default)]
pub struct Inquiry {
    /// A ZIP, or the same tree as a folder.
    pub bundle: PathBuf,
    /// `XA=4T9KX-…`.
    pub fingerprints: Vec<String>,
    /// `XA=root.pem`.
    pub roots: Vec<String>,
    /// `XA=<vkey>`, or `XA=<file>`.
    pub logs: Vec<String>,
    /// A vkey, or a file with one.
    pub witnesses: Vec<String>,
    /// Files with roots of time-stamp authorities.
    pub authorities: Vec<PathBuf>,
}

/// Why no report could be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// What the reader gave is not usable.
    Usage(String),
    /// A file cannot be read or written.
    Machine(String),
}

impl Trouble {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Usage(_) => "R-970",
            Self::Machine(_) => "F-970",
        }
    }

    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Usage(_) => "correct what was given; `--help` shows the form",
            Self::Machine(_) => "check the path, its owner and the space on the disk",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Machine(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Trouble {}

impl Inquiry {
    /// Examines the bundle; `now` is written into the report and decides nothing.
    pub fn run(&self, now: Instant) -> Result<Report, Trouble> {
        let trust = self.trust()?;
        let kind = std::fs::metadata(&self.bundle).map_err(|error| unread(&self.bundle, &error))?;
        if kind.is_dir() {
            return Ok(self.folder(&trust, now));
        }
        let limit = container::MAX_BUNDLE_BYTES as u64;
        let bytes = if kind.len() > limit { Vec::new() } else { read(&self.bundle, limit)? };
        let digest = (kind.len() <= limit).then(|| Digest::of(&bytes));
        let subject = Subject { name: self.name(), digest, folder: false, bytes: kind.len() };
        let files = if digest.is_some() {
            container::from_zip(&bytes)
        } else {
            Err((Flaw::Container, format!("the bundle is larger than {limit} bytes")))
        };
        Ok(report(subject, files, &trust, now))
    }

    fn folder(&self, trust: &Trust, now: Instant) -> Report {
        let files = container::from_folder(&self.bundle);
        let list = files.as_ref().ok().and_then(|files| files.get("manifest-sha256.txt"));
        let digest = list.map(|list| Digest::of(list));
        let bytes =
            files.as_ref().map_or(0, |files| files.values().map(|content| content.len() as u64).sum());
        report(Subject { name: self.name(), digest, folder: true, bytes }, files, trust, now)
    }

    fn name(&self) -> String {
        let name = self.bundle.file_name().unwrap_or(self.bundle.as_os_str());
        name.to_string_lossy().chars().filter(|c| !c.is_control()).take(128).collect()
    }

    fn trust(&self) -> Result<Trust, Trouble> {
        let mut trust = Trust::default();
        for text in &self.fingerprints {
            trust.add_fingerprint(text).map_err(Trouble::Usage)?;
        }
        for text in &self.roots {
            let (state, path) = of_state(text).map_err(Trouble::Usage)?;
            trust.add_root(&state, &read(Path::new(path), MAX_KEY_FILE_BYTES)?).map_err(Trouble::Usage)?;
        }
        for text in &self.logs {
            let (state, key) = of_state(text).map_err(Trouble::Usage)?;
            trust.add_log(&format!("{state}={}", vkey(key)?)).map_err(Trouble::Usage)?;
        }
        for text in &self.witnesses {
            trust.add_witness(&vkey(text)?).map_err(Trouble::Usage)?;
        }
        for path in &self.authorities {
            trust.add_authority(&read(path, MAX_KEY_FILE_BYTES)?).map_err(Trouble::Usage)?;
        }
        Ok(trust)
    }
}

/// Examines the bytes of a ZIP and writes the report.
pub fn verify(name: &str, bytes: &[u8], trust: &Trust, now: Instant) -> Report {
    let subject = Subject {
        name: name.to_owned(),
        digest: Some(Digest::of(bytes)),
        folder: false,
        bytes: bytes.len() as u64,
    };
    report(subject, container::from_zip(bytes), trust, now)
}

fn report(subject: Subject, files: Result<container::Files, Wrong>, trust: &Trust, now: Instant) -> Report {
    match files {
        Ok(files) => Report::new(subject, now, &examine(&files, trust)),
        Err((flaw, what)) => {
            let complaint = Complaint::new(flaw, subject.name.clone(), what);
            Report::unreadable(subject, now, complaint)
        }
    }
}

/// The key itself, or the file that holds it.
fn vkey(text: &str) -> Result<String, Trouble> {
    if text.contains('+') && !Path::new(text).exists() {
        return Ok(text.to_owned());
    }
    let bytes = read(Path::new(text), MAX_KEY_FILE_BYTES)?;
    let text =
        String::from_utf8(bytes).map_err(|_| Trouble::Usage(format!("`{text}` is not a verifier key")))?;
    Ok(text.trim().to_owned())
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| unread(path, &error))?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unread(path, &error))?;
    if bytes.len() as u64 > limit {
        return Err(Trouble::Usage(format!("`{}` is larger than {limit} bytes", path.display())));
    }
    Ok(bytes)
}

fn unread(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble::Machine(format!("`{}` cannot be read: {error}", path.display()))
}
