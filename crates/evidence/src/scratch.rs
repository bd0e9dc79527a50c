//! A folder that appears whole or not at all: built beside its place, made durable, then renamed.

use std::{
    fs::{self, File, OpenOptions},
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
        let mut name = place.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(format!(".partial-{id}"));
        let partial = place.with_file_name(name);
        match fs::remove_dir_all(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir(&partial)?,
        }
        Ok(Self { partial, place, kept: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.partial
    }

    pub(crate) fn folder(&self, name: &str) -> io::Result<()> {
        fs::create_dir(self.partial.join(name))
    }

    /// Writes a small new file and makes it durable.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = create_new(&self.partial.join(name))?;
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

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing more can be done here; the next attempt removes what is left.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// A renamed file is durable only when its folder is; Windows has no such call.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(windows) { Ok(()) } else { File::open(path)?.sync_all() }
}
