//! Time-stamps against `openssl ts`, `openssl cms`, pyHanko and everything that can be wrong with them.

use super::*;
use crate::{
    Certificate, decrypt_cms, encrypt_cms,
    judge::{FROM, Judge, UNTIL, at, authority, now, root},
    sign_cms, verify_cms_detached,
};
use der::Decode as _;
use std::{path::Path, process::Command};
use vocabulary::{Digest, Failure as _, Instant};

const DATA: &[u8] = b"the tag manifest of a package\n";
const NONCE: [u8; 16] = [0xa7; 16];
const SERIAL: [u8; 16] = [0x5e; 16];

fn demonstration() -> TimeStampAuthority {
    TimeStampAuthority::generate("Exercise", at(FROM), at(UNTIL)).unwrap()
}

fn query(data: &[u8]) -> TimeStampQuery {
    TimeStampQuery::new(Digest::of(data), NONCE)
}

fn stamped(authority: &TimeStampAuthority, data: &[u8]) -> Vec<u8> {
    authority.answer(&query(data).to_der().unwrap(), SERIAL, now()).unwrap()
}

fn refusal(response: &[u8], data: &[u8], anchors: &[Certificate]) -> &'static str {
    verify_time_stamp(response, data, anchors).unwrap_err().code()
}

/// An authority by `openssl`: a root `tsaca` and a certificate `tsa` with the extended key usage `usage`.
fn openssl_authority(judge: &Judge, key: &str, usage: &str) -> Certificate {
    judge.must(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout tsaca.key -out tsaca.pem -days 900 \
         -subj /O=Somewhere/CN=Root -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign",
    );
    judge.put("tsa.ext", format!("keyUsage=critical,digitalSignature\n{usage}\n"));
    judge.must(&format!("genpkey {key} -out tsa.key"));
    judge.must("req -new -key tsa.key -subj /O=Somewhere/CN=Clock -out tsa.csr");
    judge.must(
        "x509 -req -in tsa.csr -CA tsaca.pem -CAkey tsaca.key -days 800 -extfile tsa.ext -out tsa.pem -sha256",
    );
    judge.put("serial", "01\n");
    Certificate::from_pem(&judge.text("tsaca.pem")).unwrap()
}

fn configure(judge: &Judge, more: &str) {
    judge.put(
        "tsa.cnf",
        format!(
            "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\ndefault_policy=1.2.3.4.1\ndigests=sha256,sha384\n\
             accuracy=secs:1\nordering=no\ntsa_name=yes\n{more}\n"
        ),
    );
}

const REPLY: &str = "ts -reply -config tsa.cnf -queryfile q.tsq -signer tsa.pem -inkey tsa.key -out r.tsr";

#[test]
fn a_time_stamp_says_when_and_by_whom() {
    let tsa = demonstration();
    let response = stamped(&tsa, DATA);
    let stamp = verify_time_stamp(&response, DATA, &[tsa.root().clone()]).unwrap();
    assert_eq!(stamp.at, now());
    assert_eq!(stamp.certificate, tsa.certificate().fingerprint());
    assert!(stamp.demonstration && stamp.authority.contains("demonstration time-stamp authority"));
    assert_eq!(query(DATA).check_answer(&response), Ok(()));
    let other = TimeStampQuery::new(Digest::of(DATA), [1; 16]);
    assert_eq!(other.check_answer(&response), Err(TimeStampError::OtherNonce));
    assert_eq!(query(b"other").check_answer(&response), Err(TimeStampError::OtherData));
}

#[test]
fn an_authority_is_kept_in_three_texts() {
    let tsa = demonstration();
    let (root, certificate) = (tsa.root().to_pem(), tsa.certificate().to_pem());
    let again = TimeStampAuthority::from_pem(&root, &certificate, tsa.key_pem()).unwrap();
    assert!(verify_time_stamp(&stamped(&again, DATA), DATA, &[tsa.root().clone()]).is_ok());
    let other = demonstration();
    assert!(TimeStampAuthority::from_pem(&root, &certificate, other.key_pem()).is_err());
    assert!(TimeStampAuthority::from_pem(&other.root().to_pem(), &certificate, tsa.key_pem()).is_err());
    assert!(TimeStampAuthority::from_pem(&root, &root, tsa.key_pem()).is_err());
    assert!(!format!("{tsa:?}").contains("PRIVATE"));
}

#[test]
fn openssl_verifies_our_time_stamp_and_refuses_another_file() {
    let Some(judge) = Judge::call() else { return };
    let tsa = demonstration();
    judge.put("F", DATA);
    judge.put("F.tsr", stamped(&tsa, DATA));
    judge.put("ca.pem", tsa.root().to_pem());
    judge.put("q.tsq", query(DATA).to_der().unwrap());
    judge.must("ts -verify -data F -in F.tsr -CAfile ca.pem -attime {now}");
    judge.must("ts -verify -queryfile q.tsq -in F.tsr -CAfile ca.pem -attime {now}");
    let shown = judge.must("ts -reply -in F.tsr -text").stdout;
    assert!(String::from_utf8_lossy(&shown).contains("Nov 15 08:00:00 2026 GMT"));
    judge.put("F", b"another");
    assert!(!judge.run("ts -verify -data F -in F.tsr -CAfile ca.pem -attime {now}").ok);
}

#[test]
fn openssl_queries_are_answered_and_strange_ones_are_rejected() {
    let Some(judge) = Judge::call() else { return };
    let tsa = demonstration();
    judge.put("F", DATA);
    judge.put("ca.pem", tsa.root().to_pem());
    judge.put("tsa.pem", tsa.certificate().to_pem());
    for (options, status) in [
        ("-sha256 -cert", 0),
        ("-sha256 -cert -no_nonce", 0),
        ("-sha384 -cert", 0),
        ("-sha256", 0),
        ("-sha1 -cert", 2),
        ("-sha256 -cert -tspolicy 1.2.3.4", 2),
    ] {
        judge.must(&format!("ts -query -data F {options} -out q.tsq"));
        let response = tsa.answer(&judge.get("q.tsq"), SERIAL, now()).unwrap();
        judge.put("F.tsr", &response);
        let verify = "ts -verify -queryfile q.tsq -in F.tsr -CAfile ca.pem -untrusted tsa.pem -attime {now}";
        assert_eq!(judge.run(verify).ok, status == 0, "{options}");
        let ours = verify_time_stamp(&response, DATA, &[tsa.root().clone()]);
        match status {
            0 if options.contains("-cert") => assert!(ours.is_ok(), "{options}"),
            0 => assert_eq!(ours.unwrap_err().code(), "P-675", "no certificate came along"),
            status => assert_eq!(ours, Err(TimeStampError::NotGranted { status })),
        }
    }
    let late = tsa.answer(&query(DATA).to_der().unwrap(), SERIAL, at("2030-01-01T00:00:00Z")).unwrap();
    assert_eq!(refusal(&late, DATA, &[tsa.root().clone()]), "P-663");
    for bytes in [&b""[..], b"x", &[0x30; 70_000], &[0x30, 0x80, 0, 0]] {
        let response = tsa.answer(bytes, SERIAL, now()).unwrap();
        assert_eq!(refusal(&response, DATA, &[tsa.root().clone()]), "P-663");
    }
}

#[test]
fn we_believe_what_openssl_stamps() {
    let Some(judge) = Judge::call() else { return };
    let usage = "extendedKeyUsage=critical,timeStamping";
    judge.put("F", DATA);
    for (key, more) in [
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "signer_digest=sha256\ness_cert_id_alg=sha256"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "signer_digest=sha256\ness_cert_id_alg=sha1"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "signer_digest=sha384\ness_cert_id_alg=sha384"),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:3072", "signer_digest=sha256\nclock_precision_digits=3"),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:3072", "signer_digest=sha384\ncerts=tsaca.pem"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "signer_digest=sha256\ncerts=tsaca.pem"),
    ] {
        let root = openssl_authority(&judge, key, usage);
        configure(&judge, more);
        judge.put("q.tsq", query(DATA).to_der().unwrap());
        judge.must(REPLY);
        let response = judge.get("r.tsr");
        let stamp = verify_time_stamp(&response, DATA, std::slice::from_ref(&root));
        let stamp = stamp.unwrap_or_else(|error| panic!("{key} {more}: {error}"));
        assert!(!stamp.demonstration && stamp.at.seconds() > root.valid_from().seconds() - 60);
        assert_eq!(query(DATA).check_answer(&response), Ok(()));
        judge.must(&format!("{REPLY} -token_out").replace("r.tsr", "r.tst"));
        assert!(verify_time_stamp(&judge.get("r.tst"), DATA, std::slice::from_ref(&root)).is_ok());
        assert_eq!(refusal(&response, b"another", std::slice::from_ref(&root)), "P-665");
        assert_eq!(refusal(&response, DATA, &[demonstration().root().clone()]), "P-667");
        assert_eq!(refusal(&response, DATA, &[]), "P-667");
    }
}

#[test]
fn an_issuer_between_the_root_and_the_authority_comes_with_the_token() {
    let Some(judge) = Judge::call() else { return };
    let key = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
    let root = openssl_authority(&judge, key, "extendedKeyUsage=critical,timeStamping");
    judge.put("sub.ext", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n");
    judge.must(&format!("genpkey {key} -out sub.key"));
    judge.must("req -new -key sub.key -subj /O=Somewhere/CN=Between -out sub.csr");
    judge
        .must("x509 -req -in sub.csr -CA tsaca.pem -CAkey tsaca.key -days 850 -extfile sub.ext -out sub.pem");
    judge.must("x509 -req -in tsa.csr -CA sub.pem -CAkey sub.key -days 800 -extfile tsa.ext -out tsa.pem");
    judge.put("F", DATA);
    judge.put("q.tsq", query(DATA).to_der().unwrap());
    configure(&judge, "signer_digest=sha256\ncerts=sub.pem");
    judge.must(REPLY);
    assert!(verify_time_stamp(&judge.get("r.tsr"), DATA, std::slice::from_ref(&root)).is_ok());
    configure(&judge, "signer_digest=sha256");
    judge.must(REPLY);
    assert_eq!(refusal(&judge.get("r.tsr"), DATA, &[root]), "P-667");
}

#[test]
fn an_authority_whose_certificate_is_not_for_time_alone_is_refused() {
    let Some(judge) = Judge::call() else { return };
    let key = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
    let tsa = demonstration();
    let template = stamped(&tsa, DATA);
    for usage in [
        "extendedKeyUsage=timeStamping",
        "extendedKeyUsage=critical,timeStamping,emailProtection",
        "extendedKeyUsage=critical,emailProtection",
        "",
    ] {
        let root = openssl_authority(&judge, key, usage);
        let certificate = Certificate::from_pem(&judge.text("tsa.pem")).unwrap();
        let refused =
            token::check_authority(&certificate, &[], certificate.valid_from(), std::slice::from_ref(&root));
        assert_eq!(refused, Err(TimeStampError::WrongUsage), "{usage}");
        let made =
            TimeStampAuthority::from_pem(&root.to_pem(), &certificate.to_pem(), &judge.text("tsa.key"));
        assert!(made.is_err());
    }
    assert!(verify_time_stamp(&template, DATA, &[tsa.root().clone()]).is_ok());
    assert_eq!(refusal(&template, DATA, &[tsa.certificate().clone()]), "P-667", "a leaf is no anchor");
}

#[test]
fn an_authority_is_believed_in_its_own_time_only() {
    let (early, late) = (at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z"));
    let tsa = TimeStampAuthority::generate("Exercise", early, late).unwrap();
    let check = |at: Instant| token::check_authority(tsa.certificate(), &[], at, &[tsa.root().clone()]);
    assert_eq!(check(early), Ok(()));
    assert_eq!(check(late), Ok(()));
    assert_eq!(check(at("2026-03-01T00:00:01Z")).unwrap_err().code(), "P-668");
    assert_eq!(check(at("2026-01-31T23:59:59Z")).unwrap_err().code(), "P-669");
    let query: structure::TimeStampReq = crate::structure::strict(&query(DATA).to_der().unwrap()).unwrap();
    for (time, code) in [(now(), "P-668"), (at("2026-01-01T00:00:00Z"), "P-669")] {
        let token = tsa.token(query.clone(), SERIAL, time).unwrap();
        assert_eq!(refusal(&token, DATA, &[tsa.root().clone()]), code);
    }
}

#[test]
fn of_several_time_stamps_in_a_signature_one_that_is_believed_is_enough() {
    let (root, ours, theirs) = (root("XA"), demonstration(), demonstration());
    let office = authority(&root);
    let signed = sign_cms(DATA, false, office.signing(), office.certificate(), now()).unwrap();
    let value = signature_value(&signed).unwrap();
    let mut with =
        crate::verify::read(&attach_time_stamp(&signed, &stamped(&theirs, &value)).unwrap()).unwrap();
    let mut signer = with.signer_infos.0.get(0).unwrap().clone();
    let mut add = |response: Vec<u8>| {
        let token = der::Any::from_der(&token::Token::read(&response).unwrap().into_der()).unwrap();
        let mut attribute = signer.unsigned_attrs.as_ref().unwrap().get(0).unwrap().clone();
        attribute.values.insert(token).unwrap();
        signer.unsigned_attrs = Some([attribute].into_iter().collect::<Vec<_>>().try_into().unwrap());
        with.signer_infos = cms::signed_data::SignerInfos::try_from(vec![signer.clone()]).unwrap();
        crate::structure::wrap_content(&with, const_oid::db::rfc5911::ID_SIGNED_DATA).unwrap()
    };
    let both = add(stamped(&ours, &value));
    for tsa in [&ours, &theirs] {
        let stamp = embedded_time_stamp(&both, &[tsa.root().clone()]).unwrap().unwrap();
        assert_eq!(stamp.certificate, tsa.certificate().fingerprint());
    }
    assert_eq!(embedded_time_stamp(&both, &[demonstration().root().clone()]).unwrap_err().code(), "P-667");
    assert!(verify_cms_detached(&both, DATA, root.anchor(), now()).is_ok());
    add(stamped(&ours, DATA));
    add(stamped(&demonstration(), &value));
    let many = add(stamped(&demonstration(), &value));
    assert_eq!(embedded_time_stamp(&many, &[ours.root().clone()]).unwrap_err().code(), "P-662");
}

#[test]
fn every_byte_of_a_token_that_is_changed_is_noticed() {
    let tsa = demonstration();
    let anchors = [tsa.root().clone()];
    let response = stamped(&tsa, DATA);
    let token = token::Token::read(&response).unwrap().into_der();
    let mut unnoticed = Vec::new();
    for position in 0..token.len() {
        for mask in [0x01, 0x20, 0x80, 0xff] {
            let mut altered = token.clone();
            altered[position] ^= mask;
            if verify_time_stamp(&altered, DATA, &anchors).is_ok() {
                unnoticed.push((position, mask));
            }
        }
    }
    assert_eq!(unnoticed, []);
    for length in 0..response.len() {
        assert!(verify_time_stamp(&response[..length], DATA, &anchors).is_err());
    }
    assert!(verify_time_stamp(&[response.as_slice(), &[0]].concat(), DATA, &anchors).is_err());
    assert_eq!(refusal(&vec![0x30; 70_000], DATA, &anchors), "P-661");
    let office = authority(&root("XA"));
    let statement = sign_cms(DATA, true, office.signing(), office.certificate(), now()).unwrap();
    assert_eq!(refusal(&statement, DATA, &anchors), "P-664");
}

#[test]
fn a_signature_carries_its_time_stamp_and_stays_what_it_was() {
    let Some(judge) = Judge::call() else { return };
    let (root, tsa) = (root("XA"), demonstration());
    let anchors = [tsa.root().clone()];
    let office = authority(&root);
    let signed = sign_cms(DATA, false, office.signing(), office.certificate(), now()).unwrap();
    assert_eq!(embedded_time_stamp(&signed, &anchors), Ok(None));
    let value = signature_value(&signed).unwrap();
    let with = attach_time_stamp(&signed, &stamped(&tsa, &value)).unwrap();
    assert_eq!(signature_value(&with).unwrap(), value);
    assert_eq!(verify_cms_detached(&with, DATA, root.anchor(), now()).unwrap().signer().state, root.state());
    let stamp = embedded_time_stamp(&with, &anchors).unwrap().unwrap();
    assert_eq!((stamp.at, stamp.demonstration), (now(), true));
    assert_eq!(embedded_time_stamp(&with, &[]).unwrap_err().code(), "P-667");
    assert_eq!(attach_time_stamp(&with, &stamped(&tsa, &value)).unwrap_err().code(), "R-664");
    assert_eq!(attach_time_stamp(&signed, &stamped(&tsa, DATA)).unwrap_err().code(), "P-665");
    assert_eq!(attach_time_stamp(b"x", &stamped(&tsa, &value)).unwrap_err().code(), "P-676");
    judge.put("s.p7s", &with);
    judge.put("content", DATA);
    judge.put("root.pem", root.certificate_pem());
    judge.must(
        "cms -verify -cades -binary -inform DER -in s.p7s -content content -CAfile root.pem -attime {now} \
         -purpose any -out out",
    );
    let shown = judge.must("cms -cmsout -print -inform DER -in s.p7s").stdout;
    assert!(String::from_utf8_lossy(&shown).contains("id-smime-aa-timeStampToken"));
}

#[test]
fn pyhanko_finds_the_signature_and_its_time_stamp_valid() {
    let Some(judge) = Judge::call() else { return };
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/venv/bin/pyhanko");
    if !program.exists() {
        eprintln!("skipped: pyhanko is not installed");
        return;
    }
    // pyHanko has no clock of its own to set: what it judges is valid on the day of the test.
    let (from, until) = (at("2024-01-01T00:00:00Z"), at("2045-01-01T00:00:00Z"));
    let tsa = TimeStampAuthority::generate("Exercise", from, until).unwrap();
    let root =
        crate::Root::generate("XA".parse().unwrap(), "Exercise", from, at("2046-01-01T00:00:00Z")).unwrap();
    let id = vocabulary::OfficeId::new(root.state(), vocabulary::OfficeFunction::EvidenceOffice);
    let office = root.issue_office(&id, "Laboratory", from, until).unwrap().office_key().unwrap();
    let time = at("2025-06-01T12:00:00Z");
    let signed = sign_cms(DATA, false, office.signing(), office.certificate(), time).unwrap();
    let value = TimeStampQuery::new(Digest::of(&signature_value(&signed).unwrap()), NONCE);
    let response = tsa.answer(&value.to_der().unwrap(), SERIAL, time).unwrap();
    judge.put("s.p7s", attach_time_stamp(&signed, &response).unwrap());
    judge.put("content", DATA);
    judge.put("root.pem", root.certificate_pem());
    judge.put("tsa.pem", tsa.root().to_pem());
    let output = Command::new(program)
        .args("sign validate --pretty-print --no-revocation-check --trust-replace".split(' '))
        .arg("--trust")
        .arg(judge.path("root.pem"))
        .arg("--trust")
        .arg(judge.path("tsa.pem"))
        .arg("--detached")
        .args([judge.path("s.p7s"), judge.path("content")])
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("VALID") && !said.contains("INVALID"), "{said}");
    assert!(said.contains("demonstration time-stamp authority"), "{said}");
}

#[test]
fn an_envelope_is_no_time_stamp() {
    let office = authority(&root("XA"));
    let envelope = encrypt_cms(DATA, &[office.certificate().clone()]).unwrap();
    assert!(decrypt_cms(&envelope, office.decryption(), office.certificate()).is_ok());
    assert_eq!(refusal(&envelope, DATA, &[demonstration().root().clone()]), "P-664");
}
