//! The DER structures of RFC 3161, and the two forms of its time.

use der::{
    Any, Sequence, Tag, Tagged as _,
    asn1::{BitString, ObjectIdentifier, OctetString, Uint},
};
use spki::AlgorithmIdentifierOwned;
use vocabulary::Instant;
use x509_cert::ext::Extensions;

/// `id-ct-TSTInfo` (RFC 3161, 2.4.2).
pub(super) const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// MessageImprint (RFC 3161, 2.4.1).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(super) struct MessageImprint {
    pub hash_algorithm: AlgorithmIdentifierOwned,
    pub hashed_message: OctetString,
}

/// TimeStampReq (RFC 3161, 2.4.1).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(super) struct TimeStampReq {
    pub version: u8,
    pub message_imprint: MessageImprint,
    pub req_policy: Option<ObjectIdentifier>,
    pub nonce: Option<Uint>,
    #[asn1(default = "Default::default")]
    pub cert_req: bool,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub extensions: Option<Extensions>,
}

/// TimeStampResp (RFC 3161, 2.4.2).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(super) struct TimeStampResp {
    pub status: PkiStatusInfo,
    pub time_stamp_token: Option<Any>,
}

/// PKIStatusInfo (RFC 3161, 2.4.2).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(super) struct PkiStatusInfo {
    pub status: u8,
    pub status_string: Option<Vec<Any>>,
    pub fail_info: Option<BitString>,
}

/// TSTInfo (RFC 3161, 2.4.2).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(super) struct TstInfo {
    pub version: u8,
    /// An object identifier; not every one fits our type.
    pub policy: Any,
    pub message_imprint: MessageImprint,
    pub serial_number: Uint,
    /// GeneralizedTime; a fraction of a second is allowed here and nowhere else.
    pub gen_time: Any,
    pub accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    pub ordering: bool,
    pub nonce: Option<Uint>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true", optional = "true")]
    pub tsa: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub extensions: Option<Extensions>,
}

/// Accuracy (RFC 3161, 2.4.2).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(super) struct Accuracy {
    pub seconds: Option<u32>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub micros: Option<u16>,
}

/// The whole second of `instant` as GeneralizedTime.
pub(super) fn gen_time(instant: Instant) -> der::Result<Any> {
    let whole = Instant::from_micros(instant.seconds().saturating_mul(1_000_000));
    let text: String = whole.to_string().chars().filter(|c| c.is_ascii_digit() || *c == 'Z').collect();
    Any::new(Tag::GeneralizedTime, text.into_bytes())
}

/// `YYYYMMDDhhmmss[.f]Z`; the fraction has no trailing zeros (RFC 3161, 2.4.2).
pub(super) fn instant(gen_time: &Any) -> Option<Instant> {
    /// Nanoseconds: finer fractions are cut by nobody here.
    const MAX_FRACTION: usize = 9;
    if gen_time.tag() != Tag::GeneralizedTime {
        return None;
    }
    let text = std::str::from_utf8(gen_time.value()).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) {
        return None;
    }
    if fraction.is_some_and(|part| !digits(part) || part.ends_with('0') || part.len() > MAX_FRACTION) {
        return None;
    }
    let fraction = fraction.map_or_else(String::new, |part| format!(".{}", part.get(..6).unwrap_or(part)));
    let (date, time) = (whole.get(..8)?, whole.get(8..)?);
    let iso = format!(
        "{}-{}-{}T{}:{}:{}{fraction}Z",
        date.get(..4)?,
        date.get(4..6)?,
        date.get(6..)?,
        time.get(..2)?,
        time.get(2..4)?,
        time.get(4..)?
    );
    iso.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let any = Any::new(Tag::GeneralizedTime, text.as_bytes()).unwrap();
        instant(&any).map(|instant| instant.to_string())
    }

    #[test]
    fn the_time_of_a_stamp_is_read_with_and_without_a_fraction() {
        assert_eq!(read("20261124101500Z").as_deref(), Some("2026-11-24T10:15:00Z"));
        assert_eq!(read("20261124101500.25Z").as_deref(), Some("2026-11-24T10:15:00.25Z"));
        assert_eq!(read("20261124101500.123456789Z").as_deref(), Some("2026-11-24T10:15:00.123456Z"));
        for wrong in [
            "",
            "Z",
            "20261124101500",
            "202611241015Z",
            "20261124101500.Z",
            "20261124101500.50Z",
            "20261324101500Z",
            "20261124101500+0100",
            "20261124101500.1234567891Z",
            "2026112410150\u{660}Z",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_time_that_is_written_is_a_whole_second() {
        let time = gen_time("2026-11-24T10:15:00.75Z".parse().unwrap()).unwrap();
        assert_eq!(time.value(), b"20261124101500Z");
        assert_eq!(instant(&time).unwrap().to_string(), "2026-11-24T10:15:00Z");
    }
}
