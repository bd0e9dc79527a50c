//! Asking witnesses to cosign our head after the log grew (C2SP tlog-witness, client).

use crate::{NodeError, WitnessConfiguration, client::plain, tls::provider};
use flow::{Flow, WitnessTrouble};
use ledger::{CosignerVerifier, KeyName};
use reqwest::{Client, StatusCode, Url, header::CONTENT_TYPE, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, version::TLS13};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use std::{path::Path, time::Duration};
use tokio::sync::watch;
use vocabulary::{Failure as _, Instant};

const CONNECT_TIME: Duration = Duration::from_secs(10);
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// The longest answer that is read: some lines with cosignatures, or a size.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// How soon growth of the log is seen; many leaves share one cosignature.
const LOOK: Duration = Duration::from_secs(2);
/// The longest pause between attempts that fail.
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);

/// A witness that can be asked.
#[derive(Debug, Clone)]
pub(crate) struct AskedWitness {
    url: Url,
    verifier: CosignerVerifier,
    client: Client,
}

/// What an answer means for the next request.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// It cosigned our head of this size.
    Cosigned(u64),
    /// It cosigned this size last.
    AskFrom(u64),
    Trouble(WitnessTrouble),
    /// No usable answer; the line holds no address.
    Later(String),
}

impl AskedWitness {
    /// `folder` is the node's: paths in the configuration are relative to it.
    pub(crate) async fn of(
        configuration: &WitnessConfiguration,
        folder: &Path,
        flow: &Flow,
    ) -> Result<Self, NodeError> {
        let wrong = |reason: String| NodeError::Value { name: "log.witness", reason };
        let verifier =
            CosignerVerifier::parse(&configuration.vkey).map_err(|error| wrong(error.to_string()))?;
        let url = format!("{}/add-checkpoint", configuration.url.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| wrong(error.to_string()))?;
        let mut client = Client::builder()
            .connect_timeout(CONNECT_TIME)
            .timeout(ANSWER_TIME)
            .redirect(Policy::none())
            .no_proxy();
        if let Some(roots) = roots(configuration, folder, flow, &verifier).await? {
            let config = ClientConfig::builder_with_provider(provider())
                .with_protocol_versions(&[&TLS13])
                .map_err(|error| NodeError::Tls { reason: error.to_string() })?
                .with_root_certificates(roots)
                .with_no_client_auth();
            client = client.use_preconfigured_tls(config);
        }
        let client = client.build().map_err(|error| NodeError::Tls { reason: error.to_string() })?;
        Ok(Self { url, verifier, client })
    }

    fn name(&self) -> &str {
        self.verifier.name().as_str()
    }

    async fn ask(&self, flow: &Flow, old: u64) -> Result<Outcome, flow::FlowError> {
        let Some((request, size)) = flow.witness_request(old).await? else {
            return Ok(Outcome::Trouble(WitnessTrouble::Contradicts { size: Some(old) }));
        };
        let sent = self.client.post(self.url.clone()).body(request.to_string()).send().await;
        let mut answer = match sent {
            Ok(answer) => answer,
            Err(error) => return Ok(Outcome::Later(plain(&error))),
        };
        let status = answer.status();
        let names_a_size = answer
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(ledger::witness::SIZE_MEDIA_TYPE.as_bytes()));
        let mut body = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER_BYTES => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => return Ok(Outcome::Later("the answer is too long".to_owned())),
                Ok(None) => break,
                Err(error) => return Ok(Outcome::Later(plain(&error))),
            }
        }
        let text = String::from_utf8_lossy(&body);
        Ok(match status {
            StatusCode::OK => match flow.witnessed(&self.verifier, size, &text).await {
                Ok(()) => Outcome::Cosigned(size),
                Err(error) if error.family() == vocabulary::Family::Fault => return Err(error),
                Err(error) => Outcome::Later(error.to_string()),
            },
            StatusCode::CONFLICT if names_a_size => match text.trim_end_matches('\n').parse() {
                Ok(known) if known > size => {
                    Outcome::Trouble(WitnessTrouble::Contradicts { size: Some(known) })
                }
                Ok(known) => Outcome::AskFrom(known),
                Err(_) => Outcome::Later("the size in the answer is no number".to_owned()),
            },
            StatusCode::CONFLICT => Outcome::Trouble(WitnessTrouble::Contradicts { size: Some(size) }),
            StatusCode::UNPROCESSABLE_ENTITY => {
                Outcome::Trouble(WitnessTrouble::Contradicts { size: Some(old) })
            }
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                Outcome::Trouble(WitnessTrouble::Refuses { status: status.as_u16() })
            }
            other => Outcome::Later(format!("it answered {}", other.as_u16())),
        })
    }

    /// Asks once, and once more when the witness names the size that it knows.
    async fn round(&self, flow: &Flow) -> Result<Outcome, flow::FlowError> {
        let known = flow.witnessed_by(&self.verifier).await?;
        match self.ask(flow, known).await? {
            Outcome::AskFrom(other) if other != known => self.ask(flow, other).await,
            outcome => Ok(outcome),
        }
    }
}

/// The roots under which a witness's TLS certificate must stand; `None` for those of the system.
async fn roots(
    configuration: &WitnessConfiguration,
    folder: &Path,
    flow: &Flow,
    verifier: &CosignerVerifier,
) -> Result<Option<RootCertStore>, NodeError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &configuration.root {
        let path = folder.join(path);
        let pem = std::fs::read(&path).map_err(|source| crate::error::disk(&path, source))?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let added = certificate.ok().and_then(|certificate| roots.add(certificate).ok());
            added.ok_or_else(|| NodeError::Tls { reason: format!("`{}` is no root", path.display()) })?;
        }
        return Ok(Some(roots));
    }
    let peers = flow.peers().await?;
    let named = |state| KeyName::of_cosigner(state) == *verifier.name();
    let Some(peer) = peers.iter().find(|peer| named(peer.state())) else { return Ok(None) };
    let certificate = CertificateDer::from(peer.anchor().certificate().der().to_vec());
    roots.add(certificate).map_err(|error| NodeError::Tls { reason: error.to_string() })?;
    Ok(Some(roots))
}

/// Keeps one witness informed until `stop`.
pub(crate) async fn keep_witnessed(flow: Flow, witness: AskedWitness, mut stop: watch::Receiver<bool>) {
    let since = flow.now();
    let (mut cosigned, mut pause) = (None, LOOK);
    while !*stop.borrow() {
        match asked(&flow, &witness, &mut cosigned, since).await {
            Ok(true) => pause = LOOK,
            Ok(false) => pause = (pause * 2).min(PAUSE_MAX),
            Err(error) => {
                tracing::error!(code = error.code(), witness = witness.name(), "not witnessed: {error}");
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }
}

/// One look; false when the witness should be left alone for longer.
async fn asked(
    flow: &Flow,
    witness: &AskedWitness,
    cosigned: &mut Option<u64>,
    since: Instant,
) -> Result<bool, flow::FlowError> {
    let size = flow.log_size().await?;
    if size == 0 || *cosigned == Some(size) {
        return Ok(true);
    }
    let outcome = witness.round(flow).await?;
    match outcome {
        Outcome::Cosigned(size) => {
            tracing::info!(witness = witness.name(), size, "cosigned");
            *cosigned = Some(size);
            return Ok(true);
        }
        Outcome::Trouble(trouble) => flow.witness_trouble(witness.name(), trouble).await?,
        Outcome::AskFrom(size) => {
            tracing::warn!(witness = witness.name(), size, "it names another size each time");
        }
        Outcome::Later(trouble) => {
            tracing::info!(witness = witness.name(), "not cosigned yet: {trouble}");
        }
    }
    if flow.witness_is_silent(&witness.verifier, since).await? {
        flow.witness_trouble(witness.name(), WitnessTrouble::Silent).await?;
    }
    Ok(false)
}
