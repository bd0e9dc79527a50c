//! A good bundle holds; every kind of tampering is refused with a code that names the thing.

#![cfg(test)]

mod bundle;

use bundle::{ONE, PROOF, TWO, World, at, pack, proof, zip};
use seal::{TimeStampAuthority, TimeStampQuery};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, process::Command};
use verifier::{Instant, Report, Trust, Verdict, inquiry::verify};
use vocabulary::{Digest, OfficeFunction};

fn now() -> Instant {
    Instant::parse("2030-01-01T00:00:00Z").unwrap()
}

fn judged(world: &World, trust: &Trust) -> Report {
    verify("bundle.zip", &world.zip(), trust, now())
}

/// The bundle must be refused with this code, about this thing.
fn refused(world: &World, code: &str, thing: &str) {
    let report = judged(world, &world.trust());
    assert_eq!(report.verdict, Verdict::Fails, "{code} {thing}");
    let named = report.complaints.iter().any(|one| one.code() == code && one.thing.contains(thing));
    assert!(named, "{code} about {thing} is expected: {:#?}", report.complaints);
}

fn folder(id: &str) -> String {
    let number = if id == ONE { "001" } else { "002" };
    format!("envelopes/{number}-{id}")
}

/// Edits the JSON of a file.
fn edit(world: &mut World, path: &str, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&world.files[path]).unwrap();
    change(&mut value);
    world.put(path, value.to_string());
}

#[test]
fn a_good_bundle_holds() {
    let world = World::new();
    let report = judged(&world, &world.trust());
    assert!(report.complaints.is_empty(), "{:#?}", report.complaints);
    assert_eq!(report.verdict, Verdict::Holds);
    assert_eq!(report.rows.len(), 2);
    assert!(report.rows[0].opened.is_some() && report.rows[1].opened.is_none());
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

/// Judges by others: `qpdf` for the form, `pdftotext` for the text; skipped where they are not installed.
#[test]
fn other_programs_read_the_pdf() {
    let scratch = tempfile::tempdir().unwrap();
    let mut world = World::new();
    let good = judged(&world, &world.trust());
    world.put("extra.txt", "x");
    for (name, report) in [("good", good), ("bad", judged(&world, &Trust::default()))] {
        let file = scratch.path().join(format!("{name}.pdf"));
        fs::write(&file, report.to_pdf()).unwrap();
        if let Some(keep) = std::env::var_os("ROGATORY_PICTURES") {
            fs::copy(&file, PathBuf::from(keep).join(format!("{name}.pdf"))).unwrap();
        }
        let Ok(checked) = Command::new("qpdf").arg("--check").arg(&file).output() else {
            println!("skipped: qpdf is not installed");
            continue;
        };
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        let Ok(read) = Command::new("pdftotext").arg(&file).arg("-").output() else {
            println!("skipped: pdftotext is not installed");
            continue;
        };
        let text = String::from_utf8(read.stdout).unwrap();
        for wanted in
            ["What is not proven", "page 1 of ", report.verdict.heading().split(':').next().unwrap()]
        {
            assert!(text.contains(wanted), "{name}: {wanted}");
        }
    }
}

#[test]
fn without_a_fingerprint_the_report_says_what_identity_rests_on() {
    let world = World::new();
    let report = judged(&world, &Trust::default());
    assert_eq!(report.verdict, Verdict::HoldsWithin);
    assert!(report.unproven.iter().any(|line| line.contains("Only the bundle says so")));
    assert!(report.to_text().contains("WHO THE STATES ARE WAS NOT COMPARED"));
}

#[test]
fn a_bundle_without_content_holds() {
    let mut world = World::new();
    world.files.retain(|path, _| !path.ends_with("statement.p7m") && !path.starts_with("objects/"));
    edit(&mut world, "bundle.json", |index| index["content"] = json!(false));
    world.pack();
    let report = judged(&world, &world.trust());
    assert_eq!(report.verdict, Verdict::Holds, "{:#?}", report.complaints);
}

#[test]
fn a_changed_byte_of_any_file_is_named() {
    let world = World::new();
    for path in world.files.keys().filter(|path| !path.starts_with("manifest")) {
        let mut changed = World { files: world.files.clone(), ..World::new_empty() };
        let body = changed.files.get_mut(path).unwrap();
        let middle = body.len() / 2;
        body[middle] ^= 1;
        let report = judged(&changed, &world.trust());
        let named = report.complaints.iter().any(|one| one.code() == "P-972" && one.thing == *path);
        assert!(named, "{path}: {:#?}", report.complaints);
    }
}

/// The exporter itself lies: it changes a file and packs again.
#[test]
fn a_changed_byte_of_any_file_but_texts_is_refused_also_when_the_exporter_packs_again() {
    let world = World::new();
    let unsigned = ["README.txt", "manifest-sha256.txt", "manifest-sha256.p7s"];
    for path in world.files.keys().filter(|path| !unsigned.contains(&path.as_str())) {
        for place in 1..4 {
            let mut files = world.files.clone();
            let body = files.get_mut(path).unwrap();
            let at = body.len() * place / 4;
            body[at] ^= 4;
            pack(&mut files, &world.a.offices[&OfficeFunction::Node]);
            let list: Vec<(&str, &[u8])> =
                files.iter().map(|(name, body)| (name.as_str(), body.as_slice())).collect();
            let report = verify("bundle.zip", &zip(&list), &world.trust(), now());
            // Only a note's line by a key that nobody asked for may differ.
            if report.verdict != Verdict::Fails {
                assert!(loose(path, &world, &files[path]), "{path} at {at} of {}", files[path].len());
            }
        }
    }
}

/// What may differ: `sent_at`, what only the index says, confirmations that become those of nobody known, and proofs of
/// growth from a head that the bundle does not show.
fn loose(path: &str, world: &World, changed: &[u8]) -> bool {
    let before = &world.files[path];
    let at = before.iter().zip(changed).position(|(a, b)| a != b).unwrap_or(0);
    let around =
        String::from_utf8_lossy(&before[at.saturating_sub(30)..(at + 30).min(before.len())]).into_owned();
    path == "bundle.json"
        && ["made_at", "kind", "demonstration", "side"].iter().any(|word| around.contains(word))
        || path.ends_with("envelope.json") && (around.contains("sent_at") || in_growth(before, at))
        || String::from_utf8_lossy(&before[..at]).rsplit('\n').next().is_some_and(|line| {
            let line = format!(
                "{line}{}",
                String::from_utf8_lossy(&before[at..]).lines().next().unwrap_or_default()
            );
            line.starts_with('\u{2014}') && line.contains("witness.rogatory")
        })
}

fn in_growth(envelope: &[u8], at: usize) -> bool {
    let text = String::from_utf8_lossy(envelope);
    let from = text.find("\"consistency\"").unwrap_or(usize::MAX);
    (from..text.find("\"sealed\"").unwrap_or(0)).contains(&at)
}

#[test]
fn a_removed_added_or_renamed_file_is_refused() {
    let mut world = World::new();
    let receipt = format!("{}/receipt.p7m", folder(ONE));
    let body = world.files.remove(&receipt).unwrap();
    refused(&world, "P-971", &receipt);
    world.put(&receipt, body);
    world.put("extra.txt", "x");
    refused(&world, "P-971", "extra.txt");
}

#[test]
fn swapped_receipts_are_refused() {
    let mut world = World::new();
    let (one, two) = (format!("{}/receipt.p7m", folder(ONE)), format!("{}/receipt.p7m", folder(TWO)));
    let (first, second) = (world.files[&one].clone(), world.files[&two].clone());
    world.put(&one, second);
    world.put(&two, first.clone());
    world.pack();
    refused(&world, "P-976", &one);
    // A receipt of the right State for another envelope.
    let mut world = World::new();
    let mut content: Value = receipt_content(&world, ONE);
    content["envelope"] = json!(TWO);
    let signed = world.b.sign(OfficeFunction::Node, content.to_string().as_bytes(), at(bundle::NOW));
    world.put(&one, signed);
    world.pack();
    refused(&world, "P-984", &one);
}

fn receipt_content(world: &World, id: &str) -> Value {
    let bytes = &world.files[&format!("{}/receipt.p7m", folder(id))];
    let node = if id == ONE { &world.b } else { &world.a };
    let verified = seal::verify_cms_attached(bytes, node.root.anchor(), at(bundle::NOW)).unwrap();
    serde_json::from_slice(verified.value()).unwrap()
}

#[test]
fn a_second_receipt_for_one_envelope_contradicts_the_word_of_opening_and_the_record() {
    let mut world = World::new();
    let mut content = receipt_content(&world, ONE);
    content["received_at"] = json!("2026-11-23T06:10:00Z");
    let signed = world.b.sign(OfficeFunction::Node, content.to_string().as_bytes(), at(bundle::NOW));
    world.put(&format!("{}/receipt.p7m", folder(ONE)), signed);
    world.pack();
    refused(&world, "P-986", &folder(ONE));
    refused(&world, "P-987", "events/");
}

#[test]
fn a_removed_negative_proof_is_missed_by_the_index_and_by_the_record() {
    let mut world = World::new();
    world.files.retain(|path, _| !path.contains("proof-not-delivered"));
    world.pack();
    refused(&world, "P-988", &folder(ONE));
    edit(&mut world, "bundle.json", |index| {
        index["envelopes"][0]["steps"].as_array_mut().unwrap().retain(|step| step != "not-delivered");
    });
    world.pack();
    refused(&world, "P-987", "events/0002.json");
}

#[test]
fn a_negative_signed_after_the_step_was_recorded_is_a_contradiction() {
    let mut world = World::new();
    let digest = digest_of(&world, ONE);
    let (node, to) = (OfficeFunction::Node, world.b.office(OfficeFunction::ContactPoint));
    let more = json!({"level": "fail", "rule": "receipt.delivery.fail"});
    let late = proof((&world.a, node), to, "not-delivered", ONE, digest, at("2026-11-25T00:00:00Z"), more);
    add_proof(&mut world, "not-delivered-2", late);
    refused(&world, "P-986", &folder(ONE));
    let mut world = World::new();
    let digest = digest_of(&world, ONE);
    let more = json!({"level": "fail", "rule": "receipt.relay.fail"});
    let late = proof((&world.a, node), to, "not-relayed", ONE, digest, at("2026-11-25T00:00:00Z"), more);
    add_proof(&mut world, "not-relayed-2", late);
    refused(&world, "P-986", &folder(ONE));
}

fn digest_of(world: &World, id: &str) -> Digest {
    let value: Value =
        serde_json::from_slice(&world.files[&format!("{}/envelope.json", folder(id))]).unwrap();
    value["digest"].as_str().unwrap().parse().unwrap()
}

/// Commits a proof to the log of A, so that nothing but its content is wrong.
fn add_proof(world: &mut World, name: &str, signed: Vec<u8>) {
    let entry = world.a.commit(PROOF, Digest::of(&signed));
    let stem = format!("{}/proof-{name}", folder(ONE));
    world.put(&format!("{stem}.p7m"), signed);
    world.write_proof(&stem, true, &entry);
    let word = name.trim_end_matches(|c: char| c == '-' || c.is_ascii_digit());
    edit(world, "bundle.json", |index| {
        index["envelopes"][0]["steps"].as_array_mut().unwrap().push(json!(word))
    });
    world.pack();
}

#[test]
fn a_proof_by_the_wrong_office_or_about_another_envelope_is_refused() {
    let node = OfficeFunction::Node;
    for (id, signer_is_a, code) in [(TWO, true, "P-985"), (ONE, false, "P-976")] {
        let mut world = World::new();
        let digest = digest_of(&world, ONE);
        let signer = if signer_is_a { &world.a } else { &world.b };
        let to = world.b.office(OfficeFunction::ContactPoint);
        let more = json!({"level": "fail", "rule": "receipt.delivery.fail"});
        let signed = proof((signer, node), to, "not-delivered", id, digest, at("2026-11-24T06:05:00Z"), more);
        add_proof(&mut world, "not-delivered-2", signed);
        refused(&world, code, "proof-not-delivered-2.p7m");
    }
    let mut world = World::new();
    let digest = digest_of(&world, ONE);
    let (evidence, to) = (OfficeFunction::EvidenceOffice, world.a.office(OfficeFunction::ContactPoint));
    let more = json!({"receipt": digest, "statement": digest});
    let signed = proof((&world.b, evidence), to, "opened", ONE, digest, at("2026-11-24T06:12:00Z"), more);
    world.put(&format!("{}/proof-opened.p7m", folder(ONE)), signed);
    world.pack();
    refused(&world, "P-985", "proof-opened.p7m");
}

#[test]
fn a_bundle_signed_again_by_another_key_is_refused() {
    let world = World::new();
    for (other, code) in [("XA", "P-976"), ("XB", "P-976")] {
        let mut files = world.files.clone();
        let stranger = bundle::Node::new(other, 9);
        pack(&mut files, &stranger.offices[&OfficeFunction::Node]);
        let changed = World { files, ..World::new_empty() };
        let report = judged(&changed, &world.trust());
        assert!(report.complaints.iter().any(|one| one.code() == code && one.thing == "manifest-sha256.p7s"));
    }
    let mut files = world.files.clone();
    pack(&mut files, &world.a.offices[&OfficeFunction::ContactPoint]);
    let report = judged(&World { files, ..World::new_empty() }, &world.trust());
    assert!(report.complaints.iter().any(|one| one.code() == "P-976"), "another office of the same State");
}

#[test]
fn a_forged_cosignature_is_refused() {
    let mut world = World::new();
    let path = world.path("heads/XA/", ".checkpoint");
    let mallory = bundle::Node::new("XC", 77);
    let head = world.a.head(world.a.log.size);
    // By the right name and id, but not by the right key: the bytes of another signature.
    let note = String::from_utf8(world.files[&path].clone()).unwrap();
    let line = note.lines().last().unwrap();
    let forged = ledger::cosignature::cosign(&head.to_string(), &mallory.cosigner, 1_795_500_630).unwrap();
    let theirs = base64_of(forged.trim_end().rsplit(' ').next().unwrap());
    let mine = base64_of(line.rsplit(' ').next().unwrap());
    let joined = [&mine[..4], &theirs[4..]].concat();
    let changed = note.replace(line.rsplit(' ').next().unwrap(), &to_base64(&joined));
    world.put(&path, changed);
    world.pack();
    refused(&world, "P-982", &path);
    // The same in a receipt.
    let mut world = World::new();
    let mut content = receipt_content(&world, ONE);
    content["head"]["cosignature"] = json!(forged);
    let signed = world.b.sign(OfficeFunction::Node, content.to_string().as_bytes(), at(bundle::NOW));
    world.put(&format!("{}/receipt.p7m", folder(ONE)), signed);
    world.pack();
    refused(&world, "P-982", "receipt.p7m");
}

fn base64_of(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn to_base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn a_head_of_another_log_or_an_older_head_in_its_place_is_refused() {
    let mut world = World::new();
    let path = world.path("heads/XA/", ".checkpoint");
    let other = world.b.signed_head(world.b.log.size, &world.a.cosigner).to_string();
    world.put(&path, other);
    world.pack();
    refused(&world, "P-979", &path);
    let mut world = World::new();
    let older = world.a.signed_head(world.a.log.size - 1, &world.b.cosigner).to_string();
    world.put(&path, older);
    world.pack();
    refused(&world, "P-988", &path);
}

/// The same State keeps a second log with the same key, and shows this one to the court.
#[test]
fn two_faces_of_one_log_are_found_although_each_proof_holds() {
    let mut world = World::new();
    let mut twin = bundle::Node::new("XA", 1);
    let path = "events/0001.json".to_owned();
    let digest = Digest::of(&world.files[&path]);
    for _ in 0..world.a.log.size - 1 {
        twin.commit("rogatory/event/1", Digest::of(b"another past"));
    }
    let entry = twin.commit("rogatory/event/1", digest);
    std::mem::swap(&mut world.a.log, &mut twin.log);
    world.write_proof("events/0001", true, &entry);
    world.pack();
    refused(&world, "P-983", "");
    // At another size, where no two heads can be compared: the paths fix different subtrees.
    let mut world = World::new();
    let mut twin = bundle::Node::new("XA", 1);
    twin.commit("rogatory/event/1", Digest::of(b"another past"));
    let entry = twin.commit("rogatory/event/1", digest_of_file(&world, "events/0001.json"));
    for _ in 0..40 {
        twin.commit("rogatory/event/1", Digest::of(b"another past"));
    }
    std::mem::swap(&mut world.a.log, &mut twin.log);
    world.write_proof("events/0001", true, &entry);
    world.pack();
    refused(&world, "P-983", "");
}

fn digest_of_file(world: &World, path: &str) -> Digest {
    Digest::of(&world.files[path])
}

#[test]
fn another_root_for_a_state_is_refused() {
    let mut world = World::new();
    let stranger = bundle::Node::new("XB", 8);
    world.put("states/XB/root.pem", stranger.root.certificate_pem());
    world.pack();
    refused(&world, "P-977", "states/XB/root.pem");
    // Also without a fingerprint: what the States signed does not stand under it.
    let report = judged(&world, &Trust::default());
    assert_eq!(report.verdict, Verdict::Fails);
    // A root of a third State in its place.
    let third = bundle::Node::new("XC", 8);
    world.put("states/XB/root.pem", third.root.certificate_pem());
    world.pack();
    refused(&world, "P-977", "states/XB/root.pem");
}

/// Everything of XB is made again by somebody with another root: only the fingerprint shows it.
#[test]
fn a_whole_bundle_by_an_impostor_falls_by_the_fingerprint_alone() {
    let (real, forged) = (World::new(), World::new());
    let within = judged(&forged, &Trust::default());
    assert_eq!(within.verdict, Verdict::HoldsWithin);
    let report = judged(&forged, &real.trust());
    assert!(report.complaints.iter().any(|one| one.code() == "P-977"));
}

#[test]
fn a_swapped_statement_is_refused() {
    let mut world = World::new();
    let path = format!("{}/statement.p7m", folder(ONE));
    let other = world.files[&format!("{}/statement.p7m", folder(TWO))].clone();
    world.put(&path, other);
    world.pack();
    refused(&world, "P-976", &path);
    // The right office signs another text for the same envelope: the word of opening names the first.
    let mut world = World::new();
    let verified =
        seal::verify_cms_attached(&world.files[&path], world.a.root.anchor(), at(bundle::NOW)).unwrap();
    let mut content: Value = serde_json::from_slice(verified.value()).unwrap();
    content["message"]["text"] = json!("Something else entirely.");
    let signed = world.a.sign(OfficeFunction::ContactPoint, content.to_string().as_bytes(), at(bundle::NOW));
    world.put(&path, signed);
    world.pack();
    refused(&world, "P-986", &folder(ONE));
}

#[test]
fn a_time_stamp_of_another_head_or_another_authority_is_refused() {
    let mut world = World::new();
    let path = world.path("heads/XA/", ".tsr");
    let other = world.token(b"another head");
    world.put(&path, other);
    world.pack();
    refused(&world, "P-989", &path);
    let mut world = World::new();
    let stranger =
        TimeStampAuthority::generate("Stranger", at("2026-01-01T00:00:00Z"), at("2036-01-01T00:00:00Z"))
            .unwrap();
    let text = world.files[&world.path("heads/XA/", ".text")].clone();
    let query = TimeStampQuery::new(Digest::of(&text), [3; 16]).to_der().unwrap();
    world.put(&path, stranger.answer(&query, [5; 16], at("2026-11-24T07:00:00Z")).unwrap());
    world.pack();
    refused(&world, "P-989", &path);
}

#[test]
fn a_removed_event_is_refused_in_the_middle_and_at_the_end() {
    let last = 5;
    for number in 0..=last {
        let mut world = World::new();
        world.files.retain(|path, _| !path.starts_with(&format!("events/{number:04}")));
        world.pack();
        refused(&world, "P-987", "events");
    }
}

#[test]
fn an_edited_event_is_refused_although_the_chain_is_made_again() {
    let mut world = World::new();
    let mut previous = Value::Null;
    for number in 0..world.events.len() {
        edit(&mut world, &format!("events/{number:04}.json"), |event| {
            if number == 3 {
                event["event"]["received_at"] = json!("2026-11-20T00:00:00Z");
            }
            event["previous"] = previous.clone();
        });
        previous = json!(digest_of_file(&world, &format!("events/{number:04}.json")));
    }
    world.pack();
    refused(&world, "P-980", "events/0003.commitment.json");
    // With openings made again too, the log does not have it.
    let digest = digest_of_file(&world, "events/0003.json");
    edit(&mut world, "events/0003.commitment.json", |opening| opening["digest"] = json!(digest));
    world.pack();
    refused(&world, "P-981", "events/0003.tlog-proof");
}

/// The State withdraws a key: what was received after is not believed, what was received before stands.
#[test]
fn a_withdrawn_key_is_believed_only_for_what_was_received_before() {
    for (until, holds) in [("2026-11-24T06:09:00Z", false), ("2026-11-24T06:30:00Z", true)] {
        let mut world = World::new();
        let issued = &world.a.offices[&OfficeFunction::ContactPoint];
        let key = issued.certificate().fingerprint();
        let mut content = descriptor(&world);
        content["sequence"] = json!(2);
        content["issued"] = json!("2026-11-25T00:00:00Z");
        content["retired"] = json!([{"key": key, "until": until}]);
        let signed = world.a.root.sign(content.to_string().as_bytes(), at("2026-11-25T00:00:00Z")).unwrap();
        world.put("states/XA/descriptor-2.p7m", signed);
        world.pack();
        let report = judged(&world, &world.trust());
        assert_eq!(report.verdict == Verdict::Holds, holds, "{until}: {:#?}", report.complaints);
        assert!(report.notes.iter().any(|note| note.contains("was withdrawn by XA")), "{:?}", report.notes);
        if !holds {
            refused(&world, "P-976", "statement.p7m");
        }
    }
}

fn descriptor(world: &World) -> Value {
    let (content, _) = seal::verify_self_signed(&world.files["states/XA/descriptor-1.p7m"]).unwrap();
    serde_json::from_slice(&content).unwrap()
}

/// A log goes on under a new key; both keys are those of signed descriptions.
#[test]
fn a_log_with_a_new_key_is_one_log() {
    let mut world = World::new();
    let newer = bundle::Node::new("XA", 30);
    let mut content = descriptor(&world);
    content["sequence"] = json!(2);
    content["issued"] = json!("2026-11-25T00:00:00Z");
    content["log"] = json!(newer.log_key.vkey());
    let signed = world.a.root.sign(content.to_string().as_bytes(), at("2026-11-25T00:00:00Z")).unwrap();
    world.put("states/XA/descriptor-2.p7m", signed);
    let old = world.files["states/XA/log.vkey"].clone();
    world.put("states/XA/log-1.vkey", old);
    world.put("states/XA/log.vkey", format!("{}\n", newer.log_key.vkey()));
    let entry = world.a.commit("rogatory/event/1", digest_of_file(&world, "events/0001.json"));
    world.a.log_key = newer.log_key;
    world.write_proof("events/0001", true, &entry);
    world.pack();
    let report = judged(&world, &world.trust());
    assert_eq!(report.verdict, Verdict::Holds, "{:#?}", report.complaints);
    // Another past under the new key is another past of the same log.
    let mut twin = bundle::Node::new("XA", 30);
    let entry = twin.commit("rogatory/event/1", digest_of_file(&world, "events/0001.json"));
    for _ in 0..20 {
        twin.commit("rogatory/event/1", Digest::of(b"another past"));
    }
    std::mem::swap(&mut world.a.log, &mut twin.log);
    world.write_proof("events/0001", true, &entry);
    world.pack();
    refused(&world, "P-983", "");
}

#[test]
fn a_rejection_is_that_of_the_receiver_and_of_this_envelope() {
    let (node, contact) = (OfficeFunction::Node, OfficeFunction::ContactPoint);
    for (signer, about, code) in
        [(node, ONE, None), (contact, ONE, Some("P-976")), (node, TWO, Some("P-985"))]
    {
        let mut world = World::new();
        let digest = digest_of(&world, ONE);
        let when = "2026-11-24T06:14:00Z";
        let report =
            json!({"family": "peer-fault", "code": "P-541", "message": "out of place", "remedy": "none"});
        let statement = json!({"format": "rogatory/statement/1", "envelope": "0193a8f0-0000-7000-8000-0000000000e9",
            "file": ONE, "from": world.b.office(signer), "to": world.a.office(node), "at": when,
            "message": {"type": "rejection", "envelope": about, "sealed": digest, "report": report}});
        let rejection = world.b.sign(signer, statement.to_string().as_bytes(), at(when));
        let more = json!({"statement": Digest::of(&rejection), "code": "P-541"});
        let signed = proof((&world.a, node), world.b.office(node), "rejected", ONE, digest, at(when), more);
        world.put(&format!("{}/rejection.p7m", folder(ONE)), rejection);
        add_proof(&mut world, "rejected", signed);
        match code {
            None => {
                let report = judged(&world, &world.trust());
                assert_eq!(report.verdict, Verdict::Holds, "{:#?}", report.complaints);
            }
            Some(code) => refused(&world, code, "rejection.p7m"),
        }
    }
}

#[test]
fn a_container_that_can_be_read_in_two_ways_is_refused() {
    let world = World::new();
    let mut files: Vec<(&str, &[u8])> =
        world.files.iter().map(|(name, body)| (name.as_str(), body.as_slice())).collect();
    files.push(("README.txt", b"another"));
    for bytes in [
        zip(&files),
        zip(&[("../etc/passwd", b"x")]),
        [world.zip(), b"trailing".to_vec()].concat(),
        [b"leading".to_vec(), world.zip()].concat(),
        world.zip()[..5000].to_vec(),
        b"PK\x05\x06".to_vec(),
        Vec::new(),
    ] {
        let report = verify("bundle.zip", &bytes, &world.trust(), now());
        assert_eq!(report.complaints[0].code(), "P-970");
        assert_eq!(report.verdict, Verdict::Fails);
        assert!(!report.to_pdf().is_empty() && report.to_json().contains("P-970"));
    }
}

#[test]
fn json_that_two_readers_could_read_differently_is_refused() {
    let mut world = World::new();
    let path = "bundle.json";
    let text = String::from_utf8(world.files[path].clone()).unwrap();
    world.put(path, text.replacen('{', "{\"format\": \"rogatory/bundle/1\",", 1));
    world.pack();
    refused(&world, "P-973", path);
    let mut world = World::new();
    world.put(path, "[".repeat(1 << 20));
    world.pack();
    refused(&world, "P-973", path);
}

#[test]
fn a_log_key_that_the_reader_knows_otherwise_is_refused() {
    let world = World::new();
    let mut trust = world.trust();
    trust.add_log(&format!("XB={}", bundle::Node::new("XB", 50).log_key.vkey())).unwrap();
    let report = judged(&world, &trust);
    assert!(report.complaints.iter().any(|one| one.code() == "P-977"));
    let mut trust = world.trust();
    trust.add_log(&format!("XB={}", world.b.log_key.vkey())).unwrap();
    assert_eq!(judged(&world, &trust).verdict, Verdict::Holds);
}

#[test]
fn a_witness_that_the_reader_names_is_counted() {
    let mut world = World::new();
    let witness = bundle::Node::new("XW", 60).cosigner;
    let size = world.a.log.size;
    let mut head = world.a.signed_head(size, &world.b.cosigner);
    let line = ledger::cosignature::cosign(head.body(), &witness, 1_795_500_700).unwrap();
    head.add_cosignature(&line, witness.verifier()).unwrap();
    let path = format!("{}/statement.tlog-proof", folder(ONE));
    let text = String::from_utf8(world.files[&path].clone()).unwrap();
    let (top, _) = text.split_once("\n\n").unwrap();
    world.put(&path, format!("{top}\n\n{head}"));
    world.pack();
    let mut trust = world.trust();
    trust.add_witness(&witness.vkey()).unwrap();
    let report = judged(&world, &trust);
    assert_eq!(report.verdict, Verdict::Holds, "{:#?}", report.complaints);
    assert!(report.proven.iter().any(|line| line.contains("the witness xw.witness.rogatory")));
    assert!(report.forgery.iter().any(|line| line.contains("3 parties in all")), "{:#?}", report.forgery);
}
