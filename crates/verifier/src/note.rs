//! Signed notes (C2SP signed-note): the heads of logs, and the confirmations of others on them.

use crate::{
    encoding::{base64, unbase64},
    flaw::{Flaw, Wrong, wrong},
    hash::Digest,
    instant::Instant,
};
use ed25519_dalek::{Signature, VerifyingKey};

const MAX_NOTE_BYTES: usize = 128 << 10;
const MAX_TEXT_BYTES: usize = 16 << 10;
const MAX_SIGNATURES: usize = 16;
const MAX_EXTENSION_LINES: usize = 16;
const MAX_NAME_BYTES: usize = 255;
const MAX_SIZE: u64 = i64::MAX as u64;

/// What a key of a note may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Heads of its own log.
    Log,
    /// Confirmations of the heads of others (`cosignature/v1`).
    Cosigner,
}

impl Use {
    fn byte(self) -> u8 {
        match self {
            Self::Log => 1,
            Self::Cosigner => 4,
        }
    }
}

/// A verifier key: `<name>+<key id>+<base64 of type and key>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteKey {
    pub name: String,
    pub id: [u8; 4],
    pub text: String,
    kind: Use,
    key: VerifyingKey,
}

impl NoteKey {
    pub fn parse(text: &str, kind: Use) -> Result<Self, Wrong> {
        let bad = |what: &str| wrong(Flaw::Note, format!("the verifier key {what}"));
        let text = text.trim_end_matches('\n');
        let mut parts = text.splitn(3, '+');
        let (name, id, key) = (parts.next(), parts.next(), parts.next());
        let (Some(name), Some(id), Some(key)) = (name, id, key) else { return Err(bad("is malformed")) };
        let key = unbase64(key).ok_or_else(|| bad("is malformed"))?;
        let (first, public) = key.split_first().ok_or_else(|| bad("is malformed"))?;
        if !is_name(name) || *first != kind.byte() {
            return Err(bad("is of another type"));
        }
        let public: [u8; 32] = public.try_into().map_err(|_| bad("is malformed"))?;
        let usable = VerifyingKey::from_bytes(&public).ok().filter(|key| !key.is_weak());
        let own = Digest::of(&[name.as_bytes(), b"\n", &key].concat());
        let expected = own.0.first_chunk::<4>().copied().unwrap_or_default();
        if id != crate::encoding::hex(&expected) {
            return Err(bad("has an id that does not follow from it"));
        }
        let key = usable.ok_or_else(|| bad("is not a usable Ed25519 key"))?;
        Ok(Self { name: name.to_owned(), id: expected, text: text.to_owned(), kind, key })
    }

    fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

/// 1 to 255 bytes without white space, control characters or `+`.
fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// One line `— <name> <base64 of key id and signature>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub name: String,
    pub id: [u8; 4],
    signature: Vec<u8>,
}

impl Line {
    pub(crate) fn parse(line: &str) -> Result<Self, Wrong> {
        let bad = || wrong(Flaw::Note, "a signature line is malformed");
        let line = line.strip_suffix('\n').unwrap_or(line);
        let (name, signature) =
            line.strip_prefix("\u{2014} ").and_then(|l| l.split_once(' ')).ok_or_else(bad)?;
        let bytes = unbase64(signature).ok_or_else(bad)?;
        let (id, signature) = bytes.split_first_chunk::<4>().ok_or_else(bad)?;
        if !is_name(name) || signature.is_empty() {
            return Err(bad());
        }
        Ok(Self { name: name.to_owned(), id: *id, signature: signature.to_vec() })
    }

    pub(crate) fn is_by(&self, key: &NoteKey) -> bool {
        self.name == key.name && self.id == key.id
    }
}

/// The head of a log: how many entries it has, and the one hash that stands for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub origin: String,
    pub size: u64,
    pub root: [u8; 32],
}

impl Head {
    /// The text that logs and their cosigners sign, without extension lines.
    pub(crate) fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, base64(&self.root))
    }

    fn parse(text: &str) -> Result<Self, Wrong> {
        let bad = |what: &str| wrong(Flaw::Note, format!("the head of the log {what}"));
        let lines: Vec<&str> = text.strip_suffix('\n').unwrap_or(text).split('\n').collect();
        let [origin, size, root, rest @ ..] = lines.as_slice() else {
            return Err(bad("has fewer than three lines"));
        };
        let size =
            decimal(size).filter(|size| *size <= MAX_SIZE).ok_or_else(|| bad("has a malformed size"))?;
        let root = hash(root).ok_or_else(|| bad("has a malformed root"))?;
        if rest.len() > MAX_EXTENSION_LINES || rest.iter().any(|line| line.is_empty()) || !is_name(origin) {
            return Err(bad("is malformed"));
        }
        Ok(Self { origin: (*origin).to_owned(), size, root })
    }
}

/// Digits without sign or leading zero.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let value: u64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

pub(crate) fn hash(text: &str) -> Option<[u8; 32]> {
    unbase64(text)?.try_into().ok()
}

/// A head that its log signed, with everybody's lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedHead {
    pub head: Head,
    /// What was signed.
    pub text: String,
    pub lines: Vec<Line>,
    /// The origin: a log goes on when its key is replaced.
    pub log: String,
}

impl SignedHead {
    /// Opens a note that must be a head of the log of one of these keys; every line by that key must verify.
    pub(crate) fn open(note: &str, logs: &[NoteKey]) -> Result<Self, Wrong> {
        let (text, lines) = split(note)?;
        let log = logs.iter().find(|key| lines.iter().any(|line| line.is_by(key)));
        let log = log.ok_or_else(|| wrong(Flaw::Note, "the log of the State did not sign this head"))?;
        let holds = |line: &Line| log.kind == Use::Log && log.signed(text.as_bytes(), &line.signature);
        if !lines.iter().filter(|line| line.is_by(log)).all(holds) {
            return Err(wrong(
                Flaw::Note,
                format!("the signature of the log `{}` does not verify", log.name),
            ));
        }
        let head = Head::parse(text)?;
        if head.origin != log.name {
            return Err(wrong(Flaw::Note, format!("the head is of another log than `{}`", log.name)));
        }
        Ok(Self { log: head.origin.clone(), head, text: text.to_owned(), lines })
    }

    /// When this cosigner confirmed the head, if it did; a line of it that does not verify is wrong.
    pub(crate) fn confirmed_by(&self, cosigner: &NoteKey) -> Result<Option<Instant>, Wrong> {
        let lines = self.lines.iter().filter(|line| line.is_by(cosigner));
        let times: Vec<Instant> =
            lines.map(|line| confirmation(&self.text, line, cosigner)).collect::<Result<_, _>>()?;
        Ok(times.into_iter().min())
    }
}

/// Checks a `cosignature/v1` over the text of a head and returns its time (C2SP tlog-cosignature).
pub(crate) fn confirmation(text: &str, line: &Line, cosigner: &NoteKey) -> Result<Instant, Wrong> {
    let bad = || wrong(Flaw::Cosignature, format!("the confirmation by `{}` does not verify", cosigner.name));
    let (time, signature) = line.signature.split_first_chunk::<8>().ok_or_else(bad)?;
    let time = i64::try_from(u64::from_be_bytes(*time)).map_err(|_| bad())?;
    let message = format!("cosignature/v1\ntime {time}\n{text}");
    let holds = cosigner.kind == Use::Cosigner
        && line.is_by(cosigner)
        && cosigner.signed(message.as_bytes(), signature);
    if holds { Ok(Instant::from_seconds(time)) } else { Err(bad()) }
}

/// Text with its final newline, and the lines after the last empty line.
fn split(note: &str) -> Result<(&str, Vec<Line>), Wrong> {
    let bad = |what: &str| wrong(Flaw::Note, format!("the signed head {what}"));
    if note.len() > MAX_NOTE_BYTES {
        return Err(bad("is too long"));
    }
    let (text, lines) = note.rsplit_once("\n\n").ok_or_else(|| bad("has no signatures"))?;
    let text = note.get(..=text.len()).ok_or_else(|| bad("has no signatures"))?;
    let lines = lines.strip_suffix('\n').ok_or_else(|| bad("does not end with a newline"))?;
    if text.len() > MAX_TEXT_BYTES || text.bytes().any(|b| b < 0x20 && b != b'\n') {
        return Err(bad("has a malformed text"));
    }
    let lines = lines.split('\n').take(MAX_SIGNATURES + 1).map(Line::parse).collect::<Result<Vec<_>, _>>()?;
    if lines.len() > MAX_SIGNATURES { Err(bad("has too many signatures")) } else { Ok((text, lines)) }
}
