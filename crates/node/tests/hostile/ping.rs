//! Questions to the contact point that are none: too long, not signed, of another State, of nobody.

use crate::fixture::{World, client, tls_to};
use exchange::{MAX_PING_BYTES, Pong};
use vocabulary::OfficeFunction;

#[tokio::test(flavor = "multi_thread")]
async fn only_a_question_that_the_peers_contact_point_signed_is_answered() {
    let mut world = World::new().await;
    world.a.start().await;
    let (a, b) = (&world.a, &world.b);
    let before = a.mark().await;
    let ask = async |body: Vec<u8>| {
        let config = tls_to(a, Some(b.identity()));
        let answer = client(config).post(a.url("/v1/ping")).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
    };
    let question = b.flow.ping_question(a.state()).await.unwrap();
    let (status, answer) = ask(question.signed.clone()).await;
    assert_eq!(status, 200);
    let known = b.flow.ping_answered(&question, &answer, std::time::Duration::ZERO).await.unwrap();
    assert_eq!(known.on_duty, Some(false));

    let code = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap()["code"].clone();
    let (status, body) = ask(vec![b'0'; MAX_PING_BYTES + 1]).await;
    assert_eq!((status, code(&body)), (422, "P-637".into()));
    for hostile in [&b""[..], b"{}", &question.signed[..question.signed.len() / 2]] {
        let (status, body) = ask(hostile.to_vec()).await;
        assert_eq!(status, 422, "{}", String::from_utf8_lossy(&body));
    }
    // Signed by another office of the peer, and an answer in the place of a question.
    let now = a.flow.now();
    let key = b.key(OfficeFunction::Node);
    let ping = exchange::Ping::new(b.state(), a.state(), [1; 32], now);
    let json = ping.to_json().unwrap();
    let by_node = seal::sign_cms(&json, true, key.signing(), key.certificate(), now).unwrap();
    assert_eq!(code(&ask(by_node).await.1), "P-638");
    let key = b.key(OfficeFunction::ContactPoint);
    let pong = Pong::to(&ping, b"question", now, true).to_json().unwrap();
    let answer = seal::sign_cms(&pong, true, key.signing(), key.certificate(), now).unwrap();
    assert_eq!(code(&ask(answer).await.1), "P-637");
    // Our own question comes back to us by the peer.
    let ours = a.flow.ping_question(b.state()).await.unwrap();
    assert_eq!(ask(ours.signed).await.0, 422);
    assert_eq!(a.mark().await, before, "a question leaves nothing");
    world.still_works().await;
}
