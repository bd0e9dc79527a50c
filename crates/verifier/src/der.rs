//! ASN.1 DER (X.690), as far as certificates, signatures and time-stamps need it: definite, shortest lengths only.

use crate::{
    flaw::{Flaw, Wrong, wrong},
    instant::Instant,
};

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// One value: its tag, what is inside, and all of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    pub tag: u8,
    pub inside: &'a [u8],
    pub whole: &'a [u8],
}

/// Values that follow each other.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

/// The constructed context-specific tag of this number.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub fn bad(&self) -> Wrong {
        wrong(Flaw::Encoding, format!("the {} cannot be read as DER of the expected form", self.what))
    }

    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may follow.
    pub fn end(&self) -> Result<(), Wrong> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.bad()) }
    }

    /// The next value, whatever it is.
    pub fn any(&mut self) -> Result<Value<'a>, Wrong> {
        let bad = self.bad();
        let (value, rest) = split(self.rest).ok_or(bad)?;
        self.rest = rest;
        Ok(value)
    }

    pub fn expect(&mut self, tag: u8) -> Result<Value<'a>, Wrong> {
        let value = self.any()?;
        if value.tag == tag { Ok(value) } else { Err(self.bad()) }
    }

    /// The next value if it has this tag.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>, Wrong> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// What is inside the next value, which has this tag.
    pub fn enter(&mut self, tag: u8) -> Result<Self, Wrong> {
        let value = self.expect(tag)?;
        Ok(Self { rest: value.inside, what: self.what })
    }

    pub fn oid(&mut self) -> Result<&'a [u8], Wrong> {
        self.expect(OID).map(|value| value.inside)
    }

    /// A small number that is not negative.
    pub fn small(&mut self) -> Result<u8, Wrong> {
        match self.expect(INTEGER)?.inside {
            [value] if *value < 0x80 => Ok(*value),
            _ => Err(self.bad()),
        }
    }

    /// A whole positive number, big-endian without leading zeros.
    pub fn unsigned(&mut self) -> Result<&'a [u8], Wrong> {
        match self.expect(INTEGER)?.inside {
            [0, rest @ ..] if rest.first().is_some_and(|first| *first >= 0x80) => Ok(rest),
            inside @ [first, ..] if (1..0x80).contains(first) => Ok(inside),
            _ => Err(self.bad()),
        }
    }

    /// The bytes of a bit string without unused bits.
    pub fn bits(&mut self) -> Result<&'a [u8], Wrong> {
        match self.expect(BIT_STRING)?.inside {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(self.bad()),
        }
    }

    /// UTCTime or GeneralizedTime, in whole seconds (RFC 5280, 4.1.2.5).
    pub fn time(&mut self) -> Result<Instant, Wrong> {
        let value = self.any()?;
        let text = std::str::from_utf8(value.inside).map_err(|_| self.bad())?;
        let instant = match value.tag {
            UTC_TIME => Instant::from_utc_time(text),
            GENERALIZED_TIME => Instant::from_generalized_time(text, false),
            _ => None,
        };
        instant.ok_or_else(|| self.bad())
    }

    /// Every value to the end.
    pub fn all(mut self) -> Result<Vec<Value<'a>>, Wrong> {
        let mut values = Vec::new();
        while !self.is_empty() {
            values.push(self.any()?);
        }
        Ok(values)
    }
}

impl<'a> Value<'a> {
    pub fn reader(&self, what: &'static str) -> Reader<'a> {
        Reader::new(self.inside, what)
    }
}

/// The one value that the bytes are.
pub(crate) fn only<'a>(bytes: &'a [u8], tag: u8, what: &'static str) -> Result<Reader<'a>, Wrong> {
    let mut reader = Reader::new(bytes, what);
    let inside = reader.enter(tag)?;
    reader.end()?;
    Ok(inside)
}

/// Tag numbers below 31, lengths in the shortest form, at most four bytes of length.
fn split(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let (tag, after) = bytes.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (first, after) = after.split_first()?;
    let (length, after) = match first {
        short @ 0..=0x7f => (usize::from(*short), after),
        0x81..=0x84 => {
            let (digits, after) = after.split_at_checked(usize::from(first & 0x0f))?;
            let length = digits.iter().fold(0_u64, |length, digit| length << 8 | u64::from(*digit));
            let shortest = length >= 0x80 && digits.first() != Some(&0);
            (usize::try_from(length).ok().filter(|_| shortest)?, after)
        }
        _ => return None,
    };
    let (inside, rest) = after.split_at_checked(length)?;
    let whole = bytes.get(..bytes.len() - rest.len())?;
    Some((Value { tag: *tag, inside, whole }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_one_form() {
        assert!(only(&[0x30, 0], SEQUENCE, "x").is_ok());
        let long = [&[0x30, 0x81, 0x80][..], &[0; 128]].concat();
        assert!(only(&long, SEQUENCE, "x").is_ok());
        for bad in [
            &[0x30, 0x80, 0, 0][..],
            &[0x30, 0x81, 1, 0],
            &[0x30, 0x82, 0, 1, 0],
            &[0x30, 1],
            &[0x30],
            &[],
            &[0x3f, 0x81, 1, 0],
            &[0x30, 0, 0],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x85, 1, 1, 1, 1, 1],
        ] {
            assert!(only(bad, SEQUENCE, "x").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn numbers_are_positive_and_shortest() {
        let read = |bytes: &[u8]| Reader::new(bytes, "x").unsigned().map(<[u8]>::to_vec);
        assert_eq!(read(&[2, 1, 5]), Ok(vec![5]));
        assert_eq!(read(&[2, 2, 0, 0x80]), Ok(vec![0x80]));
        for bad in [&[2, 0][..], &[2, 1, 0], &[2, 1, 0x80], &[2, 2, 0, 5]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
