//! Files and folders that the user named: a wrong path is the user's to correct.

use crate::output::refuse;
use std::{
    fs,
    io::{Error, ErrorKind},
    path::Path,
};

const REMEDY: &str = "check the path";

pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).map_err(|error| wrong_path(path, error))
}

/// Fails when nothing is at `path`; its size otherwise.
pub(crate) fn size(path: &Path) -> anyhow::Result<u64> {
    Ok(fs::metadata(path).map_err(|error| wrong_path(path, error))?.len())
}

/// What the path alone explains is a refusal; anything else stays a fault of this machine.
pub(crate) fn wrong_path(path: &Path, error: Error) -> anyhow::Error {
    let place = path.display();
    let why = match error.kind() {
        ErrorKind::NotFound => "is not there".to_owned(),
        ErrorKind::PermissionDenied => "is not open to you".to_owned(),
        ErrorKind::IsADirectory => "is a folder".to_owned(),
        ErrorKind::NotADirectory => "leads through something that is not a folder".to_owned(),
        ErrorKind::InvalidInput | ErrorKind::InvalidFilename | ErrorKind::InvalidData => {
            format!("cannot be read: {error}")
        }
        _ => return anyhow::Error::from(error).context(format!("`{place}`")),
    };
    refuse("R-812", format!("`{place}` {why}"), REMEDY)
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
        let full = wrong_path(Path::new("x"), ErrorKind::StorageFull.into());
        assert_eq!(report(&full).family, Family::Fault);
    }
}
