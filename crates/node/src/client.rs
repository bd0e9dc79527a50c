//! The HTTPS road to a peer: hand over an envelope and bring back its receipt.

use crate::{
    NodeError, Pace,
    descriptor::{Exported, NUMBER_HEADER},
    renewal::look_at_number,
    tls::client_config,
};
use exchange::{RoadTrouble, answer};
use flow::Flow;
use register::Peer;
use reqwest::{Client, StatusCode, header::CONTENT_TYPE};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use vocabulary::{Digest, StateCode};

const CONNECT_TIME: Duration = Duration::from_secs(10);
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// A contact point that takes longer is not there.
const PING_TIME: Duration = Duration::from_secs(20);
/// The largest receipt or error that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Connections to peers, one client for each descriptor.
#[derive(Debug, Clone)]
pub struct Road {
    flow: Flow,
    pace: Pace,
    exported: Exported,
    clients: Arc<Mutex<HashMap<StateCode, (Digest, Client)>>>,
}

impl Road {
    pub fn new(flow: Flow) -> Self {
        let exported = Exported::new(flow.folder().path());
        Self { flow, pace: Pace::default(), exported, clients: Arc::default() }
    }

    /// The same road, on which packages come at another pace.
    pub fn at(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }

    pub(crate) fn client(&self, peer: &Peer) -> Result<Client, NodeError> {
        let own = self.flow.keys().tls_certificate_pem()?;
        let key = format!("{} {} {own}", peer.endpoint(), peer.anchor().fingerprint());
        let key = Digest::of(key.as_bytes());
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
        let mut request = client
            .post(format!("{}/v1/inbox", peer.endpoint()))
            .header(CONTENT_TYPE, "application/json")
            .timeout(ANSWER_TIME);
        if let Some(shown) = self.exported.now(self.flow.now()) {
            request = request.header(NUMBER_HEADER, shown.sequence);
        }
        let response =
            request.body(envelope).send().await.map_err(|error| RoadTrouble::Later(plain(&error)))?;
        let number = response.headers().get(NUMBER_HEADER).and_then(|value| value.to_str().ok());
        look_at_number(&self.flow, peer.state(), number)
            .await
            .map_err(|error| RoadTrouble::Later(error.to_string()))?;
        let status = response.status();
        let body = limited(response).await?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        Err(answer::trouble(status.as_u16(), &body))
    }
}

impl Road {
    /// The descriptor that the peer's node hands out, not yet verified.
    pub(crate) async fn descriptor(&self, peer: &Peer) -> Result<Vec<u8>, RoadTrouble> {
        let client = self.client(peer).map_err(|error| RoadTrouble::Later(error.to_string()))?;
        let answer = client
            .get(format!("{}/v1/descriptor", peer.endpoint()))
            .timeout(ANSWER_TIME)
            .send()
            .await
            .map_err(|error| RoadTrouble::Later(plain(&error)))?;
        match answer.status() {
            StatusCode::OK => limited(answer).await,
            status => Err(RoadTrouble::Later(format!("the peer answered {}", status.as_u16()))),
        }
    }
}

impl Road {
    /// Hands a contact point's question over and returns the answer, not yet verified; else the trouble in one line.
    pub(crate) async fn ping(&self, peer: &Peer, question: Vec<u8>) -> Result<Vec<u8>, String> {
        let client = self.client(peer).map_err(|error| error.to_string())?;
        let answer = client
            .post(format!("{}/v1/ping", peer.endpoint()))
            .header(CONTENT_TYPE, "application/pkcs7-mime")
            .timeout(PING_TIME)
            .body(question)
            .send()
            .await
            .map_err(|error| plain(&error))?;
        let status = answer.status();
        let body = limited(answer).await.map_err(said)?;
        if status == StatusCode::OK { Ok(body) } else { Err(said(answer::trouble(status.as_u16(), &body))) }
    }
}

/// A trouble in one line, without what a peer wrote.
fn said(trouble: RoadTrouble) -> String {
    match trouble {
        RoadTrouble::Later(text) | RoadTrouble::Taken(text) => text,
        RoadTrouble::Refused(report) => {
            let code: String = report.code.chars().take(8).collect();
            format!("the peer refused the question ({code})")
        }
        RoadTrouble::Halted => "the peer stopped the exchange with us".to_owned(),
        RoadTrouble::ProveFrom(_) => "the peer's answer is out of place".to_owned(),
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
