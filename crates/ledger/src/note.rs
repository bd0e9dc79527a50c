//! A signed note: text and signature lines (C2SP signed-note).

use crate::key::{KeyError, KeyId, KeyName};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{fmt, str::FromStr};
use vocabulary::{Failure, Family};

/// The longest text of a note.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;
/// The longest note: a text and 16 signature lines of post-quantum size.
pub const MAX_NOTE_BYTES: usize = 128 * 1024;
/// The most signature lines; the format asks every verifier to accept this many.
pub const MAX_SIGNATURES: usize = 16;
/// The longest signature: the format speaks of nearly 5 kB.
const MAX_SIGNATURE_BYTES: usize = 5 * 1024;
const MAX_LINE_BYTES: usize = MAX_SIGNATURE_BYTES.div_ceil(3) * 4 + crate::key::MAX_NAME_BYTES + 8;

/// A well-formed note; nothing in it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

impl Note {
    /// `text` ends with a newline; the note has no signature yet.
    pub fn new(text: &str) -> Result<Self, NoteError> {
        check_text(text)?;
        Ok(Self { text: text.to_owned(), signatures: Vec::new() })
    }

    /// Reads text, an empty line and 1 to 16 signature lines; the last empty line separates.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge { found: note.len(), most: MAX_NOTE_BYTES });
        }
        let (text, lines) = split_note(note).ok_or(NoteError::NoSignatures)?;
        check_text(text)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoFinalNewline)?;
        let signatures = lines.split('\n').take(MAX_SIGNATURES + 1).map(SignatureLine::from_str);
        let signatures = signatures.collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The signed bytes, with the final newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// The lines that claim to be by this key; verifying them is the caller's.
    pub fn signatures_by<'a>(
        &'a self,
        name: &'a KeyName,
        id: KeyId,
    ) -> impl Iterator<Item = &'a SignatureLine> {
        self.signatures.iter().filter(move |line| line.name == *name && line.id == id)
    }

    /// Adds a line in place of the lines by the same key.
    pub fn put(&mut self, line: SignatureLine) -> Result<(), NoteError> {
        let others = self.signatures.iter().filter(|old| !old.same_key(&line)).count();
        if others >= MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        self.signatures.retain(|old| !old.same_key(&line));
        self.signatures.push(line);
        Ok(())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| write!(f, "{line}"))
    }
}

impl FromStr for Note {
    type Err = NoteError;
    fn from_str(note: &str) -> Result<Self, NoteError> {
        Self::parse(note)
    }
}

/// The text keeps its final newline; the second newline is the separating empty line.
fn split_note(note: &str) -> Option<(&str, &str)> {
    let at = note.rfind("\n\n")?;
    let (text, rest) = note.split_at_checked(at + 1)?;
    rest.strip_prefix('\n').filter(|lines| !lines.is_empty()).map(|lines| (text, lines))
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(NoteError::TooLarge { found: text.len(), most: MAX_TEXT_BYTES });
    }
    if !text.ends_with('\n') {
        return Err(NoteError::NoFinalNewline);
    }
    match text.bytes().position(|b| b < 0x20 && b != b'\n') {
        Some(at) => Err(NoteError::ControlCharacter { at }),
        None => Ok(()),
    }
}

/// One line `— <name> <base64 of key id and signature>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    name: KeyName,
    id: KeyId,
    signature: Vec<u8>,
}

impl SignatureLine {
    pub(crate) fn new(name: KeyName, id: KeyId, signature: Vec<u8>) -> Self {
        Self { name, id, signature }
    }

    pub fn name(&self) -> &KeyName {
        &self.name
    }

    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The bytes after the key id.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    fn same_key(&self, other: &Self) -> bool {
        self.name == other.name && self.id == other.id
    }
}

/// Writes the final newline too.
impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.as_bytes().to_vec();
        bytes.extend(&self.signature);
        writeln!(f, "\u{2014} {} {}", self.name, STANDARD.encode(bytes))
    }
}

/// Reads the line with or without its final newline.
impl FromStr for SignatureLine {
    type Err = NoteError;
    fn from_str(line: &str) -> Result<Self, NoteError> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        if line.len() > MAX_LINE_BYTES {
            return Err(NoteError::TooLarge { found: line.len(), most: MAX_LINE_BYTES });
        }
        let rest = line.strip_prefix("\u{2014} ").ok_or(NoteError::BadSignatureLine)?;
        let (name, base64) = rest.split_once(' ').ok_or(NoteError::BadSignatureLine)?;
        let bytes = STANDARD.decode(base64).map_err(|_| NoteError::BadSignatureLine)?;
        let (id, signature) = bytes.split_first_chunk::<4>().ok_or(NoteError::BadSignatureLine)?;
        if signature.is_empty() {
            return Err(NoteError::BadSignatureLine);
        }
        Ok(Self { name: name.parse()?, id: KeyId::from_bytes(*id), signature: signature.to_vec() })
    }
}

/// Text that is not a signed note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("a note, its text or a line of {found} bytes is longer than {most}")]
    TooLarge { found: usize, most: usize },
    #[error("the text or the signatures of the note do not end with a newline")]
    NoFinalNewline,
    #[error("the note has a control character at byte {at}")]
    ControlCharacter { at: usize },
    #[error("the note has no signature line after an empty line")]
    NoSignatures,
    #[error("a signature line is not `\u{2014} <name> <base64>`")]
    BadSignatureLine,
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    #[error("a signature line has a wrong name: {0}")]
    Name(#[from] KeyError),
}

impl Failure for NoteError {
    fn family(&self) -> Family {
        Family::PeerFault
    }
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "P-220",
            Self::NoFinalNewline => "P-221",
            Self::ControlCharacter { .. } => "P-222",
            Self::NoSignatures => "P-223",
            Self::BadSignatureLine => "P-224",
            Self::TooManySignatures => "P-225",
            Self::Name(inner) => inner.code(),
        }
    }
    fn clause(&self) -> Option<String> {
        Some("C2SP signed-note, Format".to_owned())
    }
    fn remedy(&self) -> String {
        "keep the bytes and ask the log for its checkpoint again".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The first example of C2SP signed-note: its text has an empty line.
    const PUBLISHED: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
        — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

    #[test]
    fn the_published_note_goes_round() {
        let note = Note::parse(PUBLISHED).unwrap();
        assert!(note.text().ends_with("\n\ned è subito sera.\n"));
        assert_eq!(note.signatures().len(), 1);
        assert_eq!(note.signatures()[0].name().as_str(), "quasimodo.example/salvatore");
        assert_eq!(note.to_string(), PUBLISHED);
    }

    #[test]
    fn notes_with_one_thing_wrong_are_refused() {
        let line = "— a.example AAAAAAA=\n";
        let with = |lines: &str| Note::parse(&format!("text\n\n{lines}"));
        assert!(with(line).is_ok());
        assert_eq!(with(line.trim_end()), Err(NoteError::NoFinalNewline));
        assert_eq!(with(""), Err(NoteError::NoSignatures));
        assert_eq!(with(&format!("{line}\n")), Err(NoteError::NoSignatures));
        assert_eq!(with(&format!("{line} {line}")), Err(NoteError::BadSignatureLine));
        assert_eq!(with("- a.example AAAAAAA=\n"), Err(NoteError::BadSignatureLine));
        assert_eq!(with("— a.example AAAAAA==\n"), Err(NoteError::BadSignatureLine), "a key id alone");
        assert_eq!(with("— a.example AAAAAAA\n"), Err(NoteError::BadSignatureLine), "no padding");
        assert_eq!(with("— a.example AAAAAAA= \n"), Err(NoteError::BadSignatureLine));
        assert!(matches!(with("— a+b AAAAAAA=\n"), Err(NoteError::Name(_))));
        assert_eq!(with(&line.repeat(17)), Err(NoteError::TooManySignatures));
        assert_eq!(with(&line.repeat(16)).unwrap().signatures().len(), 16);
        let control = NoteError::ControlCharacter { at: 2 };
        assert_eq!(Note::parse(&format!("te\rxt\n\n{line}")), Err(control));
        let long = format!("{}\n\n{line}", "x".repeat(MAX_TEXT_BYTES));
        assert!(matches!(Note::parse(&long), Err(NoteError::TooLarge { .. })));
        assert!(matches!(Note::parse(&"x".repeat(MAX_NOTE_BYTES + 1)), Err(NoteError::TooLarge { .. })));
    }

    #[test]
    fn a_note_may_carry_sixteen_post_quantum_signatures() {
        let bytes = vec![0; MAX_SIGNATURE_BYTES];
        let mut note = Note::new("text\n").unwrap();
        for n in 0..16 {
            let name = format!("w{n}.example").parse().unwrap();
            note.put(SignatureLine::new(name, KeyId::from_bytes([0; 4]), bytes.clone())).unwrap();
        }
        assert_eq!(Note::parse(&note.to_string()), Ok(note));
    }

    #[test]
    fn a_new_line_by_the_same_key_takes_the_place_of_the_old_one() {
        let line =
            |byte| SignatureLine::new("a.example".parse().unwrap(), KeyId::from_bytes([1; 4]), vec![byte]);
        let mut note = Note::new("text\n").unwrap();
        note.put(line(1)).unwrap();
        note.put(line(2)).unwrap();
        assert_eq!(note.signatures(), [line(2)]);
    }

    proptest! {
        #[test]
        fn whatever_is_read_as_a_note_is_written_back_the_same(
            text in "([ -~—è]{0,40}\n){1,4}",
            lines in prop::collection::vec(("[a-z./]{0,9}", "[A-Za-z0-9+/]{0,3}[A-Za-z0-9+/=]{0,12}"), 0..4),
            noise in ".{0,60}",
        ) {
            let lines: String = lines.iter().map(|(name, bytes)| format!("— {name} {bytes}\n")).collect();
            for candidate in [format!("{text}\n{lines}"), format!("{text}\n{lines}{noise}"), noise] {
                if let Ok(note) = Note::parse(&candidate) {
                    prop_assert_eq!(note.to_string(), candidate);
                }
            }
        }
    }
}
