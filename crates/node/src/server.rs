//! The peer endpoint: take in envelopes, serve sealed packages, say who we are.

use crate::{
    Limits,
    descriptor::{Exported, NUMBER_HEADER},
    renewal,
    served::ServedCounts,
    serving::{Turns, serve_file},
    tls::client_state,
};
use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use axum_server::tls::TlsInfo;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use exchange::{AdmitFault, EnvelopeFault, MAX_ENVELOPE_BYTES, MAX_PING_BYTES, PingFault};
use flow::{Flow, FlowError, HandedBy};
use futures_util::StreamExt as _;
use std::sync::Arc;
use tokio::sync::Notify;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use vocabulary::{Failure as _, Family, PackageId, Report, StateCode};

/// What the handlers need.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) flow: Flow,
    /// Wakes the worker that opens what was taken in.
    pub(crate) arrived: Arc<Notify>,
    pub(crate) served: ServedCounts,
    pub(crate) turns: Turns,
    /// Our signed descriptor, when it was exported.
    pub(crate) descriptor: Exported,
}

pub(crate) fn router(endpoint: Endpoint, limits: Limits) -> Router {
    let inbox = Router::new()
        .route("/v1/inbox", post(take_in))
        .route("/v1/ping", post(pinged))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limits.inbox));
    Router::new()
        .merge(inbox)
        .route("/v1/packages/{package}/{*name}", get(package_file))
        .route("/v1/descriptor", get(descriptor))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(CatchPanicLayer::new())
        .with_state(endpoint)
}

async fn take_in(
    State(endpoint): State<Endpoint>,
    Extension(tls): Extension<Arc<TlsInfo>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let peer = match peer_of(&endpoint.flow, &tls).await {
        Ok(peer) => peer,
        Err(report) => return turn_away(&report),
    };
    let number = headers.get(NUMBER_HEADER).and_then(|value| value.to_str().ok());
    if let Err(error) = renewal::look_at_number(&endpoint.flow, peer, number).await {
        return refuse(&error.report());
    }
    let mut response = receipted(&endpoint, peer, body).await;
    if let Some(shown) = endpoint.descriptor.now(endpoint.flow.now()) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(NUMBER_HEADER), HeaderValue::from(shown.sequence));
    }
    response
}

/// Answers the contact point of a peer; a question leaves nothing here.
async fn pinged(
    State(endpoint): State<Endpoint>,
    Extension(tls): Extension<Arc<TlsInfo>>,
    body: Body,
) -> Response {
    let peer = match peer_of(&endpoint.flow, &tls).await {
        Ok(peer) => peer,
        Err(report) => return turn_away(&report),
    };
    let question = match read(body, MAX_PING_BYTES).await {
        Ok(question) => question,
        Err(Unread::TooLong) => return refuse(&PingFault::TooLarge { found: MAX_PING_BYTES + 1 }.report()),
        Err(Unread::Broken) => return StatusCode::BAD_REQUEST.into_response(),
    };
    match endpoint.flow.ping_answer(peer, &question).await {
        Ok(signed) => ([(header::CONTENT_TYPE, "application/pkcs7-mime")], signed).into_response(),
        Err(error) => refuse(&error.report()),
    }
}

async fn receipted(endpoint: &Endpoint, peer: StateCode, body: Body) -> Response {
    let bytes = match read(body, MAX_ENVELOPE_BYTES).await {
        Ok(bytes) => bytes,
        Err(Unread::TooLong) => {
            return refuse(&EnvelopeFault::TooLarge { found: MAX_ENVELOPE_BYTES + 1 }.report());
        }
        // There is hardly anybody left to answer.
        Err(Unread::Broken) => return StatusCode::BAD_REQUEST.into_response(),
    };
    match endpoint.flow.take_in(&bytes, HandedBy::Answering(peer)).await {
        Ok(receipt) => {
            endpoint.arrived.notify_one();
            ([(header::CONTENT_TYPE, "application/pkcs7-mime")], receipt).into_response()
        }
        Err(FlowError::Admit(AdmitFault::NotLinked { size })) => {
            challenge(&endpoint.flow, peer, AdmitFault::NotLinked { size }.report()).await
        }
        Err(error) => refuse(&error.report()),
    }
}

/// Says from which head of its log the sender must prove; nothing was stored.
async fn challenge(flow: &Flow, peer: StateCode, report: Report) -> Response {
    match flow.challenge(peer).await {
        Ok(Some(head)) => {
            let body = serde_json::to_vec(&exchange::answer::Challenge { report, head }).unwrap_or_default();
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Ok(None) => refuse(&report),
        Err(error) => refuse(&error.report()),
    }
}

/// Why a body was not read to its end.
enum Unread {
    TooLong,
    Broken,
}

/// Reads what has at most `most` bytes and stops where nothing of it can go on.
async fn read(body: Body, most: usize) -> Result<Vec<u8>, Unread> {
    let announced = axum::body::HttpBody::size_hint(&body).lower();
    if announced > most as u64 {
        return Err(Unread::TooLong);
    }
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Unread::Broken)?;
        if bytes.len() + chunk.len() > most {
            return Err(Unread::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn package_file(
    State(endpoint): State<Endpoint>,
    Extension(tls): Extension<Arc<TlsInfo>>,
    Path((package, name)): Path<(PackageId, String)>,
    request: Request,
) -> Response {
    let peer = match peer_of(&endpoint.flow, &tls).await {
        Ok(peer) => peer,
        Err(report) => return turn_away(&report),
    };
    let (path, digest) = match endpoint.flow.served(peer, package, &name).await {
        Ok(Some(served)) => served,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return refuse(&error.report()),
    };
    let taken = request.method() == Method::GET;
    let Some(turn) = endpoint.turns.take(peer) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let (counts, flow) = (endpoint.served.clone(), endpoint.flow.clone());
    let told = Arc::new(move |from, bytes| {
        let _held = &turn;
        counts.add(package, &name, from, bytes, flow.now());
    });
    let mut response = serve_file(&path, request.method(), request.headers(), told).await;
    // Who only asks for the size takes nothing.
    if taken
        && response.status().is_success()
        && let Err(error) = endpoint.flow.fetch_began(package).await
    {
        return refuse(&error.report());
    }
    // RFC 9530: the digest of the whole file, whatever range is served.
    let digest = format!("sha-256=:{}:", STANDARD.encode(digest.as_bytes()));
    if let Ok(value) = HeaderValue::from_str(&digest) {
        response.headers_mut().insert(HeaderName::from_static("repr-digest"), value);
    }
    response
}

async fn descriptor(State(endpoint): State<Endpoint>) -> Response {
    match endpoint.descriptor.now(endpoint.flow.now()) {
        Some(shown) => {
            let bytes = shown.signed.as_ref().clone();
            ([(header::CONTENT_TYPE, "application/pkcs7-mime")], bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn peer_of(flow: &Flow, tls: &TlsInfo) -> Result<StateCode, Report> {
    let unknown = FlowError::UnknownPeer { state: flow.us() };
    let certificate = tls.peer_certificates.first().ok_or_else(|| unknown.report())?;
    client_state(flow, certificate).await
}

/// Who is not known is not told that an envelope is wrong: the sender keeps it and tries again.
fn turn_away(report: &Report) -> Response {
    match report.family {
        Family::Fault => refuse(report),
        Family::Refusal | Family::PeerFault => answer(StatusCode::FORBIDDEN, report),
    }
}

fn refuse(report: &Report) -> Response {
    let status = StatusCode::from_u16(exchange::answer::status(report));
    answer(status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE), report)
}

fn answer(status: StatusCode, report: &Report) -> Response {
    tracing::warn!(code = report.code, status = status.as_u16(), "refused");
    let body = serde_json::to_vec(&exchange::answer::shown(report)).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
