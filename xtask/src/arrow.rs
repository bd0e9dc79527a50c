//! Which crate may use which: the diagram of the house and its guard are this one table.

use crate::repository::{field, packages};
use serde_json::Value;
use std::collections::BTreeMap;

/// A crate, its ring and every workspace crate that its own code may use.
pub struct Room {
    pub name: &'static str,
    /// 0 words, 1 law, 2 formats, 3 hands, 4 machines; `BESIDE` stands outside the rings.
    pub ring: u8,
    pub may_use: &'static [&'static str],
}

/// Beside the rings: used by nobody.
pub const BESIDE: u8 = 9;

const fn room(name: &'static str, ring: u8, may_use: &'static [&'static str]) -> Room {
    Room { name, ring, may_use }
}

/// Complete: a crate or an arrow that is not here fails.
#[rustfmt::skip]
pub const MAY_USE: &[Room] = &[
    room("vocabulary", 0, &[]),

    room("treaty",     1, &["vocabulary"]),
    room("mandate",    1, &["vocabulary"]),
    room("custody",    1, &["vocabulary"]),
    room("ledger",     1, &["vocabulary"]),
    room("casefile",   1, &["vocabulary", "treaty", "mandate", "custody"]),

    room("seal",       2, &["vocabulary"]),
    // Ring 2, not 1: a peer is a verified descriptor (docs/decisions/0001-register-in-ring-2.md).
    room("register",   2, &["vocabulary", "treaty", "ledger", "seal"]),
    room("evidence",   2, &["vocabulary", "custody"]),
    room("exchange",   2, &["vocabulary", "treaty", "custody", "ledger", "casefile", "seal", "register"]),

    room("store",      3, &["vocabulary"]),
    room("keys",       3, &["vocabulary", "ledger", "seal"]),

    room("flow",       4, &["vocabulary", "treaty", "mandate", "custody", "ledger", "casefile", "seal", "register",
                            "evidence", "exchange", "store", "keys"]),
    room("node",       4, &["vocabulary", "treaty", "ledger", "seal", "register", "evidence", "exchange", "store",
                            "keys", "flow"]),
    room("rogatory",   4, &["vocabulary", "treaty", "mandate", "custody", "ledger", "casefile", "seal", "register",
                            "evidence", "exchange", "store", "keys", "flow", "node", "verifier"]),

    // For courts: a second implementation, which must share no code with the first.
    room("verifier",   2, &[]),

    room("xtask", BESIDE, &[]),
    room("bench", BESIDE, &["vocabulary", "treaty", "mandate", "ledger", "casefile", "register", "exchange", "store", "keys",
                            "flow", "node"]),
    room("simulator", BESIDE, &["vocabulary", "treaty", "mandate", "casefile", "ledger", "seal", "register",
                                "exchange", "store", "keys", "flow"]),
];

/// Crates of others that only some of ours may use in their own code.
#[rustfmt::skip]
pub const ONLY: &[(&str, &[&str])] = &[
    ("sqlx",          &["store"]),
    ("axum",          &["node", "bench"]),
    ("axum-server",   &["node", "bench"]),
    ("reqwest",       &["node", "bench"]),
    ("hyper-util",    &["node", "bench"]),
    ("tower",         &["node", "bench"]),
    ("tower-http",    &["node", "bench"]),
    ("lettre",        &["node"]),
    ("rustls",        &["node", "bench", "rogatory"]), // the program installs the provider
    ("aws-lc-rs",     &["keys", "seal", "evidence", "bench"]),
    ("cryptoki",      &["keys"]),
    ("rustls-webpki", &["seal"]),
    ("rcgen",         &["seal"]),
    ("cms",           &["seal"]),
    // The judge of courts brings its own cryptography.
    ("p256",          &["verifier"]),
    ("p384",          &["verifier"]),
    ("crypto-bigint", &["verifier"]),
    ("sha1",          &["verifier"]),
    ("clap",          &["rogatory", "xtask", "bench", "simulator"]),
    ("indicatif",     &["rogatory", "xtask", "bench"]),
    ("anyhow",        &["rogatory", "xtask", "bench", "simulator"]),
];

/// What is wrong with the arrows in `cargo metadata --no-deps`.
pub fn complaints(metadata: &Value) -> Vec<String> {
    let rooms: BTreeMap<&str, &Room> = MAY_USE.iter().map(|room| (room.name, room)).collect();
    let mut found = table_complaints(&rooms);
    for package in packages(metadata) {
        let name = field(package, "name");
        let Some(room) = rooms.get(name) else {
            found.push(format!("`{name}` is not in the table MAY_USE"));
            continue;
        };
        let dependencies = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        for dependency in dependencies {
            let used = field(dependency, "name");
            let ours = dependency.get("path").is_some_and(Value::is_string);
            // What only tests use must be a crate we know, and no more.
            let for_tests = field(dependency, "kind") == "dev";
            if ours && !rooms.contains_key(used) {
                found.push(format!("`{used}`, which `{name}` uses, is not in the table MAY_USE"));
            } else if !for_tests && ours && !room.may_use.contains(&used) {
                found.push(format!("`{name}` must not use `{used}`"));
            } else if !for_tests && !allowed(name, used) {
                found.push(format!("`{name}` must not use `{used}`: it is for {}", users(used).join(", ")));
            }
        }
    }
    found
}

fn users(used: &str) -> &'static [&'static str] {
    ONLY.iter().find(|(name, _)| *name == used).map_or(&[], |(_, users)| users)
}

fn allowed(name: &str, used: &str) -> bool {
    users(used).is_empty() || users(used).contains(&name)
}

/// Arrows point inwards or stay in their ring, and never come back.
fn table_complaints(rooms: &BTreeMap<&str, &Room>) -> Vec<String> {
    let mut found = Vec::new();
    for room in rooms.values() {
        for used in room.may_use {
            match rooms.get(used) {
                None => found.push(format!("the table lets `{}` use `{used}`, which is no crate", room.name)),
                Some(other) if other.ring > room.ring || other.ring == BESIDE => {
                    found.push(format!(
                        "the arrow from `{}` (ring {}) to `{used}` (ring {}) points outwards",
                        room.name, room.ring, other.ring
                    ));
                }
                Some(_) if reaches(rooms, used, room.name, rooms.len()) => {
                    found.push(format!("`{}` and `{used}` may use each other", room.name));
                }
                Some(_) => {}
            }
        }
    }
    found
}

/// `steps` bounds the walk: a path without repetition is no longer than the table.
fn reaches(rooms: &BTreeMap<&str, &Room>, from: &str, to: &str, steps: usize) -> bool {
    from == to
        || steps > 0
            && rooms
                .get(from)
                .is_some_and(|room| room.may_use.iter().any(|next| reaches(rooms, next, to, steps - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn house(name: &str, used: &Value) -> Vec<String> {
        complaints(&json!({ "packages": [{ "name": name, "dependencies": [used] }] }))
    }

    #[test]
    fn an_arrow_outwards_is_named() {
        let used = json!({ "name": "store", "path": "crates/store", "kind": null });
        assert_eq!(house("treaty", &used), ["`treaty` must not use `store`"]);
        assert!(house("flow", &used).is_empty());
    }

    #[test]
    fn what_only_tests_use_may_point_outwards_but_must_be_known() {
        let used = json!({ "name": "store", "path": "crates/store", "kind": "dev" });
        assert!(house("treaty", &used).is_empty());
        let unknown = json!({ "name": "helpers", "path": "crates/helpers", "kind": "dev" });
        assert_eq!(house("treaty", &unknown).len(), 1);
    }

    #[test]
    fn a_database_driver_outside_the_store_is_named() {
        let used = json!({ "name": "sqlx", "kind": null });
        assert_eq!(house("flow", &used), ["`flow` must not use `sqlx`: it is for store"]);
        assert!(house("store", &used).is_empty());
    }

    #[test]
    fn a_crate_that_is_not_in_the_table_is_named() {
        let nothing = json!({ "name": "serde", "kind": null });
        assert_eq!(house("drawer", &nothing), ["`drawer` is not in the table MAY_USE"]);
    }

    #[test]
    fn arrows_that_point_outwards_or_come_back_are_named() {
        let table = [room("a", 1, &["b"]), room("b", 1, &["a", "c"]), room("c", 2, &[])];
        let rooms = table.iter().map(|room| (room.name, room)).collect();
        assert_eq!(
            table_complaints(&rooms),
            [
                "`a` and `b` may use each other",
                "`b` and `a` may use each other",
                "the arrow from `b` (ring 1) to `c` (ring 2) points outwards",
            ]
        );
    }
}
