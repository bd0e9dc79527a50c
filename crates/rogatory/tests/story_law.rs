//! Two States publish their laws, lay them side by side for a request, and a person judges the conduct.

#![cfg(test)]

#[expect(dead_code, reason = "the other tests kill processes and wait for the network")]
mod harness;

use harness::{Node, Scene, program};
use serde_json::{Value, json};
use std::fs;

/// One provision for Art. 7, with its maximum and further fields.
fn law(years: u32, fields: &str) -> String {
    format!(
        "[[offences]]\narticle = 7\n[[offences.provisions]]\nidentifier = \"Penal Code, sec. 7\"\n\
         texts = [{{ language = \"en\", text = \"Whoever enters a computer\" }}, {{ language = \"fr\", text = \"Quiconque\" }}]\n\
         maximum = {{ years = {years} }}\nfrom = \"2019-07-01\"\n{fields}\n"
    )
}

/// Writes and signs a law; gives the path of the signed profile and its digest.
fn published(scene: &Scene, node: &Node, name: &str, text: &str) -> (String, String) {
    let (written, signed) = (scene.path(&format!("{name}.toml")), scene.path(&format!("{name}.p7m")));
    fs::write(&written, text).unwrap();
    let said = node.done(&["law", "sign", &written, "--out", &signed]);
    (signed, said["digest"].as_str().unwrap().to_owned())
}

fn row(compared: &Value, id: &str) -> [Value; 3] {
    let rows = compared["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("no row {id}"));
    [row["first"]["mark"].clone(), row["second"]["mark"].clone(), row["relation"].clone()]
}

#[test]
fn two_laws_are_laid_side_by_side_for_a_request_and_a_person_judges_the_conduct() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    a.serve();
    b.serve();
    let (of_a, _) = published(&scene, a, "xa", &law(5, ""));
    let (of_b, digest_b) = published(&scene, b, "xb", &law(3, "chosen = [\"7.2.security-measure\"]"));
    let file = scene.sent("stored-data", None);

    // Before anything of A is here, its side is unknown.
    let compared = b.done(&["law", "compare", &file]);
    assert_eq!(compared["comparison"]["first"]["says"], "nothing-published");
    assert_eq!(row(&compared["comparison"], "7.access"), ["unknown", "present", "unknown"]);
    let find = |answer| {
        ["law", "find", &file, "--conduct-is-a-crime-in-both", answer, "--reasons", "as the file says"]
    };
    b.by(&b.second, &find("no"));

    let taken = b.done(&["law", "import", &of_a]);
    let digest_a = taken["digest"].as_str().unwrap().to_owned();
    a.done(&["law", "import", &of_b]);
    let theirs = b.done(&["law", "compare", &file]);
    let ours = a.done(&["law", "compare", &file]);
    for side in ["rows", "first", "second"] {
        assert_eq!(theirs["comparison"][side], ours["comparison"][side], "both States see the same {side}");
    }
    let compared = &theirs["comparison"];
    assert_eq!(row(compared, "7.access"), ["present", "present", "same"]);
    assert_eq!(row(compared, "7.2.security-measure"), ["absent", "present", "first-wider"]);
    let serious = |side: &str| compared[side]["provisions"][0]["reaches_serious_crime"].clone();
    assert_eq!([serious("first"), serious("second")], [json!(true), json!(false)]);
    assert_eq!(compared["first"]["provisions"][0]["texts"][1]["language"], "fr");
    assert!(theirs["notice"].as_str().unwrap().contains("gives no verdict"));
    assert!(theirs["notice"].as_str().unwrap().contains("35(3)"));

    // Only who decides may find, and gives reasons.
    b.refused(
        &b.second,
        &["law", "find", &file, "--conduct-is-a-crime-in-both", "yes", "--reasons", " "],
        "R-161",
    );
    b.fails(&find("yes"), "R-801");
    b.by(&b.second, &find("yes"));

    // A newer profile replaces the older one; the finding names what was here when it was made.
    let (newer, newer_digest) = published(&scene, a, "xa-newer", &law(9, "absent = [\"7.without-right\"]"));
    let taken = b.done(&["law", "import", &newer]);
    assert_eq!(taken["replaced"], digest_a.as_str());
    b.fails(&["law", "import", &of_a], "P-682");
    let now = b.done(&["law", "compare", &file]);
    assert_eq!(now["comparison"]["first"]["profile"], newer_digest.as_str());
    assert_eq!(row(&now["comparison"], "7.without-right"), ["absent", "present", "first-wider"]);
    let shown = b.file(&file)["judgements"].clone();
    let told = |at: usize, field: &str| shown[at][field].clone();
    assert_eq!(
        [told(0, "conduct"), told(1, "conduct")],
        [json!("not-crime-in-both"), json!("crime-in-both")]
    );
    assert_eq!([told(0, "law_of_requesting"), told(0, "law_of_requested")], [Value::Null, json!(digest_b)]);
    assert_eq!(
        [told(1, "law_of_requesting"), told(1, "law_of_requested")],
        [json!(digest_a), json!(digest_b)]
    );
    assert_eq!([told(1, "by"), told(1, "reasons")], [json!(b.second.id), json!("as the file says")]);
    let older = b.done(&["law", "show", "XA", "--digest", &digest_a]);
    assert_eq!(older["profile"]["offences"][0]["provisions"][0]["maximum"]["years"], 5);
    assert_eq!(a.file(&file)["judgements"], json!([]), "B's finding is B's own");
    scene.settled();
}

#[test]
fn preservation_does_not_need_dual_criminality_and_the_comparison_says_so() {
    let scene = Scene::new();
    let file = scene.approved("preservation", None);
    let compared = scene.a.done(&["law", "compare", &file]);
    let cited: Vec<&str> = compared["needed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|need| need["citation"]["paragraph"].as_str().unwrap())
        .collect();
    assert_eq!(cited, ["4", "5"]);
    let find =
        ["law", "find", &file, "--conduct-is-a-crime-in-both", "not-needed", "--reasons", "Art. 42(4)"];
    let said = scene.a.by(&scene.a.second, &find);
    assert_eq!(said["judgements"][0]["conduct"], "not-needed");
    scene.a.well();
}

#[test]
fn a_profile_that_was_altered_or_is_of_another_state_or_of_nobody_known_is_refused() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    let (signed, _) = published(&scene, b, "xb", &law(3, ""));
    let mut bytes = fs::read(&signed).unwrap();
    let at = bytes.windows(7).position(|found| found == b"Whoever").unwrap();
    bytes[at] = b'w';
    let altered = scene.path("altered.p7m");
    fs::write(&altered, &bytes).unwrap();
    a.fails(&["law", "import", &altered], "P-677");
    b.fails(&["law", "import", &signed], "R-650");
    // Another scene's XB has the same code and another root.
    let strangers = Scene::new();
    let (of_stranger, _) = published(&strangers, &strangers.b, "xb", &law(3, ""));
    a.fails(&["law", "import", &of_stranger], "P-678");
    let descriptor = scene.path("descriptor.p7m");
    a.done(&["descriptor", "export", "--out", &descriptor]);
    b.fails(&["law", "import", &descriptor], "P-658");
    assert_eq!(a.done(&["law", "list"]), json!([]));
    a.fails(&["law", "show", "XB"], "R-653");
}

#[test]
fn a_law_that_contradicts_itself_is_found_and_not_signed() {
    let scene = Scene::new();
    let a = &scene.a;
    let form = a.done(&["law", "template"])["template"].as_str().unwrap().to_owned();
    let (path, out) = (scene.path("law.toml"), scene.path("law.p7m"));
    fs::write(&path, &form).unwrap();
    let clean = a.done(&["law", "check", &path]);
    assert!(clean["findings"].as_array().unwrap().iter().all(|found| found["severity"] == "note"));
    for (from, to, code) in [
        ("years = 5", "years = -5", "T-002-h-law-penalty-negative"),
        ("chosen = [\"7.2.security-measure\"]", "chosen = [\"8.2.dishonest-intent\"]", "T-007-2-law-chosen"),
        ("from = \"2019-07-01\"", "from = \"2019-07-01\"\nuntil = \"2018-01-01\"", "T-035-3-law-repealed"),
        ("article = 7", "article = 18", "T-035-1-a-law-article"),
    ] {
        fs::write(&path, form.replacen(from, to, 1)).unwrap();
        let told = a.run(&["law", "check", &path]);
        assert_eq!(told.code, Some(3), "{from}");
        assert_eq!(told.data["findings"][0]["code"], code);
        assert!(!told.data["findings"][0]["remedy"].as_str().unwrap().is_empty());
        a.fails(&["law", "sign", &path, "--out", &out], "R-652");
    }
    for (text, says) in [
        ("offences = 7", "R-651"),
        ("[[offences]]\narticle = 7\nreservations = [{ text = \"<b>\" }]", "R-651"),
    ] {
        fs::write(&path, text).unwrap();
        a.fails(&["law", "sign", &path, "--out", &out], says);
    }
    assert!(!fs::exists(&out).unwrap());
}

#[test]
fn every_offence_is_listed_with_its_elements_and_others_are_refused() {
    let list = program().args(["--json", "treaty", "offences"]).output().unwrap();
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 12);
    let seven = program().args(["--json", "treaty", "offences", "7"]).output().unwrap();
    let seven: Value = serde_json::from_slice(&seven.stdout).unwrap();
    assert_eq!(seven[0]["offence"]["options"].as_array().unwrap().len(), 4);
    assert_eq!(program().args(["treaty", "offences", "18"]).output().unwrap().status.code(), Some(3));
}
