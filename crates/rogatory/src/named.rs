//! Files and folders that the user named: a wrong path is the user's to correct.

use crate::output::refuse;
use std::{
    fs,
    io::{Error, ErrorKind},
    path::Path,
};

pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).map_err(|error| refused(path, "read", error))
}

/// The size of what is at `path`; fails when nothing is.
pub(crate) fn size(path: &Path) -> anyhow::Result<u64> {
    Ok(fs::metadata(path).map_err(|error| refused(path, "read", error))?.len())
}

/// What the path alone explains is a refusal; anything else stays a fault of this machine.
pub(crate) fn refused(path: &Path, verb: &str, error: Error) -> anyhow::Error {
    let place = path.display();
    let why = match error.kind() {
        ErrorKind::NotFound => "no such file or folder",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::IsADirectory => "it is a folder",
        ErrorKind::NotADirectory => "a part of the path is not a folder",
        ErrorKind::AlreadyExists => "a file is there",
        ErrorKind::InvalidData => "it is not text",
        ErrorKind::InvalidInput | ErrorKind::InvalidFilename => "the name cannot be used",
        _ => return anyhow::Error::from(error).context(format!("`{place}`")),
    };
    refuse("R-812", format!("`{place}` cannot be {verb}: {why}"), "check the path")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::report;
    use vocabulary::Family;

    #[test]
    fn a_missing_file_or_a_folder_is_a_refusal_and_a_full_disk_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("missing"), folder.path().to_owned()] {
            let told = report(&read(&path).unwrap_err());
            assert_eq!((told.code.as_str(), told.family), ("R-812", Family::Refusal));
            assert!(told.message.contains(&path.display().to_string()));
        }
        let full = refused(Path::new("x"), "read", ErrorKind::StorageFull.into());
        assert_eq!(report(&full).family, Family::Fault);
    }
}
