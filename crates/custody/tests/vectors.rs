//! The vectors of `spec/vectors/custody`, made by a second implementation of `spec/04-custody.md`, good and bad.

use custody::{Chain, End, Link};
use serde::Deserialize;
use std::{fs, path::Path};
use vocabulary::{Digest, Failure, OfficeId};

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    links: Vec<Link>,
    head: Option<Digest>,
    ends: Option<Ends>,
    at: Option<usize>,
    code: Option<String>,
}

#[derive(Deserialize, Default)]
struct Ends {
    held: Option<OfficeId>,
    from: Option<OfficeId>,
    to: Option<OfficeId>,
    destroyed: Option<OfficeId>,
}

impl Ends {
    fn end(&self) -> Option<End> {
        let on_its_way = self.from.zip(self.to).map(|(from, to)| End::OnItsWay { from, to });
        self.held.map(End::Held).or(self.destroyed.map(|by| End::Destroyed { by })).or(on_its_way)
    }
}

#[test]
fn chains_are_judged_as_the_vectors_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors/custody/chain.json");
    let text = fs::read_to_string(file).expect("the vector file is there");
    let vectors: Vectors = serde_json::from_str(&text).expect("the vector file has this shape");
    for case in vectors.cases {
        match Chain::verify(&case.links) {
            Ok(chain) => {
                assert_eq!(case.head, Some(chain.head()), "{}", case.name);
                let ends = case.ends.unwrap_or_default().end();
                assert_eq!(ends, Some(chain.ends_at()), "{}", case.name);
            }
            Err(broken) => {
                assert_eq!(case.code.as_deref(), Some(broken.code()), "{}: {broken}", case.name);
                assert_eq!(case.at, Some(broken.at), "{}", case.name);
            }
        }
    }
}
