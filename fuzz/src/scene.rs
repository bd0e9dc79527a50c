//! Two States that the targets speak for: the signed vectors of the specification, and an exercise with keys of its own.

use crate::fixture::Node;
use exchange::{Envelope, Receipt, admit};
use ledger::{Checkpoint, checkpoint};
use register::Peer;
use seal::{Certificate, OfficeKey, TimeStampAuthority};
use std::{collections::BTreeSet, sync::LazyLock};
use vocabulary::{Digest, EnvelopeId, Instant, OfficeFunction, StateCode};

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../../spec/vectors/exchange/", $name)).as_slice()
    };
}

/// Envelopes of XA to XB that a log key signed, good and bad.
pub const ENVELOPES: [&[u8]; 10] = [
    vector!("envelope.json"),
    vector!("linked.envelope.json"),
    vector!("bad-inner-id.envelope.json"),
    vector!("bad-inner-office.envelope.json"),
    vector!("bad-inner-format.envelope.json"),
    vector!("bad-signer.envelope.json"),
    vector!("bad-root.envelope.json"),
    vector!("bad-content.envelope.json"),
    vector!("bad-rewritten.envelope.json"),
    vector!("bad-long.envelope.json"),
];
pub const RECEIPTS: [&[u8]; 7] = [
    vector!("receipt.p7m"),
    vector!("bad-addresses.receipt.p7m"),
    vector!("bad-content.receipt.p7m"),
    vector!("bad-cosignature.receipt.p7m"),
    vector!("bad-digest.receipt.p7m"),
    vector!("bad-log.receipt.p7m"),
    vector!("bad-signer.receipt.p7m"),
];
pub const DESCRIPTORS: [&[u8]; 4] = [
    vector!("xa.descriptor.p7m"),
    vector!("xb.descriptor.p7m"),
    vector!("bad-log-key.descriptor.p7m"),
    vector!("bad-root.descriptor.p7m"),
];
pub const STATEMENT: &[u8] = vector!("statement.json");
pub const CERTIFICATE_PEM: &[u8] = vector!("TEST-ONLY-xb-contact-point.cert.pem");
pub const KEY_PEM: &[u8] = vector!("TEST-ONLY-xb-contact-point.key.pem");
pub const ROOT_PEM: &[u8] = vector!("xa.root.pem");
const LAST: &str = "xa.log.rogatory\n5\npy45lhg7SXzg0elilmaxfstU7P5jJ3gREui9/oB7ppQ=\n";

pub fn now() -> Instant {
    "2026-11-24T06:10:00Z".parse().expect("an instant")
}

pub fn xa() -> StateCode {
    "XA".parse().expect("a State")
}

pub fn xb() -> StateCode {
    "XB".parse().expect("a State")
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("a vector in PEM")
}

/// What the vectors of the exchange hold.
pub struct Vectors {
    pub a: Peer,
    pub b: Peer,
    /// Of the contact point of XB.
    pub key: OfficeKey,
    /// A head of XA's log that XB saw before.
    pub last: Checkpoint,
    /// What XA committed: id, addresses and sealed bytes.
    pub committed: BTreeSet<Digest>,
    /// Everything that an office of XA or XB ever signed here.
    pub signed: BTreeSet<Vec<u8>>,
    pub envelope: EnvelopeId,
    pub digest: Digest,
    /// The certificates that the two roots issued.
    pub issued: BTreeSet<Digest>,
}

pub static VECTORS: LazyLock<Vectors> = LazyLock::new(|| {
    let a = Peer::verify(DESCRIPTORS[0], now()).expect("the descriptor of XA");
    let b = Peer::verify(DESCRIPTORS[1], now()).expect("the descriptor of XB");
    let key = OfficeKey::from_pem(text(CERTIFICATE_PEM), text(KEY_PEM)).expect("a key");
    let read = |bytes: &&[u8]| Envelope::from_json(bytes).expect("an envelope");
    let envelopes: Vec<_> = ENVELOPES.iter().map(read).collect();
    let admitted = envelopes.iter().filter(|(envelope, _)| admit(envelope, xb(), &a, None, &[], now()).is_ok());
    let committed = admitted.map(|(envelope, _)| envelope.committed()).collect();
    let mut signed: BTreeSet<Vec<u8>> = envelopes
        .iter()
        .filter_map(|(_, sealed)| Some(seal::open(sealed, &key, a.anchor(), now()).ok()?.into_value()))
        .collect();
    signed.extend(
        RECEIPTS
            .iter()
            .filter_map(|der| Some(seal::verify_cms_attached(der, b.anchor(), now()).ok()?.into_value())),
    );
    // The roots sign only descriptors, and no office.
    let issued = [&a, &b]
        .into_iter()
        .flat_map(|peer| {
            let offices = OfficeFunction::ALL.into_iter().filter_map(|office| peer.office(office).ok());
            offices.map(|certificate| certificate.fingerprint()).collect::<Vec<_>>()
        })
        .collect();
    let (first, _) = envelopes.first().expect("ten envelopes");
    let (envelope, digest) = (first.envelope, first.digest);
    let last = LAST.parse().expect("a checkpoint");
    Vectors { a, b, key, last, committed, signed, envelope, digest, issued }
});

/// Two States with keys that are made anew at every start, except those of the logs.
pub struct Exercise {
    pub(crate) a: Node,
    pub(crate) b: Node,
    pub peer_a: Peer,
    pub peer_b: Peer,
    pub sent: Envelope,
    pub(crate) receipt: Receipt,
    pub contact: OfficeKey,
    pub node: OfficeKey,
}

pub static EXERCISE: LazyLock<Exercise> = LazyLock::new(|| {
    let (mut a, mut b) = (Node::new("XA", 1), Node::new("XB", 2));
    let sent = crate::fixture::envelope(&mut a, &b, None);
    let receipt = crate::fixture::receipt(&mut b, &a, &sent);
    let key = |function| b.offices[&function].office_key().expect("a key");
    let (contact, node) = (key(OfficeFunction::ContactPoint), key(OfficeFunction::Node));
    let (peer_a, peer_b) = (a.peer(), b.peer());
    Exercise { a, b, peer_a, peer_b, sent, receipt, contact, node }
});

/// The checkpoint in a signed text, signed anew by the log of XB, so that changes behind the signature are reached.
pub fn sign_again(note: &str, node: &Exercise) -> Option<String> {
    let (body, _) = note.split_once("\n\n")?;
    let checkpoint: Checkpoint = format!("{body}\n").parse().ok()?;
    checkpoint::sign(&checkpoint, &node.b.log_key).ok()
}

/// A time-stamp authority whose keys protect nothing.
pub static AUTHORITY: LazyLock<TimeStampAuthority> = LazyLock::new(|| {
    TimeStampAuthority::from_pem(
        include_str!("../scene/TEST-ONLY-authority-root.pem"),
        include_str!("../scene/TEST-ONLY-authority.cert.pem"),
        include_str!("../scene/TEST-ONLY-authority.key.pem"),
    )
    .expect("an authority")
});

pub static ANCHORS: LazyLock<Vec<Certificate>> = LazyLock::new(|| vec![AUTHORITY.root().clone()]);

/// A receipt that settles when the node of XB signs it.
pub fn receipt_json() -> Vec<u8> {
    serde_json::to_vec(&EXERCISE.receipt).expect("a receipt becomes JSON")
}

/// A descriptor that stands when the root of XB signs it, as long as the program runs.
pub fn descriptor_json() -> Vec<u8> {
    EXERCISE.b.descriptor().to_json().expect("a descriptor becomes JSON")
}

/// A statement of every kind.
pub fn messages() -> Vec<String> {
    let messages = [
        r#"{"type":"request","draft":{"kind":"preservation","to":"XB"},"officers":["a.one","a.two"]}"#,
        r#"{"type":"decision","decision":{"decision":"granted","conditions":null},"officers":["b.one","b.two"]}"#,
        r#"{"type":"decision","decision":{"decision":"refused","grounds":["de-minimis"],"reasons":"small"},"officers":["b.one","b.two"]}"#,
        r#"{"type":"evidence","package":"0198c0de-0000-7000-8000-000000000001","tag_manifest":"sha256:953c9dd7ec4aea21e45d1767c6557c64380e686902fc2acc811e97276c50e471","files":[{"name":"bagit.txt","size":7,"digest":"sha256:953c9dd7ec4aea21e45d1767c6557c64380e686902fc2acc811e97276c50e471"}],"bytes":7,"exhibits":[],"sent":[]}"#,
        r#"{"type":"evidence","package":"0198c0de-0000-7000-8000-000000000001","tag_manifest":"sha256:953c9dd7ec4aea21e45d1767c6557c64380e686902fc2acc811e97276c50e471","files":[{"name":"manifest-sha256.txt","size":7,"digest":"sha256:953c9dd7ec4aea21e45d1767c6557c64380e686902fc2acc811e97276c50e471"}],"parts":{"count":2,"part_bytes":10,"last_bytes":3},"bytes":20,"exhibits":[]}"#,
        r#"{"type":"extension-request","days":30,"reason":"more"}"#,
        r#"{"type":"withdrawal","reason":"done"}"#,
        r#"{"type":"closing","outcome":"fulfilled"}"#,
        r#"{"type":"rejection","envelope":"0193a8f0-0000-7000-8000-0000000000e1","sealed":"sha256:953c9dd7ec4aea21e45d1767c6557c64380e686902fc2acc811e97276c50e471","report":{"family":"peer-fault","code":"P-501","message":"m","clause":null,"remedy":"r"}}"#,
    ];
    let statement = |message| {
        format!(
            r#"{{"format":"rogatory/statement/1","envelope":"0193a8f0-0000-7000-8000-0000000000e1","file":"0193a8f0-0000-7000-8000-0000000000f1","from":"XA/contact-point","to":"XB/contact-point","at":"2026-11-24T06:09:58Z","message":{message}}}"#
        )
    };
    messages.map(statement).to_vec()
}

/// What an office signs when it adds an addressee to a package.
pub fn addressee_json() -> Vec<u8> {
    let statement = evidence::AddresseeStatement {
        format: "rogatory/addressee/1".to_owned(),
        package: "0198c0de-0000-7000-8000-000000000001".parse().expect("an id"),
        tag_manifest: Digest::of(b"tags"),
        envelope: Digest::of(b"envelope"),
        addressee: Digest::of(b"addressee"),
        office: "XB/evidence-office".parse().expect("an office"),
        officer: "b.one".parse().expect("an officer"),
        at: now(),
        zone: "Africa/Nairobi".to_owned(),
        why: "the defence asks".to_owned(),
    };
    serde_json::to_vec(&statement).expect("a statement becomes JSON")
}
