//! How large and how many: the bounds on everything that comes from outside.

/// One statement (the content that is signed).
pub const MAX_STATEMENT_BYTES: usize = 1 << 20;
/// One CMS message, signed or encrypted.
pub const MAX_CMS_BYTES: usize = 2 << 20;
/// One X.509 certificate in DER.
pub const MAX_CERTIFICATE_BYTES: usize = 16 << 10;
/// One PEM text of a certificate or a key.
pub const MAX_PEM_BYTES: usize = 64 << 10;
/// Certificates carried by one signed message.
pub const MAX_CERTIFICATES: usize = 8;
/// Signed attributes of one signature.
pub const MAX_ATTRIBUTES: usize = 32;
/// Offices to which one message is encrypted.
pub const MAX_RECIPIENTS: usize = 32;
/// Characters of a name in a certificate (RFC 5280, appendix A: `ub-common-name`).
pub const MAX_NAME_CHARS: usize = 64;
/// Host names and addresses in one TLS certificate.
pub const MAX_HOSTS: usize = 16;
/// One RFC 3161 query, response or token.
pub const MAX_TIME_STAMP_BYTES: usize = 64 << 10;
/// Time-stamps in one signature.
pub const MAX_TIME_STAMPS: usize = 4;
/// Bytes of the nonce in a query for a time-stamp.
pub const MAX_NUMBER_BYTES: usize = 32;
/// One PKCS #10 request in DER.
pub const MAX_REQUEST_BYTES: usize = 16 << 10;
/// The shortest RSA modulus that is believed.
pub const MIN_RSA_BITS: usize = 3072;
/// The longest RSA modulus: beyond it one envelope of many recipients would not fit its limit.
pub const MAX_RSA_BITS: usize = 8192;
