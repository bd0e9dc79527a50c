//! The post-quantum recipient of age, `mlkem768x25519`: HPKE with X-Wing (C2SP age, the hybrid recipient type).
//!
//! Only for small files, such as a key envelope. A file that has such a stanza has no other kind.

use super::{
    AgeChunks, AgeError,
    header::{self, FileKey, Header},
    identity::shared_secret,
};
use crate::chunk::{ChunkCipher, TAG_BYTES};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use bech32::{Bech32, ByteIterExt as _, Fe32IterExt as _, Hrp, primitives::decode::UncheckedHrpstring};
use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable,
    aead::ChaCha20Poly1305,
    kdf::HkdfSha256,
    kem::XWing,
    rand_core::{TryCryptoRng, TryRng},
    single_shot_open, single_shot_seal_with_rng,
};
use std::{convert::Infallible, fmt, str::FromStr};
use zeroize::Zeroizing;

pub(super) const STANZA: &str = "mlkem768x25519";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
const RECIPIENT_PREFIX: &str = "age1pq";
const SECRET_PREFIX: &str = "age-secret-key-pq-";
const RECIPIENT_TEXT: &str = "a post-quantum age recipient, which begins `age1pq1`";
const SECRET_TEXT: &str = "a post-quantum age identity, which begins `AGE-SECRET-KEY-PQ-1`";
const RECIPIENT_BYTES: usize = 1216;
/// Bytes of what such a file holds: an envelope in CMS.
const MAX_PLAIN_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of one such file: 1 MiB is far above the header and the tags of the longest.
const MAX_FILE_BYTES: usize = MAX_PLAIN_BYTES + 1024 * 1024;
const MAX_RECIPIENTS: usize = 16;

type PublicKey = <XWing as hpke::Kem>::PublicKey;
type PrivateKey = <XWing as hpke::Kem>::PrivateKey;
type EncappedKey = <XWing as hpke::Kem>::EncappedKey;

/// The public key to which an envelope is encrypted against an adversary who keeps it for a quantum computer.
#[derive(Clone, PartialEq, Eq)]
pub struct HybridRecipient(Vec<u8>);

/// The private key of a `HybridRecipient`.
pub struct HybridIdentity(Zeroizing<[u8; 32]>);

/// Bech32 without its limit of 90 characters, as age writes it; wiped, because it may be a private key.
fn encode(prefix: &str, bytes: &[u8]) -> Zeroizing<String> {
    let hrp = Hrp::parse_unchecked(prefix);
    // Room enough from the start: a text that grows leaves copies behind.
    let room = bytes.len().saturating_mul(2).saturating_add(prefix.len()).saturating_add(16);
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.extend(bytes.iter().copied().bytes_to_fes().with_checksum::<Bech32>(&hrp).chars());
    text
}

fn decode(prefix: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let unchecked = UncheckedHrpstring::new(text).ok()?;
    // The check of the sum alone: the other one has the limit too.
    unchecked.validate_checksum::<Bech32Unlimited>().ok()?;
    let checked = unchecked.remove_checksum::<Bech32Unlimited>();
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    bytes.extend(checked.byte_iter());
    encode(prefix, &bytes).eq_ignore_ascii_case(text).then_some(bytes)
}

/// Bech32 as BIP 173 has it, for texts of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bech32Unlimited {}

impl bech32::Checksum for Bech32Unlimited {
    type MidstateRepr = u32;
    const CODE_LENGTH: usize = 4096;
    const CHECKSUM_LENGTH: usize = Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = Bech32::TARGET_RESIDUE;
}

impl FromStr for HybridRecipient {
    type Err = AgeError;
    fn from_str(text: &str) -> Result<Self, AgeError> {
        let wrong = || AgeError::Key { expected: RECIPIENT_TEXT };
        let bytes =
            decode(RECIPIENT_PREFIX, text).filter(|_| text.starts_with("age1pq1")).ok_or_else(wrong)?;
        match bytes.len() == RECIPIENT_BYTES && PublicKey::from_bytes(&bytes).is_ok() {
            true => Ok(Self(bytes.to_vec())),
            false => Err(wrong()),
        }
    }
}

impl fmt::Display for HybridRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(RECIPIENT_PREFIX, &self.0))
    }
}

impl fmt::Debug for HybridRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HybridRecipient")
    }
}

impl HybridIdentity {
    /// 32 random bytes are a key.
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*secret))
    }

    fn private(&self) -> Result<PrivateKey, AgeError> {
        PrivateKey::from_bytes(&self.0[..]).map_err(|_| AgeError::Key { expected: SECRET_TEXT })
    }

    pub fn recipient(&self) -> Result<HybridRecipient, AgeError> {
        Ok(HybridRecipient(XWing::sk_to_pk(&self.private()?).to_bytes().to_vec()))
    }

    /// `AGE-SECRET-KEY-PQ-1…`, which must never reach a log or a disk in the clear.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = encode(SECRET_PREFIX, &self.0[..]);
        text.make_ascii_uppercase();
        text
    }
}

impl FromStr for HybridIdentity {
    type Err = AgeError;
    fn from_str(text: &str) -> Result<Self, AgeError> {
        let wrong = || AgeError::Key { expected: SECRET_TEXT };
        let bytes = decode(SECRET_PREFIX, text)
            .filter(|_| text.starts_with("AGE-SECRET-KEY-PQ-1"))
            .ok_or_else(wrong)?;
        bytes.as_slice().try_into().map(|secret| Self(Zeroizing::new(secret))).map_err(|_| wrong())
    }
}

impl fmt::Debug for HybridIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HybridIdentity(redacted)")
    }
}

/// A small age file to post-quantum recipients; `random` fills its argument from a cryptographic source.
pub fn encrypt_hybrid(
    plain: &[u8],
    recipients: &[HybridRecipient],
    random: &dyn Fn(&mut [u8]),
) -> Result<Vec<u8>, AgeError> {
    if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
        return Err(AgeError::Recipients { most: MAX_RECIPIENTS, found: recipients.len() });
    }
    if plain.len() > MAX_PLAIN_BYTES {
        return Err(AgeError::TooLong { most: MAX_PLAIN_BYTES, found: plain.len() });
    }
    let mut file_key: FileKey = Zeroizing::new([0; 16]);
    random(&mut file_key[..]);
    let stanzas = recipients
        .iter()
        .map(|recipient| wrap(recipient, &file_key, random))
        .collect::<Result<Vec<_>, _>>()?;
    let mut out = header::write(&stanzas, &file_key)?;
    let mut nonce = [0; 16];
    random(&mut nonce);
    out.extend_from_slice(&nonce);
    let cipher = AgeChunks(header::payload_key(&file_key, &nonce)?);
    let mut pieces: Vec<&[u8]> = plain.chunks(cipher.chunk_bytes()).collect();
    if pieces.is_empty() {
        pieces.push(&[]);
    }
    let last = pieces.len().saturating_sub(1);
    for (index, (at, piece)) in (0_u64..).zip(pieces.into_iter().enumerate()) {
        let mut chunk = piece.to_vec();
        let tag = cipher.seal(index, at == last, &mut chunk)?;
        out.extend_from_slice(&chunk);
        out.extend_from_slice(&tag);
    }
    Ok(out)
}

/// The caller's randomness in the shape that HPKE asks for.
struct Given<'a>(&'a dyn Fn(&mut [u8]));

impl TryRng for Given<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        (self.0)(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        (self.0)(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        (self.0)(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Given<'_> {}

fn wrap(
    recipient: &HybridRecipient,
    file_key: &FileKey,
    random: &dyn Fn(&mut [u8]),
) -> Result<(Vec<String>, Vec<u8>), AgeError> {
    let refused = || AgeError::Library { what: "wrap a file key" };
    let public =
        PublicKey::from_bytes(&recipient.0).map_err(|_| AgeError::Key { expected: RECIPIENT_TEXT })?;
    let (share, body) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeS::Base,
        &public,
        INFO,
        &file_key[..],
        b"",
        &mut Given(random),
    )
    .map_err(|_| refused())?;
    Ok((vec![STANZA.to_owned(), BASE64.encode(share.to_bytes())], body))
}

/// Opens a small age file that was made for post-quantum recipients only.
pub fn decrypt_hybrid(file: &[u8], identity: &HybridIdentity) -> Result<Vec<u8>, AgeError> {
    if file.len() > MAX_FILE_BYTES {
        return Err(AgeError::Header { what: "the file is longer than a key envelope may be" });
    }
    let mut rest = file;
    let header = Header::read(&mut rest)?;
    let private = identity.private()?;
    let file_key = header.unlock_with(STANZA, &|arguments, body| unwrap(arguments, body, &private))?;
    let (nonce, mut rest) =
        rest.split_first_chunk::<16>().ok_or(AgeError::Header { what: "the nonce after it is missing" })?;
    let cipher = AgeChunks(header::payload_key(&file_key, nonce)?);
    let sealed = cipher.chunk_bytes().saturating_add(TAG_BYTES);
    let mut plain = Vec::new();
    for index in 0_u64.. {
        let last = rest.len() <= sealed;
        let (chunk, after) = rest.split_at_checked(sealed.min(rest.len())).unwrap_or((rest, &[]));
        let mut chunk = chunk.to_vec();
        let length = cipher.open(index, last, &mut chunk)?;
        chunk.truncate(length);
        plain.append(&mut chunk);
        rest = after;
        if last {
            break;
        }
    }
    Ok(plain)
}

/// `None` when the stanza is well formed but for somebody else.
fn unwrap(arguments: &[String], body: &[u8], private: &PrivateKey) -> Result<Option<FileKey>, AgeError> {
    let wrong = |what| AgeError::Header { what };
    let [_, share] = arguments else {
        return Err(wrong("a hybrid stanza does not have exactly one share"));
    };
    let share = BASE64.decode(share).map_err(|_| wrong("a value is not canonical base64"))?;
    // A point of low order gives zero under every secret, so any secret finds it.
    match share.last_chunk::<32>() {
        Some(point) => drop(shared_secret(&[1; 32], point)?),
        None => return Err(wrong("a hybrid share is not 1,120 bytes long")),
    }
    let share =
        EncappedKey::from_bytes(&share).map_err(|_| wrong("a hybrid share is not 1,120 bytes long"))?;
    if body.len() != 32 {
        return Err(wrong("a wrapped file key is not 32 bytes long"));
    }
    let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeR::Base,
        private,
        &share,
        INFO,
        body,
        b"",
    );
    let Ok(opened) = opened.map(Zeroizing::new) else { return Ok(None) };
    Ok(opened.as_slice().try_into().ok().map(Zeroizing::new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{noise, random, shell};
    use std::{cell::Cell, fs, path::PathBuf};
    use vocabulary::Failure as _;

    fn seal(plain: &[u8], recipients: &[HybridRecipient]) -> Vec<u8> {
        let counter = Cell::new(11);
        encrypt_hybrid(plain, recipients, &random(&counter)).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_each_recipient_and_for_nobody_else() {
        let keys = [1, 2, 3].map(|byte| HybridIdentity::from_secret(&[byte; 32]));
        let recipients: Vec<_> = keys.iter().take(2).map(|key| key.recipient().unwrap()).collect();
        for size in [0, 1, 65_536, 65_537, 200_000] {
            let file = seal(&noise(size), &recipients);
            assert!(decrypt_hybrid(&file, &keys[0]).unwrap() == noise(size));
            assert!(decrypt_hybrid(&file, &keys[1]).unwrap() == noise(size));
            assert!(matches!(decrypt_hybrid(&file, &keys[2]), Err(AgeError::NotForThisKey)));
        }
        assert_eq!(keys[0].to_text().parse::<HybridIdentity>().unwrap().0, keys[0].0);
        let text = recipients[0].to_string();
        assert_eq!(text.parse::<HybridRecipient>().unwrap(), recipients[0]);
        assert!(text.to_uppercase().parse::<HybridRecipient>().is_err());
        assert!(text.replace('q', "p").parse::<HybridRecipient>().is_err());
    }

    #[test]
    fn all_randomness_is_the_callers() {
        let recipient = [HybridIdentity::from_secret(&[4; 32]).recipient().unwrap()];
        assert!(seal(b"an envelope", &recipient) == seal(b"an envelope", &recipient));
        let counter = Cell::new(12);
        let other = encrypt_hybrid(b"an envelope", &recipient, &random(&counter)).unwrap();
        assert!(seal(b"an envelope", &recipient) != other);
    }

    #[test]
    fn the_longest_envelope_goes_round_and_a_longer_one_or_one_to_nobody_is_refused() {
        let key = HybridIdentity::from_secret(&[6; 32]);
        let most = vec![key.recipient().unwrap(); MAX_RECIPIENTS];
        let mut plain = vec![7; MAX_PLAIN_BYTES];
        assert!(decrypt_hybrid(&seal(&plain, &most), &key).unwrap() == plain);
        plain.push(7);
        let refused = |plain: &[u8], recipients: &[HybridRecipient]| {
            encrypt_hybrid(plain, recipients, &|_| ()).unwrap_err().code()
        };
        assert_eq!(refused(&plain, &most), "R-351");
        assert_eq!(refused(b"", &[]), "R-350");
        assert_eq!(refused(b"", &[most.clone(), most].concat()), "R-350");
        assert!(decrypt_hybrid(&vec![0; MAX_FILE_BYTES + 1], &key).is_err());
    }

    #[test]
    fn every_changed_byte_and_a_stanza_of_another_kind_are_refused() {
        let key = HybridIdentity::from_secret(&[5; 32]);
        let file = seal(b"an envelope", &[key.recipient().unwrap()]);
        for at in (0..file.len()).step_by(13) {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(decrypt_hybrid(&changed, &key).is_err(), "{at}");
        }
        assert!(decrypt_hybrid(&file[..file.len() - 1], &key).is_err());
        let text = String::from_utf8_lossy(&file).into_owned();
        let first = text.find("-> ").unwrap();
        let mut mixed = file[..first].to_vec();
        mixed.extend_from_slice(b"-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n");
        mixed.extend_from_slice(b"EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n");
        mixed.extend_from_slice(&file[first..]);
        assert!(matches!(decrypt_hybrid(&mixed, &key), Err(AgeError::Header { .. })));
    }

    /// Where `npm install age-encryption` put it.
    fn modules() -> Option<PathBuf> {
        let found = std::env::var_os("ROGATORY_NODE_MODULES").map(PathBuf::from);
        if found.is_none() {
            println!("skipped: ROGATORY_NODE_MODULES names no folder");
        }
        found
    }

    #[test]
    fn the_age_of_the_web_opens_ours_and_we_open_its() {
        let Some(modules) = modules() else { return };
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
        let key = HybridIdentity::from_secret(&[77; 32]);
        fs::write(folder.path().join("ours.age"), seal(b"from rogatory", &[key.recipient().unwrap()]))
            .unwrap();
        fs::write(folder.path().join("key"), key.to_text().as_bytes()).unwrap();
        fs::write(folder.path().join("recipient"), key.recipient().unwrap().to_string()).unwrap();
        let script = "
            import * as age from 'age-encryption'; import * as fs from 'fs';
            const key = fs.readFileSync('key', 'utf8');
            const d = new age.Decrypter(); d.addIdentity(key);
            const text = await d.decrypt(fs.readFileSync('ours.age'), 'text');
            if (text !== 'from rogatory') throw Error(text);
            if (await age.identityToRecipient(key) !== fs.readFileSync('recipient', 'utf8')) throw Error('recipient');
            const e = new age.Encrypter(); e.addRecipient(fs.readFileSync('recipient', 'utf8'));
            fs.writeFileSync('theirs.age', await e.encrypt('from the web'));";
        fs::write(folder.path().join("judge.mjs"), script).unwrap();
        shell(folder.path(), "node judge.mjs");
        let theirs = fs::read(folder.path().join("theirs.age")).unwrap();
        assert_eq!(decrypt_hybrid(&theirs, &key).unwrap(), b"from the web");
    }
}
