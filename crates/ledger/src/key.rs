//! Named Ed25519 keys of logs and cosigners, and their public form, the verifier key (C2SP signed-note).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};
use vocabulary::{Failure, Family, StateCode};
use zeroize::Zeroizing;

/// The longest key name, as the ML-DSA cosignature format allows it.
pub const MAX_NAME_BYTES: usize = 255;
/// The longest verifier key that is read: name, id, base64 of 33 bytes.
const MAX_VKEY_BYTES: usize = MAX_NAME_BYTES + 1 + 8 + 1 + 44;
const SIGNATURE_BYTES: usize = 64;

/// A key name: 1 to 255 bytes without spaces, control characters or `+`; a schema-less URL by custom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The log of a State: `xa.log.rogatory` for `XA`. It is also the origin of its checkpoints.
    pub fn of_log(state: StateCode) -> Self {
        Self(format!("{}.log.rogatory", state.lower()))
    }

    /// The cosigner of a State: `xa.witness.rogatory` for `XA`.
    pub fn of_cosigner(state: StateCode) -> Self {
        Self(format!("{}.witness.rogatory", state.lower()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let allowed = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
        if (1..=MAX_NAME_BYTES).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyError::BadName { found: text.len() })
        }
    }
}

/// The four bytes that, with the name, say which key and algorithm made a signature; not a strong hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    /// SHA-256(name || 0x0A || signature type || public key), first four bytes.
    fn of(name: &KeyName, kind: KeyKind, key: &VerifyingKey) -> Self {
        let digest = Sha256::new()
            .chain_update(name.as_str())
            .chain_update(b"\n")
            .chain_update([kind.signature_type()])
            .chain_update(key.as_bytes())
            .finalize();
        let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
        Self([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A name, verifier key or key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("a key name of {found} bytes is not 1 to {MAX_NAME_BYTES} bytes without spaces and `+`")]
    BadName { found: usize },
    #[error("a verifier key of {found} bytes is not `<name>+<8 hex digits>+<base64>`")]
    BadShape { found: usize },
    #[error("the verifier key of `{name}` has signature type {found:#04x}, expected {expected:#04x}")]
    OtherType { name: KeyName, expected: u8, found: u8 },
    #[error("the public key of `{name}` is not a usable Ed25519 key")]
    BadKey { name: KeyName },
    #[error("the verifier key of `{name}` says id `{found}`, its key has id `{expected}`")]
    OtherId { name: KeyName, expected: KeyId, found: KeyId },
}

impl Failure for KeyError {
    fn family(&self) -> Family {
        Family::PeerFault
    }
    fn code(&self) -> &'static str {
        match self {
            Self::BadName { .. } => "P-210",
            Self::BadShape { .. } => "P-211",
            Self::OtherType { .. } => "P-212",
            Self::BadKey { .. } => "P-213",
            Self::OtherId { .. } => "P-214",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("C2SP signed-note, Verifier keys".to_owned())
    }
    fn remedy(&self) -> String {
        "ask the key's owner for its verifier key again, over another channel than the log".to_owned()
    }
}

/// What the key signs: the two are told apart by the signature type byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    /// The text of a note, as it stands.
    Note,
    /// A checkpoint seen at a time.
    Cosignature,
}

impl KeyKind {
    fn signature_type(self) -> u8 {
        match self {
            Self::Note => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// A named public key and the id that follows from it.
#[derive(Clone, PartialEq, Eq)]
struct NamedKey {
    name: KeyName,
    id: KeyId,
    key: VerifyingKey,
}

impl NamedKey {
    fn new(name: KeyName, kind: KeyKind, key: VerifyingKey) -> Self {
        Self { id: KeyId::of(&name, kind, &key), name, key }
    }

    fn vkey(&self, kind: KeyKind) -> String {
        let mut bytes = vec![kind.signature_type()];
        bytes.extend(self.key.as_bytes());
        format!("{}+{}+{}", self.name, self.id, STANDARD.encode(bytes))
    }

    fn parse(vkey: &str, kind: KeyKind) -> Result<Self, KeyError> {
        let (name, id, bytes) = split_vkey(vkey).ok_or(KeyError::BadShape { found: vkey.len() })?;
        let name: KeyName = name.parse()?;
        let Some((found, bytes)) = bytes.split_first() else {
            return Err(KeyError::BadShape { found: vkey.len() });
        };
        if *found != kind.signature_type() {
            return Err(KeyError::OtherType { name, expected: kind.signature_type(), found: *found });
        }
        let Some(key) = usable_key(bytes) else {
            return Err(KeyError::BadKey { name });
        };
        let named = Self::new(name, kind, key);
        if named.id == id {
            Ok(named)
        } else {
            Err(KeyError::OtherId { name: named.name, expected: named.id, found: id })
        }
    }

    /// Stricter than RFC 8032 asks: small-order keys and points are refused too.
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|s| self.key.verify_strict(message, &s).is_ok())
    }
}

/// The base64 may hold `+`, so only the first two separate.
fn split_vkey(vkey: &str) -> Option<(&str, KeyId, Vec<u8>)> {
    if vkey.len() > MAX_VKEY_BYTES {
        return None;
    }
    let (name, rest) = vkey.split_once('+')?;
    let (id, key) = rest.split_once('+')?;
    let is_hex = id.len() == 8 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let id = is_hex.then(|| u32::from_str_radix(id, 16).ok())??;
    Some((name, KeyId(id.to_be_bytes()), STANDARD.decode(key).ok()?))
}

fn usable_key(bytes: &[u8]) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
    (!key.is_weak()).then_some(key)
}

/// Declares the secret and the public half of one kind of key.
macro_rules! key_pair {
    ($kind:expr, $(#[$secret_doc:meta])* $secret:ident, $(#[$public_doc:meta])* $public:ident) => {
        $(#[$secret_doc])*
        pub struct $secret {
            public: $public,
            secret: SigningKey,
        }

        impl $secret {
            /// The key of RFC 8032 whose 32-byte private key is `seed`.
            pub fn from_seed(name: KeyName, seed: &Zeroizing<[u8; 32]>) -> Self {
                let secret = SigningKey::from_bytes(seed);
                let public = $public(NamedKey::new(name, $kind, secret.verifying_key()));
                Self { public, secret }
            }

            pub fn verifier(&self) -> &$public {
                &self.public
            }

            /// The public half as text, to hand out.
            pub fn vkey(&self) -> String {
                self.public.vkey()
            }

            pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
                self.secret.sign(message).to_bytes()
            }
        }

        impl fmt::Debug for $secret {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({}, hidden)", stringify!($secret), self.public.name())
            }
        }

        $(#[$public_doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $public(NamedKey);

        impl $public {
            /// Reads `<name>+<key id>+<base64>`.
            pub fn parse(vkey: &str) -> Result<Self, KeyError> {
                NamedKey::parse(vkey, $kind).map(Self)
            }

            pub fn name(&self) -> &KeyName {
                &self.0.name
            }

            pub fn id(&self) -> KeyId {
                self.0.id
            }

            pub fn vkey(&self) -> String {
                self.0.vkey($kind)
            }

            pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
                self.0.verifies(message, signature)
            }
        }

        impl fmt::Debug for $public {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.vkey())
            }
        }

        impl FromStr for $public {
            type Err = KeyError;
            fn from_str(vkey: &str) -> Result<Self, KeyError> {
                Self::parse(vkey)
            }
        }
    };
}

key_pair!(
    KeyKind::Note,
    /// The secret key with which a log signs its checkpoints; wiped from memory when dropped.
    LogKey,
    /// The public key of a log.
    LogVerifier
);
key_pair!(
    KeyKind::Cosignature,
    /// The secret key with which a node cosigns the checkpoints of others; never the same seed as a log key.
    CosignerKey,
    /// The public key of a cosigner.
    CosignerVerifier
);

#[cfg(test)]
mod tests {
    use super::*;

    /// A type that does not wipe itself does not compile here.
    #[test]
    fn secret_keys_are_wiped_when_they_are_dropped() {
        fn wiped<T: zeroize::ZeroizeOnDrop>() {}
        wiped::<SigningKey>();
    }

    /// The example of C2SP signed-note, Verifier keys.
    const PUBLISHED: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn the_published_verifier_key_goes_round() {
        let verifier = LogVerifier::parse(PUBLISHED).unwrap();
        assert_eq!(verifier.name().as_str(), "example.com/foo");
        assert_eq!(verifier.id().to_string(), "530d903a");
        assert_eq!(verifier.vkey(), PUBLISHED);
    }

    #[test]
    fn a_verifier_key_with_one_thing_wrong_is_refused() {
        let name: KeyName = "example.com/foo".parse().unwrap();
        let other_id = PUBLISHED.replace("530d903a", "530d903b");
        assert!(matches!(LogVerifier::parse(&other_id), Err(KeyError::OtherId { .. })));
        let upper_case = PUBLISHED.replace("530d903a", "530D903A");
        assert!(matches!(LogVerifier::parse(&upper_case), Err(KeyError::BadShape { .. })));
        let other_type = KeyError::OtherType { name: name.clone(), expected: 4, found: 1 };
        assert_eq!(CosignerVerifier::parse(PUBLISHED), Err(other_type));
        let small_order = format!("example.com/foo+00000000+{}", STANDARD.encode([1; 2]));
        assert_eq!(LogVerifier::parse(&small_order), Err(KeyError::BadKey { name }));
        for text in ["", "+", "++", "a+b", "a b+530d903a+AQ==", &"x".repeat(400)] {
            assert!(LogVerifier::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_of_small_order_is_refused() {
        let mut identity = vec![0x01, 0x01];
        identity.resize(33, 0);
        let text = format!("example.com/foo+00000000+{}", STANDARD.encode(identity));
        assert!(matches!(LogVerifier::parse(&text), Err(KeyError::BadKey { .. })));
    }

    #[test]
    fn the_same_seed_has_another_id_for_each_kind_of_key() {
        let (name, seed) = ("a.example".parse::<KeyName>().unwrap(), Zeroizing::new([3; 32]));
        let log = LogKey::from_seed(name.clone(), &seed);
        let cosigner = CosignerKey::from_seed(name, &seed);
        assert_ne!(log.verifier().id(), cosigner.verifier().id());
        assert_eq!(format!("{log:?}"), "LogKey(a.example, hidden)");
    }

    #[test]
    fn names_hold_no_space_control_or_plus() {
        for name in ["", "a b", "a\u{a0}b", "a+b", "a\nb", &"x".repeat(256)] {
            assert!(name.parse::<KeyName>().is_err(), "{name}");
        }
        assert!("oid/1.2.3".parse::<KeyName>().is_ok());
        assert_eq!(KeyName::of_log("XA".parse().unwrap()).as_str(), "xa.log.rogatory");
    }

    #[test]
    fn the_published_note_verifies_and_a_changed_one_does_not() {
        let verifier = LogVerifier::parse(PUBLISHED).unwrap();
        let signature =
            "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=";
        let signature = STANDARD.decode(signature).unwrap();
        assert_eq!(&signature[..4], verifier.id().as_bytes());
        assert!(verifier.verifies(b"This is an example message.\n", &signature[4..]));
        assert!(!verifier.verifies(b"This is an example message!\n", &signature[4..]));
        assert!(!verifier.verifies(b"This is an example message.\n", &signature[3..]));
    }

    /// The key pair in the documentation of Go's `sumdb/note`.
    #[test]
    fn the_published_key_pair_makes_the_published_signature() {
        let seed = STANDARD.decode("gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=").unwrap();
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).unwrap());
        let key = LogKey::from_seed("PeterNeumann".parse().unwrap(), &seed);
        assert_eq!(key.vkey(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
        let text = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n";
        let mut line = key.verifier().id().as_bytes().to_vec();
        line.extend(key.sign(text.as_bytes()));
        let published =
            "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        assert_eq!(STANDARD.encode(line), published);
    }
}
