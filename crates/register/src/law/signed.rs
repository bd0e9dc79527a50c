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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::WrittenLaw;
    use seal::Root;
    use vocabulary::Failure as _;

    const NOW: &str = "2026-11-24T06:00:00Z";

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn root(code: &str) -> Root {
        Root::generate(
            code.parse().unwrap(),
            "Exercise",
            at("2026-01-01T00:00:00Z"),
            at("2046-01-01T00:00:00Z"),
        )
        .unwrap()
    }

    fn profile(code: &str, sequence: u64) -> LawProfile {
        let law = WrittenLaw::from_toml("[[offences]]\narticle = 7\n").unwrap();
        law.profile(code.parse().unwrap(), sequence, at("2026-11-01T00:00:00Z"), at("2027-11-01T00:00:00Z"))
            .unwrap()
    }

    fn sign(profile: &LawProfile, root: &Root) -> Vec<u8> {
        root.sign(&profile.to_json().unwrap(), at(NOW)).unwrap()
    }

    #[test]
    fn a_profile_stands_under_the_enrolled_root_of_its_state_and_names_its_bytes() {
        let root = root("XA");
        let signed = sign(&profile("XA", 1), &root);
        let law = SignedLaw::verify(&signed, root.anchor(), at(NOW)).unwrap();
        assert_eq!(law.profile(), &profile("XA", 1));
        assert_eq!(law.digest(), Digest::of(&signed));
    }

    #[test]
    fn a_profile_of_another_state_or_another_root_is_refused() {
        let (a, b, stranger) = (root("XA"), root("XB"), root("XA"));
        let under_b = sign(&profile("XA", 1), &b);
        assert_eq!(SignedLaw::read(&under_b).unwrap_err().code(), "P-677", "a root speaks for its own State");
        let under_stranger = sign(&profile("XA", 1), &stranger);
        let refused = SignedLaw::verify(&under_stranger, a.anchor(), at(NOW)).unwrap_err();
        assert_eq!(refused.code(), "P-678");
        assert!(refused.to_string().contains(&Fingerprint::of(a.anchor().fingerprint()).to_string()));
    }

    #[test]
    fn every_altered_byte_of_a_profile_is_refused_or_changes_nothing_that_is_read() {
        let root = root("XA");
        let signed = sign(&profile("XA", 1), &root);
        for at in 0..signed.len() {
            let mut changed = signed.clone();
            changed[at] ^= 1;
            if let Ok(law) = SignedLaw::read(&changed) {
                assert_eq!(law.profile(), &profile("XA", 1), "byte {at}");
                assert_ne!(law.digest(), Digest::of(&signed));
            }
        }
        for length in [0, 1, signed.len() / 2, signed.len() - 1] {
            assert!(SignedLaw::read(&signed[..length]).is_err());
        }
    }

    #[test]
    fn a_descriptor_is_no_profile_and_other_formats_are_refused() {
        let root = root("XA");
        let refused = |json: &[u8]| SignedLaw::read(&root.sign(json, at(NOW)).unwrap()).unwrap_err().code();
        assert_eq!(refused(b"{}"), "P-658");
        assert_eq!(refused(b"{\"format\":\"rogatory/descriptor/1\"}"), "P-658");
        let text = String::from_utf8(profile("XA", 1).to_json().unwrap()).unwrap();
        assert_eq!(refused(text.replace("law-profile/1", "law-profile/2").as_bytes()), "P-659");
        assert_eq!(
            refused(text.replace("\"sequence\": 1", "\"sequence\": 1, \"sequence\": 2").as_bytes()),
            "P-658"
        );
        assert_eq!(refused(text.replace("2027-11", "2025-11").as_bytes()), "P-683");
        assert_eq!(refused(format!("{text} x").as_bytes()), "P-658");
    }

    #[test]
    fn a_profile_past_its_end_is_refused_when_it_is_taken_and_can_still_be_read() {
        let root = root("XA");
        let signed = sign(&profile("XA", 1), &root);
        let late = at("2027-11-02T00:00:00Z");
        assert_eq!(SignedLaw::verify(&signed, root.anchor(), late).unwrap_err().code(), "P-681");
        assert!(SignedLaw::read(&signed).is_ok());
    }

    #[test]
    fn only_a_larger_number_replaces_and_the_same_bytes_change_nothing() {
        let root = root("XA");
        let of = |sequence| SignedLaw::read(&sign(&profile("XA", sequence), &root)).unwrap();
        let known = of(5);
        assert_eq!(of(6).replaces(&known), Ok(true));
        assert_eq!(known.replaces(&known), Ok(false));
        assert_eq!(of(4).replaces(&known).unwrap_err().code(), "P-682");
        let mut other = profile("XA", 5);
        other.offences.clear();
        let other = SignedLaw::read(&sign(&other, &root)).unwrap();
        assert_eq!(other.replaces(&known).unwrap_err().code(), "P-682", "another one with the same number");
    }

    #[test]
    fn what_is_too_large_too_many_or_not_plain_is_refused() {
        let root = root("XA");
        assert_eq!(SignedLaw::read(&vec![0x30; MAX_LAW_BYTES + 1]).unwrap_err().code(), "P-650");
        let refused = |change: &dyn Fn(&mut LawProfile)| {
            let mut changed = profile("XA", 1);
            changed.offences[0].provisions = vec![
                serde_json::from_str(
                    r#"{"identifier": "Code, sec. 1", "texts": [{"language": "en", "text": "Whoever"}]}"#,
                )
                .unwrap(),
            ];
            assert!(SignedLaw::read(&sign(&changed, &root)).is_ok());
            change(&mut changed);
            SignedLaw::read(&sign(&changed, &root)).unwrap_err().code()
        };
        assert_eq!(
            refused(&|p| p.offences = vec![p.offences[0].clone(); crate::law::MAX_OFFENCES + 1]),
            "P-679"
        );
        assert_eq!(refused(&|p| p.offences[0].provisions[0].identifier = "x".repeat(513)), "P-679");
        assert_eq!(refused(&|p| p.offences[0].provisions[0].chosen = vec!["7.x".to_owned(); 65]), "P-679");
        assert_eq!(
            refused(&|p| p.offences[0].provisions[0].texts[0].text = "x".repeat(16 * 1024 + 1)),
            "P-679"
        );
        assert_eq!(refused(&|p| p.offences[0].provisions[0].texts[0].text = "<script>".to_owned()), "P-680");
        assert_eq!(
            refused(&|p| p.offences[0].provisions[0].absent = vec!["7.\u{1b}[2J".to_owned()]),
            "P-680"
        );
        assert_eq!(refused(&|p| p.offences[0].provisions[0].identifier = "a\u{202E}b".to_owned()), "P-680");
    }
}
