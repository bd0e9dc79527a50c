//! What is sent to a time-stamp authority: a digest and a nonce, and nothing of the data.

use super::{
    error::TimeStampError,
    structure::{MessageImprint, TimeStampReq},
    token::Token,
};
use crate::algorithm::Hash;
use der::{
    Encode as _,
    asn1::{OctetString, Uint},
};
use vocabulary::Digest;

/// A query for a time-stamp of a SHA-256 digest (RFC 3161, 2.4.1), with the authority's certificate in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeStampQuery {
    digest: Digest,
    nonce: Uint,
}

impl TimeStampQuery {
    /// `nonce` is 16 random bytes of this query alone: an old answer cannot be served for it.
    pub fn new(digest: Digest, nonce: [u8; 16]) -> Self {
        let nonce = Uint::new(&nonce).expect("16 bytes are below the greatest length of an INTEGER");
        Self { digest, nonce }
    }

    /// The body to post as `application/timestamp-query`.
    pub fn to_der(&self) -> Result<Vec<u8>, TimeStampError> {
        let query = TimeStampReq {
            version: 1,
            message_imprint: MessageImprint {
                hash_algorithm: Hash::Sha256.identifier(),
                hashed_message: OctetString::new(self.digest.as_bytes().as_slice())?,
            },
            req_policy: None,
            nonce: Some(self.nonce.clone()),
            cert_req: true,
            extensions: None,
        };
        Ok(query.to_der()?)
    }

    /// True to this query: the answer grants a time-stamp, of this digest and with this nonce.
    ///
    /// Whether the time-stamp is believed, [`super::verify_time_stamp`] says.
    pub fn check_answer(&self, response_der: &[u8]) -> Result<(), TimeStampError> {
        let token = Token::read(response_der)?;
        token.check_imprint(|hash| (hash == Hash::Sha256).then(|| self.digest.as_bytes().to_vec()))?;
        if token.info.nonce.as_ref() == Some(&self.nonce) { Ok(()) } else { Err(TimeStampError::OtherNonce) }
    }
}
