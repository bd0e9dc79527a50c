//! Who gets in: TLS 1.3 with the certificate of an enrolled State's node, and nobody else.

use crate::fixture::{Identity, Node, World, client, post, tls_to};
use rustls::{ClientConfig, ClientConnection, version::TLS12};
use rustls_pki_types::ServerName;
use seal::Root;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};
use vocabulary::{OfficeFunction, OfficeId};

const HOUR: Duration = crate::fixture::HOUR;

/// Shakes hands, waits for the server's verdict, and returns the connection or what the server said.
fn shake(address: &str, config: ClientConfig) -> Result<ClientConnection, String> {
    let host = address.split(':').next().unwrap().to_owned();
    let mut connection =
        ClientConnection::new(Arc::new(config), ServerName::try_from(host).unwrap()).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut socket).map_err(|error| error.to_string())?;
    }
    // In TLS 1.3 the server judges our certificate after we believe that we are through.
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    let asked = stream.write_all(b"GET /nothing HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n");
    let mut answer = Vec::new();
    let read = asked.and_then(|()| stream.read_to_end(&mut answer));
    match (answer.starts_with(b"HTTP/1.1 404"), read) {
        (true, _) => Ok(connection),
        (false, Err(error)) => Err(error.to_string()),
        (false, Ok(_)) => Err(format!("no answer: {:?}", String::from_utf8_lossy(&answer))),
    }
}

async fn verdict(to: &Node, mut config: ClientConfig) -> Result<ClientConnection, String> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let address = to.address().to_owned();
    tokio::task::spawn_blocking(move || shake(&address, config)).await.unwrap()
}

/// The handshake fails with `alert`; nothing is stored; the honest exchange goes on.
async fn turned_away(world: &World, config: impl Fn() -> ClientConfig, alert: &str) {
    let before = world.a.mark().await;
    let found = verdict(&world.a, config()).await.unwrap_err();
    assert!(found.contains(alert), "expected {alert}, found {found}");
    let posted = client(config()).post(world.a.url("/v1/inbox")).body("{}").send().await;
    assert!(posted.is_err(), "{posted:?}");
    assert_eq!(world.a.mark().await, before);
    world.still_works().await;
}

async fn serving() -> World {
    let mut world = World::new().await;
    world.a.start().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_certificate_is_turned_away() {
    let world = serving().await;
    turned_away(&world, || tls_to(&world.a, None), "CertificateRequired").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_of_a_state_that_is_not_enrolled_is_turned_away() {
    let world = serving().await;
    let now = world.a.flow.now();
    for state in ["XD", "XB"] {
        // The second one claims to be a State that is enrolled, under a root of its own making.
        let state = state.parse().unwrap();
        let root = Root::generate(state, "Nobody", now.minus(HOUR * 2), now.plus(HOUR * 2)).unwrap();
        let node = OfficeId::new(state, OfficeFunction::Node);
        let issued = root.issue_tls(&node, &["127.0.0.1"], now.minus(HOUR), now.plus(HOUR)).unwrap();
        let identity = || Identity::from_pem(&issued.certificate_pem(), issued.key_pem());
        turned_away(&world, || tls_to(&world.a, Some(identity())), "fatal alert").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_outside_its_dates_is_turned_away() {
    let world = serving().await;
    let (root, now) = (world.b.flow.keys().root().unwrap(), world.b.flow.now());
    for (from, until, alert) in [
        (now.minus(HOUR * 20), now.minus(HOUR), "CertificateExpired"),
        (now.plus(HOUR), now.plus(HOUR * 20), "fatal alert"),
    ] {
        let node = world.b.office(OfficeFunction::Node);
        let issued = root.issue_tls(&node, &["127.0.0.1"], from, until).unwrap();
        let identity = || Identity::from_pem(&issued.certificate_pem(), issued.key_pem());
        turned_away(&world, || tls_to(&world.a, Some(identity())), alert).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offices_certificate_is_not_one_for_tls() {
    let world = serving().await;
    for function in [OfficeFunction::CentralAuthority, OfficeFunction::Node] {
        let folder = world.b.folder().path().join("keys");
        let read = |kind| std::fs::read_to_string(folder.join(format!("{function}.{kind}.pem"))).unwrap();
        let identity = || Identity::from_pem(&read("cert"), &read("key"));
        turned_away(&world, || tls_to(&world.a, Some(identity())), "fatal alert").await;
    }
}

/// A TLS certificate by the root of XB in which XB's own software would never put such a name.
fn forged(world: &World, office: &str) -> Identity {
    certified(world, office, |_| {})
}

/// A TLS certificate by the root of XB, changed before it is signed.
pub(crate) fn certified(
    world: &World,
    office: &str,
    change: impl FnOnce(&mut rcgen::CertificateParams),
) -> Identity {
    let key = rcgen::KeyPair::generate().unwrap();
    let root = world.b.flow.keys().root().unwrap();
    let issuer_key = rcgen::KeyPair::from_pem(root.key_pem()).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_pem(&root.certificate_pem(), issuer_key).unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "node");
    let uri = format!("urn:rogatory:office:{office}").try_into().unwrap();
    params.subject_alt_names = vec![rcgen::SanType::URI(uri)];
    params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth, rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    change(&mut params);
    let certificate = params.signed_by(&key, &issuer).unwrap();
    Identity::from_pem(&certificate.pem(), &key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolled_root_does_not_speak_for_another_states_node() {
    let world = serving().await;
    let honest = world.c.plant_words(&world.a).await;
    let envelope = world.c.envelope(honest).await;
    let before = world.a.mark().await;
    for (office, code) in
        [("XC:node", "P-605"), ("XA:node", "R-159"), ("XD:node", "R-159"), ("XB:contact-point", "P-608")]
    {
        let client = client(tls_to(&world.a, Some(forged(&world, office))));
        let answer = post(&client, &world.a, envelope.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, code), "{office}");
        let path = format!("/v1/packages/{}/bagit.txt", uuid::Uuid::now_v7());
        let answer = client.get(world.a.url(&path)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 403, "{office}");
    }
    assert_eq!(world.a.mark().await, before);
    world.c.deliver(&world.a, honest).await;
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_2_is_refused() {
    let world = serving().await;
    let config = || {
        let Identity(chain, key) = world.b.identity();
        let mut roots = rustls::RootCertStore::empty();
        let root = world.a.flow.keys().root().unwrap();
        roots.add(root.certificate().der().to_vec().into()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS12])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    };
    turned_away(&world, config, "ProtocolVersion").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_nodes_agree_on_the_hybrid_post_quantum_key_exchange() {
    let world = serving().await;
    let connection = verdict(&world.a, tls_to(&world.a, Some(world.b.identity()))).await.unwrap();
    assert_eq!(connection.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    let group = connection.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
    world.still_works().await;
}
