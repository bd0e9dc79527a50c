//! The vectors of `spec/vectors/exchange`: good ones stand, bad ones are refused with the code that they name.

#![cfg(test)]

#[expect(dead_code, reason = "parts of the fixture are for the other tests")]
mod fixture;

use exchange::{Envelope, Message, Receipt, Statement, admit, settle};
use fixture::{Node, at, consultation, dispatch, envelope, receipt, seal_by, state, statement};
use ledger::{Checkpoint, checkpoint, cosignature};
use register::Peer;
use seal::OfficeKey;
use serde::{Deserialize, Serialize};
use std::{fs, path::PathBuf, process::Command};
use vocabulary::{Digest, EnvelopeId, Failure, Instant, OfficeFunction};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors/exchange")
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What `vectors.json` says.
#[derive(Serialize, Deserialize)]
struct Vectors {
    about: String,
    now: Instant,
    /// The envelope and the digest of its sealed bytes, for which receipts are judged.
    envelope: EnvelopeId,
    digest: Digest,
    cases: Vec<Case>,
}

#[derive(Serialize, Deserialize)]
struct Case {
    file: String,
    /// `descriptor`, `envelope` (judged by XB, from XA) or `receipt` (judged by XA, from XB).
    kind: String,
    /// `ok`, or the code of the refusal.
    expect: String,
    about: String,
    /// The largest linked head of XA's log that XB has seen, as a signed checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<String>,
}

struct Judges {
    a: Peer,
    b: Peer,
    key: OfficeKey,
    vectors: Vectors,
}

impl Judges {
    fn new() -> Self {
        let vectors: Vectors = serde_json::from_slice(&read("vectors.json")).unwrap();
        let text = |name| String::from_utf8(read(name)).unwrap();
        Self {
            a: Peer::verify(&read("xa.descriptor.p7m"), vectors.now).unwrap(),
            b: Peer::verify(&read("xb.descriptor.p7m"), vectors.now).unwrap(),
            key: OfficeKey::from_pem(
                &text("TEST-ONLY-xb-contact-point.cert.pem"),
                &text("TEST-ONLY-xb-contact-point.key.pem"),
            )
            .unwrap(),
            vectors,
        }
    }

    fn judge(&self, case: &Case) -> String {
        let bytes = read(&case.file);
        let judged = match case.kind.as_str() {
            "descriptor" => self.descriptor(&bytes),
            "envelope" => self.envelope(&bytes, case.last.as_deref()),
            "receipt" => self.receipt(&bytes),
            other => panic!("an unknown kind `{other}`"),
        };
        judged.map_or_else(str::to_owned, |()| "ok".to_owned())
    }

    fn descriptor(&self, bytes: &[u8]) -> Result<(), &'static str> {
        Peer::verify(bytes, self.vectors.now).map(drop).map_err(|error| error.code())
    }

    /// Admission, then what the addressed office does.
    fn envelope(&self, bytes: &[u8], last: Option<&str>) -> Result<(), &'static str> {
        let last: Option<Checkpoint> =
            last.map(|note| checkpoint::open(note, self.a.log()).unwrap().checkpoint().clone());
        let (envelope, sealed) = Envelope::from_json(bytes).map_err(|error| error.code())?;
        admit(&envelope, state("XB"), &self.a, last.as_ref(), &[], self.vectors.now)
            .map_err(|error| error.code())?;
        let opened = seal::open(&sealed, &self.key, self.a.anchor(), self.vectors.now)
            .map_err(|error| error.code())?;
        Statement::of_envelope(&opened, envelope.envelope, state("XA"), envelope.to)
            .map(drop)
            .map_err(|error| error.code())
    }

    fn receipt(&self, bytes: &[u8]) -> Result<(), &'static str> {
        let (envelope, digest) = (self.vectors.envelope, self.vectors.digest);
        settle(bytes, state("XA"), &self.b, envelope, digest, self.vectors.now)
            .map(drop)
            .map_err(|error| error.code())
    }
}

#[test]
fn every_vector_is_judged_as_it_says() {
    let judges = Judges::new();
    for case in &judges.vectors.cases {
        assert_eq!(judges.judge(case), case.expect, "{}: {}", case.file, case.about);
    }
    let bad = judges.vectors.cases.iter().filter(|case| case.expect != "ok").count();
    assert!(bad >= 8, "{bad} bad vectors");
}

#[test]
fn openssl_opens_and_verifies_the_good_vectors() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("openssl is not installed: nothing is judged");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let run = |arguments: &str| {
        let run =
            Command::new("openssl").current_dir(scratch.path()).args(arguments.split(' ')).output().unwrap();
        assert!(run.status.success(), "{arguments}: {}", String::from_utf8_lossy(&run.stderr));
    };
    let (envelope, sealed) = Envelope::from_json(&read("envelope.json")).unwrap();
    fs::write(scratch.path().join("sealed.p7m"), &sealed).unwrap();
    for name in [
        "TEST-ONLY-xb-contact-point.key.pem",
        "TEST-ONLY-xb-contact-point.cert.pem",
        "xa.root.pem",
        "xb.root.pem",
        "receipt.p7m",
    ] {
        fs::write(scratch.path().join(name), read(name)).unwrap();
    }
    run(
        "cms -decrypt -inform DER -in sealed.p7m -inkey TEST-ONLY-xb-contact-point.key.pem -recip TEST-ONLY-xb-contact-point.cert.pem -out signed.p7m -binary",
    );
    run(
        "cms -verify -inform DER -in signed.p7m -CAfile xa.root.pem -attime 1795500600 -binary -out statement.json",
    );
    assert_eq!(fs::read(scratch.path().join("statement.json")).unwrap(), read("statement.json"));
    run(
        "cms -verify -inform DER -in receipt.p7m -CAfile xb.root.pem -attime 1795500600 -binary -out receipt.json",
    );
    let receipt: Receipt =
        serde_json::from_slice(&fs::read(scratch.path().join("receipt.json")).unwrap()).unwrap();
    assert_eq!(receipt.digest, envelope.digest);
}

/// Everything that the generator writes.
struct Generator {
    a: Node,
    b: Node,
    cases: Vec<Case>,
}

impl Generator {
    fn case(&mut self, kind: &str, name: &str, expect: &str, about: &str, content: &[u8]) {
        fs::write(folder().join(name), content).unwrap();
        self.cases.push(Case {
            file: name.to_owned(),
            kind: kind.to_owned(),
            expect: expect.to_owned(),
            about: about.to_owned(),
            last: None,
        });
    }

    fn bad_envelope(
        &mut self,
        good: &Envelope,
        name: &str,
        expect: &str,
        about: &str,
        change: fn(&mut Envelope),
    ) {
        let mut changed = good.clone();
        change(&mut changed);
        self.case("envelope", name, expect, about, &changed.to_json().unwrap());
    }

    fn receipt(&mut self, receipt: &Receipt, by: OfficeFunction, name: &str, expect: &str, about: &str) {
        let signed = self.b.sign(by, &serde_json::to_vec(receipt).unwrap());
        self.case("receipt", name, expect, about, &signed);
    }

    fn descriptors(&mut self) {
        let (a, b) = (self.a.signed_descriptor(), self.b.signed_descriptor());
        self.case("descriptor", "xa.descriptor.p7m", "ok", "the descriptor of XA", &a);
        self.case("descriptor", "xb.descriptor.p7m", "ok", "the descriptor of XB", &b);
        let mut other_log = self.a.descriptor();
        other_log.log = self.b.log_key.vkey();
        let signed = self.a.root.sign(&other_log.to_json().unwrap(), fixture::now()).unwrap();
        self.case(
            "descriptor",
            "bad-log-key.descriptor.p7m",
            "P-408",
            "the log key of another State",
            &signed,
        );
        let by_other = self.b.root.sign(&self.a.descriptor().to_json().unwrap(), fixture::now()).unwrap();
        self.case(
            "descriptor",
            "bad-root.descriptor.p7m",
            "P-404",
            "signed by a root that it does not name",
            &by_other,
        );
    }

    fn envelopes(&mut self, good: &Envelope) {
        let json = good.to_json().unwrap();
        self.case("envelope", "envelope.json", "ok", "a consultation of XA to XB", &json);
        self.case("envelope", "bad-cut.envelope.json", "P-511", "cut short", &json[..json.len() / 2]);
        self.bad_envelope(good, "bad-format.envelope.json", "P-512", "another format", |e| {
            e.format = "rogatory/envelope/2".to_owned();
        });
        self.bad_envelope(
            good,
            "bad-base64.envelope.json",
            "P-513",
            "the sealed bytes are not base64",
            |e| {
                e.sealed.insert(8, '\n');
            },
        );
        self.bad_envelope(
            good,
            "bad-sealed.envelope.json",
            "P-514",
            "a letter of the sealed bytes changed",
            |e| {
                let letter = if e.sealed.as_bytes()[200] == b'A' { "B" } else { "A" };
                e.sealed.replace_range(200..201, letter);
            },
        );
        self.bad_envelope(good, "bad-addressee.envelope.json", "P-520", "addressed to another State", |e| {
            e.to.state = state("XC");
        });
        self.bad_envelope(good, "bad-sender.envelope.json", "P-521", "from another State", |e| {
            e.from.state = state("XC");
        });
        self.bad_envelope(good, "bad-salt.envelope.json", "P-522", "a salt of 31 bytes", |e| {
            e.log.salt.truncate(62);
        });
        self.bad_envelope(good, "bad-id.envelope.json", "P-523", "another envelope id", |e| {
            e.envelope = "0193a8f0-0000-7000-8000-0000000000e2".parse().unwrap();
        });
        self.bad_envelope(good, "bad-office.envelope.json", "P-523", "addressed to another office", |e| {
            e.to.function = OfficeFunction::CentralAuthority;
        });
        self.bad_envelope(good, "bad-head.envelope.json", "P-234", "a head that was not signed so", |e| {
            e.log.checkpoint = e.log.checkpoint.replacen("\n9\n", "\n8\n", 1);
        });
    }

    /// Envelopes that are admitted and then do not stand: each has a fresh sender, so that leaves do not mix.
    fn contents(&mut self) {
        let (contact, central) = (OfficeFunction::ContactPoint, OfficeFunction::CentralAuthority);
        let honest = statement(&self.a, &self.b, consultation());
        let mut elsewhere = honest.clone();
        elsewhere.envelope = "0193a8f0-0000-7000-8000-0000000000e2".parse().unwrap();
        let mut misdirected = honest.clone();
        misdirected.to.function = central;
        let mut unknown = honest.clone();
        unknown.format = "rogatory/statement/2".to_owned();
        let mut long = honest.clone();
        long.message = Message::Withdrawal { reason: "x".repeat(exchange::MAX_TEXT_BYTES + 1) };
        for (name, expect, about, said, signer) in [
            ("bad-inner-id.envelope.json", "P-505", "a statement for another envelope", &elsewhere, contact),
            (
                "bad-inner-office.envelope.json",
                "P-506",
                "a statement to another office",
                &misdirected,
                contact,
            ),
            (
                "bad-signer.envelope.json",
                "P-507",
                "signed by an office for which it does not speak",
                &honest,
                central,
            ),
            ("bad-inner-format.envelope.json", "P-502", "a statement of another format", &unknown, contact),
            ("bad-long.envelope.json", "P-503", "a text that is too long", &long, contact),
        ] {
            let sealed = seal_by(&self.a, signer, &self.b, &said.to_json().unwrap());
            let json = self.sent_alone(&sealed);
            self.case("envelope", name, expect, about, &json);
        }
        let sealed = seal_by(&self.a, contact, &self.b, b"no statement");
        let json = self.sent_alone(&sealed);
        self.case("envelope", "bad-content.envelope.json", "P-501", "something else was signed", &json);
        let sealed = seal_by(&self.b, contact, &self.b, &honest.to_json().unwrap());
        let json = self.sent_alone(&sealed);
        let opened = Envelope::from_json(&json).unwrap().1;
        let key = self.b.offices[&contact].office_key().unwrap();
        let error = seal::open(&opened, &key, self.a.root.anchor(), fixture::now()).unwrap_err();
        self.case(
            "envelope",
            "bad-root.envelope.json",
            error.code(),
            "signed under another State's root",
            &json,
        );
    }

    fn sent_alone(&mut self, sealed: &[u8]) -> Vec<u8> {
        let log = self.a.log.clone();
        let envelope = dispatch(&mut self.a, &self.b, sealed, None);
        self.a.log = log;
        envelope.to_json().unwrap()
    }

    /// A head seen before, and envelopes whose log follows from it and does not.
    fn growth(&mut self) {
        let log = self.a.log.clone();
        let size = self.a.log.size;
        let last = checkpoint::sign(&self.a.head(size), &self.a.log_key).unwrap();
        let linked = envelope(&mut self.a, &self.b, Some(size)).to_json().unwrap();
        self.case("envelope", "linked.envelope.json", "ok", "the log grew from the head seen last", &linked);
        self.cases.last_mut().unwrap().last = Some(last);
        let mut fork = log.clone();
        fork.grow(1);
        self.a.log = fork;
        let other = checkpoint::sign(&self.a.head(size + 1), &self.a.log_key).unwrap();
        self.a.log = log;
        let rewritten = envelope(&mut self.a, &self.b, Some(size + 1)).to_json().unwrap();
        self.case(
            "envelope",
            "bad-rewritten.envelope.json",
            "P-525",
            "the log does not follow from the head seen last",
            &rewritten,
        );
        self.cases.last_mut().unwrap().last = Some(other);
    }

    fn receipts(&mut self, good: &Envelope) {
        let node = OfficeFunction::Node;
        let receipt = receipt(&mut self.b, &self.a, good);
        self.receipt(&receipt, node, "receipt.p7m", "ok", "the receipt for envelope.json");
        self.receipt(
            &receipt,
            OfficeFunction::ContactPoint,
            "bad-signer.receipt.p7m",
            "P-531",
            "signed by another office",
        );
        let signed = self.b.sign(node, b"no receipt");
        self.case("receipt", "bad-content.receipt.p7m", "P-532", "something else was signed", &signed);
        let mut changed = receipt.clone();
        changed.to.state = state("XC");
        self.receipt(&changed, node, "bad-addresses.receipt.p7m", "P-533", "for another State");
        changed.clone_from(&receipt);
        changed.digest = Digest::of(b"other");
        self.receipt(&changed, node, "bad-digest.receipt.p7m", "P-534", "for other sealed bytes");
        changed.clone_from(&receipt);
        changed.log.salt = hex::encode([0; 32]);
        self.receipt(&changed, node, "bad-log.receipt.p7m", "P-535", "not in the receiver's log");
        changed.clone_from(&receipt);
        let head = self.a.head(good.log.inclusion.size).to_string();
        let foreign = cosignature::cosign(&head, &Node::new("XB", 9).cosigner, 1_795_500_600).unwrap();
        changed.head.as_mut().unwrap().cosignature = foreign;
        self.receipt(&changed, node, "bad-cosignature.receipt.p7m", "P-536", "cosigned by an unknown key");
        let mut altered = self.b.sign(node, &serde_json::to_vec(&receipt).unwrap());
        let last = altered.len() - 1;
        altered[last] ^= 1;
        self.case(
            "receipt",
            "bad-signature.receipt.p7m",
            "P-636",
            "the last byte of the signature changed",
            &altered,
        );
    }
}

#[test]
#[ignore = "writes new vectors: signatures are random"]
fn regenerate() {
    fs::create_dir_all(folder()).unwrap();
    let mut all = Generator { a: Node::new("XA", 1), b: Node::new("XB", 2), cases: Vec::new() };
    all.descriptors();
    all.contents();
    all.growth();
    all.a.log = Node::new("XA", 1).log;
    let good = envelope(&mut all.a, &all.b, None);
    all.envelopes(&good);
    all.receipts(&good);
    let write = |name: &str, content: &[u8]| fs::write(folder().join(name), content).unwrap();
    let contact = &all.b.offices[&OfficeFunction::ContactPoint];
    write("TEST-ONLY-xb-contact-point.cert.pem", contact.certificate_pem().as_bytes());
    write("TEST-ONLY-xb-contact-point.key.pem", contact.key_pem().as_bytes());
    write("xa.root.pem", all.a.root.certificate_pem().as_bytes());
    write("xb.root.pem", all.b.root.certificate_pem().as_bytes());
    write("statement.json", &statement(&all.a, &all.b, consultation()).to_json().unwrap());
    let vectors = Vectors {
        about: "keys named TEST-ONLY protect nothing; chapter 2 of the specification says what is judged"
            .to_owned(),
        now: at(fixture::NOW),
        envelope: good.envelope,
        digest: good.digest,
        cases: all.cases,
    };
    let mut json = serde_json::to_vec_pretty(&vectors).unwrap();
    json.push(b'\n');
    write("vectors.json", &json);
}
