//! What an announcement must be before anything of it is fetched: safe names, no name twice, sizes that add up.

use crate::{
    Announcement, MAX_FILE_NAME_BYTES, MAX_FILES_ANNOUNCED, MAX_PARTS_ANNOUNCED, MAX_PARTS_LISTED,
    PackageFile, PartsSummary, StatementFault,
};
use std::collections::BTreeSet;

/// What names the parts where an announcement does not.
pub const MANIFEST_NAME: &str = "manifest-sha256.txt";
/// What the evidence office signs; its digest names the package.
pub const TAG_MANIFEST_NAME: &str = "tagmanifest-sha256.txt";
/// The folder of the parts.
const PARTS_FOLDER: &str = "data/";
/// How the names of encrypted parts begin, whatever the suite.
const PARTS_BEGIN: &str = "data/payload.";

impl Announcement {
    /// Names become paths under the receiver's folder and sizes become its free space: none is taken on trust.
    pub(crate) fn check(&self) -> Result<(), StatementFault> {
        if self.files.len() > MAX_FILES_ANNOUNCED {
            return Err(StatementFault::TooManyFiles { found: self.files.len() });
        }
        let mut names = BTreeSet::new();
        let mut sum = 0_u64;
        for file in &self.files {
            if !is_path_in_bag(&file.name) {
                return Err(StatementFault::Announcement {
                    what: "the name of a file is not a path in a bag",
                });
            }
            if !names.insert(file.name.as_str()) {
                return Err(StatementFault::Announcement { what: "a file is listed twice" });
            }
            sum = sum
                .checked_add(file.size)
                .ok_or(StatementFault::Announcement { what: "the sizes are larger than any disk" })?;
        }
        if let Some(parts) = &self.parts {
            if !names.contains(MANIFEST_NAME) {
                return Err(StatementFault::Announcement { what: "the manifest of the parts is not listed" });
            }
            sum =
                parts.sum().and_then(|parts| sum.checked_add(parts)).ok_or(StatementFault::Announcement {
                    what: "the number or the size of the parts cannot be",
                })?;
        }
        // Whether a link fits its chain is judged when the package is opened: a gap is named, not refused.
        if self.sent.len() > self.exhibits.len() {
            return Err(StatementFault::Announcement { what: "more links than exhibits" });
        }
        if sum == self.bytes {
            Ok(())
        } else {
            Err(StatementFault::Announcement {
                what: "the sizes of the files do not add up to the stated sum",
            })
        }
    }

    /// The files to list, and the count of the parts when those are too many to be listed.
    pub fn listing(files: Vec<PackageFile>) -> (Vec<PackageFile>, Option<PartsSummary>) {
        let is_part = |file: &&PackageFile| file.name.starts_with(PARTS_BEGIN);
        let parts: Vec<&PackageFile> = files.iter().filter(is_part).collect();
        let (Some(first), Some((last, whole))) = (parts.first(), parts.split_last()) else {
            return (files, None);
        };
        if parts.len() <= MAX_PARTS_LISTED || whole.iter().any(|part| part.size != first.size) {
            return (files, None);
        }
        let (count, part_bytes, last_bytes) = (parts.len() as u64, first.size, last.size);
        let small = files.iter().filter(|file| !is_part(file)).cloned().collect();
        (small, Some(PartsSummary { count, part_bytes, last_bytes }))
    }

    /// What is not listed here, from the lines of the manifest in their order; `None` when they do not fit.
    pub fn parts_of<'a>(
        &self,
        manifest: impl IntoIterator<Item = (&'a str, vocabulary::Digest)>,
    ) -> Option<Vec<PackageFile>> {
        let summary = self.parts?;
        let listed: BTreeSet<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        let mut parts: Vec<PackageFile> = Vec::new();
        for (name, digest) in manifest {
            if listed.contains(name) {
                continue;
            }
            let index = parts.len() as u64;
            if index >= summary.count || !is_path_in_bag(name) || !name.starts_with(PARTS_FOLDER) {
                return None;
            }
            parts.push(PackageFile { name: name.to_owned(), size: summary.size(index), digest });
        }
        (parts.len() as u64 == summary.count).then_some(parts)
    }
}

impl PartsSummary {
    /// The sum of the sizes, if there can be such parts.
    fn sum(&self) -> Option<u64> {
        let stands = (1..=MAX_PARTS_ANNOUNCED).contains(&self.count)
            && (1..=self.part_bytes).contains(&self.last_bytes);
        let whole = self.count.checked_sub(1)?.checked_mul(self.part_bytes)?;
        whole.checked_add(self.last_bytes).filter(|_| stands)
    }
}

/// Relative, parts of letters, digits, `.`, `_` and `-` divided by `/`, none of them `.` or `..`.
fn is_path_in_bag(name: &str) -> bool {
    let part_fits = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    name.len() <= MAX_FILE_NAME_BYTES && name.split('/').all(part_fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vocabulary::Digest;

    fn in_parts(count: u64, part_bytes: u64, last_bytes: u64) -> Announcement {
        let file = |name: &str| PackageFile { name: name.to_owned(), size: 10, digest: Digest::of(b"x") };
        Announcement {
            package: "0193a8f0-0000-7000-8000-000000000003".parse().unwrap(),
            tag_manifest: Digest::of(b"tags"),
            files: vec![file("bagit.txt"), file(MANIFEST_NAME), file("data/package-key.p7m")],
            parts: Some(PartsSummary { count, part_bytes, last_bytes }),
            bytes: count
                .saturating_sub(1)
                .saturating_mul(part_bytes)
                .saturating_add(last_bytes)
                .saturating_add(30),
            exhibits: Vec::new(),
            sent: Vec::new(),
            available_until: None,
        }
    }

    #[test]
    fn a_part_that_cannot_be_has_a_size_and_no_overflow() {
        let parts = PartsSummary { count: 2, part_bytes: 10, last_bytes: 3 };
        assert_eq!([0, 1, 2, u64::MAX].map(|index| parts.size(index)), [10, 3, 10, 10]);
    }

    #[test]
    fn parts_that_are_not_listed_must_be_possible_and_add_up() {
        assert!(in_parts(3, 256, 1).check().is_ok());
        assert!(in_parts(MAX_PARTS_ANNOUNCED, 256 << 20, 256 << 20).check().is_ok());
        for (count, part, last) in [
            (0, 256, 1),
            (MAX_PARTS_ANNOUNCED + 1, 256, 1),
            (2, 256, 0),
            (2, 256, 257),
            (3, u64::MAX, 1),
            (u64::MAX, u64::MAX, u64::MAX),
        ] {
            assert!(in_parts(count, part, last).check().is_err(), "{count} {part} {last}");
        }
        let mut wrong = in_parts(3, 256, 1);
        wrong.bytes += 1;
        assert!(wrong.check().is_err());
        let mut without = in_parts(3, 256, 1);
        without.files.remove(1);
        without.bytes -= 10;
        assert!(without.check().is_err());
    }

    #[test]
    fn more_parts_than_a_statement_should_list_are_counted() {
        let part = |n: usize, size| PackageFile {
            name: format!("data/payload.age.{n:06}"),
            size,
            digest: Digest::of(b"x"),
        };
        let with = |count: usize| {
            let small = PackageFile { name: "bagit.txt".to_owned(), size: 10, digest: Digest::of(b"x") };
            let parts = (0..count).map(|n| part(n, if n + 1 == count { 7 } else { 256 }));
            Announcement::listing([small].into_iter().chain(parts).collect())
        };
        let (files, parts) = with(MAX_PARTS_LISTED);
        assert_eq!((files.len(), parts), (MAX_PARTS_LISTED + 1, None));
        let (files, parts) = with(MAX_PARTS_LISTED + 1);
        let count = MAX_PARTS_LISTED as u64 + 1;
        assert_eq!((files.len(), parts), (1, Some(PartsSummary { count, part_bytes: 256, last_bytes: 7 })));
        assert_eq!(Announcement::listing(Vec::new()), (Vec::new(), None));
    }

    #[test]
    fn the_manifest_says_which_parts_there_are_and_must_fit_the_announcement() {
        let one = Digest::of(b"one");
        let announced = in_parts(2, 256, 7);
        let lines = ["data/package-key.p7m", "data/payload.age.000000", "data/payload.age.000001"];
        let parts = announced.parts_of(lines.map(|name| (name, one))).unwrap();
        let found: Vec<(&str, u64)> = parts.iter().map(|part| (part.name.as_str(), part.size)).collect();
        assert_eq!(found, [("data/payload.age.000000", 256), ("data/payload.age.000001", 7)]);
        for wrong in [
            &lines[..2],
            &["data/a", "data/b", "data/c"],
            &["data/a", "data/../../x"],
            &["data/a", "node.toml"],
            &["data/a", "/etc/passwd"],
            &[],
        ] {
            assert!(announced.parts_of(wrong.iter().map(|name| (*name, one))).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_that_leaves_the_bag_is_no_path_in_it() {
        for good in ["bagit.txt", "data/payload.age.000000", "seal/signature.p7s", "seal/xb.log.tlog-proof"] {
            assert!(is_path_in_bag(good), "{good}");
        }
        let long = "a".repeat(MAX_FILE_NAME_BYTES + 1);
        for bad in [
            "",
            "/etc/passwd",
            "../keys/log.seed",
            "data/../../x",
            "data//x",
            "data/",
            ".",
            ".hidden",
            "a\\b",
            "c:x",
            "a b",
            "a\0b",
            "\u{202e}txt",
            &long,
        ] {
            assert!(!is_path_in_bag(bad), "{bad:?}");
        }
    }
}
