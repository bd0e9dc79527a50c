//! For tests: two States with their offices, and `openssl` as the judge of what they write.

use crate::{Certificate, Issued, OfficeKey, Root};
use std::{fs, path::PathBuf, process::Command};
use tempfile::TempDir;
use vocabulary::{Instant, OfficeFunction, OfficeId, StateCode};

pub(crate) const FROM: &str = "2026-01-01T00:00:00Z";
pub(crate) const NOW: &str = "2026-11-15T08:00:00Z";
pub(crate) const UNTIL: &str = "2028-01-01T00:00:00Z";
pub(crate) const ROOT_UNTIL: &str = "2046-01-01T00:00:00Z";

pub(crate) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(crate) fn now() -> Instant {
    at(NOW)
}

pub(crate) fn state(code: &str) -> StateCode {
    code.parse().unwrap()
}

pub(crate) fn root(code: &str) -> Root {
    Root::generate(state(code), "Republic of Exercise", at(FROM), at(ROOT_UNTIL)).unwrap()
}

pub(crate) fn office(root: &Root, function: OfficeFunction) -> Issued {
    let id = OfficeId::new(root.state(), function);
    root.issue_office(&id, "Central Authority, Ministry of Justice", at(FROM), at(UNTIL)).unwrap()
}

pub(crate) fn authority(root: &Root) -> OfficeKey {
    office(root, OfficeFunction::CentralAuthority).office_key().unwrap()
}

/// What one run of `openssl` did.
pub(crate) struct Outcome {
    pub(crate) ok: bool,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// A scratch folder in which `openssl` runs.
pub(crate) struct Judge {
    folder: TempDir,
}

impl Judge {
    /// `None` where `openssl` is not installed: the test then has no judge and says nothing.
    pub(crate) fn call() -> Option<Self> {
        Command::new("openssl").arg("version").output().ok()?;
        Some(Self { folder: tempfile::tempdir().unwrap() })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn get(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.get(name)).unwrap()
    }

    pub(crate) fn put_pair(&self, stem: &str, certificate: &Certificate, key_pem: &str) {
        self.put(&format!("{stem}.pem"), certificate.to_pem());
        self.put(&format!("{stem}.key"), key_pem);
    }

    /// Runs `openssl` with the words of `line`; `{now}` is [`NOW`] in Unix seconds.
    pub(crate) fn run(&self, line: &str) -> Outcome {
        let line = line.replace("{now}", &now().seconds().to_string());
        let output = Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        Outcome {
            ok: output.status.success(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// As [`Self::run`], and `openssl` must be content.
    pub(crate) fn must(&self, line: &str) -> Outcome {
        let outcome = self.run(line);
        assert!(outcome.ok, "openssl {line}: {}", outcome.stderr);
        outcome
    }

    /// Has `openssl` make a key by `genpkey` and certify it under `root` for the subject alternative name `san`.
    pub(crate) fn certify(&self, root: &Root, stem: &str, genpkey: &str, extensions: &str) -> Certificate {
        self.put_pair("ca", root.certificate(), root.key_pem());
        self.put("extensions", extensions);
        self.must(&format!("genpkey {genpkey} -out {stem}.key"));
        self.must(&format!("req -new -key {stem}.key -subj /C=XA/O=Exercise/CN={stem} -out {stem}.csr"));
        self.must(&format!(
            "x509 -req -in {stem}.csr -CA ca.pem -CAkey ca.key -days 400 -sha256 -extfile extensions -out {stem}.pem"
        ));
        Certificate::from_pem(&self.text(&format!("{stem}.pem"))).unwrap()
    }
}

pub(crate) const OFFICE_EXTENSIONS: &str = "keyUsage=critical,digitalSignature,keyAgreement\n\
    subjectAltName=URI:urn:rogatory:office:XA:contact-point\n";
