//! Our log as strangers see it: the head with the newest cosignatures, tiles, and what witnesses are asked.

use crate::{Flow, FlowError, Level, log};
use ledger::{
    AddCheckpoint, Checkpoint, Commitment, CosignatureError, CosignerVerifier, Hash, KeyName, MAX_SIGNATURES,
    Note, SignatureLine, Tile, TileKind, TreeError, checkpoint, cosignature, tile, tree,
};
use serde::Serialize;
use std::{collections::HashMap, time::Duration};
use store::{Session, WitnessedRow};
use vocabulary::{Family, Instant, Report, StateCode};

/// Policy: how long a head with a witness's cosignature is shown although the log grew meanwhile.
const SHOWN_WITNESSED: Duration = Duration::from_secs(10 * 60);
/// Policy: a witness that did not cosign a log that grew for so long is spoken of.
const SILENT: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of our own log, for people.
#[derive(Debug, Clone, Serialize)]
pub struct LogState {
    pub origin: String,
    pub size: u64,
    pub root: String,
    pub vkey: String,
    pub cosigner: String,
    /// The largest head that each witness and each State cosigned.
    pub cosigned: Vec<CosignedBy>,
    /// Heads of peers' logs that are not proven to follow from those before.
    pub unlinked: Vec<Unlinked>,
    /// States with which nothing is exchanged.
    pub halted: Vec<StateCode>,
}

/// Who cosigned a head of our log.
#[derive(Debug, Clone, Serialize)]
pub struct CosignedBy {
    /// The name of the key.
    pub by: String,
    pub size: u64,
    pub received_at: Instant,
}

/// A head of a peer's log that no proof links.
#[derive(Debug, Clone, Serialize)]
pub struct Unlinked {
    pub peer: StateCode,
    pub size: u64,
    pub root: String,
    pub seen_at: Instant,
}

impl Flow {
    /// The signed head that strangers see, with what cosigners said of it.
    ///
    /// It is the newest one, or one that a witness cosigned in the last minutes; never smaller than `at_least`.
    pub async fn published(&self, at_least: u64) -> Result<(u64, String), FlowError> {
        let mut read = self.store.snapshot().await?;
        let newest = read.queries().ledger_size().await?;
        let fresh = self.now().minus(SHOWN_WITNESSED);
        let witnessed = read.queries().witnessed().await?;
        let recent = witnessed.iter().filter(|row| row.received_at >= fresh && row.size >= at_least);
        let size = recent.map(|row| row.size).filter(|size| *size <= newest).max().unwrap_or(newest);
        Ok((size, self.signed_head(&mut read, size).await?))
    }

    /// The head of `size` leaves, signed by the log, with every cosignature on it that fits in the note.
    pub(crate) async fn signed_head(
        &self,
        session: &mut impl Session,
        size: u64,
    ) -> Result<String, FlowError> {
        let root = log::root(session, size).await?;
        let head = Checkpoint::new(KeyName::of_log(self.us()), size, root);
        let mut note =
            Note::parse(&checkpoint::sign(&head, self.keys.log())?).map_err(ledger::CheckpointError::from)?;
        let mut lines: Vec<String> = Vec::new();
        for row in session.queries().witnessed_at(size).await? {
            lines.extend((row.root == *root.as_bytes()).then_some(row.line));
        }
        for row in session.queries().cosignatures_at(size).await? {
            lines.extend((row.root == *root.as_bytes()).then_some(row.line));
        }
        for line in lines.iter().take(MAX_SIGNATURES - 1) {
            if let Ok(line) = line.trim_end().parse::<SignatureLine>() {
                note.put(line).map_err(ledger::CheckpointError::from)?;
            }
        }
        Ok(note.to_string())
    }

    /// The number of leaves in our log.
    pub async fn log_size(&self) -> Result<u64, FlowError> {
        let mut read = self.store.read().await?;
        Ok(read.queries().ledger_size().await?)
    }

    /// The root of our first `size` leaves; `None` when there are fewer.
    pub async fn root_at(&self, size: u64) -> Result<Option<Hash>, FlowError> {
        let mut read = self.store.snapshot().await?;
        if read.queries().ledger_size().await? < size {
            return Ok(None);
        }
        Ok(Some(log::root(&mut read, size).await?))
    }

    /// The bytes of a tile; `None` when our log has no such tile.
    pub async fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, FlowError> {
        let mut read = self.store.read().await?;
        if !tile.is_in(read.queries().ledger_size().await?) {
            return Ok(None);
        }
        let (first, count) = (tile.first(), u32::from(tile.width()));
        let TileKind::Hashes { level } = tile.kind() else {
            let entries = read.queries().ledger_leaves(first, count).await?;
            if entries.len() != usize::from(tile.width()) {
                return Err(TreeError::NodeMissing { level: 0, index: first }.into());
            }
            let entries: Vec<Commitment> = entries.into_iter().map(Commitment::from_bytes).collect();
            return Ok(Some(tile::bundle(&entries)));
        };
        let rows = read.queries().ledger_node_run(level * tile::TILE_HEIGHT, first, count).await?;
        let nodes: HashMap<_, _> =
            rows.into_iter().map(|row| ((row.level, row.position), Hash::from_bytes(row.hash))).collect();
        Ok(Some(tile.hashes(&nodes)?))
    }

    /// What a witness is asked that cosigned our head of `old` leaves last, and the size of the head in it;
    /// `None` when our log is smaller.
    pub async fn witness_request(&self, old: u64) -> Result<Option<(AddCheckpoint, u64)>, FlowError> {
        let mut read = self.store.snapshot().await?;
        let head = self.head(&mut read).await?;
        let size = head.size();
        if old > size {
            return Ok(None);
        }
        let nodes = log::load(&mut read, tree::needed_for_consistency(old, size)).await?;
        let proof = tree::consistency_proof(old, size, &nodes)?;
        Ok(Some((AddCheckpoint { old, proof, note: checkpoint::sign(&head, self.keys.log())? }, size)))
    }

    /// The size of our head that a witness cosigned last; 0 when none is kept.
    pub async fn witnessed_by(&self, witness: &CosignerVerifier) -> Result<u64, FlowError> {
        let mut read = self.store.read().await?;
        let kept = read.queries().witnessed().await?;
        let name = witness.name().as_str();
        Ok(kept.iter().find(|row| row.witness == name).map_or(0, |row| row.size))
    }

    /// Verifies and keeps the lines with which a witness answered for our head of `size` leaves.
    pub async fn witnessed(
        &self,
        witness: &CosignerVerifier,
        size: u64,
        answer: &str,
    ) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        let root = log::root(&mut write, size).await?;
        let body = Checkpoint::new(KeyName::of_log(self.us()), size, root).to_string();
        let stands = |line: &&str| cosignature::verify_cosignature(&body, line, witness).is_ok();
        let line = answer.lines().take(MAX_SIGNATURES).find(stands);
        let line = line.ok_or_else(|| CosignatureError::Missing { cosigner: witness.name().clone() })?;
        write
            .keep_witnessed(&WitnessedRow {
                witness: witness.name().to_string(),
                size,
                root: *root.as_bytes(),
                line: line.to_owned(),
                received_at: self.now(),
            })
            .await?;
        Ok(write.commit().await?)
    }

    /// A witness says that our log is not the one it knows, or none that it knows: people are told once a day.
    pub async fn witness_trouble(&self, witness: &str, trouble: WitnessTrouble) -> Result<(), FlowError> {
        let level = match trouble {
            WitnessTrouble::Contradicts { .. } => Level::Fail,
            WitnessTrouble::Refuses { .. } | WitnessTrouble::Silent => Level::Warn,
        };
        let day = self.now().seconds() / (24 * 60 * 60);
        let id = format!("witness/{witness}/{}/{day}", trouble.code());
        let mut write = self.store.write().await?;
        self.find(&mut write, id, level, None, None, trouble.report(witness)).await?;
        Ok(write.commit().await?)
    }

    /// True when a witness has not cosigned for so long that people should know; `asked_since` is when this
    /// process began to ask.
    pub async fn witness_is_silent(
        &self,
        witness: &CosignerVerifier,
        asked_since: Instant,
    ) -> Result<bool, FlowError> {
        let mut read = self.store.read().await?;
        let kept = read.queries().witnessed().await?;
        let name = witness.name().as_str();
        let last = kept.iter().find(|row| row.witness == name).map(|row| row.received_at);
        Ok(self.now().since(last.map_or(asked_since, |last| last.max(asked_since))) >= SILENT)
    }

    /// What is known of our log and of those of peers, for people.
    pub async fn log_state(&self) -> Result<LogState, FlowError> {
        let mut read = self.store.snapshot().await?;
        let head = self.head(&mut read).await?;
        let mut cosigned: Vec<CosignedBy> = read
            .queries()
            .witnessed()
            .await?
            .into_iter()
            .map(|row| CosignedBy { by: row.witness, size: row.size, received_at: row.received_at })
            .collect();
        for peer in read.queries().peers().await? {
            if let Some(row) = read.queries().cosignature(peer.state).await? {
                let by = KeyName::of_cosigner(peer.state).to_string();
                cosigned.push(CosignedBy { by, size: row.size, received_at: row.received_at });
            }
        }
        let unlinked = read.queries().heads_unlinked().await?;
        let halted = read.queries().halts().await?;
        Ok(LogState {
            origin: head.origin().to_string(),
            size: head.size(),
            root: head.root().to_string(),
            vkey: self.keys.log().vkey(),
            cosigner: self.keys.cosigner().vkey(),
            cosigned,
            unlinked: unlinked
                .into_iter()
                .map(|row| Unlinked {
                    peer: row.peer,
                    size: row.size,
                    root: Hash::from_bytes(row.root).to_string(),
                    seen_at: row.seen_at,
                })
                .collect(),
            halted: halted.into_iter().map(|row| row.peer).collect(),
        })
    }
}

/// What is wrong with a witness, or with our log as it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WitnessTrouble {
    /// It cosigned a head that our log does not have: larger than ours, or not one that ours follows from.
    Contradicts { size: Option<u64> },
    /// It does not know our log, or does not take what we send.
    Refuses { status: u16 },
    /// No answer for long.
    Silent,
}

impl WitnessTrouble {
    fn code(self) -> &'static str {
        match self {
            Self::Contradicts { .. } => "F-911",
            Self::Refuses { .. } => "F-912",
            Self::Silent => "F-913",
        }
    }

    fn report(self, witness: &str) -> Report {
        let (message, remedy) = match self {
            Self::Contradicts { size } => {
                let of = size.map(|size| format!(" of {size} leaves")).unwrap_or_default();
                (
                    format!("the witness `{witness}` cosigned a head{of} that our log does not follow from"),
                    "look whether this node was restored from a copy: then its log forked, and the peers must be told",
                )
            }
            Self::Refuses { status } => (
                format!("the witness `{witness}` does not take our head (status {status})"),
                "give it the verifier key of our log (`rogatory log show`), or correct `[[log.witness]]`",
            ),
            Self::Silent => (
                format!("the witness `{witness}` did not cosign our log for a day (policy)"),
                "ask its operators; the log goes on, and the witness is asked again by itself",
            ),
        };
        Report {
            family: Family::Fault,
            code: self.code().to_owned(),
            message,
            clause: Some("C2SP tlog-witness".to_owned()),
            remedy: remedy.to_owned(),
        }
    }
}
