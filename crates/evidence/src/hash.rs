//! SHA-256 whose state can be put aside and taken up again, so that an interrupted seal reads nothing twice.

use sha2::{
    Digest as _, Sha256,
    digest::common::hazmat::{SerializableState, SerializedState},
};
use vocabulary::Digest;

#[derive(Clone, Default)]
pub(crate) struct Hasher(Sha256);

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        Digest::from_bytes(self.0.finalize().into())
    }

    /// The state between two updates, in hex.
    pub(crate) fn save(&self) -> String {
        hex::encode(self.0.serialize())
    }

    pub(crate) fn restore(text: &str) -> Option<Self> {
        let bytes = hex::decode(text).ok()?;
        let state = SerializedState::<Sha256>::try_from(bytes.as_slice()).ok()?;
        Sha256::deserialize(&state).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_was_put_aside_goes_on_to_the_same_digest() {
        let mut hasher = Hasher::default();
        hasher.update(&[7; 100]);
        let mut again = Hasher::restore(&hasher.save()).unwrap();
        again.update(&[8; 1000]);
        assert_eq!(again.finish(), Digest::of(&[vec![7; 100], vec![8; 1000]].concat()));
        assert!(Hasher::restore("00").is_none());
        assert!(Hasher::restore("no hex").is_none());
    }
}
