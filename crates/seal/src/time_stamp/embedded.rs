//! A time-stamp inside a signature: CAdES-B-T (ETSI EN 319 122-1, 5.3 and 6.3).

use super::{
    error::TimeStampError,
    token::{TimeStamp, Token},
};
use crate::{
    certificate::Certificate,
    limit::{MAX_ATTRIBUTES, MAX_TIME_STAMPS},
    structure::wrap_content,
    verify::{SignatureError, only_signer, read},
};
use cms::signed_data::SignerInfos;
use const_oid::db::rfc5911;
use der::{
    Any, Decode as _, Encode as _,
    asn1::{ObjectIdentifier, SetOfVec},
};
use x509_cert::attr::Attribute;

/// `id-aa-signatureTimeStampToken` (RFC 3161, appendix A).
const TOKEN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");

/// What is to be stamped: the value of the one signature in `signed_data_der`.
pub fn signature_value(signed_data_der: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let signed = read(signed_data_der)?;
    Ok(only_signer(&signed)?.signature.as_bytes().to_vec())
}

/// Puts a time-stamp of the signature's value beside it and returns the new DER.
///
/// Whether the authority is believed is the reader's to say; that it stamped this signature is checked.
pub fn attach_time_stamp(
    signed_data_der: &[u8],
    token_or_response_der: &[u8],
) -> Result<Vec<u8>, TimeStampError> {
    let mut signed = read(signed_data_der).map_err(TimeStampError::Carrier)?;
    let mut signer = only_signer(&signed).map_err(TimeStampError::Carrier)?.clone();
    let token = Token::read(token_or_response_der)?;
    token.check_imprint(|hash| Some(hash.of(signer.signature.as_bytes()).as_ref().to_vec()))?;
    let value = Any::from_der(&token.into_der())?;
    let mut unsigned = signer.unsigned_attrs.take().unwrap_or_default();
    if unsigned.iter().any(|attribute| attribute.oid == TOKEN) {
        return Err(TimeStampError::AlreadyAttached);
    }
    unsigned.insert(Attribute { oid: TOKEN, values: SetOfVec::from_iter([value])? })?;
    signer.unsigned_attrs = Some(unsigned);
    signed.signer_infos = SignerInfos::try_from(vec![signer])?;
    Ok(wrap_content(&signed, rfc5911::ID_SIGNED_DATA)?)
}

/// The time-stamp that the signature carries, when it is believed under `anchors`; `None` when it carries none.
///
/// Of several, one that is believed is enough. The signature itself is verified elsewhere.
pub fn embedded_time_stamp(
    signed_data_der: &[u8],
    anchors: &[Certificate],
) -> Result<Option<TimeStamp>, TimeStampError> {
    let signed = read(signed_data_der).map_err(TimeStampError::Carrier)?;
    let signer = only_signer(&signed).map_err(TimeStampError::Carrier)?;
    let Some(unsigned) = &signer.unsigned_attrs else { return Ok(None) };
    if unsigned.len() > MAX_ATTRIBUTES {
        return Err(TimeStampError::Malformed { what: "unsigned attributes (too many)" });
    }
    let values: Vec<&Any> =
        unsigned.iter().filter(|a| a.oid == TOKEN).flat_map(|a| a.values.iter()).collect();
    if values.len() > MAX_TIME_STAMPS {
        return Err(TimeStampError::Malformed { what: "set of tokens (too many)" });
    }
    let mut refused = None;
    for value in values {
        let verified = value
            .to_der()
            .map_err(TimeStampError::from)
            .and_then(|der| Token::read(&der)?.verify(signer.signature.as_bytes(), anchors));
        match verified {
            Ok(stamp) => return Ok(Some(stamp)),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    refused.map_or(Ok(None), Err)
}
