//! The passphrase that opens key files, and where it is read from.

use crate::{KeyFault, secret_file::read_limited};
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use std::{
    fmt,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};
use zeroize::Zeroizing;

/// Policy: fewer bytes are guessed too soon, whatever is done to slow the guessing.
pub const MIN_PASSPHRASE_BYTES: usize = 16;
/// The most bytes of a passphrase file that are read.
const MAX_PASSPHRASE_BYTES: usize = 1024;

/// One salt, its rounds, and the key that grew from them.
type Derived = (Vec<u8>, NonZeroU32, Arc<Zeroizing<[u8; 32]>>);

/// A passphrase in memory, wiped when it is dropped; with the keys that were derived from it.
pub struct Passphrase {
    text: Zeroizing<Vec<u8>>,
    /// Every file of a node has the same salt, so that opening them all costs one derivation.
    derived: Mutex<Vec<Derived>>,
}

impl Passphrase {
    /// Reads the file; one line end at its end does not count. Others must not be able to read it.
    pub fn read(path: &Path) -> Result<Self, KeyFault> {
        Self::of(read_limited(path, MAX_PASSPHRASE_BYTES, true)?, path)
    }

    /// Reads a credential that the service manager laid there; who can read it is its business.
    fn read_credential(path: &Path) -> Result<Self, KeyFault> {
        Self::of(read_limited(path, MAX_PASSPHRASE_BYTES, false)?, path)
    }

    fn of(mut text: Zeroizing<Vec<u8>>, path: &Path) -> Result<Self, KeyFault> {
        for end in [b'\n', b'\r'] {
            if text.last() == Some(&end) {
                text.pop();
            }
        }
        if text.len() < MIN_PASSPHRASE_BYTES {
            return Err(KeyFault::PassphraseShort { path: path.display().to_string(), found: text.len() });
        }
        Ok(Self { text, derived: Mutex::default() })
    }

    /// PBKDF2 with HMAC-SHA-256 (RFC 8018, 5.2), once for each salt.
    pub(crate) fn derive(&self, salt: &[u8], rounds: NonZeroU32) -> Arc<Zeroizing<[u8; 32]>> {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., key)) = derived.iter().find(|(s, r, _)| s == salt && *r == rounds) {
            return Arc::clone(key);
        }
        let mut key = Zeroizing::new([0; 32]);
        pbkdf2::derive(PBKDF2_HMAC_SHA256, rounds, salt, &self.text, key.as_mut_slice());
        let key = Arc::new(key);
        derived.push((salt.to_vec(), rounds, Arc::clone(&key)));
        key
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(redacted)")
    }
}

/// Where the passphrases of the office keys and of the root are; read when a protected file is met.
#[derive(Debug, Clone, Default)]
pub struct Unlock {
    keys: Source,
    root: Source,
}

#[derive(Debug, Clone, Default)]
struct Source {
    file: Option<PathBuf>,
    credential: bool,
    read: Arc<OnceLock<Passphrase>>,
}

impl Unlock {
    /// `keys` opens the files in `keys/`, `root` opens the root.
    pub fn new(keys: Option<PathBuf>, root: Option<PathBuf>) -> Self {
        let source = |file| Source { file, ..Source::default() };
        Self { keys: source(keys), root: source(root) }
    }

    /// The passphrase of the office keys comes from the service manager (systemd's `$CREDENTIALS_DIRECTORY`).
    #[must_use]
    pub fn or_credential(mut self, file: PathBuf) -> Self {
        if self.keys.file.is_none() && file.exists() {
            self.keys = Source { file: Some(file), credential: true, ..Source::default() };
        }
        self
    }

    pub fn keys(&self) -> Result<&Passphrase, KeyFault> {
        self.keys.passphrase("--passphrase-file FILE")
    }

    pub fn root(&self) -> Result<&Passphrase, KeyFault> {
        self.root.passphrase("--root-passphrase-file FILE")
    }
}

impl Source {
    fn passphrase(&self, option: &'static str) -> Result<&Passphrase, KeyFault> {
        if let Some(known) = self.read.get() {
            return Ok(known);
        }
        let file = self.file.as_ref().ok_or(KeyFault::NoPassphrase { option })?;
        let read = if self.credential { Passphrase::read_credential(file)? } else { Passphrase::read(file)? };
        Ok(self.read.get_or_init(|| read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt as _};
    use vocabulary::Failure as _;

    fn file(content: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_line_end_does_not_count_and_a_short_passphrase_is_refused() {
        let (_folder, path) = file("correct horse battery\n", 0o600);
        let read = Passphrase::read(&path).unwrap();
        assert_eq!(read.text.as_slice(), b"correct horse battery");
        assert!(!format!("{read:?}").contains("horse"));
        let (_folder, path) = file("short\n", 0o600);
        assert_eq!(Passphrase::read(&path).unwrap_err().code(), "R-922");
    }

    #[test]
    fn a_passphrase_that_others_can_read_or_that_is_missing_is_refused() {
        let (_folder, path) = file("correct horse battery\n", 0o644);
        assert_eq!(Passphrase::read(&path).unwrap_err().code(), "F-203");
        assert!(Unlock::default().or_credential(path).keys().is_ok(), "the service manager decides");
        assert_eq!(Unlock::default().keys().unwrap_err().code(), "R-920");
        let (_folder, path) = file(&"x".repeat(MAX_PASSPHRASE_BYTES + 1), 0o600);
        assert_eq!(Passphrase::read(&path).unwrap_err().code(), "F-204");
    }
}
