//! The HTTPS road to a peer: hand over an envelope and bring back its receipt.

use crate::{NodeError, Pace, tls::client_config};
use exchange::CosignedHead;
use flow::Flow;
use register::Peer;
use reqwest::{Client, StatusCode, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use vocabulary::{Digest, Report, StateCode};

const CONNECT_TIME: Duration = Duration::from_secs(10);
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// The largest receipt or error that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// What came of an attempt.
#[derive(Debug)]
pub enum RoadTrouble {
    /// Try again later; the text holds no payload.
    Later(String),
    /// The peer's node will not take this envelope.
    Refused(Report),
    /// The peer's node stopped the exchange with us; the envelope can be tried again later.
    Halted,
    /// The peer's node takes it only with a proof that our log follows from this head of it.
    ProveFrom(CosignedHead),
}

/// The answer to an envelope whose log is not proven to follow from the head that was seen.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Challenge {
    #[serde(flatten)]
    pub(crate) report: Report,
    pub(crate) head: CosignedHead,
}

/// Connections to peers, one client for each descriptor.
#[derive(Debug, Clone)]
pub struct Road {
    flow: Flow,
    pace: Pace,
    clients: Arc<Mutex<HashMap<StateCode, (Digest, Client)>>>,
}

impl Road {
    pub fn new(flow: Flow) -> Self {
        Self { flow, pace: Pace::default(), clients: Arc::default() }
    }

    /// The same road, on which packages come at another pace.
    pub fn at(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }

    pub(crate) fn client(&self, peer: &Peer) -> Result<Client, NodeError> {
        let key = Digest::of(format!("{} {}", peer.endpoint(), peer.anchor().fingerprint()).as_bytes());
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, client)) = clients.get(&peer.state())
            && *known == key
        {
            return Ok(client.clone());
        }
        let client = Client::builder()
            .use_preconfigured_tls(client_config(&self.flow, peer)?)
            .connect_timeout(CONNECT_TIME)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .https_only(true)
            // Over HTTP/2 the alert with which a peer refuses our certificate is lost before anybody sees it.
            .http1_only()
            .build()
            .map_err(|error| NodeError::Tls { reason: error.to_string() })?;
        clients.insert(peer.state(), (key, client.clone()));
        Ok(client)
    }

    /// Hands the envelope over and returns the receipt's bytes, not yet verified.
    pub async fn hand_over(&self, peer: &Peer, envelope: Vec<u8>) -> Result<Vec<u8>, RoadTrouble> {
        let client = self.client(peer).map_err(|error| RoadTrouble::Later(error.to_string()))?;
        let answer = client
            .post(format!("{}/v1/inbox", peer.endpoint()))
            .header(CONTENT_TYPE, "application/json")
            .timeout(ANSWER_TIME)
            .body(envelope)
            .send()
            .await
            .map_err(|error| RoadTrouble::Later(plain(&error)))?;
        let status = answer.status();
        let body = limited(answer).await?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        let report: Option<Report> = serde_json::from_slice(&body).ok();
        match (status, report) {
            (StatusCode::CONFLICT, Some(report)) if report.code == "R-901" => Err(RoadTrouble::Halted),
            (StatusCode::CONFLICT, Some(report)) if report.code == "P-528" => {
                match serde_json::from_slice::<Challenge>(&body) {
                    Ok(challenge) => Err(RoadTrouble::ProveFrom(challenge.head)),
                    Err(_) => Err(RoadTrouble::Later("the peer answered 409 (P-528)".to_owned())),
                }
            }
            (StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE, Some(report)) => {
                Err(RoadTrouble::Refused(report))
            }
            (status, Some(report)) => {
                let code: String = report.code.chars().take(8).collect();
                Err(RoadTrouble::Later(format!("the peer answered {} ({code})", status.as_u16())))
            }
            (status, None) => Err(RoadTrouble::Later(format!("the peer answered {}", status.as_u16()))),
        }
    }
}

async fn limited(mut answer: reqwest::Response) -> Result<Vec<u8>, RoadTrouble> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| RoadTrouble::Later(plain(&error)))? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(RoadTrouble::Later("the peer's answer is too long".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost cause in one line, without the address.
pub(crate) fn plain(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string().chars().take(200).collect()
}
