//! Independent judgement: tools that are not ours accept our packages and refuse every tampered one.

#![cfg(test)]

mod tribunal;

use evidence::{Judges, SignerInfo, verify_outer};
use flow::{Clock as _, SystemClock};
use seal::{Certificate, TrustAnchor, verify_cms_detached};
use std::{fs, path::Path};
use tribunal::{Scene, Suite, Table, are_all_there, cases, controls, target};
use vocabulary::Failure as _;

/// Cases × judges, for both bulk suites; the table is printed and left in `target/tamper-table.md`.
#[test]
fn honest_packages_are_accepted_and_every_tampered_one_is_refused() {
    let scene = Scene::new();
    if !are_all_there(&scene) {
        return;
    }
    let mut table = Table::default();
    for suite in Suite::BOTH {
        scene.seal(suite);
        let parts = fs::read_dir(scene.path(suite.name()).join("data")).unwrap().count() - 1;
        the_content_is_what_was_sealed(&scene, suite);
        table.judge(&scene, suite, &controls());
        table.judge(&scene, suite, &cases(suite, parts));
    }
    let text = table.markdown();
    println!("{text}");
    fs::write(target().join("tamper-table.md"), text).unwrap();
    let complaints = table.complaints();
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

/// Every addressee gets the exhibits as they were, byte for byte, by our program and by stock tools.
fn the_content_is_what_was_sealed(scene: &Scene, suite: Suite) {
    let open =
        "$ROGATORY evidence open $SUITE --trust trust --key $ME.key --cert $ME.pem --out opened-$SUITE-$ME";
    for me in ["one", "two", "three"] {
        let words = [("SUITE", suite.name()), ("ME", me)];
        scene.must(scene.folder(), open, &words);
        let same = "cd opened-$SUITE-$ME/data; diff -r odd $KEYS/exhibits/odd; cmp disk.E01/disk.E01 $KEYS/exhibits/disk.E01; \
            cmp traffic.pcap/traffic.pcap $KEYS/exhibits/traffic.pcap; ewfverify -q -d sha256 disk.E01/disk.E01";
        scene.must(scene.folder(), same, &words);
    }
    let refused = scene.run(scene.folder(), open, &[("SUITE", suite.name()), ("ME", "other")]);
    assert_eq!(refused.status.code(), Some(4));
    assert!(!scene.path(&format!("opened-{}-other", suite.name())).exists());
}

/// One bit of every byte of every small file, the signature and the key envelope included.
#[test]
fn no_byte_of_a_small_file_can_be_changed() {
    let scene = Scene::new();
    if !are_all_there(&scene) {
        return;
    }
    scene.seal(Suite::Age);
    let package = scene.path(Suite::Age.name());
    let root = fs::read_to_string(scene.path("XB-root.pem")).unwrap();
    let anchor = TrustAnchor::new("XB".parse().unwrap(), Certificate::from_pem(&root).unwrap()).unwrap();
    assert!(holds(&package, &anchor));
    for name in [
        "bagit.txt",
        "bag-info.txt",
        "manifest-sha256.txt",
        "tagmanifest-sha256.txt",
        "data/package-key.p7m",
        "seal/signature.p7s",
    ] {
        let honest = fs::read(package.join(name)).unwrap();
        for at in 0..honest.len() {
            let mut changed = honest.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(package.join(name), changed).unwrap();
            assert!(!holds(&package, &anchor), "byte {at} of `{name}`");
        }
        fs::write(package.join(name), honest).unwrap();
    }
    assert!(holds(&package, &anchor));
}

fn holds(package: &Path, anchor: &TrustAnchor) -> bool {
    let now = SystemClock.now();
    let signer = |tags: &[u8], signature: &[u8]| {
        let verified = verify_cms_detached(signature, tags, anchor, now).map_err(|error| error.report())?;
        Ok(SignerInfo {
            office: verified.signer(),
            fingerprint: verified.certificate(),
            claimed_at: Some(verified.signing_time()),
        })
    };
    verify_outer(package, Judges::of_signature(&signer)).is_valid()
}
