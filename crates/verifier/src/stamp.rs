//! Time-stamps (RFC 3161): an authority's word that bytes existed at a time.

use crate::{
    certificate::{Certificate, TIME_STAMPING},
    der::{self, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE},
    flaw::{Flaw, Wrong, wrong},
    instant::Instant,
    key::Algorithm,
    signed::Signed,
};

const MAX_BYTES: usize = 64 << 10;
const DEMONSTRATION: &str = "demonstration";

/// A time-stamp that fits the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    pub at: Instant,
    pub authority: String,
    /// The authority calls itself one for demonstrations: its time is worth nothing to a court.
    pub demonstration: bool,
    /// A root that the reader gave stands behind it.
    pub trusted: bool,
}

/// Checks a TimeStampResp that grants, or a token, over `bytes`; with roots, one of them must stand behind it.
pub(crate) fn check(token: &[u8], bytes: &[u8], roots: &[Certificate]) -> Result<Stamp, Wrong> {
    let as_stamp = |(flaw, what): Wrong| match flaw {
        Flaw::Encoding | Flaw::Signature | Flaw::Certificate => (Flaw::TimeStamp, what),
        other => (other, what),
    };
    stamp(token, bytes, roots).map_err(as_stamp)
}

fn stamp(token: &[u8], bytes: &[u8], roots: &[Certificate]) -> Result<Stamp, Wrong> {
    if token.len() > MAX_BYTES {
        return Err(wrong(Flaw::TimeStamp, "the time-stamp is longer than 65536 bytes"));
    }
    let signed = Signed::stamp(inner(token)?)?;
    let at = info(&signed.content, bytes)?;
    let authority = &signed.certificate;
    if !authority.only_stamps_time() || !authority.may_sign() {
        return Err(wrong(Flaw::TimeStamp, "the authority's certificate is not for time-stamps alone"));
    }
    if !authority.stood_at(at) {
        return Err(wrong(Flaw::TimeStamp, format!("the authority's certificate was not valid at {at}")));
    }
    let stands =
        |root: &&Certificate| authority.stands_under(root, &signed.others, TIME_STAMPING, at).is_ok();
    let trusted = roots.iter().any(|root| stands(&root));
    if !trusted && !roots.is_empty() {
        let what = format!("the authority `{}` does not stand under a root that was given", authority.name);
        return Err(wrong(Flaw::TimeStamp, what));
    }
    let demonstration = authority.name.to_lowercase().contains(DEMONSTRATION);
    Ok(Stamp { at, authority: authority.name.clone(), demonstration, trusted })
}

/// The token inside a response; a token begins with an object identifier, a response with its status.
fn inner(bytes: &[u8]) -> Result<&[u8], Wrong> {
    let mut outer = der::only(bytes, SEQUENCE, "time-stamp")?;
    if outer.peek() == Some(OID) {
        return Ok(bytes);
    }
    let status = outer.enter(SEQUENCE)?.small()?;
    let token = outer.expect(SEQUENCE)?;
    outer.end()?;
    if status > 1 {
        return Err(wrong(Flaw::TimeStamp, "the authority did not grant the time-stamp"));
    }
    Ok(token.whole)
}

/// TSTInfo (RFC 3161, 2.4.2): the imprint must be that of `bytes`; returns the time.
fn info(content: &[u8], bytes: &[u8]) -> Result<Instant, Wrong> {
    let mut inside = der::only(content, SEQUENCE, "time-stamp")?;
    if inside.small()? != 1 {
        return Err(inside.bad());
    }
    inside.expect(OID)?;
    let mut imprint = inside.enter(SEQUENCE)?;
    let hash = Algorithm::read(&mut imprint)?.hash()?;
    let digest = imprint.expect(OCTET_STRING)?.inside;
    imprint.end()?;
    if digest != hash.of(bytes) {
        return Err(wrong(Flaw::TimeStamp, "the time-stamp is over other bytes"));
    }
    inside.expect(INTEGER)?;
    time(&mut inside)
}

fn time(inside: &mut Reader<'_>) -> Result<Instant, Wrong> {
    let value = inside.expect(GENERALIZED_TIME)?;
    let text = std::str::from_utf8(value.inside).map_err(|_| inside.bad())?;
    Instant::from_generalized_time(text, true).ok_or_else(|| inside.bad())
}
