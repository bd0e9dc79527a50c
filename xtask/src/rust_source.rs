//! Just enough reading of Rust text for the guards: what is for tests only, what is code, what is imported.

use crate::repository::TextFile;
use std::collections::BTreeSet;

/// The paths that are compiled for tests only: `tests/` folders and modules declared under `#[cfg(test)]`.
pub fn test_paths(files: &[TextFile]) -> BTreeSet<String> {
    let mut paths: BTreeSet<String> =
        files.iter().map(|file| file.path.clone()).filter(|path| path.contains("/tests/")).collect();
    for file in files {
        let mut lines = file.text.lines();
        while let Some(line) = lines.next() {
            if line.trim() != "#[cfg(test)]" {
                continue;
            }
            let Some(name) = lines.next().and_then(declared_module) else { continue };
            paths.insert(format!("{}{name}.rs", folder_of_children(&file.path)));
            paths.insert(format!("{}{name}/mod.rs", folder_of_children(&file.path)));
        }
    }
    paths
}

fn declared_module(line: &str) -> Option<&str> {
    let name = line.trim().strip_suffix(';')?.split_once("mod ")?.1;
    Some(name.trim())
}

/// The folder with a final slash in which the modules declared in the file at `path` are.
fn folder_of_children(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "lib.rs" | "main.rs" | "mod.rs" => format!("{folder}/"),
        _ => format!("{folder}/{}/", name.trim_end_matches(".rs")),
    }
}

/// The text with every item under `#[cfg(test)]` as blank lines; relies on `cargo fmt` for where an item ends.
pub fn without_tests(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let indent: String = line.chars().take_while(|c| *c == ' ').collect();
            kept.push('\n');
            for inside in lines.by_ref() {
                kept.push('\n');
                let rest = inside.strip_prefix(&indent).unwrap_or(inside);
                if rest == "}" || (rest.ends_with(';') && !rest.starts_with(' ')) {
                    break;
                }
            }
        } else {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The text with comments and the insides of string literals as spaces; lines stay where they are.
pub fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = match (at(i), at(i + 1)) {
            ('/', '/') => end_of(&chars, i, |_, c| c == '\n'),
            ('/', '*') => end_of(&chars, i + 2, |j, _| at(j - 2) == '*' && at(j - 1) == '/'),
            ('r', '"' | '#') if !is_word(at(i.wrapping_sub(1))) => end_of_raw(&chars, i),
            ('"', _) => end_of_string(&chars, i),
            ('\'', '\\') => end_of(&chars, i + 3, |j, _| at(j - 1) == '\''),
            ('\'', _) if at(i + 2) == '\'' => i + 3,
            _ => i + 1,
        };
        if end == i + 1 {
            out.push(at(i));
        } else {
            let blank = |c: &char| if *c == '\n' { '\n' } else { ' ' };
            out.extend(chars.get(i..end.min(chars.len())).unwrap_or_default().iter().map(blank));
        }
        i = end;
    }
    out
}

fn end_of(chars: &[char], from: usize, stop: impl Fn(usize, char) -> bool) -> usize {
    (from..chars.len()).find(|&j| chars.get(j).is_some_and(|c| stop(j, *c))).unwrap_or(chars.len())
}

fn end_of_string(chars: &[char], start: usize) -> usize {
    let mut escaped = false;
    for (j, c) in chars.iter().enumerate().skip(start + 1) {
        match (escaped, c) {
            (false, '"') => return j + 1,
            (false, '\\') => escaped = true,
            _ => escaped = false,
        }
    }
    chars.len()
}

fn end_of_raw(chars: &[char], start: usize) -> usize {
    let hashes = chars.iter().skip(start + 1).take_while(|c| **c == '#').count();
    if chars.get(start + 1 + hashes) != Some(&'"') {
        return start + 1;
    }
    let mut close = vec!['"'];
    close.extend(std::iter::repeat_n('#', hashes));
    let body = start + 2 + hashes;
    (body..chars.len())
        .find(|&j| chars.get(j..j + close.len()).is_some_and(|window| window == close.as_slice()))
        .map_or(chars.len(), |j| j + close.len())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every path that the `use` items of `code` name, with groups written out and the line each item starts on.
pub fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut offset = 0;
    for (number, line) in code.lines().enumerate() {
        let start = line.trim_start();
        let item = start.strip_prefix("pub ").unwrap_or(start);
        let item = item.strip_prefix("pub(crate) ").unwrap_or(item);
        if let Some(rest) = item.strip_prefix("use ") {
            let from = offset + line.len() - rest.len();
            let tree = code.get(from..).and_then(|text| text.split(';').next()).unwrap_or_default();
            let tree: String = tree.chars().filter(|c| !c.is_whitespace()).collect();
            let mut paths = Vec::new();
            write_out("", &tree, &mut paths);
            found.extend(paths.into_iter().map(|path| (number + 1, path)));
        }
        offset += line.len() + 1;
    }
    found
}

fn write_out(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let group =
        tree.find('{').and_then(|open| Some((tree.get(..open)?, tree.get(open + 1..tree.len() - 1)?)));
    let Some((before, inside)) = group else {
        paths.push(format!("{prefix}{tree}"));
        return;
    };
    let prefix = format!("{prefix}{before}");
    let (mut depth, mut from) = (0_u32, 0);
    for (i, c) in inside.char_indices().chain([(inside.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                let part = inside.get(from..i).unwrap_or_default();
                if !part.is_empty() {
                    write_out(&prefix, part, paths);
                }
                from = i + 1;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_for_tests_are_blank_and_the_rest_keeps_its_lines() {
        let text = "one\n#[cfg(test)]\nmod judge;\ntwo\n#[cfg(test)]\nmod tests {\n    x;\n}\nthree\n";
        assert_eq!(without_tests(text), "one\n\n\ntwo\n\n\n\n\nthree\n");
    }

    #[test]
    fn comments_and_strings_are_blank() {
        let text = "a // std::fs\nb \"std::net \\\" x\" c /* std\n::env */ d r#\"e \" f\"# g '\"' h 'a\n";
        let code = code_only(text);
        assert!(!code.contains("std"));
        assert_eq!(code.split_whitespace().collect::<String>(), "abcdgh'a");
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn groups_are_written_out() {
        let code = "use a::b;\npub use std::{\n    fs, net::{IpAddr, TcpStream},\n};\n";
        let paths: Vec<_> = imports(code).into_iter().map(|(_, path)| path).collect();
        assert_eq!(paths, ["a::b", "std::fs", "std::net::IpAddr", "std::net::TcpStream"]);
    }

    #[test]
    fn a_module_declared_for_tests_is_a_test_file() {
        let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
        let files = [
            file("crates/x/src/lib.rs", "#[cfg(test)]\nmod judge;\n"),
            file("crates/x/src/a.rs", "#[cfg(test)]\nmod tests;\n"),
        ];
        let paths = test_paths(&files);
        assert!(paths.contains("crates/x/src/judge.rs") && paths.contains("crates/x/src/a/tests.rs"));
    }
}
