//! Where a node keeps what is too large for its database.

use std::path::{Path, PathBuf};
use vocabulary::{ExhibitId, FileId, PackageId};

/// The folder of one node.
#[derive(Debug, Clone)]
pub struct NodeFolder(PathBuf);

impl NodeFolder {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn database(&self) -> PathBuf {
        self.0.join("rogatory.sqlite3")
    }

    pub fn configuration(&self) -> PathBuf {
        self.0.join("node.toml")
    }

    /// The files of an exhibit with their digests, as they were when it was taken in.
    pub fn exhibit_list(&self, file: FileId, exhibit: ExhibitId) -> PathBuf {
        self.exhibit_lists(file).join(format!("{exhibit}.sha256"))
    }

    /// Those lists of all exhibits of a file.
    pub fn exhibit_lists(&self, file: FileId) -> PathBuf {
        self.0.join("packages/exhibits").join(file.to_string())
    }

    /// How far an unfinished seal has come.
    pub fn seal_journal(&self, file: FileId) -> PathBuf {
        self.sealed(file).with_extension("journal")
    }

    /// Packages that we sealed for others.
    pub fn sealed(&self, file: FileId) -> PathBuf {
        self.0.join("packages/sealed").join(file.to_string())
    }

    /// Packages that others sealed for us.
    pub fn received(&self, file: FileId, package: PackageId) -> PathBuf {
        self.0.join("packages/received").join(file.to_string()).join(package.to_string())
    }

    /// Packages that were returned and wait for their courier.
    pub fn returned(&self, file: FileId) -> PathBuf {
        self.0.join("packages/returned").join(file.to_string())
    }

    /// A package of which parts are still missing.
    pub fn arriving(&self, file: FileId, package: PackageId) -> PathBuf {
        self.0.join("packages/arriving").join(file.to_string()).join(package.to_string())
    }
}
