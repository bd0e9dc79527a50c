//! The bytes of the file as text: UTF-8, or Latin-1 where it is none, as some chapters are.

use std::borrow::Cow;

/// The characters that Windows puts at 0x80 to 0x9f, where Latin-1 has control characters.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// What the declaration says does not matter: it was seen to be wrong, and bytes that are UTF-8 are hardly anything else.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| character(*byte)).collect()),
    }
}

fn character(byte: u8) -> char {
    let windows = byte.checked_sub(0x80).and_then(|at| WINDOWS.get(usize::from(at)));
    windows.copied().unwrap_or_else(|| char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_utf_8_is_read_byte_by_byte() {
        assert_eq!(decoded("Türkiye".as_bytes()), "Türkiye");
        assert_eq!(decoded(b"T\xfcrkiye, C\xf4te d\x92Ivoire"), "Türkiye, Côte d’Ivoire");
    }
}
