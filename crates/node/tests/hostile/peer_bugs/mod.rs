//! Bugs that users of other software suffered, each as a test of ours; `docs/peer-bugs.md` says what they did.

mod connector;
mod holodeck;
mod oxalis;
mod phase4;
mod sharing;

use crate::fixture::{Node, World, at_rest};
use exchange::Receipt;
use flow::HandedBy;
use std::{
    pin::pin,
    task::Poll::{Pending, Ready},
};
use treaty::Kind;
use vocabulary::{EnvelopeId, FileId};

/// `to` takes the envelope in, as its endpoint does.
async fn taken(from: &Node, to: &Node, id: EnvelopeId) -> Vec<u8> {
    to.flow.take_in(&from.envelope(id).await, HandedBy::Peer(from.state())).await.unwrap()
}

/// What a receipt says, after its signature was checked under the root of `of`.
fn read(receipt: &[u8], of: &Node) -> Receipt {
    let anchor = of.flow.keys().root().unwrap().anchor().clone();
    let verified = seal::verify_cms_attached(receipt, &anchor, of.flow.now()).unwrap();
    serde_json::from_slice(verified.value()).unwrap()
}

/// Lets `work` fall after so many steps, as a handler falls whose connection breaks; `None` when it was not done.
async fn broken_off<T>(work: impl Future<Output = T>, steps: usize) -> Option<T> {
    let (mut work, mut left) = (pin!(work), steps);
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Ready(done) => Ready(Some(done)),
        Pending if left == 0 => Ready(None),
        Pending => {
            left -= 1;
            Pending
        }
    })
    .await
}

/// A request of A to B that is delivered, without any node serving.
async fn file_of_both(world: &World) -> FileId {
    let file = world.a.ask(&world.b, Kind::PRESERVATION).await;
    world.a.pouch(&world.b).await;
    file
}

/// The envelopes of a file that wait for a receipt at `node`, once its duties are discharged.
async fn waiting(node: &Node, file: FileId) -> Vec<EnvelopeId> {
    node.flow.discharge_due().await.unwrap();
    let letters = node.flow.timeline(file).await.unwrap().letters;
    letters.into_iter().filter(|letter| letter.proof == "waiting").map(|letter| letter.envelope).collect()
}

/// How often the event `what` stands in a file.
async fn count(node: &Node, file: FileId, what: &str) -> usize {
    let steps = node.flow.timeline(file).await.unwrap().steps;
    steps.iter().filter(|step| step.what == what).count()
}
