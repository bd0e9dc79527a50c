//! The keys of a State over time: the newest ones, and those before them with the end of their belief.
//!
//! A note has no time of its own that could be trusted, so belief is judged by the receiver's clock at the
//! moment when it first saw the signature. What was seen in time stands for ever.

use crate::{Descriptor, DescriptorError, MAX_RETIRED_KEYS};
use ledger::{
    CheckpointError, CosignatureError, CosignerVerifier, LogVerifier, SignedCheckpoint, checkpoint,
    cosignature::verify_cosignature,
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
        Ok(Self {
            logs: vec![(log.clone(), None)],
            cosigners: vec![(cosigner.clone(), None)],
            offices,
            retired,
        })
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

    pub(crate) fn open_head(&self, note: &str, at: Instant) -> Result<SignedCheckpoint, Unbelieved> {
        let (mut unknown, mut wrong) = (None, None);
        for (log, end) in &self.logs {
            match checkpoint::open(note, log) {
                Ok(_) if past(*end, at) => return Err(retired("log", *end, at)),
                Ok(head) => return Ok(head),
                Err(error @ CheckpointError::NotSigned { .. }) => unknown = Some(error),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        Err(wrong.or(unknown).map_or(Unbelieved::NoKey, Unbelieved::Head))
    }

    pub(crate) fn verify_cosignature(&self, body: &str, line: &str, at: Instant) -> Result<u64, Unbelieved> {
        let (mut unknown, mut wrong) = (None, None);
        for (cosigner, end) in &self.cosigners {
            match verify_cosignature(body, line, cosigner) {
                Ok(_) if past(*end, at) => return Err(retired("cosigner", *end, at)),
                Ok(time) => return Ok(time),
                Err(error @ CosignatureError::Missing { .. }) => unknown = Some(error),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        Err(wrong.or(unknown).map_or(Unbelieved::NoKey, Unbelieved::Cosignature))
    }

    pub(crate) fn believes(&self, certificate: &Digest, at: Instant) -> Result<(), Unbelieved> {
        let end = match self.offices.get(certificate) {
            Some(end) => *end,
            // The root certified it: a laboratory, a key that came before us, or one newer than the descriptor.
            None => self.retired.get(certificate).copied(),
        };
        if past(end, at) { Err(retired("office", end, at)) } else { Ok(()) }
    }
}

fn of(vkey: &str) -> Digest {
    Digest::of(vkey.as_bytes())
}

fn past(end: End, at: Instant) -> bool {
    end.is_some_and(|end| at > end)
}

fn retired(what: &'static str, end: End, at: Instant) -> Unbelieved {
    Unbelieved::Retired { what, until: end.unwrap_or(at), at }
}

/// A signature under a key of which the State's descriptors say that it is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unbelieved {
    #[error("no key of the State is known")]
    NoKey,
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
        matches!(
            self,
            Self::Head(CheckpointError::NotSigned { .. })
                | Self::Cosignature(CosignatureError::Missing { .. })
        )
    }
}

impl Failure for Unbelieved {
    fn family(&self) -> Family {
        Family::PeerFault
    }
    fn code(&self) -> &'static str {
        match self {
            Self::NoKey => "P-920",
            Self::Retired { .. } => "P-921",
            Self::Head(error) => error.code(),
            Self::Cosignature(error) => error.code(),
        }
    }
    fn clause(&self) -> Option<String> {
        match self {
            Self::NoKey | Self::Retired { .. } => Some("spec/01-descriptor.md, 1.6".to_owned()),
            Self::Head(error) => error.clause(),
            Self::Cosignature(error) => error.clause(),
        }
    }
    fn remedy(&self) -> String {
        match self {
            Self::NoKey => "export the newest descriptor, and send the bytes again".to_owned(),
            Self::Retired { .. } => {
                "sign with the newest key: start the node again, or export the envelope again".to_owned()
            }
            Self::Head(error) => error.remedy(),
            Self::Cosignature(error) => error.remedy(),
        }
    }
}
