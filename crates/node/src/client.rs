//! The HTTPS road to a peer: hand over an envelope and bring back its receipt.

use crate::{NodeError, Pace, tls::client_config};
use flow::Flow;
use register::Peer;
use reqwest::{Client, StatusCode, header::CONTENT_TYPE};
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
    /// As `Later`, and the peer's endpoint took the whole request: it answered.
    Taken(String),
    /// The peer's node will not take this envelope.
    Refused(Report),
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
            (StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE, Some(report)) => {
                Err(RoadTrouble::Refused(report))
            }
            (status, Some(report)) => {
                let code: String = report.code.chars().take(8).collect();
                Err(RoadTrouble::Taken(format!("the peer answered {} ({code})", status.as_u16())))
            }
            (status, None) => Err(RoadTrouble::Taken(format!("the peer answered {}", status.as_u16()))),
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
