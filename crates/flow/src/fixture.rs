//! Two States without sockets for the tests of this crate: a clock that is moved by hand, and a pouch between them.

use crate::{
    Clock, Credential, Enrolled, Flow, FlowError, HandedBy, NewExhibit, NewOfficer, NodeFolder, SealOptions,
};
use casefile::{
    incoming::{self, Incoming, Proposal},
    outgoing,
};
use keys::{KeyRole, Names, NodeKeys};
use mandate::Role;
use register::{Declarations, Descriptor, OfficeEntry, RetiredKey};
use std::{
    fs,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use store::Store;
use tempfile::TempDir;
use treaty::{Draft, Kind, RequestedProfile, WindowForm};
use vocabulary::{Digest, ExhibitId, FileId, Instant, OfficeFunction, OfficerId, PackageId, StateCode};

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BEGIN: &str = "2026-11-24T06:00:00Z";

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn set(&self, to: Instant) {
        self.0.store(to.micros(), Ordering::SeqCst);
    }

    pub(crate) fn forward(&self, span: Duration) {
        self.set(self.now().plus(span));
    }
}

impl Clock for HandClock {
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// One State and its officers.
pub(crate) struct Side {
    pub(crate) flow: Flow,
    pub(crate) first: Credential,
    pub(crate) second: Credential,
    _folder: TempDir,
}

impl Side {
    /// The process starts again with a new key; what the old one signs is to be believed until `until`.
    pub(crate) fn rotate(&mut self, role: KeyRole, until: Instant) {
        let flow = &self.flow;
        flow.keys().rotate(role, &names(flow.us()), flow.now(), until).unwrap();
        self.flow = Flow::new(
            flow.store().clone(),
            flow.keys().fresh().unwrap(),
            Arc::clone(&flow.clock),
            flow.folder().clone(),
            flow.profile().clone(),
            flow.zone().to_owned(),
        );
    }
}

/// A (Paris) asks, B (Hanoi) is asked; both read the same clock.
pub(crate) struct Pair {
    pub(crate) a: Side,
    pub(crate) b: Side,
    pub(crate) clock: Arc<HandClock>,
}

impl Pair {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(HandClock(AtomicI64::new(BEGIN.parse::<Instant>().unwrap().micros())));
        let a = side("XA", "Europe/Paris", &clock).await;
        let b = side("XB", "Asia/Ho_Chi_Minh", &clock).await;
        for (this, other) in [(&a, &b), (&b, &a)] {
            let known = this.flow.enrol(&descriptor(&other.flow)).await.unwrap();
            assert!(matches!(known, Enrolled::New(_)));
        }
        Self { a, b, clock }
    }

    pub(crate) fn clock_now(&self) -> Instant {
        self.clock.now()
    }

    /// Does what is due and carries envelopes until neither side has anything to say.
    pub(crate) async fn settle(&self) {
        loop {
            let mut said = 0;
            for (from, to) in [(&self.a.flow, &self.b.flow), (&self.b.flow, &self.a.flow)] {
                from.record_stored().await.unwrap();
                from.discharge_due().await.unwrap();
                for attempt in from.attempts_due().await.unwrap() {
                    let bytes = from.envelope_bytes(attempt.envelope).await.unwrap();
                    let receipt = to.take_in(&bytes, HandedBy::Peer(from.us())).await.unwrap();
                    assert!(from.settle(attempt.envelope, &receipt).await.unwrap().first);
                    said += 1;
                }
                to.record_stored().await.unwrap();
                to.discharge_due().await.unwrap();
            }
            if said == 0 {
                return;
            }
        }
    }

    /// A's draft, submitted and approved, not yet dispatched.
    pub(crate) async fn approve(&self, kind: Kind, preservation: Option<FileId>) -> FileId {
        let flow = &self.a.flow;
        let draft = example(kind, flow.now(), preservation);
        let file = flow.draft(&self.a.first, &draft).await.unwrap().file.file;
        let (checked, _) = flow.submit(&self.a.first, file).await.unwrap();
        assert!(!checked.checked.has_must(), "{:#?}", checked.checked.findings);
        flow.approve(&self.a.second, file).await.unwrap();
        file
    }

    /// A asks B, and both hold the proof.
    pub(crate) async fn ask(&self, kind: Kind, preservation: Option<FileId>) -> FileId {
        let file = self.approve(kind, preservation).await;
        self.settle().await;
        file
    }

    /// B grants the request.
    pub(crate) async fn grant(&self, file: FileId) {
        let b = &self.b;
        b.flow.triage(&b.first, file, false, None).await.unwrap();
        b.flow.propose(&b.first, file, Proposal::Grant { conditions: None }).await.unwrap();
        b.flow.decide(&b.second, file).await.unwrap();
        self.settle().await;
    }

    /// A preservation of `days` days that both sides know; returns the file and when the order ends.
    pub(crate) async fn preserve(&self, days: u32) -> (FileId, Instant) {
        let file = self.ask(Kind::PRESERVATION, None).await;
        self.grant(file).await;
        let b = &self.b;
        b.flow.effect_preservation(&b.first, file, b.flow.now(), days, "order 12").await.unwrap();
        self.settle().await;
        let until = b.flow.incoming(file).await.unwrap().preserved.unwrap().until();
        assert_eq!(self.a.flow.outgoing(file).await.unwrap().preserved.unwrap().until(), until);
        (file, until)
    }

    /// B holds a sealed package for A in the file that is returned.
    pub(crate) async fn sealed(&self) -> (FileId, PackageId) {
        let file = self.taken().await;
        (file, self.seal(file, &mut |_| ControlFlow::Continue(())).await)
    }

    /// B has taken an exhibit in for A.
    pub(crate) async fn taken(&self) -> FileId {
        let file = self.ask(Kind::STORED_DATA, None).await;
        self.grant(file).await;
        self.take(file, "case").await;
        file
    }

    /// B takes an exhibit in, from a folder of this name.
    pub(crate) async fn take(&self, file: FileId, folder: &str) {
        let b = &self.b;
        let source = b.flow.folder().path().join(folder);
        fs::create_dir_all(&source).unwrap();
        fs::write(source.join("mailbox"), b"From nobody\n").unwrap();
        let watch = &mut |_| ControlFlow::Continue(());
        let (none, nil) = (Digest::of(b""), uuid::Uuid::nil());
        let exhibit = ExhibitId::from_uuid(nil);
        let take = incoming::Command::TakeExhibit { exhibit, record: none, files: 0, bytes: 0, tree: none };
        let officer = b.flow.authorize(&b.first, take).await.unwrap();
        let new = NewExhibit { path: &source, name: "case", why: "order 12", carry: evidence::Carry::Files };
        b.flow.take_exhibit(&officer, file, new, watch).await.unwrap();
    }

    /// B seals what was taken in.
    pub(crate) async fn seal(&self, file: FileId, watch: &mut evidence::Watch<'_>) -> PackageId {
        let (b, none, nil) = (&self.b, Digest::of(b""), uuid::Uuid::nil());
        let package = PackageId::from_uuid(nil);
        let seal =
            incoming::Command::SealEvidence { package, tag_manifest: none, bytes: 0, announcement: none };
        let officer = b.flow.authorize(&b.first, seal).await.unwrap();
        let (_, summary) =
            b.flow.seal_evidence(&officer, file, &SealOptions::default(), watch).await.unwrap();
        summary.label.package_id
    }

    /// B sends, and the package is at A, fetched and verified; without `links` as an older program sends.
    pub(crate) async fn sent(&self, file: FileId, package: PackageId, links: bool) {
        let (a, b) = (&self.a.flow, &self.b.flow);
        let command = incoming::Command::SendEvidence { package };
        let command = b.authorize(&self.b.first, command).await.unwrap();
        match links {
            true => drop(b.send_evidence(&command, file).await.unwrap()),
            false => drop(b.perform::<Incoming>(file, &command, &[]).await.unwrap()),
        }
        self.settle().await;
        let fetch = a.fetch_plan(file, package).await.unwrap();
        let from = b.folder().sealed(file).join(package.to_string());
        for part in &fetch.files {
            let to = fetch.arriving.join(&part.name);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from.join(&part.name), to).unwrap();
        }
        let duty = a.fetch_duty(file, package).await.unwrap();
        a.fetched(&duty, &fetch).await.unwrap();
    }

    pub(crate) async fn open(&self, file: FileId, out: &str) -> Result<crate::OpenedPackage, FlowError> {
        let a = &self.a;
        let package = a.flow.outgoing(file).await.unwrap().evidence.unwrap().package;
        let command = outgoing::Command::OpenEvidence { package, exhibits: 0, files: 0 };
        let officer = a.flow.authorize(&a.first, command).await.unwrap();
        let out = a.flow.folder().path().join(out);
        a.flow.open_evidence(&officer, file, &out, &mut |_| ControlFlow::Continue(())).await
    }

    /// Neither side's audit finds anything.
    pub(crate) async fn audit(&self) {
        for side in [&self.a, &self.b] {
            let audit = side.flow.audit().await.unwrap();
            assert!(audit.troubles.is_empty(), "{}: {:?}", side.flow.us(), audit.troubles);
        }
    }
}

pub(crate) fn officer(id: &str, roles: &[Role]) -> NewOfficer {
    NewOfficer { id: id.parse().unwrap(), name: id.to_owned(), roles: roles.iter().copied().collect() }
}

/// The template of the kind with its dates set from `now`.
pub(crate) fn example(kind: Kind, now: Instant, preservation: Option<FileId>) -> Draft {
    let mut draft = Draft::from_toml(treaty::template(kind)).unwrap();
    draft.preservation_file = preservation;
    if draft.expected_mla_date.is_some() {
        draft.expected_mla_date = Some(now.plus(DAY * 30).date_in(&jiff::tz::TimeZone::UTC));
    }
    if let Some(confidentiality) = &mut draft.confidentiality {
        confidentiality.until = Some(now.plus(DAY * 180));
    }
    if let Some(safeguards) = &mut draft.safeguards {
        safeguards.valid_from = Some(now.minus(DAY));
        safeguards.valid_until = Some(now.plus(DAY * 120));
    }
    let window = kind.form().items.map(|items| items.window);
    for item in &mut draft.items {
        (item.from, item.until) = match window {
            Some(WindowForm::Past) => (Some(now.minus(DAY * 40)), Some(now.minus(DAY * 39))),
            Some(WindowForm::Coming) => (Some(now), Some(now.plus(DAY * 30))),
            _ => (item.from, item.until),
        };
    }
    draft
}

fn names(state: StateCode) -> Names {
    Names {
        state,
        state_name: format!("Republic of {state}"),
        offices: OfficeFunction::ALL.into_iter().map(|f| (f, format!("The {f}"))).collect(),
        hosts: vec!["127.0.0.1".to_owned()],
    }
}

async fn side(state: &str, zone: &str, clock: &Arc<HandClock>) -> Side {
    let folder = tempfile::tempdir().unwrap();
    let state = state.parse().unwrap();
    NodeKeys::create(folder.path(), &names(state), clock.now()).unwrap();
    let place = NodeFolder::new(folder.path());
    let profile = RequestedProfile {
        state,
        languages: vec!["en".parse().unwrap()],
        preservation_needs_dual_criminality: false,
        convention_in_force: true,
        offices: vocabulary::OfficeFunction::ALL.to_vec(),
    };
    let flow = Flow::new(
        Store::open(&place.database()).await.unwrap(),
        NodeKeys::load(folder.path(), state).unwrap(),
        Arc::clone(clock) as Arc<dyn Clock>,
        place,
        profile,
        zone.to_owned(),
    );
    let credential = async |id: &str, roles: &[Role]| {
        let token = flow.add_officer(officer(id, roles)).await.unwrap();
        Credential { id: id.parse::<OfficerId>().unwrap(), token }
    };
    let first = credential("first.officer", &Role::ALL).await;
    let second = credential("second.officer", &[Role::DecidingOfficer]).await;
    Side { flow, first, second, _folder: folder }
}

/// Numbered by the clock, as a node does it.
pub(crate) fn descriptor(flow: &Flow) -> Vec<u8> {
    let (keys, now) = (flow.keys(), flow.now());
    let office = |function: OfficeFunction| OfficeEntry {
        office: function,
        name: format!("The {function}"),
        article: "41".to_owned(),
        contact: "office@exercise.example".to_owned(),
        certificate: keys.office(function).unwrap().certificate().to_pem(),
    };
    let descriptor = Descriptor {
        format: Descriptor::format(),
        state: flow.us(),
        names: [("en".parse().unwrap(), format!("Republic of {}", flow.us()))].into(),
        sequence: u64::try_from(now.seconds()).unwrap(),
        issued: now,
        valid_until: now.plus(DAY * 700),
        languages: flow.profile().languages.clone(),
        zone: flow.zone().to_owned(),
        endpoint: format!("https://{}.example", flow.us().lower()),
        offices: OfficeFunction::ALL.into_iter().map(office).collect(),
        declarations: Declarations { convention_in_force: true, ..Declarations::default() },
        root: keys.root_certificate_pem().unwrap(),
        log: keys.log().vkey(),
        cosigner: keys.cosigner().vkey(),
        retired: keys
            .retired()
            .iter()
            .map(|old| RetiredKey { key: old.fingerprint, until: old.until, vkey: old.vkey.clone() })
            .collect(),
    };
    keys.root().unwrap().sign(&descriptor.to_json().unwrap(), now).unwrap()
}
