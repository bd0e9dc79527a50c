//! One listening socket: TLS or plain, with times for whoever connects, and an orderly end.

use crate::{Limits, NodeError};
use axum::Router;
use axum_server::{Handle, tls_rustls::RustlsConfig};
use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};
use tokio::task::JoinHandle;

/// A socket that is served; dropped, it goes on until the process ends.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    handle: Handle<SocketAddr>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Listener {
    /// Takes no more connections and lets the open ones end within `grace`.
    pub(crate) async fn stop(self, grace: Duration) {
        self.handle.graceful_shutdown(Some(grace));
        let _ = self.server.await;
    }
}

/// The times of HTTP/1.1 and HTTP/2, the same for every socket.
macro_rules! with_times {
    ($server:expr, $limits:expr) => {{
        let server = &mut $server;
        server
            .http_builder()
            .http1()
            .timer(hyper_util::rt::TokioTimer::new())
            .header_read_timeout($limits.head)
            .http2()
            .timer(hyper_util::rt::TokioTimer::new())
            .max_concurrent_streams(64)
            .keep_alive_interval(Some(Duration::from_secs(20)));
    }};
}

/// Serves `router` at `address`; without `tls` in the clear.
pub(crate) fn listen(
    address: &str,
    tls: Option<RustlsConfig>,
    router: Router,
    limits: Limits,
) -> Result<Listener, NodeError> {
    let fault = |source| NodeError::Listen { address: address.to_owned(), source };
    let listener = TcpListener::bind(address).map_err(fault)?;
    listener.set_nonblocking(true).map_err(fault)?;
    let bound = listener.local_addr().map_err(fault)?;
    let (handle, service) = (Handle::new(), router.into_make_service());
    let server = match tls {
        Some(config) => {
            let server = axum_server::from_tcp_rustls(listener, config).map_err(fault)?;
            let mut server = server
                .map(|acceptor| acceptor.handshake_timeout(limits.handshake))
                .first_request_timeout(limits.head)
                .handle(handle.clone());
            with_times!(server, limits);
            tokio::spawn(async move { server.serve(service).await })
        }
        None => {
            let mut server = axum_server::from_tcp(listener)
                .map_err(fault)?
                .first_request_timeout(limits.head)
                .handle(handle.clone());
            with_times!(server, limits);
            tokio::spawn(async move { server.serve(service).await })
        }
    };
    Ok(Listener { address: bound, handle, server })
}
