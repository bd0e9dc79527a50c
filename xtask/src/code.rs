//! The stable codes of failures: where each is used, and that no two failures share one.

use crate::{
    repository::{TextFile, rust_files},
    rust_source::{test_paths, without_tests},
};
use anyhow::Result;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// One place where a code is given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    pub code: String,
    /// The type whose `impl` the code stands in, or the file.
    pub owner: String,
    pub path: String,
    pub line: usize,
}

/// Every code in the crates, sorted, without those in tests.
pub fn uses(root: &Path) -> Result<Vec<Use>> {
    Ok(uses_in(&rust_files(root)?))
}

fn uses_in(files: &[TextFile]) -> Vec<Use> {
    let for_tests = test_paths(files);
    let mut found = Vec::new();
    // A simulation compares codes and gives none.
    let gives =
        |file: &&TextFile| file.path.starts_with("crates/") && !file.path.starts_with("crates/simulator/");
    for file in files.iter().filter(gives) {
        if for_tests.contains(&file.path) {
            continue;
        }
        let mut owner = None;
        for (number, line) in without_tests(&file.text).lines().enumerate() {
            if line.starts_with("impl") {
                owner = implementing(line);
            } else if line == "}" {
                owner = None;
            }
            if line.trim_start().starts_with("//") {
                continue;
            }
            for code in given(line) {
                found.push(Use {
                    code: code.to_owned(),
                    owner: owner.clone().unwrap_or_else(|| stem(&file.path).to_owned()),
                    path: file.path.clone(),
                    line: number + 1,
                });
            }
        }
    }
    found.sort();
    found
}

/// Codes that two failures give; one failure may give its code in two places.
pub fn complaints(uses: &[Use]) -> Vec<String> {
    let mut by_code: BTreeMap<&str, Vec<&Use>> = BTreeMap::new();
    for used in uses {
        by_code.entry(&used.code).or_default().push(used);
    }
    let mut found = Vec::new();
    for (code, places) in by_code {
        let owners: BTreeSet<_> = places.iter().map(|used| (&used.owner, &used.path)).collect();
        if owners.len() > 1 {
            let places: Vec<_> =
                places.iter().map(|used| format!("{} ({}:{})", used.owner, used.path, used.line)).collect();
            found.push(format!("`{code}` is used by {}", places.join(" and ")));
        }
    }
    found
}

/// The codes in a line, without those that it only compares with.
fn given(line: &str) -> Vec<&str> {
    let parts: Vec<&str> = line.split('"').collect();
    let mut codes = Vec::new();
    for (at, text) in parts.iter().enumerate().skip(1).step_by(2) {
        let before = parts.get(at - 1).map_or("", |part| part.trim_end());
        let rest = parts.get(at + 1..).unwrap_or_default();
        let compared = ["==", "!=", "|"].iter().any(|sign| before.ends_with(sign))
            || rest.first().is_some_and(|after| after.trim_start().starts_with('|'))
            || rest.iter().any(|after| after.contains("=>"));
        if is_code(text) && !compared {
            codes.push(*text);
        }
    }
    codes
}

fn is_code(text: &str) -> bool {
    match text.as_bytes() {
        [b'R' | b'P' | b'F', b'-', number @ ..] => number.len() == 3 && number.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// `X` of `impl X`, `impl<T> X<T>` and `impl Failure for X`.
fn implementing(line: &str) -> Option<String> {
    let rest = line.strip_prefix("impl")?;
    let rest = if rest.starts_with('<') { rest.split_once("> ")?.1 } else { rest };
    let of = rest.split_once(" for ").map_or(rest, |(_, of)| of).trim();
    let name: String = of.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

fn stem(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_code_belongs_to_the_failure_that_gives_it() {
        let text = "impl Failure for A {\n    _ => \"R-101\",\n}\nfn b() {\n    code: \"F-007\".to_owned(),\n}\n\
                    // \"R-102\"\n#[cfg(test)]\nmod tests {\n    \"R-103\"\n}\n";
        let uses = uses_in(&[file("crates/x/src/a.rs", text)]);
        let found: Vec<_> = uses.iter().map(|u| (u.code.as_str(), u.owner.as_str(), u.line)).collect();
        assert_eq!(found, [("F-007", "a", 5), ("R-101", "A", 2)]);
        assert!(complaints(&uses).is_empty());
    }

    #[test]
    fn a_code_of_two_failures_is_named_with_both() {
        let files = [
            file("crates/x/src/a.rs", "impl Failure for A {\n    \"R-101\"\n}\n"),
            file("crates/y/src/b.rs", "impl<T> Failure for B<T> {\n    \"R-101\"\n}\n"),
        ];
        let found = complaints(&uses_in(&files));
        assert_eq!(found, ["`R-101` is used by A (crates/x/src/a.rs:2) and B (crates/y/src/b.rs:2)"]);
    }

    #[test]
    fn a_code_that_is_only_compared_is_no_use() {
        let text =
            "fn a() {\n    (_, \"R-101\" | \"R-102\") => 1,\n    b == \"R-103\";\n    _ => \"R-104\",\n}\n";
        let uses = uses_in(&[file("crates/x/src/a.rs", text)]);
        assert_eq!(uses.iter().map(|used| used.code.as_str()).collect::<Vec<_>>(), ["R-104"]);
    }
}
