//! Every Rust file says in one sentence what it is, and no file has the name of a drawer.

use crate::repository::TextFile;

/// Names that say nothing of what is inside.
const DRAWERS: [&str; 10] =
    ["util", "utils", "common", "misc", "helper", "helpers", "manager", "service", "services", "impl"];

pub fn complaints(files: &[TextFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        if !starts_with_a_sentence(&file.text) {
            found.push(format!("{}: starts with no `//!` sentence that ends in a full stop", file.path));
        }
        for part in file.path.split('/').map(|part| part.trim_end_matches(".rs")) {
            if DRAWERS.contains(&part) {
                found.push(format!("{}: `{part}` names a drawer, not a concept", file.path));
            }
        }
        for line in file.text.lines() {
            let name = line.split_once("mod ").and_then(|(before, rest)| {
                let name = rest.split([' ', ';', '{']).next()?;
                matches!(before.trim(), "" | "pub" | "pub(crate)").then_some(name)
            });
            if name.is_some_and(|name| DRAWERS.contains(&name)) {
                found.push(format!("{}: `{}` names a drawer, not a concept", file.path, line.trim()));
            }
        }
    }
    found
}

/// The first sentence may go over several lines, but not past an empty one.
fn starts_with_a_sentence(text: &str) -> bool {
    let paragraph: Vec<&str> = text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let paragraph = paragraph.join(" ");
    paragraph.ends_with('.') || paragraph.contains(". ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> usize {
        complaints(&[TextFile { path: path.to_owned(), text: text.to_owned() }]).len()
    }

    #[test]
    fn a_file_without_its_sentence_is_named() {
        assert_eq!(of("a.rs", "//! One thing\n//! in two lines.\n"), 0);
        assert_eq!(of("a.rs", "//! One thing. And more\n"), 0);
        assert_eq!(of("a.rs", "//! One thing\n//!\n//! and more.\n"), 1);
        assert_eq!(of("a.rs", "use a;\n//! Late.\n"), 1);
        assert_eq!(of("a.rs", "// One thing.\n"), 1);
    }

    #[test]
    fn a_drawer_is_named() {
        assert_eq!(of("crates/x/src/util.rs", "//! One.\n"), 1);
        assert_eq!(of("crates/x/src/helpers/a.rs", "//! One.\n"), 1);
        assert_eq!(of("crates/x/src/a.rs", "//! One.\npub mod common;\n"), 1);
        assert_eq!(of("crates/x/src/utility.rs", "//! One.\nmod commonwealth;\n"), 0);
    }
}
