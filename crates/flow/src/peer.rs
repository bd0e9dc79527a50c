//! The States enrolled here, verified once for each descriptor and kept in memory.
//!
//! Descriptors are kept for ever: what was signed with a key that a newer one replaced is still judged.

use crate::{Flow, FlowError, Level};
use register::{DescriptorError, Peer};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{DescriptorRow, PeerRow, Session, Write};
use treaty::rule;
use vocabulary::{Digest, Failure, Family, OfficeFunction, Report, StateCode};

/// Verified peers by State, with the digest of the descriptor they came from.
pub(crate) type PeerCache = Arc<Mutex<HashMap<StateCode, (Digest, Arc<Peer>)>>>;

/// States of which something was seen that only a newer descriptor explains.
pub(crate) type Wanted = Arc<Mutex<BTreeSet<StateCode>>>;

/// What importing a descriptor did.
#[derive(Debug, Clone)]
pub enum Enrolled {
    /// A State that was not here; people compare its fingerprint before anything is sent.
    New(Arc<Peer>),
    /// A newer descriptor under the root that was enrolled before.
    Renewed(Arc<Peer>),
}

impl Enrolled {
    pub fn peer(&self) -> &Peer {
        match self {
            Self::New(peer) | Self::Renewed(peer) => peer,
        }
    }
}

/// Policy: how long a retired key is believed when its State does not say.
pub fn key_overlap() -> Duration {
    let days = rule("key.overlap").and_then(|rule| rule.number()).unwrap_or(30);
    Duration::from_secs(u64::from(days) * 24 * 60 * 60)
}

impl Flow {
    /// Enrols a State from its signed descriptor, or takes a newer one of the same root.
    pub async fn enrol(&self, signed: &[u8]) -> Result<Enrolled, FlowError> {
        let peer = Peer::verify(signed, self.now())?;
        if peer.state() == self.us() {
            return Err(DescriptorError::Ourselves { state: self.us() }.into());
        }
        let mut write = self.store.write().await?;
        let known = write.queries().peer(peer.state()).await?;
        if let Some(known) = &known {
            self.newest(known)?.renew(&peer)?;
        }
        self.keep(&mut write, signed, &peer, known.as_ref()).await?;
        write.commit().await?;
        let enrolled = self.peer(peer.state()).await?;
        Ok(if known.is_some() { Enrolled::Renewed(enrolled) } else { Enrolled::New(enrolled) })
    }

    /// Takes a descriptor that the State's own node handed out: only under the enrolled root, only a newer one.
    ///
    /// People are shown what changed, and whatever is offered under another root. True when it was taken.
    pub async fn renew_peer(&self, state: StateCode, signed: &[u8]) -> Result<bool, FlowError> {
        let mut write = self.store.write().await?;
        let row = write.queries().peer(state).await?.ok_or(FlowError::UnknownPeer { state })?;
        let known = self.newest(&row)?;
        let offered = Peer::verify(signed, self.now()).and_then(|newer| {
            if newer.state() == state {
                known.renew(&newer).map(|()| newer)
            } else {
                Err(DescriptorError::Signature)
            }
        });
        let newer = match offered {
            Ok(newer) => newer,
            // A mirror, or a node that was started from an old copy, may be behind.
            Err(DescriptorError::Older { known, found }) if found < known => return Ok(false),
            Err(error) => {
                let day = self.now().seconds() / 86_400;
                let id = format!("descriptor/{state}/{}/{day}", error.code());
                let report = error.report();
                self.find(&mut write, id, Level::Fail, None, Some(state), report).await?;
                write.commit().await?;
                return Err(error.into());
            }
        };
        if newer.descriptor().sequence == known.descriptor().sequence {
            return Ok(false);
        }
        self.keep(&mut write, signed, &newer, Some(&row)).await?;
        let id = format!("descriptor/{state}/{}", newer.descriptor().sequence);
        self.find(&mut write, id, Level::Warn, None, Some(state), renewed(&known, &newer)).await?;
        write.commit().await?;
        Ok(true)
    }

    /// Both the descriptor and the one that it replaces stay.
    async fn keep(
        &self,
        write: &mut Write,
        signed: &[u8],
        peer: &Peer,
        known: Option<&PeerRow>,
    ) -> Result<(), FlowError> {
        let state = peer.state();
        if let Some(before) = known {
            let sequence = self.newest(before)?.descriptor().sequence;
            let (body, enrolled_at) = (before.descriptor.clone(), before.enrolled_at);
            write.keep_descriptor(&DescriptorRow { state, sequence, body, enrolled_at }).await?;
        }
        let (sequence, body) = (peer.descriptor().sequence, signed.to_vec());
        write.keep_descriptor(&DescriptorRow { state, sequence, body, enrolled_at: self.now() }).await?;
        write.put_peer(&PeerRow { state, descriptor: signed.to_vec(), enrolled_at: self.now() }).await?;
        Ok(())
    }

    pub async fn peer(&self, state: StateCode) -> Result<Arc<Peer>, FlowError> {
        let mut read = self.store.read().await?;
        let row = read.queries().peer(state).await?.ok_or(FlowError::UnknownPeer { state })?;
        self.verified(&mut read, &row).await
    }

    pub async fn peers(&self) -> Result<Vec<Arc<Peer>>, FlowError> {
        let mut read = self.store.read().await?;
        let mut peers = Vec::new();
        for row in read.queries().peers().await? {
            peers.push(self.verified(&mut read, &row).await?);
        }
        Ok(peers)
    }

    /// Every descriptor of the State that was believed, newest first, as it was signed.
    pub async fn descriptors(&self, state: StateCode) -> Result<Vec<Vec<u8>>, FlowError> {
        let mut read = self.store.read().await?;
        let kept = read.queries().descriptors(state).await?;
        if kept.is_empty() {
            return Ok(read.queries().peer(state).await?.into_iter().map(|row| row.descriptor).collect());
        }
        Ok(kept.into_iter().map(|row| row.body).collect())
    }

    /// Notes that a newer descriptor of the State should be fetched.
    pub fn want_descriptor(&self, state: StateCode) {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).insert(state);
    }

    /// The States noted since the last call.
    pub fn wanted_descriptors(&self) -> BTreeSet<StateCode> {
        std::mem::take(&mut *self.wanted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn verified(&self, session: &mut impl Session, row: &PeerRow) -> Result<Arc<Peer>, FlowError> {
        let digest = Digest::of(&row.descriptor);
        if let Some((known, peer)) = self.cached().get(&row.state)
            && *known == digest
        {
            return Ok(Arc::clone(peer));
        }
        let mut earlier = Vec::new();
        for kept in session.queries().descriptors(row.state).await? {
            // As it stood when it was enrolled: its certificates may have ended since.
            match Peer::read(&kept.body, kept.enrolled_at) {
                Ok(peer) => earlier.push(peer),
                Err(error) => tracing::error!(code = error.code(), "a descriptor that was kept: {error}"),
            }
        }
        let peer = Arc::new(self.newest(row)?.with_earlier(&earlier, key_overlap()));
        self.cached().insert(row.state, (digest, Arc::clone(&peer)));
        Ok(peer)
    }

    fn cached(&self) -> std::sync::MutexGuard<'_, HashMap<StateCode, (Digest, Arc<Peer>)>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn newest(&self, row: &PeerRow) -> Result<Peer, FlowError> {
        Ok(Peer::read(&row.descriptor, self.now())?)
    }
}

/// What people should know of a descriptor that was taken without them.
fn renewed(known: &Peer, newer: &Peer) -> Report {
    let fingerprint = |peer: &Peer, function| peer.office(function).ok().map(seal::Certificate::fingerprint);
    let mut changed: Vec<&str> = OfficeFunction::ALL
        .into_iter()
        .filter(|function| fingerprint(known, *function) != fingerprint(newer, *function))
        .map(OfficeFunction::as_str)
        .collect();
    for (name, same) in [
        ("log", known.log().vkey() == newer.log().vkey()),
        ("cosigner", known.cosigner().vkey() == newer.cosigner().vkey()),
        ("endpoint", known.endpoint() == newer.endpoint()),
    ] {
        if !same {
            changed.push(name);
        }
    }
    let what =
        if changed.is_empty() { "no key changed".to_owned() } else { format!("new: {}", changed.join(", ")) };
    Report {
        family: Family::Refusal,
        code: "R-926".to_owned(),
        message: format!(
            "`{}` renewed its descriptor, number {} after {}; {what}",
            newer.state(),
            newer.descriptor().sequence,
            known.descriptor().sequence
        ),
        clause: Some("spec/01-descriptor.md, 1.6".to_owned()),
        remedy: "nothing is to be done; if the change surprises you, telephone the other State".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        HandedBy,
        fixture::{DAY, Pair, descriptor},
    };
    use keys::KeyRole;
    use treaty::Kind;

    const LOG: KeyRole = KeyRole::Log;

    /// Everything about B changes while a request of A and an answer of B are on their way.
    #[tokio::test]
    async fn nothing_that_was_signed_before_stops_standing_when_keys_are_rotated_in_flight() {
        let mut pair = Pair::new().await;
        pair.preserve(60).await;
        let file = pair.approve(Kind::STORED_DATA, None).await;
        pair.a.flow.discharge_due().await.unwrap();
        let attempt = pair.a.flow.attempts_due().await.unwrap().remove(0);
        let in_flight = pair.a.flow.envelope_bytes(attempt.envelope).await.unwrap();
        let receipt = pair.b.flow.take_in(&in_flight, HandedBy::Peer("XA".parse().unwrap())).await.unwrap();
        pair.clock.forward(DAY);
        let until = pair.clock_now().plus(DAY * 30);
        for role in KeyRole::ALL {
            pair.b.rotate(role, until);
        }
        // B opens what was sealed to the key that it had.
        assert_eq!(pair.b.flow.record_stored().await.unwrap(), 1);
        // A knows no newer descriptor yet: the receipt in flight is signed with keys that it knows.
        pair.a.flow.settle(attempt.envelope, &receipt).await.unwrap();
        let b = pair.b.flow.us();
        assert!(pair.a.flow.renew_peer(b, &descriptor(&pair.b.flow)).await.unwrap());
        assert!(!pair.a.flow.renew_peer(b, &descriptor(&pair.b.flow)).await.unwrap(), "the same once more");
        pair.grant(file).await;
        pair.audit().await;
        assert!(pair.a.flow.findings().await.unwrap().iter().any(|found| found.report.code == "R-926"));
        assert_eq!(pair.a.flow.descriptors(b).await.unwrap().len(), 2);
        // Long after the overlap, what was seen in time still stands.
        pair.clock.forward(DAY * 90);
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_head_under_an_unknown_key_is_kept_waiting_until_the_newer_descriptor_is_here() {
        let mut pair = Pair::new().await;
        pair.ask(Kind::PRESERVATION, None).await;
        pair.clock.forward(DAY);
        let until = pair.clock_now().plus(DAY * 30);
        pair.a.rotate(LOG, until);
        pair.approve(Kind::PRESERVATION, None).await;
        pair.a.flow.discharge_due().await.unwrap();
        let attempt = pair.a.flow.attempts_due().await.unwrap().remove(0);
        let bytes = pair.a.flow.envelope_bytes(attempt.envelope).await.unwrap();
        let a = pair.a.flow.us();
        let refused = pair.b.flow.take_in(&bytes, HandedBy::Peer(a)).await.unwrap_err();
        assert_eq!(refused.code(), "P-920");
        assert_eq!(pair.b.flow.wanted_descriptors().into_iter().collect::<Vec<_>>(), [a]);
        assert!(pair.b.flow.renew_peer(a, &descriptor(&pair.a.flow)).await.unwrap());
        pair.settle().await;
        pair.audit().await;
    }

    /// The old key signs on after it was given up: within the time that its State named, and then no more.
    #[tokio::test]
    async fn a_retired_key_is_believed_until_its_state_said_and_no_longer() {
        let mut pair = Pair::new().await;
        pair.ask(Kind::PRESERVATION, None).await;
        pair.clock.forward(DAY);
        let (a, until) = (pair.a.flow.us(), pair.clock_now().plus(DAY * 3));
        let old = pair.a.flow.clone();
        pair.a.rotate(LOG, until);
        pair.b.flow.renew_peer(a, &descriptor(&pair.a.flow)).await.unwrap();
        let mut sent = Vec::new();
        for _ in 0..2 {
            pair.approve(Kind::PRESERVATION, None).await;
        }
        old.discharge_due().await.unwrap();
        for attempt in old.attempts_due().await.unwrap() {
            sent.push(old.envelope_bytes(attempt.envelope).await.unwrap());
        }
        pair.b.flow.take_in(&sent[0], HandedBy::Peer(a)).await.unwrap();
        pair.clock.forward(DAY * 4);
        let refused = pair.b.flow.take_in(&sent[1], HandedBy::Peer(a)).await.unwrap_err();
        assert_eq!(refused.code(), "P-921");
        assert!(pair.b.flow.take_in(&sent[0], HandedBy::Pouch).await.is_ok(), "a duplicate gets its receipt");
        // Exported again under the new key, it goes.
        pair.settle().await;
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_statement_under_a_compromised_office_key_is_kept_and_not_believed() {
        let mut pair = Pair::new().await;
        pair.ask(Kind::PRESERVATION, None).await;
        pair.clock.forward(DAY);
        let (thief, a) = (pair.a.flow.clone(), pair.a.flow.us());
        let contact = KeyRole::Office(OfficeFunction::ContactPoint);
        pair.a.rotate(contact, pair.clock_now());
        pair.b.flow.renew_peer(a, &descriptor(&pair.a.flow)).await.unwrap();
        pair.clock.forward(Duration::from_secs(1));
        pair.approve(Kind::PRESERVATION, None).await;
        thief.discharge_due().await.unwrap();
        let attempt = thief.attempts_due().await.unwrap().remove(0);
        let bytes = thief.envelope_bytes(attempt.envelope).await.unwrap();
        pair.b.flow.take_in(&bytes, HandedBy::Peer(a)).await.unwrap();
        pair.b.flow.record_stored().await.unwrap();
        let codes: Vec<_> =
            pair.b.flow.findings().await.unwrap().into_iter().map(|found| found.report.code).collect();
        assert!(codes.contains(&"P-921".to_owned()), "{codes:?}");
        assert_eq!(pair.b.flow.audit().await.unwrap().quarantined, 1);
    }

    /// A receipt that was lost on the way is given out again as it was made, whatever happened to the log's key since.
    #[tokio::test]
    async fn a_receipt_that_comes_late_stands_by_the_office_that_signed_it() {
        let mut pair = Pair::new().await;
        pair.approve(Kind::PRESERVATION, None).await;
        let (a, b) = (pair.a.flow.clone(), pair.b.flow.us());
        a.discharge_due().await.unwrap();
        let attempt = a.attempts_due().await.unwrap().remove(0);
        let bytes = a.envelope_bytes(attempt.envelope).await.unwrap();
        let lost = pair.b.flow.take_in(&bytes, HandedBy::Peer(a.us())).await.unwrap();
        for role in [LOG, KeyRole::Cosigner] {
            pair.b.rotate(role, pair.clock_now());
        }
        pair.clock.forward(DAY);
        assert!(a.renew_peer(b, &descriptor(&pair.b.flow)).await.unwrap());
        let again = pair.b.flow.take_in(&bytes, HandedBy::Peer(a.us())).await.unwrap();
        assert_eq!(again, lost);
        pair.b.rotate(KeyRole::Office(OfficeFunction::Node), pair.clock_now());
        pair.clock.forward(DAY);
        let thief = a.renew_peer(b, &descriptor(&pair.b.flow)).await.unwrap();
        assert!(thief);
        let refused = a.settle(attempt.envelope, &again).await.unwrap_err();
        assert_eq!(refused.code(), "P-921", "the office's key is known to somebody else");
        pair.clock.set(pair.clock_now().minus(DAY + Duration::from_secs(1)));
        assert!(a.settle(attempt.envelope, &again).await.unwrap().first);
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_descriptor_of_another_root_is_shown_and_never_taken() {
        let pair = Pair::new().await;
        let stranger = Pair::new().await;
        let b = pair.b.flow.us();
        let refused = pair.a.flow.renew_peer(b, &descriptor(&stranger.b.flow)).await.unwrap_err();
        assert_eq!(refused.code(), "P-413");
        let foreign = pair.a.flow.renew_peer(b, &descriptor(&pair.a.flow)).await.unwrap_err();
        assert_eq!(foreign.code(), "P-404");
        let found = pair.a.flow.findings().await.unwrap();
        assert!(found.iter().all(|found| found.level == Level::Fail && found.peer == Some(b)));
        assert_eq!(found.len(), 2);
        assert_eq!(pair.a.flow.descriptors(b).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn an_older_descriptor_changes_nothing_and_another_with_the_same_number_is_shown() {
        let mut pair = Pair::new().await;
        let b = pair.b.flow.us();
        let first = descriptor(&pair.b.flow);
        pair.clock.forward(DAY);
        pair.b.rotate(LOG, pair.clock_now());
        let second = descriptor(&pair.b.flow);
        assert!(pair.a.flow.renew_peer(b, &second).await.unwrap());
        assert!(!pair.a.flow.renew_peer(b, &first).await.unwrap());
        pair.b.rotate(LOG, pair.clock_now());
        let other = pair.a.flow.renew_peer(b, &descriptor(&pair.b.flow)).await.unwrap_err();
        assert_eq!(other.code(), "P-412");
        assert_eq!(pair.a.flow.peer(b).await.unwrap().log().vkey(), vkey(&second));
    }

    fn vkey(signed: &[u8]) -> String {
        Peer::read(signed, "2026-11-25T06:00:00Z".parse().unwrap()).unwrap().log().vkey()
    }
}
