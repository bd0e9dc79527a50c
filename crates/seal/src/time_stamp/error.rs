//! Why a time-stamp is not believed, not given or not attached.

use crate::{
    algorithm::Hash, attribute::Unreadable, private::PrivateKeyError, sign::SigningError,
    verify::SignatureError,
};
use vocabulary::{Digest, Failure, Family, Instant};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeStampError {
    #[error("the time-stamp has {bytes} bytes, at most {limit} are read")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the time-stamp's {what} cannot be read as the DER of RFC 3161")]
    Malformed { what: &'static str },
    #[error("the authority gave no time-stamp, its status is {status}")]
    NotGranted { status: u8 },
    #[error("the bytes are CMS but not a time-stamp")]
    NotATimeStamp,
    #[error("the time-stamp is of other data")]
    OtherData,
    #[error("the time-stamp was altered after the authority signed it")]
    Altered,
    #[error("the authority `{authority}` is under none of the roots that are trusted for time-stamps")]
    Untrusted { authority: String },
    #[error("the authority's certificate expired on `{until}`, the time-stamp says `{at}`")]
    AuthorityExpired { until: Instant, at: Instant },
    #[error("the authority's certificate is valid from `{from}`, the time-stamp says `{at}`")]
    AuthorityTooEarly { from: Instant, at: Instant },
    #[error(
        "the certificate is not for time-stamps alone: the critical key purpose `timeStamping` is expected"
    )]
    WrongUsage,
    #[error("the authority meant another certificate than `{found}`, the one that the time-stamp carries")]
    AnotherCertificateMeant { found: Digest },
    #[error("the algorithm `{found}` is not accepted in a time-stamp: {} is expected", Hash::ACCEPTED)]
    Algorithm { found: String },
    #[error("the authority's certificate is not believed: {reason}")]
    Path { reason: String },
    #[error("the time-stamp answers another query")]
    OtherNonce,
    #[error("the time-stamp's signature is not one that is accepted: {0}")]
    Signature(SignatureError),
    /// Of the signature that carries a time-stamp, not of the time-stamp.
    #[error("the signature that carries the time-stamp cannot be read: {0}")]
    Carrier(SignatureError),
    #[error("the signature already carries a time-stamp")]
    AlreadyAttached,
    #[error("the time-stamp could not be encoded")]
    Encoding,
    #[error(transparent)]
    Key(#[from] PrivateKeyError),
}

impl From<SignatureError> for TimeStampError {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::BadSignature | SignatureError::DigestMismatch => Self::Altered,
            other => Self::Signature(other),
        }
    }
}

impl From<Unreadable> for TimeStampError {
    fn from(unreadable: Unreadable) -> Self {
        Self::Signature(unreadable.into())
    }
}

impl From<SigningError> for TimeStampError {
    fn from(error: SigningError) -> Self {
        match error {
            SigningError::Key(error) => Self::Key(error),
            _ => Self::Encoding,
        }
    }
}

impl From<der::Error> for TimeStampError {
    fn from(_: der::Error) -> Self {
        Self::Encoding
    }
}

impl Failure for TimeStampError {
    fn family(&self) -> Family {
        match self {
            Self::AlreadyAttached => Family::Refusal,
            Self::Encoding | Self::Key(_) => Family::Fault,
            _ => Family::PeerFault,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "P-661",
            Self::Malformed { .. } => "P-662",
            Self::NotGranted { .. } => "P-663",
            Self::NotATimeStamp => "P-664",
            Self::OtherData => "P-665",
            Self::Altered => "P-666",
            Self::Untrusted { .. } => "P-667",
            Self::AuthorityExpired { .. } => "P-668",
            Self::AuthorityTooEarly { .. } => "P-669",
            Self::WrongUsage => "P-670",
            Self::AnotherCertificateMeant { .. } => "P-671",
            Self::Algorithm { .. } => "P-672",
            Self::Path { .. } => "P-673",
            Self::OtherNonce => "P-674",
            Self::Signature(_) => "P-675",
            Self::Carrier(_) => "P-676",
            Self::AlreadyAttached => "R-664",
            Self::Encoding => "F-670",
            Self::Key(error) => error.code(),
        }
    }

    fn clause(&self) -> Option<String> {
        let clause = match self {
            Self::TooLarge { .. } | Self::Encoding | Self::Key(_) => return None,
            Self::Signature(error) | Self::Carrier(error) => return error.clause(),
            Self::Malformed { .. } | Self::NotGranted { .. } | Self::NotATimeStamp => "RFC 3161, 2.4.2",
            Self::OtherData | Self::OtherNonce => "RFC 3161, 2.2",
            Self::Altered => "RFC 5652, 5.6",
            Self::Untrusted { .. } | Self::Path { .. } => "RFC 5280, 6.1",
            Self::AuthorityExpired { .. } | Self::AuthorityTooEarly { .. } => "RFC 5280, 4.1.2.5",
            Self::WrongUsage => "RFC 3161, 2.3",
            Self::AnotherCertificateMeant { .. } => "RFC 5816, 2.2.1",
            Self::Algorithm { .. } => "RFC 5754, 3",
            Self::AlreadyAttached => "ETSI EN 319 122-1, 5.3",
        };
        Some(clause.to_owned())
    }

    fn remedy(&self) -> String {
        match self {
            Self::Untrusted { .. } => {
                "ask whose authority it is; trust its root only after comparing the fingerprint"
            }
            Self::OtherData => "look for the time-stamp of this file, or ask the sender for it",
            Self::NotGranted { .. } => "try again later, or ask another authority",
            Self::Altered | Self::AnotherCertificateMeant { .. } => {
                "do not rely on it; keep the bytes as proof and ask for the original again"
            }
            Self::OtherNonce => "ask again; if it happens again, use another authority",
            Self::AlreadyAttached => "nothing is to be done: the first time-stamp is the earlier one",
            Self::Carrier(error) => return error.remedy(),
            Self::Key(error) => return error.remedy(),
            Self::Encoding => "try again, then report the fault with the log",
            _ => "do not rely on it; use an authority that keeps RFC 3161",
        }
        .to_owned()
    }
}
