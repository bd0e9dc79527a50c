//! Further addressees of a received package: the key is wrapped once more, and the bulk stays as it is.

use crate::{Act, Credential, Flow, FlowError, View, custody::said};
use casefile::{
    CustodyCommand,
    outgoing::{self, Outgoing},
};
use custody::{Action, LinkFault, MAX_WHY_BYTES};
use evidence::{AddresseeRequest, FurtherAddressee, SignerInfo, Supplement, SupplementFault};
use seal::{Certificate, TrustAnchor};
use serde::Serialize;
use std::path::{Path, PathBuf};
use vocabulary::{Digest, Failure, Family, FileId, OfficeFunction, OfficerId, Report};
use zeroize::Zeroizing;

/// An addressee that was added, and where the two files lie.
#[derive(Debug, Clone, Serialize)]
pub struct AddedAddressee {
    pub package: PathBuf,
    #[serde(flatten)]
    pub statement: evidence::AddresseeStatement,
    /// The exhibits for which a `disclosed` link was recorded.
    pub disclosed: Vec<vocabulary::ExhibitId>,
}

impl Flow {
    /// Wraps the key of the received package to `certificate` (PEM), signs that, and records it before it is written.
    pub async fn add_addressee(
        &self,
        credential: &Credential,
        file: FileId,
        certificate: &str,
        why: &str,
        disclose: bool,
    ) -> Result<AddedAddressee, FlowError> {
        let View::Outgoing(known) = self.view(file).await? else {
            return Err(FlowError::Evidence(cannot_unwrap()));
        };
        let certificate =
            Certificate::from_pem(certificate).map_err(|error| FlowError::Evidence(error.report()))?;
        let package = self.held_package(&known)?;
        one_line(why)?;
        let proof = CustodyCommand::Record { chains: Vec::new() };
        // Nobody who may not open the package sees its key.
        let officer = self.authorize::<outgoing::Command>(credential, proof.into()).await?;
        let supplement = self.wrapped(officer.actor(), &known, &package, &certificate, why)?;
        let statement = supplement.statement.clone();
        let chains = match disclose {
            true => self.disclosed(officer.actor(), &known, &certificate, why).await?,
            false => Vec::new(),
        };
        let disclosed = chains.iter().map(custody::Chain::exhibit).collect();
        let command = officer.clone().with(
            CustodyCommand::AddAddressee {
                package: statement.package,
                certificate: statement.addressee,
                envelope: statement.envelope,
                statement: Digest::of(&supplement.signed),
            }
            .into(),
        )?;
        let mut write = self.store.write().await?;
        self.perform_in::<Outgoing>(&mut write, file, &command, std::slice::from_ref(&supplement.signed))
            .await?;
        if !chains.is_empty() {
            self.record_chains::<Outgoing>(&mut write, file, &officer, chains).await?;
        }
        write.commit().await?;
        // Only now: nobody can open what no event names.
        supplement.write(&package).map_err(told)?;
        Ok(AddedAddressee { package, statement, disclosed })
    }

    fn wrapped(
        &self,
        officer: &OfficerId,
        known: &Outgoing,
        package: &Path,
        certificate: &Certificate,
        why: &str,
    ) -> Result<Supplement, FlowError> {
        let key = self.keys.office(OfficeFunction::EvidenceOffice)?;
        let now = self.now();
        let envelope = evidence::read_key_envelope(package).map_err(told)?;
        let key_file =
            crate::package::unwrap(&envelope, &self.keys).map(Zeroizing::new).map_err(FlowError::Evidence)?;
        let request = AddresseeRequest {
            addressee: certificate.fingerprint(),
            office: self.evidence_office(),
            officer: officer.clone(),
            at: now,
            zone: self.zone.clone(),
            why: why.to_owned(),
        };
        let wrap = |key: &[u8]| {
            seal::encrypt_cms(key, std::slice::from_ref(certificate)).map_err(|error| error.report())
        };
        let sign = |bytes: &[u8]| {
            seal::sign_cms(bytes, true, key.signing(), key.certificate(), now).map_err(|error| error.report())
        };
        let supplement =
            evidence::prepare_addressee(package, request, &key_file, &wrap, &sign).map_err(told)?;
        let expected = known.evidence.as_ref().map(|evidence| evidence.tag_manifest);
        if expected != Some(supplement.statement.tag_manifest) {
            return Err(FlowError::Evidence(other_package(supplement.statement.tag_manifest)));
        }
        Ok(supplement)
    }

    /// The chains of what lies in the package, each disclosed.
    async fn disclosed(
        &self,
        officer: &OfficerId,
        known: &Outgoing,
        certificate: &Certificate,
        why: &str,
    ) -> Result<Vec<custody::Chain>, FlowError> {
        let why = format!("{why}; package key wrapped to certificate {}", certificate.fingerprint());
        let act: Act = said(why, None);
        let mut chains = Vec::new();
        for held in known.custody.packed() {
            let chain = self.chain(known.file, held.exhibit).await?;
            chains.push(self.continued(chain, officer, Action::Disclosed, &act, None, None)?);
        }
        if chains.is_empty() {
            return Err(FlowError::Evidence(unopened()));
        }
        Ok(chains)
    }

    /// Every further addressee of a file's package, each verified.
    pub async fn further_addressees(&self, file: FileId) -> Result<Vec<FurtherAddressee>, FlowError> {
        let view = self.view(file).await?;
        let Some(package) = self.package_place(&view, file).filter(|place| place.is_dir()) else {
            return Ok(Vec::new());
        };
        let peer = self.peer(view.other()).await?;
        let ours = TrustAnchor::from_pem(self.us(), &self.keys.root_certificate_pem()?)
            .map_err(|error| FlowError::Evidence(error.report()))?;
        let now = self.now();
        let verify = |signed: &[u8]| {
            let verified = seal::verify_cms_attached(signed, &ours, now)
                .or_else(|_| seal::verify_cms_attached(signed, peer.anchor(), now))
                .map_err(|error| error.report())?;
            let signer = SignerInfo {
                office: verified.signer(),
                fingerprint: verified.certificate(),
                claimed_at: Some(verified.signing_time()),
            };
            Ok((verified.into_value(), signer))
        };
        evidence::read_supplements(&package, &verify).map_err(told)
    }

    fn held_package(&self, known: &Outgoing) -> Result<PathBuf, FlowError> {
        let evidence = known.evidence.as_ref().filter(|evidence| evidence.verified.is_some());
        match evidence.filter(|_| !known.custody.is_empty_here()) {
            Some(evidence) => Ok(self.folder.received(known.file, evidence.package)),
            None => Err(FlowError::Evidence(cannot_unwrap())),
        }
    }
}

/// The statement travels with the package: its reason is as short as that of a link.
fn one_line(why: &str) -> Result<(), FlowError> {
    if !why.trim().is_empty() && why.len() <= MAX_WHY_BYTES && !why.chars().any(char::is_control) {
        return Ok(());
    }
    let fault = LinkFault::BadText { field: "why", most: MAX_WHY_BYTES, found: why.len() };
    Err(FlowError::Evidence(fault.report()))
}

fn told(fault: SupplementFault) -> FlowError {
    FlowError::Evidence(fault.report())
}

fn refusal(code: &str, message: &str, remedy: &str) -> Report {
    Report {
        family: Family::Refusal,
        code: code.to_owned(),
        message: message.to_owned(),
        clause: Some("spec/04-custody.md, 4.8".to_owned()),
        remedy: remedy.to_owned(),
    }
}

fn cannot_unwrap() -> Report {
    refusal(
        "R-573",
        "no verified package that our evidence office can unwrap lies in this file",
        "the office to which a package is addressed adds further addressees while it holds it",
    )
}

fn unopened() -> Report {
    refusal(
        "R-574",
        "no chain of an exhibit in the package is known yet",
        "open the package first (`rogatory evidence open`), or leave out `--disclose`",
    )
}

fn other_package(found: Digest) -> Report {
    Report {
        family: Family::PeerFault,
        code: "P-573".to_owned(),
        message: format!("the package on the disk is `{found}` and not the one that was verified"),
        clause: Some("spec/05-evidence-package.md".to_owned()),
        remedy: "run `rogatory evidence verify FILE` and keep the folder as it is".to_owned(),
    }
}
