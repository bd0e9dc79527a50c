//! Envelopes: whatever is admitted was committed by its sender, and whatever is opened was signed.

use crate::{
    input::way,
    scene::{VECTORS, Vectors, now, xa, xb},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use exchange::{Envelope, Statement, admit};
use serde_json::Value;
use vocabulary::Digest;

/// With the second way the digest is made right again, so that changes behind it are reached.
pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 2) else { return };
    let vectors: &Vectors = &VECTORS;
    match way {
        0 => judge(rest, vectors),
        _ => drop(digest_made_right(rest).map(|bytes| judge(&bytes, vectors))),
    }
}

fn judge(bytes: &[u8], vectors: &Vectors) {
    let Ok((envelope, sealed)) = Envelope::from_json(bytes) else { return };
    let again = Envelope::from_json(&envelope.to_json().expect("an envelope becomes JSON"));
    assert_eq!(again, Ok((envelope.clone(), sealed.clone())));
    for last in [None, Some(&vectors.last)] {
        let Ok(admission) = admit(&envelope, xb(), &vectors.a, last, &[], now()) else { continue };
        assert!(vectors.committed.contains(&envelope.committed()), "nobody committed this");
        assert!(
            !admission.linked || last.is_none_or(|last| last.size() <= admission.head.checkpoint().size())
        );
    }
    let Ok(opened) = seal::open(&sealed, &vectors.key, vectors.a.anchor(), now()) else { return };
    assert!(vectors.signed.contains(opened.value()), "nobody signed this");
    let _ = Statement::of_envelope(&opened, envelope.envelope, xa(), envelope.to);
}

fn digest_made_right(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut json: Value = serde_json::from_slice(bytes).ok()?;
    let sealed = STANDARD.decode(json.get("sealed")?.as_str()?).ok()?;
    *json.get_mut("digest")? = Value::String(Digest::of(&sealed).to_string());
    serde_json::to_vec(&json).ok()
}
