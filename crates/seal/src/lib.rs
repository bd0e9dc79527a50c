//! Sign, encrypt, open: the only door to [`Verified`].
//!
//! Statements are CMS SignedData with CAdES attributes, envelopes are CMS AuthEnvelopedData to EC and
//! RSA keys, and `openssl cms -decrypt | openssl cms -verify` opens what leaves here. Certificates are
//! believed under one State's root only, time-stamps (RFC 3161) under the roots that a caller trusts
//! for them. A private key may be elsewhere ([`PrivateKey`]). `spec/06-seals.md` is the format.
//!
//! Not here: what a statement says (`exchange`), where keys are kept and tokens (`keys`), evidence
//! packages and bulk encryption (`evidence`), the log and its Ed25519 keys (`ledger`), revocation (what
//! the peer's newest State descriptor says, `register`), any clock, the road to a time-stamp authority
//! (`node`).

mod algorithm;
mod anchor;
mod attribute;
mod authority;
mod certificate;
mod envelope;
#[cfg(test)]
mod judge;
mod key;
mod limit;
mod private;
mod randomness;
mod request;
mod sealed;
mod sign;
mod structure;
mod time_stamp;
mod verify;

pub use anchor::{TrustAnchor, VerifiedCertificate};
pub use authority::{AuthorityError, Issued, Root};
pub use certificate::{Certificate, CertificateError};
pub use envelope::{EncryptionError, EnvelopeError, decrypt_cms, encrypt_cms, recipient_count};
pub use key::{DecryptionKey, KeyError, OfficeKey, SigningKey};
pub use limit::{
    MAX_ATTRIBUTES, MAX_CERTIFICATE_BYTES, MAX_CERTIFICATES, MAX_CMS_BYTES, MAX_HOSTS, MAX_NAME_CHARS,
    MAX_NUMBER_BYTES, MAX_PEM_BYTES, MAX_RECIPIENTS, MAX_REQUEST_BYTES, MAX_RSA_BITS, MAX_STATEMENT_BYTES,
    MAX_TIME_STAMP_BYTES, MAX_TIME_STAMPS, MIN_RSA_BITS,
};
pub use private::{PrivateKey, PrivateKeyError};
pub use sealed::{OpenError, SealError, Sealed, open, seal};
pub use sign::{SigningError, sign_cms};
pub use time_stamp::{
    TimeStamp, TimeStampAuthority, TimeStampError, TimeStampQuery, attach_time_stamp, embedded_time_stamp,
    signature_value, verify_time_stamp,
};
pub use verify::{
    DetachedContent, SignatureError, Verified, verify_cms_attached, verify_cms_detached, verify_self_signed,
};
