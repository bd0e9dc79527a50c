//! The pure crates read no file, no socket, no clock, no chance and no environment, and wait for nothing.

use crate::{
    repository::TextFile,
    rust_source::{code_only, imports, test_paths, without_tests},
};

/// Crates that compute from what they are given and nothing else.
pub const PURE: [&str; 9] =
    ["vocabulary", "treaty", "mandate", "custody", "ledger", "casefile", "register", "seal", "exchange"];

/// Names that must not stand in the code of a pure crate.
const WORDS: [&str; 7] = ["async fn", "async move", "::now(", "now_v7", "new_v4", "thread_rng", "getrandom"];
/// Paths that must not be imported or written out.
const PATHS: [&str; 7] =
    ["std::fs", "std::net", "std::env", "std::process", "std::thread", "std::os", "tokio"];
/// An address is a word like any other; only sockets are I/O.
const ADDRESSES: [&str; 4] =
    ["std::net::IpAddr", "std::net::Ipv4Addr", "std::net::Ipv6Addr", "std::net::AddrParseError"];

pub fn complaints(files: &[TextFile]) -> Vec<String> {
    let for_tests = test_paths(files);
    let pure = |path: &str| PURE.iter().any(|name| path.starts_with(&format!("crates/{name}/src/")));
    let mut found = Vec::new();
    for file in files.iter().filter(|file| pure(&file.path) && !for_tests.contains(&file.path)) {
        let code = code_only(&without_tests(&file.text));
        for (line, what) in impure(&code) {
            found.push(format!("{}:{line}: `{what}` in a pure crate", file.path));
        }
    }
    found
}

fn impure(code: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> =
        imports(code).into_iter().filter(|(_, path)| forbidden_path(path)).collect();
    for (number, line) in code.lines().enumerate() {
        let words = WORDS.iter().filter(|word| line.contains(*word));
        found.extend(words.map(|word| (number + 1, (*word).to_owned())));
        if line.trim_start().starts_with("use ") || line.trim_start().starts_with("pub use ") {
            continue;
        }
        for start in PATHS.iter().flat_map(|path| line.match_indices(path)).map(|(start, _)| start) {
            let rest = line.get(start..).unwrap_or_default();
            let end =
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
            let path = rest.get(..end).unwrap_or_default();
            let whole_word =
                !line.get(..start).unwrap_or_default().ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if whole_word && forbidden_path(path) {
                found.push((number + 1, path.to_owned()));
            }
        }
    }
    found
}

fn forbidden_path(path: &str) -> bool {
    let path = path.trim_start_matches("::");
    let inside =
        |outer: &str| path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    PATHS.iter().any(|outer| inside(outer)) && !ADDRESSES.iter().any(|address| inside(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> usize {
        let file = TextFile { path: "crates/treaty/src/a.rs".to_owned(), text: text.to_owned() };
        complaints(&[file]).len()
    }

    #[test]
    fn files_sockets_clocks_and_waiting_are_named() {
        assert_eq!(of("use std::{fmt, fs};\n"), 1);
        assert_eq!(of("use std::net::{IpAddr, TcpStream};\n"), 1);
        assert_eq!(of("let a = std::fs::read(path);\n"), 1);
        assert_eq!(of("let a = SystemTime::now();\n"), 1);
        assert_eq!(of("let a = jiff::Timestamp::now();\n"), 1);
        assert_eq!(of("pub async fn a() {}\n"), 1);
        assert_eq!(of("let a = std::env::var(\"A\");\n"), 1);
    }

    #[test]
    fn addresses_comments_strings_and_tests_are_left_alone() {
        assert_eq!(of("use std::net::{IpAddr, Ipv6Addr};\nlet a = std::net::IpAddr::from(b);\n"), 0);
        assert_eq!(of("// std::fs\nlet a = \"std::fs\";\n"), 0);
        assert_eq!(of("#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n"), 0);
        assert_eq!(of("let a = fs_like::std::fs_word;\n"), 0);
        let other = TextFile { path: "crates/store/src/a.rs".to_owned(), text: "use std::fs;\n".to_owned() };
        assert!(complaints(&[other]).is_empty());
    }
}
