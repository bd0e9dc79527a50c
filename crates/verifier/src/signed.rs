//! CMS SignedData (RFC 5652, 5) with the attributes of a CAdES baseline signature: statements, receipts, proofs.

use crate::{
    certificate::Certificate,
    der::{self, INTEGER, OCTET_STRING, Reader, SEQUENCE, SET, Value},
    flaw::{Flaw, Wrong, wrong},
    hash::Hash,
    instant::Instant,
    key::Algorithm,
};
use sha1::Digest as _;

const MAX_BYTES: usize = 2 << 20;
const MAX_CERTIFICATES: usize = 8;
const MAX_ATTRIBUTES: usize = 32;
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// `id-data`.
pub(crate) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
/// `id-ct-TSTInfo`.
pub(crate) const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];

/// A signature that fits its content and the certificate it carries; whose certificate that is, is not judged yet.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub content: Vec<u8>,
    pub certificate: Certificate,
    pub others: Vec<Certificate>,
    /// When the signer says it signed; time-stamps have none.
    pub at: Option<Instant>,
}

/// What a form of SignedData may be.
#[derive(Clone, Copy)]
struct Form {
    version: u8,
    content_type: &'static [u8],
    /// Statements must say when; time-stamps say it inside.
    signing_time: bool,
}

const STATEMENT: Form = Form { version: 1, content_type: DATA, signing_time: true };
const STAMP: Form = Form { version: 3, content_type: TST_INFO, signing_time: false };

impl Signed {
    /// A message with its content inside.
    pub(crate) fn attached(bytes: &[u8]) -> Result<Self, Wrong> {
        check(bytes, None, STATEMENT)
    }

    /// A signature beside its content.
    pub(crate) fn detached(bytes: &[u8], content: &[u8]) -> Result<Self, Wrong> {
        check(bytes, Some(content), STATEMENT)
    }

    /// The token of a time-stamp.
    pub(crate) fn stamp(bytes: &[u8]) -> Result<Self, Wrong> {
        check(bytes, None, STAMP)
    }

    /// The office that signed, whose certificate must stand under the root at the time of signing.
    pub(crate) fn by(&self, state: &str, root: &Certificate) -> Result<String, Wrong> {
        let at = self.at.ok_or_else(|| wrong(Flaw::Encoding, "the signature does not say when"))?;
        self.certificate.office_of(state, root, &self.others, at)
    }
}

fn check(bytes: &[u8], detached: Option<&[u8]>, form: Form) -> Result<Signed, Wrong> {
    if bytes.len() > MAX_BYTES {
        return Err(wrong(Flaw::Encoding, "the signed message is longer than 2097152 bytes"));
    }
    let mut outer = der::only(bytes, SEQUENCE, "signed message")?;
    if outer.oid()? != SIGNED_DATA {
        return Err(wrong(Flaw::Encoding, "it is not CMS SignedData"));
    }
    let mut wrapped = outer.enter(der::context(0))?;
    outer.end()?;
    let mut inside = wrapped.enter(SEQUENCE)?;
    wrapped.end()?;
    let version = inside.small()?;
    let digests = inside.enter(SET)?.all()?;
    let content = content(&mut inside, detached, form)?;
    let certificates = match inside.optional(der::context(0))? {
        Some(set) => certificates(&set)?,
        None => Vec::new(),
    };
    let mut signers = inside.enter(SET)?;
    inside.end()?;
    let signer = signers.expect(SEQUENCE)?;
    if version != form.version || !signers.is_empty() || digests.is_empty() || digests.len() > 4 {
        return Err(signers.bad());
    }
    check_signer(&signer, &digests, content, certificates, form)
}

fn content(inside: &mut Reader<'_>, detached: Option<&[u8]>, form: Form) -> Result<Vec<u8>, Wrong> {
    let mut encapsulated = inside.enter(SEQUENCE)?;
    if encapsulated.oid()? != form.content_type {
        return Err(wrong(Flaw::Encoding, "the signed content is of another type"));
    }
    let attached = encapsulated.optional(der::context(0))?;
    encapsulated.end()?;
    match (attached, detached) {
        (Some(value), None) => {
            let mut reader = value.reader("content");
            let content = reader.expect(OCTET_STRING)?.inside.to_vec();
            reader.end()?;
            Ok(content)
        }
        (None, Some(content)) => Ok(content.to_vec()),
        (Some(_), Some(_)) => {
            Err(wrong(Flaw::Encoding, "the signature carries content, a detached one is expected"))
        }
        (None, None) => Err(wrong(Flaw::Encoding, "the signed message does not carry its content")),
    }
}

fn certificates(set: &Value<'_>) -> Result<Vec<Certificate>, Wrong> {
    let values = set.reader("certificates").all()?;
    if values.len() > MAX_CERTIFICATES {
        return Err(wrong(Flaw::Encoding, "the message carries more than 8 certificates"));
    }
    values.iter().map(|value| Certificate::from_der(value.whole)).collect()
}

fn check_signer(
    signer: &Value<'_>,
    digests: &[Value<'_>],
    content: Vec<u8>,
    certificates: Vec<Certificate>,
    form: Form,
) -> Result<Signed, Wrong> {
    let mut inside = signer.reader("signer");
    let version = inside.small()?;
    let mut id = inside.enter(SEQUENCE)?;
    let (issuer, serial) = (id.expect(SEQUENCE)?.whole, id.expect(INTEGER)?.whole);
    id.end()?;
    let algorithm = inside.expect(SEQUENCE)?;
    let hash = Algorithm::read(&mut Reader::new(algorithm.whole, "signer"))?.hash()?;
    let attributes = inside.expect(der::context(0))?;
    let scheme = Algorithm::read(&mut inside)?;
    let signature = inside.expect(OCTET_STRING)?.inside;
    inside.optional(der::context(1))?;
    inside.end()?;
    if version != 1 || !digests.iter().any(|digest| digest.whole == algorithm.whole) {
        return Err(inside.bad());
    }
    let named = |one: &Certificate| one.issuer == issuer && one.serial == serial;
    let (mut mine, others): (Vec<_>, Vec<_>) = certificates.into_iter().partition(named);
    let certificate = mine.pop().filter(|_| mine.is_empty());
    let certificate = certificate.ok_or_else(|| {
        wrong(Flaw::Encoding, "the message does not carry exactly one certificate of its signer")
    })?;
    let at = check_attributes(&attributes, &content, hash, &certificate, form)?;
    // What is signed is the set itself: its own tag in place of the context's (RFC 5652, 5.4).
    let mut message = attributes.whole.to_vec();
    if let Some(first) = message.first_mut() {
        *first = SET;
    }
    certificate.key().verify(&scheme, Some(hash), &message, signature)?;
    Ok(Signed { content, certificate, others, at })
}

/// The attributes agree with the content and the certificate; returns the signing time.
fn check_attributes(
    set: &Value<'_>,
    content: &[u8],
    hash: Hash,
    certificate: &Certificate,
    form: Form,
) -> Result<Option<Instant>, Wrong> {
    let attributes = set.reader("signed attributes").all()?;
    let ordered = attributes.windows(2).all(|pair| matches!(pair, [a, b] if a.whole < b.whole));
    if attributes.len() > MAX_ATTRIBUTES || !ordered {
        return Err(set.reader("signed attributes").bad());
    }
    if single(&attributes, CONTENT_TYPE)?.oid()? != form.content_type {
        return Err(wrong(Flaw::Encoding, "the signed attributes are of content of another type"));
    }
    if single(&attributes, MESSAGE_DIGEST)?.expect(OCTET_STRING)?.inside != hash.of(content) {
        return Err(wrong(Flaw::Signature, "the content is not the one that was signed"));
    }
    if !meant(&attributes, certificate, form)? {
        return Err(wrong(Flaw::Signature, "the signer meant another certificate than the message carries"));
    }
    form.signing_time.then(|| single(&attributes, SIGNING_TIME)?.time()).transpose()
}

/// The one value of the one attribute of this type.
fn single<'a>(attributes: &[Value<'a>], oid: &[u8]) -> Result<Reader<'a>, Wrong> {
    let mut found = None;
    for attribute in attributes {
        let mut inside = attribute.reader("signed attribute");
        if inside.oid()? != oid {
            continue;
        }
        let mut values = inside.enter(SET)?;
        let value = values.any()?;
        if found.is_some() || !values.is_empty() || !inside.is_empty() {
            return Err(inside.bad());
        }
        found = Some(Reader::new(value.whole, "signed attribute"));
    }
    found.ok_or_else(|| wrong(Flaw::Encoding, "a signed attribute is missing"))
}

/// The certificate is the one that the signer meant (RFC 5035; for time-stamps also RFC 2634 with SHA-1).
fn meant(attributes: &[Value<'_>], certificate: &Certificate, form: Form) -> Result<bool, Wrong> {
    let has = |oid: &[u8]| attributes.iter().any(|one| one.reader("attribute").oid() == Ok(oid));
    let old = form.version == 3 && has(SIGNING_CERTIFICATE);
    let mut meant = true;
    if !old || has(SIGNING_CERTIFICATE_V2) {
        let mut first = first_id(single(attributes, SIGNING_CERTIFICATE_V2)?)?;
        let hash =
            if first.peek() == Some(SEQUENCE) { Algorithm::read(&mut first)?.hash()? } else { Hash::Sha256 };
        meant &= first.expect(OCTET_STRING)?.inside == hash.of(&certificate.der);
    }
    if old {
        let mut first = first_id(single(attributes, SIGNING_CERTIFICATE)?)?;
        meant &= first.expect(OCTET_STRING)?.inside == sha1::Sha1::digest(&certificate.der).as_slice();
    }
    Ok(meant)
}

fn first_id<'a>(mut attribute: Reader<'a>) -> Result<Reader<'a>, Wrong> {
    attribute.enter(SEQUENCE)?.enter(SEQUENCE)?.enter(SEQUENCE)
}
