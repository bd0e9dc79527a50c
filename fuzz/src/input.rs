//! How a target reads its bytes: first what to do with them, then the rest.

/// The first byte, as one of `count` ways, and the bytes after it.
pub fn way(data: &[u8], count: u8) -> Option<(u8, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((first % count, rest))
}

/// Two little-endian bytes as a position in `length` bytes, and the bytes after them.
pub fn position(data: &[u8], length: usize) -> Option<(usize, &[u8])> {
    let (first, rest) = data.split_first_chunk::<2>()?;
    Some((usize::from(u16::from_le_bytes(*first)).checked_rem(length)?, rest))
}

/// `bytes` with one byte changed for certain: the first two of `data` say where, the third how.
pub fn altered(bytes: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let (at, rest) = position(data, bytes.len())?;
    let flip = rest.first().copied().unwrap_or(1).max(1);
    let mut altered = bytes.to_vec();
    *altered.get_mut(at)? ^= flip;
    Some(altered)
}

/// DER in the armour of RFC 7468.
pub fn pem(label: &str, der: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text + "-----END " + label + "-----\n"
}
