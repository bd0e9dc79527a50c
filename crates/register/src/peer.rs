//! A State whose descriptor was verified: its offices, keys and where to reach it.

use crate::{Descriptor, DescriptorError, Fingerprint, MAX_DESCRIPTOR_BYTES, Unbelieved, keyring::Keyring};
use ledger::{CosignerVerifier, KeyName, LogVerifier, SignedCheckpoint};
use seal::{Certificate, TrustAnchor};
use std::{collections::BTreeMap, time::Duration};
use treaty::RequestedProfile;
use vocabulary::{Digest, Instant, OfficeFunction, OfficeId, StateCode};

/// The longest address of a node, in bytes.
const MAX_ENDPOINT_BYTES: usize = 512;

/// A verified descriptor. Every key in it speaks for this State and no other.
#[derive(Debug, Clone)]
pub struct Peer {
    descriptor: Descriptor,
    anchor: TrustAnchor,
    offices: BTreeMap<OfficeFunction, Certificate>,
    log: LogVerifier,
    cosigner: CosignerVerifier,
    /// The keys of earlier descriptors too.
    keyring: Keyring,
}

impl Peer {
    /// The only way to a peer: every signature, certificate and key in the signed descriptor is checked at `now`.
    ///
    /// That the root is really the State's is for people to establish: they compare `fingerprint` by telephone.
    pub fn verify(signed: &[u8], now: Instant) -> Result<Self, DescriptorError> {
        let peer = Self::read(signed, now)?;
        if peer.descriptor.valid_until < now {
            return Err(DescriptorError::Expired { until: peer.descriptor.valid_until });
        }
        Ok(peer)
    }

    /// Reads a descriptor that was verified when it was enrolled, at a time when it may have expired.
    pub fn read(signed: &[u8], now: Instant) -> Result<Self, DescriptorError> {
        if signed.len() > MAX_DESCRIPTOR_BYTES {
            return Err(DescriptorError::TooLarge { found: signed.len() });
        }
        let (json, root) = seal::verify_self_signed(signed).map_err(|_| DescriptorError::Signature)?;
        let descriptor = Descriptor::from_json(&json)?;
        let at = now.min(descriptor.valid_until).max(descriptor.issued);
        let named = Certificate::from_pem(&descriptor.root)
            .map_err(|error| DescriptorError::Certificate { what: "root".to_owned(), error })?;
        if named.fingerprint() != root.fingerprint() {
            return Err(DescriptorError::Signature);
        }
        let anchor = TrustAnchor::new(descriptor.state, root)
            .map_err(|error| DescriptorError::Certificate { what: "root".to_owned(), error })?;
        let offices = offices(&descriptor, &anchor, at)?;
        let log = LogVerifier::parse(&descriptor.log).map_err(|_| DescriptorError::LogKey)?;
        let cosigner = CosignerVerifier::parse(&descriptor.cosigner).map_err(|_| DescriptorError::LogKey)?;
        let (log_name, cosigner_name) =
            (KeyName::of_log(descriptor.state), KeyName::of_cosigner(descriptor.state));
        if *log.name() != log_name || *cosigner.name() != cosigner_name {
            return Err(DescriptorError::LogKey);
        }
        if !is_endpoint(&descriptor.endpoint) {
            return Err(DescriptorError::Endpoint);
        }
        treaty::preservation_minimum(descriptor.issued, &descriptor.zone)
            .map_err(|_| DescriptorError::Zone { found: descriptor.zone.chars().take(64).collect() })?;
        let keyring = Keyring::new(&descriptor, &log, &cosigner, &offices)?;
        Ok(Self { descriptor, anchor, offices, log, cosigner, keyring })
    }

    /// The same peer with the keys of its earlier descriptors, which it read under the same root.
    ///
    /// A key that the newest descriptor neither has nor names as retired is believed for `overlap` after the
    /// descriptor that dropped it was issued.
    #[must_use]
    pub fn with_earlier(mut self, earlier: &[Self], overlap: Duration) -> Self {
        let mut known: Vec<&Self> =
            earlier.iter().filter(|other| other.fingerprint() == self.fingerprint()).collect();
        known.sort_by_key(|other| std::cmp::Reverse(other.descriptor.sequence));
        let mut dropped_at = self.descriptor.issued;
        for other in known {
            if other.descriptor.sequence < self.descriptor.sequence {
                self.keyring.add(&other.keyring, dropped_at.plus(overlap));
                dropped_at = other.descriptor.issued;
            }
        }
        self
    }

    /// Opens a head of the State's log that we see at `at`, under any of its keys that is believed then.
    pub fn open_head(&self, note: &str, at: Instant) -> Result<SignedCheckpoint, Unbelieved> {
        self.keyring.open_head(note, Some(at))
    }

    /// Opens a head that stands inside something signed by an office that is believed: also under a retired key.
    pub fn open_vouched_head(&self, note: &str) -> Result<SignedCheckpoint, Unbelieved> {
        self.keyring.open_head(note, None)
    }

    /// The same for a cosignature.
    pub fn verify_vouched_cosignature(&self, body: &str, line: &str) -> Result<u64, Unbelieved> {
        self.keyring.verify_cosignature(body, line, None)
    }

    /// Checks the State's cosignature on `body` that we see at `at`, and returns its time in seconds.
    pub fn verify_cosignature(&self, body: &str, line: &str, at: Instant) -> Result<u64, Unbelieved> {
        self.keyring.verify_cosignature(body, line, Some(at))
    }

    /// Whether something signed under this certificate, and seen at `at`, is believed; the root has vouched for it.
    pub fn believes(&self, certificate: &Digest, at: Instant) -> Result<(), Unbelieved> {
        self.keyring.believes(certificate, at)
    }

    /// A newer descriptor of the same root, or the same one again; anything else needs a new enrolment by people.
    pub fn renew(&self, newer: &Self) -> Result<(), DescriptorError> {
        if newer.fingerprint() != self.fingerprint() {
            return Err(DescriptorError::OtherRoot {
                expected: self.fingerprint().to_string(),
                found: newer.fingerprint().to_string(),
            });
        }
        let same_number = newer.descriptor.sequence == self.descriptor.sequence;
        if newer.descriptor.sequence < self.descriptor.sequence
            || same_number && newer.descriptor != self.descriptor
        {
            return Err(DescriptorError::Older {
                known: self.descriptor.sequence,
                found: newer.descriptor.sequence,
            });
        }
        Ok(())
    }

    pub fn state(&self) -> StateCode {
        self.descriptor.state
    }

    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    pub fn anchor(&self) -> &TrustAnchor {
        &self.anchor
    }

    /// What people compare by telephone.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.anchor.fingerprint())
    }

    pub fn log(&self) -> &LogVerifier {
        &self.log
    }

    pub fn cosigner(&self) -> &CosignerVerifier {
        &self.cosigner
    }

    pub fn endpoint(&self) -> &str {
        &self.descriptor.endpoint
    }

    /// The certificate to which messages for the office are sealed.
    pub fn office(&self, function: OfficeFunction) -> Result<&Certificate, DescriptorError> {
        self.offices
            .get(&function)
            .ok_or_else(|| DescriptorError::OfficeMissing { office: OfficeId::new(self.state(), function) })
    }

    /// What the rules need to know of this State as the requested one.
    pub fn profile(&self) -> RequestedProfile {
        RequestedProfile {
            state: self.state(),
            languages: self.descriptor.languages.clone(),
            preservation_needs_dual_criminality: self
                .descriptor
                .declarations
                .preservation_needs_dual_criminality,
            convention_in_force: self.descriptor.declarations.convention_in_force,
            offices: self.offices.keys().copied().collect(),
        }
    }
}

/// `https://`, a host and perhaps a port and a path: no user, query, fragment, space or control character.
fn is_endpoint(endpoint: &str) -> bool {
    endpoint.len() <= MAX_ENDPOINT_BYTES
        && endpoint.strip_prefix("https://").is_some_and(|rest| {
            rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
                && rest.bytes().all(|b| b.is_ascii_graphic() && !br#"@?#\"<>"#.contains(&b))
        })
}

fn offices(
    descriptor: &Descriptor,
    anchor: &TrustAnchor,
    at: Instant,
) -> Result<BTreeMap<OfficeFunction, Certificate>, DescriptorError> {
    let mut offices = BTreeMap::new();
    for entry in &descriptor.offices {
        let expected = OfficeId::new(descriptor.state, entry.office);
        let broken = |error| DescriptorError::Certificate { what: expected.to_string(), error };
        let certificate = Certificate::from_pem(&entry.certificate).map_err(broken)?;
        let found = anchor.verify(&certificate, at).map_err(broken)?.office();
        if found != expected {
            return Err(DescriptorError::OtherOffice { expected, found });
        }
        if offices.insert(entry.office, certificate).is_some() {
            return Err(DescriptorError::OfficeTwice { office: expected });
        }
    }
    let mut needed = OfficeFunction::ALL.into_iter().filter(|function| function.is_needed());
    match needed.find(|function| !offices.contains_key(function)) {
        Some(function) => {
            Err(DescriptorError::OfficeMissing { office: OfficeId::new(descriptor.state, function) })
        }
        None => Ok(offices),
    }
}

#[cfg(test)]
mod tests;
