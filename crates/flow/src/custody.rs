//! The chains of custody of a file go on: sent, delivered, opened, received, copied, disclosed, returned, destroyed.

use crate::{Credential, Flow, FlowError, Level, Performed, View, perform::json};
use casefile::{
    Casefile, Custody, CustodyCommand, Holding,
    incoming::{self, Incoming},
    outgoing::{self, Outgoing},
};
use custody::{Action, Chain, ChainBroken, CustodyRecord, End, Gap, Link, MAX_LINKS};
use evidence::Opened;
use mandate::Authorized;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use store::{Session, Write};
use vocabulary::{
    Digest, ExhibitId, Failure, Family, FileId, Instant, OfficeFunction, OfficeId, OfficerId, Report,
};

/// Where the evidence office does its work, when nobody says otherwise.
const OFFICE: &str = "evidence office";
/// Bytes that a statement needs beside its announcement.
const STATEMENT_ROOM: usize = 4 << 10;

/// What an officer says of one thing done with exhibits (ISO/IEC 27037, 6.1); never a person's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    pub exhibits: Vec<ExhibitId>,
    pub why: String,
    pub place: Option<String>,
    pub tool: Option<String>,
    pub digest_before: Option<Digest>,
    pub digest_after: Option<Digest>,
    pub alteration: Option<String>,
}

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

/// Everything that a file knows of the custody of its exhibits.
#[derive(Debug, Clone, Serialize)]
pub struct CustodyOfFile {
    pub file: FileId,
    pub chains: Vec<ExhibitChain>,
    pub gaps: Vec<GapRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destruction: Option<casefile::Destruction>,
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
        drop(read);
        if let View::Incoming(known) = &view {
            // An earlier version of this program kept only the beginning of each chain.
            for record in self.exhibit_records(known).await? {
                if known.custody.holding(record.exhibit).is_none() {
                    chains.push(shown(&record.custody, None));
                }
            }
        }
        Ok(CustodyOfFile {
            file,
            chains,
            gaps,
            destruction: known.destruction.clone(),
            addressees: known.addressees.clone(),
        })
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

    fn next_link(
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
        let file = known.file;
        let announcement = self.announcement(file, opened.label.package_id).await?;
        let delivered = self.verified_at(file).await?.unwrap_or_else(|| self.now());
        let record = CustodyRecord::read(&opened.custody);
        let (mut chains, mut gaps) = (Vec::new(), Vec::new());
        let mut trees: BTreeMap<ExhibitId, Vec<Digest>> = BTreeMap::new();
        for exhibit in &opened.exhibits {
            trees.entry(exhibit.label.exhibit_id).or_default().push(exhibit.tree_digest);
        }
        for (id, found) in trees {
            let Some(tree) = found.first().copied() else { continue };
            let act = said(self.opening(out), Some(tree));
            let chain = match known.custody.holding(id) {
                Some(held) => {
                    let mut read = self.store.read().await?;
                    let chain = chain_of(&mut read, held).await?;
                    self.continued(chain, officer.actor(), Action::Opened, &act, None, None)?
                }
                None => {
                    let sent = announcement.sent.iter().find(|link| link.exhibit == id);
                    let arrived = match &record {
                        Ok(_) if found.len() > 1 => Err(Gap::TwoExhibits { exhibit: id }),
                        Ok(record) => record.arrived(id, sent, self.evidence_office()),
                        Err(gap) => Err(gap.clone()),
                    };
                    let taken = match arrived {
                        Ok(chain) => self.taken_over(chain, officer.actor(), delivered, &act)?,
                        Err(gap) => Err(gap),
                    };
                    match taken {
                        Ok(chain) => chain,
                        Err(gap) => {
                            let links = record.as_ref().ok().and_then(|record| record.links(id).ok());
                            let links = links.unwrap_or_default().to_vec();
                            let report = gap.report();
                            let begun = self.begun_anew(id, officer.actor(), tree, &report, &act)?;
                            gaps.push(GapRecord { exhibit: id, report, links, sent: sent.cloned() });
                            begun
                        }
                    }
                }
            };
            chains.push(chain);
        }
        let mut write = self.store.write().await?;
        self.perform_in::<Outgoing>(&mut write, file, officer, &[]).await?;
        for gap in &gaps {
            self.note_gap(&mut write, known, officer, gap).await?;
        }
        if !chains.is_empty() {
            self.record_chains::<Outgoing>(&mut write, file, officer, chains).await?;
        }
        write.commit().await?;
        Ok(gaps.into_iter().map(|gap| gap.report).collect())
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
        tree: Digest,
        gap: &Report,
        act: &Act,
    ) -> Result<Chain, FlowError> {
        let why = format!("taken over with a gap in the chain before it: {}", gap.code);
        let begin = Act { digest_after: Some(tree), ..said(why, None) };
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

/// What an evidence office does with exhibits that it holds; each is an event, on either side.
impl Flow {
    /// Records one action on each exhibit named; for `returned` the package leaves its place too.
    pub async fn act(
        &self,
        credential: &Credential,
        file: FileId,
        action: Action,
        act: &Act,
    ) -> Result<CustodyOfFile, FlowError> {
        let view = self.view(file).await?;
        if action == Action::Returned && self.return_is_half_done(&view, file) {
            self.authenticate(credential).await?;
            self.hand_back(&view, file).await?;
            return self.custody(file).await;
        }
        let to =
            (action == Action::Returned).then(|| OfficeId::new(view.other(), OfficeFunction::EvidenceOffice));
        let mut chains = Vec::new();
        for exhibit in &act.exhibits {
            let chain = self.chain(file, *exhibit).await?;
            chains.push(self.continued(chain, &credential.id, action, act, to, None)?);
        }
        self.record_by(credential, &view, file, chains).await?;
        if action == Action::Returned {
            self.hand_back(&view, file).await?;
        }
        self.custody(file).await
    }

    /// Takes exhibits over from the road; `sent_back` is the chain that the other State signed, when it held them.
    pub async fn receive_exhibit(
        &self,
        credential: &Credential,
        file: FileId,
        act: &Act,
        sent_back: Option<&[u8]>,
    ) -> Result<CustodyOfFile, FlowError> {
        let view = self.view(file).await?;
        let mut chains = Vec::new();
        for exhibit in &act.exhibits {
            let ours = self.chain(file, *exhibit).await?;
            let chain = match sent_back {
                Some(signed) => self.signed_by_peer(&view, &ours, signed).await?,
                None => ours,
            };
            chains.push(self.continued(chain, &credential.id, Action::Received, act, None, None)?);
        }
        self.record_by(credential, &view, file, chains).await?;
        self.custody(file).await
    }

    /// A chain that the other State signed: it begins with every link that is known here.
    async fn signed_by_peer(&self, view: &View, ours: &Chain, signed: &[u8]) -> Result<Chain, FlowError> {
        let peer = self.peer(view.other()).await?;
        let verified = seal::verify_cms_attached(signed, peer.anchor(), self.now())
            .map_err(|error| FlowError::Evidence(error.report()))?;
        let refuse = |code: &str, message: String| FlowError::Evidence(chain_refused(code, message));
        let expected = OfficeId::new(view.other(), OfficeFunction::EvidenceOffice);
        if verified.signer() != expected {
            let message = format!("the chain is signed by `{}`, expected `{expected}`", verified.signer());
            return Err(refuse("P-570", message));
        }
        let links: Vec<Link> = serde_json::from_slice(verified.value())
            .map_err(|_| refuse("P-571", "the signed content is not a chain of custody".to_owned()))?;
        let theirs = Chain::verify(&links).map_err(|broken| FlowError::Evidence(broken.report()))?;
        if !theirs.extends(ours) {
            let message = "the chain that came does not begin with the links that were sent".to_owned();
            return Err(refuse("P-572", message));
        }
        Ok(theirs)
    }

    /// Records that a copy was made; the copy is an exhibit with an id and a chain of its own.
    pub async fn copy_exhibit(
        &self,
        credential: &Credential,
        file: FileId,
        exhibit: ExhibitId,
        act: &Act,
    ) -> Result<(ExhibitId, CustodyOfFile), FlowError> {
        let view = self.view(file).await?;
        let copy = ExhibitId::from_uuid(self.new_uuid()?);
        let original = self.chain(file, exhibit).await?;
        let content = act.digest_after.unwrap_or_else(|| original.content());
        // The original stays as it was: what changed, changed in the copy.
        let of_original = Act { digest_after: None, alteration: None, ..act.clone() };
        let original =
            self.continued(original, &credential.id, Action::Copied, &of_original, None, Some(copy))?;
        let of_copy = Act { digest_before: None, digest_after: Some(content), ..act.clone() };
        let link = self.next_link(None, copy, &credential.id, Action::Acquired, &of_copy)?;
        let copied = Chain::start(Link { related: Some(exhibit), ..link })
            .map_err(|fault| FlowError::Evidence(fault.report()))?;
        self.record_by(credential, &view, file, vec![original, copied]).await?;
        Ok((copy, self.custody(file).await?))
    }

    /// The first officer's half of a destruction.
    pub async fn propose_destruction(
        &self,
        credential: &Credential,
        file: FileId,
        act: &Act,
    ) -> Result<CustodyOfFile, FlowError> {
        let view = self.view(file).await?;
        let of_chain = Act { why: confirmed_words(&act.why, &credential.id), ..act.clone() };
        // What could not be a link is refused now and not when the second officer comes.
        for exhibit in &act.exhibits {
            let chain = self.chain(file, *exhibit).await?;
            self.continued(chain, &credential.id, Action::Destroyed, &of_chain, None, None)?;
        }
        let object = json(&of_chain)?;
        let why = Digest::of(&object);
        let command = CustodyCommand::ProposeDestruction { exhibits: act.exhibits.clone(), why };
        self.command_by(credential, &view, file, command, &[object]).await?;
        self.custody(file).await
    }

    /// The second officer's half: the chains end, and when nothing of the package is left its files are removed.
    pub async fn destroy(&self, credential: &Credential, file: FileId) -> Result<CustodyOfFile, FlowError> {
        let view = self.view(file).await?;
        let Some(proposed) = custody_of(&view).destruction.clone() else {
            if custody_of(&view).is_destroyed() {
                // The machine may have failed after the event and before the files were gone.
                self.authenticate(credential).await?;
                self.remove_package(&view, file)?;
                return self.custody(file).await;
            }
            let command = CustodyCommand::Destroy { chains: Vec::new() };
            self.command_by(credential, &view, file, command, &[]).await?;
            return self.custody(file).await;
        };
        let object = self.object(proposed.why, "a proposal to destroy").await?;
        let act: Act = serde_json::from_slice(&object)
            .map_err(|_| FlowError::Record { what: "a proposal to destroy" })?;
        let mut chains = Vec::new();
        for exhibit in &proposed.exhibits {
            let chain = self.chain(file, *exhibit).await?;
            chains.push(self.continued(chain, &credential.id, Action::Destroyed, &act, None, None)?);
        }
        let objects = objects(&chains);
        self.command_by(credential, &view, file, CustodyCommand::Destroy { chains }, &objects).await?;
        let after = self.view(file).await?;
        if custody_of(&after).is_destroyed() {
            self.remove_package(&after, file)?;
        }
        self.custody(file).await
    }

    async fn record_by(
        &self,
        credential: &Credential,
        view: &View,
        file: FileId,
        chains: Vec<Chain>,
    ) -> Result<(), FlowError> {
        let objects = objects(&chains);
        self.command_by(credential, view, file, CustodyCommand::Record { chains }, &objects).await
    }

    pub(crate) async fn command_by(
        &self,
        credential: &Credential,
        view: &View,
        file: FileId,
        command: CustodyCommand,
        objects: &[Vec<u8>],
    ) -> Result<(), FlowError> {
        match view {
            View::Incoming(_) => {
                let command = self.authorize::<incoming::Command>(credential, command.into()).await?;
                self.perform::<Incoming>(file, &command, objects).await.map(drop)
            }
            View::Outgoing(_) => {
                let command = self.authorize::<outgoing::Command>(credential, command.into()).await?;
                self.perform::<Outgoing>(file, &command, objects).await.map(drop)
            }
        }
    }

    /// Where the package of a file lies on this node.
    pub fn package_place(&self, view: &View, file: FileId) -> Option<PathBuf> {
        match view {
            View::Incoming(known) => {
                known.sealed.as_ref().map(|sealed| self.folder.sealed(file).join(sealed.package.to_string()))
            }
            View::Outgoing(known) => {
                known.evidence.as_ref().map(|evidence| self.folder.received(file, evidence.package))
            }
        }
    }

    /// The machine may have failed after the event and before the package was moved.
    fn return_is_half_done(&self, view: &View, file: FileId) -> bool {
        let known = custody_of(view);
        let returned = known.held.values().any(|held| held.last == Action::Returned);
        returned
            && known.is_empty_here()
            && self.package_place(view, file).is_some_and(|place| place.is_dir())
    }

    /// A package that was returned waits for its courier where nothing opens it any more.
    async fn hand_back(&self, view: &View, file: FileId) -> Result<(), FlowError> {
        let after = self.view(file).await?;
        let (Some(place), true) = (self.package_place(view, file), custody_of(&after).is_empty_here()) else {
            return Ok(());
        };
        let to = self.folder.returned(file);
        fs::create_dir_all(&to).map_err(|source| disk(&to, source))?;
        let Some(name) = place.file_name() else { return Ok(()) };
        match fs::rename(&place, to.join(name)) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(disk(&place, source)),
            _ => Ok(()),
        }
    }

    fn remove_package(&self, view: &View, file: FileId) -> Result<(), FlowError> {
        let arriving = match view {
            View::Outgoing(known) => {
                known.evidence.as_ref().map(|evidence| self.folder.arriving(file, evidence.package))
            }
            View::Incoming(_) => None,
        };
        let places = [self.package_place(view, file), arriving, Some(self.folder.returned(file))];
        for place in places.into_iter().flatten() {
            match fs::remove_dir_all(&place) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(disk(&place, source));
                }
                _ => {}
            }
        }
        Ok(())
    }
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
fn objects(chains: &[Chain]) -> Vec<Vec<u8>> {
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

fn confirmed_words(why: &str, first: &OfficerId) -> String {
    format!("{why} (proposed by {first})")
}

pub(crate) fn tool() -> String {
    concat!("rogatory ", env!("CARGO_PKG_VERSION")).to_owned()
}

fn disk(path: &Path, source: std::io::Error) -> FlowError {
    FlowError::Disk { path: path.display().to_string(), source }
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

fn chain_refused(code: &str, message: String) -> Report {
    Report {
        family: Family::PeerFault,
        code: code.to_owned(),
        message,
        clause: Some("spec/04-custody.md, 4.4".to_owned()),
        remedy: "keep the chain as it came, and ask the other State's evidence office to explain it"
            .to_owned(),
    }
}
