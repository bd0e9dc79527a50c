//! The table of other people's bugs and the tests named after them say the same.

use crate::repository::TextFile;
use std::collections::BTreeSet;

/// The table.
pub const TABLE: &str = "docs/peer-bugs.md";
/// Where the tests are that must all stand in it.
const TESTS: &str = "tests/hostile/peer_bugs/";

/// Tests that the table names and nobody wrote, and tests that it leaves out.
pub fn complaints(table: &str, files: &[TextFile]) -> Vec<String> {
    let named: BTreeSet<&str> =
        table.split('`').skip(1).step_by(2).filter(|word| is_test_name(word)).collect();
    let written: BTreeSet<&str> = files.iter().flat_map(|file| tests(&file.text)).collect();
    let own = files.iter().filter(|file| file.path.contains(TESTS));
    let own: BTreeSet<&str> = own.flat_map(|file| tests(&file.text)).collect();
    let missing = named.difference(&written).map(|name| format!("{TABLE}: no test is called `{name}`"));
    let silent = own.difference(&named).map(|name| format!("{TABLE}: does not speak of `{name}`"));
    missing.chain(silent).collect()
}

/// A sentence, not a word of the text.
fn is_test_name(word: &str) -> bool {
    word.matches('_').count() > 3
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
        assert_eq!(complaints(table, &files), Vec::<String>::new());
        let wrong = "`another_one_of_the_house` `help_of_that_test_too`";
        assert_eq!(complaints(wrong, &files).len(), 2);
    }
}
