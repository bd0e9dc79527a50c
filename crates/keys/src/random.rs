//! Random bytes from the operating system: the one place where the program takes them.

use crate::KeyFault;

pub fn random_bytes<const N: usize>() -> Result<[u8; N], KeyFault> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| KeyFault::Random)?;
    Ok(bytes)
}
