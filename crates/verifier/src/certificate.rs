//! X.509 certificates (RFC 5280): what is read of them, and the path from an office to its State's root.

use crate::{
    der::{self, BOOLEAN, OCTET_STRING, PRINTABLE_STRING, Reader, SEQUENCE, SET, UTF8_STRING},
    encoding::certificate_pem,
    flaw::{Flaw, Wrong, wrong},
    hash::Digest,
    instant::Instant,
    key::{Algorithm, PublicKey},
};

const MAX_CERTIFICATE_BYTES: usize = 16 << 10;
/// Authorities between an office and its root.
const MAX_BETWEEN: usize = 7;
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 17];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
const EXTENDED_USAGE: &[u8] = &[0x55, 0x1d, 37];
const COUNTRY: &[u8] = &[0x55, 4, 6];
const ORGANIZATION: &[u8] = &[0x55, 4, 10];
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
/// `id-kp-emailProtection`: what statements are signed for.
pub(crate) const EMAIL: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 4];
/// `id-kp-timeStamping`.
pub(crate) const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
const OFFICE: &str = "urn:rogatory:office:";
/// The letters of fingerprints: no I, L, O or U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A certificate as read; [`Certificate::stands_under`] is what believes it.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub der: Vec<u8>,
    pub digest: Digest,
    /// INTEGER of the serial number and Name of the issuer, with their tags.
    pub serial: Vec<u8>,
    pub issuer: Vec<u8>,
    subject: Vec<u8>,
    pub country: Option<String>,
    pub organization: Option<String>,
    /// Everything readable in the subject, for people.
    pub name: String,
    pub from: Instant,
    pub until: Instant,
    key: PublicKey,
    signed: Vec<u8>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
    /// `XA/contact-point`.
    pub office: Option<String>,
    authority: Option<Option<u8>>,
    usage: Option<u16>,
    purposes: Option<(bool, Vec<Vec<u8>>)>,
    /// A critical extension that this program does not know, or constraints on names.
    unknown: bool,
}

impl Certificate {
    pub fn from_pem(text: &[u8]) -> Result<Self, Wrong> {
        let der = std::str::from_utf8(text).ok().and_then(certificate_pem);
        Self::from_der(&der.ok_or_else(|| wrong(Flaw::Encoding, "it is not one certificate in PEM"))?)
    }

    pub fn from_der(bytes: &[u8]) -> Result<Self, Wrong> {
        if bytes.len() > MAX_CERTIFICATE_BYTES {
            return Err(wrong(Flaw::Encoding, "the certificate is longer than 16384 bytes"));
        }
        let mut outer = der::only(bytes, SEQUENCE, "certificate")?;
        let signed = outer.expect(SEQUENCE)?;
        let algorithm = outer.expect(SEQUENCE)?;
        let signature = outer.bits()?;
        outer.end()?;
        let mut inside = signed.reader("certificate");
        let version = inside.enter(der::context(0))?.small()?;
        let serial = inside.expect(der::INTEGER)?.whole.to_vec();
        let same = inside.expect(SEQUENCE)?.whole == algorithm.whole;
        let issuer = inside.expect(SEQUENCE)?.whole.to_vec();
        let mut validity = inside.enter(SEQUENCE)?;
        let (from, until) = (validity.time()?, validity.time()?);
        validity.end()?;
        let subject = inside.expect(SEQUENCE)?;
        let key = PublicKey::read(&mut inside)?;
        if version != 2 || !same {
            return Err(inside.bad());
        }
        let mut certificate = Self {
            der: bytes.to_vec(),
            digest: Digest::of(bytes),
            serial,
            issuer,
            subject: subject.whole.to_vec(),
            country: attribute(&subject, COUNTRY)?,
            organization: attribute(&subject, ORGANIZATION)?,
            name: readable(&subject)?,
            from,
            until,
            key,
            signed: signed.whole.to_vec(),
            algorithm: algorithm.whole.to_vec(),
            signature: signature.to_vec(),
            office: None,
            authority: None,
            usage: None,
            purposes: None,
            unknown: false,
        };
        certificate.extensions(&mut inside)?;
        Ok(certificate)
    }

    fn extensions(&mut self, reader: &mut Reader<'_>) -> Result<(), Wrong> {
        let Some(wrapped) = reader.optional(der::context(3))? else { return reader.end() };
        reader.end()?;
        let mut seen = Vec::new();
        for extension in der::only(wrapped.inside, SEQUENCE, "extensions")?.all()? {
            let mut inside = extension.reader("extension");
            let oid = inside.oid()?;
            let critical = inside.optional(BOOLEAN)?.is_some_and(|value| value.inside == [0xff]);
            let value = inside.expect(OCTET_STRING)?.inside;
            inside.end()?;
            if seen.contains(&oid) {
                return Err(inside.bad());
            }
            seen.push(oid);
            match oid {
                KEY_USAGE => self.usage = Some(usage(value)?),
                ALTERNATIVE_NAME => self.office = office(value)?,
                BASIC_CONSTRAINTS => self.authority = constraints(value)?,
                EXTENDED_USAGE => {
                    let purposes = der::only(value, SEQUENCE, "extKeyUsage")?.all()?;
                    let purposes = purposes.iter().map(|value| value.inside.to_vec()).collect();
                    self.purposes = Some((critical, purposes));
                }
                NAME_CONSTRAINTS => self.unknown = true,
                _ => self.unknown |= critical,
            }
        }
        Ok(())
    }

    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The State's name, for people.
    pub fn state_name(&self) -> &str {
        self.organization.as_deref().unwrap_or("unnamed")
    }

    /// The first 125 bits of the SHA-256, five to a letter, in five groups of five (spec/01, 1.1).
    pub fn fingerprint(&self) -> String {
        let bit =
            |at: usize| self.digest.0.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1));
        let letter = |at: usize| (0..5).fold(0, |value, n| value << 1 | bit(at * 5 + n));
        let mut text = String::new();
        for at in 0..25 {
            if at > 0 && at % 5 == 0 {
                text.push('-');
            }
            text.push(LETTERS.get(letter(at)).copied().map_or('?', char::from));
        }
        text
    }

    fn may(&self, bits: u16) -> bool {
        self.usage.is_none_or(|usage| usage & bits != 0)
    }

    /// `digitalSignature` or `contentCommitment`.
    pub fn may_sign(&self) -> bool {
        self.may(0b11)
    }

    /// May issue certificates: `cA` and `keyCertSign`.
    pub fn may_certify(&self) -> bool {
        self.authority.is_some() && self.may(1 << 5)
    }

    /// The extended key usage is critical and time-stamping alone (RFC 3161, 2.3).
    pub fn only_stamps_time(&self) -> bool {
        self.purposes.as_ref().is_some_and(|(critical, list)| *critical && *list == [TIME_STAMPING.to_vec()])
    }

    pub fn stood_at(&self, at: Instant) -> bool {
        self.from <= at && at.seconds() <= self.until.seconds()
    }

    fn issued_by(&self, issuer: &Self) -> bool {
        let mut reader = Reader::new(&self.algorithm, "certificate");
        self.issuer == issuer.subject
            && Algorithm::read(&mut reader).is_ok_and(|algorithm| {
                issuer.key.verify(&algorithm, None, &self.signed, &self.signature).is_ok()
            })
    }

    fn has_purpose(&self, purpose: &[u8]) -> bool {
        self.purposes.as_ref().is_none_or(|(_, list)| list.iter().any(|one| one == purpose))
    }

    /// Path validation (RFC 5280, 6.1) to the very root, by way of `others`, as all of it stood at `at`.
    pub fn stands_under(
        &self,
        root: &Self,
        others: &[Self],
        purpose: &[u8],
        at: Instant,
    ) -> Result<(), Wrong> {
        let bad = |what: String| Err(wrong(Flaw::Certificate, what));
        let mut below = self;
        for depth in 0..=MAX_BETWEEN {
            if !below.stood_at(at) {
                return bad(format!("the certificate of `{}` was not valid at {at}", below.name));
            }
            if below.unknown || !below.has_purpose(purpose) {
                return bad(format!("the certificate of `{}` is not for this purpose", below.name));
            }
            if below.issued_by(root) {
                let stands = root.may_certify() && root.stood_at(at) && self.may_sign();
                return if stands {
                    Ok(())
                } else {
                    bad(format!("the root `{}` did not stand at {at}", root.name))
                };
            }
            let Some(next) = others.iter().find(|other| other.der != below.der && below.issued_by(other))
            else {
                return bad(format!(
                    "the certificate of `{}` was not issued under the root of the State",
                    self.name
                ));
            };
            let room = next.authority.flatten().is_none_or(|most| usize::from(most) >= depth);
            if !next.may_certify() || !room {
                return bad(format!("`{}` may not issue certificates", next.name));
            }
            below = next;
        }
        bad("the path of certificates is too long".to_owned())
    }

    /// As [`Certificate::stands_under`], and the office is one of `state`; returns the office.
    pub fn office_of(&self, state: &str, root: &Self, others: &[Self], at: Instant) -> Result<String, Wrong> {
        self.stands_under(root, others, EMAIL, at)?;
        let office =
            self.office.clone().ok_or_else(|| wrong(Flaw::Certificate, "the signer names no office"))?;
        if office.split('/').next() == Some(state) {
            Ok(office)
        } else {
            Err(wrong(
                Flaw::Certificate,
                format!("the signer is `{office}`, the root speaks for `{state}` only"),
            ))
        }
    }
}

/// Bit n of the KeyUsage as bit n of the number.
fn usage(value: &[u8]) -> Result<u16, Wrong> {
    let mut reader = Reader::new(value, "keyUsage");
    match reader.expect(der::BIT_STRING)?.inside {
        [_, bytes @ ..] if (1..=2).contains(&bytes.len()) => {
            let bits = bytes.iter().enumerate().map(|(at, byte)| u16::from(byte.reverse_bits()) << (8 * at));
            Ok(bits.sum())
        }
        _ => Err(reader.bad()),
    }
}

/// `Some` for an authority, with the most authorities below it.
fn constraints(value: &[u8]) -> Result<Option<Option<u8>>, Wrong> {
    let mut inside = der::only(value, SEQUENCE, "basicConstraints")?;
    let authority = inside.optional(BOOLEAN)?.is_some_and(|value| value.inside == [0xff]);
    let below = if inside.is_empty() { None } else { Some(inside.small()?) };
    inside.end()?;
    Ok(authority.then_some(below))
}

/// One office at most: a certificate that speaks for two is refused.
fn office(value: &[u8]) -> Result<Option<String>, Wrong> {
    const URI: u8 = 0x86;
    let reader = der::only(value, SEQUENCE, "subjectAltName")?;
    let uris = reader.all()?.into_iter().filter(|name| name.tag == URI);
    let mut found = uris.filter_map(|name| std::str::from_utf8(name.inside).ok()?.strip_prefix(OFFICE));
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(office), None) => Ok(Some(office.replacen(':', "/", 1)).filter(|office| is_office(office))),
        (Some(_), Some(_)) => Err(reader.bad()),
    }
}

/// `XA/contact-point` and the like.
pub(crate) fn is_office(text: &str) -> bool {
    let functions = [
        "central-authority",
        "contact-point",
        "extradition-authority",
        "law-enforcement",
        "evidence-office",
        "node",
    ];
    text.split_once('/').is_some_and(|(state, function)| is_state(state) && functions.contains(&function))
}

pub(crate) fn is_state(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// The type of a part of a name, and its text if it is one.
type Part<'a> = (&'a [u8], Option<String>);

fn parts<'a>(name: &der::Value<'a>) -> Result<Vec<Part<'a>>, Wrong> {
    let mut found = Vec::new();
    for set in name.reader("name").all()? {
        if set.tag != SET {
            return Err(name.reader("name").bad());
        }
        for part in set.reader("name").all()? {
            let mut inside = part.reader("name");
            let (oid, value) = (inside.oid()?, inside.any()?);
            inside.end()?;
            let text = matches!(value.tag, UTF8_STRING | PRINTABLE_STRING)
                .then(|| std::str::from_utf8(value.inside).ok().map(str::to_owned))
                .flatten();
            found.push((oid, text));
        }
    }
    Ok(found)
}

fn attribute(name: &der::Value<'_>, oid: &[u8]) -> Result<Option<String>, Wrong> {
    Ok(parts(name)?.into_iter().find(|(have, _)| *have == oid).and_then(|(_, text)| text))
}

/// The organization and the common name, without control characters, at most 128 of the rest.
fn readable(name: &der::Value<'_>) -> Result<String, Wrong> {
    let parts = parts(name)?;
    let wanted = parts.iter().filter(|(oid, _)| matches!(*oid, ORGANIZATION | COMMON_NAME));
    let texts: Vec<&str> = wanted.filter_map(|(_, text)| text.as_deref()).collect();
    Ok(texts.join(", ").chars().filter(|c| !c.is_control()).take(128).collect())
}
