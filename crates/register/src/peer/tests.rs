//! Descriptors that stand, and those that do not.

use crate::{Declarations, Descriptor, DescriptorError, OfficeEntry, Peer};
use ledger::{CosignerKey, KeyName, LogKey};
use seal::Root;
use std::{collections::BTreeMap, fs, process::Command};
use vocabulary::{Failure, Instant, OfficeFunction, OfficeId, StateCode};
use zeroize::Zeroizing;

const FROM: &str = "2026-01-01T00:00:00Z";
const NOW: &str = "2026-11-24T06:00:00Z";
const UNTIL: &str = "2028-01-01T00:00:00Z";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn now() -> Instant {
    at(NOW)
}

fn state(code: &str) -> StateCode {
    code.parse().unwrap()
}

fn root(code: &str) -> Root {
    Root::generate(state(code), "Republic of Exercise", at(FROM), at("2046-01-01T00:00:00Z")).unwrap()
}

fn certificate(root: &Root, function: OfficeFunction) -> String {
    let office = OfficeId::new(root.state(), function);
    root.issue_office(&office, "Office", at(FROM), at(UNTIL)).unwrap().certificate_pem()
}

fn log_vkey(code: &str) -> String {
    LogKey::from_seed(KeyName::of_log(state(code)), &Zeroizing::new([1; 32])).vkey()
}

fn cosigner_vkey(code: &str) -> String {
    CosignerKey::from_seed(KeyName::of_cosigner(state(code)), &Zeroizing::new([2; 32])).vkey()
}

fn descriptor(root: &Root) -> Descriptor {
    let office = |function: OfficeFunction| OfficeEntry {
        office: function,
        name: format!("The {function}"),
        article: "40(12)".to_owned(),
        contact: "office@example.org".to_owned(),
        certificate: certificate(root, function),
    };
    Descriptor {
        format: Descriptor::format(),
        state: root.state(),
        names: BTreeMap::from([("en".parse().unwrap(), "Exercise".to_owned())]),
        sequence: 3,
        issued: at("2026-11-01T00:00:00Z"),
        valid_until: at("2027-11-01T00:00:00Z"),
        languages: vec!["en".parse().unwrap()],
        zone: "Africa/Nairobi".to_owned(),
        endpoint: "https://node.example:8443".to_owned(),
        offices: OfficeFunction::ALL.into_iter().map(office).collect(),
        declarations: Declarations { convention_in_force: true, ..Declarations::default() },
        root: root.certificate_pem(),
        log: log_vkey(root.state().as_str()),
        cosigner: cosigner_vkey(root.state().as_str()),
        retired: Vec::new(),
    }
}

fn sign(descriptor: &Descriptor, root: &Root) -> Vec<u8> {
    root.sign(&descriptor.to_json().unwrap(), now()).unwrap()
}

/// The code with which the descriptor of XA is refused after `change`.
fn refused(change: impl FnOnce(&mut Descriptor)) -> &'static str {
    let root = root("XA");
    let mut changed = descriptor(&root);
    change(&mut changed);
    Peer::verify(&sign(&changed, &root), now()).unwrap_err().code()
}

#[test]
fn a_descriptor_becomes_a_peer_whose_keys_speak_for_its_state() {
    let root = root("XA");
    let descriptor = descriptor(&root);
    let peer = Peer::verify(&sign(&descriptor, &root), now()).unwrap();
    assert_eq!(peer.state(), state("XA"));
    assert_eq!(peer.descriptor(), &descriptor);
    assert_eq!(peer.fingerprint().to_string().len(), 29);
    assert_eq!(peer.anchor().fingerprint(), root.certificate().fingerprint());
    assert_eq!(peer.log().vkey(), log_vkey("XA"));
    for function in OfficeFunction::ALL {
        let office = peer.office(function).unwrap().office();
        assert_eq!(office, Some(OfficeId::new(state("XA"), function)));
    }
    let profile = peer.profile();
    assert!(profile.convention_in_force && !profile.preservation_needs_dual_criminality);
}

#[test]
fn a_descriptor_signed_by_another_root_is_refused() {
    let (root, other) = (root("XA"), root("XA"));
    let error = Peer::verify(&sign(&descriptor(&root), &other), now()).unwrap_err();
    assert_eq!(error, DescriptorError::Signature);
}

#[test]
fn a_descriptor_signed_by_an_office_instead_of_the_root_is_refused() {
    let root = root("XA");
    let office = OfficeId::new(root.state(), OfficeFunction::CentralAuthority);
    let key = root.issue_office(&office, "Office", at(FROM), at(UNTIL)).unwrap().office_key().unwrap();
    let mut descriptor = descriptor(&root);
    for named in [root.certificate_pem(), key.certificate().to_pem()] {
        descriptor.root = named;
        let json = descriptor.to_json().unwrap();
        let signed = seal::sign_cms(&json, true, key.signing(), key.certificate(), now()).unwrap();
        assert!(Peer::verify(&signed, now()).is_err());
    }
}

#[test]
fn a_root_of_another_state_speaks_for_nobody_else() {
    let other = root("XB");
    let mut forged = descriptor(&other);
    forged.state = state("XA");
    let error = Peer::verify(&sign(&forged, &other), now()).unwrap_err();
    assert_eq!(error.code(), "P-405");
}

#[test]
fn an_office_certificate_of_another_state_or_office_is_refused() {
    let other = root("XB");
    let foreign = certificate(&other, OfficeFunction::CentralAuthority);
    assert_eq!(refused(|d| d.offices[0].certificate = foreign), "P-405");
    assert_eq!(refused(|d| d.offices[0].certificate = d.offices[1].certificate.clone()), "P-406");
    assert_eq!(refused(|d| d.offices[0].certificate = "no certificate".to_owned()), "P-405");
    assert_eq!(refused(|d| d.offices[0].certificate = d.root.clone()), "P-405");
}

#[test]
fn an_office_certificate_that_ended_before_the_descriptor_was_issued_is_refused() {
    let root = root("XA");
    let mut descriptor = descriptor(&root);
    let office = OfficeId::new(root.state(), OfficeFunction::CentralAuthority);
    let old = root.issue_office(&office, "Office", at(FROM), at("2026-10-01T00:00:00Z")).unwrap();
    descriptor.offices[0].certificate = old.certificate_pem();
    assert_eq!(Peer::verify(&sign(&descriptor, &root), now()).unwrap_err().code(), "P-405");
}

#[test]
fn every_office_is_there_exactly_once() {
    for function in OfficeFunction::ALL.into_iter().filter(|function| function.is_needed()) {
        assert_eq!(refused(|d| d.offices.retain(|entry| entry.office != function)), "P-407");
    }
    assert_eq!(refused(|d| d.offices.push(d.offices[0].clone())), "P-407");
}

#[test]
fn a_state_may_do_without_an_extradition_authority_and_a_law_enforcement_office() {
    let root = root("XA");
    let mut descriptor = descriptor(&root);
    descriptor.offices.retain(|entry| entry.office.is_needed());
    let peer = Peer::verify(&sign(&descriptor, &root), now()).unwrap();
    for function in [OfficeFunction::ExtraditionAuthority, OfficeFunction::LawEnforcement] {
        assert_eq!(peer.office(function).unwrap_err().code(), "P-407");
        assert!(!peer.profile().offices.contains(&function));
    }
}

#[test]
fn an_expired_descriptor_is_not_enrolled_and_one_enrolled_before_is_still_read() {
    let root = root("XA");
    let descriptor = descriptor(&root);
    let signed = sign(&descriptor, &root);
    let late = at("2027-12-01T00:00:00Z");
    let until = descriptor.valid_until;
    assert_eq!(Peer::verify(&signed, late).unwrap_err(), DescriptorError::Expired { until });
    assert!(Peer::read(&signed, late).is_ok());
    assert!(Peer::verify(&signed, until).is_ok());
}

#[test]
fn a_clock_an_hour_behind_does_not_refuse_a_fresh_descriptor() {
    let root = root("XA");
    let mut descriptor = descriptor(&root);
    descriptor.issued = at("2026-11-24T07:00:00Z");
    assert!(Peer::verify(&sign(&descriptor, &root), now()).is_ok());
}

#[test]
fn a_renewal_has_the_same_root_and_a_larger_number() {
    let root = root("XA");
    let first = descriptor(&root);
    let peer = |change: &dyn Fn(&mut Descriptor)| {
        let mut changed = first.clone();
        change(&mut changed);
        Peer::verify(&sign(&changed, &root), now()).unwrap()
    };
    let known = peer(&|_| ());
    assert!(known.renew(&peer(&|_| ())).is_ok(), "the same descriptor again");
    assert!(known.renew(&peer(&|d| d.sequence = 4)).is_ok());
    assert_eq!(known.renew(&peer(&|d| d.sequence = 2)).unwrap_err().code(), "P-412");
    let same_number = peer(&|d| d.endpoint = "https://other.example".to_owned());
    assert_eq!(known.renew(&same_number).unwrap_err(), DescriptorError::Older { known: 3, found: 3 });
    let stranger = super::tests::root("XA");
    let other = Peer::verify(&sign(&descriptor(&stranger), &stranger), now()).unwrap();
    assert_eq!(known.renew(&other).unwrap_err().code(), "P-413");
}

#[test]
fn a_zone_that_is_not_in_the_iana_database_is_refused() {
    for zone in ["Mars/Olympus", "", "africa/nairobi", &"A".repeat(10_000)] {
        assert_eq!(refused(|d| d.zone = zone.to_owned()), "P-409", "{zone}");
    }
}

#[test]
fn an_endpoint_is_an_https_address_and_nothing_more() {
    for endpoint in [
        "http://node.example",
        "https://",
        "https:///v1",
        "https://user@node.example",
        "https://node.example/?q",
        "https://node.example/#f",
        "https://node.example/ x",
        "https://node.example\n",
        "HTTPS://node.example",
        "file:///etc/passwd",
        "",
    ] {
        assert_eq!(refused(|d| d.endpoint = endpoint.to_owned()), "P-410", "{endpoint}");
    }
    let root = root("XA");
    for endpoint in ["https://node.example", "https://[::1]:8443", "https://192.0.2.1:8443/rogatory"] {
        let mut descriptor = descriptor(&root);
        descriptor.endpoint = endpoint.to_owned();
        assert!(Peer::verify(&sign(&descriptor, &root), now()).is_ok(), "{endpoint}");
    }
}

#[test]
fn a_log_or_cosigner_key_of_another_state_is_refused() {
    assert_eq!(refused(|d| d.log = log_vkey("XB")), "P-408");
    assert_eq!(refused(|d| d.cosigner = cosigner_vkey("XB")), "P-408");
    assert_eq!(refused(|d| std::mem::swap(&mut d.log, &mut d.cosigner)), "P-408");
    assert_eq!(refused(|d| d.log = "no key".to_owned()), "P-408");
}

#[test]
fn a_descriptor_of_another_format_or_with_an_unknown_member_is_refused() {
    assert_eq!(refused(|d| d.format = "rogatory/descriptor/2".to_owned()), "P-403");
    let root = root("XA");
    let text = String::from_utf8(descriptor(&root).to_json().unwrap()).unwrap();
    let more = text.replacen('{', "{\"colour\": \"red\",", 1);
    let signed = root.sign(more.as_bytes(), now()).unwrap();
    assert_eq!(Peer::verify(&signed, now()).unwrap_err().code(), "P-402");
    let repeated = text.replacen('{', "{\"sequence\": 9,", 1);
    let signed = root.sign(repeated.as_bytes(), now()).unwrap();
    assert_eq!(Peer::verify(&signed, now()).unwrap_err().code(), "P-402");
}

#[test]
fn a_descriptor_of_300_kilobytes_is_refused_unread() {
    assert_eq!(refused(|d| d.offices[0].name = "x".repeat(300 * 1024)), "P-401");
    assert_eq!(Peer::verify(&vec![0x30; 300 * 1024], now()).unwrap_err().code(), "P-401");
}

#[test]
fn a_descriptor_with_an_altered_byte_or_cut_short_is_refused() {
    let root = root("XA");
    let signed = sign(&descriptor(&root), &root);
    for byte in 0..signed.len() {
        let mut altered = signed.clone();
        altered[byte] ^= 1;
        assert!(Peer::verify(&altered, now()).is_err(), "byte {byte}");
    }
    for length in 0..signed.len() {
        assert!(Peer::verify(&signed[..length], now()).is_err(), "{length} bytes");
    }
}

#[test]
fn openssl_accepts_a_descriptor_and_gives_back_what_was_signed() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("openssl is not installed: nothing is judged");
        return;
    }
    let root = root("XA");
    let descriptor = descriptor(&root);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("descriptor.p7m"), sign(&descriptor, &root)).unwrap();
    fs::write(path("root.pem"), root.certificate_pem()).unwrap();
    let run = Command::new("openssl")
        .current_dir(folder.path())
        .args(["cms", "-verify", "-inform", "DER", "-in", "descriptor.p7m", "-CAfile", "root.pem"])
        .args(["-purpose", "any", "-binary", "-attime", "1795500000", "-out", "descriptor.json"])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(fs::read(path("descriptor.json")).unwrap(), descriptor.to_json().unwrap());
}

const OVERLAP: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 60 * 60);

/// XA's descriptors 3 and 4 under one root: the second has another log key and another contact point.
fn renewed(change: impl FnOnce(&mut Descriptor, &Descriptor)) -> (Peer, Peer) {
    let root = root("XA");
    let first = descriptor(&root);
    let mut second = descriptor(&root);
    second.offices.clone_from(&first.offices);
    second.sequence = 4;
    second.issued = at("2026-11-20T00:00:00Z");
    let key = LogKey::from_seed(KeyName::of_log(state("XA")), &Zeroizing::new([7; 32]));
    second.log = key.vkey();
    for entry in second.offices.iter_mut().filter(|entry| entry.office == OfficeFunction::ContactPoint) {
        entry.certificate = certificate(&root, entry.office);
    }
    change(&mut second, &first);
    [first, second].map(|found| Peer::verify(&sign(&found, &root), now()).unwrap()).into()
}

fn head_by(seed: u8) -> String {
    let key = LogKey::from_seed(KeyName::of_log(state("XA")), &Zeroizing::new([seed; 32]));
    let head = ledger::Checkpoint::new(KeyName::of_log(state("XA")), 1, ledger::Hash::leaf(b"x"));
    ledger::checkpoint::sign(&head, &key).unwrap()
}

#[test]
fn a_key_that_was_dropped_without_a_word_is_believed_for_the_overlap() {
    let (first, second) = renewed(|_, _| ());
    let old = first.office(OfficeFunction::ContactPoint).unwrap().fingerprint();
    let peer = second.with_earlier(&[first], OVERLAP);
    let end = at("2026-12-20T00:00:00Z");
    let late = end.plus(std::time::Duration::from_secs(1));
    assert!(peer.open_head(&head_by(1), end).is_ok());
    assert!(peer.open_head(&head_by(7), late).is_ok());
    assert_eq!(peer.open_head(&head_by(1), late).unwrap_err().code(), "P-921");
    assert!(peer.open_vouched_head(&head_by(1)).is_ok());
    assert_eq!(peer.open_vouched_head(&head_by(9)).unwrap_err().code(), "P-920");
    assert!(peer.believes(&old, end).is_ok());
    assert_eq!(peer.believes(&old, late).unwrap_err().code(), "P-921");
    // What no descriptor names is the root's to vouch for.
    assert!(peer.believes(&vocabulary::Digest::of(b"a laboratory"), late).is_ok());
}

#[test]
fn a_state_says_itself_until_when_a_key_is_believed() {
    let soon = at("2026-11-24T07:00:00Z");
    let (first, second) = renewed(|second, first| {
        let log = vocabulary::Digest::of(first.log.as_bytes());
        second.retired.push(crate::RetiredKey { key: log, until: soon, vkey: None });
    });
    let peer = second.with_earlier(&[first], OVERLAP);
    let late = soon.plus(std::time::Duration::from_secs(1));
    assert!(peer.open_head(&head_by(1), soon).is_ok());
    assert_eq!(peer.open_head(&head_by(1), late).unwrap_err().code(), "P-921");
}

#[test]
fn a_reader_of_the_newest_descriptor_alone_knows_what_was_retired() {
    let soon = at("2026-11-24T07:00:00Z");
    let stolen = vocabulary::Digest::of(b"a certificate that we never saw in use");
    let (_, peer) =
        renewed(|second, _| second.retired.push(crate::RetiredKey { key: stolen, until: soon, vkey: None }));
    assert!(peer.believes(&stolen, soon).is_ok());
    let refused = peer.believes(&stolen, soon.plus(std::time::Duration::from_secs(1))).unwrap_err();
    assert_eq!(refused.code(), "P-921");
}

#[test]
fn a_head_of_somebody_elses_log_is_not_a_key_that_may_be_newer() {
    let (_, peer) = renewed(|_, _| ());
    let key = LogKey::from_seed(KeyName::of_log(state("XB")), &Zeroizing::new([1; 32]));
    let head = ledger::Checkpoint::new(KeyName::of_log(state("XB")), 1, ledger::Hash::leaf(b"x"));
    let foreign = ledger::checkpoint::sign(&head, &key).unwrap();
    let refused = peer.open_head(&foreign, now()).unwrap_err();
    assert_eq!((refused.code(), refused.may_be_newer()), ("P-233", false));
    assert!(peer.open_head(&head_by(9), now()).unwrap_err().may_be_newer());
    assert!(!peer.open_head("no note", now()).unwrap_err().may_be_newer());
}

#[test]
fn a_retired_key_that_is_in_use_and_too_many_of_them_are_refused() {
    let retired = |key| crate::RetiredKey { key, until: now(), vkey: None };
    assert_eq!(
        refused(|d| d.retired = vec![retired(vocabulary::Digest::of(d.cosigner.as_bytes()))]),
        "P-922"
    );
    assert_eq!(
        refused(|d| {
            let digest = |n: usize| vocabulary::Digest::of(n.to_string().as_bytes());
            d.retired = (0..=crate::MAX_RETIRED_KEYS).map(|n| retired(digest(n))).collect();
        }),
        "P-922"
    );
}
