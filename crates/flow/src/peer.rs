//! The States enrolled here, verified once for each descriptor and kept in memory.

use crate::{Flow, FlowError};
use register::{DescriptorError, Peer};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use store::PeerRow;
use vocabulary::{Digest, StateCode};

/// Verified peers by State, with the digest of the descriptor they came from.
pub(crate) type PeerCache = Arc<Mutex<HashMap<StateCode, (Digest, Arc<Peer>)>>>;

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

impl Flow {
    /// Enrols a State from its signed descriptor, or takes a newer one of the same root.
    pub async fn enrol(&self, signed: &[u8]) -> Result<Enrolled, FlowError> {
        let peer = Arc::new(Peer::verify(signed, self.now())?);
        if peer.state() == self.us() {
            return Err(DescriptorError::Ourselves { state: self.us() }.into());
        }
        let known = match self.peer(peer.state()).await {
            Ok(known) => Some(known),
            Err(FlowError::UnknownPeer { .. }) => None,
            Err(error) => return Err(error),
        };
        if let Some(known) = &known {
            known.renew(&peer)?;
        }
        let row = PeerRow { state: peer.state(), descriptor: signed.to_vec(), enrolled_at: self.now() };
        let mut write = self.store.write().await?;
        write.put_peer(&row).await?;
        write.commit().await?;
        Ok(if known.is_some() { Enrolled::Renewed(peer) } else { Enrolled::New(peer) })
    }

    pub async fn peer(&self, state: StateCode) -> Result<Arc<Peer>, FlowError> {
        let mut read = self.store.read().await?;
        let row = read.queries().peer(state).await?.ok_or(FlowError::UnknownPeer { state })?;
        self.verified(&row)
    }

    pub async fn peers(&self) -> Result<Vec<Arc<Peer>>, FlowError> {
        let mut read = self.store.read().await?;
        read.queries().peers().await?.iter().map(|row| self.verified(row)).collect()
    }

    fn verified(&self, row: &PeerRow) -> Result<Arc<Peer>, FlowError> {
        let digest = Digest::of(&row.descriptor);
        let mut cache = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, peer)) = cache.get(&row.state)
            && *known == digest
        {
            return Ok(Arc::clone(peer));
        }
        let peer = Arc::new(Peer::read(&row.descriptor, self.now())?);
        cache.insert(row.state, (digest, Arc::clone(&peer)));
        Ok(peer)
    }
}
