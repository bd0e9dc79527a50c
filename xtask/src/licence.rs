//! Licences and bans: what `deny.toml` allows, checked here too so that no other program is needed.

use crate::repository::{self, field, packages};
use anyhow::{Result, bail};
use serde_json::Value;
use std::{collections::BTreeSet, path::Path};

/// Never compiled into the program: one provider of cryptography, and no library of the machine.
const BANNED: [&str; 5] = ["ring", "openssl", "openssl-sys", "openssl-src", "native-tls"];
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The licences in the `allow` list of `deny.toml`.
pub fn allowed(deny: &str) -> Result<BTreeSet<String>> {
    let mut lines = deny.lines().skip_while(|line| line.trim() != "[licenses]");
    if !lines.any(|line| line.trim() == "allow = [") {
        bail!("`deny.toml` has no `allow = [` under `[licenses]`");
    }
    let list = lines.map_while(|line| (line.trim() != "]").then(|| line.split('"').nth(1)));
    Ok(list.flatten().map(str::to_owned).collect())
}

/// Packages in `cargo metadata` of a licence that is not allowed, or from elsewhere than the registry.
pub fn complaints(metadata: &Value, allowed: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages(metadata) {
        let (name, version) = (field(package, "name"), field(package, "version"));
        let licence = field(package, "license");
        if !permits(licence, allowed) {
            found.push(format!("`{name}` {version} has the licence `{licence}`, which is not allowed"));
        }
        let source = package.get("source").and_then(Value::as_str);
        if source.is_some_and(|source| source != REGISTRY) {
            found.push(format!("`{name}` {version} does not come from the registry"));
        }
    }
    found
}

/// Banned packages that are compiled for any target.
pub fn banned(root: &Path) -> Result<Vec<String>> {
    let words = "tree --workspace --locked --edges normal,build --target all --prefix none --format {p}";
    let tree = repository::cargo(root, &words.split(' ').collect::<Vec<_>>())?;
    let used: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let found = BANNED.into_iter().filter(|name| used.contains(name));
    Ok(found.map(|name| format!("`{name}` is compiled in: see `cargo tree --workspace -i {name}`")).collect())
}

/// True when the SPDX expression can be met with allowed licences alone. `A/B` is an old way to write `A OR B`.
pub fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let met = either(&mut words, allowed, 0);
    met == Some(true) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// Brackets deeper than this are no licence.
const DEPTH_MAX: u32 = 16;

fn either(words: &mut Words<'_>, allowed: &BTreeSet<String>, depth: u32) -> Option<bool> {
    let mut met = both(words, allowed, depth)?;
    while words.next_if_eq(&"OR").is_some() {
        met |= both(words, allowed, depth)?;
    }
    Some(met)
}

fn both(words: &mut Words<'_>, allowed: &BTreeSet<String>, depth: u32) -> Option<bool> {
    let mut met = one(words, allowed, depth)?;
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed, depth)?;
    }
    Some(met)
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>, depth: u32) -> Option<bool> {
    match words.next()? {
        "(" if depth < DEPTH_MAX => {
            let met = either(words, allowed, depth + 1)?;
            words.next_if_eq(&")").map(|_| met)
        }
        "(" | ")" | "OR" | "AND" | "WITH" => None,
        licence if words.next_if_eq(&"WITH").is_some() => {
            let exception = words.next()?;
            Some(allowed.contains(&format!("{licence} WITH {exception}")))
        }
        licence => Some(allowed.contains(licence)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_needs_one_and_a_sum_needs_all() {
        let allowed: BTreeSet<String> = ["MIT", "ISC", "X WITH Y"].map(str::to_owned).into();
        let yes =
            ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "MIT AND ISC", "ISC AND (GPL-3.0 OR MIT)", "X WITH Y"];
        for expression in yes {
            assert!(permits(expression, &allowed), "{expression}");
        }
        let no = [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "X",
            "MIT ISC",
            "(MIT",
            "MIT OR",
            "GPL-3.0 OR MIT AND GPL-3.0",
        ];
        for expression in no {
            assert!(!permits(expression, &allowed), "{expression}");
        }
    }

    #[test]
    fn the_list_is_read_without_its_comments() {
        let deny = "[licenses]\nallow = [\n    \"MIT\", # \"GPL-3.0\"\n    # why\n    \"ISC\",\n]\n";
        assert_eq!(allowed(deny).unwrap().into_iter().collect::<Vec<_>>(), ["ISC", "MIT"]);
        assert!(allowed("[bans]\n").is_err());
    }
}
