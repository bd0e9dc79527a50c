//! Signed, then encrypted: one statement on its way from one office to others.

use crate::{
    anchor::TrustAnchor,
    certificate::Certificate,
    envelope::{EncryptionError, EnvelopeError, decrypt_cms, encrypt_cms},
    key::OfficeKey,
    limit::MAX_CMS_BYTES,
    sign::{SigningError, sign_cms},
    verify::{SignatureError, Verified, verify_cms_attached},
};
use std::{fmt, marker::PhantomData};
use vocabulary::{Digest, Failure, Family, Instant};

/// Bytes that only their recipients can read; `T` says what the sender put inside.
pub struct Sealed<T = Vec<u8>> {
    der: Vec<u8>,
    inside: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    /// Takes bytes that arrived; whether they can be opened is found out by [`Self::open`].
    pub fn from_der(der: Vec<u8>) -> Result<Self, EnvelopeError> {
        if der.len() > MAX_CMS_BYTES {
            return Err(EnvelopeError::TooLarge { bytes: der.len(), limit: MAX_CMS_BYTES });
        }
        Ok(Self { der, inside: PhantomData })
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub fn into_der(self) -> Vec<u8> {
        self.der
    }

    /// SHA-256 of the sealed bytes: what receipts name.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.der)
    }

    /// Decrypts as `office`, then verifies against the `sender`'s root as it stood at `at`.
    pub fn open(
        &self,
        office: &OfficeKey,
        sender: &TrustAnchor,
        at: Instant,
    ) -> Result<Verified<Vec<u8>>, OpenError> {
        open(&self.der, office, sender, at)
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self { der: self.der.clone(), inside: PhantomData }
    }
}

impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl<T> Eq for Sealed<T> {}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.der.len())
    }
}

/// Signs `content` as `office`, then encrypts the signed message to `recipients`.
pub fn seal<T>(
    content: &[u8],
    office: &OfficeKey,
    recipients: &[Certificate],
    signing_time: Instant,
) -> Result<Sealed<T>, SealError> {
    let signed = sign_cms(content, true, office.signing(), office.certificate(), signing_time)?;
    Ok(Sealed { der: encrypt_cms(&signed, recipients)?, inside: PhantomData })
}

/// Decrypts `der` as `office`, then verifies it against the `sender`'s root as it stood at `at`.
pub fn open(
    der: &[u8],
    office: &OfficeKey,
    sender: &TrustAnchor,
    at: Instant,
) -> Result<Verified<Vec<u8>>, OpenError> {
    let signed = decrypt_cms(der, office.decryption(), office.certificate())?;
    Ok(verify_cms_attached(&signed, sender, at)?)
}

/// Why a statement could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
}

/// Why a sealed statement could not be opened and believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

macro_rules! failure_of_either {
    ($type:ident, $first:ident, $second:ident) => {
        impl Failure for $type {
            fn family(&self) -> Family {
                match self {
                    Self::$first(error) => error.family(),
                    Self::$second(error) => error.family(),
                }
            }
            fn code(&self) -> &'static str {
                match self {
                    Self::$first(error) => error.code(),
                    Self::$second(error) => error.code(),
                }
            }
            fn clause(&self) -> Option<String> {
                match self {
                    Self::$first(error) => error.clause(),
                    Self::$second(error) => error.clause(),
                }
            }
            fn remedy(&self) -> String {
                match self {
                    Self::$first(error) => error.remedy(),
                    Self::$second(error) => error.remedy(),
                }
            }
        }
    };
}

failure_of_either!(SealError, Signing, Encryption);
failure_of_either!(OpenError, Envelope, Signature);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Judge, at, authority, now, office, root};
    use vocabulary::OfficeFunction::CentralAuthority;

    const STATEMENT: &[u8] = b"{\"kind\":\"request\"}";

    #[test]
    fn openssl_alone_opens_and_verifies_a_sealed_statement() {
        let Some(judge) = Judge::call() else { return };
        let (a, b) = (root("XA"), root("XB"));
        let receiver = office(&b, CentralAuthority);
        let sealed: Sealed =
            seal(STATEMENT, &authority(&a), &[receiver.certificate().clone()], now()).unwrap();
        judge.put("sealed.p7m", sealed.der());
        judge.put("a-root.pem", a.certificate_pem());
        judge.put_pair("b", receiver.certificate(), receiver.key_pem());
        judge.must("cms -decrypt -inform DER -in sealed.p7m -recip b.pem -inkey b.key -out signed.p7m");
        judge.must(
            "cms -verify -cades -binary -inform DER -in signed.p7m -CAfile a-root.pem -attime {now} -out statement",
        );
        assert_eq!(judge.get("statement"), STATEMENT);
    }

    #[test]
    fn we_open_what_openssl_signs_and_encrypts() {
        let Some(judge) = Judge::call() else { return };
        let (a, b) = (root("XA"), root("XB"));
        let (sender, receiver) = (office(&a, CentralAuthority), authority(&b));
        judge.put_pair("a", sender.certificate(), sender.key_pem());
        judge.put("b.pem", receiver.certificate().to_pem());
        judge.put("statement", STATEMENT);
        judge.must(
            "cms -sign -cades -binary -nodetach -md sha256 -in statement -signer a.pem -inkey a.key -outform DER -out s",
        );
        judge.must(
            "cms -encrypt -binary -aes-256-gcm -in s -recip b.pem -keyopt ecdh_kdf_md:sha256 -outform DER -out e",
        );
        let verified = open(&judge.get("e"), &receiver, a.anchor(), now()).unwrap();
        assert_eq!(verified.value(), STATEMENT);
        assert_eq!(verified.certificate(), sender.certificate().fingerprint());
    }

    #[test]
    fn a_sealed_statement_is_opened_by_its_receiver_under_the_senders_root() {
        let (a, b) = (root("XA"), root("XB"));
        let (sender, receiver) = (authority(&a), authority(&b));
        let sealed: Sealed<String> =
            seal(STATEMENT, &sender, &[receiver.certificate().clone()], now()).unwrap();
        let arrived: Sealed<String> = Sealed::from_der(sealed.der().to_vec()).unwrap();
        assert_eq!(arrived, sealed);
        assert_eq!(arrived.digest(), Digest::of(sealed.der()));
        let verified = arrived.open(&receiver, a.anchor(), now()).unwrap();
        assert_eq!(
            (verified.value().as_slice(), verified.signer()),
            (STATEMENT, sender.certificate().office().unwrap())
        );
        assert_eq!(arrived.open(&sender, a.anchor(), now()).unwrap_err().code(), "P-655");
        assert_eq!(arrived.open(&receiver, b.anchor(), now()).unwrap_err().code(), "P-605");
        assert_eq!(
            arrived.open(&receiver, a.anchor(), at("2040-01-01T00:00:00Z")).unwrap_err().code(),
            "P-603"
        );
    }

    #[test]
    fn every_byte_that_is_changed_and_every_cut_is_refused() {
        let (a, b) = (root("XA"), root("XB"));
        let receiver = authority(&b);
        let sealed: Sealed =
            seal(STATEMENT, &authority(&a), &[receiver.certificate().clone()], now()).unwrap();
        for position in 0..sealed.der().len() {
            let mut altered = sealed.der().to_vec();
            altered[position] ^= 1;
            assert!(open(&altered, &receiver, a.anchor(), now()).is_err(), "byte {position}");
            assert!(
                open(&sealed.der()[..position], &receiver, a.anchor(), now()).is_err(),
                "cut at {position}"
            );
        }
    }

    #[test]
    fn the_largest_statement_goes_round_and_a_larger_message_is_not_read() {
        let (a, b) = (root("XA"), root("XB"));
        let receiver = authority(&b);
        let content = vec![b'x'; crate::MAX_STATEMENT_BYTES];
        let sealed: Sealed =
            seal(&content, &authority(&a), &[receiver.certificate().clone()], now()).unwrap();
        assert_eq!(sealed.open(&receiver, a.anchor(), now()).unwrap().into_value(), content);
        assert!(Sealed::<Vec<u8>>::from_der(vec![0; MAX_CMS_BYTES + 1]).is_err());
    }

    #[test]
    fn refusals_keep_their_code_clause_and_remedy_on_the_way_up() {
        let (a, b) = (root("XA"), root("XB"));
        let receiver = authority(&b);
        let refused = open(b"nonsense", &receiver, a.anchor(), now()).unwrap_err();
        let report = refused.report();
        assert_eq!((report.code.as_str(), report.family), ("P-652", Family::PeerFault));
        assert_eq!(report.clause.as_deref(), Some("RFC 5083, 2.1"));
        let refused = seal::<()>(STATEMENT, &receiver, &[], now()).unwrap_err();
        assert_eq!((refused.code(), refused.family()), ("R-642", Family::Refusal));
    }
}
