//! The log as files in a folder that any web server can serve: written step by step, and checked without trust.

use crate::{NodeError, error::disk};
use flow::Flow;
use ledger::{
    Checkpoint, CosignerVerifier, Hash, LogVerifier, SignedCheckpoint, Tile, TileKind, checkpoint,
    tile::{self, CHECKPOINT_PATH, TILE_HEIGHT, TILE_WIDTH, new_tiles},
    tree,
};
use serde::Serialize;
use std::{
    collections::HashMap,
    fs::{self, File},
    io::{ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// More than any file of a log has.
const MAX_FILE_BYTES: u64 = 256 << 10;

/// What an export did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogExport {
    pub size: u64,
    /// The size that the folder held before.
    pub before: u64,
    /// Tiles and bundles written.
    pub written: u64,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogChecked {
    pub origin: String,
    pub size: u64,
    pub root: String,
    /// Tiles and bundles that are what the signed head says.
    pub files: u64,
    /// Those of the cosigners asked for who signed this head, with when (seconds since 1970).
    pub cosigned: Vec<(String, u64)>,
}

/// Writes what the folder does not hold yet, and the signed head last, so that the folder is whole at any moment.
pub async fn export_log(flow: &Flow, folder: &Path) -> Result<LogExport, NodeError> {
    fs::create_dir_all(folder).map_err(|source| disk(folder, source))?;
    let before = exported(flow, folder).await?;
    let (size, note) = flow.published(before).await?;
    let mut written = 0;
    for tile in new_tiles(before, size) {
        let name = tile.to_string();
        let bytes = flow.tile(tile).await?;
        let bytes = bytes.ok_or_else(|| wrong(&name, "our own log does not have it"))?;
        write_whole(&folder.join(&name), &bytes)?;
        written += 1;
    }
    write_whole(&folder.join(CHECKPOINT_PATH), note.as_bytes())?;
    Ok(LogExport { size, before, written })
}

/// The size that a folder holds; one that is not of our log is refused.
async fn exported(flow: &Flow, folder: &Path) -> Result<u64, NodeError> {
    let Some(note) = read_text(&folder.join(CHECKPOINT_PATH))? else { return Ok(0) };
    let other = || NodeError::OtherLog { path: folder.display().to_string() };
    let head = checkpoint::open(&note, flow.keys().log().verifier()).map_err(|_| other())?;
    let (size, root) = (head.checkpoint().size(), head.checkpoint().root());
    if flow.root_at(size).await? != Some(*root) { Err(other()) } else { Ok(size) }
}

/// Reads a folder as a stranger does: the head under the log's key, then every entry and every tile against it.
pub fn check_log(
    folder: &Path,
    log: &LogVerifier,
    cosigners: &[CosignerVerifier],
) -> Result<LogChecked, NodeError> {
    let note = read_text(&folder.join(CHECKPOINT_PATH))?;
    let note = note.ok_or_else(|| wrong(CHECKPOINT_PATH, "it is not there"))?;
    let head = checkpoint::open(&note, log).map_err(|error| wrong(CHECKPOINT_PATH, &error.to_string()))?;
    let size = head.checkpoint().size();
    let mut rebuilt = Rebuilt { folder, nodes: HashMap::new(), tiles: HashMap::new(), size: 0, files: 0 };
    for bundle in new_tiles(0, size).filter(|tile| tile.kind() == TileKind::Entries) {
        let name = bundle.to_string();
        let bytes = read_file(&folder.join(&name))?.ok_or_else(|| wrong(&name, "it is not there"))?;
        let entries = tile::read_bundle(&bytes, bundle.width());
        for entry in entries.map_err(|error| wrong(&name, &error.to_string()))? {
            rebuilt.append(entry.leaf_hash())?;
        }
        rebuilt.files += 1;
    }
    rebuilt.finish(head.checkpoint())?;
    Ok(LogChecked {
        origin: head.checkpoint().origin().to_string(),
        size,
        root: head.checkpoint().root().to_string(),
        files: rebuilt.files,
        cosigned: cosigned(&head, cosigners)?,
    })
}

fn cosigned(
    head: &SignedCheckpoint,
    cosigners: &[CosignerVerifier],
) -> Result<Vec<(String, u64)>, NodeError> {
    cosigners
        .iter()
        .map(|cosigner| {
            let at = head.cosigned_by(cosigner);
            let at = at.map_err(|error| wrong(CHECKPOINT_PATH, &error.to_string()))?;
            Ok((cosigner.name().to_string(), at))
        })
        .collect()
}

/// The tree as its entries make it; of each level only the edge and the tile that is being filled are held.
struct Rebuilt<'a> {
    folder: &'a Path,
    nodes: HashMap<(u8, u64), Hash>,
    /// The hashes of the unfinished tile of each level of tiles, with its number.
    tiles: HashMap<u8, (u64, Vec<Hash>)>,
    size: u64,
    files: u64,
}

impl Rebuilt<'_> {
    fn append(&mut self, leaf: Hash) -> Result<(), NodeError> {
        let added = tree::append(self.size, leaf, &self.nodes).map_err(flow::FlowError::from)?;
        for node in added {
            if node.level > 0 {
                self.nodes.remove(&(node.level - 1, node.index * 2));
                self.nodes.remove(&(node.level - 1, node.index * 2 + 1));
            }
            self.nodes.insert((node.level, node.index), node.hash);
            if node.level.is_multiple_of(TILE_HEIGHT) {
                self.fill(node.level / TILE_HEIGHT, node.hash)?;
            }
        }
        self.size += 1;
        Ok(())
    }

    fn fill(&mut self, level: u8, hash: Hash) -> Result<(), NodeError> {
        let (index, hashes) = self.tiles.entry(level).or_default();
        hashes.push(hash);
        if hashes.len() < usize::from(TILE_WIDTH) {
            return Ok(());
        }
        let (at, full) = (*index, std::mem::take(hashes));
        *index += 1;
        self.compare(level, at, &full)
    }

    fn compare(&mut self, level: u8, index: u64, hashes: &[Hash]) -> Result<(), NodeError> {
        let width = u16::try_from(hashes.len()).unwrap_or(TILE_WIDTH);
        let Some(tile) = Tile::new(TileKind::Hashes { level }, index, width) else { return Ok(()) };
        let name = tile.to_string();
        let bytes = read_file(&self.folder.join(&name))?.ok_or_else(|| wrong(&name, "it is not there"))?;
        let found = tile::read_hashes(&bytes, width).map_err(|error| wrong(&name, &error.to_string()))?;
        if found != hashes {
            return Err(wrong(&name, "its hashes do not follow from the entries"));
        }
        self.files += 1;
        Ok(())
    }

    /// Compares the partial tiles and the root.
    fn finish(&mut self, head: &Checkpoint) -> Result<(), NodeError> {
        for (level, (index, hashes)) in std::mem::take(&mut self.tiles) {
            if !hashes.is_empty() {
                self.compare(level, index, &hashes)?;
            }
        }
        let root = tree::root(self.size, &self.nodes).map_err(flow::FlowError::from)?;
        if root == *head.root() {
            Ok(())
        } else {
            Err(wrong(CHECKPOINT_PATH, "its root does not follow from the entries"))
        }
    }
}

fn wrong(name: &str, reason: &str) -> NodeError {
    NodeError::LogFile { name: name.to_owned(), reason: reason.to_owned() }
}

/// Writes beside and renames: who reads meanwhile sees the old bytes or the new ones.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|source| disk(parent, source))?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = (|| {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(parent)?.sync_all()
    })();
    written.map_err(|source| disk(path, source))
}

fn read_text(path: &Path) -> Result<Option<String>, NodeError> {
    let bytes = read_file(path)?;
    bytes
        .map(|bytes| String::from_utf8(bytes).map_err(|_| wrong(CHECKPOINT_PATH, "it is not text")))
        .transpose()
}

fn read_file(path: &Path) -> Result<Option<Vec<u8>>, NodeError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(disk(path, source)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(|source| disk(path, source))?;
    Ok(Some(bytes))
}
