//! A folder that appears whole or not at all: built beside its place, made durable, then renamed.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Removed when dropped, unless `keep` moved it into place.
pub(crate) struct Scratch {
    partial: PathBuf,
    place: PathBuf,
    kept: bool,
}

impl Scratch {
    /// `place` must not exist. What an earlier, killed attempt under the same `id` left is removed.
    pub(crate) fn create(place: &Path, id: &str) -> io::Result<Self> {
        let place = std::path::absolute(place)?;
        if fs::symlink_metadata(&place).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let partial = partial(&place, id)?;
        match fs::remove_dir_all(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir(&partial)?,
        }
        Ok(Self { partial, place, kept: false })
    }

    /// Goes on in the folder that an interrupted attempt under the same `id` left.
    pub(crate) fn go_on(place: &Path, id: &str) -> io::Result<Self> {
        let place = std::path::absolute(place)?;
        if fs::symlink_metadata(&place).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let partial = partial(&place, id)?;
        match partial.is_dir() {
            true => Ok(Self { partial, place, kept: false }),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Leaves everything where it is, for an attempt that goes on.
    pub(crate) fn leave(mut self) {
        self.kept = true;
    }

    pub(crate) fn path(&self) -> &Path {
        &self.partial
    }

    pub(crate) fn folder(&self, name: &str) -> io::Result<()> {
        fs::create_dir(self.partial.join(name))
    }

    /// Writes a small file and makes it durable.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.partial.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Makes the named folders durable and moves the whole into place.
    pub(crate) fn keep(mut self, folders: &[&str]) -> io::Result<()> {
        for folder in folders {
            sync_folder(&self.partial.join(folder))?;
        }
        sync_folder(&self.partial)?;
        if fs::symlink_metadata(&self.place).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(&self.partial, &self.place)?;
        self.kept = true;
        self.place.parent().map_or(Ok(()), sync_folder)
    }
}

/// The folder in which a package is built, beside its place.
pub(crate) fn partial(place: &Path, id: &str) -> io::Result<PathBuf> {
    let mut name = place.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".partial-{id}"));
    Ok(place.with_file_name(name))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing more can be done here; the next attempt removes what is left.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// A renamed file is durable only when its folder is; Windows has no such call.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(windows) { Ok(()) } else { File::open(path)?.sync_all() }
}
