//! How large and how many: what a law profile may hold, and that its texts are plain.

use super::{LawError, LawText, OffenceLaw, OutsideOffence, Provision};

/// The largest law profile that is read, signed or written.
pub const MAX_LAW_BYTES: usize = 1 << 20;
/// Entries for articles, and entries for offences outside the Convention.
pub const MAX_OFFENCES: usize = 128;
/// Provisions of one entry.
pub const MAX_PROVISIONS: usize = 32;
/// Texts of one provision, name or reservation: one for each language.
pub const MAX_TEXTS: usize = 8;
/// One text, in bytes.
pub const MAX_TEXT_BYTES: usize = 16 << 10;
/// One identifier, in bytes.
pub const MAX_IDENTIFIER_BYTES: usize = 512;
/// Element ids in one list of a provision.
pub const MAX_IDS: usize = 64;
/// Remarks of one provision.
pub const MAX_REMARKS: usize = 64;
/// One element id, in bytes.
const MAX_ID_BYTES: usize = 64;

/// Refuses what is too large, too many, or not plain text.
pub(super) fn bounds(offences: &[OffenceLaw], outside: &[OutsideOffence]) -> Result<(), LawError> {
    at_most("entries for articles", offences.len(), MAX_OFFENCES)?;
    at_most("entries outside the Convention", outside.len(), MAX_OFFENCES)?;
    for offence in offences {
        texts(&offence.reservations)?;
        provisions(&offence.provisions)?;
    }
    for offence in outside {
        texts(&offence.name)?;
        provisions(&offence.provisions)?;
    }
    Ok(())
}

fn provisions(provisions: &[Provision]) -> Result<(), LawError> {
    at_most("provisions of one entry", provisions.len(), MAX_PROVISIONS)?;
    for provision in provisions {
        at_most("bytes of an identifier", provision.identifier.len(), MAX_IDENTIFIER_BYTES)?;
        plain(&provision.identifier, "an identifier")?;
        texts(&provision.texts)?;
        at_most("remarks of one provision", provision.remarks.len(), MAX_REMARKS)?;
        for remark in &provision.remarks {
            id(&remark.element)?;
            text(&remark.text)?;
        }
        for list in [&provision.chosen, &provision.absent] {
            at_most("element ids in one list", list.len(), MAX_IDS)?;
            list.iter().try_for_each(|element| id(element))?;
        }
    }
    Ok(())
}

fn id(element: &str) -> Result<(), LawError> {
    at_most("bytes of an element id", element.len(), MAX_ID_BYTES)?;
    plain(element, "an element id")
}

fn texts(texts: &[LawText]) -> Result<(), LawError> {
    at_most("texts in one place", texts.len(), MAX_TEXTS)?;
    texts.iter().try_for_each(|found| text(&found.text))
}

fn text(found: &str) -> Result<(), LawError> {
    at_most("bytes of a text", found.len(), MAX_TEXT_BYTES)?;
    plain(found, "a text")
}

fn at_most(what: &'static str, found: usize, most: usize) -> Result<(), LawError> {
    if found > most { Err(LawError::Bound { what, found, most }) } else { Ok(()) }
}

/// No markup, no control characters but line feed and tab, and none that turn the direction of writing by force.
fn plain(text: &str, what: &'static str) -> Result<(), LawError> {
    let hidden = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    if text.chars().any(hidden) {
        return Err(LawError::NotPlain { what, found: "a control character" });
    }
    let after = text.chars().skip(1);
    let tag = |(c, next): (char, char)| c == '<' && (next.is_ascii_alphabetic() || "/!?".contains(next));
    if text.chars().zip(after).any(tag) {
        return Err(LawError::NotPlain { what, found: "markup" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_hidden_characters_are_refused_and_ordinary_law_is_not() {
        for good in
            ["Whoever, without right, …\n\t(a)", "fewer than 5 < 10 years", "يعاقب بالحبس", "R&D", "a <= b"]
        {
            assert!(plain(good, "a text").is_ok(), "{good}");
        }
        for bad in
            ["<b>x", "</p>", "<!--", "<?xml", "a\u{202E}b", "a\u{0}b", "a\u{1b}[31m", "\u{FEFF}x", "a\u{85}b"]
        {
            assert!(plain(bad, "a text").is_err(), "{bad:?}");
        }
    }
}
