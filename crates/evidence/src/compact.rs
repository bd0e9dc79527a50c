//! Many ascending paths in little memory: what a path shares with the one before is kept as a number.

use vocabulary::Digest;

/// LEB128, as in DWARF.
pub(crate) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

pub(crate) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0);
    loop {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f).checked_shl(shift)?;
        shift += 7;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
}

pub(crate) fn take_bytes(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let length = usize::try_from(take(bytes)?).ok()?;
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken.to_vec())
}

/// Paths and digests in the order in which they were found, about 50 bytes each.
#[derive(Default)]
pub(crate) struct PathTable {
    table: Vec<u8>,
    last: String,
    digests: Vec<Digest>,
}

impl PathTable {
    pub(crate) fn push(&mut self, path: &str, digest: Digest) {
        let same = self.last.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
        let shared = (0..=same).rev().find(|at| path.is_char_boundary(*at)).unwrap_or(0);
        let suffix = path.get(shared..).unwrap_or_default();
        put(&mut self.table, u64::try_from(shared).unwrap_or(0));
        put(&mut self.table, u64::try_from(suffix.len()).unwrap_or(0));
        self.table.extend_from_slice(suffix.as_bytes());
        path.clone_into(&mut self.last);
        self.digests.push(digest);
    }

    pub(crate) fn len(&self) -> usize {
        self.digests.len()
    }

    /// The path that was pushed last.
    pub(crate) fn last(&self) -> Option<&str> {
        (!self.digests.is_empty()).then_some(self.last.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (String, Digest)> + '_ {
        let (mut rest, mut path) = (self.table.as_slice(), Vec::new());
        self.digests.iter().map(move |digest| {
            let shared = take(&mut rest).and_then(|shared| usize::try_from(shared).ok()).unwrap_or(0);
            path.truncate(shared);
            path.extend_from_slice(&take_bytes(&mut rest).unwrap_or_default());
            (String::from_utf8_lossy(&path).into_owned(), *digest)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_any_letters_go_round() {
        let paths = ["a", "a/b", "a/bc", "é", "éa", "èa", "журнал/1", "журнал/2"];
        let mut table = PathTable::default();
        paths.iter().for_each(|path| table.push(path, Digest::of(path.as_bytes())));
        let back: Vec<_> = table.iter().collect();
        assert_eq!(table.last(), Some("журнал/2"));
        assert_eq!(back.len(), table.len());
        for ((path, digest), expected) in back.iter().zip(paths) {
            assert_eq!((path.as_str(), *digest), (expected, Digest::of(expected.as_bytes())));
        }
    }
}
