//! Tests that documents cite by name: each must be in the code, and those named after other people's bugs in their table.

use crate::repository::TextFile;
use std::collections::BTreeSet;

/// Documents that cite tests by name.
pub const DOCUMENTS: [&str; 2] = [THREATS, PEER_BUGS];
const THREATS: &str = "docs/threat-model.md";
/// The table of other people's bugs.
const PEER_BUGS: &str = "docs/peer-bugs.md";
/// Where the tests are that must all stand in that table.
const PEER_BUG_TESTS: &str = "tests/hostile/peer_bugs/";
/// A cited name has at least this many words, so that types and commands are not taken for one.
const WORDS_MIN: usize = 4;

/// Tests that the document cites and nobody wrote, and tests that it should cite and leaves out.
pub fn complaints(document: &str, text: &str, files: &[TextFile]) -> Vec<String> {
    let cited: BTreeSet<&str> =
        text.split('`').skip(1).step_by(2).filter(|word| looks_like_a_test(word)).collect();
    let written: BTreeSet<&str> = files.iter().flat_map(|file| tests(&file.text)).collect();
    let owed = files.iter().filter(|file| document == PEER_BUGS && file.path.contains(PEER_BUG_TESTS));
    let owed: BTreeSet<&str> = owed.flat_map(|file| tests(&file.text)).collect();
    let missing = cited.difference(&written).map(|name| format!("{document}: no test is called `{name}`"));
    let silent = owed.difference(&cited).map(|name| format!("{document}: does not speak of `{name}`"));
    let empty = cited.is_empty().then(|| format!("{document}: cites no test"));
    missing.chain(silent).chain(empty).collect()
}

fn looks_like_a_test(word: &str) -> bool {
    word.split('_').count() >= WORDS_MIN
        && word.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// Names of the functions under a `#[test]` of any kind.
fn tests(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
            names.extend(rest.split('(').next());
            is_test = false;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_missing_on_either_side_is_named() {
        let file = |path: &str, text: &str| TextFile { path: path.to_owned(), text: text.to_owned() };
        let files = [
            file(
                "crates/node/tests/hostile/peer_bugs/x.rs",
                "#[tokio::test]\nasync fn x_1_nothing_is_lost_here() {}\n",
            ),
            file(
                "crates/node/tests/other.rs",
                "#[test]\nfn another_one_of_the_house() {}\nfn help_of_that_test() {}\n",
            ),
        ];
        let table = "| `x_1_nothing_is_lost_here`, `another_one_of_the_house` | `a word`, `node_init` |";
        assert_eq!(complaints(PEER_BUGS, table, &files), Vec::<String>::new());
        let wrong = "`another_one_of_the_house` `help_of_that_test_too`";
        assert_eq!(complaints(PEER_BUGS, wrong, &files).len(), 2);
        assert_eq!(complaints(THREATS, wrong, &files).len(), 1);
        assert_eq!(complaints(THREATS, "`Flow::audit`", &files).len(), 1);
    }
}
