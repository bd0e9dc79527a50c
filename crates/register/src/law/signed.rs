//! A law profile as it was signed by the State's root, and when a newer one replaces it.

use super::{LawError, LawProfile, MAX_LAW_BYTES};
use crate::Fingerprint;
use seal::TrustAnchor;
use vocabulary::{Digest, Instant};

/// A profile whose signature stands under the root of its own State.
#[derive(Debug, Clone)]
pub struct SignedLaw {
    profile: LawProfile,
    root: Digest,
    digest: Digest,
}

impl SignedLaw {
    /// The signature, the format and the bounds. Whose root it is, `verify` compares with what people enrolled.
    pub fn read(signed: &[u8]) -> Result<Self, LawError> {
        if signed.len() > MAX_LAW_BYTES {
            return Err(LawError::TooLarge { found: signed.len() });
        }
        let (json, root) = seal::verify_self_signed(signed).map_err(|_| LawError::Signature)?;
        let profile = LawProfile::from_json(&json)?;
        let fingerprint = root.fingerprint();
        // A root speaks for the State in its `countryName` and for no other.
        TrustAnchor::new(profile.state, root).map_err(|_| LawError::Signature)?;
        Ok(Self { profile, root: fingerprint, digest: Digest::of(signed) })
    }

    /// As `read`, and signed by the root that was enrolled for the State, and not past its end.
    pub fn verify(signed: &[u8], enrolled: &TrustAnchor, now: Instant) -> Result<Self, LawError> {
        let law = Self::read(signed)?;
        if law.root != enrolled.fingerprint() {
            return Err(LawError::OtherSigner {
                state: law.profile.state,
                expected: Fingerprint::of(enrolled.fingerprint()).to_string(),
                found: Fingerprint::of(law.root).to_string(),
            });
        }
        if law.profile.valid_until < now {
            return Err(LawError::Expired { until: law.profile.valid_until });
        }
        Ok(law)
    }

    /// True for a newer one, false for the very same bytes again; anything else is refused.
    pub fn replaces(&self, known: &Self) -> Result<bool, LawError> {
        if self.digest == known.digest {
            return Ok(false);
        }
        if self.profile.sequence <= known.profile.sequence {
            return Err(LawError::Older {
                state: self.profile.state,
                known: known.profile.sequence,
                found: self.profile.sequence,
            });
        }
        Ok(true)
    }

    pub fn profile(&self) -> &LawProfile {
        &self.profile
    }

    /// SHA-256 of the signed bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}
