//! Signatures and time-stamps by OpenSSL, with every kind of key and padding, are judged as they should be.

#![cfg(test)]

use std::{fs, path::Path, process::Command};
use verifier::judge::{office_of_signed, time_of_stamp};

/// OpenSSL in a folder of its own.
struct Judge(tempfile::TempDir);

impl Judge {
    fn call() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: openssl is not installed");
            return None;
        }
        let judge = Self(tempfile::tempdir().unwrap());
        let root = "[r]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,digitalSignature\n";
        let office = "[o]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,nonRepudiation\n\
                      extendedKeyUsage=emailProtection\nsubjectAltName=URI:urn:rogatory:office:XA:node\n";
        let stamps = "[t]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n";
        let tsa = "[tsa]\ndefault_tsa=c\n[c]\nserial=serial\ncerts=root.pem\ndefault_policy=1.2.3.4\n\
                   digests=sha256\naccuracy=secs:1\n";
        judge.put("conf", &format!("{root}{office}{stamps}{tsa}[req]\ndistinguished_name=d\n[d]\n"));
        judge.put("serial", "01\n");
        judge.run("ecparam -name prime256v1 -genkey -noout -out root.key");
        judge.run(
            "req -new -x509 -key root.key -subj /C=XA/O=Exercise/CN=Root -days 3650 -config conf -extensions r -out root.pem",
        );
        Some(judge)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    fn run(&self, words: &str) {
        let done = Command::new("openssl").current_dir(self.path()).args(words.split(' ')).output().unwrap();
        assert!(done.status.success(), "{words}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn certify(&self, key: &str, section: &str) {
        self.run(&format!("genpkey {key} -out one.key"));
        self.run("req -new -key one.key -subj /C=XA/O=Exercise/CN=One -config conf -out one.csr");
        self.run(&format!(
            "x509 -req -in one.csr -CA root.pem -CAkey root.key -days 3000 -extfile conf -extensions {section} -out one.pem"
        ));
    }
}

const RSA: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:3072";

#[test]
fn messages_signed_by_openssl_are_believed_and_every_changed_one_is_not() {
    let Some(judge) = Judge::call() else { return };
    judge.put("content", "what was said");
    let pss = "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest -keyopt rsa_mgf1_md";
    for (key, more, expected) in [
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "-md sha256".to_owned(), true),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "-md sha384".to_owned(), true),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "-md sha256".to_owned(), true),
        (RSA, "-md sha256".to_owned(), true),
        (RSA, "-md sha384".to_owned(), true),
        (RSA, format!("-md sha256 {pss}:sha256"), true),
        (RSA, format!("-md sha384 {pss}:sha384"), true),
        // What the specification does not know.
        (RSA, "-md sha512".to_owned(), false),
        (RSA, "-md sha1".to_owned(), false),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "-md sha256".to_owned(), false),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", "-md sha256".to_owned(), false),
    ] {
        judge.certify(key, "o");
        judge.run(&format!(
            "cms -sign -cades -nodetach -binary -in content -signer one.pem -inkey one.key -outform DER -out s.p7m {more}"
        ));
        let (signed, root) = (judge.read("s.p7m"), judge.read("root.pem"));
        let said = office_of_signed(&signed, "XA", &root);
        assert_eq!(said.is_ok(), expected, "{key} {more}: {said:?}");
        if let Ok((office, content)) = said {
            assert_eq!((office.as_str(), content.as_slice()), ("XA/node", &b"what was said"[..]));
            assert!(office_of_signed(&signed, "XB", &root).is_err(), "the root of another State");
            for at in (0..signed.len()).step_by(7) {
                let mut changed = signed.clone();
                changed[at] ^= 1;
                let said = office_of_signed(&changed, "XA", &root);
                // A certificate that nobody needs is not looked into.
                assert!(said.is_err(), "{key} {more}: byte {at}");
            }
        }
    }
}

#[test]
fn time_stamps_by_openssl_are_believed_under_the_root_that_was_given() {
    let Some(judge) = Judge::call() else { return };
    judge.put("content", "a head");
    judge.run("ts -query -data content -sha256 -cert -out q.tsq");
    for (key, chain) in [
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "sha256"),
        (RSA, "sha256"),
        // Older authorities name their certificate by SHA-1 (RFC 2634).
        (RSA, "sha1"),
    ] {
        judge.certify(key, "t");
        let conf = String::from_utf8(judge.read("conf")).unwrap();
        judge.put("conf.ts", &format!("{conf}\n[c]\ness_cert_id_alg={chain}\nsigner_digest=sha256\n"));
        judge.run(
            "ts -reply -config conf.ts -section c -queryfile q.tsq -signer one.pem -inkey one.key -out r.tsr",
        );
        let (stamp, root) = (judge.read("r.tsr"), judge.read("root.pem"));
        assert!(time_of_stamp(&stamp, b"a head", Some(&root)).is_ok(), "{key} {chain}");
        assert!(time_of_stamp(&stamp, b"another head", Some(&root)).is_err());
        let mut changed = stamp.clone();
        let last = changed.len() - 20;
        changed[last] ^= 1;
        assert!(time_of_stamp(&changed, b"a head", Some(&root)).is_err());
        let other = Judge::call().unwrap().read("root.pem");
        assert!(time_of_stamp(&stamp, b"a head", Some(&other)).is_err(), "another authority");
    }
}
