//! The command line, read by hand: a parser of arguments would be larger than the rest of the program.

use std::{ffi::OsString, path::PathBuf};
use verifier::{inquiry::Inquiry, report::VERSION};

pub(crate) const SHORT: &str = "\
Usage: rogatory-verify BUNDLE [OPTIONS]       BUNDLE is a ZIP or a folder
       rogatory-verify --browser-page         prints the same check as one HTML file
       rogatory-verify --help | --version";

const LONG: &str = "\
Checks a bundle of proofs that `rogatory file export` wrote, offline, and says in plain words what is
proven, what is not, and what would have to be forged. It trusts neither State.

What you know from elsewhere (without it, who the States are rests on the bundle alone):
  --fingerprint XA=4T9KX-...  the fingerprint of a State's root, obtained from the State by another channel
  --root XA=root.pem          the root certificate itself
  --log XA=VKEY|FILE          the key of a State's log
  --witness VKEY|FILE         the key of a witness that confirms logs (an oversight body, another State)
  --tsa root.pem              the root of a time-stamp authority
Each may be given several times.

What you want:
  --json                      the report as JSON
  --pdf FILE                  the report as PDF too; FILE must not exist
  --browser-page              print the check as one HTML file that works without a network

Exit codes: 0 the bundle holds; 4 it does not; 2 wrong usage; 5 this machine is in trouble.

Examples:
  rogatory-verify FILE.rogatory.zip --fingerprint XA=4T9KX-0M2QZ-7VBHC-WJ61E-RN8SD \\
      --fingerprint XB=08V1T-... --tsa tsa-root.pem --pdf report.pdf
  rogatory-verify ./FILE.rogatory --json
  rogatory-verify --browser-page > verifier.html
";

/// What is wanted.
#[derive(Debug)]
pub(crate) enum Order {
    Examine(Box<Arguments>),
    Print(String),
}

#[derive(Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) inquiry: Inquiry,
    pub(crate) json: bool,
    pub(crate) pdf: Option<PathBuf>,
}

/// Reads the arguments after the program's name.
pub(crate) fn read(words: impl Iterator<Item = OsString>) -> Result<Order, String> {
    let mut words = words.peekable();
    let mut arguments = Arguments::default();
    let mut bundle = None;
    if words.peek().is_none() {
        return Err("a bundle is expected".to_owned());
    }
    while let Some(word) = words.next() {
        let text = word.to_string_lossy().into_owned();
        let (name, mut given) = match text.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(OsString::from(value))),
            _ => (text.clone(), None),
        };
        let plain = given.is_none();
        let mut value =
            || given.take().or_else(|| words.next()).ok_or_else(|| format!("`{name}` needs a value"));
        let inquiry = &mut arguments.inquiry;
        match name.as_str() {
            "--help" | "-h" => return Ok(Order::Print(format!("{SHORT}\n\n{LONG}"))),
            "--version" | "-V" => return Ok(Order::Print(format!("rogatory-verify {VERSION}\n"))),
            "--browser-page" => return Ok(Order::Print(verifier::BROWSER_PAGE.to_owned())),
            "--json" if plain => arguments.json = true,
            "--pdf" => arguments.pdf = Some(PathBuf::from(value()?)),
            "--fingerprint" => inquiry.fingerprints.push(utf8(value()?)?),
            "--root" => inquiry.roots.push(utf8(value()?)?),
            "--log" => inquiry.logs.push(utf8(value()?)?),
            "--witness" => inquiry.witnesses.push(utf8(value()?)?),
            "--tsa" => inquiry.authorities.push(PathBuf::from(value()?)),
            option if option.starts_with('-') => return Err(format!("`{option}` is not known")),
            _ if bundle.is_some() => return Err("one bundle at a time".to_owned()),
            _ => bundle = Some(PathBuf::from(word)),
        }
    }
    arguments.inquiry.bundle = bundle.ok_or("a bundle is expected")?;
    Ok(Order::Examine(Box::new(arguments)))
}

fn utf8(word: OsString) -> Result<String, String> {
    word.into_string().map_err(|word| format!("`{}` is not UTF-8", word.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<Order, String> {
        read(words.iter().map(OsString::from))
    }

    #[test]
    fn options_may_stand_anywhere_and_repeat() {
        let words = ["--json", "--fingerprint", "XA=1", "b.zip", "--fingerprint=XB=2", "--tsa", "t.pem"];
        let Ok(Order::Examine(arguments)) = of(&words) else { panic!() };
        assert_eq!(arguments.inquiry.fingerprints, ["XA=1", "XB=2"]);
        assert!(arguments.json && arguments.inquiry.bundle.ends_with("b.zip"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for words in
            [&[][..], &["--json"], &["a", "b"], &["--fingerprint"], &["a", "--unknown"], &["a", "--json=1"]]
        {
            assert!(of(words).is_err(), "{words:?}");
        }
    }
}
