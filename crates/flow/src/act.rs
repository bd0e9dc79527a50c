//! What an evidence office does with exhibits that it holds: each is an event and a link, on either side.

use crate::{
    Credential, CustodyOfFile, Flow, FlowError, View,
    custody::{custody_of, objects},
    package::sync_folder,
    perform::json,
};
use casefile::{
    CustodyCommand,
    incoming::{self, Incoming},
    outgoing::{self, Outgoing},
};
use custody::{Action, Chain, Link};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};
use vocabulary::{Digest, ExhibitId, Failure, Family, FileId, OfficeFunction, OfficeId, OfficerId, Report};

/// How long an act waits for another one of the same file.
const LOCK_PAUSES: [Duration; 4] = [
    Duration::from_millis(1),
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_millis(500),
];

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
    ///
    /// `seen` is the proposal that the officer looked at; another one is refused.
    pub async fn destroy(
        &self,
        credential: &Credential,
        file: FileId,
        seen: Option<Digest>,
    ) -> Result<CustodyOfFile, FlowError> {
        let view = self.view(file).await?;
        let Some(proposed) = custody_of(&view).destruction.clone() else {
            if custody_of(&view).is_destroyed() {
                // The machine may have failed after the event and before the files were gone.
                self.authenticate(credential).await?;
                self.remove_package(&view, file)?;
                return self.custody(file).await;
            }
            let command = CustodyCommand::Destroy { chains: Vec::new(), why: Digest::of(b"") };
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
        let command = CustodyCommand::Destroy { chains, why: seen.unwrap_or(proposed.why) };
        self.command_by(credential, &view, file, command, &objects).await?;
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
                let _alone = self.evidence_try_lock(file)?;
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
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(disk(&place, source)),
            Ok(()) => [Some(to.as_path()), place.parent()].into_iter().flatten().try_for_each(sync_folder),
        }
    }

    /// Durably, and with what a seal that was interrupted left: its journal and its parts.
    fn remove_package(&self, view: &View, file: FileId) -> Result<(), FlowError> {
        let places = match view {
            View::Outgoing(known) => {
                let Some(package) = known.evidence.as_ref().map(|evidence| evidence.package) else {
                    return Ok(());
                };
                vec![self.folder.received(file, package), self.folder.arriving(file, package)]
            }
            View::Incoming(_) => {
                let _alone = self.evidence_try_lock(file)?;
                let journal = self.folder.seal_journal(file);
                evidence::forget(&journal).map_err(|source| disk(&journal, source))?;
                // Names and digests of files are content too.
                vec![self.folder.sealed(file), self.folder.exhibit_lists(file)]
            }
        };
        for place in places.into_iter().chain([self.folder.returned(file)]) {
            remove_durably(&place)?;
        }
        Ok(())
    }

    /// Refuses while the exhibits of a file are taken in or sealed: the chains that go into the package stay as they are.
    fn evidence_try_lock(&self, file: FileId) -> Result<fs::File, FlowError> {
        let (path, lock) = self.evidence_lock_file(file)?;
        // Another act holds it for a moment only.
        for pause in LOCK_PAUSES {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) => std::thread::sleep(pause),
                Err(TryLockError::Error(source)) => return Err(disk(&path, source)),
            }
        }
        Err(FlowError::Evidence(being_sealed()))
    }
}

fn remove_durably(place: &Path) -> Result<(), FlowError> {
    match fs::remove_dir_all(place) {
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(disk(place, source)),
        Ok(()) => place.parent().map_or(Ok(()), sync_folder),
    }
}

fn confirmed_words(why: &str, first: &OfficerId) -> String {
    format!("{why} (proposed by {first})")
}

fn disk(path: &Path, source: std::io::Error) -> FlowError {
    FlowError::Disk { path: path.display().to_string(), source }
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

fn being_sealed() -> Report {
    Report {
        family: Family::Refusal,
        code: "R-576".to_owned(),
        message: "exhibits of this file are being taken in or sealed at this moment".to_owned(),
        clause: Some("spec/04-custody.md, 4.7".to_owned()),
        remedy: "give the command again when that has ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{custody::said, fixture::Pair};

    #[tokio::test]
    async fn a_package_that_was_returned_is_not_opened_and_a_half_done_return_is_finished() {
        let pair = Pair::new().await;
        let (file, package) = pair.sealed().await;
        pair.sent(file, package, true).await;
        pair.open(file, "opened").await.unwrap();
        let a = &pair.a;
        let exhibits = vec![a.flow.custody(file).await.unwrap().chains[0].exhibit];
        let act = Act { exhibits, ..said("the trial has ended", None) };
        a.flow.act(&a.first, file, Action::Returned, &act).await.unwrap();
        assert_eq!(pair.open(file, "again").await.unwrap_err().code(), "R-570");
        let (place, waits) = (
            a.flow.folder().received(file, package),
            a.flow.folder().returned(file).join(package.to_string()),
        );
        assert!(waits.is_dir() && !place.exists());
        fs::rename(&waits, &place).unwrap();
        a.flow.act(&a.first, file, Action::Returned, &act).await.unwrap();
        assert!(waits.is_dir() && !place.exists());
        pair.audit().await;
    }

    #[tokio::test]
    async fn files_left_by_a_failure_after_the_destruction_are_removed_by_the_next_attempt() {
        let pair = Pair::new().await;
        let (file, package) = pair.sealed().await;
        let b = &pair.b;
        let exhibits = vec![b.flow.custody(file).await.unwrap().chains[0].exhibit];
        let act = Act { exhibits, ..said("retention ended", None) };
        b.flow.propose_destruction(&b.first, file, &act).await.unwrap();
        b.flow.destroy(&b.second, file, None).await.unwrap();
        let place = b.flow.folder().sealed(file).join(package.to_string());
        assert!(!place.exists());
        fs::create_dir_all(&place).unwrap();
        b.flow.destroy(&b.second, file, None).await.unwrap();
        assert!(!place.exists());
        let command = incoming::Command::SendEvidence { package };
        let command = b.flow.authorize(&b.first, command).await.unwrap();
        let late = b.flow.send_evidence(&command, file).await.unwrap_err();
        assert_eq!(late.report().code, "R-269");
        pair.audit().await;
    }

    #[tokio::test]
    async fn no_name_of_a_file_outlives_the_destruction() {
        let pair = Pair::new().await;
        let (file, _) = pair.sealed().await;
        let b = &pair.b;
        let exhibits = vec![b.flow.custody(file).await.unwrap().chains[0].exhibit];
        let list = b.flow.folder().exhibit_list(file, exhibits[0]);
        assert!(fs::read_to_string(&list).unwrap().contains("mailbox"));
        let act = Act { exhibits, ..said("retention ended", None) };
        b.flow.propose_destruction(&b.first, file, &act).await.unwrap();
        b.flow.destroy(&b.second, file, None).await.unwrap();
        assert!(!list.exists(), "the list of names and digests is still there");
        assert!(!b.flow.folder().sealed(file).exists());
        pair.audit().await;
    }

    // A connection goes back to its pool on another thread than the one that seals.
    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_recorded_of_exhibits_while_they_are_being_sealed() {
        let pair = Pair::new().await;
        let file = pair.taken().await;
        let b = &pair.b;
        let exhibits = vec![b.flow.custody(file).await.unwrap().chains[0].exhibit];
        let act = Act { exhibits, ..said("to the prosecutor", None) };
        let (mut asked, mut found) = (false, None);
        let watch = &mut |_| {
            if !std::mem::replace(&mut asked, true) {
                let act = || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(b.flow.act(&b.first, file, Action::Disclosed, &act)).map(drop)
                };
                found = Some(std::thread::scope(|scope| scope.spawn(act).join().unwrap()));
            }
            std::ops::ControlFlow::Continue(())
        };
        pair.seal(file, watch).await;
        assert_eq!(found.unwrap().unwrap_err().report().code, "R-576");
        b.flow.act(&b.first, file, Action::Disclosed, &act).await.unwrap();
        pair.audit().await;
    }
}
