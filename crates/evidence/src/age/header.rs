//! The header of an age file: the version line, the stanzas that wrap the file key, and the MAC over both.

use super::{
    AgeError,
    identity::{AgeIdentity, AgeRecipient, public_of, shared_secret},
};
use aws_lc_rs::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
    hmac,
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use std::io::Read;
use zeroize::Zeroizing;

const VERSION_LINE: &str = "age-encryption.org/v1";
const X25519_TYPE: &str = "X25519";
const X25519_INFO: &[u8] = b"age-encryption.org/v1/X25519";
const SCRYPT_TYPE: &str = "scrypt";
/// Far above any honest header: ours has 200 bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Columns of a stanza's base64 body; a shorter line, perhaps empty, ends it.
const BODY_COLUMNS: usize = 64;

pub(super) type FileKey = Zeroizing<[u8; 16]>;

/// Opens a stanza from its arguments and its body; `None` when it is for somebody else.
type Unwrap<'a> = dyn Fn(&[String], &[u8]) -> Result<Option<FileKey>, AgeError> + 'a;

struct Stanza {
    arguments: Vec<String>,
    body: Vec<u8>,
}

/// A parsed header, not yet authenticated.
pub(super) struct Header {
    stanzas: Vec<Stanza>,
    mac: Vec<u8>,
    /// Everything up to and including `---`.
    covered: Vec<u8>,
}

/// Wraps `file_key` to one recipient and returns the whole header.
pub(super) fn write_header(
    recipient: &AgeRecipient,
    ephemeral: &[u8; 32],
    file_key: &FileKey,
) -> Result<Vec<u8>, AgeError> {
    let share = public_of(ephemeral)?;
    let shared = shared_secret(ephemeral, recipient.as_bytes())?;
    let key = wrapping_key(&shared, &share, recipient)?;
    let mut body = file_key.to_vec();
    key.seal_in_place_append_tag(zero_nonce(), Aad::empty(), &mut body)
        .map_err(|_| AgeError::Library { what: "wrap a file key" })?;
    write(&[(vec![X25519_TYPE.to_owned(), BASE64.encode(share)], body)], file_key)
}

/// A whole header of stanzas, each its arguments and its body.
pub(super) fn write(stanzas: &[(Vec<String>, Vec<u8>)], file_key: &FileKey) -> Result<Vec<u8>, AgeError> {
    let mut covered = format!("{VERSION_LINE}\n");
    for (arguments, body) in stanzas {
        covered.push_str(&format!("-> {}\n", arguments.join(" ")));
        let body = BASE64.encode(body);
        let mut rest = body.as_str();
        while let Some((line, after)) = rest.split_at_checked(BODY_COLUMNS) {
            covered.push_str(&format!("{line}\n"));
            rest = after;
        }
        covered.push_str(&format!("{rest}\n"));
    }
    covered.push_str("---");
    let mac = hmac::sign(&mac_key(file_key)?, covered.as_bytes());
    Ok(format!("{covered} {}\n", BASE64.encode(mac)).into_bytes())
}

impl Header {
    /// Reads to the end of the MAC line and not one byte further.
    pub(super) fn read(input: &mut impl Read) -> Result<Self, AgeError> {
        let mut lines = Lines { input, taken: Vec::new() };
        if lines.next()? != VERSION_LINE {
            return Err(malformed("it does not begin with the version line"));
        }
        let mut stanzas = Vec::new();
        loop {
            let line = lines.next()?;
            if let Some(arguments) = line.strip_prefix("-> ") {
                stanzas.push(read_stanza(arguments, &mut lines)?);
                continue;
            }
            let mac = line.strip_prefix("--- ").ok_or(malformed("a line is neither stanza nor MAC"))?;
            return Self::finish(stanzas, canonical(mac)?, line.len(), lines.taken);
        }
    }

    fn finish(stanzas: Vec<Stanza>, mac: Vec<u8>, last: usize, mut taken: Vec<u8>) -> Result<Self, AgeError> {
        let lonely = stanzas.len() == 1;
        if stanzas.is_empty() {
            return Err(malformed("it has no stanza"));
        }
        if !lonely && stanzas.iter().any(|stanza| stanza.is(SCRYPT_TYPE)) {
            return Err(malformed("a passphrase stanza has company"));
        }
        if mac.len() != 32 {
            return Err(malformed("the MAC is not 32 bytes long"));
        }
        taken.truncate(taken.len().saturating_sub(last + 1) + "---".len());
        Ok(Self { stanzas, mac, covered: taken })
    }

    pub(super) fn stanza_count(&self) -> usize {
        self.stanzas.len()
    }

    /// As `unlock`, for a file whose stanzas are all of one kind.
    pub(super) fn unlock_with(&self, kind: &str, unwrap: &Unwrap<'_>) -> Result<FileKey, AgeError> {
        if self.stanzas.iter().any(|stanza| stanza.is(kind))
            && !self.stanzas.iter().all(|stanza| stanza.is(kind))
        {
            return Err(malformed("a post-quantum stanza has company of another kind"));
        }
        let mut found = None;
        for stanza in self.stanzas.iter().filter(|stanza| stanza.is(kind)) {
            let key = unwrap(&stanza.arguments, &stanza.body)?;
            found = found.or(key);
        }
        let file_key = found.ok_or(AgeError::NotForThisKey)?;
        hmac::verify(&mac_key(&file_key)?, &self.covered, &self.mac).map_err(|_| AgeError::HeaderMac)?;
        Ok(file_key)
    }

    /// Finds the stanza that this identity opens, then checks the MAC.
    pub(super) fn unlock(&self, identity: &AgeIdentity) -> Result<FileKey, AgeError> {
        let mut found = None;
        for stanza in self.stanzas.iter().filter(|stanza| stanza.is(X25519_TYPE)) {
            if let Some(key) = stanza.unwrap(identity)?
                && found.is_none()
            {
                found = Some(key);
            }
        }
        let file_key = found.ok_or(AgeError::NotForThisKey)?;
        hmac::verify(&mac_key(&file_key)?, &self.covered, &self.mac).map_err(|_| AgeError::HeaderMac)?;
        Ok(file_key)
    }
}

impl Stanza {
    fn is(&self, kind: &str) -> bool {
        self.arguments.first().is_some_and(|found| found == kind)
    }

    /// `None` when the stanza is well formed but for somebody else.
    fn unwrap(&self, identity: &AgeIdentity) -> Result<Option<FileKey>, AgeError> {
        let [_, share] = self.arguments.as_slice() else {
            return Err(malformed("an X25519 stanza does not have exactly one share"));
        };
        let share: [u8; 32] =
            canonical(share)?.try_into().map_err(|_| malformed("an X25519 share is not 32 bytes long"))?;
        if self.body.len() != 32 {
            return Err(malformed("a wrapped file key is not 32 bytes long"));
        }
        let shared = identity.shared_with(&share)?;
        let key = wrapping_key(&shared, &share, &identity.recipient())?;
        let mut body = Zeroizing::new(self.body.clone());
        let Ok(opened) = key.open_in_place(zero_nonce(), Aad::empty(), body.as_mut_slice()) else {
            return Ok(None);
        };
        Ok((&*opened).try_into().ok().map(Zeroizing::new))
    }
}

/// The key of the payload, bound to this file by its nonce.
pub(super) fn payload_key(file_key: &FileKey, nonce: &[u8; 16]) -> Result<LessSafeKey, AgeError> {
    let key = derive(nonce, &file_key[..], b"payload")?;
    aead(&key)
}

fn wrapping_key(
    shared: &[u8; 32],
    share: &[u8; 32],
    recipient: &AgeRecipient,
) -> Result<LessSafeKey, AgeError> {
    let salt = [share.as_slice(), recipient.as_bytes()].concat();
    aead(&*derive(&salt, shared, X25519_INFO)?)
}

fn mac_key(file_key: &FileKey) -> Result<hmac::Key, AgeError> {
    let key = derive(&[], &file_key[..], b"header")?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &key[..]))
}

fn aead(key: &[u8; 32]) -> Result<LessSafeKey, AgeError> {
    UnboundKey::new(&CHACHA20_POLY1305, key)
        .map(LessSafeKey::new)
        .map_err(|_| AgeError::Library { what: "load a ChaCha20-Poly1305 key" })
}

/// HKDF-SHA-256 (RFC 5869) to 32 bytes.
fn derive(salt: &[u8], secret: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; 32]>, AgeError> {
    let mut key = Zeroizing::new([0; 32]);
    Salt::new(HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[info], HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key[..]))
        .map_err(|_| AgeError::Library { what: "derive a key" })?;
    Ok(key)
}

/// Each wrapping key is used once, so its nonce is zero.
fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

fn read_stanza<R: Read>(arguments: &str, lines: &mut Lines<'_, R>) -> Result<Stanza, AgeError> {
    let arguments: Vec<String> = arguments.split(' ').map(str::to_owned).collect();
    let printable = |text: &String| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if !arguments.iter().all(printable) {
        return Err(malformed("a stanza argument is empty or not printable"));
    }
    let mut body = Vec::new();
    loop {
        let line = lines.next()?;
        if line.len() > BODY_COLUMNS {
            return Err(malformed("a line of a stanza body is longer than 64 columns"));
        }
        body.extend(canonical(&line)?);
        if line.len() < BODY_COLUMNS {
            return Ok(Stanza { arguments, body });
        }
    }
}

/// Base64 without padding, in its one canonical form (RFC 4648, 3.5).
fn canonical(text: &str) -> Result<Vec<u8>, AgeError> {
    BASE64.decode(text).map_err(|_| malformed("a value is not canonical base64"))
}

fn malformed(what: &'static str) -> AgeError {
    AgeError::Header { what }
}

struct Lines<'a, R> {
    input: &'a mut R,
    taken: Vec<u8>,
}

impl<R: Read> Lines<'_, R> {
    fn next(&mut self) -> Result<String, AgeError> {
        let mut line = Vec::new();
        loop {
            let mut byte = [0];
            self.input.read_exact(&mut byte).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => malformed("it ends early"),
                _ => AgeError::Read(error),
            })?;
            if self.taken.len() >= MAX_HEADER_BYTES {
                return Err(malformed("it is longer than 64 KiB"));
            }
            self.taken.extend(byte);
            match byte {
                [b'\n'] => break,
                [other] => line.push(other),
            }
        }
        String::from_utf8(line).map_err(|_| malformed("it is not text"))
    }
}
