//! The chains of custody of a file go on: sent, delivered, opened, received, copied, disclosed, returned, destroyed.

use crate::{Act, Credential, Flow, FlowError, Level, Performed, View, perform::json};
use casefile::{
    Casefile, Custody, CustodyCommand, Holding,
    incoming::{self, Incoming},
    outgoing::{self, Outgoing},
};
use custody::{Action, Chain, ChainBroken, CustodyRecord, End, Gap, Link, MAX_LINKS};
use evidence::Opened;
use mandate::Authorized;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};
use store::{Session, Write};
use vocabulary::{
    Digest, ExhibitId, Failure, Family, FileId, Instant, OfficeFunction, OfficeId, OfficerId, Report,
};

/// Where the evidence office does its work, when nobody says otherwise.
const OFFICE: &str = "evidence office";
/// Bytes that a statement needs beside its announcement.
const STATEMENT_ROOM: usize = 4 << 10;

/// The chain of one exhibit as it is kept here.
#[derive(Debug, Clone, Serialize)]
pub struct ExhibitChain {
    pub exhibit: ExhibitId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<ExhibitId>,
    pub links: Vec<Link>,
    /// The digest of the newest link.
    pub head: Digest,
    /// Where the exhibit is; nothing when the chain does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// Why the chain does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<Report>,
}

/// A chain that came broken from the other State: what came, and the gap by its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GapRecord {
    pub exhibit: ExhibitId,
    pub report: Report,
    pub links: Vec<Link>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Link>,
}

/// A destruction that waits for a second officer, with the first one's words.
#[derive(Debug, Clone, Serialize)]
pub struct Proposal {
    pub by: OfficerId,
    /// By this digest the second officer names what was looked at.
    pub proposal: Digest,
    #[serde(flatten)]
    pub act: Act,
}

/// Everything that a file knows of the custody of its exhibits.
#[derive(Debug, Clone, Serialize)]
pub struct CustodyOfFile {
    pub file: FileId,
    pub chains: Vec<ExhibitChain>,
    pub gaps: Vec<GapRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destruction: Option<Proposal>,
    /// Certificates to which the package was wrapped after it was sealed.
    pub addressees: Vec<Digest>,
}

impl CustodyOfFile {
    /// True when no chain has a gap.
    pub fn is_unbroken(&self) -> bool {
        self.gaps.is_empty() && self.chains.iter().all(|chain| chain.gap.is_none())
    }
}

/// `held by XA/evidence-office` and the like.
pub fn end_in_words(end: End) -> String {
    match end {
        End::Held(office) => format!("held by {office}"),
        End::OnItsWay { from, to } => format!("on its way from {from} to {to}"),
        End::Destroyed { by } => format!("destroyed by {by}"),
    }
}

impl Flow {
    /// The chains of a file, as anybody can check them again.
    pub async fn custody(&self, file: FileId) -> Result<CustodyOfFile, FlowError> {
        let view = self.view(file).await?;
        let known = custody_of(&view);
        let mut chains = Vec::new();
        let mut read = self.store.read().await?;
        for held in known.held.values() {
            chains.push(exhibit_chain(held, links_of(&mut read, held).await));
        }
        let mut gaps = Vec::new();
        for gap in &known.gaps {
            let object = read.queries().object(gap.received).await?;
            let object =
                object.ok_or_else(|| FlowError::ObjectGone { what: "a chain as it came".to_owned() })?;
            gaps.push(serde_json::from_slice(&object).map_err(|_| FlowError::Record { what: "a gap" })?);
        }
        let destruction = match &known.destruction {
            Some(proposed) => Some(proposal(&mut read, proposed).await?),
            None => None,
        };
        drop(read);
        if let View::Incoming(known) = &view {
            // An earlier version of this program kept only the beginning of each chain.
            for record in self.exhibit_records(known).await? {
                if known.custody.holding(record.exhibit).is_none() {
                    chains.push(shown(&record.custody, None));
                }
            }
        }
        Ok(CustodyOfFile { file, chains, gaps, destruction, addressees: known.addressees.clone() })
    }

    /// The chain of one exhibit of a file, which must hold.
    pub async fn chain(&self, file: FileId, exhibit: ExhibitId) -> Result<Chain, FlowError> {
        let view = self.view(file).await?;
        let mut read = self.store.read().await?;
        let Some(held) = custody_of(&view).holding(exhibit) else {
            drop(read);
            return self.first_chain(&view, exhibit).await;
        };
        chain_of(&mut read, held).await
    }

    async fn first_chain(&self, view: &View, exhibit: ExhibitId) -> Result<Chain, FlowError> {
        if let View::Incoming(known) = view {
            let records = self.exhibit_records(known).await?;
            if let Some(record) = records.into_iter().find(|record| record.exhibit == exhibit) {
                return Ok(record.custody);
            }
        }
        Err(FlowError::Evidence(unknown_exhibit(exhibit)))
    }

    /// The chain of one exhibit, signed by our evidence office, for an office that shall go on with it.
    pub async fn signed_chain(
        &self,
        credential: &Credential,
        file: FileId,
        exhibit: ExhibitId,
    ) -> Result<Vec<u8>, FlowError> {
        let proof = CustodyCommand::Record { chains: Vec::new() };
        match self.view(file).await? {
            View::Incoming(_) => drop(self.authorize::<incoming::Command>(credential, proof.into()).await?),
            View::Outgoing(_) => drop(self.authorize::<outgoing::Command>(credential, proof.into()).await?),
        }
        let chain = json(&self.chain(file, exhibit).await?)?;
        let key = self.keys.office(OfficeFunction::EvidenceOffice)?;
        Ok(seal::sign_cms(&chain, true, key.signing(), key.certificate(), self.now())?)
    }

    /// A command and the links that it brings, in one transaction.
    pub(crate) async fn perform_with_chains<C>(
        &self,
        file: FileId,
        command: &Authorized<C::Command>,
        objects: &[Vec<u8>],
        chains: Vec<Chain>,
    ) -> Result<Performed<C>, FlowError>
    where
        C: Casefile,
        C::Command: From<CustodyCommand>,
    {
        let mut write = self.store.write().await?;
        self.perform_in::<C>(&mut write, file, command, objects).await?;
        let performed = self.record_chains::<C>(&mut write, file, command, chains).await?;
        write.commit().await?;
        Ok(performed)
    }

    /// Records the new links at the ends of `chains` as an act of the actor of `officer`.
    pub(crate) async fn record_chains<C>(
        &self,
        write: &mut Write,
        file: FileId,
        officer: &Authorized<C::Command>,
        chains: Vec<Chain>,
    ) -> Result<Performed<C>, FlowError>
    where
        C: Casefile,
        C::Command: From<CustodyCommand>,
    {
        let objects = objects(&chains);
        let command = officer.clone().with(CustodyCommand::Record { chains }.into())?;
        self.perform_in::<C>(write, file, &command, &objects).await
    }

    /// `chain` with one more link of our evidence office, given now.
    pub(crate) fn continued(
        &self,
        mut chain: Chain,
        officer: &OfficerId,
        action: Action,
        act: &Act,
        to: Option<OfficeId>,
        related: Option<ExhibitId>,
    ) -> Result<Chain, FlowError> {
        let link = self.next_link(Some(&chain), chain.exhibit(), officer, action, act)?;
        chain.append(Link { to, related, ..link }).map_err(|fault| FlowError::Evidence(fault.report()))?;
        Ok(chain)
    }

    pub(crate) fn next_link(
        &self,
        before: Option<&Chain>,
        exhibit: ExhibitId,
        officer: &OfficerId,
        action: Action,
        act: &Act,
    ) -> Result<Link, FlowError> {
        Ok(Link {
            exhibit,
            sequence: before.map_or(0, Chain::next_sequence),
            action,
            office: self.evidence_office(),
            officer: officer.clone(),
            at: self.now(),
            zone: self.zone_name()?,
            place: act.place.clone().unwrap_or_else(|| OFFICE.to_owned()),
            why: act.why.clone(),
            tool: act.tool.clone().unwrap_or_else(tool),
            to: None,
            related: None,
            digest_before: act.digest_before,
            digest_after: act.digest_after,
            alteration: act.alteration.clone(),
            previous: before.map(Chain::head),
        })
    }

    /// The requested State's chains as they are now, one for each exhibit taken in.
    pub(crate) async fn chains_now(&self, file: &Incoming) -> Result<Vec<Chain>, FlowError> {
        let records = self.exhibit_records(file).await?;
        let mut read = self.store.read().await?;
        let mut chains = Vec::with_capacity(records.len());
        for record in records {
            chains.push(match file.custody.holding(record.exhibit) {
                Some(held) => chain_of(&mut read, held).await?,
                None => record.custody,
            });
        }
        Ok(chains)
    }

    /// Announces the sealed package: each exhibit is on its way from here on.
    pub async fn send_evidence(
        &self,
        officer: &Authorized<incoming::Command>,
        file: FileId,
    ) -> Result<Performed<Incoming>, FlowError> {
        let known = self.incoming(file).await?;
        // The refusal of the command itself comes before any about a link.
        Incoming::decide(Some(&known), officer, self.now())?;
        let to = OfficeId::new(known.from, OfficeFunction::EvidenceOffice);
        let act = said("sent to the requesting State", None);
        let mut chains = Vec::new();
        for chain in self.chains_now(&known).await? {
            chains.push(self.continued(chain, officer.actor(), Action::Sent, &act, Some(to), None)?);
        }
        self.perform_with_chains::<Incoming>(file, officer, &[], chains).await
    }

    /// The `sent` links that travel in the announcement; none when the statement has no room for all of them,
    /// and then the other State names the gap.
    pub(crate) async fn sent_links(&self, file: &Incoming, taken: usize) -> Result<Vec<Link>, FlowError> {
        let chains = self.chains_now(file).await?;
        let sent = |chain: &Chain| chain.links().iter().rfind(|link| link.action == Action::Sent).cloned();
        let links: Vec<Link> = chains.iter().filter_map(sent).collect();
        let needed = taken.saturating_add(json(&links)?.len()).saturating_add(STATEMENT_ROOM);
        if needed > seal::MAX_STATEMENT_BYTES {
            tracing::warn!(exhibits = links.len(), "the announcement has no room for links of custody");
            return Ok(Vec::new());
        }
        Ok(links)
    }

    /// Records that a package was opened and the links of that; gaps are named in the file and returned.
    pub(crate) async fn record_opening(
        &self,
        officer: &Authorized<outgoing::Command>,
        known: &Outgoing,
        opened: &Opened,
        out: &Path,
    ) -> Result<Vec<Report>, FlowError> {
        let arrival = Arrival {
            record: CustodyRecord::read(&opened.custody),
            sent: self.announcement(known.file, opened.label.package_id).await?.sent,
            delivered: self.verified_at(known.file).await?.unwrap_or_else(|| self.now()),
        };
        let (mut chains, mut gaps) = (Vec::new(), Vec::new());
        for (exhibit, trees) in trees(opened) {
            let act = said(self.opening(out), trees.first().copied());
            match known.custody.holding(exhibit) {
                Some(held) => {
                    let mut read = self.store.read().await?;
                    let chain = chain_of(&mut read, held).await?;
                    chains.push(self.continued(chain, officer.actor(), Action::Opened, &act, None, None)?);
                }
                None => {
                    let single = trees.len() == 1;
                    let (chain, gap) = self.first_opened(exhibit, single, officer.actor(), &arrival, &act)?;
                    chains.push(chain);
                    gaps.extend(gap);
                }
            }
        }
        let mut write = self.store.write().await?;
        self.perform_in::<Outgoing>(&mut write, known.file, officer, &[]).await?;
        for gap in &gaps {
            self.note_gap(&mut write, known, officer, gap).await?;
        }
        if !chains.is_empty() {
            self.record_chains::<Outgoing>(&mut write, known.file, officer, chains).await?;
        }
        write.commit().await?;
        Ok(gaps.into_iter().map(|gap| gap.report).collect())
    }

    /// The sender's chain with our links at its end; or, after a gap, one that begins here, and the gap.
    fn first_opened(
        &self,
        exhibit: ExhibitId,
        single: bool,
        officer: &OfficerId,
        arrival: &Arrival,
        act: &Act,
    ) -> Result<(Chain, Option<GapRecord>), FlowError> {
        let sent = arrival.sent.iter().find(|link| link.exhibit == exhibit);
        let arrived = match &arrival.record {
            Ok(_) if !single => Err(Gap::TwoExhibits { exhibit }),
            Ok(record) => record.arrived(exhibit, sent, self.evidence_office()),
            Err(gap) => Err(gap.clone()),
        };
        let taken = match arrived {
            Ok(chain) => self.taken_over(chain, officer, arrival.delivered, act)?,
            Err(gap) => Err(gap),
        };
        let report = match taken {
            Ok(chain) => return Ok((chain, None)),
            Err(gap) => gap.report(),
        };
        let links = arrival.record.as_ref().ok().and_then(|record| record.links(exhibit).ok());
        let links = links.unwrap_or_default().to_vec();
        let chain = self.begun_anew(exhibit, officer, &report, act)?;
        Ok((chain, Some(GapRecord { exhibit, report, links, sent: sent.cloned() })))
    }

    /// Delivered when the package was verified here, opened now.
    fn taken_over(
        &self,
        mut chain: Chain,
        officer: &OfficerId,
        delivered: Instant,
        act: &Act,
    ) -> Result<Result<Chain, Gap>, FlowError> {
        let arrival = said("every part arrived and every layer of the package was verified", None);
        let machine = OfficerId::system();
        let steps =
            [(Action::Delivered, &machine, delivered, &arrival), (Action::Opened, officer, self.now(), act)];
        for (action, officer, at, act) in steps {
            let link = self.next_link(Some(&chain), chain.exhibit(), officer, action, act)?;
            if let Err(fault) = chain.append(Link { at, ..link }) {
                return Ok(Err(Gap::at_our_link(&chain, fault)));
            }
        }
        Ok(Ok(chain))
    }

    /// After a gap our own chain begins with what was found in the package.
    fn begun_anew(
        &self,
        exhibit: ExhibitId,
        officer: &OfficerId,
        gap: &Report,
        act: &Act,
    ) -> Result<Chain, FlowError> {
        let why = format!("taken over with a gap in the chain before it: {}", gap.code);
        let begin = Act { digest_after: act.digest_after, ..said(why, None) };
        let link = self.next_link(None, exhibit, officer, Action::Acquired, &begin)?;
        let chain = Chain::start(link).map_err(|fault| FlowError::Evidence(fault.report()))?;
        self.continued(chain, officer, Action::Opened, act, None, None)
    }

    async fn note_gap(
        &self,
        write: &mut Write,
        known: &Outgoing,
        officer: &Authorized<outgoing::Command>,
        gap: &GapRecord,
    ) -> Result<(), FlowError> {
        let object = json(gap)?;
        let command = CustodyCommand::NoteGap {
            exhibit: gap.exhibit,
            code: gap.report.code.clone(),
            received: Digest::of(&object),
        };
        let command = officer.clone().with(command.into())?;
        self.perform_in::<Outgoing>(write, known.file, &command, &[object]).await?;
        let id = format!("custody-gap/{}/{}", known.file, gap.exhibit);
        self.find(write, id, Level::Fail, Some(known.file), Some(known.to), gap.report.clone()).await?;
        Ok(())
    }

    fn opening(&self, out: &Path) -> &'static str {
        if out.starts_with(self.folder.path()) {
            "opened for examination into a new folder of the node"
        } else {
            "opened for examination into a new folder outside the node"
        }
    }

    /// When the package of a file was verified here.
    async fn verified_at(&self, file: FileId) -> Result<Option<Instant>, FlowError> {
        let rows = {
            let mut read = self.store.read().await?;
            read.queries().events(file).await?
        };
        for row in rows {
            let event: casefile::Recorded<outgoing::Event> =
                casefile::Recorded::from_bytes(&row.body, row.sequence)?;
            if matches!(event.body, casefile::Body::Legal(outgoing::Event::EvidenceVerified { .. })) {
                return Ok(Some(event.at));
            }
        }
        Ok(None)
    }
}

/// What came with a package and its announcement.
struct Arrival {
    record: Result<CustodyRecord, Gap>,
    sent: Vec<Link>,
    /// When the package was verified here.
    delivered: Instant,
}

async fn proposal(
    session: &mut impl Session,
    proposed: &casefile::Destruction,
) -> Result<Proposal, FlowError> {
    let object = session.queries().object(proposed.why).await?;
    let object = object.ok_or_else(|| FlowError::ObjectGone { what: "a proposal to destroy".to_owned() })?;
    let act =
        serde_json::from_slice(&object).map_err(|_| FlowError::Record { what: "a proposal to destroy" })?;
    Ok(Proposal { by: proposed.by.clone(), proposal: proposed.why, act })
}

/// The digests of what lies in a package under each exhibit's id; a hostile label can name one id twice.
fn trees(opened: &Opened) -> BTreeMap<ExhibitId, Vec<Digest>> {
    let mut trees: BTreeMap<ExhibitId, Vec<Digest>> = BTreeMap::new();
    for exhibit in &opened.exhibits {
        trees.entry(exhibit.label.exhibit_id).or_default().push(exhibit.tree_digest);
    }
    trees
}

pub(crate) fn custody_of(view: &View) -> &Custody {
    match view {
        View::Incoming(known) => &known.custody,
        View::Outgoing(known) => &known.custody,
    }
}

/// The chain of an exhibit from its links, which are kept one by one.
pub(crate) async fn chain_of(session: &mut impl Session, held: &Holding) -> Result<Chain, FlowError> {
    let links = links_of(session, held).await?;
    Chain::verify(&links).map_err(|broken| FlowError::Evidence(broken.report()))
}

async fn links_of(session: &mut impl Session, held: &Holding) -> Result<Vec<Link>, FlowError> {
    let mut links = Vec::new();
    let mut next = Some(held.head);
    while let Some(digest) = next.filter(|_| links.len() <= MAX_LINKS) {
        let gone = || FlowError::ObjectGone { what: format!("link {digest} of exhibit {}", held.exhibit) };
        let object = session.queries().object(digest).await?.ok_or_else(gone)?;
        let link: Link =
            serde_json::from_slice(&object).map_err(|_| FlowError::Record { what: "a link of custody" })?;
        next = link.previous;
        links.push(link);
    }
    links.reverse();
    Ok(links)
}

fn exhibit_chain(held: &Holding, links: Result<Vec<Link>, FlowError>) -> ExhibitChain {
    let broken = |links: Vec<Link>, gap: Report| ExhibitChain {
        exhibit: held.exhibit,
        copy_of: held.copy_of,
        links,
        head: held.head,
        ends: None,
        gap: Some(gap),
    };
    match links {
        Err(error) => broken(Vec::new(), error.report()),
        Ok(links) => match Chain::verify(&links) {
            Ok(chain) if chain.exhibit() == held.exhibit => shown(&chain, held.copy_of),
            Ok(_) => broken(links, FlowError::Record { what: "a chain of another exhibit" }.report()),
            Err(gap) => broken(links, ChainBroken::report(&gap)),
        },
    }
}

fn shown(chain: &Chain, copy_of: Option<ExhibitId>) -> ExhibitChain {
    ExhibitChain {
        exhibit: chain.exhibit(),
        copy_of,
        links: chain.links().to_vec(),
        head: chain.head(),
        ends: Some(end_in_words(chain.ends_at())),
        gap: None,
    }
}

/// Every link as the object under its own digest; one that is there already stays.
pub(crate) fn objects(chains: &[Chain]) -> Vec<Vec<u8>> {
    chains.iter().flat_map(|chain| chain.links()).map(Link::canonical).collect()
}

pub(crate) fn said(why: impl Into<String>, content: Option<Digest>) -> Act {
    Act {
        exhibits: Vec::new(),
        why: why.into(),
        place: None,
        tool: None,
        digest_before: content,
        digest_after: content,
        alteration: None,
    }
}

pub(crate) fn tool() -> String {
    concat!("rogatory ", env!("CARGO_PKG_VERSION")).to_owned()
}

fn unknown_exhibit(exhibit: ExhibitId) -> Report {
    Report {
        family: Family::Refusal,
        code: "R-571".to_owned(),
        message: format!("no chain of exhibit `{exhibit}` is known in this file"),
        clause: Some("spec/04-custody.md".to_owned()),
        remedy: "check the id with `rogatory custody show FILE`; a received chain is known once the package is opened"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Pair;

    async fn actions(flow: &Flow, file: FileId) -> Vec<Action> {
        let known = flow.custody(file).await.unwrap();
        known.chains[0].links.iter().map(|link| link.action).collect()
    }

    #[tokio::test]
    async fn the_receiver_goes_on_with_the_chain_of_the_sender() {
        let pair = Pair::new().await;
        let (file, package) = pair.sealed().await;
        pair.sent(file, package, true).await;
        let verified = pair.a.flow.now();
        pair.clock.forward(crate::fixture::DAY);
        assert!(pair.open(file, "opened").await.unwrap().gaps.is_empty());
        use Action::{Acquired, Delivered, Opened, Sealed, Sent};
        assert_eq!(actions(&pair.b.flow, file).await, [Acquired, Sealed, Sent]);
        assert_eq!(actions(&pair.a.flow, file).await, [Acquired, Sealed, Sent, Delivered, Opened]);
        let known = pair.a.flow.custody(file).await.unwrap();
        let links = &known.chains[0].links;
        assert_eq!(links[3].at, verified, "delivered when the package was verified");
        assert!(links[3].officer.is_system() && links[4].officer == pair.a.first.id);
        assert_eq!(links[4].digest_before, links[0].digest_after);
        pair.open(file, "again").await.unwrap();
        assert_eq!(actions(&pair.a.flow, file).await[4..], [Opened, Opened]);
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_gap_is_named_and_does_not_stop_the_examiner() {
        let pair = Pair::new().await;
        let (file, package) = pair.sealed().await;
        pair.sent(file, package, false).await;
        let opened = pair.open(file, "opened").await.unwrap();
        assert_eq!(opened.gaps[0].code, "P-554");
        assert!(opened.folder.join("data/case/mailbox").is_file());
        let known = pair.a.flow.custody(file).await.unwrap();
        assert!(!known.is_unbroken());
        assert_eq!((known.gaps[0].report.code.as_str(), known.gaps[0].links.len()), ("P-554", 2));
        assert_eq!(actions(&pair.a.flow, file).await, [Action::Acquired, Action::Opened]);
        assert!(known.chains[0].links[0].why.ends_with("P-554"), "our own chain says why it begins here");
        let findings = pair.a.flow.findings().await.unwrap();
        assert!(findings.iter().any(|found| found.report.code == "P-554" && found.file == Some(file)));
        assert!(pair.open(file, "again").await.unwrap().gaps.is_empty(), "the gap is noted once");
        assert!(!pair.a.flow.custody(file).await.unwrap().is_unbroken(), "and stays");
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_makes_a_gap_and_no_false_time() {
        let pair = Pair::new().await;
        let (file, package) = pair.sealed().await;
        pair.sent(file, package, true).await;
        pair.clock.set(pair.a.flow.now().minus(crate::fixture::DAY));
        let opened = pair.open(file, "opened").await.unwrap();
        assert_eq!(opened.gaps[0].code, "P-263");
    }

    #[tokio::test]
    async fn a_link_that_is_gone_from_the_store_or_changed_in_it_is_found() {
        let pair = Pair::new().await;
        let (file, package) = pair.sealed().await;
        pair.sent(file, package, true).await;
        let known = pair.b.flow.incoming(file).await.unwrap();
        let held = known.custody.held.values().next().unwrap().clone();
        let mut read = pair.b.flow.store.read().await.unwrap();
        let stale = Holding { head: Digest::of(b"nothing"), ..held.clone() };
        assert_eq!(chain_of(&mut read, &stale).await.unwrap_err().code(), "F-401");
        let shown = exhibit_chain(&stale, links_of(&mut read, &stale).await);
        assert!(shown.ends.is_none() && shown.gap.is_some());
        let mut links = links_of(&mut read, &held).await.unwrap();
        links.remove(1);
        assert_eq!(exhibit_chain(&held, Ok(links)).gap.unwrap().code, "P-261");
    }

    #[tokio::test]
    async fn whatever_a_peer_does_to_a_chain_is_a_gap_with_its_own_name() {
        let pair = Pair::new().await;
        let (file, package) = pair.sealed().await;
        pair.sent(file, package, true).await;
        let a = &pair.a;
        let sent = a.flow.announcement(file, package).await.unwrap().sent;
        let sealed = pair.b.flow.custody(file).await.unwrap().chains.remove(0);
        let (exhibit, links) = (sealed.exhibit, &sealed.links[..2]);
        let content = links[0].digest_after.unwrap();
        let try_it = |chains: &[&[Link]], sent: &[Link], single: bool, content: Digest| {
            let record = CustodyRecord::read(&json(&chains).unwrap());
            let arrival = Arrival { record, sent: sent.to_vec(), delivered: a.flow.now() };
            let act = said("opened", Some(content));
            let (chain, gap) = a.flow.first_opened(exhibit, single, &a.first.id, &arrival, &act).unwrap();
            (chain.next_sequence(), gap.map(|gap| (gap.report.code, gap.links.len())))
        };
        let gap = |code: &str, kept| (2, Some((code.to_owned(), kept)));
        assert_eq!(try_it(&[links], &sent, true, content), (5, None));
        assert_eq!(try_it(&[&links[1..]], &sent, true, content), gap("P-270", 1));
        assert_eq!(try_it(&[&links[..1]], &sent, true, content), gap("P-553", 1));
        assert_eq!(try_it(&[], &sent, true, content), gap("P-551", 0));
        assert_eq!(try_it(&[&[]], &sent, true, content), gap("P-550", 0));
        assert_eq!(try_it(&[links, links], &sent, true, content), gap("P-552", 0));
        assert_eq!(try_it(&[links], &sent, false, content), gap("P-556", 2));
        assert_eq!(try_it(&[links], &[], true, content), gap("P-554", 2));
        let other = Link { previous: Some(content), ..sent[0].clone() };
        assert_eq!(try_it(&[links], &[other], true, content), gap("P-262", 2));
        let changed = Digest::of(b"other content");
        assert_eq!(try_it(&[links], &sent, true, changed), gap("P-264", 2));
    }
}
