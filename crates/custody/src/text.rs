//! The limits of the free text in a link: one line each, about offices and tools, never about persons.

use crate::LinkFault;

pub const MAX_PLACE_BYTES: usize = 200;
pub const MAX_WHY_BYTES: usize = 1000;
pub const MAX_TOOL_BYTES: usize = 200;
pub const MAX_ALTERATION_BYTES: usize = 2000;

/// Neither empty, nor longer than `most`, nor with a control character.
pub(crate) fn check(field: &'static str, text: &str, most: usize) -> Result<(), LinkFault> {
    let fits = (1..=most).contains(&text.len()) && !text.trim().is_empty();
    if fits && !text.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(LinkFault::BadText { field, most, found: text.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_line_that_says_something() {
        assert_eq!(check("place", "Évidence room 2", 20), Ok(()));
        for text in ["", "  ", "two\nlines", "del\u{7f}", &"x".repeat(21)] {
            assert!(check("place", text, 20).is_err(), "{text:?}");
        }
    }
}
