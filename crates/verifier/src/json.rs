//! JSON (RFC 8259), read strictly: no repeated member, bounded depth, whole numbers only.

use crate::{
    flaw::{Flaw, Wrong, wrong},
    hash::Digest,
    instant::Instant,
};
use std::fmt;

const MAX_DEPTH: usize = 32;

/// A value as it came; the order of members is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// The text of the number: its readers decide what it may be.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole text; anything but white space after the value is refused.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Wrong> {
        let text = std::str::from_utf8(bytes).map_err(|_| wrong(Flaw::Document, "it is not UTF-8"))?;
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.space();
        if reader.at == text.len() { Ok(value) } else { Err(reader.bad("more after the value")) }
    }

    pub(crate) fn object(&self) -> Result<&[(String, Self)], Wrong> {
        match self {
            Self::Object(members) => Ok(members),
            _ => Err(wrong(Flaw::Document, "an object is expected")),
        }
    }

    /// Exactly these members; those with a `?` at the end may be absent.
    pub(crate) fn exactly(&self, names: &[&str]) -> Result<(), Wrong> {
        let members = self.object()?;
        let plain = |name: &str| name.trim_end_matches('?').to_owned();
        if let Some((name, _)) = members.iter().find(|(name, _)| !names.iter().any(|n| plain(n) == *name)) {
            let name: String = name.chars().take(64).collect();
            return Err(wrong(Flaw::Document, format!("the member `{name}` is not known")));
        }
        let absent = names.iter().find(|name| !name.ends_with('?') && self.member(name).is_none());
        absent.map_or(Ok(()), |name| Err(wrong(Flaw::Document, format!("the member `{name}` is missing"))))
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(have, _)| have == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Self, Wrong> {
        self.member(name).ok_or_else(|| wrong(Flaw::Document, format!("the member `{name}` is missing")))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, Wrong> {
        match self.get(name)? {
            Self::Text(text) => Ok(text),
            _ => Err(wrong(Flaw::Document, format!("the member `{name}` is not a text"))),
        }
    }

    /// The text of a member that may be absent or `null`.
    pub(crate) fn optional_text(&self, name: &str) -> Result<Option<&str>, Wrong> {
        match self.member(name) {
            None | Some(Self::Null) => Ok(None),
            Some(_) => self.text(name).map(Some),
        }
    }

    pub(crate) fn count(&self, name: &str) -> Result<u64, Wrong> {
        let value = match self.get(name)? {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        };
        value.ok_or_else(|| wrong(Flaw::Document, format!("the member `{name}` is not a whole number")))
    }

    pub(crate) fn list(&self, name: &str) -> Result<&[Self], Wrong> {
        match self.get(name)? {
            Self::List(items) => Ok(items),
            _ => Err(wrong(Flaw::Document, format!("the member `{name}` is not an array"))),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, Wrong> {
        match self.get(name)? {
            Self::Bool(value) => Ok(*value),
            _ => Err(wrong(Flaw::Document, format!("the member `{name}` is not true or false"))),
        }
    }

    pub(crate) fn digest(&self, name: &str) -> Result<Digest, Wrong> {
        let text = self.text(name)?;
        Digest::parse(text)
            .ok_or_else(|| wrong(Flaw::Document, format!("the member `{name}` is not a digest")))
    }

    pub(crate) fn instant(&self, name: &str) -> Result<Instant, Wrong> {
        let text = self.text(name)?;
        Instant::parse(text)
            .ok_or_else(|| wrong(Flaw::Document, format!("the member `{name}` is not an instant")))
    }

    /// Refuses another format than `expected`.
    pub(crate) fn format(&self, expected: &str) -> Result<(), Wrong> {
        let found: String = self.text("format")?.chars().take(64).collect();
        if found == expected {
            Ok(())
        } else {
            Err(wrong(Flaw::Document, format!("the format is `{found}`, expected `{expected}`")))
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for Json {
    fn from(number: usize) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

/// An object in the order written.
pub(crate) fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Compact JSON in one line.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(text) => f.write_str(text),
            Self::Text(text) => quoted(f, text),
            Self::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        f.write_str(",")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (at, (name, value)) in members.iter().enumerate() {
                    if at > 0 {
                        f.write_str(",")?;
                    }
                    quoted(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            c if u32::from(c) < 0x20 || u32::from(c) == 0x7f => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn bad(&self, what: &str) -> Wrong {
        wrong(Flaw::Document, format!("it is not JSON: {what} at byte {}", self.at))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Skips white space and takes `sign` if it comes next.
    fn take(&mut self, sign: u8) -> bool {
        self.space();
        let here = self.peek() == Some(sign);
        self.at += usize::from(here);
        here
    }

    fn value(&mut self, depth: usize) -> Result<Json, Wrong> {
        if depth > MAX_DEPTH {
            return Err(self.bad("too deep"));
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.members(depth),
            Some(b'[') => self.items(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Json, Wrong> {
        for (word, value) in [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))]
        {
            if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.bad("no value"))
    }

    fn items(&mut self, depth: usize) -> Result<Json, Wrong> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Ok(Json::List(items));
            }
            if !self.take(b',') {
                return Err(self.bad("no comma"));
            }
        }
    }

    fn members(&mut self, depth: usize) -> Result<Json, Wrong> {
        self.at += 1;
        let mut members: Vec<(String, Json)> = Vec::new();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        let mut names = std::collections::BTreeSet::new();
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.bad("no name"));
            }
            let name = self.string()?;
            if !names.insert(name.clone()) {
                return Err(self.bad("a repeated member"));
            }
            if !self.take(b':') {
                return Err(self.bad("no colon"));
            }
            members.push((name, self.value(depth + 1)?));
            if self.take(b'}') {
                return Ok(Json::Object(members));
            }
            if !self.take(b',') {
                return Err(self.bad("no comma"));
            }
        }
    }

    fn number(&mut self) -> Result<Json, Wrong> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let sign = |b: &u8| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        let text = rest.get(..rest.bytes().take_while(|b| sign(b)).count()).unwrap_or_default();
        if !number(text) {
            return Err(self.bad("a malformed number"));
        }
        self.at += text.len();
        Ok(Json::Number(text.to_owned()))
    }

    fn string(&mut self) -> Result<String, Wrong> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let c = rest.chars().next().ok_or_else(|| self.bad("a text without end"))?;
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(out),
                '\\' => out.push(self.escape()?),
                c if u32::from(c) < 0x20 => return Err(self.bad("a control character")),
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Wrong> {
        let sign = self.peek().ok_or_else(|| self.bad("a text without end"))?;
        self.at += 1;
        match sign {
            b'"' | b'\\' | b'/' => Ok(char::from(sign)),
            b'b' => Ok('\u{8}'),
            b'f' => Ok('\u{c}'),
            b'n' => Ok('\n'),
            b'r' => Ok('\r'),
            b't' => Ok('\t'),
            b'u' => self.unit(),
            _ => Err(self.bad("an unknown escape")),
        }
    }

    fn unit(&mut self) -> Result<char, Wrong> {
        let first = self.four()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| self.bad("half a character"));
        }
        let pair = self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u"));
        if !pair {
            return Err(self.bad("half a character"));
        }
        self.at += 2;
        let second = self.four()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(self.bad("half a character"));
        }
        let joined = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        char::from_u32(joined).ok_or_else(|| self.bad("half a character"))
    }

    fn four(&mut self) -> Result<u32, Wrong> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let value = value.ok_or_else(|| self.bad("a malformed escape"))?;
        self.at += 4;
        Ok(value)
    }
}

/// RFC 8259, 6.
fn number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = r#"{"a":[1,-2.5e3,true,null,"x\"\\\n\u0001é"],"b":{}}"#;
        let value = Json::parse(text.as_bytes()).unwrap();
        assert_eq!(value.to_string(), text);
        assert_eq!(Json::parse("\"\\ud83d\\ude00\"".as_bytes()), Ok(Json::Text("😀".to_owned())));
    }

    #[test]
    fn what_readers_could_take_for_two_things_is_refused() {
        let deep = "[".repeat(100_000);
        for bad in [
            "",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1}x",
            "[1,]",
            "{,}",
            "01",
            "1.",
            "\"\\ud800\"",
            "\"\u{1}\"",
            "nul",
            deep.as_str(),
            "{\"a\" 1}",
            "\"",
            "\"\\u12",
        ] {
            assert!(Json::parse(bad.as_bytes()).is_err(), "{}", &bad[..bad.len().min(20)]);
        }
        assert!(Json::parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn an_unknown_and_a_missing_member_are_named() {
        let value = Json::parse(br#"{"a":1,"c":2}"#).unwrap();
        assert!(value.exactly(&["a", "b?", "c"]).is_ok());
        assert!(value.exactly(&["a"]).unwrap_err().1.contains("`c`"));
        assert!(value.exactly(&["a", "c", "d"]).unwrap_err().1.contains("`d`"));
    }
}
