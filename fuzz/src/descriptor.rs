//! Descriptors: raw bytes, content signed by the right root, and the bare JSON.

use crate::{
    input::way,
    scene::{EXERCISE, now},
};
use register::{Descriptor, Peer};
use vocabulary::OfficeFunction;

pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 3) else { return };
    match way {
        0 => verified(rest),
        1 => drop(EXERCISE.b.root.sign(rest, now()).map(|signed| verified(&signed))),
        _ => plain(rest),
    }
}

/// A peer that exists has every certificate and key under its own root, and renews itself by nothing older.
fn verified(signed: &[u8]) {
    let _ = Peer::read(signed, now());
    let Ok(peer) = Peer::verify(signed, now()) else { return };
    let descriptor = peer.descriptor();
    assert_eq!(peer.state(), descriptor.state);
    for entry in &descriptor.offices {
        let certificate = peer.office(entry.office).expect("a peer has the offices that it names");
        let verified = peer.anchor().verify(certificate, now()).expect("it was verified before");
        assert_eq!((verified.office().state, verified.office().function), (peer.state(), entry.office));
    }
    for office in OfficeFunction::ALL {
        let _ = peer.office(office);
    }
    assert_eq!(peer.fingerprint().to_string().len(), 29);
    assert!(peer.endpoint().starts_with("https://"));
    assert!(peer.renew(&peer).is_err() || descriptor.sequence > 0);
    let _ = (peer.profile(), descriptor.name("fr"), peer.log().vkey(), peer.cosigner().vkey());
    let again = Descriptor::from_json(&descriptor.to_json().expect("a descriptor becomes JSON"));
    assert_eq!(again.as_ref().ok(), Some(descriptor));
}

fn plain(bytes: &[u8]) {
    let Ok(descriptor) = Descriptor::from_json(bytes) else { return };
    let again = Descriptor::from_json(&descriptor.to_json().expect("a descriptor becomes JSON"));
    assert_eq!(again.ok(), Some(descriptor));
}
