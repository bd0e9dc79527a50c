//! Private keys encrypted with a passphrase: PKCS #8 EncryptedPrivateKeyInfo (RFC 5958, 3) with PBES2 (RFC 8018, 6.2).

use crate::{KeyFault, Passphrase, random_bytes};
use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use const_oid::ObjectIdentifier;
use der::{
    Any, Decode as _, Encode as _, Sequence,
    asn1::{Null, OctetString},
    pem,
};
use spki::AlgorithmIdentifierOwned;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

pub(crate) const PLAIN_LABEL: &str = "PRIVATE KEY";
const LOCKED_LABEL: &str = "ENCRYPTED PRIVATE KEY";
const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
const HMAC_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.9");
const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");

/// Policy: what makes a guess slow; the number that OWASP names for HMAC-SHA-256.
const ROUNDS: NonZeroU32 = NonZeroU32::new(600_000).expect("it is not zero");
/// A file that asks for more is not of ours, and would hold up the program.
const MAX_ROUNDS: u32 = 20_000_000;
/// The largest key file that is read, in bytes.
pub(crate) const MAX_KEY_BYTES: usize = 64 << 10;
/// PrivateKeyInfo of an Ed25519 key up to its seed (RFC 8410, 7).
const ED25519: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// EncryptedPrivateKeyInfo.
#[derive(Sequence)]
struct Locked {
    algorithm: AlgorithmIdentifierOwned,
    content: OctetString,
}

/// PBES2-params (RFC 8018, A.4).
#[derive(Sequence)]
struct Scheme {
    derivation: AlgorithmIdentifierOwned,
    encryption: AlgorithmIdentifierOwned,
}

/// PBKDF2-params (RFC 8018, A.2); `prf` is absent for HMAC-SHA-1, which is not read.
#[derive(Sequence)]
struct Derivation {
    salt: OctetString,
    rounds: u32,
    #[asn1(optional = "true")]
    key_length: Option<u16>,
    #[asn1(optional = "true")]
    prf: Option<AlgorithmIdentifierOwned>,
}

/// What stands in a protected file.
struct Envelope {
    content: Vec<u8>,
    salt: Vec<u8>,
    rounds: NonZeroU32,
    iv: [u8; 16],
}

/// A salt for the files that are protected together.
pub(crate) fn new_salt() -> Result<[u8; 16], KeyFault> {
    random_bytes()
}

/// The salt of a protected file, when it has the length of ours.
pub(crate) fn salt_of(pem: &str) -> Option<[u8; 16]> {
    open_envelope(&decode(pem)?)?.salt.try_into().ok()
}

pub(crate) fn is_protected(pem: &str) -> bool {
    pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")
}

/// PrivateKeyInfo of an Ed25519 seed in DER.
pub(crate) fn ed25519(seed: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let mut der = Zeroizing::new(Vec::with_capacity(48));
    der.extend_from_slice(&ED25519);
    der.extend_from_slice(seed);
    der
}

/// The seed in such a PrivateKeyInfo.
pub(crate) fn ed25519_seed(der: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let seed: [u8; 32] = der.strip_prefix(&ED25519)?.try_into().ok()?;
    Some(Zeroizing::new(seed))
}

/// DER as a PEM block that holds it in the clear.
pub(crate) fn plain_pem(der: &[u8]) -> Result<Zeroizing<String>, KeyFault> {
    pem::encode_string(PLAIN_LABEL, pem::LineEnding::LF, der).map(Zeroizing::new).map_err(make)
}

/// The DER in a PEM block, whatever its label.
pub(crate) fn decode(pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    pem::decode_vec(pem.as_bytes()).ok().map(|(_, der)| Zeroizing::new(der))
}

/// Encrypts a PrivateKeyInfo; the padding and the initial vector are fresh, the salt is shared.
pub(crate) fn lock(
    der: &[u8],
    passphrase: &Passphrase,
    salt: &[u8; 16],
) -> Result<Zeroizing<String>, KeyFault> {
    let broken = |_| KeyFault::Make { reason: "AES-256-CBC failed".to_owned() };
    let key = passphrase.derive(salt, ROUNDS);
    let key = UnboundCipherKey::new(&AES_256, key.as_slice()).map_err(broken)?;
    // Room for the padding, so that the clear bytes are not moved and left behind.
    let mut content = Zeroizing::new(Vec::with_capacity(der.len() + 32));
    content.extend_from_slice(der);
    let used = PaddedBlockEncryptingKey::cbc_pkcs7(key).and_then(|key| key.encrypt(&mut *content));
    let EncryptionContext::Iv128(iv) = EncryptionContext::from(used.map_err(broken)?) else {
        return Err(broken(aws_lc_rs::error::Unspecified));
    };
    envelope(&content, salt, iv.as_ref()).map_err(make)
}

fn envelope(content: &[u8], salt: &[u8], iv: &[u8]) -> der::Result<Zeroizing<String>> {
    let with = |oid, parameters: Any| AlgorithmIdentifierOwned { oid, parameters: Some(parameters) };
    let derivation = Derivation {
        salt: OctetString::new(salt)?,
        rounds: ROUNDS.get(),
        key_length: None,
        prf: Some(with(HMAC_SHA256, Any::encode_from(&Null)?)),
    };
    let scheme = Scheme {
        derivation: with(PBKDF2, Any::encode_from(&derivation)?),
        encryption: with(AES_256_CBC, Any::encode_from(&OctetString::new(iv)?)?),
    };
    let locked =
        Locked { algorithm: with(PBES2, Any::encode_from(&scheme)?), content: OctetString::new(content)? };
    Ok(Zeroizing::new(pem::encode_string(LOCKED_LABEL, pem::LineEnding::LF, &locked.to_der()?)?))
}

/// Decrypts what [`lock`] or `openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256` made.
pub(crate) fn unlock(pem: &str, passphrase: &Passphrase, path: &str) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    let scheme = || KeyFault::Scheme { path: path.to_owned() };
    let wrong = |_| KeyFault::WrongPassphrase { path: path.to_owned() };
    let der = decode(pem).ok_or_else(scheme)?;
    let Envelope { content, salt, rounds, iv } = open_envelope(&der).ok_or_else(scheme)?;
    let key = passphrase.derive(&salt, rounds);
    let key = UnboundCipherKey::new(&AES_256, key.as_slice()).map_err(wrong)?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(wrong)?;
    let mut content = Zeroizing::new(content);
    let plain = key.decrypt(&mut content, DecryptionContext::Iv128(iv.into())).map_err(wrong)?;
    // A wrong passphrase pads well once in 256 times; it does not make a key.
    if Any::from_der(plain).is_err() {
        return Err(wrong(aws_lc_rs::error::Unspecified));
    }
    Ok(Zeroizing::new(plain.to_vec()))
}

/// `None` when the scheme is not ours.
fn open_envelope(der: &[u8]) -> Option<Envelope> {
    let locked = Locked::from_der(der).ok()?;
    let parameters = |id: &AlgorithmIdentifierOwned, oid| {
        (id.oid == oid).then(|| id.parameters.as_ref().and_then(|any| any.to_der().ok()))?
    };
    let scheme = Scheme::from_der(&parameters(&locked.algorithm, PBES2)?).ok()?;
    let derivation = Derivation::from_der(&parameters(&scheme.derivation, PBKDF2)?).ok()?;
    let iv = OctetString::from_der(&parameters(&scheme.encryption, AES_256_CBC)?).ok()?;
    let fits = derivation.prf.is_some_and(|prf| prf.oid == HMAC_SHA256)
        && derivation.key_length.is_none_or(|length| length == 32)
        && derivation.rounds <= MAX_ROUNDS;
    let rounds = NonZeroU32::new(derivation.rounds).filter(|_| fits)?;
    let (content, salt) = (locked.content.into_bytes(), derivation.salt.into_bytes());
    Some(Envelope { content, salt, rounds, iv: iv.as_bytes().try_into().ok()? })
}

fn make(error: impl std::fmt::Display) -> KeyFault {
    KeyFault::Make { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path, process::Command};
    use vocabulary::Failure as _;

    fn passphrase(folder: &Path, name: &str, text: &str) -> Passphrase {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Passphrase::read(&path).unwrap()
    }

    fn openssl(folder: &Path, words: &str) -> Option<bool> {
        let output = Command::new("openssl").args(words.split(' ')).current_dir(folder).output().ok()?;
        Some(output.status.success())
    }

    #[test]
    fn a_locked_key_goes_round_and_only_its_passphrase_opens_it() {
        let folder = tempfile::tempdir().unwrap();
        let right = passphrase(folder.path(), "right", "correct horse battery");
        let wrong = passphrase(folder.path(), "wrong", "correct horse staple!");
        let der = ed25519(&[7; 32]);
        let salt = new_salt().unwrap();
        let pem = lock(&der, &right, &salt).unwrap();
        assert!(is_protected(&pem));
        assert_ne!(*pem, *lock(&der, &right, &salt).unwrap(), "a fresh initial vector each time");
        assert_eq!(*unlock(&pem, &right, "x").unwrap(), *der);
        assert_eq!(ed25519_seed(&der).unwrap().as_slice(), &[7; 32]);
        assert_eq!(unlock(&pem, &wrong, "x").unwrap_err().code(), "R-921");
        for cut in [0, 40, 200] {
            assert_eq!(unlock(&pem[..cut], &right, "x").unwrap_err().code(), "R-923");
        }
    }

    #[test]
    fn openssl_opens_ours_and_we_open_those_of_openssl() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        let right = passphrase(place, "right", "correct horse battery");
        passphrase(place, "wrong", "correct horse staple!");
        let pem = lock(&ed25519(&[9; 32]), &right, &new_salt().unwrap()).unwrap();
        fs::write(place.join("locked.pem"), pem.as_bytes()).unwrap();
        let Some(opened) = openssl(place, "pkey -in locked.pem -passin file:right -out plain.pem") else {
            eprintln!("skipped: openssl is not installed");
            return;
        };
        assert!(opened);
        let plain = decode(&fs::read_to_string(place.join("plain.pem")).unwrap()).unwrap();
        assert_eq!(ed25519_seed(&plain).unwrap().as_slice(), &[9; 32]);
        assert_eq!(openssl(place, "pkey -in locked.pem -passin file:wrong -noout"), Some(false));
        let ours = "pkcs8 -topk8 -in plain.pem -v2 aes-256-cbc -passout file:right -out theirs.pem";
        assert_eq!(openssl(place, ours), Some(true));
        let theirs = fs::read_to_string(place.join("theirs.pem")).unwrap();
        assert_eq!(*unlock(&theirs, &right, "theirs").unwrap(), *plain);
        let other = "pkcs8 -topk8 -in plain.pem -scrypt -passout file:right -out scrypt.pem";
        assert_eq!(openssl(place, other), Some(true));
        let scrypt = fs::read_to_string(place.join("scrypt.pem")).unwrap();
        assert_eq!(unlock(&scrypt, &right, "scrypt").unwrap_err().code(), "R-923");
    }
}
