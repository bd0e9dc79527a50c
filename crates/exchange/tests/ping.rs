//! Contact points ask each other whether they are there, and believe only what answers their own question.

#![cfg(test)]

#[expect(dead_code, reason = "envelopes, receipts and logs are for the other tests")]
mod fixture;

use exchange::{MAX_PING_BYTES, Ping, Pong};
use fixture::{Node, now, state};
use vocabulary::{Failure, OfficeFunction};

fn sign(node: &Node, function: OfficeFunction, json: &[u8]) -> Vec<u8> {
    let key = node.offices[&function].office_key().unwrap();
    seal::sign_cms(json, true, key.signing(), key.certificate(), now()).unwrap()
}

fn question() -> Ping {
    Ping::new(state("XA"), state("XB"), [7; 32], now())
}

fn asked(a: &Node, ping: &Ping, function: OfficeFunction) -> Result<(), &'static str> {
    let signed = sign(a, function, &ping.to_json().unwrap());
    let read = Ping::verify(&signed, state("XA"), a.peer().anchor(), state("XB"), now());
    read.map(drop).map_err(|fault| fault.code())
}

#[test]
fn a_question_is_read_and_its_answer_believed() {
    let (a, b) = (Node::new("XA", 1), Node::new("XB", 2));
    let ping = question();
    let signed = sign(&a, OfficeFunction::ContactPoint, &ping.to_json().unwrap());
    let read = Ping::verify(&signed, state("XA"), a.peer().anchor(), state("XB"), now()).unwrap();
    assert_eq!(read.value(), &ping);
    for on_duty in [true, false] {
        let pong = Pong::to(read.value(), &signed, now(), on_duty);
        let answer = sign(&b, OfficeFunction::ContactPoint, &pong.to_json().unwrap());
        let known = Pong::verify(&answer, &ping, &signed, b.peer().anchor(), now()).unwrap();
        assert_eq!(
            (known.value().on_duty, known.signer().to_string().as_str()),
            (on_duty, "XB/contact-point")
        );
        assert!(!String::from_utf8(pong.to_json().unwrap()).unwrap().contains("officer"));
    }
}

#[test]
fn a_question_of_another_office_state_format_or_nonce_is_refused() {
    let a = Node::new("XA", 1);
    assert_eq!(asked(&a, &question(), OfficeFunction::ContactPoint), Ok(()));
    assert_eq!(asked(&a, &question(), OfficeFunction::Node), Err("P-638"));
    let other = |change: fn(&mut Ping)| {
        let mut ping = question();
        change(&mut ping);
        asked(&a, &ping, OfficeFunction::ContactPoint)
    };
    assert_eq!(other(|ping| ping.to = "XC/contact-point".parse().unwrap()), Err("P-638"));
    assert_eq!(other(|ping| ping.from = "XC/contact-point".parse().unwrap()), Err("P-638"));
    assert_eq!(other(|ping| ping.format = "rogatory/ping/9".to_owned()), Err("P-637"));
    assert_eq!(other(|ping| ping.nonce = "07".to_owned()), Err("P-637"));
    assert_eq!(other(|ping| ping.nonce = "G".repeat(64)), Err("P-637"));
    let long = vec![0; MAX_PING_BYTES + 1];
    let fault = Ping::verify(&long, state("XA"), a.peer().anchor(), state("XB"), now()).unwrap_err();
    assert_eq!(fault.code(), "P-637");
    let text = sign(&a, OfficeFunction::ContactPoint, b"{\"colour\":\"red\"}");
    let fault = Ping::verify(&text, state("XA"), a.peer().anchor(), state("XB"), now()).unwrap_err();
    assert_eq!(fault.code(), "P-637");
}

#[test]
fn an_answer_to_another_question_or_of_another_state_does_not_count() {
    let (a, b) = (Node::new("XA", 1), Node::new("XB", 2));
    let (ping, later) = (question(), Ping::new(state("XA"), state("XB"), [8; 32], now()));
    let signed = sign(&a, OfficeFunction::ContactPoint, &ping.to_json().unwrap());
    let pong = Pong::to(&ping, &signed, now(), true);
    let answer = sign(&b, OfficeFunction::ContactPoint, &pong.to_json().unwrap());
    let code = |answer: &[u8], ping: &Ping, question: &[u8]| {
        Pong::verify(answer, ping, question, b.peer().anchor(), now()).unwrap_err().code()
    };
    assert_eq!(code(&answer, &later, &signed), "P-638");
    assert_eq!(code(&answer, &ping, b"another"), "P-638");
    let by_node = sign(&b, OfficeFunction::Node, &pong.to_json().unwrap());
    assert_eq!(code(&by_node, &ping, &signed), "P-638");
    // Signed by another State: its root is not XB's.
    let by_a = sign(&a, OfficeFunction::ContactPoint, &pong.to_json().unwrap());
    assert!(Pong::verify(&by_a, &ping, &signed, b.peer().anchor(), now()).is_err());
    for at in 0..answer.len() {
        let mut altered = answer.clone();
        altered[at] ^= 1;
        if let Ok(known) = Pong::verify(&altered, &ping, &signed, b.peer().anchor(), now()) {
            assert_eq!(known.value(), &pong, "byte {at}");
        }
    }
}
