//! The keys of a State over time: the newest ones, and those before them with the end of their belief.
//!
//! A note has no time of its own that could be trusted, so belief is judged by the receiver's clock at the
//! moment when it first saw the signature. What was seen in time stands for ever.

use crate::{Descriptor, DescriptorError, MAX_RETIRED_KEYS, RetiredKey};
use ledger::{
    CheckpointError, CosignatureError, CosignerVerifier, LogVerifier, Note, SignatureLine, SignedCheckpoint,
    checkpoint, cosignature::verify_cosignature,
};
use seal::Certificate;
use std::collections::BTreeMap;
use vocabulary::{Digest, Failure, Family, Instant, OfficeFunction};

/// A key in use has no end.
type End = Option<Instant>;

#[derive(Debug, Clone)]
pub(crate) struct Keyring {
    /// Newest first.
    logs: Vec<(LogVerifier, End)>,
    cosigners: Vec<(CosignerVerifier, End)>,
    /// By the fingerprint of the certificate.
    offices: BTreeMap<Digest, End>,
    /// What the newest descriptor says of keys that it does not hold.
    retired: BTreeMap<Digest, Instant>,
}

impl Keyring {
    pub(crate) fn new(
        descriptor: &Descriptor,
        log: &LogVerifier,
        cosigner: &CosignerVerifier,
        offices: &BTreeMap<OfficeFunction, Certificate>,
    ) -> Result<Self, DescriptorError> {
        let retired: BTreeMap<Digest, Instant> =
            descriptor.retired.iter().map(|key| (key.key, key.until)).collect();
        let offices: BTreeMap<Digest, End> = offices.values().map(|c| (c.fingerprint(), None)).collect();
        let in_use = |key: &Digest| {
            offices.contains_key(key) || *key == of(&log.vkey()) || *key == of(&cosigner.vkey())
        };
        if descriptor.retired.len() > MAX_RETIRED_KEYS || retired.keys().any(in_use) {
            return Err(DescriptorError::Retired { found: descriptor.retired.len() });
        }
        let mut keyring = Self {
            logs: vec![(log.clone(), None)],
            cosigners: vec![(cosigner.clone(), None)],
            offices,
            retired,
        };
        for key in &descriptor.retired {
            keyring.keep_retired(key).ok_or(DescriptorError::LogKey)?;
        }
        Ok(keyring)
    }

    /// A log or cosigner key that the descriptor still shows; `None` when it is neither, or not the key it names.
    fn keep_retired(&mut self, key: &RetiredKey) -> Option<()> {
        let Some(vkey) = &key.vkey else { return Some(()) };
        let (log, cosigner) = (self.logs.first()?.0.name(), self.cosigners.first()?.0.name());
        if of(vkey) != key.key {
            return None;
        }
        match (LogVerifier::parse(vkey), CosignerVerifier::parse(vkey)) {
            (Ok(old), _) if old.name() == log => self.logs.push((old, Some(key.until))),
            (_, Ok(old)) if old.name() == cosigner => self.cosigners.push((old, Some(key.until))),
            _ => return None,
        }
        Some(())
    }

    /// Adds the keys of the descriptor before; those that are not known yet end at `end`, or as the State said.
    pub(crate) fn add(&mut self, earlier: &Self, end: Instant) {
        let until = |key: &Digest| Some(self.retired.get(key).copied().unwrap_or(end));
        for (log, _) in &earlier.logs {
            if !self.logs.iter().any(|(known, _)| known.vkey() == log.vkey()) {
                self.logs.push((log.clone(), until(&of(&log.vkey()))));
            }
        }
        for (cosigner, _) in &earlier.cosigners {
            if !self.cosigners.iter().any(|(known, _)| known.vkey() == cosigner.vkey()) {
                self.cosigners.push((cosigner.clone(), until(&of(&cosigner.vkey()))));
            }
        }
        for office in earlier.offices.keys() {
            if !self.offices.contains_key(office) {
                let until = self.retired.get(office).copied().unwrap_or(end);
                self.offices.insert(*office, Some(until));
            }
        }
    }

    /// `at` is absent when a signature that is believed stands over the note.
    pub(crate) fn open_head(&self, note: &str, at: End) -> Result<SignedCheckpoint, Unbelieved> {
        let (mut unknown, mut wrong) = (None, None);
        for (log, end) in &self.logs {
            match checkpoint::open(note, log) {
                Ok(_) if at.is_some_and(|at| past(*end, at)) => return Err(retired("log", *end, at)),
                Ok(head) => return Ok(head),
                Err(error @ CheckpointError::NotSigned { .. }) => unknown = Some(error),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        let named = |(log, _): &(LogVerifier, End)| {
            let note: Result<Note, _> = Note::parse(note);
            note.is_ok_and(|note| note.signatures().iter().any(|line| line.name() == log.name()))
        };
        if wrong.is_none() && self.logs.first().is_some_and(named) {
            return Err(Unbelieved::Unknown { what: "log" });
        }
        Err(wrong.or(unknown).map_or(Unbelieved::Unknown { what: "log" }, Unbelieved::Head))
    }

    pub(crate) fn verify_cosignature(&self, body: &str, line: &str, at: End) -> Result<u64, Unbelieved> {
        let (mut unknown, mut wrong) = (None, None);
        for (cosigner, end) in &self.cosigners {
            match verify_cosignature(body, line, cosigner) {
                Ok(_) if at.is_some_and(|at| past(*end, at)) => return Err(retired("cosigner", *end, at)),
                Ok(time) => return Ok(time),
                Err(error @ CosignatureError::Missing { .. }) => unknown = Some(error),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        let named = |(cosigner, _): &(CosignerVerifier, End)| {
            let line: Result<SignatureLine, _> = line.parse();
            line.is_ok_and(|line| line.name() == cosigner.name())
        };
        if wrong.is_none() && self.cosigners.first().is_some_and(named) {
            return Err(Unbelieved::Unknown { what: "cosigner" });
        }
        Err(wrong.or(unknown).map_or(Unbelieved::Unknown { what: "cosigner" }, Unbelieved::Cosignature))
    }

    pub(crate) fn believes(&self, certificate: &Digest, at: Instant) -> Result<(), Unbelieved> {
        let end = match self.offices.get(certificate) {
            Some(end) => *end,
            // The root certified it: a laboratory, a key that came before us, or one newer than the descriptor.
            None => self.retired.get(certificate).copied(),
        };
        if past(end, at) { Err(retired("office", end, Some(at))) } else { Ok(()) }
    }
}

fn of(vkey: &str) -> Digest {
    Digest::of(vkey.as_bytes())
}

fn past(end: End, at: Instant) -> bool {
    end.is_some_and(|end| at > end)
}

fn retired(what: &'static str, end: End, at: End) -> Unbelieved {
    let until = end.or(at).unwrap_or(Instant::from_micros(0));
    Unbelieved::Retired { what, until, at: at.unwrap_or(until) }
}

/// A signature under a key of which the State's descriptors say that it is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unbelieved {
    #[error("it is signed with a {what} key of the State that no descriptor known here names")]
    Unknown { what: &'static str },
    #[error("the {what} key was retired and believed until {until}; it was seen at {at}")]
    Retired { what: &'static str, until: Instant, at: Instant },
    #[error(transparent)]
    Head(CheckpointError),
    #[error(transparent)]
    Cosignature(CosignatureError),
}

impl Unbelieved {
    /// True when a newer descriptor of the State may name the key.
    pub fn may_be_newer(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

impl Failure for Unbelieved {
    fn family(&self) -> Family {
        Family::PeerFault
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "P-920",
            Self::Retired { .. } => "P-921",
            Self::Head(error) => error.code(),
            Self::Cosignature(error) => error.code(),
        }
    }
    fn clause(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } | Self::Retired { .. } => Some("spec/01-descriptor.md, 1.6".to_owned()),
            Self::Head(error) => error.clause(),
            Self::Cosignature(error) => error.clause(),
        }
    }
    fn remedy(&self) -> String {
        match self {
            Self::Unknown { .. } => "export the newest descriptor, and send the bytes again".to_owned(),
            Self::Retired { .. } => {
                "sign with the newest key: start the node again, or export the envelope again".to_owned()
            }
            Self::Head(error) => error.remedy(),
            Self::Cosignature(error) => error.remedy(),
        }
    }
}
