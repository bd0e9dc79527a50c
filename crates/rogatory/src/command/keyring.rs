//! Keys and certificates that a user names on the command line: PEM files, a token (PKCS #11), a folder of roots.

use crate::{
    named,
    output::{Told, refuse},
};
use evidence::{HybridIdentity, HybridRecipient, KeyEnvelope, SignerInfo, StampInfo};
use seal::{Certificate, DecryptionKey, OfficeKey, SignatureError, SigningKey, TrustAnchor, Verified};
use std::{
    fs,
    path::{Path, PathBuf},
};
use vocabulary::{Failure, Family, Instant, Report};
use zeroize::Zeroizing;

pub(crate) fn told(error: impl Failure) -> anyhow::Error {
    Told(error.report()).into()
}

pub(crate) fn text(path: &Path) -> anyhow::Result<String> {
    String::from_utf8(named::read(path)?)
        .map_err(|_| named::refused(path, "read", std::io::ErrorKind::InvalidData.into()))
}

/// The same for what must not stay in memory.
fn secret(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(named::read(path)?);
    let text = std::str::from_utf8(&bytes);
    let text = text.map_err(|_| named::refused(path, "read", std::io::ErrorKind::InvalidData.into()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Every PEM block of one kind in a file.
fn blocks(text: &str, label: &str) -> Vec<String> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    text.split(&begin)
        .skip(1)
        .filter_map(|rest| rest.split_once(&end))
        .map(|(body, _)| format!("{begin}{body}{end}\n"))
        .collect()
}

/// The first certificate in a file.
pub(crate) fn certificate(path: &Path) -> anyhow::Result<Certificate> {
    let text = text(path)?;
    let first = blocks(&text, "CERTIFICATE").into_iter().next();
    let none = || refuse("R-830", format!("`{}` has no certificate", path.display()), "give a PEM file");
    Certificate::from_pem(&first.ok_or_else(none)?).map_err(told)
}

/// The private key in a file that may hold certificates too.
fn private_key(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = secret(path)?;
    let none = || {
        let remedy = "give a PKCS #8 key in PEM; `openssl pkcs8 -topk8 -nodes` makes one of an older form";
        refuse("R-831", format!("`{}` has no private key", path.display()), remedy)
    };
    let mut found: Vec<_> = blocks(&text, "PRIVATE KEY").into_iter().map(Zeroizing::new).collect();
    if found.is_empty() { Err(none()) } else { Ok(found.swap_remove(0)) }
}

/// A key in a token, as RFC 7512 writes it.
pub(crate) struct TokenUri {
    pub(crate) module: PathBuf,
    pub(crate) token: String,
    pub(crate) object: String,
    pin: Option<PathBuf>,
}

impl TokenUri {
    /// `pkcs11:token=LAB;object=evidence?module-path=/usr/lib/…/module.so&pin-source=/run/pin`.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let example = "write `pkcs11:token=LAB;object=KEY?module-path=/path/module.so&pin-source=/path/pin`";
        let missing = |what: &str| refuse("R-842", format!("the key in a token needs `{what}`"), example);
        let rest = text.strip_prefix("pkcs11:").ok_or_else(|| missing("pkcs11:"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let fields = || path.split(';').chain(query.split('&')).filter_map(|field| field.split_once('='));
        let field = |name: &str| fields().find(|(key, _)| *key == name).and_then(|(_, value)| decoded(value));
        Ok(Self {
            module: field("module-path").map(PathBuf::from).ok_or_else(|| missing("module-path"))?,
            token: field("token").ok_or_else(|| missing("token"))?,
            object: field("object").ok_or_else(|| missing("object"))?,
            pin: field("pin-source").map(|source| PathBuf::from(source.trim_start_matches("file:"))),
        })
    }

    pub(crate) fn open(&self) -> anyhow::Result<keys::Token> {
        let pin = match (&self.pin, std::env::var("ROGATORY_PIN")) {
            (Some(source), _) => secret(source)?,
            (None, Ok(pin)) => Zeroizing::new(pin),
            (None, Err(_)) => {
                let remedy = "name a file with `pin-source`, or set ROGATORY_PIN";
                return Err(refuse("R-843", "the PIN of the token is not given", remedy));
            }
        };
        keys::Token::open(&self.module, &self.token, pin.trim_end()).map_err(told)
    }
}

/// Percent-decoded (RFC 3986, 2.1).
fn decoded(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// The key with which an office signs.
pub(crate) enum Signer {
    File(Box<SigningKey>),
    Token(Box<OfficeKey>),
}

impl Signer {
    pub(crate) fn read(key: &Path, certificate: &Certificate) -> anyhow::Result<Self> {
        let key = match key.to_str().filter(|text| text.starts_with("pkcs11:")) {
            Some(uri) => Self::Token(Box::new(in_token(uri, certificate)?)),
            None => Self::File(Box::new(SigningKey::from_pkcs8_pem(&private_key(key)?).map_err(told)?)),
        };
        match key.key().belongs_to(certificate) {
            true => Ok(key),
            false => {
                let remedy = "give the matching pair";
                Err(refuse("R-836", "the key does not belong to the certificate", remedy))
            }
        }
    }

    pub(crate) fn key(&self) -> &SigningKey {
        match self {
            Self::File(key) => key,
            Self::Token(key) => key.signing(),
        }
    }
}

fn in_token(uri: &str, certificate: &Certificate) -> anyhow::Result<OfficeKey> {
    let uri = TokenUri::parse(uri)?;
    uri.open()?.office_key(&uri.object, certificate.clone()).map_err(told)
}

enum Opener {
    File(Box<DecryptionKey>),
    Token(Box<OfficeKey>),
}

/// The keys that open packages: one of a certificate, and where it is needed one against quantum computers.
pub(crate) struct Reader {
    key: Opener,
    certificate: Certificate,
    hybrid: Option<HybridIdentity>,
}

impl Reader {
    /// The certificate may lie in the file of the key.
    pub(crate) fn read(key: &Path, cert: Option<&Path>, hybrid: Option<&Path>) -> anyhow::Result<Self> {
        let certificate = certificate(cert.unwrap_or(key))?;
        let key = match key.to_str().filter(|text| text.starts_with("pkcs11:")) {
            Some(uri) => Opener::Token(Box::new(in_token(uri, &certificate)?)),
            None => Opener::File(Box::new(DecryptionKey::from_pkcs8_pem(&private_key(key)?).map_err(told)?)),
        };
        let hybrid = hybrid.map(hybrid_identity).transpose()?;
        Ok(Self { key, certificate, hybrid })
    }

    pub(crate) fn unwrap(&self, envelope: &KeyEnvelope) -> Result<Vec<u8>, Report> {
        let key = match &self.key {
            Opener::File(key) => key,
            Opener::Token(key) => key.decryption(),
        };
        let decrypt =
            |cms: &[u8]| seal::decrypt_cms(cms, key, &self.certificate).map_err(|error| error.report());
        match (envelope, &self.hybrid) {
            (KeyEnvelope::Cms(cms), _) => decrypt(cms),
            (KeyEnvelope::HybridCms(file), Some(identity)) => {
                decrypt(&evidence::decrypt_hybrid(file, identity).map_err(|error| error.report())?)
            }
            (KeyEnvelope::HybridCms(_), None) => Err(Report {
                family: Family::Refusal,
                code: "R-844".to_owned(),
                message: "the package key is also encrypted to a post-quantum key".to_owned(),
                clause: Some("spec/05-evidence-package.md, 5.2".to_owned()),
                remedy: "name the file of that key with `--hybrid-key`".to_owned(),
            }),
        }
    }
}

/// The line of a file that is no comment.
fn only_line(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = secret(path)?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    line.map(|line| Zeroizing::new(line.to_owned())).ok_or_else(|| {
        refuse("R-845", format!("`{}` has no key", path.display()), "see `rogatory key hybrid`")
    })
}

fn hybrid_identity(path: &Path) -> anyhow::Result<HybridIdentity> {
    only_line(path)?.parse().map_err(told)
}

/// `age1pq1…`, or a file that holds it.
pub(crate) fn hybrid_recipient(text: &str) -> anyhow::Result<HybridRecipient> {
    match text.starts_with("age1pq1") {
        true => text.parse().map_err(told),
        false => only_line(Path::new(text))?.parse().map_err(told),
    }
}

/// The roots in a folder, one State each, and the roots of time-stamp authorities in its folder `time`.
pub(crate) struct Trust {
    states: Vec<TrustAnchor>,
    time: Vec<Certificate>,
}

impl Trust {
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut states = Vec::new();
        for root in certificates(folder)? {
            let Some(state) = root.country() else { continue };
            states.push(TrustAnchor::new(state, root).map_err(told)?);
        }
        if states.is_empty() {
            let message = format!("`{}` has no root certificate of a State", folder.display());
            return Err(refuse("R-832", message, "put the root certificates you trust there, as `*.pem`"));
        }
        let time = folder.join("time");
        let time = if time.is_dir() { certificates(&time)? } else { Vec::new() };
        Ok(Self { states, time })
    }

    /// Whose seal it is, under whichever of the roots it holds at `at`; a time-stamp in it must hold too.
    pub(crate) fn signer(&self, signed: &[u8], signature: &[u8], at: Instant) -> Result<SignerInfo, Report> {
        if !self.time.is_empty() {
            seal::embedded_time_stamp(signature, &self.time).map_err(|error| error.report())?;
        }
        self.under_any(|anchor| seal::verify_cms_detached(signature, signed, anchor, at))
            .map(|verified| signer_info(&verified))
    }

    /// The content of a message that carries it, and who signed it.
    pub(crate) fn attached(&self, der: &[u8], at: Instant) -> Result<(Vec<u8>, SignerInfo), Report> {
        let verified = self.under_any(|anchor| seal::verify_cms_attached(der, anchor, at))?;
        let signer = signer_info(&verified);
        Ok((verified.into_value(), signer))
    }

    /// What holds under one of the roots, or why it does not under the first.
    fn under_any<T>(&self, verify: impl Fn(&TrustAnchor) -> Result<T, SignatureError>) -> Result<T, Report> {
        let mut first = None;
        for anchor in &self.states {
            match verify(anchor) {
                Ok(verified) => return Ok(verified),
                Err(error) => {
                    first.get_or_insert(error.report());
                }
            }
        }
        Err(first.unwrap_or_else(no_roots))
    }

    pub(crate) fn judges_time(&self) -> bool {
        !self.time.is_empty()
    }

    pub(crate) fn time_stamp(&self, data: &[u8], response: &[u8]) -> Result<StampInfo, Report> {
        let stamp = seal::verify_time_stamp(response, data, &self.time).map_err(|error| error.report())?;
        Ok(StampInfo {
            at: stamp.at,
            authority: stamp.authority,
            fingerprint: stamp.certificate,
            demonstration: stamp.demonstration,
        })
    }
}

fn signer_info<T>(verified: &Verified<T>) -> SignerInfo {
    SignerInfo {
        office: verified.signer(),
        fingerprint: verified.certificate(),
        claimed_at: Some(verified.signing_time()),
    }
}

fn no_roots() -> Report {
    Report {
        family: Family::Refusal,
        code: "R-847".to_owned(),
        message: "no root certificate is trusted".to_owned(),
        clause: None,
        remedy: "name a folder with `--trust`".to_owned(),
    }
}

/// Every certificate in the PEM files of a folder.
fn certificates(folder: &Path) -> anyhow::Result<Vec<Certificate>> {
    let entries = fs::read_dir(folder).map_err(|error| named::refused(folder, "read", error))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ext| ext == "pem" || ext == "crt")) {
        for block in blocks(&text(path)?, "CERTIFICATE") {
            found.push(Certificate::from_pem(&block).map_err(told)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_a_token_is_named_as_the_standard_writes_it() {
        let text = "pkcs11:token=Lab%201;object=evidence?module-path=/x/y.so&pin-source=file:/run/pin";
        let uri = TokenUri::parse(text).unwrap();
        assert_eq!((uri.token.as_str(), uri.object.as_str()), ("Lab 1", "evidence"));
        assert_eq!(uri.module, Path::new("/x/y.so"));
        assert_eq!(uri.pin.as_deref(), Some(Path::new("/run/pin")));
        assert!(TokenUri::parse("pkcs11:token=Lab").is_err());
    }
}
