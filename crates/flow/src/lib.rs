//! The walk: the one write path, one file per kind of duty, the views that screens read.
//!
//! `perform` is the only way a file changes. A peer's message is first made durable and receipted
//! (`take_in`), and opened later (`record_stored`). Not here: sockets, processes, the command line.

mod act;
mod addressee;
mod answer;
mod audit;
mod bundle;
mod clock;
mod custody;
mod deliver;
mod depositary;
mod desk;
mod dispatch;
mod duty;
mod duty_roster;
mod error;
mod finding;
#[cfg(test)]
mod fixture;
mod folder;
mod head_stamp;
mod heads;
mod ladder;
mod law;
mod log;
mod matter;
mod node_act;
mod officer;
mod oversight;
mod package;
mod peer;
mod perform;
mod ping;
mod published;
mod randomness;
mod receive;
mod record;
mod request;
mod ring;
mod rung;
#[cfg(test)]
mod story_kinds;
mod timeline;
mod transfer;
mod waiting;
mod witness;

pub use self::custody::{CustodyOfFile, ExhibitChain, GapRecord, Proposal, end_in_words};
pub use act::Act;
pub use addressee::AddedAddressee;
pub use audit::{Audit, Trouble};
pub use bundle::{Bundle, BundleLetter, BundleOptions, ExportFile};
pub use clock::{Clock, SystemClock};
pub use deliver::{Attempt, Delivered};
pub use depositary::{Imported, InForce, KnownDepositary, Origin, SaidBy, day_of};
pub use desk::View;
pub use duty::Discharged;
pub use duty_roster::{OnDuty, RosterChecked};
pub use error::FlowError;
pub use finding::{Acknowledged, Finding, Level};
pub use folder::NodeFolder;
pub use head_stamp::HeadToStamp;
pub use law::{FileComparison, KeptLaw, Need, TakenLaw};
pub use node_act::{ACT_LABEL, ActRecord, NodeAct};
pub use officer::{Credential, NewOfficer};
pub use oversight::{Conduct, ConductJudgement, Halt, Oversight, OversightRecord};
pub use package::{ExhibitRecord, Fetch, NewExhibit, OpenedPackage, Progress, SealOptions, Stamp};
pub use peer::{Enrolled, key_overlap};
pub use perform::Performed;
pub use ping::{Availability, PingKnown, PingQuestion};
pub use published::{CosignedBy, LogState, Unlinked, WitnessTrouble};
pub use randomness::{Randomness, SystemRandomness};
pub use receive::HandedBy;
pub use request::CheckedDraft;
pub use ring::{
    CallOutcome, DeskTimes, MEANS_HOOK, MEANS_MAIL, Ring, RingCall, RingReason, Summoned, Summons, span_of,
};
pub use rung::{Ahead, EnvelopeProofs, Rung};
pub use timeline::{Letter, Step, Text, Timeline};
pub use transfer::{RETRIEVAL_WINDOW, SealedPackage, Served, ensure_space};
pub use waiting::{DeskClock, Waiting};

use keys::NodeKeys;
use std::sync::Arc;
use store::Store;
use treaty::RequestedProfile;
use vocabulary::StateCode;

/// One State's node without its sockets.
#[derive(Clone)]
pub struct Flow {
    store: Store,
    keys: Arc<NodeKeys>,
    clock: Arc<dyn Clock>,
    folder: NodeFolder,
    profile: RequestedProfile,
    zone: String,
    peers: peer::PeerCache,
    wanted: peer::Wanted,
    depositary: depositary::DepositaryCache,
    randomness: Arc<dyn Randomness>,
}

impl Flow {
    /// `profile` is our own State's, as our descriptor declares it; `zone` is where we count our days.
    pub fn new(
        store: Store,
        keys: NodeKeys,
        clock: Arc<dyn Clock>,
        folder: NodeFolder,
        profile: RequestedProfile,
        zone: String,
    ) -> Self {
        Self {
            store,
            keys: Arc::new(keys),
            clock,
            folder,
            profile,
            zone,
            peers: peer::PeerCache::default(),
            wanted: peer::Wanted::default(),
            depositary: depositary::DepositaryCache::default(),
            randomness: Arc::new(SystemRandomness),
        }
    }

    /// The same node with ids, salts and tokens from `randomness`; keys and signatures stay with the machine.
    pub fn with_randomness(self, randomness: Arc<dyn Randomness>) -> Self {
        Self { randomness, ..self }
    }

    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N], FlowError> {
        let mut bytes = [0; N];
        self.randomness.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub fn us(&self) -> StateCode {
        self.keys.state()
    }

    pub fn keys(&self) -> &NodeKeys {
        &self.keys
    }

    pub fn folder(&self) -> &NodeFolder {
        &self.folder
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn zone(&self) -> &str {
        &self.zone
    }

    pub fn profile(&self) -> &RequestedProfile {
        &self.profile
    }

    pub fn now(&self) -> vocabulary::Instant {
        self.clock.now()
    }
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow").field("us", &self.us()).finish_non_exhaustive()
    }
}
