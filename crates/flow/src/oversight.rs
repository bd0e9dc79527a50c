//! What officers judge: halts of peers, findings looked at, conduct in both laws; who, when and why, in the ledger.

use crate::{Credential, Flow, FlowError, KeptLaw, Level, law::newest_law, perform::json};
use mandate::{Permission, Permitted};
use serde::{Deserialize, Serialize};
use store::{HaltRow, OversightRow, Session, Write};
use vocabulary::{Digest, FileId, Instant, OfficerId, Report, StateCode};

/// The label of a commitment to an oversight record's bytes.
pub(crate) const OVERSIGHT_LABEL: &str = "rogatory/oversight/1";
const FORMAT: &str = "rogatory/oversight/1";

/// What was done about a peer or a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Oversight {
    /// Nothing is exchanged with the peer from here on.
    PeerHalted { peer: StateCode, finding: Option<String> },
    /// The exchange goes on; with `new_log`, what was seen of the peer's log before is not compared any more.
    PeerResumed { peer: StateCode, new_log: bool },
    /// A person looked at the finding.
    FindingAcknowledged { finding: String },
    /// A person judged whether the conduct of a file is a crime in both States, Art. 35(3).
    ConductJudged {
        file: FileId,
        conduct: Conduct,
        /// The article under which the request puts it; absent for an offence outside the Convention.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        article: Option<u8>,
        requesting: StateCode,
        requested: StateCode,
        /// The law profiles that were the newest here when it was judged; absent where there was none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        law_of_requesting: Option<Digest>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        law_of_requested: Option<Digest>,
    },
    /// Rows were added to the depositary register; `log` is the digest of all of them, `rows` their number.
    DepositaryImported {
        file: Digest,
        as_of: jiff::civil::Date,
        added: u32,
        changed: u32,
        vanished: u32,
        rows: u32,
        log: Digest,
    },
}

/// What a person found about the conduct; software gives no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conduct {
    CrimeInBoth,
    NotCrimeInBoth,
    /// The measure does not need it, such as preservation under Art. 42(4).
    NotNeeded,
}

impl Conduct {
    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CrimeInBoth => "a crime in both States",
            Self::NotCrimeInBoth => "not a crime in both States",
            Self::NotNeeded => "dual criminality not needed",
        }
    }
}

/// A person's judgement with its reasons.
#[derive(Debug, Clone, Serialize)]
pub struct ConductJudgement {
    #[serde(flatten)]
    pub record: OversightRecord,
    /// `None` when the text was destroyed.
    pub reasons: Option<String>,
    /// The leaf of our log that commits it.
    pub leaf: u64,
}

impl ConductJudgement {
    pub fn conduct(&self) -> Option<Conduct> {
        match self.record.act {
            Oversight::ConductJudged { conduct, .. } => Some(conduct),
            _ => None,
        }
    }
}

impl Permitted for Oversight {
    fn permission(&self) -> Option<Permission> {
        Some(match self {
            Self::ConductJudged { .. } => Permission::Decide,
            _ => Permission::Oversee,
        })
    }
}

impl Oversight {
    fn subject(&self) -> String {
        match self {
            Self::PeerHalted { peer, .. } | Self::PeerResumed { peer, .. } => peer.to_string(),
            Self::FindingAcknowledged { finding } => finding.clone(),
            Self::ConductJudged { file, .. } => file.to_string(),
            Self::DepositaryImported { .. } => "depositary".to_owned(),
        }
    }
}

/// An act of oversight as it is committed; the reason is an object, so that it can be destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OversightRecord {
    pub format: String,
    #[serde(flatten)]
    pub act: Oversight,
    /// An officer, or `system` when the node itself stopped.
    pub by: OfficerId,
    pub at: Instant,
    pub reason: Digest,
}

/// A peer with which nothing is exchanged.
#[derive(Debug, Clone, Serialize)]
pub struct Halt {
    pub peer: StateCode,
    pub since: Instant,
    /// The finding because of which the node itself stopped.
    pub finding: Option<String>,
    pub by: OfficerId,
    /// `None` when the text was destroyed.
    pub reason: Option<String>,
}

/// Evidence of a peer's fault, kept with the finding that stops the exchange.
pub(crate) struct Accusation<'a> {
    pub(crate) peer: StateCode,
    pub(crate) finding: String,
    pub(crate) file: Option<FileId>,
    pub(crate) report: Report,
    pub(crate) evidence: Vec<&'a [u8]>,
}

impl Flow {
    /// Stops the exchange with a peer by hand; a peer that is stopped stays so.
    pub async fn halt(&self, by: &Credential, peer: StateCode, reason: &str) -> Result<(), FlowError> {
        let act = self.authorize(by, Oversight::PeerHalted { peer, finding: None }).await?;
        self.peer(peer).await?;
        check_reason(reason)?;
        let mut write = self.store.write().await?;
        if write.add_halt(&HaltRow { peer, halted_at: self.now(), finding: None }).await? {
            self.oversee(&mut write, act.command().clone(), act.actor().clone(), reason).await?;
        }
        Ok(write.commit().await?)
    }

    /// Lets the exchange with a peer go on, after an officer looked.
    ///
    /// With `new_log` the heads of the peer's log that were seen so far stay as evidence and are not compared any
    /// more: for a State that lost its log, restored an older one, and said so. Cosignatures from before this
    /// instant on heads that are not ours are not held against the peer again.
    pub async fn resume(
        &self,
        by: &Credential,
        peer: StateCode,
        reason: &str,
        new_log: bool,
    ) -> Result<(), FlowError> {
        let act = self.authorize(by, Oversight::PeerResumed { peer, new_log }).await?;
        check_reason(reason)?;
        let now = self.now();
        let mut write = self.store.write().await?;
        if !write.end_halt(peer).await? {
            return Err(FlowError::NotHalted { peer });
        }
        if new_log {
            write.set_heads_aside(peer, now).await?;
            // It forgot what we showed it: the next head is the first one.
            self.prove_from_now_on(&mut write, peer, 0).await?;
        }
        write.put_setting(&resumed(peer), &json(&now)?).await?;
        self.oversee(&mut write, act.command().clone(), act.actor().clone(), reason).await?;
        Ok(write.commit().await?)
    }

    /// Records that an officer looked at a finding; it stays in the list.
    pub async fn acknowledge(&self, by: &Credential, finding: &str, reason: &str) -> Result<(), FlowError> {
        let act = Oversight::FindingAcknowledged { finding: finding.to_owned() };
        let act = self.authorize(by, act).await?;
        check_reason(reason)?;
        let mut write = self.store.write().await?;
        if !write.queries().finding_is_kept(finding).await? {
            return Err(FlowError::NoFinding { id: finding.chars().take(64).collect() });
        }
        self.oversee(&mut write, act.command().clone(), act.actor().clone(), reason).await?;
        Ok(write.commit().await?)
    }

    /// Records a person's judgement on the conduct of a file, with the law profiles that are the newest here.
    pub async fn judge_conduct(
        &self,
        by: &Credential,
        file: FileId,
        conduct: Conduct,
        reasons: &str,
    ) -> Result<(), FlowError> {
        let officer = self.authenticate(by).await?;
        let question = self.question(file).await?;
        let (requesting, requested) = (question.requesting, question.requested);
        check_reason(reasons)?;
        let mut write = self.store.write().await?;
        let digest = |kept: Option<KeptLaw>| kept.map(|kept| kept.law.digest());
        let act = Oversight::ConductJudged {
            file,
            conduct,
            article: question.article(),
            requesting,
            requested,
            law_of_requesting: digest(newest_law(&mut write, requesting).await?),
            law_of_requested: digest(newest_law(&mut write, requested).await?),
        };
        let act = officer.authorize(act)?;
        self.oversee(&mut write, act.command().clone(), act.actor().clone(), reasons).await?;
        Ok(write.commit().await?)
    }

    /// What people found about the conduct of a file, oldest first.
    pub async fn judgements(&self, file: FileId) -> Result<Vec<ConductJudgement>, FlowError> {
        let mut read = self.store.read().await?;
        let subject = file.to_string();
        let rows: Vec<OversightRow> =
            read.queries().oversight().await?.into_iter().filter(|row| row.subject == subject).collect();
        let mut judgements = Vec::with_capacity(rows.len());
        for row in rows {
            let record = read_record(&row)?;
            if !matches!(record.act, Oversight::ConductJudged { .. }) {
                continue;
            }
            let reasons = read.queries().object(record.reason).await?;
            let reasons = reasons.and_then(|text| String::from_utf8(text).ok());
            judgements.push(ConductJudgement { record, reasons, leaf: row.leaf });
        }
        Ok(judgements)
    }

    /// The peers with which nothing is exchanged, with who stopped it and why.
    pub async fn halts(&self) -> Result<Vec<Halt>, FlowError> {
        let mut read = self.store.read().await?;
        let rows = read.queries().halts().await?;
        let records = oversight(&mut read).await?;
        let mut halts = Vec::with_capacity(rows.len());
        for row in rows {
            let stop = |record: &&OversightRecord| matches!(&record.act, Oversight::PeerHalted { peer, .. } if *peer == row.peer);
            let record =
                records.iter().rev().find(stop).ok_or(FlowError::Record { what: "the reason of a halt" })?;
            let reason = read.queries().object(record.reason).await?;
            halts.push(Halt {
                peer: row.peer,
                since: row.halted_at,
                finding: row.finding,
                by: record.by.clone(),
                reason: reason.and_then(|text| String::from_utf8(text).ok()),
            });
        }
        Ok(halts)
    }

    /// Everything that was done about peers and findings, oldest first.
    pub async fn oversight(&self) -> Result<Vec<OversightRecord>, FlowError> {
        oversight(&mut self.store.read().await?).await
    }

    /// Refuses when nothing is exchanged with the peer.
    pub(crate) async fn not_halted(
        &self,
        session: &mut impl Session,
        peer: StateCode,
    ) -> Result<(), FlowError> {
        match session.queries().halt(peer).await? {
            Some(_) => Err(FlowError::Halted { peer }),
            None => Ok(()),
        }
    }

    /// Keeps the evidence and the finding, and stops the exchange with the peer, in one transaction.
    pub(crate) async fn accuse(&self, write: &mut Write, with: Accusation<'_>) -> Result<(), FlowError> {
        let (peer, code) = (with.peer, with.report.code.clone());
        let mut kept = Vec::with_capacity(with.evidence.len());
        for bytes in with.evidence {
            kept.push(write.put_object(bytes, self.now()).await?);
        }
        let finding = with.finding;
        self.find_with(write, finding.clone(), Level::Fail, with.file, Some(peer), with.report, kept).await?;
        let halt = HaltRow { peer, halted_at: self.now(), finding: Some(finding.clone()) };
        if write.add_halt(&halt).await? {
            let act = Oversight::PeerHalted { peer, finding: Some(finding) };
            self.oversee(write, act, OfficerId::system(), &format!("the node found {code}")).await?;
        }
        Ok(())
    }

    /// Until when cosignatures of this peer on heads that are not ours were looked at by an officer.
    pub(crate) async fn resumed_at(
        &self,
        session: &mut impl Session,
        peer: StateCode,
    ) -> Result<Option<Instant>, FlowError> {
        let kept = session.queries().setting(&resumed(peer)).await?;
        kept.map(|kept| serde_json::from_slice(&kept))
            .transpose()
            .map_err(|_| FlowError::Record { what: "when a peer was resumed" })
    }

    pub(crate) async fn oversee(
        &self,
        write: &mut Write,
        act: Oversight,
        by: OfficerId,
        reason: &str,
    ) -> Result<(), FlowError> {
        let at = self.now();
        let reason = write.put_object(reason.as_bytes(), at).await?;
        let subject = act.subject();
        let body = json(&OversightRecord { format: FORMAT.to_owned(), act, by, at, reason })?;
        let (salt, leaf) = self.append(write, OVERSIGHT_LABEL, &Digest::of(&body)).await?;
        Ok(write.add_oversight(&OversightRow { leaf, subject, body, salt: salt.to_vec() }).await?)
    }
}

pub(crate) async fn oversight(session: &mut impl Session) -> Result<Vec<OversightRecord>, FlowError> {
    let rows = session.queries().oversight().await?;
    rows.iter().map(read_record).collect()
}

fn read_record(row: &OversightRow) -> Result<OversightRecord, FlowError> {
    serde_json::from_slice(&row.body).map_err(|_| FlowError::Record { what: "an act of oversight" })
}

pub(crate) fn check_reason(reason: &str) -> Result<(), FlowError> {
    if reason.trim().is_empty() || reason.len() > exchange::MAX_TEXT_BYTES {
        return Err(FlowError::Text { found: reason.len() });
    }
    Ok(())
}

fn resumed(peer: StateCode) -> String {
    format!("resumed/{peer}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HandedBy, fixture::Pair};
    use treaty::Kind;
    use vocabulary::Failure as _;

    #[tokio::test]
    async fn nothing_goes_to_or_comes_from_a_peer_that_was_stopped_until_it_is_resumed() {
        let pair = Pair::new().await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        pair.approve(Kind::PRESERVATION, None).await;
        a.discharge_due().await.unwrap();
        let attempt = a.attempts_due().await.unwrap().remove(0);
        let bytes = a.envelope_bytes(attempt.envelope).await.unwrap();
        let receipt = b.take_in(&bytes, HandedBy::Peer(a.us())).await.unwrap();
        pair.approve(Kind::PRESERVATION, None).await;
        a.discharge_due().await.unwrap();
        let next = a.attempts_due().await.unwrap().pop().unwrap();

        b.halt(&pair.b.second, a.us(), "the ministry said so").await.unwrap();
        b.halt(&pair.b.second, a.us(), "twice is once").await.unwrap();
        let bytes_of_next = a.envelope_bytes(next.envelope).await.unwrap();
        for by in [HandedBy::Peer(a.us()), HandedBy::Answering(a.us()), HandedBy::Pouch] {
            assert_eq!(b.take_in(&bytes_of_next, by).await.unwrap_err().code(), "R-901");
        }
        assert_eq!(b.take_in(&bytes, HandedBy::Pouch).await.unwrap(), receipt, "a receipt stands for ever");

        a.halt(&pair.a.second, b.us(), "we wait too").await.unwrap();
        assert!(a.attempts_due().await.unwrap().is_empty());
        a.settle(attempt.envelope, &receipt).await.unwrap();
        a.resume(&pair.a.second, b.us(), "they answered", false).await.unwrap();
        b.resume(&pair.b.second, a.us(), "they answered", false).await.unwrap();
        pair.settle().await;
        assert!(a.halts().await.unwrap().is_empty() && b.halts().await.unwrap().is_empty());
        assert_eq!(b.oversight().await.unwrap().len(), 2);
        pair.audit().await;
    }

    #[tokio::test]
    async fn no_package_is_fetched_from_or_served_to_a_peer_that_was_stopped() {
        let pair = Pair::new().await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        let (file, package) = pair.sealed().await;
        let send = casefile::incoming::Command::SendEvidence { package };
        b.send_evidence(&b.authorize(&pair.b.first, send).await.unwrap(), file).await.unwrap();
        pair.settle().await;
        assert_eq!(a.discharge_due().await.unwrap().fetches.len(), 1);
        assert!(b.served(a.us(), package, "bagit.txt").await.unwrap().is_some());

        a.halt(&pair.a.second, b.us(), "we look first").await.unwrap();
        b.halt(&pair.b.second, a.us(), "we look first").await.unwrap();
        assert!(a.discharge_due().await.unwrap().fetches.is_empty());
        assert_eq!(a.fetch_plan(file, package).await.unwrap_err().code(), "R-901");
        assert_eq!(b.served(a.us(), package, "bagit.txt").await.unwrap_err().code(), "R-901");

        a.resume(&pair.a.second, b.us(), "all is well", false).await.unwrap();
        b.resume(&pair.b.second, a.us(), "all is well", false).await.unwrap();
        pair.clock.forward(std::time::Duration::from_secs(600));
        assert_eq!(a.discharge_due().await.unwrap().fetches.len(), 1);
        assert!(b.served(a.us(), package, "bagit.txt").await.unwrap().is_some());
        pair.audit().await;
    }

    #[tokio::test]
    async fn only_an_officer_who_oversees_stops_resumes_and_acknowledges_and_gives_a_reason() {
        let pair = Pair::new().await;
        let (flow, peer) = (&pair.b.flow, pair.a.flow.us());
        let clerk = crate::fixture::officer("a.clerk", &[mandate::Role::CaseOfficer]);
        let clerk = Credential { token: flow.add_officer(clerk.clone()).await.unwrap(), id: clerk.id };
        assert_eq!(flow.halt(&clerk, peer, "because").await.unwrap_err().code(), "R-151");
        assert_eq!(flow.resume(&clerk, peer, "because", true).await.unwrap_err().code(), "R-151");
        assert_eq!(flow.acknowledge(&clerk, "x", "because").await.unwrap_err().code(), "R-151");
        let second = &pair.b.second;
        assert_eq!(flow.halt(second, peer, "  ").await.unwrap_err().code(), "R-161");
        assert_eq!(flow.halt(second, "XQ".parse().unwrap(), "who").await.unwrap_err().code(), "R-159");
        assert_eq!(flow.resume(second, peer, "because", false).await.unwrap_err().code(), "R-902");
        assert_eq!(flow.acknowledge(second, "x", "because").await.unwrap_err().code(), "R-903");
        assert!(flow.halts().await.unwrap().is_empty() && flow.oversight().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_acknowledged_finding_says_who_looked_and_every_act_is_in_the_ledger() {
        let pair = Pair::new().await;
        let flow = &pair.b.flow;
        let report = FlowError::Record { what: "a test" }.report();
        let mut write = flow.store().write().await.unwrap();
        flow.find(&mut write, "x/1".to_owned(), Level::Warn, None, None, report).await.unwrap();
        write.commit().await.unwrap();
        flow.acknowledge(&pair.b.second, "x/1", "seen, harmless").await.unwrap();
        let found = flow.findings().await.unwrap().remove(0);
        let looked = found.acknowledged.unwrap();
        assert_eq!((found.id.as_str(), &looked.by), ("x/1", &pair.b.second.id));
        let mut write = flow.store().write().await.unwrap();
        let text = write.queries().object(looked.reason).await.unwrap();
        assert_eq!(text.as_deref(), Some(&b"seen, harmless"[..]));
        assert!(flow.audit().await.unwrap().troubles.is_empty());
        // An act that the ledger did not commit is found.
        let (leaf, subject) = (1_000, "XA".to_owned());
        let row = OversightRow { leaf, subject, body: b"{}".to_vec(), salt: vec![0; 32] };
        write.add_oversight(&row).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(flow.audit().await.unwrap().troubles.len(), 1);
    }
}
