//! Our own descriptor: what we tell the other States about our offices and keys, signed by the root.

use crate::{Configuration, Home, NodeError};
use flow::Flow;
use register::{Descriptor, OfficeEntry};
use std::time::Duration;
use vocabulary::{Failure as _, Instant, OfficeFunction};

/// How long a descriptor stands before a newer one is due.
const VALID: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The descriptor as it would be signed now.
pub fn export(home: &Home, flow: &Flow, now: Instant) -> Result<Descriptor, NodeError> {
    let configuration = &home.configuration;
    let keys = flow.keys();
    Ok(Descriptor {
        format: Descriptor::format(),
        state: configuration.state,
        names: configuration.names.clone(),
        sequence: u64::try_from(now.seconds()).unwrap_or(0),
        issued: now,
        valid_until: now.plus(VALID),
        languages: configuration.languages.clone(),
        zone: configuration.zone.clone(),
        endpoint: configuration.endpoint.clone(),
        offices: offices(configuration, flow)?,
        declarations: configuration.declared(),
        root: keys.root_certificate_pem()?,
        log: keys.log().vkey(),
        cosigner: keys.cosigner().vkey(),
    })
}

/// Signs the descriptor with the root, which must be in the folder for it.
pub fn sign(descriptor: &Descriptor, flow: &Flow, now: Instant) -> Result<Vec<u8>, NodeError> {
    let root = flow.keys().root()?;
    root.sign(&descriptor.to_json()?, now)
        .map_err(|error| NodeError::Sign { reason: error.report().to_string() })
}

fn offices(configuration: &Configuration, flow: &Flow) -> Result<Vec<OfficeEntry>, NodeError> {
    configuration
        .offices
        .iter()
        .map(|(function, office)| {
            Ok(OfficeEntry {
                office: *function,
                name: office.name.clone(),
                article: article(*function).to_owned(),
                contact: office.contact.clone(),
                certificate: flow.keys().office(*function)?.certificate().to_pem(),
            })
        })
        .collect()
}

/// The article that asks a State for the office.
fn article(function: OfficeFunction) -> &'static str {
    match function {
        OfficeFunction::CentralAuthority => "40(12)",
        OfficeFunction::ContactPoint => "41(1)",
        OfficeFunction::EvidenceOffice => "44(1)",
        OfficeFunction::Node => "40(14)",
    }
}
