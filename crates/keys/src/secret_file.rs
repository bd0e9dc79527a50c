//! Files that only the node's user may read.

use crate::{KeyFault, protect::MAX_KEY_BYTES};
use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};
use zeroize::Zeroizing;

fn unwritten(path: &Path, source: std::io::Error) -> KeyFault {
    KeyFault::Write { path: path.display().to_string(), source }
}

/// Writes a file that must not exist yet, and waits until it is durable.
pub(crate) fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), KeyFault> {
    let fault = |source| unwritten(path, source);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(fault)?;
    file.write_all(content).map_err(fault)?;
    file.sync_all().map_err(fault)
}

/// Puts `content` in the place of what the file holds: the old bytes or the new ones, and nothing between.
pub(crate) fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), KeyFault> {
    let fresh = path.with_added_extension("new");
    forget(&fresh)?;
    write_new(&fresh, content, mode)?;
    rename(&fresh, path)
}

/// Renames and waits until the new name is durable.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), KeyFault> {
    fs::rename(from, to).map_err(|source| unwritten(to, source))?;
    sync_folder(to.parent().unwrap_or(to))
}

/// Removes a file or a folder, if it is there.
pub(crate) fn forget(path: &Path) -> Result<(), KeyFault> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unwritten(path, error)),
        _ => Ok(()),
    }
}

pub(crate) fn sync_folder(path: &Path) -> Result<(), KeyFault> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|source| unwritten(path, source))
}

pub(crate) fn make_folder(path: &Path) -> Result<(), KeyFault> {
    let fault = |source| unwritten(path, source);
    fs::create_dir_all(path).map_err(fault)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(fault)
}

/// Reads a secret; a file that others may read is refused.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<String>, KeyFault> {
    let bytes = read_limited(path, MAX_KEY_BYTES, true)?;
    std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| KeyFault::Content {
        path: path.display().to_string(),
        reason: "it is not text".to_owned(),
    })
}

/// Reads at most `limit` bytes into room that does not move, so that no copy stays behind.
pub(crate) fn read_limited(path: &Path, limit: usize, private: bool) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    let fault = |source| KeyFault::Read { path: path.display().to_string(), source };
    let file = File::open(path).map_err(fault)?;
    let mode = file.metadata().map_err(fault)?.permissions().mode() & 0o777;
    if private && mode & 0o077 != 0 {
        return Err(KeyFault::Mode { path: path.display().to_string(), mode });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 32));
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(fault)?;
    if bytes.len() > limit {
        let reason = format!("it has more than {limit} bytes");
        return Err(KeyFault::Content { path: path.display().to_string(), reason });
    }
    Ok(bytes)
}

pub(crate) fn read_public(path: &Path) -> Result<String, KeyFault> {
    fs::read_to_string(path).map_err(|source| KeyFault::Read { path: path.display().to_string(), source })
}
