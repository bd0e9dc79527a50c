//! A checkpoint: the signed head of a log (C2SP tlog-checkpoint).

use crate::{
    CosignatureError, CosignerVerifier, Hash, HashTextError, KeyError, KeyName, LogKey, LogVerifier, Note,
    NoteError, SignatureLine, cosignature, tree::MAX_SIZE,
};
use std::{fmt, str::FromStr};
use vocabulary::{Failure, Family, StateCode};

/// The most extension lines that are read; we write none.
pub const MAX_EXTENSION_LINES: usize = 16;

/// The origin of a State's log: `xa.log.rogatory` for `XA`. It is also the name of its key.
pub fn origin(state: StateCode) -> String {
    KeyName::of_log(state).to_string()
}

/// The head of a log: how many leaves, and their root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: KeyName,
    size: u64,
    root: Hash,
    extension: Vec<String>,
}

impl Checkpoint {
    pub fn new(origin: KeyName, size: u64, root: Hash) -> Self {
        Self { origin, size, root, extension: Vec::new() }
    }

    /// Adds extension lines, which no monitor can audit; each is non-empty and without a newline.
    pub fn with_extension(mut self, lines: Vec<String>) -> Result<Self, CheckpointError> {
        check_extension(lines.len(), lines.iter().map(String::as_str))?;
        self.extension = lines;
        Ok(self)
    }

    pub fn origin(&self) -> &KeyName {
        &self.origin
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn root(&self) -> &Hash {
        &self.root
    }

    pub fn extension(&self) -> &[String] {
        &self.extension
    }

    /// Two heads of one log with the same size and another root: the log shows two faces.
    pub fn contradicts(&self, other: &Self) -> bool {
        self.origin == other.origin && self.size == other.size && self.root != other.root
    }
}

/// The text that is signed, with its final newline.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extension.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let text = text.strip_suffix('\n').ok_or(CheckpointError::TooShort)?;
        let mut lines = text.split('\n');
        let mut next = || lines.next().ok_or(CheckpointError::TooShort);
        let (origin, size, root) = (next()?.parse()?, read_size(next()?)?, next()?.parse()?);
        let rest: Vec<&str> = lines.take(MAX_EXTENSION_LINES + 1).collect();
        check_extension(rest.len(), rest.iter().copied())?;
        let extension = rest.into_iter().map(str::to_owned).collect();
        Ok(Self { origin, size, root, extension })
    }
}

fn read_size(text: &str) -> Result<u64, CheckpointError> {
    read_decimal(text).filter(|size| *size <= MAX_SIZE).ok_or(CheckpointError::BadSize { found: text.len() })
}

/// ASCII digits without sign or leading zero.
pub(crate) fn read_decimal(text: &str) -> Option<u64> {
    let value: u64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

fn check_extension<'a>(
    count: usize,
    mut lines: impl Iterator<Item = &'a str>,
) -> Result<(), CheckpointError> {
    let fits = |line: &str| !line.is_empty() && !line.bytes().any(|b| b < 0x20);
    if count > MAX_EXTENSION_LINES || !lines.all(fits) {
        return Err(CheckpointError::BadExtension);
    }
    Ok(())
}

/// A checkpoint whose log signature has been verified, with the whole note it stood in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The signed text without the signature lines: what cosigners sign.
    pub fn body(&self) -> &str {
        self.note.text()
    }

    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The time, in seconds since 1970, at which `cosigner` last cosigned this checkpoint.
    pub fn cosigned_by(&self, cosigner: &CosignerVerifier) -> Result<u64, CosignatureError> {
        let lines = self.note.signatures_by(cosigner.name(), cosigner.id());
        let times = lines.map(|line| cosignature::verify_line(self.body(), line, cosigner));
        times
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .max()
            .ok_or_else(|| CosignatureError::Missing { cosigner: cosigner.name().clone() })
    }

    /// Verifies a cosignature line and keeps it in the note, in place of an older one by the same key.
    pub fn add_cosignature(
        &mut self,
        line: &str,
        cosigner: &CosignerVerifier,
    ) -> Result<u64, CosignatureError> {
        let line: SignatureLine = line.parse()?;
        let time = cosignature::verify_line(self.note.text(), &line, cosigner)?;
        self.note.put(line)?;
        Ok(time)
    }
}

/// The whole note, as it is stored and sent.
impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.note, f)
    }
}

/// Signs a checkpoint of the key's own log and returns the whole note.
///
/// A log must never sign two heads that are not consistent; keeping that is the caller's.
pub fn sign(checkpoint: &Checkpoint, key: &LogKey) -> Result<String, CheckpointError> {
    let verifier = key.verifier();
    if checkpoint.origin != *verifier.name() {
        let (expected, found) = (verifier.name().clone(), checkpoint.origin.clone());
        return Err(CheckpointError::NotOurLog { expected, found });
    }
    let mut note = Note::new(&checkpoint.to_string())?;
    let signature = key.sign(note.text().as_bytes()).to_vec();
    note.put(SignatureLine::new(verifier.name().clone(), verifier.id(), signature))?;
    Ok(note.to_string())
}

/// Opens a note that must be a checkpoint of this log, signed by this key.
///
/// Lines by other keys are kept and ignored; every line by this key must verify.
pub fn open(note_text: &str, log: &LogVerifier) -> Result<SignedCheckpoint, CheckpointError> {
    let note = Note::parse(note_text)?;
    let mut signed = false;
    for line in note.signatures_by(log.name(), log.id()) {
        if !log.verifies(note.text().as_bytes(), line.signature()) {
            return Err(CheckpointError::BadSignature { log: log.name().clone() });
        }
        signed = true;
    }
    if !signed {
        return Err(CheckpointError::NotSigned { log: log.name().clone() });
    }
    let checkpoint: Checkpoint = note.text().parse()?;
    if checkpoint.origin != *log.name() {
        let (expected, found) = (log.name().clone(), checkpoint.origin);
        return Err(CheckpointError::OtherOrigin { expected, found });
    }
    Ok(SignedCheckpoint { checkpoint, note })
}

/// A note that is not an acceptable checkpoint of the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("the checkpoint has a wrong origin: {0}")]
    Origin(#[from] KeyError),
    #[error("the checkpoint has a wrong root: {0}")]
    Root(#[from] HashTextError),
    #[error("the checkpoint has fewer than three lines")]
    TooShort,
    #[error(
        "the size line of {found} characters is not a decimal number up to {MAX_SIZE} without leading zero"
    )]
    BadSize { found: usize },
    #[error(
        "an extension line is empty or has a control character, or there are more than {MAX_EXTENSION_LINES}"
    )]
    BadExtension,
    #[error("no signature by the known key of `{log}`")]
    NotSigned { log: KeyName },
    #[error("the signature by `{log}` does not verify")]
    BadSignature { log: KeyName },
    #[error("the checkpoint is of `{found}`, expected `{expected}`")]
    OtherOrigin { expected: KeyName, found: KeyName },
    #[error("the key is of `{expected}`, the checkpoint to sign of `{found}`")]
    NotOurLog { expected: KeyName, found: KeyName },
}

impl Failure for CheckpointError {
    fn family(&self) -> Family {
        match self {
            Self::NotOurLog { .. } => Family::Fault,
            _ => Family::PeerFault,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Note(inner) => inner.code(),
            Self::Origin(inner) => inner.code(),
            Self::Root(inner) => inner.code(),
            Self::TooShort => "P-230",
            Self::BadSize { .. } => "P-231",
            Self::BadExtension => "P-232",
            Self::NotSigned { .. } => "P-233",
            Self::BadSignature { .. } => "P-234",
            Self::OtherOrigin { .. } => "P-235",
            Self::NotOurLog { .. } => "F-285",
        }
    }
    fn clause(&self) -> Option<String> {
        match self {
            Self::Note(inner) => inner.clause(),
            Self::NotSigned { .. } | Self::BadSignature { .. } => {
                Some("C2SP signed-note, Signatures".to_owned())
            }
            _ => Some("C2SP tlog-checkpoint, Note text".to_owned()),
        }
    }
    fn remedy(&self) -> String {
        match self {
            Self::NotOurLog { .. } => "sign with the key of the log that made the checkpoint",
            Self::NotSigned { .. } => "import the State's newest descriptor: its log key may have changed",
            Self::BadSignature { .. } => {
                "keep the note and tell its State: somebody changed it or signs in its name"
            }
            Self::OtherOrigin { .. } => "ask for the checkpoint of the log you expected",
            _ => "keep the bytes and ask the log for its checkpoint again",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CosignerKey, cosignature::cosign};
    use signed_note::{Note as TheirNote, StandardVerifier, VerifierList};
    use std::{fs, path::Path, process::Command};
    use tlog_tiles::Checkpoint as TheirCheckpoint;
    use zeroize::Zeroizing;

    fn log_key(seed: u8) -> LogKey {
        LogKey::from_seed(KeyName::of_log("XA".parse().unwrap()), &Zeroizing::new([seed; 32]))
    }

    fn cosigner(state: &str, seed: u8) -> CosignerKey {
        CosignerKey::from_seed(KeyName::of_cosigner(state.parse().unwrap()), &Zeroizing::new([seed; 32]))
    }

    fn head() -> Checkpoint {
        Checkpoint::new("xa.log.rogatory".parse().unwrap(), 7, Hash::leaf(b"root"))
    }

    fn signed() -> String {
        sign(&head(), &log_key(1)).unwrap()
    }

    fn text(lines: &[&str]) -> Result<Checkpoint, CheckpointError> {
        lines.iter().map(|line| format!("{line}\n")).collect::<String>().parse()
    }

    #[test]
    fn a_checkpoint_goes_round_and_opens_with_its_key() {
        let opened = open(&signed(), log_key(1).verifier()).unwrap();
        assert_eq!(opened.checkpoint(), &head());
        assert_eq!(opened.body(), head().to_string());
        assert_eq!(opened.to_string(), signed());
        assert_eq!(origin("XA".parse().unwrap()), "xa.log.rogatory");
    }

    #[test]
    fn another_key_of_the_same_name_does_not_open_it() {
        let error = open(&signed(), log_key(2).verifier()).unwrap_err();
        assert_eq!(error, CheckpointError::NotSigned { log: "xa.log.rogatory".parse().unwrap() });
        assert_eq!(error.code(), "P-233");
    }

    #[test]
    fn any_changed_byte_of_the_note_is_refused() {
        let note = signed();
        for at in 0..note.len() {
            for bit in [0, 5] {
                let mut bytes = note.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                if let Ok(changed) = String::from_utf8(bytes) {
                    assert!(open(&changed, log_key(1).verifier()).is_err(), "bit {bit} of byte {at}");
                }
            }
        }
    }

    #[test]
    fn a_checkpoint_of_another_origin_is_refused_though_the_key_signed_it() {
        let key = log_key(1);
        let foreign = Checkpoint::new("xb.log.rogatory".parse().unwrap(), 7, Hash::leaf(b"root"));
        assert!(matches!(sign(&foreign, &key), Err(CheckpointError::NotOurLog { .. })));
        let mut note = Note::new(&foreign.to_string()).unwrap();
        let signature = key.sign(note.text().as_bytes()).to_vec();
        let verifier = key.verifier();
        note.put(SignatureLine::new(verifier.name().clone(), verifier.id(), signature)).unwrap();
        let error = open(&note.to_string(), verifier).unwrap_err();
        assert!(matches!(error, CheckpointError::OtherOrigin { .. }), "{error}");
    }

    #[test]
    fn a_second_line_by_the_known_key_must_verify_too() {
        let bad_line = signed().lines().last().unwrap().replace("A", "B");
        let bad_line: SignatureLine = bad_line.parse().unwrap();
        let good: SignatureLine = signed().lines().last().unwrap().parse().unwrap();
        let bad = SignatureLine::new(good.name().clone(), good.id(), bad_line.signature().to_vec());
        for lines in [format!("{good}{bad}"), format!("{bad}{good}")] {
            let error = open(&format!("{}\n{lines}", head()), log_key(1).verifier()).unwrap_err();
            assert!(matches!(error, CheckpointError::BadSignature { .. }), "{error}");
        }
    }

    #[test]
    fn texts_with_one_thing_wrong_are_refused() {
        let root = head().root().to_string();
        assert!(text(&["a.example", "7", &root]).is_ok());
        assert_eq!(text(&["a.example", "7"]), Err(CheckpointError::TooShort));
        assert_eq!("a.example\n7\n".parse::<Checkpoint>(), Err(CheckpointError::TooShort));
        assert_eq!(format!("a.example\n7\n{root}").parse::<Checkpoint>(), Err(CheckpointError::TooShort));
        for size in ["", "07", "+7", "-7", "7 ", "0x7", "9223372036854775808", "99999999999999999999"] {
            let found = size.len();
            assert_eq!(text(&["a.example", size, &root]), Err(CheckpointError::BadSize { found }), "{size}");
        }
        assert!(matches!(text(&["a.example", "7", "AAAA"]), Err(CheckpointError::Root(_))));
        assert!(matches!(text(&["", "7", &root]), Err(CheckpointError::Origin(_))));
        assert!(matches!(text(&["a b", "7", &root]), Err(CheckpointError::Origin(_))));
        assert_eq!(text(&["a.example", "7", &root, ""]), Err(CheckpointError::BadExtension));
        let many: Vec<&str> = ["a.example", "7", &root].into_iter().chain(["x"; 17]).collect();
        assert_eq!(text(&many), Err(CheckpointError::BadExtension));
        let extended = text(&["a.example", "7", &root, "one", "two"]).unwrap();
        assert_eq!(extended.extension(), ["one", "two"]);
        assert_eq!(head().with_extension(vec!["a\nb".to_owned()]), Err(CheckpointError::BadExtension));
    }

    #[test]
    fn two_roots_for_one_size_contradict_each_other() {
        let other = Checkpoint::new(head().origin().clone(), 7, Hash::leaf(b"other"));
        assert!(head().contradicts(&other));
        assert!(!head().contradicts(&head()));
        assert!(!head().contradicts(&Checkpoint::new("xb.log.rogatory".parse().unwrap(), 7, *other.root())));
    }

    #[test]
    fn cosignatures_are_kept_in_the_note_and_an_unknown_one_is_ignored() {
        let mut opened = open(&signed(), log_key(1).verifier()).unwrap();
        let (b, c) = (cosigner("XB", 2), cosigner("XC", 3));
        assert!(matches!(opened.cosigned_by(b.verifier()), Err(CosignatureError::Missing { .. })));
        for (key, time) in [(&b, 100), (&c, 200), (&b, 300)] {
            let line = cosign(opened.body(), key, time).unwrap();
            assert_eq!(opened.add_cosignature(&line, key.verifier()), Ok(time));
        }
        let again = open(&opened.to_string(), log_key(1).verifier()).unwrap();
        assert_eq!(again.note().signatures().len(), 3);
        assert_eq!(again.cosigned_by(b.verifier()), Ok(300));
        assert_eq!(again.cosigned_by(c.verifier()), Ok(200));
        assert!(again.cosigned_by(cosigner("XB", 9).verifier()).is_err());
        let wrong = cosign(opened.body(), &c, 1).unwrap();
        assert!(opened.add_cosignature(&wrong, b.verifier()).is_err());
    }

    #[test]
    fn another_author_s_verifier_accepts_our_checkpoints() {
        let mut ours = open(&signed(), log_key(1).verifier()).unwrap();
        let b = cosigner("XB", 2);
        ours.add_cosignature(&cosign(ours.body(), &b, 100).unwrap(), b.verifier()).unwrap();
        let note = TheirNote::from_bytes(ours.to_string().as_bytes()).unwrap();
        let known = StandardVerifier::new(&log_key(1).vkey()).unwrap();
        let (verified, unknown) = note.verify(&VerifierList::new(vec![Box::new(known)])).unwrap();
        assert_eq!((verified.len(), unknown.len()), (1, 1));
        let theirs = TheirCheckpoint::from_bytes(note.text()).unwrap();
        assert_eq!(theirs.origin(), "xa.log.rogatory");
        assert_eq!((theirs.size(), theirs.hash().0), (7, *head().root().as_bytes()));
    }

    /// Checks a signed note with a shell, coreutils and OpenSSL only.
    const NOTE_OPENSSL: &str = r#"set -e
V=$(cat $1); N=$2; NAME=${V%%+*}; T=$(mktemp -d -p $3)
echo "$V" | cut -d+ -f3- | base64 -d | tail -c +2 > $T/pub
{ printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'; cat $T/pub; } > $T/pub.der
openssl pkey -pubin -inform DER -in $T/pub.der -out $T/pub.pem
L=$(grep -n '^$' $N | tail -1 | cut -d: -f1); head -n $((L-1)) $N > $T/text
grep "^— $NAME " $N | awk '{print $3}' | base64 -d | tail -c +5 > $T/sig
openssl pkeyutl -verify -pubin -inkey $T/pub.pem -rawin -in $T/text -sigfile $T/sig
"#;

    fn openssl_accepts(vkey: &str, note: &str) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("script"), NOTE_OPENSSL).unwrap();
        fs::write(at("vkey"), vkey).unwrap();
        fs::write(at("note"), note).unwrap();
        let mut command = Command::new("/bin/bash");
        command.args([at("script"), at("vkey"), at("note"), folder.path().to_owned()]);
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains("Signature Verified Successfully")
            && output.status.success()
    }

    #[test]
    fn openssl_verifies_our_checkpoint_and_refuses_a_changed_one() {
        if !Path::new("/usr/bin/openssl").exists() {
            eprintln!("not checked: openssl is not installed");
            return;
        }
        assert!(openssl_accepts(&log_key(1).vkey(), &signed()));
        assert!(!openssl_accepts(&log_key(1).vkey(), &signed().replace("\n7\n", "\n8\n")));
        assert!(!openssl_accepts(&log_key(2).vkey(), &signed()));
    }

    /// A cosignature is an ordinary note signature over the header lines and the body, once its time is cut off.
    #[test]
    fn openssl_verifies_our_cosignature() {
        if !Path::new("/usr/bin/openssl").exists() {
            eprintln!("not checked: openssl is not installed");
            return;
        }
        let key = cosigner("XB", 2);
        let line: SignatureLine = cosign(&head().to_string(), &key, 1_679_315_147).unwrap().parse().unwrap();
        let signature = line.signature()[8..].to_vec();
        let plain = SignatureLine::new(line.name().clone(), line.id(), signature);
        let note = format!("cosignature/v1\ntime 1679315147\n{}\n{plain}", head());
        assert!(openssl_accepts(&key.vkey(), &note));
        assert!(!openssl_accepts(&key.vkey(), &note.replace("1679315147", "1679315148")));
    }
}
