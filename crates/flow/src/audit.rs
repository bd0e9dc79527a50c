//! The audit of a whole node: every invariant that can be checked from what is stored.

use crate::{
    Flow, FlowError,
    custody::chain_of,
    ladder,
    log::{self, EVENT_LABEL},
    oversight::OVERSIGHT_LABEL,
    request::read_view,
};
use casefile::{Casefile, incoming::Incoming, outgoing::Outgoing, replay};
use exchange::{
    PROOF_LABEL, Proof, ProofStep, RECEIVED_LABEL, Receipt, STATEMENT_LABEL, addressed_digest, settle,
};
use ledger::{Commitment, Hash, Salt, tree};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use store::{Direction, InboxState, OutboxRow, ProofRow, Session, Snapshot};
use vocabulary::{Digest, FileId};

/// Leaves read at a time.
const BATCH: u32 = 4096;

/// One broken invariant.
#[derive(Debug, Clone, Serialize)]
pub struct Trouble {
    pub what: String,
    pub found: String,
}

/// What was looked at, and what was found wrong.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Audit {
    pub files: usize,
    pub events: usize,
    pub leaves: u64,
    pub root: String,
    pub sent: usize,
    pub delivered: usize,
    pub waiting: usize,
    pub refused: usize,
    pub received: usize,
    pub quarantined: usize,
    /// Signed proofs of the ladder.
    pub proofs: usize,
    /// Duties that are due and not discharged.
    pub owed: usize,
    /// Reminders and lapses that lie ahead.
    pub scheduled: usize,
    pub findings: usize,
    /// Peers with which nothing is exchanged until an officer looks.
    pub halted: usize,
    pub troubles: Vec<Trouble>,
}

impl Audit {
    fn trouble(&mut self, what: impl Into<String>, found: impl Into<String>) {
        self.troubles.push(Trouble { what: what.into(), found: found.into() });
    }
}

impl Flow {
    /// Checks history, ledger, outbox, inbox and custody against each other.
    pub async fn audit(&self) -> Result<Audit, FlowError> {
        let mut audit = Audit::default();
        // A node may serve meanwhile: ledger, files and boxes are judged as of one moment.
        let mut read = self.store.snapshot().await?;
        let integrity = read.queries().integrity().await?;
        if integrity != "ok" {
            audit.trouble("the database file", integrity);
        }
        let leaves = self.audit_ledger(&mut read, &mut audit).await?;
        self.audit_files(&mut read, &mut audit, &leaves).await?;
        self.audit_outbox(&mut read, &mut audit, &leaves).await?;
        self.audit_inbox(&mut read, &mut audit, &leaves).await?;
        self.audit_oversight(&mut read, &mut audit, &leaves).await?;
        audit.halted = read.queries().halts().await?.len();
        audit_acts(&mut read, &mut audit, &leaves).await?;
        self.audit_proofs(&mut read, &mut audit, &leaves).await?;
        let now = self.now();
        let duties = read.queries().duties_open().await?;
        audit.owed = duties.iter().filter(|duty| duty.due <= now || duty.attempts > 0).count();
        audit.scheduled = duties.len() - audit.owed;
        audit.findings = read.queries().findings().await?.len();
        Ok(audit)
    }

    /// Builds the tree again from its leaves and compares it with the stored nodes.
    async fn audit_ledger(
        &self,
        session: &mut impl Session,
        audit: &mut Audit,
    ) -> Result<Vec<Commitment>, FlowError> {
        let size = session.queries().ledger_size().await?;
        let mut leaves: Vec<Commitment> = Vec::new();
        let mut nodes: HashMap<(u8, u64), Hash> = HashMap::new();
        while (leaves.len() as u64) < size {
            let batch = session.queries().ledger_leaves(leaves.len() as u64, BATCH).await?;
            if batch.is_empty() {
                audit.trouble("the ledger", format!("leaf {} is missing", leaves.len()));
                break;
            }
            for commitment in batch {
                let commitment = Commitment::from_bytes(commitment);
                for node in tree::append(leaves.len() as u64, commitment.leaf_hash(), &nodes)? {
                    nodes.insert((node.level, node.index), node.hash);
                }
                leaves.push(commitment);
            }
        }
        let rebuilt = tree::root(leaves.len() as u64, &nodes)?;
        if rebuilt != log::root(session, size).await? {
            audit.trouble("the ledger", "the stored tree does not follow from its leaves");
        }
        audit.leaves = size;
        audit.root = rebuilt.to_string();
        Ok(leaves)
    }

    async fn audit_files(
        &self,
        session: &mut impl Session,
        audit: &mut Audit,
        leaves: &[Commitment],
    ) -> Result<(), FlowError> {
        for view in session.queries().views("outgoing").await? {
            let viewed: Outgoing = read_view(&view.body)?;
            self.audit_file(session, audit, leaves, view.file, &viewed).await?;
            audit_custody(session, audit, &viewed.custody).await?;
        }
        for view in session.queries().views("incoming").await? {
            let viewed: Incoming = read_view(&view.body)?;
            self.audit_file(session, audit, leaves, view.file, &viewed).await?;
            audit_custody(session, audit, &viewed.custody).await?;
            for record in self.exhibit_records(&viewed).await? {
                if let Err(broken) = custody::Chain::verify(record.custody.links()) {
                    audit.trouble(format!("custody of exhibit {}", record.exhibit), broken.to_string());
                }
            }
        }
        Ok(())
    }

    async fn audit_file<C: Casefile + PartialEq>(
        &self,
        session: &mut impl Session,
        audit: &mut Audit,
        leaves: &[Commitment],
        file: FileId,
        viewed: &C,
    ) -> Result<(), FlowError> {
        audit.files += 1;
        let rows = session.queries().events(file).await?;
        audit.events += rows.len();
        for row in &rows {
            let digest = Digest::of(&row.body);
            if !committed(leaves, row.leaf, EVENT_LABEL, &row.salt, &digest) {
                audit.trouble(
                    format!("event {} of file {file}", row.sequence),
                    "it is not what the ledger committed",
                );
            }
        }
        let bodies: Vec<Vec<u8>> = rows.into_iter().map(|row| row.body).collect();
        match replay::<C>(&bodies) {
            Ok((Some(state), _)) if state == *viewed => {}
            Ok(_) => audit.trouble(format!("file {file}"), "its view is not what its history makes"),
            Err(broken) => audit.trouble(format!("file {file}"), broken.to_string()),
        }
        Ok(())
    }

    async fn audit_outbox(
        &self,
        session: &mut impl Session,
        audit: &mut Audit,
        leaves: &[Commitment],
    ) -> Result<(), FlowError> {
        let mut said: BTreeMap<(FileId, String), u32> = BTreeMap::new();
        for row in session.queries().outbox_all().await? {
            audit.sent += 1;
            let name = format!("sent envelope {}", row.envelope);
            if Digest::of(&row.sealed) != row.sealed_digest {
                audit.trouble(&name, "its bytes are not what was sealed");
            }
            let addressed = addressed_digest(row.envelope, row.sender, row.addressee, &row.sealed_digest);
            if !committed(leaves, row.leaf, STATEMENT_LABEL, &row.salt, &addressed) {
                audit.trouble(&name, "it is not in the ledger");
            }
            match (&row.receipt, row.delivered_at) {
                (Some(receipt), Some(at)) => {
                    audit.delivered += 1;
                    let peer = self.peer(row.peer).await?;
                    if let Err(fault) = settle(receipt, self.us(), &peer, row.envelope, row.sealed_digest, at)
                    {
                        audit.trouble(&name, format!("its receipt does not stand: {fault}"));
                    }
                }
                (None, None) if row.refused_at.is_some() => audit.refused += 1,
                (None, None) => audit.waiting += 1,
                _ => audit.trouble(&name, "delivery without a receipt"),
            }
            if matches!(row.kind.as_str(), "request" | "preserved" | "evidence" | "closing") {
                let times = said.entry((row.file, row.kind.clone())).or_default();
                *times += 1;
                if *times > 1 {
                    audit.trouble(format!("file {}", row.file), format!("it said `{}` twice", row.kind));
                }
            }
        }
        Ok(())
    }

    async fn audit_inbox(
        &self,
        session: &mut impl Session,
        audit: &mut Audit,
        leaves: &[Commitment],
    ) -> Result<(), FlowError> {
        for row in session.queries().inbox_all().await? {
            audit.received += 1;
            if row.state == InboxState::Quarantined {
                audit.quarantined += 1;
            }
            let name = format!("received envelope {}", row.envelope);
            if Digest::of(&row.sealed) != row.sealed_digest {
                audit.trouble(&name, "its bytes are not what was received");
            }
            match self.read_receipt(&row.receipt, row.received_at).map_err(|fault| fault.to_string()) {
                Ok(receipt) => {
                    if receipt.digest != row.sealed_digest || receipt.envelope != row.envelope {
                        audit.trouble(&name, "its receipt names another envelope");
                    }
                    let known = leaves.get(usize::try_from(row.leaf).unwrap_or(usize::MAX));
                    if receipt.log.commitment(RECEIVED_LABEL, &row.sealed_digest).as_ref() != known {
                        audit.trouble(&name, "its receipt is not in the ledger");
                    }
                }
                Err(fault) => audit.trouble(&name, fault),
            }
        }
        Ok(())
    }

    async fn audit_oversight(
        &self,
        session: &mut impl Session,
        audit: &mut Audit,
        leaves: &[Commitment],
    ) -> Result<(), FlowError> {
        for row in session.queries().oversight().await? {
            let digest = Digest::of(&row.body);
            if !committed(leaves, row.leaf, OVERSIGHT_LABEL, &row.salt, &digest) {
                let what = format!("the act about `{}`", row.subject);
                audit.trouble(what, "it is not what the ledger committed");
            }
        }
        self.audit_depositary(session, audit).await
    }

    /// The depositary register is what the newest import of the ledger made of it.
    async fn audit_depositary(&self, session: &mut impl Session, audit: &mut Audit) -> Result<(), FlowError> {
        let rows = session.queries().oversight().await?;
        // An act that cannot be read was found above.
        let newest = rows.iter().rev().find_map(|row| match serde_json::from_slice(&row.body).ok()? {
            crate::OversightRecord { act: crate::Oversight::DepositaryImported { log, .. }, .. } => Some(log),
            _ => None,
        });
        let bodies = session.queries().depositary().await?;
        let stands = match newest {
            Some(log) => log == crate::depositary::digest(&bodies),
            None => bodies.is_empty(),
        };
        if !stands {
            audit.trouble(
                "the depositary register",
                "it is not what the last import in the ledger made of it",
            );
        }
        Ok(())
    }

    /// Every signed proof is committed, stands, and contradicts neither the envelope nor another proof.
    async fn audit_proofs(
        &self,
        session: &mut Snapshot,
        audit: &mut Audit,
        leaves: &[Commitment],
    ) -> Result<(), FlowError> {
        let mut from = 0;
        loop {
            let rows = session.queries().proofs_from(from, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            from = last.leaf + 1;
            for row in rows {
                audit.proofs += 1;
                let name = format!("proof `{}` of envelope {}", row.step, row.envelope);
                if !committed(leaves, row.leaf, PROOF_LABEL, &row.salt, &Digest::of(&row.signed)) {
                    audit.trouble(&name, "it is not what the ledger committed");
                }
                if let Err(found) = self.audit_proof(session, &row).await? {
                    audit.trouble(&name, found);
                }
            }
        }
    }

    async fn audit_proof(
        &self,
        session: &mut Snapshot,
        row: &ProofRow,
    ) -> Result<Result<(), String>, FlowError> {
        let theirs = row.direction == Direction::Sent && row.step == ProofStep::Opened.as_str();
        let anchor = if theirs { self.peer(row.peer).await?.anchor().clone() } else { self.own_anchor()? };
        let proof = match Proof::read(&row.signed, &anchor, row.at) {
            Ok(proof) => proof,
            Err(fault) => return Ok(Err(format!("it does not stand: {fault}"))),
        };
        if row.direction == Direction::Received {
            let known = session.queries().inbox(row.peer, row.envelope).await?;
            let fits = known.is_some_and(|known| {
                known.sealed_digest == proof.digest && proof.receipt == Some(Digest::of(&known.receipt))
            });
            return Ok(if fits { Ok(()) } else { Err("it names another envelope or receipt".to_owned()) });
        }
        let Some(sent) = session.queries().outbox(row.envelope).await? else {
            return Ok(Err("its envelope is not in the outbox".to_owned()));
        };
        if theirs {
            let copy = session.queries().copy(Direction::Sent, row.peer, row.envelope).await?;
            let fits = ladder::compare(&proof, &sent, copy.and_then(|copy| copy.signed).as_deref());
            return Ok(fits.map_err(|fault| fault.to_string()));
        }
        let late = proof.step == ProofStep::NotDelivered
            && delivered_at_leaf(session, &sent).await?.is_some_and(|leaf| leaf < row.leaf);
        if sent.sealed_digest != proof.digest {
            return Ok(Err("it names another envelope".to_owned()));
        }
        Ok(if late { Err("it misses a receipt that was here".to_owned()) } else { Ok(()) })
    }

    /// Our own root, under which our own words stand.
    pub(crate) fn own_anchor(&self) -> Result<seal::TrustAnchor, FlowError> {
        let root = self.keys.root_certificate_pem()?;
        seal::TrustAnchor::from_pem(self.us(), &root).map_err(|_| FlowError::Record { what: "our own root" })
    }

    /// A receipt that we gave.
    pub(crate) fn read_receipt(&self, signed: &[u8], at: vocabulary::Instant) -> Result<Receipt, FlowError> {
        let node = self.node_office(self.us());
        let verified =
            seal::verify_cms_attached(signed, &self.own_anchor()?, at).map_err(seal::OpenError::Signature)?;
        if verified.signer() != node {
            return Err(FlowError::Record { what: "its receipt is not signed by this node" });
        }
        serde_json::from_slice(verified.value())
            .map_err(|_| FlowError::Record { what: "its receipt cannot be read" })
    }
}

/// Acts that belong to no file stand in the ledger like every event.
async fn audit_acts(
    session: &mut impl Session,
    audit: &mut Audit,
    leaves: &[Commitment],
) -> Result<(), FlowError> {
    for act in session.queries().acts().await? {
        if !committed(leaves, act.leaf, &act.label, &act.salt, &Digest::of(&act.body)) {
            audit.trouble(format!("act at leaf {}", act.leaf), "it is not what the ledger committed");
        }
    }
    Ok(())
}

/// The leaf of the event that records the delivery of an envelope: the ledger knows what came first, clocks may not.
async fn delivered_at_leaf(session: &mut impl Session, sent: &OutboxRow) -> Result<Option<u64>, FlowError> {
    let envelope = sent.envelope.to_string();
    for row in session.queries().events(sent.file).await? {
        let stored: serde_json::Value = serde_json::from_slice(&row.body).unwrap_or_default();
        let says =
            |name: &str, word: &str| stored.pointer(name).and_then(|value| value.as_str()) == Some(word);
        if says("/event/proof", "delivered") && says("/event/envelope", &envelope) {
            return Ok(Some(row.leaf));
        }
    }
    Ok(None)
}

fn committed(leaves: &[Commitment], leaf: u64, label: &str, salt: &[u8], digest: &Digest) -> bool {
    let known = usize::try_from(leaf).ok().and_then(|leaf| leaves.get(leaf));
    let salt: Option<[u8; 32]> = salt.try_into().ok();
    match (known, salt) {
        (Some(known), Some(salt)) => known.opens_to(label, &Salt::from_bytes(salt), digest),
        _ => false,
    }
}

/// Every chain of a file holds and ends where the file says.
async fn audit_custody(
    session: &mut impl Session,
    audit: &mut Audit,
    custody: &casefile::Custody,
) -> Result<(), FlowError> {
    for held in custody.held.values() {
        let what = format!("custody of exhibit {}", held.exhibit);
        match chain_of(session, held).await {
            Ok(chain) if chain.exhibit() == held.exhibit && chain.next_sequence() == held.links => {}
            Ok(_) => audit.trouble(what, "its chain is not the one that the file names"),
            Err(error) => audit.trouble(what, error.to_string()),
        }
    }
    Ok(())
}
