//! What the reader brings from another channel than the bundle: without it, identities rest on the bundle alone.

use crate::{
    certificate::{Certificate, is_state},
    note::{NoteKey, Use},
};

/// Fingerprints, roots and keys that the reader obtained elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// State and fingerprint of its root (spec/01, 1.1).
    pub fingerprints: Vec<(String, String)>,
    pub roots: Vec<(String, Certificate)>,
    pub logs: Vec<(String, NoteKey)>,
    pub witnesses: Vec<NoteKey>,
    /// Roots of time-stamp authorities.
    pub authorities: Vec<Certificate>,
}

impl Trust {
    /// `XA=4T9KX-0M2QZ-7VBHC-WJ61E-RN8SD`; small letters and missing dashes are the same value.
    pub fn add_fingerprint(&mut self, text: &str) -> Result<(), String> {
        let (state, print) = of_state(text)?;
        let letters: Vec<char> = print.to_uppercase().chars().filter(char::is_ascii_alphanumeric).collect();
        if letters.len() != 25 {
            return Err(format!("the fingerprint of `{state}` does not have 25 letters and digits"));
        }
        let groups: Vec<String> = letters.chunks(5).map(|group| group.iter().collect()).collect();
        self.fingerprints.push((state, groups.join("-")));
        Ok(())
    }

    /// The content of a PEM file, for a State.
    pub fn add_root(&mut self, state: &str, pem: &[u8]) -> Result<(), String> {
        let root =
            Certificate::from_pem(pem).map_err(|(_, what)| format!("the root of `{state}`: {what}"))?;
        self.roots.push((state.to_owned(), root));
        Ok(())
    }

    /// `XA=xa.log.rogatory+…`.
    pub fn add_log(&mut self, text: &str) -> Result<(), String> {
        let (state, key) = of_state(text)?;
        let key =
            NoteKey::parse(key, Use::Log).map_err(|(_, what)| format!("the log of `{state}`: {what}"))?;
        self.logs.push((state, key));
        Ok(())
    }

    pub fn add_witness(&mut self, text: &str) -> Result<(), String> {
        let key = NoteKey::parse(text, Use::Cosigner).map_err(|(_, what)| format!("the witness: {what}"))?;
        self.witnesses.push(key);
        Ok(())
    }

    pub fn add_authority(&mut self, pem: &[u8]) -> Result<(), String> {
        let root =
            Certificate::from_pem(pem).map_err(|(_, what)| format!("the time-stamp authority: {what}"))?;
        self.authorities.push(root);
        Ok(())
    }
}

/// `XA=value`.
pub fn of_state(text: &str) -> Result<(String, &str), String> {
    let (state, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not `STATE=VALUE`"))?;
    if is_state(state) {
        Ok((state.to_owned(), value))
    } else {
        Err(format!("`{state}` is not a State: two capital letters are expected"))
    }
}
