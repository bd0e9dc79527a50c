//! Where the content of a package goes while it is read: a scratch folder, or nowhere when it is only checked.

use crate::{
    archive::ArchiveFault,
    block::{Block, BlockWriter, OutFile, write_new},
    open::OpenError,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

/// Files smaller than this are gathered and written at once.
const SMALL_BYTES: u64 = 256 * 1024;

/// A folder that takes files, or nothing at all.
pub(crate) struct Unpacked {
    root: Option<PathBuf>,
    writer: Option<BlockWriter>,
}

/// One file on its way to the disk.
pub(crate) enum Target {
    Nowhere,
    Small { path: PathBuf, bytes: Vec<u8> },
    Large { file: Arc<OutFile>, block: Option<Block>, offset: u64 },
}

impl Unpacked {
    pub(crate) fn new(root: Option<&Path>) -> Self {
        Self { root: root.map(Path::to_owned), writer: None }
    }

    pub(crate) fn folder(&self, name: &str) -> Result<(), OpenError> {
        match &self.root {
            Some(root) => fs::create_dir(root.join(name)).map_err(|error| taken(name, error)),
            None => Ok(()),
        }
    }

    /// A small tag file.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), OpenError> {
        match &self.root {
            Some(root) => write_new(&root.join(name), bytes).map(drop).map_err(OpenError::Write),
            None => Ok(()),
        }
    }

    pub(crate) fn begin(&mut self, path: &str, size: u64) -> Result<Target, OpenError> {
        let Some(root) = &self.root else { return Ok(Target::Nowhere) };
        let place = path.split('/').fold(root.clone(), |place, name| place.join(name));
        if size <= SMALL_BYTES {
            let bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
            return Ok(Target::Small { path: place, bytes });
        }
        let file = in_its_folder(&place, path, || OutFile::create(&place))?;
        if self.writer.is_none() {
            self.writer = Some(BlockWriter::start());
        }
        Ok(Target::Large { file: Arc::new(file), block: None, offset: 0 })
    }

    pub(crate) fn add(&self, target: &mut Target, mut bytes: &[u8]) -> Result<(), OpenError> {
        match target {
            Target::Nowhere => Ok(()),
            Target::Small { bytes: held, .. } => {
                held.extend_from_slice(bytes);
                Ok(())
            }
            Target::Large { file, block, offset } => {
                while !bytes.is_empty() {
                    let mut current = match block.take() {
                        Some(block) => block,
                        None => self.writer()?.block().map_err(OpenError::Write)?,
                    };
                    let count = current.append(bytes);
                    bytes = bytes.get(count..).unwrap_or_default();
                    match current.is_full() {
                        true => self.hand_over(file, offset, current)?,
                        false => *block = Some(current),
                    }
                }
                Ok(())
            }
        }
    }

    fn writer(&self) -> Result<&BlockWriter, OpenError> {
        let ended = || OpenError::Write(io::Error::other("the writing thread has ended"));
        self.writer.as_ref().ok_or_else(ended)
    }

    /// A block of zeros is left out: the file has a hole there, and the same bytes.
    fn hand_over(&self, file: &Arc<OutFile>, offset: &mut u64, block: Block) -> Result<(), OpenError> {
        let count = u64::try_from(block.len()).unwrap_or(u64::MAX);
        match is_zero(block.filled()) {
            true => self.writer()?.give_back(block),
            false => self.writer()?.write(file, *offset, block).map_err(OpenError::Write)?,
        }
        *offset = offset.saturating_add(count);
        Ok(())
    }

    /// `modified` in seconds since 1970.
    pub(crate) fn end(&self, target: Target, shown: &str, modified: u64) -> Result<(), OpenError> {
        let time = UNIX_EPOCH.checked_add(Duration::from_secs(modified));
        match target {
            Target::Nowhere => Ok(()),
            Target::Small { path, bytes } => {
                let file = in_its_folder(&path, shown, || write_new(&path, &bytes))?;
                time.map_or(Ok(()), |time| file.set_modified(time)).map_err(OpenError::Write)
            }
            Target::Large { file, block, mut offset } => {
                if let Some(block) = block {
                    self.hand_over(&file, &mut offset, block)?;
                }
                let size = offset;
                let finish = move || {
                    file.set_len(size)?;
                    time.map_or(Ok(()), |time| file.set_modified(time))
                };
                self.writer()?.then(finish).map_err(OpenError::Write)
            }
        }
    }

    /// Waits for what is being written, and makes it durable.
    pub(crate) fn finish(&mut self) -> Result<(), OpenError> {
        if let Some(writer) = self.writer.take() {
            writer.finish().map_err(OpenError::Write)?;
        }
        match &self.root {
            Some(root) => make_durable(root).map_err(OpenError::Write),
            None => Ok(()),
        }
    }
}

/// One call for the whole file system: a call for each of a million files would take an hour.
#[cfg(target_os = "linux")]
fn make_durable(root: &Path) -> io::Result<()> {
    rustix::fs::syncfs(fs::File::open(root)?).map_err(io::Error::from)
}

#[cfg(not(target_os = "linux"))]
fn make_durable(root: &Path) -> io::Result<()> {
    fs::File::open(root)?.sync_all()
}

fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<64>();
    words.iter().all(|word| *word == [0; 64]) && rest.iter().all(|byte| *byte == 0)
}

/// Creates the folders above a file when the first try says that they are missing.
fn in_its_folder<T>(place: &Path, shown: &str, create: impl Fn() -> io::Result<T>) -> Result<T, OpenError> {
    match create() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = place.parent().unwrap_or(place);
            fs::create_dir_all(parent).map_err(|error| taken(shown, error))?;
            create().map_err(|error| taken(shown, error))
        }
        other => other.map_err(|error| taken(shown, error)),
    }
}

/// A name that another file already has is the archive's fault; everything else is the disk's.
fn taken(path: &str, error: io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
            let path = path.chars().take(200).collect();
            ArchiveFault::Path { path, what: "another member has this name on this disk" }.into()
        }
        _ => OpenError::Write(error),
    }
}
