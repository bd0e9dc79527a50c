//! A cosignature: a node's word that it saw this head of a log, consistent with all before, at a time (C2SP tlog-cosignature, v1).

use crate::{Checkpoint, CheckpointError, CosignerKey, CosignerVerifier, KeyName, NoteError, SignatureLine};
use vocabulary::{Failure, Family};

/// The latest time the format can hold, in seconds since 1970.
pub const MAX_TIME: u64 = i64::MAX as u64;

/// Cosigns a checkpoint's text (its `to_string`, or [`crate::SignedCheckpoint::body`]) and returns the signature line.
///
/// It says: of this log, this is the largest head I have seen, and it is consistent with every head
/// I saw before. Checking that first is the caller's.
pub fn cosign(body: &str, key: &CosignerKey, time: u64) -> Result<String, CosignatureError> {
    check_time(time)?;
    let _: Checkpoint = body.parse()?;
    let mut signature = time.to_be_bytes().to_vec();
    signature.extend(key.sign(message(body, time).as_bytes()));
    let cosigner = key.verifier();
    Ok(SignatureLine::new(cosigner.name().clone(), cosigner.id(), signature).to_string())
}

/// Checks one signature line over a checkpoint's text and returns its time in seconds since 1970.
pub fn verify_cosignature(
    body: &str,
    line: &str,
    cosigner: &CosignerVerifier,
) -> Result<u64, CosignatureError> {
    let _: Checkpoint = body.parse()?;
    verify_line(body, &line.parse()?, cosigner)
}

pub(crate) fn verify_line(
    body: &str,
    line: &SignatureLine,
    cosigner: &CosignerVerifier,
) -> Result<u64, CosignatureError> {
    if line.name() != cosigner.name() || line.id() != cosigner.id() {
        return Err(CosignatureError::Missing { cosigner: cosigner.name().clone() });
    }
    let bad = || CosignatureError::BadSignature { cosigner: cosigner.name().clone() };
    let (time, signature) = line.signature().split_first_chunk::<8>().ok_or_else(bad)?;
    let time = u64::from_be_bytes(*time);
    check_time(time)?;
    if cosigner.verifies(message(body, time).as_bytes(), signature) { Ok(time) } else { Err(bad()) }
}

fn message(body: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{body}")
}

fn check_time(time: u64) -> Result<(), CosignatureError> {
    if time > MAX_TIME { Err(CosignatureError::BadTime { found: time }) } else { Ok(()) }
}

/// A cosignature that does not stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignatureError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("no cosignature by the known key of `{cosigner}`")]
    Missing { cosigner: KeyName },
    #[error("the cosignature by `{cosigner}` does not verify")]
    BadSignature { cosigner: KeyName },
    #[error("the cosignature time {found} is later than {MAX_TIME}")]
    BadTime { found: u64 },
}

impl Failure for CosignatureError {
    fn family(&self) -> Family {
        Family::PeerFault
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Note(inner) => inner.code(),
            Self::Checkpoint(inner) => inner.code(),
            Self::Missing { .. } => "P-240",
            Self::BadSignature { .. } => "P-241",
            Self::BadTime { .. } => "P-242",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("C2SP tlog-cosignature, Format".to_owned())
    }
    fn remedy(&self) -> String {
        match self {
            Self::Missing { .. } => "ask the cosigner to cosign this checkpoint",
            _ => "keep the line and ask the cosigner to cosign this checkpoint again",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hash;
    use zeroize::Zeroizing;

    fn key() -> CosignerKey {
        CosignerKey::from_seed(KeyName::of_cosigner("XB".parse().unwrap()), &Zeroizing::new([5; 32]))
    }

    fn body() -> String {
        Checkpoint::new("xa.log.rogatory".parse().unwrap(), 3, Hash::leaf(b"root")).to_string()
    }

    #[test]
    fn a_cosignature_goes_round_with_its_time() {
        let line = cosign(&body(), &key(), 1_679_315_147).unwrap();
        assert!(line.starts_with("— xb.witness.rogatory ") && line.ends_with('\n'));
        assert_eq!(verify_cosignature(&body(), &line, key().verifier()), Ok(1_679_315_147));
        assert_eq!(verify_cosignature(&body(), line.trim_end(), key().verifier()), Ok(1_679_315_147));
    }

    #[test]
    fn the_same_signature_does_not_stand_for_another_time_body_or_key() {
        let line: SignatureLine = cosign(&body(), &key(), 1000).unwrap().parse().unwrap();
        let mut bytes = line.signature().to_vec();
        bytes[7] ^= 1;
        let later = SignatureLine::new(line.name().clone(), line.id(), bytes).to_string();
        let bad = Err(CosignatureError::BadSignature { cosigner: key().verifier().name().clone() });
        assert_eq!(verify_cosignature(&body(), &later, key().verifier()), bad);
        let grown = body().replace("\n3\n", "\n4\n");
        assert_eq!(verify_cosignature(&grown, &line.to_string(), key().verifier()), bad);
        let name = key().verifier().name().clone();
        let other = CosignerKey::from_seed(name.clone(), &Zeroizing::new([6; 32]));
        let missing = Err(CosignatureError::Missing { cosigner: name });
        assert_eq!(verify_cosignature(&body(), &line.to_string(), other.verifier()), missing);
    }

    #[test]
    fn a_time_that_the_format_cannot_hold_is_refused() {
        let bad_time = CosignatureError::BadTime { found: MAX_TIME + 1 };
        assert_eq!(cosign(&body(), &key(), MAX_TIME + 1), Err(bad_time.clone()));
        let line: SignatureLine = cosign(&body(), &key(), MAX_TIME).unwrap().parse().unwrap();
        let mut bytes = (MAX_TIME + 1).to_be_bytes().to_vec();
        bytes.extend(&line.signature()[8..]);
        let forged = SignatureLine::new(line.name().clone(), line.id(), bytes).to_string();
        assert_eq!(verify_cosignature(&body(), &forged, key().verifier()), Err(bad_time));
    }

    #[test]
    fn nothing_but_a_checkpoint_is_cosigned() {
        for text in ["", "hello\n", "a.example\n1\nAAAA\n", "cosignature/v1\ntime 1\n"] {
            assert!(cosign(text, &key(), 1).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_truncated_cosignature_is_refused() {
        let line: SignatureLine = cosign(&body(), &key(), 1).unwrap().parse().unwrap();
        for length in [1, 7, 8, 71] {
            let bytes = line.signature()[..length].to_vec();
            let cut = SignatureLine::new(line.name().clone(), line.id(), bytes).to_string();
            assert!(verify_cosignature(&body(), &cut, key().verifier()).is_err(), "{length} bytes");
        }
    }
}
