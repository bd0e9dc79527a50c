//! The packing list: every file is listed with its digest, and the exporting State's node signed the list.

use super::{Check, Examination, Index};
use crate::{
    encoding::hex32,
    flaw::{Flaw, Wrong, wrong},
    hash::Digest,
    instant::Instant,
    signed::Signed,
};
use std::collections::BTreeMap;

pub(super) const LIST: &str = "manifest-sha256.txt";
pub(super) const SIGNATURE: &str = "manifest-sha256.p7s";

impl Examination<'_> {
    pub(super) fn manifest(&mut self) {
        let Some(list) = self.files.get(LIST) else {
            self.note::<()>(
                Check::Manifest,
                LIST,
                Err(wrong(Flaw::Missing, "the packing list is not there")),
            );
            return;
        };
        let Some(listed) = self.note(Check::Manifest, LIST, read(list)) else { return };
        for (path, digest) in &listed {
            let outcome = match self.files.get(path) {
                None => Err(wrong(Flaw::Missing, "it is on the packing list and not in the bundle")),
                Some(content) if Digest::of(content) == *digest => Ok(()),
                Some(content) => {
                    let found = Digest::of(content);
                    Err(wrong(
                        Flaw::Manifest,
                        format!("the packing list says `{digest}`, the file is `{found}`"),
                    ))
                }
            };
            self.note(Check::Manifest, path, outcome);
        }
        let more = self.files.keys().filter(|path| !listed.contains_key(*path));
        let more: Vec<String> = more.filter(|path| *path != LIST && *path != SIGNATURE).cloned().collect();
        for path in more {
            let outcome = Err(wrong(Flaw::Missing, "it is in the bundle and not on the packing list"));
            self.note::<()>(Check::Manifest, &path, outcome);
        }
    }

    /// Who packed: the node of the exporting State.
    pub(super) fn packer(&mut self, index: &Index) {
        let outcome = self.signer_of_list(index);
        self.found.packed_by = self.note(Check::Packer, SIGNATURE, outcome);
    }

    fn signer_of_list(&self, index: &Index) -> Result<(String, Instant), Wrong> {
        let missing = || wrong(Flaw::Missing, "the signature on the packing list is not there");
        let (Some(signature), Some(list)) = (self.files.get(SIGNATURE), self.files.get(LIST)) else {
            return Err(missing());
        };
        let signed = Signed::detached(signature, list)?;
        let state = self
            .state(&index.exporter)
            .ok_or_else(|| wrong(Flaw::Root, "the root of the exporting State is not known"))?;
        let office = signed.by(&state.code, &state.root)?;
        if office != format!("{}/node", index.exporter) {
            let what = format!("`{office}` signed the packing list, expected `{}/node`", index.exporter);
            return Err(wrong(Flaw::Certificate, what));
        }
        Ok((office, signed.at.unwrap_or(index.made_at)))
    }
}

/// Lines `<hex>  <path>`, as `sha256sum -c` reads them; no path twice.
fn read(list: &[u8]) -> Result<BTreeMap<String, Digest>, Wrong> {
    let bad = |line: usize| wrong(Flaw::Document, format!("line {} is not `<sha-256>  <path>`", line + 1));
    let text =
        std::str::from_utf8(list).ok().and_then(|text| text.strip_suffix('\n')).ok_or_else(|| bad(0))?;
    let mut listed = BTreeMap::new();
    for (number, line) in text.split('\n').enumerate() {
        let (digest, path) = line.split_once("  ").ok_or_else(|| bad(number))?;
        let digest = hex32(digest).map(Digest).ok_or_else(|| bad(number))?;
        if listed.insert(path.to_owned(), digest).is_some() {
            return Err(wrong(
                Flaw::Document,
                format!("line {} names a path for the second time", number + 1),
            ));
        }
    }
    Ok(listed)
}
