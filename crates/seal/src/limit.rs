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
/// The shortest RSA modulus that is believed.
pub const MIN_RSA_BITS: usize = 3072;
