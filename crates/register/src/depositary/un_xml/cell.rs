//! One cell of the table: text with tags that were escaped, footnote marks, and a date with its mark.

use super::super::EventKind;
use jiff::civil::Date;

/// No tag in a cell is longer.
const MAX_TAG_BYTES: usize = 256;

/// The text without tags, without what stands in superscript, with single spaces.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0_usize;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        if marks == 0 {
            out.push_str(before);
        }
        match tag(from) {
            Some((name, after)) => {
                match name.to_ascii_lowercase().as_str() {
                    "superscript" | "sup" => marks += 1,
                    "/superscript" | "/sup" => marks = marks.saturating_sub(1),
                    // A line break or a paragraph parts words; a style does not.
                    "br" | "br/" | "p" | "/p" | "div" | "/div" => out.push(' '),
                    _ => {}
                }
                rest = after;
            }
            None => {
                let (sign, after) = from.split_at(1);
                if marks == 0 {
                    out.push_str(sign);
                }
                rest = after;
            }
        }
    }
    if marks == 0 {
        out.push_str(rest);
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The name of the tag that begins here, with a leading `/` of an end, and what follows it.
fn tag(text: &str) -> Option<(&str, &str)> {
    let (inside, after) = text.strip_prefix('<')?.split_once('>')?;
    let name = inside.split_whitespace().next().filter(|_| inside.len() <= MAX_TAG_BYTES)?;
    name.trim_start_matches('/')
        .starts_with(|first: char| first.is_ascii_alphabetic())
        .then_some((name, after))
}

/// Whether a footnote mark stands in it.
pub(super) fn has_mark(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("<superscript") || lower.contains("<sup>")
}

/// `27 Feb 2026`, perhaps with the mark of the kind of instrument after it.
pub(super) fn date_and_mark(text: &str) -> Option<(Date, &str)> {
    let mut words = text.split_whitespace();
    let date = date(words.next()?, words.next()?, words.next()?)?;
    let mark = words.next().unwrap_or("");
    words.next().is_none().then_some((date, mark))
}

/// Day, English month and year of four digits.
pub(super) fn date(day: &str, month: &str, year: &str) -> Option<Date> {
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(day, 2) || !digits(year, 4) || year.len() != 4 {
        return None;
    }
    Date::new(year.parse().ok()?, number_of(month)?, day.parse().ok()?).ok()
}

/// `Feb`, `Feb.`, `February`, `Sept`.
fn number_of(month: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = month.trim_end_matches(['.', ',']).to_lowercase();
    let at = MONTHS.iter().position(|name| word.len() >= 3 && name.starts_with(&word))?;
    i8::try_from(at + 1).ok()
}

/// `A` acceptance, `AA` approval, `a` accession, `d` succession; none is a ratification.
pub(super) fn instrument(mark: &str) -> Option<EventKind> {
    Some(match mark {
        "" => EventKind::Ratification,
        "A" => EventKind::Acceptance,
        "AA" => EventKind::Approval,
        "a" => EventKind::Accession,
        "d" => EventKind::Succession,
        _ => return None,
    })
}

/// The one number in a text such as `Signatories: 72`.
pub(super) fn number(text: &str) -> Option<usize> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let number = numbers.next()?.parse().ok();
    number.filter(|_| numbers.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_footnote_marks_are_no_text() {
        assert_eq!(plain("Qatar<superscript>1, 2</superscript>"), "Qatar");
        assert_eq!(plain("  <i>Viet</i> Nam <sup>3</sup>\n"), "Viet Nam");
        assert_eq!(plain("one<br/>two</p>three"), "one two three");
        assert_eq!(plain("1 < 2 and 3 > 2"), "1 < 2 and 3 > 2");
        assert_eq!(plain("</superscript>left"), "left");
        assert_eq!(plain("open <superscript>for ever"), "open");
        assert_eq!(plain("<"), "<");
    }

    #[test]
    fn a_cell_holds_a_date_and_the_mark_of_its_instrument() {
        for (text, date, mark) in [
            ("27 Feb 2026", "2026-02-27", ""),
            ("27 Feb 2026 A", "2026-02-27", "A"),
            ("7 September 2026 AA", "2026-09-07", "AA"),
            ("1 Sept 2026 a", "2026-09-01", "a"),
            ("29 Feb 2028 d", "2028-02-29", "d"),
        ] {
            let (found, found_mark) = date_and_mark(text).unwrap();
            assert_eq!((found.to_string().as_str(), found_mark), (date, mark), "{text}");
            assert!(instrument(mark).is_some());
        }
        for text in [
            "",
            "31 Feb 2026",
            "29 Feb 2026",
            "27 Fév 2026",
            "Feb 2026",
            "27 Feb 26",
            "27 Feb 2026 A A",
            "27 Ma 2026",
            "027 Feb 2026",
        ] {
            assert!(date_and_mark(text).is_none(), "{text}");
        }
        assert_eq!(instrument("X"), None);
    }

    #[test]
    fn a_total_is_one_number() {
        assert_eq!(number("Signatories : 72"), Some(72));
        assert_eq!(number(""), None);
        assert_eq!(number("72 (70)"), None);
    }
}
