//! Independent judgement: tools that are not ours accept our packages and refuse every tampered one.

#![cfg(test)]

mod tribunal;

use std::fs;
use tribunal::{Scene, Suite, Table, are_all_there, cases, controls, target};

/// Cases × judges, for both bulk suites; the table is printed and left in `target/tamper-table.md`.
#[test]
fn honest_packages_are_accepted_and_every_tampered_one_is_refused() {
    let scene = Scene::new();
    if !are_all_there(&scene) {
        return;
    }
    let mut table = Table::default();
    for suite in Suite::BOTH {
        scene.seal(suite);
        let parts = fs::read_dir(scene.path(suite.name()).join("data")).unwrap().count() - 1;
        table.judge(&scene, suite, &controls());
        table.judge(&scene, suite, &cases(suite, parts));
    }
    let text = table.markdown();
    println!("{text}");
    fs::write(target().join("tamper-table.md"), text).unwrap();
    let complaints = table.complaints();
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}
