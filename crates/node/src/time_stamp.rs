//! Time-stamps over HTTP (RFC 3161, 3.4): a client for any authority, and a server for demonstrations.

use crate::{NodeError, client::plain};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use flow::{Clock, SystemClock};
use reqwest::{Client, Url, redirect::Policy};
use seal::{MAX_TIME_STAMP_BYTES, TimeStampAuthority};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// For the whole exchange, however slowly the bytes come.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// A query is a digest and a nonce; nothing longer is read by our own authority.
const MAX_QUERY_BYTES: usize = 4 << 10;

/// Sends `query` to the authority at `url` and returns its answer, which nobody has verified yet.
///
/// The authority learns a digest and our address, no more. Plain `http` is usual: the answer is signed.
pub async fn request_time_stamp(url: &str, query: &[u8]) -> Result<Vec<u8>, NodeError> {
    let url = authority_url(url)?;
    let mut client =
        Client::builder().connect_timeout(CONNECT_TIME).timeout(ANSWER_TIME).redirect(Policy::none());
    // An authority outside may stand behind the house's proxy, one on this machine never does.
    if url.host_str().and_then(|host| host.parse::<IpAddr>().ok()).is_some_and(|ip| ip.is_loopback()) {
        client = client.no_proxy();
    }
    let client = client.build().map_err(|error| NodeError::Tls { reason: error.to_string() })?;
    let mut answer = client
        .post(url)
        .header(header::CONTENT_TYPE, QUERY)
        .header(header::ACCEPT, REPLY)
        .body(query.to_vec())
        .send()
        .await
        .map_err(|error| trouble(plain(&error)))?;
    if answer.status() != StatusCode::OK {
        return Err(trouble(format!("it answered {}", answer.status().as_u16())));
    }
    if !is(answer.headers(), REPLY) {
        return Err(trouble(format!("its answer is not of the type `{REPLY}`")));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| trouble(plain(&error)))? {
        if body.len() + chunk.len() > MAX_TIME_STAMP_BYTES {
            return Err(trouble(format!("its answer has more than {MAX_TIME_STAMP_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn authority_url(text: &str) -> Result<Url, NodeError> {
    let wrong = |reason: &str| NodeError::TimeStampUrl {
        url: text.chars().take(200).collect(),
        reason: reason.to_owned(),
    };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(wrong("`http` or `https` is expected")),
    }
}

/// The media type, whatever parameters follow it.
fn is(headers: &HeaderMap, wanted: &str) -> bool {
    let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    named
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted))
}

fn trouble(reason: String) -> NodeError {
    NodeError::TimeStamp { reason }
}

/// A demonstration authority that answers at [`Self::address`] until it is dropped.
#[derive(Debug)]
pub struct TimeStampServer {
    address: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl TimeStampServer {
    /// The address that was bound; a port of 0 has become a real one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client is given.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves until the listener fails.
    pub async fn join(mut self) -> Result<(), NodeError> {
        match (&mut self.task).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(NodeError::Listen { address: self.address.to_string(), source }),
            Err(_) => Err(trouble("the server was stopped".to_owned())),
        }
    }
}

impl Drop for TimeStampServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves an authority for demonstrations, with the clock of this machine.
pub async fn serve_time_stamps(
    listen: SocketAddr,
    authority: TimeStampAuthority,
) -> Result<TimeStampServer, NodeError> {
    let fault = |source| NodeError::Listen { address: listen.to_string(), source };
    let listener = TcpListener::bind(listen).await.map_err(fault)?;
    let address = listener.local_addr().map_err(fault)?;
    let router = Router::new()
        .route("/", post(stamp))
        .layer(DefaultBodyLimit::max(MAX_QUERY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER_TIME))
        .layer(CatchPanicLayer::new())
        .with_state(Arc::new(authority));
    let task = tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(TimeStampServer { address, task })
}

async fn stamp(
    State(authority): State<Arc<TimeStampAuthority>>,
    headers: HeaderMap,
    query: Bytes,
) -> Response {
    if !is(&headers, QUERY) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let Ok(serial) = keys::random_bytes::<16>() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    match authority.answer(&query, serial, SystemClock.now()) {
        Ok(response) => ([(header::CONTENT_TYPE, REPLY)], response).into_response(),
        Err(error) => {
            tracing::error!(%error, "no time-stamp");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seal::{TimeStampQuery, verify_time_stamp};
    use std::{fs, process::Command};
    use vocabulary::{Digest, Failure as _};

    const DATA: &[u8] = b"the tag manifest of a package\n";
    const DAY: Duration = Duration::from_secs(86_400);

    fn authority() -> TimeStampAuthority {
        let now = SystemClock.now();
        TimeStampAuthority::generate("Exercise", now.minus(DAY), now.plus(DAY)).unwrap()
    }

    async fn server() -> (TimeStampServer, seal::Certificate) {
        let authority = authority();
        let root = authority.root().clone();
        (serve_time_stamps(([127, 0, 0, 1], 0).into(), authority).await.unwrap(), root)
    }

    /// Answers every request with `bytes`, as they are.
    async fn impostor(bytes: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(&bytes).await;
            }
        });
        format!("http://{address}/")
    }

    #[tokio::test]
    async fn a_client_gets_a_time_stamp_that_openssl_verifies() {
        let (server, root) = server().await;
        let query = TimeStampQuery::new(Digest::of(DATA), keys::random_bytes().unwrap());
        let answer = request_time_stamp(&server.url(), &query.to_der().unwrap()).await.unwrap();
        assert_eq!(query.check_answer(&answer), Ok(()));
        let stamp = verify_time_stamp(&answer, DATA, std::slice::from_ref(&root)).unwrap();
        assert!(stamp.demonstration && stamp.at <= SystemClock.now());
        if Command::new("openssl").arg("version").output().is_err() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("F"), DATA).unwrap();
        fs::write(folder.path().join("F.tsr"), &answer).unwrap();
        fs::write(folder.path().join("ca.pem"), root.to_pem()).unwrap();
        let verify = |words: &str| {
            Command::new("openssl").args(words.split(' ')).current_dir(folder.path()).output().unwrap()
        };
        let said = verify("ts -verify -data F -in F.tsr -CAfile ca.pem");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        fs::write(folder.path().join("F"), b"another").unwrap();
        assert!(!verify("ts -verify -data F -in F.tsr -CAfile ca.pem").status.success());
    }

    #[tokio::test]
    async fn only_short_queries_by_post_are_answered() {
        let (server, root) = server().await;
        let client = Client::new();
        let get = client.get(server.url()).send().await.unwrap();
        assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
        let untyped = client.post(server.url()).body("x").send().await.unwrap();
        assert_eq!(untyped.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let long = request_time_stamp(&server.url(), &vec![0; MAX_QUERY_BYTES + 1]).await.unwrap_err();
        assert!(long.to_string().contains("413"), "{long}");
        let rejected = request_time_stamp(&server.url(), b"not a query").await.unwrap();
        assert_eq!(verify_time_stamp(&rejected, DATA, &[root]).unwrap_err().code(), "P-663");
    }

    #[tokio::test]
    async fn answers_that_are_none_are_told_apart() {
        let long = [
            b"HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\n\r\n".as_slice(),
            &vec![0; 100_000],
        ];
        for (answer, word) in [
            (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(), "404"),
            (b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n".to_vec(), "302"),
            (b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 1\r\n\r\nx".to_vec(), "type"),
            (long.concat(), "more than"),
            (b"SSH-2.0\r\n".to_vec(), ""),
        ] {
            let refused = request_time_stamp(&impostor(answer).await, b"q").await.unwrap_err();
            assert_eq!(refused.code(), "F-690");
            assert!(refused.to_string().contains(word), "{refused}");
        }
        for url in ["", "tsa.example", "ftp://tsa.example/", "file:///etc/passwd"] {
            assert_eq!(request_time_stamp(url, b"q").await.unwrap_err().code(), "R-690", "{url}");
        }
        let (server, _) = server().await;
        let no_tls = request_time_stamp(&server.url().replace("http", "https"), b"q").await.unwrap_err();
        assert_eq!(no_tls.code(), "F-690");
        let nobody = request_time_stamp("http://127.0.0.1:1/", b"q").await.unwrap_err();
        assert_eq!(nobody.code(), "F-690");
    }

    #[tokio::test]
    async fn an_address_in_use_is_named() {
        let (server, _) = server().await;
        let second = serve_time_stamps(server.address(), authority()).await.unwrap_err();
        assert_eq!(second.code(), "F-703");
    }
}
