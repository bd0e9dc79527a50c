//! What the tests of this crate share: a folder of files, a pair of toy keys, and tools written by others.

use crate::*;
use std::{
    cell::Cell,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::Command,
};
use vocabulary::{Digest, Family, Report};

/// True when the tool is installed; fails the test when it is not and `ROGATORY_REQUIRE_TOOLS=1` asks for it.
pub(crate) fn has_tool(name: &str, probe: &str) -> bool {
    let found = Command::new(name).arg(probe).output().is_ok_and(|output| output.status.success());
    let required = std::env::var("ROGATORY_REQUIRE_TOOLS").is_ok_and(|value| value == "1");
    assert!(found || !required, "`{name}` is required and not installed");
    if !found {
        println!("skipped: `{name}` is not installed");
    }
    found
}

/// Runs a shell script in a folder and gives what it printed; the script must succeed.
pub(crate) fn shell(folder: &Path, script: &str) -> String {
    let (ok, text) = try_shell(folder, script);
    assert!(ok, "{script}\n{text}");
    text
}

pub(crate) fn try_shell(folder: &Path, script: &str) -> (bool, String) {
    let script = format!("set -o pipefail; {script}");
    let output = Command::new("bash").args(["-c", &script]).current_dir(folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

pub(crate) fn carry_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Bytes that do not compress and are the same on every run.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

pub(crate) fn random(counter: &Cell<u64>) -> impl Fn(&mut [u8]) + '_ {
    |bytes| {
        for byte in bytes {
            counter.set(counter.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
            *byte = counter.get().to_be_bytes()[0];
        }
    }
}

/// Toy keys: the envelope is the key with a prefix, the signature names the office and the digest.
pub(crate) struct ToyKeys {
    pub(crate) counter: Cell<u64>,
    pub(crate) office: &'static str,
}

pub(crate) const SENDER: &str = "XB/evidence-office";

impl ToyKeys {
    pub(crate) fn new() -> Self {
        Self { counter: Cell::new(7), office: SENDER }
    }
}

pub(crate) fn toy_report(what: &str) -> Report {
    Report {
        family: Family::PeerFault,
        code: "P-999".into(),
        message: what.into(),
        clause: None,
        remedy: "none".into(),
    }
}

impl PackKeys for ToyKeys {
    fn wrap(&self, key: &[u8]) -> Result<KeyEnvelope, Report> {
        Ok(KeyEnvelope::Cms([b"toy envelope\n", key].concat()))
    }
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, Report> {
        Ok(format!("{} {}", self.office, Digest::of(bytes)).into_bytes())
    }
    fn random(&self, bytes: &mut [u8]) {
        random(&self.counter)(bytes);
    }
    fn record(&self, _: &PackageLabel, _: &[SealedExhibit]) -> Result<InnerRecord, Report> {
        Ok(toy_record())
    }
}

pub(crate) fn toy_record() -> InnerRecord {
    InnerRecord { custody: b"{\"links\":[]}".to_vec(), case: b"{}".to_vec() }
}

pub(crate) fn toy_unwrap(envelope: &KeyEnvelope) -> Result<Vec<u8>, Report> {
    let (KeyEnvelope::Cms(envelope) | KeyEnvelope::HybridCms(envelope)) = envelope;
    envelope.strip_prefix(b"toy envelope\n").map(<[u8]>::to_vec).ok_or_else(|| toy_report("not an envelope"))
}

pub(crate) fn toy_verify(bytes: &[u8], signature: &[u8]) -> Result<SignerInfo, Report> {
    let text = String::from_utf8_lossy(signature);
    let (office, digest) = text.split_once(' ').ok_or_else(|| toy_report("not a signature"))?;
    if digest != Digest::of(bytes).to_string() {
        return Err(toy_report("the signature is over other bytes"));
    }
    let office = office.parse().map_err(|_| toy_report("no such office"))?;
    Ok(SignerInfo { office, fingerprint: Digest::of(b"certificate"), claimed_at: None })
}

/// A case folder and the place of a package beside it.
pub(crate) struct Bench {
    pub(crate) root: tempfile::TempDir,
    pub(crate) records: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new(files: &[(&str, Vec<u8>)]) -> Self {
        let bench = Self { root: tempfile::tempdir().unwrap(), records: tempfile::tempdir().unwrap() };
        fs::create_dir(bench.path("case")).unwrap();
        for (name, bytes) in files {
            let path = bench.path("case").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        bench
    }

    /// The usual mixture: empty, small, a whole chunk, many chunks, spaces, letters of other scripts, a long path.
    pub(crate) fn usual() -> Self {
        let long = "a long folder name/".repeat(15) + "end.bin";
        Self::new(&[
            ("empty", vec![]),
            ("mailbox.mbox", b"From nobody\n".to_vec()),
            ("logs/access log.txt", noise(65_536)),
            ("logs/журнал.log", noise(200_001)),
            ("back\\slash $HOME *.txt", noise(3)),
            (long.as_str(), noise(1000)),
        ])
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The exhibit, and the list of its files in a folder beside it.
    pub(crate) fn exhibit(&self, name: &str, folder: &str) -> PackExhibit {
        let listing = survey(&self.path(folder), Carry::Files).unwrap();
        let expected = self.records.path().join(format!("{}.manifest", name.len()));
        measure(&listing, &mut fs::File::create(&expected).unwrap(), &mut carry_on).unwrap();
        let exhibit_id = "0198c0de-0000-7000-8000-00000000000e".parse().unwrap();
        PackExhibit { exhibit_id, name: name.into(), listing, expected: Some(expected) }
    }

    pub(crate) fn request(&self) -> PackRequest {
        let mut request = self.request_without_exhibits();
        request.exhibits.push(self.exhibit("case", "case"));
        request
    }

    pub(crate) fn request_without_exhibits(&self) -> PackRequest {
        PackRequest {
            package_id: "0198c0de-0000-7000-8000-000000000001".parse().unwrap(),
            file_id: "0198c0de-0000-7000-8000-000000000002".parse().unwrap(),
            from: SENDER.parse().unwrap(),
            to: Some("XA/evidence-office".parse().unwrap()),
            addressees: vec![Digest::of(b"examiner"), Digest::of(b"counsel")],
            hybrid_addressees: vec![],
            created: "2026-11-15T08:00:00Z".parse().unwrap(),
            suite: BulkSuite::AgeV1,
            part_bytes: 100_000,
            exhibits: vec![],
            journal: None,
        }
    }

    pub(crate) fn pack(&self) -> PackageSummary {
        pack(self.request(), &ToyKeys::new(), &self.path("package"), &mut carry_on).unwrap()
    }

    pub(crate) fn verify(&self) -> VerifyReport {
        verify_outer(&self.path("package"), Judges::of_signature(&toy_verify))
    }

    pub(crate) fn open(&self) -> Result<Opened, OpenError> {
        open(&self.path("package"), &toy_unwrap, &toy_verify, &self.path("opened"), &mut carry_on)
    }

    /// Everything in the root folder, sorted: shows whether a failure left something behind.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
