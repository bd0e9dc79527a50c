//! The packages of `spec/vectors/package`: honest ones are accepted, every other one is refused with its code.
#![cfg(test)]

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors/package")
}

/// What the program says of a package: whether it holds, and the codes of what is wrong, outside before inside.
fn judge(package: &Path) -> (bool, Vec<String>) {
    let keys = |name: &str| vectors().join(format!("TEST-ONLY-reader.{name}"));
    let output = Command::new(env!("CARGO_BIN_EXE_rogatory"))
        .args(["evidence", "verify", "--json", "--trust"])
        .arg(vectors().join("trust"))
        .arg("--key")
        .arg(keys("key"))
        .arg("--cert")
        .arg(keys("pem"))
        .arg(package)
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let valid = said["valid"].as_bool().unwrap();
    assert_eq!(output.status.code(), Some(if valid { 0 } else { 4 }), "{said}");
    let layers = said["report"]["layers"].as_array().unwrap();
    let outside = layers.iter().filter_map(|layer| layer["faults"].as_array()).flatten();
    let inside = Some(&said["content"]["fault"]).filter(|fault| !fault.is_null());
    let codes = outside.chain(inside).map(|fault| fault["code"].as_str().unwrap().to_owned());
    (valid, codes.collect())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let place = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &place);
        } else {
            fs::copy(&path, &place).unwrap();
        }
    }
}

fn change(package: &Path, change: &Value) {
    let file = |name: &str| package.join(change[name].as_str().unwrap());
    if change["flip"].is_string() {
        let mut bytes = fs::read(file("flip")).unwrap();
        let at = change["at"].as_i64().unwrap();
        let length = i64::try_from(bytes.len()).unwrap();
        let at = usize::try_from(if at < 0 { length + at } else { at }).unwrap();
        bytes[at] ^= 1;
        fs::write(file("flip"), bytes).unwrap();
    } else if change["remove"].is_string() {
        fs::remove_file(file("remove")).unwrap();
    } else if change["put"].is_string() {
        fs::write(file("put"), "more").unwrap();
    } else if change["cut"].is_string() {
        let bytes = fs::read(file("cut")).unwrap();
        fs::write(file("cut"), &bytes[..bytes.len() - 1]).unwrap();
    } else {
        let [one, two] = [0, 1].map(|at| package.join(change["swap"][at].as_str().unwrap()));
        let (first, second) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
        fs::write(one, second).unwrap();
        fs::write(two, first).unwrap();
    }
}

#[test]
fn every_package_and_every_change_is_judged_as_published() {
    let cases: Value = serde_json::from_slice(&fs::read(vectors().join("cases.json")).unwrap()).unwrap();
    let mut judged = 0;
    for (name, code) in cases["packages"].as_object().unwrap() {
        let (valid, codes) = judge(&vectors().join(name));
        assert_eq!(valid, code.is_null(), "{name}: {codes:?}");
        assert_eq!(codes.first().map(String::as_str), code.as_str(), "{name}: {codes:?}");
        judged += 1;
    }
    for case in cases["changes"].as_array().unwrap() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("package");
        copy(&vectors().join("good"), &package);
        change(&package, case);
        let (valid, codes) = judge(&package);
        assert!(!valid, "{case}");
        if let Some(code) = case["code"].as_str() {
            assert!(codes.iter().any(|found| found == code), "{case}: {codes:?}");
        }
        judged += 1;
    }
    assert_eq!(judged, 29);
}
