//! Evidence on its way: taken in and sealed by the requested State, fetched, verified and opened by the other.

use crate::{Flow, FlowError, perform::json, request::read_view};
use casefile::{
    Casefile, Refused, TransportEvent,
    incoming::{self, Incoming},
    outgoing::{self, Outgoing},
};
use custody::{Action, Chain, Link};
use evidence::{
    BulkSuite, Carry, DEFAULT_PART_BYTES, InnerRecord, Judges, KeyEnvelope, OpenedExhibit, PackExhibit,
    PackKeys, PackRequest, PackageLabel, PackageSummary, SealedExhibit, SignerInfo, VerifyReport, Watch,
};
use exchange::{Announcement, ExhibitSummary, PackageFile, PartsSummary};
use keys::NodeKeys;
use mandate::Authorized;
use register::Peer;
use seal::{Certificate, OfficeKey};
use serde::{Deserialize, Serialize};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use vocabulary::{
    Digest, ExhibitId, Failure, FileId, Instant, OfficeFunction, OfficeId, OfficerId, PackageId, Report,
    StateCode,
};

pub use evidence::Progress;

/// An exhibit as it was taken in: an object, because its names may be personal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExhibitRecord {
    pub exhibit: ExhibitId,
    pub name: String,
    /// Where the content lies; it is read in place and never copied before it is sealed.
    pub path: PathBuf,
    pub carry: Carry,
    pub files: u64,
    pub bytes: u64,
    /// SHA-256 of the list of its files, which lies in the node's folder.
    pub tree: Digest,
    pub custody: Chain,
}

/// An exhibit as an officer hands it over.
#[derive(Debug, Clone)]
pub struct NewExhibit<'a> {
    pub path: &'a Path,
    pub name: &'a str,
    pub why: &'a str,
    pub carry: Carry,
}

/// Gets a time-stamp (RFC 3161) over the bytes it is given, from an authority.
pub type Stamp<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, Report> + 'a;

/// How a package is sealed.
pub struct SealOptions<'a> {
    pub suite: BulkSuite,
    pub part_bytes: u64,
    pub time_stamp: Option<&'a Stamp<'a>>,
}

impl Default for SealOptions<'_> {
    fn default() -> Self {
        Self { suite: BulkSuite::default(), part_bytes: DEFAULT_PART_BYTES, time_stamp: None }
    }
}

/// What the node must fetch, and where from.
#[derive(Debug, Clone)]
pub struct Fetch {
    pub file: FileId,
    pub package: PackageId,
    pub peer: Arc<Peer>,
    pub files: Vec<PackageFile>,
    pub bytes: u64,
    /// How many parts there are beside `files`, when they are too many to be announced one by one.
    pub parts: Option<PartsSummary>,
    /// The folder in which parts arrive.
    pub arriving: PathBuf,
    /// True when every part is here already and only the verification is owed.
    pub complete: bool,
    /// Files that were hashed as they arrived and had the announced digest, so that they need not be read again.
    pub arrived: BTreeMap<String, Digest>,
}

/// What an examiner gets.
#[derive(Debug, Clone, Serialize)]
pub struct OpenedPackage {
    pub package: PackageId,
    pub folder: PathBuf,
    pub signer: SignerInfo,
    pub exhibits: Vec<OpenedExhibit>,
    pub files: u64,
    /// Gaps in the chains of custody that came with the package; each is a finding too.
    pub gaps: Vec<Report>,
}

impl Flow {
    /// Takes an exhibit in: hashes it in place and begins its chain of custody.
    pub async fn take_exhibit(
        &self,
        officer: &Authorized<incoming::Command>,
        file: FileId,
        new: NewExhibit<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<(Incoming, ExhibitRecord), FlowError> {
        let exhibit = ExhibitId::from_uuid(self.new_uuid()?);
        let _alone = self.evidence_lock(file)?;
        self.would_allow(file, officer).await?;
        let path = std::path::absolute(new.path).map_err(|source| disk(new.path, source))?;
        let listing = evidence::survey(&path, new.carry).map_err(unsealed)?;
        let list = self.folder.exhibit_list(file, exhibit);
        let measured = write_list(&list, &listing, watch)?;
        let custody = self.acquired(officer.actor(), exhibit, measured.tree, new.why)?;
        let record = ExhibitRecord {
            exhibit,
            name: new.name.to_owned(),
            path,
            carry: new.carry,
            files: measured.files,
            bytes: measured.bytes,
            tree: measured.tree,
            custody,
        };
        let object = json(&record)?;
        let command = incoming::Command::TakeExhibit {
            exhibit,
            record: Digest::of(&object),
            files: record.files,
            bytes: record.bytes,
            tree: record.tree,
        };
        let command = officer.clone().with(command)?;
        let chains = vec![record.custody.clone()];
        match self.perform_with_chains::<Incoming>(file, &command, &[object], chains).await {
            Ok(performed) => Ok((performed.file, record)),
            Err(error) => {
                fs::remove_file(&list).map_err(|source| disk(&list, source))?;
                Err(error)
            }
        }
    }

    fn acquired(
        &self,
        officer: &OfficerId,
        exhibit: ExhibitId,
        tree: Digest,
        why: &str,
    ) -> Result<Chain, FlowError> {
        let link = Link {
            exhibit,
            sequence: 0,
            action: Action::Acquired,
            office: self.evidence_office(),
            officer: officer.clone(),
            at: self.now(),
            zone: self.zone_name()?,
            place: "evidence office".to_owned(),
            why: why.to_owned(),
            tool: tool(),
            to: None,
            related: None,
            digest_before: None,
            digest_after: Some(tree),
            alteration: None,
            previous: None,
        };
        Chain::start(link).map_err(|error| FlowError::Evidence(error.report()))
    }

    /// Seals all exhibits of a file into one package for the other State's evidence office.
    ///
    /// A seal that was interrupted goes on where it was.
    pub async fn seal_evidence(
        &self,
        officer: &Authorized<incoming::Command>,
        file: FileId,
        options: &SealOptions<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<(Incoming, PackageSummary), FlowError> {
        let _alone = self.evidence_lock(file)?;
        let known = self.would_allow(file, officer).await?;
        let place = self.folder.sealed(file);
        let journal = self.folder.seal_journal(file);
        let (begun, package, created) = match evidence::unfinished(&journal) {
            Some((package, created)) => (true, package, created),
            None => {
                evidence::forget(&journal).map_err(|source| disk(&journal, source))?;
                clear_leftovers(&place)?;
                (false, PackageId::from_uuid(self.new_uuid()?), self.now())
            }
        };
        let peer = self.peer(known.from).await?;
        let recipient = peer.office(OfficeFunction::EvidenceOffice)?.clone();
        recipient.check_recipient(self.now()).map_err(unsealed)?;
        let records = self.exhibit_records(&known).await?;
        let chains = self.chains_now(&known).await?;
        let request = PackRequest {
            package_id: package,
            file_id: file,
            from: self.evidence_office(),
            to: Some(OfficeId::new(known.from, OfficeFunction::EvidenceOffice)),
            addressees: vec![recipient.fingerprint()],
            hybrid_addressees: Vec::new(),
            created,
            suite: options.suite,
            part_bytes: options.part_bytes,
            exhibits: self.pack_exhibits(file, &records)?,
            journal: Some(journal),
        };
        if !begun {
            let listings: Vec<_> = request.exhibits.iter().map(|exhibit| &exhibit.listing).collect();
            crate::ensure_space(&place, evidence::package_size(&listings))?;
        }
        let out = place.join(package.to_string());
        let signer = Signer {
            flow: self,
            officer: officer.actor(),
            chains,
            sealed: RefCell::default(),
            key: self.keys.office(OfficeFunction::EvidenceOffice)?,
            recipient,
            time_stamp: options.time_stamp,
        };
        let summary = evidence::pack(request, &signer, &out, watch).map_err(unsealed)?;
        let chains = signer.sealed.take();
        // An attempt that was begun anew has another id than the one it was asked for.
        let package = summary.label.package_id;
        let announcement = json(&announcement(package, &summary, &known, &records))?;
        let command = incoming::Command::SealEvidence {
            package,
            tag_manifest: summary.tagmanifest_digest,
            bytes: summary.ciphertext_bytes,
            announcement: Digest::of(&announcement),
        };
        let command = officer.clone().with(command)?;
        let mut write = self.store.write().await?;
        self.perform_in::<Incoming>(&mut write, file, &command, &[announcement]).await?;
        let performed = self.record_chains::<Incoming>(&mut write, file, &command, chains).await?;
        write.put_setting(&format!("package/{package}"), file.to_string().as_bytes()).await?;
        write.commit().await?;
        Ok((performed.file, summary))
    }

    /// One program at a time works on the evidence of a file: a second one would clear what the first one seals.
    fn evidence_lock(&self, file: FileId) -> Result<fs::File, FlowError> {
        let (path, lock) = self.evidence_lock_file(file)?;
        lock.lock().map_err(|source| disk(&path, source))?;
        Ok(lock)
    }

    pub(crate) fn evidence_lock_file(&self, file: FileId) -> Result<(PathBuf, fs::File), FlowError> {
        let path = self.folder.sealed(file).with_extension("lock");
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder).map_err(|source| disk(folder, source))?;
        let lock = fs::File::create(&path).map_err(|source| disk(&path, source))?;
        Ok((path, lock))
    }

    /// Refuses early what `decide` would refuse after hours of hashing.
    async fn would_allow(
        &self,
        file: FileId,
        officer: &Authorized<incoming::Command>,
    ) -> Result<Incoming, FlowError> {
        let known = self.incoming(file).await?;
        Incoming::decide(Some(&known), officer, self.now())?;
        Ok(known)
    }

    pub(crate) async fn exhibit_records(&self, file: &Incoming) -> Result<Vec<ExhibitRecord>, FlowError> {
        let mut records = Vec::with_capacity(file.exhibits.len());
        for exhibit in &file.exhibits {
            let object = self.object(exhibit.record, "the record of an exhibit").await?;
            records.push(
                serde_json::from_slice(&object)
                    .map_err(|_| FlowError::Record { what: "the record of an exhibit" })?,
            );
        }
        Ok(records)
    }

    fn pack_exhibits(&self, file: FileId, records: &[ExhibitRecord]) -> Result<Vec<PackExhibit>, FlowError> {
        let exhibit = |record: &ExhibitRecord| {
            Ok(PackExhibit {
                exhibit_id: record.exhibit,
                name: record.name.clone(),
                listing: evidence::survey(&record.path, record.carry).map_err(unsealed)?,
                expected: Some(self.folder.exhibit_list(file, record.exhibit)),
            })
        };
        records.iter().map(exhibit).collect()
    }

    fn sealed_chains(&self, officer: &OfficerId, now: Vec<Chain>) -> Result<Vec<Chain>, FlowError> {
        let mut chains = Vec::with_capacity(now.len());
        for mut chain in now {
            let content = chain.content();
            let link = Link {
                exhibit: chain.exhibit(),
                sequence: chain.next_sequence(),
                action: Action::Sealed,
                office: self.evidence_office(),
                officer: officer.clone(),
                at: self.now(),
                zone: self.zone_name()?,
                place: "evidence office".to_owned(),
                why: "sealed for the requesting State".to_owned(),
                tool: tool(),
                to: None,
                related: None,
                digest_before: Some(content),
                digest_after: Some(content),
                alteration: None,
                previous: Some(chain.head()),
            };
            chain.append(link).map_err(|error| FlowError::Evidence(error.report()))?;
            chains.push(chain);
        }
        Ok(chains)
    }

    pub(crate) fn evidence_office(&self) -> OfficeId {
        OfficeId::new(self.us(), OfficeFunction::EvidenceOffice)
    }

    pub(crate) fn zone_name(&self) -> Result<custody::ZoneName, FlowError> {
        self.zone.parse().map_err(|_| FlowError::Record { what: "the zone of the node" })
    }

    /// The path and digest of one file of a package that was sent to `peer`; anything else is not there.
    pub async fn served(
        &self,
        peer: StateCode,
        package: PackageId,
        name: &str,
    ) -> Result<Option<(PathBuf, Digest)>, FlowError> {
        let mut read = self.store.read().await?;
        self.not_halted(&mut read, peer).await?;
        let Some(file) = read.queries().setting(&format!("package/{package}")).await? else {
            return Ok(None);
        };
        let Some(file) = String::from_utf8(file).ok().and_then(|text| text.parse::<FileId>().ok()) else {
            return Ok(None);
        };
        let Some(view) = read.queries().view(file).await? else { return Ok(None) };
        let known: Incoming = read_view(&view.body)?;
        let sent = known.sealed.as_ref().filter(|sealed| sealed.sent && sealed.package == package);
        let (Some(sealed), true) = (sent, known.from == peer) else { return Ok(None) };
        let Some(object) = read.queries().object(sealed.announcement).await? else { return Ok(None) };
        let announcement: Announcement =
            serde_json::from_slice(&object).map_err(|_| FlowError::Record { what: "an announcement" })?;
        let folder = self.folder.sealed(file).join(package.to_string());
        let listed = crate::transfer::announced_file(&announcement, &folder, name)?;
        Ok(listed.map(|listed| (folder.join(name), listed.digest)))
    }

    /// Records, once, that the other State began to take a package.
    pub async fn fetch_began(&self, package: PackageId) -> Result<(), FlowError> {
        let name = format!("fetch-began/{package}");
        let mut read = self.store.read().await?;
        if read.queries().setting(&name).await?.is_some() {
            return Ok(());
        }
        let file = read.queries().setting(&format!("package/{package}")).await?;
        drop(read);
        let Some(file) = file.and_then(|f| String::from_utf8(f).ok()).and_then(|f| f.parse().ok()) else {
            return Ok(());
        };
        let mut write = self.store.write().await?;
        if write.queries().setting(&name).await?.is_none() {
            write.put_setting(&name, b"1").await?;
            self.record_proof(&mut write, file, TransportEvent::FetchBegan { package }).await?;
        }
        Ok(write.commit().await?)
    }

    /// The open duty to fetch a package; empty when it is discharged already.
    pub async fn fetch_duty(&self, file: FileId, package: PackageId) -> Result<String, FlowError> {
        let mut read = self.store.read().await?;
        let wanted = casefile::Duty::Fetch { package };
        Ok(read
            .queries()
            .duties_open()
            .await?
            .into_iter()
            .filter(|row| row.file == file)
            .find(|row| serde_json::from_slice::<casefile::Duty>(&row.body).is_ok_and(|duty| duty == wanted))
            .map(|row| row.id)
            .unwrap_or_default())
    }

    /// What is still to be fetched of an announced package.
    pub async fn fetch_plan(&self, file: FileId, package: PackageId) -> Result<Fetch, FlowError> {
        let known = self.outgoing(file).await?;
        self.not_halted(&mut self.store.read().await?, known.to).await?;
        let announcement = self.announcement(file, package).await?;
        Ok(Fetch {
            file,
            package,
            peer: self.peer(known.to).await?,
            files: announcement.files,
            parts: announcement.parts,
            bytes: announcement.bytes,
            arriving: self.folder.arriving(file, package),
            complete: self.folder.received(file, package).exists(),
            arrived: BTreeMap::new(),
        })
    }

    /// What the other State said of a package when it announced it.
    pub async fn announcement(&self, file: FileId, package: PackageId) -> Result<Announcement, FlowError> {
        let rows = {
            let mut read = self.store.read().await?;
            read.queries().events(file).await?
        };
        for row in rows {
            let event: casefile::Recorded<outgoing::Event> =
                casefile::Recorded::from_bytes(&row.body, row.sequence)?;
            if let casefile::Body::Legal(outgoing::Event::EvidenceAnnounced { package: p, statement, .. }) =
                event.body
                && p == package
            {
                let object = self.object(statement, "an announcement").await?;
                return serde_json::from_slice(&object)
                    .map_err(|_| FlowError::Record { what: "an announcement" });
            }
        }
        Err(FlowError::NoFile { file })
    }

    /// Verifies a package of which every file arrived, moves it to its place and records both.
    pub async fn fetched(&self, duty: &str, fetch: &Fetch) -> Result<VerifyReport, FlowError> {
        let received = self.folder.received(fetch.file, fetch.package);
        let place = if fetch.complete { &received } else { &fetch.arriving };
        let report = self.verify_arrived(place, fetch);
        let announced = self.outgoing(fetch.file).await?.evidence;
        let expected = announced.as_ref().map(|evidence| evidence.tag_manifest);
        if !report.is_valid() || report.tagmanifest_digest != expected || !self.is_for(&report, fetch) {
            let first = report.faults().next().cloned();
            return Err(FlowError::Evidence(first.unwrap_or_else(|| not_announced(fetch.package))));
        }
        if !fetch.complete {
            let parent = received.parent().unwrap_or(&received);
            fs::create_dir_all(parent).map_err(|source| disk(parent, source))?;
            fs::rename(&fetch.arriving, &received).map_err(|source| disk(&received, source))?;
            sync_folder(parent)?;
        }
        let object = json(&report)?;
        let command =
            outgoing::Command::ReportVerified { package: fetch.package, report: Digest::of(&object) };
        let mut write = self.store.write().await?;
        let proof = TransportEvent::Fetched { package: fetch.package, bytes: fetch.bytes };
        self.record_proof(&mut write, fetch.file, proof).await?;
        match self
            .perform_in::<Outgoing>(&mut write, fetch.file, &Authorized::reported(command)?, &[object])
            .await
        {
            Err(error) if error.is_already_done() => {
                // Two write transactions at once would wait for each other.
                drop(write);
                return self.finish(duty).await.map(|()| report);
            }
            other => other?,
        };
        write.discharge_duty(duty, self.now()).await?;
        write.commit().await?;
        Ok(report)
    }

    /// The signed label names the package, the file, the sender and us.
    fn is_for(&self, report: &VerifyReport, fetch: &Fetch) -> bool {
        report.label.as_ref().is_some_and(|label| {
            label.package_id == fetch.package
                && label.file_id == fetch.file
                && label.from == OfficeId::new(fetch.peer.state(), OfficeFunction::EvidenceOffice)
                && label.to == Some(self.evidence_office())
        })
    }

    /// As `verify_package`; what was hashed when it arrived is not read a second time.
    fn verify_arrived(&self, place: &Path, fetch: &Fetch) -> VerifyReport {
        let now = self.now();
        let signature = |tags: &[u8], signature: &[u8]| signer_of(tags, signature, &fetch.peer, now);
        evidence::verify_outer(
            place,
            Judges { arrived: Some(&fetch.arrived), ..Judges::of_signature(&signature) },
        )
    }

    /// The report on a package under one State's root, as anybody can repeat it.
    pub fn verify_package(&self, package: &Path, peer: &Peer) -> VerifyReport {
        let now = self.now();
        let signature = |tags: &[u8], signature: &[u8]| signer_of(tags, signature, peer, now);
        evidence::verify_outer(package, Judges::of_signature(&signature))
    }

    /// Verifies the package of a file once more.
    pub async fn verify_evidence(&self, file: FileId) -> Result<(PathBuf, VerifyReport), FlowError> {
        let known = self.outgoing(file).await?;
        let evidence = known.evidence.as_ref().ok_or_else(|| no_evidence(&known))?;
        let place = self.folder.received(file, evidence.package);
        let peer = self.peer(known.to).await?;
        Ok((place.clone(), self.verify_package(&place, &peer)))
    }

    /// Opens the verified package of a file into the new folder `out`; reading content is an event.
    pub async fn open_evidence(
        &self,
        officer: &Authorized<outgoing::Command>,
        file: FileId,
        out: &Path,
        watch: &mut Watch<'_>,
    ) -> Result<OpenedPackage, FlowError> {
        let known = self.outgoing(file).await?;
        Outgoing::decide(Some(&known), officer, self.now())?;
        let evidence = known.evidence.as_ref().ok_or_else(|| no_evidence(&known))?;
        let peer = self.peer(known.to).await?;
        let now = self.now();
        let (out, aside) = aside(out)?;
        let opened = evidence::open(
            &self.folder.received(file, evidence.package),
            &|envelope| unwrap(envelope, &self.keys),
            &|tag_manifest, signature| signer_of(tag_manifest, signature, &peer, now),
            &aside,
            watch,
        )
        .map_err(|error| FlowError::Evidence(error.report()))?;
        let command = outgoing::Command::OpenEvidence {
            package: evidence.package,
            exhibits: u32::try_from(opened.exhibits.len()).unwrap_or(u32::MAX),
            files: opened.files,
        };
        let command = officer.clone().with(command)?;
        let gaps = match self.record_opening(&command, &known, &opened, &out).await {
            Err(error) => {
                fs::remove_dir_all(&aside).map_err(|source| disk(&aside, source))?;
                return Err(error);
            }
            Ok(gaps) => gaps,
        };
        // Only now: content never lies in its place without its event.
        fs::rename(&aside, &out).map_err(|source| disk(&out, source))?;
        sync_folder(out.parent().unwrap_or(&out))?;
        Ok(OpenedPackage {
            package: evidence.package,
            folder: out,
            signer: opened.signer,
            files: opened.files,
            exhibits: opened.exhibits,
            gaps,
        })
    }
}

/// Signs, wraps and records for one package.
struct Signer<'a> {
    flow: &'a Flow,
    officer: &'a OfficerId,
    chains: Vec<Chain>,
    /// The chains as they went into the package.
    sealed: RefCell<Vec<Chain>>,
    key: &'a OfficeKey,
    recipient: Certificate,
    time_stamp: Option<&'a Stamp<'a>>,
}

impl PackKeys for Signer<'_> {
    fn wrap(&self, package_key: &[u8]) -> Result<KeyEnvelope, Report> {
        seal::encrypt_cms(package_key, std::slice::from_ref(&self.recipient))
            .map(KeyEnvelope::Cms)
            .map_err(|error| error.report())
    }

    fn sign(&self, tag_manifest: &[u8]) -> Result<Vec<u8>, Report> {
        let signed =
            seal::sign_cms(tag_manifest, false, self.key.signing(), self.key.certificate(), self.flow.now())
                .map_err(|error| error.report())?;
        let Some(stamp) = self.time_stamp else { return Ok(signed) };
        let value = seal::signature_value(&signed).map_err(|error| error.report())?;
        seal::attach_time_stamp(&signed, &stamp(&value)?).map_err(|error| error.report())
    }

    fn time_stamp(&self, tag_manifest: &[u8]) -> Result<Option<Vec<u8>>, Report> {
        self.time_stamp.map(|stamp| stamp(tag_manifest)).transpose()
    }

    fn random(&self, bytes: &mut [u8]) {
        keys::fill_random(bytes).expect("getrandom(2) does not fail once the machine has started");
    }

    fn record(&self, label: &PackageLabel, exhibits: &[SealedExhibit]) -> Result<InnerRecord, Report> {
        let chains =
            self.flow.sealed_chains(self.officer, self.chains.clone()).map_err(|error| error.report())?;
        let custody = json(&chains).map_err(|error| error.report())?;
        self.sealed.replace(chains.clone());
        Ok(InnerRecord { custody, case: label.case(exhibits, &chains) })
    }

    /// The seed opens the package: on our own disk it lies encrypted to our own office.
    fn protect(&self, seed: &[u8]) -> Result<Vec<u8>, Report> {
        seal::encrypt_cms(seed, std::slice::from_ref(self.key.certificate())).map_err(|error| error.report())
    }

    fn recover(&self, kept: &[u8]) -> Result<Vec<u8>, Report> {
        decrypt(kept, &self.flow.keys)
    }
}

/// Hashes an exhibit and writes the list of its files, durably.
fn write_list(
    list: &Path,
    listing: &evidence::Listing,
    watch: &mut Watch<'_>,
) -> Result<evidence::Measured, FlowError> {
    let folder = list.parent().unwrap_or(list);
    fs::create_dir_all(folder).map_err(|source| disk(folder, source))?;
    let file = fs::File::create(list).map_err(|source| disk(list, source))?;
    let mut out = std::io::BufWriter::new(&file);
    match evidence::measure(listing, &mut out, watch) {
        Ok(measured) => {
            drop(out);
            file.sync_all().map_err(|source| disk(list, source))?;
            sync_folder(folder).map(|()| measured)
        }
        Err(error) => {
            drop(out);
            fs::remove_file(list).map_err(|source| disk(list, source))?;
            Err(unsealed(error))
        }
    }
}

fn unsealed(error: impl Failure) -> FlowError {
    FlowError::Evidence(error.report())
}

/// Opens the package key with the evidence office's key or one that it had before.
pub(crate) fn unwrap(envelope: &KeyEnvelope, keys: &NodeKeys) -> Result<Vec<u8>, Report> {
    match envelope {
        KeyEnvelope::Cms(envelope) => decrypt(envelope, keys),
        KeyEnvelope::HybridCms(_) => Err(hybrid_needed()),
    }
}

/// Tries the keys of the evidence office, newest first; the newest says why none fits.
fn decrypt(der: &[u8], keys: &NodeKeys) -> Result<Vec<u8>, Report> {
    let office = keys.office(OfficeFunction::EvidenceOffice).map_err(|error| error.report())?;
    let open = |key: &OfficeKey| seal::decrypt_cms(der, key.decryption(), key.certificate());
    let newest = open(office);
    let earlier = || keys.openers(OfficeFunction::EvidenceOffice).skip(1).find_map(|key| open(key).ok());
    newest.or_else(|error| earlier().ok_or(error)).map_err(|error| error.report())
}

fn hybrid_needed() -> Report {
    Report {
        family: vocabulary::Family::Refusal,
        code: "R-547".to_owned(),
        message: "the package key is also encrypted to a post-quantum key, which this node does not hold"
            .to_owned(),
        clause: Some("spec/05-evidence-package.md".to_owned()),
        remedy: "open it with `rogatory evidence open PACKAGE --hybrid-key FILE`".to_owned(),
    }
}

fn signer_of(tag_manifest: &[u8], signature: &[u8], peer: &Peer, at: Instant) -> Result<SignerInfo, Report> {
    let verified = seal::verify_cms_detached(signature, tag_manifest, peer.anchor(), at)
        .map_err(|error| error.report())?;
    Ok(SignerInfo {
        office: verified.signer(),
        fingerprint: verified.certificate(),
        claimed_at: Some(verified.signing_time()),
    })
}

fn announcement(
    package: PackageId,
    summary: &PackageSummary,
    file: &Incoming,
    records: &[ExhibitRecord],
) -> Announcement {
    let files: Vec<PackageFile> = summary
        .files
        .iter()
        .map(|part| PackageFile { name: part.name.clone(), size: part.size, digest: part.digest })
        .collect();
    let bytes = files.iter().map(|part| part.size).sum();
    let (files, parts) = Announcement::listing(files);
    Announcement {
        package,
        tag_manifest: summary.tagmanifest_digest,
        bytes,
        files,
        parts,
        sent: Vec::new(),
        exhibits: file
            .exhibits
            .iter()
            .zip(records)
            .map(|(exhibit, record)| ExhibitSummary {
                exhibit: exhibit.exhibit,
                name: record.name.clone(),
                files: exhibit.files,
                bytes: exhibit.bytes,
                tree: exhibit.tree,
            })
            .collect(),
        // Said when it is sent.
        available_until: None,
    }
}

/// The new folder `out` and one beside it, in which content waits until its opening is recorded.
///
/// What a killed attempt left there is removed.
fn aside(out: &Path) -> Result<(PathBuf, PathBuf), FlowError> {
    let out = std::path::absolute(out).map_err(|source| disk(out, source))?;
    if fs::symlink_metadata(&out).is_ok() {
        return Err(FlowError::Evidence(evidence::OpenError::OutExists.report()));
    }
    let name = out.file_name().ok_or_else(|| disk(&out, std::io::ErrorKind::InvalidInput.into()))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".opening");
    let aside = out.with_file_name(hidden);
    match fs::remove_dir_all(&aside) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(disk(&aside, source)),
        _ => Ok((out, aside)),
    }
}

/// A package whose sealing was interrupted before it was recorded belongs to nobody.
fn clear_leftovers(place: &Path) -> Result<(), FlowError> {
    match fs::remove_dir_all(place) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(disk(place, source)),
        _ => {}
    }
    fs::create_dir_all(place).map_err(|source| disk(place, source))
}

pub(crate) fn sync_folder(folder: &Path) -> Result<(), FlowError> {
    fs::File::open(folder).and_then(|file| file.sync_all()).map_err(|source| disk(folder, source))
}

fn tool() -> String {
    concat!("rogatory ", env!("CARGO_PKG_VERSION")).to_owned()
}

fn disk(path: &Path, source: std::io::Error) -> FlowError {
    FlowError::Disk { path: path.display().to_string(), source }
}

fn no_evidence(file: &Outgoing) -> Refused {
    Refused::Stage {
        command: "evidence",
        stage: file.stage.as_str(),
        needed: "answered, with evidence announced",
    }
}

fn not_announced(package: PackageId) -> Report {
    Report {
        family: vocabulary::Family::PeerFault,
        code: "P-546".to_owned(),
        message: format!("the package `{package}` is not the one that was announced"),
        clause: Some("spec/05-evidence-package.md".to_owned()),
        remedy: "keep what arrived, and ask the other State to seal and announce it again".to_owned(),
    }
}
