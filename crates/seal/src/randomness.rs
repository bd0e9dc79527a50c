//! The one place where this crate takes randomness: the operating system's, through `aws-lc-rs`.

use aws_lc_rs::{error::Unspecified, rand};

pub(crate) use aws_lc_rs::rand::SystemRandom;

/// `N` fresh random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Unspecified> {
    let mut out = [0; N];
    rand::fill(&mut out)?;
    Ok(out)
}
