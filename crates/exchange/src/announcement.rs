//! What an announcement must be before anything of it is fetched: safe names, no name twice, sizes that add up.

use crate::{Announcement, MAX_FILE_NAME_BYTES, MAX_FILES_ANNOUNCED, StatementFault};
use std::collections::BTreeSet;

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
