//! The depositary register as people use it: without a node, by imports that are compared, and in the check of a request.

#![cfg(test)]

#[expect(dead_code, reason = "the other tests serve nodes, kill processes and use the pouch")]
mod harness;

use harness::{Node, Scene, Site};
use serde_json::{Value, json};
use std::fs;

const XML: &str = include_str!("../../register/data/synthetic/XVIII-16.en.xml");
const COLUMNS: &str =
    "id,participant,kind,date,articles,relates_to,supersedes,confidence,source,reference,as_of,text,remark";

/// A command in a folder that is no node.
fn without_a_node(words: &[&str]) -> (Option<i32>, Value) {
    let empty = tempfile::tempdir().unwrap();
    let run = harness::program().arg("--json").arg("--node").arg(empty.path()).args(words).output().unwrap();
    let text = if run.status.success() { &run.stdout } else { &run.stderr };
    (run.status.code(), serde_json::from_slice(text).unwrap())
}

fn has(list: &Value, field: &str, value: &str) -> bool {
    list.as_array().unwrap().iter().any(|entry| entry[field] == value)
}

#[test]
fn without_a_node_the_status_is_that_which_came_with_the_program_and_says_how_old_it_is() {
    let (code, status) = without_a_node(&["register", "status", "--on", "2026-11-23"]);
    assert_eq!(code, Some(0));
    assert_eq!((&status["in_force"], &status["signatories"]["count"]), (&json!(false), &json!(75)));
    assert_eq!(
        status["missing"],
        json!({ "what": "instruments", "counted": 3, "needed": 40, "missing": 37 })
    );
    assert_eq!(status["deposited"]["participants"], json!(["AZ", "QA", "VN"]));
    let data = &status["data"];
    assert_eq!(
        (&data["as_of"], &data["age_days"], &data["origin"]),
        (&json!("2026-08-31"), &json!(84), &json!("shipped"))
    );
    assert!(has(&status["findings"], "code", "T-065-1-stale"));

    let (_, qatar) = without_a_node(&["register", "state", "QAT"]);
    assert_eq!(qatar["standing"]["stage"], "contracting");
    assert!(has(&qatar["effects"], "provision", "14"));
    let (_, same) = without_a_node(&["register", "state", "Türkiye"]);
    assert_eq!(same["standing"]["participant"], "TR");
    let (_, between) = without_a_node(&["register", "between", "QA", "Viet Nam", "--on", "2026-11-23"]);
    assert_eq!(between["between"]["in_force"], json!(false));
    assert!(between["between"]["reasons"].as_array().unwrap().len() >= 3);
    let (code, refused) = without_a_node(&["register", "state", "Atlantis"]);
    assert_eq!((code, &refused["code"]), (Some(3), &json!("R-624")));
    let (_, rows) = without_a_node(&["register", "events", "--state", "QA"]);
    assert_eq!(rows["rows"].as_array().unwrap().len(), 4);
    // To record needs a node.
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, XML).unwrap();
    let path = file.path().display().to_string();
    let (code, refused) =
        without_a_node(&["register", "import", &path, "--reason", "look", "--as-of", "2026-11-20"]);
    assert_eq!((code, &refused["code"]), (Some(3), &json!("R-701")));
    let (code, seen) = without_a_node(&["register", "import", &path, "--dry-run", "--as-of", "2026-11-20"]);
    assert_eq!((code, &seen["recorded"]), (Some(0), &json!([])));
}

#[test]
fn an_import_is_a_comparison_that_an_officer_records_and_the_ledger_keeps() {
    let place = Scene::place();
    let node =
        Node::make(Site::on_loopback(place.path()), "aldonia", "XA", "Europe/Paris", ["ana.cruz", "li.wei"]);
    let path = |name: &str| place.path().join(name).display().to_string();
    let file = path("XVIII-16.en.xml");
    fs::write(&file, XML).unwrap();
    let import = ["register", "import", &file, "--as-of", "2026-11-20"];

    let seen = node.done(&[&import[..], &["--dry-run"]].concat());
    assert!(has(&seen["comparison"]["findings"], "code", "T-064-3-row-changed"));
    assert!(has(&seen["comparison"]["findings"], "code", "T-064-1-row-vanished"));
    // The invented dates of 2027 are after the day of the file: they are named and not taken.
    assert!(has(&seen["comparison"]["findings"], "code", "T-064-3-impossible-date"));
    assert_eq!(node.done(&["register", "status"])["data"]["origin"], "shipped");

    let record = [&import[..], &["--accept-changed", "--reason", "weekly look"]].concat();
    node.fails(&record, "R-801");
    let done = node.by(&node.second, &record);
    assert!(done["recorded"].as_array().unwrap().iter().any(|row| row["supersedes"] == "QA-ratification"));
    let again = node.by(&node.second, &record);
    assert_eq!(again["recorded"], json!([]), "importing twice changes nothing");

    let qatar = node.done(&["register", "state", "QA", "--on", "2026-11-23"]);
    assert_eq!(qatar["standing"]["instrument"]["date"], "2026-02-12");
    assert_eq!((&qatar["data"]["origin"], &qatar["data"]["age_days"]), (&json!("node"), &json!(3)));
    assert!(qatar["data"]["notes"].to_string().contains("0 rows differ and 67 are missing"), "{qatar}");
    // Nothing vanished from the register because it was not in the file.
    let dz = node.done(&["register", "state", "DZ"]);
    assert_eq!(dz["standing"]["stage"], "signatory");
    assert!(node.done(&["node", "doctor"])["audit"]["troubles"].as_array().is_none_or(Vec::is_empty));

    let page = path("page.xml");
    fs::write(&page, "<!DOCTYPE html><html><body>maintenance</body></html>").unwrap();
    node.refused(&node.second, &["register", "import", &page, "--reason", "look"], "R-602");
    let wrong = path("wrong.csv");
    fs::write(&wrong, format!("# as-of: 2026-11-20\n{COLUMNS}\na,QA,ratification,2026-02-30,,,,A,x,,,,\n"))
        .unwrap();
    let report = node.refused(&node.second, &["register", "import", &wrong, "--reason", "look"], "R-610");
    assert!(report["message"].as_str().unwrap().contains("line 3"), "{report}");
}

#[test]
fn the_check_of_a_request_asks_the_register_unless_the_operators_say_otherwise() {
    let scene = Scene::new();
    let draft = scene.draft("preservation", None);
    let by_operator = scene.a.done(&["request", "check", &draft]);
    assert_eq!(
        (&by_operator["convention"]["by"], &by_operator["convention"]["in_force"]),
        (&json!("operator"), &json!(true))
    );

    scene.a.configure("convention_in_force = true", "convention_in_force = false");
    let by_register = scene.a.done(&["request", "check", &draft]);
    let convention = &by_register["convention"];
    assert_eq!((&convention["by"], &convention["in_force"]), (&json!("depositary"), &json!(false)));
    assert!(has(&by_register["findings"], "code", "T-065-1-not-in-force"));

    // An exercise: fifty States and the two of the exercise are bound.
    let (_, all) = without_a_node(&["register", "status", "--on", "2026-11-23"]);
    let states = all["signatories"]["participants"].as_array().unwrap().iter().take(50);
    let codes = states.map(|code| code.as_str().unwrap()).filter(|code| *code != "EU").chain(["XA", "XB"]);
    let rows: String = codes
        .map(|code| format!("{code}-exercise,{code},accession,2026-01-05,,,,C,exercise,,,,\n"))
        .collect();
    let file = scene.path("exercise.csv");
    fs::write(&file, format!("# as-of: 2026-11-20\n{COLUMNS}\n{rows}")).unwrap();
    scene.a.by(&scene.a.second, &["register", "import", &file, "--reason", "exercise"]);
    let between = scene.a.done(&["register", "between", "XA", "XB"]);
    assert_eq!(
        (&between["between"]["in_force"], &between["between"]["since"]),
        (&json!(true), &json!("2026-04-05"))
    );
    let bound = scene.a.done(&["request", "check", &draft]);
    assert_eq!(bound["convention"]["in_force"], json!(true));
    assert!(!has(&bound["findings"], "code", "T-065-1-not-in-force"));
}
