//! Tests that documents cite by name: each must be in the code.

use std::collections::BTreeSet;

/// A cited name has at least this many words, so that types and commands are not taken for one.
const WORDS_MIN: usize = 4;

/// The names in backticks that look like a test's, in order of appearance.
pub fn names(document: &str) -> Vec<&str> {
    let quoted = document.split('`').skip(1).step_by(2);
    quoted.filter(|name| looks_like_a_test(name)).collect()
}

fn looks_like_a_test(name: &str) -> bool {
    name.split('_').count() >= WORDS_MIN
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Every function that a source defines.
pub fn defined(source: &str) -> BTreeSet<&str> {
    let after = source.split("fn ").skip(1);
    after
        .map(|rest| rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or(""))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cited_test_is_told_from_other_words() {
        let text = "see `a_test_with_a_name`, `Flow::audit`, `serve_with`, `a b_c_d_e`";
        assert_eq!(names(text), ["a_test_with_a_name"]);
        assert!(defined("async fn a_test_with_a_name() {}").contains("a_test_with_a_name"));
    }
}
