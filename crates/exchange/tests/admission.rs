//! Envelopes that a node admits, and those that it refuses before anything is durable.

#![cfg(test)]

#[expect(dead_code, reason = "the receipts' half of the fixture is for the other tests")]
mod fixture;

use exchange::{
    Admission, AdmitFault, CosignedHead, Envelope, EnvelopeFault, MAX_ENVELOPE_BYTES, Statement, admit,
};
use fixture::{Node, envelope, now, seal_by, state};
use ledger::Checkpoint;
use vocabulary::{Digest, Failure, OfficeFunction};

struct Exercise {
    a: Node,
    b: Node,
}

impl Exercise {
    fn new() -> Self {
        Self { a: Node::new("XA", 1), b: Node::new("XB", 2) }
    }

    fn envelope(&mut self) -> Envelope {
        envelope(&mut self.a, &self.b, None)
    }

    fn admit(&self, envelope: &Envelope, last: Option<&Checkpoint>) -> Result<Admission, AdmitFault> {
        admit(envelope, self.b.state, &self.a.peer(), last, &[], now())
    }
}

/// Reads and admits bytes as XB does, and gives back the code of a refusal.
fn take(bytes: &[u8], exercise: &Exercise, peer: &register::Peer) -> Result<Envelope, &'static str> {
    let (envelope, _) = Envelope::from_json(bytes).map_err(|error| error.code())?;
    admit(&envelope, exercise.b.state, peer, None, &[], now()).map_err(|error| error.code())?;
    Ok(envelope)
}

#[test]
fn an_envelope_is_admitted_opened_and_read() {
    let mut exercise = Exercise::new();
    let sent = exercise.envelope();
    let (received, sealed) = Envelope::from_json(&sent.to_json().unwrap()).unwrap();
    assert_eq!(received, sent);
    let admission = exercise.admit(&received, None).unwrap();
    assert!(admission.linked);
    assert_eq!(admission.head.checkpoint().size(), exercise.a.log.size);
    let key = exercise.b.offices[&OfficeFunction::ContactPoint].office_key().unwrap();
    let opened = seal::open(&sealed, &key, exercise.a.peer().anchor(), now()).unwrap();
    let statement =
        Statement::of_envelope(&opened, received.envelope, exercise.a.state, received.to).unwrap();
    assert_eq!(statement, fixture::statement(&exercise.a, &exercise.b, fixture::consultation()));
}

#[test]
fn an_altered_byte_is_refused_or_changes_nothing_that_counts() {
    let mut exercise = Exercise::new();
    let sent = exercise.envelope();
    let bytes = sent.to_json().unwrap();
    let peer = exercise.a.peer();
    let mut harmless = 0;
    for (at, flip) in (0..bytes.len()).flat_map(|at| [(at, 0x01), (at, 0x20)]) {
        let mut altered = bytes.clone();
        altered[at] ^= flip;
        let Ok(taken) = take(&altered, &exercise, &peer) else { continue };
        harmless += 1;
        // Letters of another case in hex, and the time on the road, which nobody signs.
        let same = Envelope { sent_at: sent.sent_at, log: taken.log.clone(), ..taken };
        assert_eq!(same, Envelope { log: same.log.clone(), ..sent.clone() }, "byte {at}");
        assert_eq!(same.log.salt.to_lowercase(), sent.log.salt, "byte {at}");
        assert_eq!(same.log.checkpoint, sent.log.checkpoint, "byte {at}");
    }
    assert!(harmless < 200, "{harmless}");
}

#[test]
fn an_envelope_cut_short_at_any_length_is_refused() {
    let mut exercise = Exercise::new();
    let bytes = exercise.envelope().to_json().unwrap();
    for length in 0..bytes.len() {
        assert_eq!(Envelope::from_json(&bytes[..length]).unwrap_err().code(), "P-511", "{length} bytes");
    }
    let more = [bytes.as_slice(), b"{}"].concat();
    assert_eq!(Envelope::from_json(&more).unwrap_err().code(), "P-511");
}

#[test]
fn an_envelope_larger_than_the_limit_is_refused_unread() {
    let bytes = vec![b' '; MAX_ENVELOPE_BYTES + 1];
    assert_eq!(Envelope::from_json(&bytes), Err(EnvelopeFault::TooLarge { found: MAX_ENVELOPE_BYTES + 1 }));
}

#[test]
fn another_format_a_wrong_digest_and_bad_base64_are_refused() {
    let mut exercise = Exercise::new();
    let sent = exercise.envelope();
    let code = |change: &dyn Fn(&mut Envelope)| {
        let mut changed = sent.clone();
        change(&mut changed);
        Envelope::from_json(&changed.to_json().unwrap()).unwrap_err().code()
    };
    assert_eq!(code(&|e| e.format = "rogatory/envelope/2".to_owned()), "P-512");
    assert_eq!(code(&|e| e.sealed = "not base64!".to_owned()), "P-513");
    assert_eq!(code(&|e| e.sealed.push('=')), "P-513");
    assert_eq!(code(&|e| e.digest = Digest::of(b"other")), "P-514");
    assert_eq!(code(&|e| e.sealed.clear()), "P-514");
    let text = String::from_utf8(sent.to_json().unwrap()).unwrap();
    let more = text.replacen('{', "{\"colour\":\"red\",", 1);
    assert_eq!(Envelope::from_json(more.as_bytes()).unwrap_err().code(), "P-511");
}

#[test]
fn an_envelope_with_other_addresses_or_another_id_is_refused() {
    let mut exercise = Exercise::new();
    let sent = exercise.envelope();
    let code = |change: &dyn Fn(&mut Envelope)| {
        let mut changed = sent.clone();
        change(&mut changed);
        exercise.admit(&changed, None).unwrap_err().code()
    };
    assert_eq!(code(&|e| e.to.state = state("XC")), "P-520");
    assert_eq!(code(&|e| e.from.state = state("XC")), "P-521");
    assert_eq!(code(&|e| e.to.function = OfficeFunction::CentralAuthority), "P-523");
    assert_eq!(code(&|e| e.from.function = OfficeFunction::CentralAuthority), "P-523");
    let other = "0193a8f0-0000-7000-8000-0000000000e2".parse().unwrap();
    assert_eq!(code(&|e| e.envelope = other), "P-523");
}

#[test]
fn a_statement_that_is_not_in_the_log_is_refused() {
    let mut exercise = Exercise::new();
    let sent = exercise.envelope();
    let code = |change: &dyn Fn(&mut Envelope)| {
        let mut changed = sent.clone();
        change(&mut changed);
        exercise.admit(&changed, None).unwrap_err().code()
    };
    assert_eq!(code(&|e| e.log.salt = hex::encode([8; 32])), "P-523");
    assert_eq!(code(&|e| e.log.salt = "short".to_owned()), "P-522");
    assert_eq!(code(&|e| e.log.inclusion.index += 1), "P-523");
    assert_eq!(code(&|e| e.log.inclusion.size += 1), "P-523");
    assert_eq!(code(&|e| e.log.inclusion.hashes.truncate(1)), "P-523");
    let other = seal_by(&exercise.a, OfficeFunction::ContactPoint, &exercise.b, b"other");
    assert_eq!(code(&|e| e.digest = Digest::of(&other)), "P-523");
}

#[test]
fn a_head_signed_by_another_log_key_is_refused() {
    let mut exercise = Exercise::new();
    let sent = exercise.envelope();
    let stranger = Node::new("XA", 5);
    let error = admit(&sent, exercise.b.state, &stranger.peer(), None, &[], now()).unwrap_err();
    assert_eq!(error.code(), "P-920");
    let mut forged = sent.clone();
    forged.log.checkpoint = sent.log.checkpoint.replacen("xa.log.rogatory\n9\n", "xa.log.rogatory\n8\n", 1);
    assert_ne!(forged, sent);
    assert_eq!(exercise.admit(&forged, None).unwrap_err().code(), "P-234");
}

#[test]
fn two_heads_of_one_size_are_a_split_view() {
    let mut exercise = Exercise::new();
    let sent = exercise.envelope();
    let size = exercise.a.log.size;
    let mut fork = Node::new("XA", 1);
    fork.log.grow(u8::try_from(size).unwrap() - 5);
    let other = fork.head(size);
    let peer = exercise.a.peer();
    let seen = admit(&sent, exercise.b.state, &peer, None, std::slice::from_ref(&other), now()).unwrap_err();
    assert_eq!(seen, AdmitFault::SplitView { size });
    let last = admit(&sent, exercise.b.state, &peer, Some(&other), &[], now()).unwrap_err();
    assert_eq!(last, AdmitFault::SplitView { size });
}

#[test]
fn a_log_that_grew_is_admitted_linked() {
    let mut exercise = Exercise::new();
    let last = exercise.a.head(exercise.a.log.size);
    let sent = envelope(&mut exercise.a, &exercise.b, Some(last.size()));
    assert!(exercise.admit(&sent, Some(&last)).unwrap().linked);
    let same = exercise.a.head(exercise.a.log.size);
    assert!(exercise.admit(&sent, Some(&same)).unwrap().linked, "the very head seen last");
}

#[test]
fn a_log_that_was_rewritten_is_refused() {
    let mut exercise = Exercise::new();
    let mut fork = Node::new("XA", 1);
    fork.log.grow(2);
    let last = fork.head(fork.log.size);
    let sent = envelope(&mut exercise.a, &exercise.b, Some(last.size()));
    assert_eq!(exercise.admit(&sent, Some(&last)).unwrap_err().code(), "P-525");
}

#[test]
fn an_older_head_or_one_without_a_proof_is_admitted_unlinked() {
    let mut exercise = Exercise::new();
    let before = exercise.a.head(exercise.a.log.size);
    let sent = exercise.envelope();
    assert!(!exercise.admit(&sent, Some(&before)).unwrap().linked, "no proof");
    exercise.a.log.grow(4);
    let later = exercise.a.head(exercise.a.log.size);
    assert!(!exercise.admit(&sent, Some(&later)).unwrap().linked, "an older head");
    let mut elsewhere = sent.clone();
    elsewhere.log.consistency = Some(exercise.a.log.consistency(2));
    assert!(!exercise.admit(&elsewhere, Some(&before)).unwrap().linked, "a proof from another head");
}

#[test]
fn a_statement_in_another_envelope_or_by_another_signer_is_refused() {
    let exercise = Exercise::new();
    let (contact, central) = (OfficeFunction::ContactPoint, OfficeFunction::CentralAuthority);
    let json = fixture::statement(&exercise.a, &exercise.b, fixture::consultation()).to_json().unwrap();
    let read = |signer: &Node, function, envelope, sender, addressee| {
        let signed = signer.sign(function, &json);
        let opened = seal::verify_cms_attached(&signed, signer.root.anchor(), now()).unwrap();
        Statement::of_envelope(&opened, envelope, sender, addressee).map_err(|error| error.code())
    };
    let (a, b) = (&exercise.a, &exercise.b);
    let (id, other) = (fixture::envelope_id(), "0193a8f0-0000-7000-8000-0000000000e2".parse().unwrap());
    assert!(read(a, contact, id, a.state, b.office(contact)).is_ok());
    assert_eq!(read(a, central, id, a.state, b.office(contact)), Err("P-507"));
    assert_eq!(read(b, contact, id, a.state, b.office(contact)), Err("P-507"));
    assert_eq!(read(a, contact, other, a.state, b.office(contact)), Err("P-505"));
    assert_eq!(read(a, contact, id, state("XC"), b.office(contact)), Err("P-506"));
    assert_eq!(read(a, contact, id, a.state, b.office(central)), Err("P-506"));
}

#[test]
fn what_the_sender_saw_of_our_log_counts_under_its_own_cosignature_only() {
    let mut exercise = Exercise::new();
    exercise.b.log.grow(3);
    let seen_by = |cosigner: &Node, size| {
        let head = exercise.b.head(3);
        let cosignature = ledger::cosignature::cosign(&head.to_string(), &cosigner.cosigner, 1).unwrap();
        Some(CosignedHead { size, root: *head.root(), cosignature })
    };
    let (seen, forged, moved) = (seen_by(&exercise.a, 3), seen_by(&exercise.b, 3), seen_by(&exercise.a, 4));
    let sent = exercise.envelope();
    let honest = sent.clone().with_seen(seen);
    let (read, _) = Envelope::from_json(&honest.to_json().unwrap()).unwrap();
    assert_eq!(exercise.admit(&read, None).unwrap().seen_at, Some(1));
    assert_eq!(exercise.admit(&sent, None).unwrap().seen_at, None);
    for forged in [forged, moved] {
        let refused = exercise.admit(&sent.clone().with_seen(forged), None).unwrap_err();
        assert_eq!(refused.code(), "P-900");
    }
}
