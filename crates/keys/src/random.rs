//! Random bytes from the operating system: the one place where the program takes them.

use crate::KeyFault;

pub fn random_bytes<const N: usize>() -> Result<[u8; N], KeyFault> {
    let mut bytes = [0; N];
    fill_random(&mut bytes)?;
    Ok(bytes)
}

pub fn fill_random(bytes: &mut [u8]) -> Result<(), KeyFault> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| KeyFault::Random)
}
