//! The log as static files (C2SP tlog-tiles): which tiles a size has, their paths, and what is in them.

use crate::{
    Commitment, Hash, NodeReader, TreeError,
    tree::{Coordinate, MAX_SIZE},
};
use std::{fmt, str::FromStr};
use vocabulary::{Failure, Family};

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;
/// Levels of the tree that one tile spans.
pub const TILE_HEIGHT: u8 = 8;
/// The path of the signed head beside the tiles.
pub const CHECKPOINT_PATH: &str = "checkpoint";
/// The longest path that is read: `tile/entries/`, seven groups of digits and a width.
pub const MAX_TILE_PATH_BYTES: usize = 64;
/// Above this level no tree that fits 2^63 - 1 leaves has a tile.
const MAX_LEVEL: u8 = 7;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TileKind {
    /// Hashes of complete subtrees of 256^level leaves.
    Hashes { level: u8 },
    /// The entries themselves: commitments.
    Entries,
}

/// One file of the log. A tile with its width never changes; made only with values that a tree can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    kind: TileKind,
    index: u64,
    /// 1 to 256.
    width: u16,
}

impl Tile {
    /// `None` when no tree has such a tile.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Option<Self> {
        let tile = Self { kind, index, width };
        let level_fits = tile.level() <= MAX_LEVEL && (1..=TILE_WIDTH).contains(&width);
        (level_fits && tile.leaves_needed().is_some()).then_some(tile)
    }

    pub fn kind(self) -> TileKind {
        self.kind
    }

    pub fn index(self) -> u64 {
        self.index
    }

    pub fn width(self) -> u16 {
        self.width
    }

    pub fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The same place with all its hashes or entries.
    pub fn full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    fn level(self) -> u8 {
        match self.kind {
            TileKind::Hashes { level } => level,
            TileKind::Entries => 0,
        }
    }

    /// The number of the first hash or entry in the tile, within its level.
    pub fn first(self) -> u64 {
        self.index * u64::from(TILE_WIDTH)
    }

    /// How many leaves a log must have to have this tile.
    fn leaves_needed(self) -> Option<u64> {
        let hashes = self.index.checked_mul(u64::from(TILE_WIDTH))?.checked_add(u64::from(self.width))?;
        let shift = u32::from(TILE_HEIGHT) * u32::from(self.level());
        hashes.checked_mul(1_u64.checked_shl(shift)?).filter(|leaves| *leaves <= MAX_SIZE)
    }

    /// True when a log of `size` leaves has this tile.
    pub fn is_in(self, size: u64) -> bool {
        self.leaves_needed().is_some_and(|needed| needed <= size)
    }

    /// The tree's nodes that a hash tile holds; none for entries.
    pub fn needed(self) -> Vec<Coordinate> {
        match self.kind {
            TileKind::Entries => Vec::new(),
            TileKind::Hashes { level } => {
                (0..u64::from(self.width)).map(|at| (level * TILE_HEIGHT, self.first() + at)).collect()
            }
        }
    }

    /// The bytes of a hash tile: its hashes one after another.
    pub fn hashes(self, reader: &impl NodeReader) -> Result<Vec<u8>, TreeError> {
        let mut bytes = Vec::with_capacity(usize::from(self.width) * 32);
        for (level, index) in self.needed() {
            let hash = reader.node(level, index).ok_or(TreeError::NodeMissing { level, index })?;
            bytes.extend_from_slice(hash.as_bytes());
        }
        Ok(bytes)
    }
}

/// The bytes of an entry bundle: each entry after its length as an unsigned 16-bit big-endian number.
pub fn bundle(entries: &[Commitment]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * 34);
    for entry in entries {
        bytes.extend_from_slice(&32_u16.to_be_bytes());
        bytes.extend_from_slice(entry.as_bytes());
    }
    bytes
}

/// The entries of a bundle of ours: 32 bytes each, and nothing after the last.
pub fn read_bundle(bytes: &[u8], width: u16) -> Result<Vec<Commitment>, TileError> {
    let wrong = TileError::Content { expected: usize::from(width) * 34, found: bytes.len() };
    let (entries, rest) = bytes.as_chunks::<34>();
    if entries.len() != usize::from(width) || !rest.is_empty() {
        return Err(wrong);
    }
    entries
        .iter()
        .map(|[high, low, entry @ ..]| match u16::from_be_bytes([*high, *low]) {
            32 => Ok(Commitment::from_bytes(*entry)),
            _ => Err(wrong.clone()),
        })
        .collect()
}

/// The hashes of a hash tile.
pub fn read_hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, TileError> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if hashes.len() != usize::from(width) || !rest.is_empty() {
        return Err(TileError::Content { expected: usize::from(width) * 32, found: bytes.len() });
    }
    Ok(hashes.iter().map(|hash| Hash::from_bytes(*hash)).collect())
}

/// The tiles that a log has at `size` leaves and did not have at `before`: hashes by level, then entries.
pub fn new_tiles(before: u64, size: u64) -> impl Iterator<Item = Tile> {
    let hashes = (0..=MAX_LEVEL).map(|level| TileKind::Hashes { level });
    hashes.chain([TileKind::Entries]).flat_map(move |kind| {
        let shift = match kind {
            TileKind::Hashes { level } => u32::from(level) * u32::from(TILE_HEIGHT),
            TileKind::Entries => 0,
        };
        let (old, new) = (before >> shift, size >> shift);
        let width = u64::from(TILE_WIDTH);
        let changed = if old < new { old / width..new.div_ceil(width) } else { 0..0 };
        changed.filter_map(move |index| {
            let here = (new - index * width).min(width);
            u16::try_from(here).ok().and_then(|here| Tile::new(kind, index, here))
        })
    })
}

/// The path below the prefix of the log, such as `tile/0/x001/x234/067.p/8`.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups.iter().skip(1).rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for Tile {
    type Err = TileError;
    /// Reads exactly what `Display` writes: one tile has one path.
    fn from_str(path: &str) -> Result<Self, TileError> {
        let tile = (path.len() <= MAX_TILE_PATH_BYTES).then(|| parse(path)).flatten();
        tile.filter(|tile| tile.to_string() == path).ok_or(TileError::Path)
    }
}

fn parse(path: &str) -> Option<Tile> {
    let (kind, place) = path.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => TileKind::Entries,
        level => TileKind::Hashes { level: level.parse().ok()? },
    };
    let (place, width) = match place.split_once(".p/") {
        Some((place, width)) => (place, width.parse().ok().filter(|width| *width < TILE_WIDTH)?),
        None => (place, TILE_WIDTH),
    };
    let mut index: u64 = 0;
    for group in place.split('/') {
        let digits: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
        index = index.checked_mul(1000)?.checked_add(digits)?;
    }
    Tile::new(kind, index, width)
}

/// Bytes or a path that are not those of a tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    #[error("the path is not that of a tile")]
    Path,
    #[error("the tile has {found} bytes or holds other entries than ours; expected {expected} bytes")]
    Content { expected: usize, found: usize },
}

impl Failure for TileError {
    fn family(&self) -> Family {
        Family::PeerFault
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Path => "P-903",
            Self::Content { .. } => "P-904",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("C2SP tlog-tiles, APIs".to_owned())
    }
    fn remedy(&self) -> String {
        "fetch the checkpoint again, and then the tiles that its size has".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use tlog_tiles::{tile, tlog};

    fn commitment(number: u64) -> Commitment {
        let mut bytes = [3; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Commitment::from_bytes(bytes)
    }

    fn log(size: u64) -> HashMap<Coordinate, Hash> {
        let mut nodes = HashMap::new();
        for leaf in 0..size {
            for node in tree::append(leaf, commitment(leaf).leaf_hash(), &nodes).unwrap() {
                nodes.insert((node.level, node.index), node.hash);
            }
        }
        nodes
    }

    fn paths(before: u64, size: u64) -> Vec<String> {
        new_tiles(before, size).map(|tile| tile.to_string()).collect()
    }

    #[test]
    fn the_example_of_the_specification_has_its_tiles() {
        let tiles: Vec<Tile> = new_tiles(0, 70_000).collect();
        let count = |level, full| {
            tiles
                .iter()
                .filter(|tile| tile.kind() == TileKind::Hashes { level } && tile.is_full() == full)
                .count()
        };
        let width = |level| {
            let partial = |tile: &&Tile| tile.kind() == TileKind::Hashes { level } && !tile.is_full();
            tiles.iter().find(partial).map(|tile| tile.width())
        };
        assert_eq!((count(0, true), width(0)), (273, Some(112)));
        assert_eq!((count(1, true), width(1)), (1, Some(17)));
        assert_eq!((count(2, true), width(2)), (0, Some(1)));
        assert_eq!(paths(0, 256), ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
        assert_eq!(paths(0, 1), ["tile/0/000.p/1", "tile/entries/000.p/1"]);
        assert!(paths(0, 0).is_empty() && paths(7, 7).is_empty());
        assert_eq!(paths(255, 257)[..2], ["tile/0/000", "tile/0/001.p/1"]);
    }

    #[test]
    fn one_tile_has_one_path_and_nothing_else_is_one() {
        let tile = Tile::new(TileKind::Hashes { level: 3 }, 1_234_067, 8).unwrap();
        assert_eq!(tile.to_string(), "tile/3/x001/x234/067.p/8");
        assert_eq!("tile/3/x001/x234/067.p/8".parse(), Ok(tile));
        assert_eq!("tile/entries/x001/x234/067".parse(), Ok(Tile { kind: TileKind::Entries, ..tile.full() }));
        for bad in [
            "",
            "checkpoint",
            "tile/",
            "tile/0/",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/00/000",
            "tile/8/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/+1",
            "tile/0/000.p/",
            "tile/0/000/",
            "tile/0/../../../etc/passwd",
            "tile/entries/%2e%2e",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
            "tile/7/x999/999",
            "tile/0/x001x/002",
            "tile/data/000",
            "/tile/0/000",
        ] {
            assert_eq!(bad.parse::<Tile>(), Err(TileError::Path), "{bad}");
        }
        assert!("x".repeat(100_000).parse::<Tile>().is_err());
    }

    #[test]
    fn entries_are_length_prefixed_and_read_back() {
        let entries = [commitment(1), commitment(2)];
        let bytes = bundle(&entries);
        assert_eq!(bytes.len(), 68);
        assert_eq!(&bytes[..2], [0, 32]);
        assert_eq!(read_bundle(&bytes, 2).unwrap(), entries);
        assert!(read_bundle(&bytes, 1).is_err() && read_bundle(&bytes[1..], 2).is_err());
        let mut other = bytes;
        other[1] = 31;
        assert_eq!(read_bundle(&other, 2).unwrap_err().code(), "P-904");
        assert!(read_hashes(&[0; 33], 1).is_err() && read_hashes(&[0; 64], 2).is_ok());
    }

    #[test]
    fn a_tile_is_there_from_the_size_on_that_fills_it() {
        let tile = Tile::new(TileKind::Hashes { level: 1 }, 0, 2).unwrap();
        assert!(!tile.is_in(511) && tile.is_in(512));
        assert!(Tile::new(TileKind::Entries, u64::MAX / 256, 256).is_none());
        assert!(Tile::new(TileKind::Entries, 0, 0).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn another_author_s_tiles_are_ours(size in 1_u64..1_500, before in 0_u64..1_500) {
            let before = before.min(size);
            let nodes = log(size);
            let mut stored = Vec::new();
            for leaf in 0..size {
                let hashes = tlog::stored_hashes(leaf, commitment(leaf).as_bytes(), &Stored(&stored)).unwrap();
                stored.extend(hashes);
            }
            let ours: Vec<Tile> = new_tiles(before, size)
                .filter(|tile| tile.kind() != TileKind::Entries)
                .collect();
            let theirs = tile::Tile::new_tiles(8, before, size);
            prop_assert_eq!(ours.len(), theirs.len());
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let named = ours.to_string().replacen("tile/", "tile/8/", 1);
                prop_assert_eq!(&named, &theirs.path());
                let content = theirs.read_data(&Stored(&stored)).unwrap();
                prop_assert_eq!(ours.hashes(&nodes).unwrap(), content);
                prop_assert_eq!(ours.to_string().parse::<Tile>().unwrap(), *ours);
            }
        }

        #[test]
        fn hostile_paths_never_panic(path in "[tile/entris0-9xp.]{0,70}") {
            if let Ok(tile) = path.parse::<Tile>() {
                prop_assert_eq!(tile.to_string(), path);
            }
        }
    }

    struct Stored<'a>(&'a [tlog::Hash]);

    impl tlog::HashReader for Stored<'_> {
        fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
            Ok(indexes.iter().map(|at| self.0[*at as usize]).collect())
        }
    }
}
