//! What no text of the repository may hold: paths of one machine, work without a number, spaces at the end of a line.

use crate::repository::TextFile;

/// Files that are data of others or of the example, kept as they came.
const AS_THEY_CAME: [&str; 3] = ["examples/case/", "spec/vectors/", "LICENSE"];
/// Ends of paths whose `#` starts a comment.
const HASH_COMMENTS: [&str; 5] = [".toml", ".sh", ".py", ".yml", ".ci/run"];

pub fn complaints(files: &[TextFile]) -> Vec<String> {
    // Put together here, so that this file does not find itself.
    let machine_paths = ["work", "root", "home"].map(|name| format!("/{name}/"));
    let open_work = ["TODO", "FIXME"];
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !AS_THEY_CAME.iter().any(|path| file.path.starts_with(path))) {
        for (number, line) in file.text.lines().enumerate() {
            let mut complain = |what: &str| found.push(format!("{}:{}: {what}", file.path, number + 1));
            if line.ends_with([' ', '\t']) {
                complain("space at the end of the line");
            }
            if machine_paths.iter().any(|path| names_path(line, path)) {
                complain("a path of one machine");
            }
            if open_work.iter().any(|word| comment(&file.path, line).is_some_and(|text| is_open(text, word)))
            {
                complain("open work without the number of an issue");
            }
        }
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            found.push(format!("{}: no line feed at the end", file.path));
        }
    }
    found
}

/// True where `path` starts a path, not in the middle of another one or of an address.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(start, _)| {
        let before = line.get(..start).unwrap_or_default();
        !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '}' | '/'))
    })
}

/// The part of a line that people read.
fn comment<'a>(path: &str, line: &'a str) -> Option<&'a str> {
    if path.ends_with(".md") {
        return Some(line);
    }
    let mark = if HASH_COMMENTS.iter().any(|end| path.ends_with(end)) { "#" } else { "//" };
    line.split_once(mark).map(|(_, text)| text)
}

/// The word stands alone, not in backticks, and no `#12` follows.
fn is_open(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let (before, after) = (text.get(..start).unwrap_or_default(), text.get(start + word.len()..));
        let after = after.unwrap_or_default();
        let alone = !before.ends_with(|c: char| c.is_alphanumeric() || c == '`')
            && !after.starts_with(|c: char| c.is_alphanumeric());
        let number = after.split_once('#').is_some_and(|(_, n)| n.starts_with(|c: char| c.is_ascii_digit()));
        alone && !number
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<String> {
        complaints(&[TextFile { path: path.to_owned(), text: text.to_owned() }])
    }

    #[test]
    fn a_path_of_one_machine_is_named() {
        let path = format!("/{}/me/x", "home");
        assert_eq!(of("a.md", &format!("see {path}\n")), ["a.md:1: a path of one machine"]);
        assert!(of("a.md", &format!("see https://example.org{path} and a{path}\n")).is_empty());
        assert!(of("examples/case/a.log", &format!("{path} \n")).is_empty());
    }

    #[test]
    fn open_work_needs_a_number() {
        let open = format!("{}DO", "TO");
        assert_eq!(of("a.rs", &format!("// {open}: later\n")).len(), 1);
        assert!(of("a.rs", &format!("// {open}(#12): later\n")).is_empty());
        assert!(of("a.rs", &format!("text.starts_with(\"{open}\")\n")).is_empty());
        assert_eq!(of("a.toml", &format!("# {open} later\n")).len(), 1);
        assert!(of("a.md", &format!("a `{open}` in backticks\n")).is_empty());
    }

    #[test]
    fn space_at_the_end_and_a_missing_line_feed_are_named() {
        assert_eq!(of("a.md", "one \ntwo").len(), 2);
        assert!(of("a.md", "one\ntwo\n").is_empty());
    }
}
