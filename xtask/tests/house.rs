//! The guards of the house: each test lists everything that breaks one rule.

use std::collections::BTreeSet;
use xtask::{arrow, cited, code, dependency, header, licence, purity, repository, text};

#[track_caller]
fn none(rule: &str, complaints: Vec<String>) {
    let count = complaints.len();
    assert!(complaints.is_empty(), "{rule}\n  {}\n({count} found)", complaints.join("\n  "));
}

#[test]
fn crates_use_only_what_the_table_allows() {
    let metadata = repository::metadata(&repository::root(), false).unwrap();
    none("see MAY_USE and ONLY in xtask/src/arrow.rs", arrow::complaints(&metadata));
}

#[test]
fn every_crate_of_the_table_is_there() {
    let metadata = repository::metadata(&repository::root(), false).unwrap();
    let there: BTreeSet<_> = repository::packages(&metadata).map(|p| repository::field(p, "name")).collect();
    let table: BTreeSet<_> = arrow::MAY_USE.iter().map(|room| room.name).collect();
    assert_eq!(table, there);
}

#[test]
fn every_licence_and_source_is_allowed() {
    let root = repository::root();
    let allowed = licence::allowed(&repository::read(&root, "deny.toml").unwrap()).unwrap();
    let metadata = repository::metadata(&root, true).unwrap();
    none("see [licenses] in deny.toml", licence::complaints(&metadata, &allowed));
}

#[test]
fn one_provider_of_cryptography_and_no_library_of_the_machine() {
    none("see BANNED in xtask/src/licence.rs", licence::banned(&repository::root()).unwrap());
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let manifest = repository::read(&repository::root(), "Cargo.toml").unwrap();
    none("write `# what it is for` on the line", dependency::complaints(&manifest));
}

#[test]
fn every_file_says_what_it_is_and_none_is_a_drawer() {
    let files = repository::rust_files(&repository::root()).unwrap();
    none("start the file with one `//!` sentence and name it after its concept", header::complaints(&files));
}

#[test]
fn pure_crates_are_pure() {
    let files = repository::rust_files(&repository::root()).unwrap();
    none("hand files, clocks and randomness in as parameters", purity::complaints(&files));
}

#[test]
fn every_error_code_belongs_to_one_failure() {
    let uses = code::uses(&repository::root()).unwrap();
    assert!(uses.len() > 100, "only {} codes found", uses.len());
    none("`cargo xtask codes` lists all", code::complaints(&uses));
}

#[test]
fn texts_hold_no_machine_path_no_open_work_and_no_stray_space() {
    let files = repository::text_files(&repository::root()).unwrap();
    none("mend the lines", text::complaints(&files));
}

#[test]
fn every_test_that_a_document_cites_is_there() {
    let root = repository::root();
    let files = repository::rust_files(&root).unwrap();
    let mut complaints = Vec::new();
    for document in cited::DOCUMENTS {
        let text = repository::read(&root, document).unwrap();
        complaints.extend(cited::complaints(document, &text, &files));
    }
    none("the document or the test has another name now", complaints);
}
