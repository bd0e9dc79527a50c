//! Where the walk takes its ids, salts and tokens from.

use crate::FlowError;

pub trait Randomness: Send + Sync {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), FlowError>;
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), FlowError> {
        Ok(keys::fill_random(bytes)?)
    }
}
