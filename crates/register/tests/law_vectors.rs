//! The vectors of `spec/vectors/law`: good profiles stand, bad ones are refused with their code, two laws compare as told.

#![cfg(test)]

use jiff::civil::Date;
use register::law::{LawProfile, Published, SignedLaw, WrittenLaw, compare};
use seal::{Certificate, Root, TrustAnchor};
use serde::{Deserialize, Serialize};
use std::{fs, path::PathBuf, process::Command};
use vocabulary::{Digest, Failure as _, Instant, StateCode};

const NOW: &str = "2026-11-24T06:00:00Z";

/// What `vectors.json` says.
#[derive(Serialize, Deserialize)]
struct Vectors {
    about: String,
    now: Instant,
    cases: Vec<Case>,
    comparison: Compared,
}

/// A signed profile, judged at `now` by a State that enrolled the root in `root`.
#[derive(Serialize, Deserialize)]
struct Case {
    file: String,
    root: String,
    /// `ok`, or the code of the refusal.
    expect: String,
    about: String,
    /// Codes of the findings of a profile that stands, notes left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Compared {
    first: String,
    second: String,
    article: u8,
    on: Date,
    digests: [Digest; 2],
    /// Id, mark of the first, mark of the second, relation.
    rows: Vec<[String; 4]>,
    /// Whether the maximum of the first provision of each reaches the threshold of a serious crime.
    serious: [Option<bool>; 2],
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors/law")
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn vectors() -> Vectors {
    serde_json::from_slice(&read("vectors.json")).unwrap()
}

fn state(code: &str) -> StateCode {
    code.parse().unwrap()
}

fn anchor(name: &str) -> TrustAnchor {
    let root = Certificate::from_pem(&String::from_utf8(read(name)).unwrap()).unwrap();
    TrustAnchor::new(state(&name[..2].to_uppercase()), root).unwrap()
}

fn found(law: &SignedLaw) -> Vec<String> {
    let profile = law.profile();
    let findings = register::law::check(profile.state, &profile.offences, &profile.outside);
    findings.into_iter().filter(|f| f.severity != treaty::Severity::Note).map(|f| f.code).collect()
}

#[test]
fn every_vector_is_judged_as_it_says() {
    let vectors = vectors();
    for case in &vectors.cases {
        let judged = SignedLaw::verify(&read(&case.file), &anchor(&case.root), vectors.now);
        let word = judged.as_ref().map_or_else(|error| error.code(), |_| "ok");
        assert_eq!(word, case.expect, "{}: {}", case.file, case.about);
        assert_eq!(judged.as_ref().map(found).unwrap_or_default(), case.findings, "{}", case.file);
    }
    let files = fs::read_dir(folder())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".p7m"));
    assert_eq!(files.count(), vectors.cases.len(), "every file is a case");
}

#[test]
fn the_two_laws_compare_as_the_vectors_say() {
    let vectors = vectors();
    let told = &vectors.comparison;
    let laws = [&told.first, &told.second].map(|name| SignedLaw::read(&read(name)).unwrap());
    let [first, second] =
        [&laws[0], &laws[1]].map(|law| Published { state: law.profile().state, law: Some(law) });
    let found = compare(told.article, told.on, vectors.now, first, second).unwrap();
    assert_eq!(rows(&found), told.rows);
    assert_eq!([laws[0].digest(), laws[1].digest()], told.digests);
    let serious = [&found.first, &found.second].map(|side| side.provisions[0].reaches_serious_crime);
    assert_eq!(serious, told.serious);
}

fn rows(compared: &register::law::Comparison) -> Vec<[String; 4]> {
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let data = serde_json::to_value(&compared.rows).unwrap();
    let of = |row: &serde_json::Value| {
        [word(&row["id"]), word(&row["first"]["mark"]), word(&row["second"]["mark"]), word(&row["relation"])]
    };
    data.as_array().unwrap().iter().map(of).collect()
}

/// Another State writes its node from the chapter: every element is in it, as the program has it.
#[test]
fn the_chapter_lists_every_element_and_option() {
    let chapter = fs::read_to_string(folder().join("../../09-law-profile.md")).unwrap();
    let mut count = 0;
    for offence in treaty::offence_definitions() {
        for rule in offence.rules() {
            let line = chapter.lines().find(|line| line.starts_with(&format!("| `{}` |", rule.id)));
            let line = line.unwrap_or_else(|| panic!("{} is not in the chapter", rule.id));
            assert!(line.ends_with(&format!("| {} |", rule.value)), "{}", rule.id);
            let cited = rule.citation().to_string().replace("Art. ", "").replace(['[', ']'], "");
            assert!(line.contains(&format!("| {cited} |")), "{}: {cited}", rule.id);
            count += 1;
        }
    }
    assert_eq!(
        chapter
            .lines()
            .filter(|line| line.starts_with("| `") && line.contains('.') && line.matches('|').count() == 6)
            .count(),
        count
    );
}

/// An independent tool judges the signature of a good one, and refuses an altered one.
#[test]
fn openssl_reads_a_profile_and_refuses_one_that_was_altered() {
    if Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    let verify = |name: &str| {
        let arguments =
            ["cms", "-verify", "-inform", "DER", "-purpose", "any", "-in", name, "-CAfile", "xa.root.pem"];
        Command::new("openssl").args(arguments).current_dir(folder()).output().unwrap()
    };
    let good = verify("xa.law.p7m");
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    assert_eq!(LawProfile::from_json(&good.stdout).unwrap().state, state("XA"));
    assert!(!verify("bad-altered.law.p7m").status.success());
}

/// Writes signed profiles and the cases that judge them.
struct Generator {
    a: Root,
    b: Root,
    cases: Vec<Case>,
}

const LAW: &str = r#"
[[offences]]
article = 7
[[offences.provisions]]
identifier = "/akn/xa/act/2019-05-02/12/eng#sec_7"
texts = [
  { language = "en", text = "Whoever without right enters a computer system commits an offence." },
  { language = "fr", text = "Quiconque entre sans droit dans un système informatique commet une infraction." },
]
maximum = { years = 5 }
from = "2019-07-01"
"#;

impl Generator {
    fn profile(code: &str, text: &str) -> LawProfile {
        let issued = "2026-11-01T00:00:00Z".parse().unwrap();
        let until = "2027-11-01T00:00:00Z".parse().unwrap();
        WrittenLaw::from_toml(text).unwrap().profile(state(code), 7, issued, until).unwrap()
    }

    fn add(&mut self, file: &str, signed: &[u8], root: &str, expect: &str, about: &str) {
        fs::write(folder().join(file), signed).unwrap();
        let law = SignedLaw::verify(signed, &anchor(root), NOW.parse().unwrap());
        let findings = law.as_ref().map(found).unwrap_or_default();
        let [file, root, expect, about] = [file, root, expect, about].map(str::to_owned);
        self.cases.push(Case { file, root, expect, about, findings });
    }

    fn bad(&mut self, name: &str, expect: &str, about: &str, change: impl FnOnce(String) -> String) {
        let json = String::from_utf8(Self::profile("XA", LAW).to_json().unwrap()).unwrap();
        let changed = change(json.clone());
        assert_ne!(json, changed, "{name}");
        let signed = self.a.sign(changed.as_bytes(), NOW.parse().unwrap()).unwrap();
        self.add(&format!("{name}.law.p7m"), &signed, "xa.root.pem", expect, about);
    }

    fn good(&mut self) {
        let now = NOW.parse().unwrap();
        let a = self.a.sign(&Self::profile("XA", LAW).to_json().unwrap(), now).unwrap();
        let of_b = LAW.replace("/akn/xa/act/2019-05-02/12/eng#sec_7", "Penal Code, sec. 202a").replace(
            "maximum = { years = 5 }",
            "maximum = { years = 3, months = 11 }\nchosen = [\"7.2.security-measure\"]\nabsent = [\"7.without-right\"]\n\
             remarks = [{ element = \"7.system\", reach = \"narrower\", language = \"en\", text = \"Only systems of public offices.\" }]",
        );
        let b = self.b.sign(&Self::profile("XB", &of_b).to_json().unwrap(), now).unwrap();
        self.add("xa.law.p7m", &a, "xa.root.pem", "ok", "a law with one provision for Art. 7");
        self.add("xb.law.p7m", &b, "xb.root.pem", "ok", "an option chosen, an element absent, a remark");
        let mut altered = a.clone();
        let at = altered.windows(7).position(|bytes| bytes == b"Whoever").unwrap();
        altered[at] = b'w';
        self.add(
            "bad-altered.law.p7m",
            &altered,
            "xa.root.pem",
            "P-677",
            "one letter changed after it was signed",
        );
        let of_a_by_b = self.b.sign(&Self::profile("XA", LAW).to_json().unwrap(), now).unwrap();
        self.add(
            "bad-root.law.p7m",
            &of_a_by_b,
            "xa.root.pem",
            "P-677",
            "the law of XA signed by the root of XB",
        );
        let other =
            Root::generate(state("XA"), "Another", now, "2046-01-01T00:00:00Z".parse().unwrap()).unwrap();
        let stranger = other.sign(&Self::profile("XA", LAW).to_json().unwrap(), now).unwrap();
        self.add(
            "bad-stranger.law.p7m",
            &stranger,
            "xa.root.pem",
            "P-678",
            "a root of XA that was not enrolled",
        );
    }

    fn contents(&mut self) {
        let swap = |from: &'static str, to: &'static str| move |json: String| json.replacen(from, to, 1);
        self.bad("bad-format", "P-659", "another format", swap("law-profile/1", "law-profile/2"));
        self.bad(
            "bad-member",
            "P-658",
            "an unknown member",
            swap("\"article\"", "\"verdict\": true, \"article\""),
        );
        self.bad("bad-twice", "P-658", "a member twice", swap("\"article\"", "\"article\": 7, \"article\""));
        self.bad("bad-until", "P-683", "ends before it was issued", swap("2027-11-01", "2026-10-01"));
        self.bad("bad-expired", "P-681", "past its end", swap("2027-11-01", "2026-11-02"));
        self.bad("bad-markup", "P-680", "markup in a text", swap("Whoever", "<b>Whoever"));
        self.bad(
            "bad-hidden",
            "P-680",
            "a character that turns the writing",
            swap("Whoever", "\\u202eWhoever"),
        );
        self.bad("bad-long", "P-679", "a text of 17,000 bytes", |json| {
            json.replacen("Whoever", &"w".repeat(17_000), 1)
        });
        let chosen = "\"chosen\": [\"7.2.obtain-data\"], \"absent\": [\"7.2.obtain-data\"], \"maximum\"";
        self.bad("odd-contradiction", "ok", "stands, and contradicts itself", move |json| {
            json.replacen("\"maximum\"", chosen, 1)
        });
        self.bad(
            "odd-penalty",
            "ok",
            "stands, with a negative penalty",
            swap("\"years\": 5", "\"years\": -5"),
        );
    }
}

#[test]
#[ignore = "writes new vectors: signatures are random"]
fn regenerate() {
    let root = |code| {
        Root::generate(
            state(code),
            "Exercise",
            "2026-01-01T00:00:00Z".parse().unwrap(),
            "2046-01-01T00:00:00Z".parse().unwrap(),
        )
        .unwrap()
    };
    let mut all = Generator { a: root("XA"), b: root("XB"), cases: Vec::new() };
    fs::create_dir_all(folder()).unwrap();
    fs::write(folder().join("xa.root.pem"), all.a.certificate_pem()).unwrap();
    fs::write(folder().join("xb.root.pem"), all.b.certificate_pem()).unwrap();
    all.good();
    all.contents();
    let laws = ["xa.law.p7m", "xb.law.p7m"].map(|name| SignedLaw::read(&read(name)).unwrap());
    let on: Date = "2026-11-24".parse().unwrap();
    let [first, second] =
        [&laws[0], &laws[1]].map(|law| Published { state: law.profile().state, law: Some(law) });
    let found = compare(7, on, NOW.parse().unwrap(), first, second).unwrap();
    let vectors = Vectors {
        about: "chapter 9 of the specification says what is judged and how two laws compare".to_owned(),
        now: NOW.parse().unwrap(),
        cases: all.cases,
        comparison: Compared {
            first: "xa.law.p7m".to_owned(),
            second: "xb.law.p7m".to_owned(),
            article: 7,
            on,
            digests: [laws[0].digest(), laws[1].digest()],
            rows: rows(&found),
            serious: [&found.first, &found.second].map(|side| side.provisions[0].reaches_serious_crime),
        },
    };
    let mut json = serde_json::to_vec_pretty(&vectors).unwrap();
    json.push(b'\n');
    fs::write(folder().join("vectors.json"), &json).unwrap();
}
