//! Signed and sealed messages: what verifies was signed, what opens is what was sealed, and an altered byte changes neither.

use crate::{
    input::{altered, way},
    scene::{EXERCISE, VECTORS, now},
};
use seal::{DetachedContent, Sealed};

pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 4) else { return };
    match way {
        0 => signed(rest),
        1 => sealed(rest),
        2 => drop(ours_signed(rest)),
        _ => drop(ours_sealed(rest)),
    }
}

fn signed(der: &[u8]) {
    let vectors = &*VECTORS;
    for peer in [&vectors.a, &vectors.b] {
        if let Ok(verified) = seal::verify_cms_attached(der, peer.anchor(), now()) {
            assert!(vectors.signed.contains(verified.value()), "nobody signed this");
            assert_eq!(verified.signer().state, peer.state());
        }
        for content in vectors.signed.iter().take(2) {
            let _ = seal::verify_cms_detached(der, DetachedContent::from(content), peer.anchor(), now());
        }
    }
    if let Ok((_, root)) = seal::verify_self_signed(der) {
        assert!(!root.der().is_empty());
    }
    let _ = seal::signature_value(der);
}

fn sealed(der: &[u8]) {
    let vectors = &*VECTORS;
    let count = seal::recipient_count(der);
    assert!(count.as_ref().is_ok_and(|count| *count <= seal::MAX_RECIPIENTS) || count.is_err());
    let read = Sealed::<Vec<u8>>::from_der(der.to_vec());
    assert!(read.is_ok() || count.is_err());
    if let Ok(sealed) = read {
        assert_eq!(sealed.into_der(), der);
    }
    let _ = seal::decrypt_cms(der, vectors.key.decryption(), vectors.key.certificate());
    if let Ok(opened) = seal::open(der, &vectors.key, vectors.a.anchor(), now()) {
        assert!(vectors.signed.contains(opened.value()), "nobody signed this");
    }
}

/// A message signed here, then one byte of it altered.
fn ours_signed(data: &[u8]) -> Option<()> {
    let exercise = &*EXERCISE;
    let (how, content) = data.split_first_chunk::<4>()?;
    let attached = how[3] & 1 == 0;
    let der = seal::sign_cms(content, attached, exercise.node.signing(), exercise.node.certificate(), now())
        .ok()?;
    let altered = altered(&der, how)?;
    let anchor = exercise.peer_b.anchor();
    match attached {
        true => {
            let good = seal::verify_cms_attached(&der, anchor, now()).expect("our own signature");
            assert_eq!(good.value(), content);
            if let Ok(taken) = seal::verify_cms_attached(&altered, anchor, now()) {
                assert_eq!(taken.value(), content);
                assert_eq!(taken.signing_time(), good.signing_time());
                assert_eq!(taken.signer(), good.signer());
            }
        }
        false => {
            let good = seal::verify_cms_detached(&der, content, anchor, now()).expect("our own signature");
            let other = [content, b"x"].concat();
            assert!(seal::verify_cms_detached(&der, &other, anchor, now()).is_err());
            if let Ok(taken) = seal::verify_cms_detached(&altered, content, anchor, now()) {
                assert_eq!(taken.signing_time(), good.signing_time());
                assert_eq!(taken.signer(), good.signer());
            }
        }
    }
    Some(())
}

/// A message sealed here, then one byte of it altered.
fn ours_sealed(data: &[u8]) -> Option<()> {
    let exercise = &*EXERCISE;
    let (how, content) = data.split_first_chunk::<3>()?;
    let contact = &exercise.contact;
    let der = seal::encrypt_cms(content, &[contact.certificate().clone()]).ok()?;
    let open = |der: &[u8]| seal::decrypt_cms(der, contact.decryption(), contact.certificate());
    assert_eq!(open(&der).as_deref(), Ok(content));
    assert_eq!(seal::recipient_count(&der), Ok(1));
    if let Ok(taken) = open(&altered(&der, how)?) {
        assert_eq!(taken, content, "an altered message opens to something else");
    }
    Some(())
}
