//! Mutual TLS 1.3 between nodes with the hybrid post-quantum key exchange: only enrolled States get in.

use crate::NodeError;
use flow::{Flow, FlowError};
use register::Peer;
use rustls::{
    CipherSuite, ClientConfig, RootCertStore, ServerConfig, client::WebPkiServerVerifier,
    crypto::CryptoProvider, server::WebPkiClientVerifier, time_provider::TimeProvider, version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _};
use seal::Certificate;
use std::{sync::Arc, time::Duration};
use vocabulary::{Failure as _, Report, StateCode};

/// AWS-LC with X25519MLKEM768 first, and no key exchange without it in the first flight.
///
/// AES-128-GCM comes first: packages are large, sealed already, and its rounds are the fewest.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|known| known.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    Arc::new(provider)
}

/// The server side: a client must show a certificate of an enrolled State's node, or of our own.
pub(crate) async fn server_config(flow: &Flow) -> Result<Arc<ServerConfig>, NodeError> {
    let mut roots = RootCertStore::empty();
    let own = Certificate::from_pem(&flow.keys().root_certificate_pem()?).map_err(|error| tls(&error))?;
    add(&mut roots, &own)?;
    for peer in flow.peers().await? {
        add(&mut roots, peer.anchor().certificate())?;
    }
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| tls(&error))?;
    let (chain, key) = own_pair(flow)?;
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(NodeTime(flow.clone())))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| tls(&error))?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .map_err(|error| tls(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The server side for strangers, who read the log and show no certificate.
pub(crate) fn public_server_config(flow: &Flow) -> Result<Arc<ServerConfig>, NodeError> {
    let (chain, key) = own_pair(flow)?;
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(NodeTime(flow.clone())))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| tls(&error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| tls(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The client side towards one peer: only that State's root is believed.
pub(crate) fn client_config(flow: &Flow, peer: &Peer) -> Result<ClientConfig, NodeError> {
    let mut roots = RootCertStore::empty();
    add(&mut roots, peer.anchor().certificate())?;
    let servers = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| tls(&error))?;
    let (chain, key) = own_pair(flow)?;
    let mut config = ClientConfig::builder_with_details(provider(), Arc::new(NodeTime(flow.clone())))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| tls(&error))?
        .with_webpki_verifier(servers)
        .with_client_auth_cert(chain, key)
        .map_err(|error| tls(&error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The State whose node this client certificate belongs to; a root speaks for its own State only.
pub(crate) async fn client_state(flow: &Flow, certificate: &[u8]) -> Result<StateCode, Report> {
    let shown = Certificate::from_der(certificate).map_err(|error| error.report())?;
    let state = shown.office().map_or(flow.us(), |office| office.state);
    let peer = flow.peer(state).await.map_err(|error: FlowError| error.report())?;
    peer.anchor().verify_tls(&shown, flow.now()).map_err(|error| error.report())?;
    peer.believes(&shown.fingerprint(), flow.now()).map_err(|error| error.report())?;
    Ok(state)
}

/// The node's own clock, so that certificates are judged by the time that receipts name.
#[derive(Debug)]
struct NodeTime(Flow);

impl TimeProvider for NodeTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().seconds()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

fn own_pair(flow: &Flow) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), NodeError> {
    let (chain, key) = flow.keys().tls_pem()?;
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| tls(&error))?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| tls(&error))?;
    Ok((chain, key))
}

fn add(roots: &mut RootCertStore, certificate: &Certificate) -> Result<(), NodeError> {
    roots.add(CertificateDer::from(certificate.der().to_vec())).map_err(|error| tls(&error))
}

fn tls(error: &dyn std::error::Error) -> NodeError {
    NodeError::Tls { reason: error.to_string() }
}
