//! `rogatory-verify` as a court uses it: exit codes, text, JSON, PDF, folders and the page.

#![cfg(test)]

#[expect(dead_code, reason = "parts of the fixture are for the other tests")]
mod bundle;

use bundle::World;
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn run(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rogatory-verify")).current_dir(folder).args(words).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn a_court_gets_a_verdict_a_text_a_document_and_data() {
    let (world, scratch) = (World::new(), tempfile::tempdir().unwrap());
    let here = scratch.path();
    fs::write(here.join("b.zip"), world.zip()).unwrap();
    for (path, body) in &world.files {
        let to = here.join("tree").join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, body).unwrap();
    }
    fs::write(here.join("xa.pem"), world.a.root.certificate_pem()).unwrap();
    fs::write(here.join("tsa.pem"), world.authority.root().to_pem()).unwrap();
    fs::write(here.join("xb.vkey"), world.b.log_key.vkey()).unwrap();
    let print = register::Fingerprint::of(world.b.root.certificate().fingerprint()).to_string();
    let print = format!("XB={}", print.to_lowercase().replace('-', ""));
    let known = ["--root", "XA=xa.pem", "--fingerprint", &print, "--tsa", "tsa.pem", "--log", "XB=xb.vkey"];
    for bundle in ["b.zip", "tree"] {
        let done = run(here, &[&[bundle, "--json"], &known[..]].concat());
        assert_eq!(code(&done), 0, "{}", String::from_utf8_lossy(&done.stderr));
        let said: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!((&said["format"], &said["verdict"]), (&"rogatory/verification/1".into(), &"holds".into()));
        assert_eq!(said["checks"].as_array().unwrap().len(), 12);
    }
    let done = run(here, &["b.zip", "--pdf", "r.pdf"]);
    assert_eq!(code(&done), 0);
    assert!(String::from_utf8(done.stdout).unwrap().contains("WHO THE STATES ARE WAS NOT COMPARED"));
    assert!(fs::read(here.join("r.pdf")).unwrap().starts_with(b"%PDF-1.7\n"));
    assert_eq!(code(&run(here, &["b.zip", "--pdf", "r.pdf"])), 5, "a report is not written over another");
}

#[test]
fn what_does_not_hold_what_is_misused_and_what_cannot_be_read_have_their_exit_codes() {
    let (mut world, scratch) = (World::new(), tempfile::tempdir().unwrap());
    let here = scratch.path();
    world.put("extra", "x");
    fs::write(here.join("b.zip"), world.zip()).unwrap();
    let done = run(here, &["b.zip"]);
    assert_eq!(code(&done), 4);
    assert!(String::from_utf8(done.stdout).unwrap().contains("P-971"));
    fs::write(here.join("no.zip"), "no").unwrap();
    assert_eq!(code(&run(here, &["no.zip"])), 4);
    assert_eq!(code(&run(here, &["nowhere.zip"])), 5);
    let uses: [&[&str]; 5] = [
        &[],
        &["b.zip", "--nonsense"],
        &["b.zip", "--fingerprint", "XA=short"],
        &["b.zip", "--witness", "x+y+z"],
        &["b.zip", "--root", "b.zip"],
    ];
    for words in uses {
        assert_eq!(code(&run(here, words)), 2, "{words:?}");
    }
    #[cfg(unix)]
    {
        fs::create_dir(here.join("linked")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", here.join("linked/bundle.json")).unwrap();
        let done = run(here, &["linked", "--json"]);
        assert_eq!(code(&done), 4, "a link in a folder is not followed");
        let said: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(said["wrong"][0]["code"], "P-970");
    }
}

#[test]
fn the_program_explains_itself_and_prints_the_page() {
    let here = std::env::temp_dir();
    let help = String::from_utf8(run(&here, &["--help"]).stdout).unwrap();
    assert!(help.contains("Examples:") && help.contains("--fingerprint"));
    let page = String::from_utf8(run(&here, &["--browser-page"]).stdout).unwrap();
    assert!(page.contains("default-src 'none'"));
    for word in ["http://", "https://", "fetch(", "XMLHttpRequest", "innerHTML", "eval(", "import("] {
        assert!(!page.contains(word), "{word}");
    }
}
