//! One link of the chain: one thing done with one exhibit.

use crate::{
    Action, LinkFault, ZoneName,
    text::{self, MAX_ALTERATION_BYTES, MAX_PLACE_BYTES, MAX_TOOL_BYTES, MAX_WHY_BYTES},
};
use serde::{Deserialize, Serialize};
use vocabulary::{Digest, ExhibitId, Instant, OfficeId, OfficerId};

/// Who did what with an exhibit, when, where, why and with which tool (ISO/IEC 27037, 6.1).
///
/// The order of the fields is the order in the canonical bytes: never change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub exhibit: ExhibitId,
    /// 0 for the first link.
    pub sequence: u32,
    pub action: Action,
    /// Who holds the exhibit while doing this; for an arrival, who takes it.
    pub office: OfficeId,
    pub officer: OfficerId,
    pub at: Instant,
    pub zone: ZoneName,
    /// Office-level words, such as `evidence room 2`.
    pub place: String,
    /// Office-level words, never a person's name.
    pub why: String,
    /// Name and version of the program or device used.
    pub tool: String,
    /// Where it goes: for `sent` and `returned`, and for no other action.
    pub to: Option<OfficeId>,
    /// The exhibit this was copied from (`acquired`) or the copy that was made (`copied`).
    pub related: Option<ExhibitId>,
    /// The exhibit's content as found.
    pub digest_before: Option<Digest>,
    /// The exhibit's content as left.
    pub digest_after: Option<Digest>,
    /// Why a change of the content could not be avoided, and what changed.
    pub alteration: Option<String>,
    /// [`Link::digest`] of the link before; none for the first.
    pub previous: Option<Digest>,
}

impl Link {
    /// JSON without spaces, the fields in declaration order, absent values as `null`: what is hashed and committed.
    pub fn canonical(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a struct of strings and numbers always becomes JSON")
    }

    /// SHA-256 of the canonical bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.canonical())
    }

    /// What can be checked without the links before.
    pub(crate) fn check_alone(&self) -> Result<(), LinkFault> {
        text::check("place", &self.place, MAX_PLACE_BYTES)?;
        text::check("why", &self.why, MAX_WHY_BYTES)?;
        text::check("tool", &self.tool, MAX_TOOL_BYTES)?;
        if let Some(alteration) = &self.alteration {
            text::check("alteration", alteration, MAX_ALTERATION_BYTES)?;
        }
        self.check_addressee()?;
        self.check_related()?;
        self.check_digests()
    }

    fn check_addressee(&self) -> Result<(), LinkFault> {
        if !self.action.leaves() {
            return self.forbid("to", self.to.is_some());
        }
        match self.to {
            None => Err(LinkFault::Missing { field: "to", action: self.action }),
            Some(to) if to == self.office => Err(LinkFault::SentToItself { office: to }),
            Some(_) => Ok(()),
        }
    }

    fn check_related(&self) -> Result<(), LinkFault> {
        if self.related == Some(self.exhibit) {
            return Err(LinkFault::RelatedToItself { exhibit: self.exhibit });
        }
        match self.action {
            Action::Copied => self.require("related", self.related.is_some()),
            Action::Acquired => Ok(()),
            _ => self.forbid("related", self.related.is_some()),
        }
    }

    fn check_digests(&self) -> Result<(), LinkFault> {
        match self.action {
            Action::Acquired => {
                self.forbid("digest_before", self.digest_before.is_some())?;
                self.require("digest_after", self.digest_after.is_some())
            }
            Action::Destroyed => self.forbid("digest_after", self.digest_after.is_some()),
            Action::Verified => self.require("digest_before", self.digest_before.is_some()),
            _ => Ok(()),
        }?;
        if self.alteration.is_some() && self.action != Action::Destroyed {
            self.require("digest_after", self.digest_after.is_some())?;
        }
        Ok(())
    }

    fn require(&self, field: &'static str, present: bool) -> Result<(), LinkFault> {
        if present { Ok(()) } else { Err(LinkFault::Missing { field, action: self.action }) }
    }

    fn forbid(&self, field: &'static str, present: bool) -> Result<(), LinkFault> {
        if present { Err(LinkFault::OutOfPlace { field, action: self.action }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of spec/04-custody.md.
    const CANONICAL: &str = concat!(
        r#"{"exhibit":"0193a8f0-0000-7000-8000-000000000001","sequence":0,"action":"acquired","#,
        r#""office":"XB/evidence-office","officer":"n.okafor","at":"2026-11-15T08:00:00.5Z","#,
        r#""zone":"Africa/Nairobi","place":"évidence \"room\" 2","why":"order 17/2026","tool":"imager 3.1","#,
        r#""to":null,"related":null,"digest_before":null,"#,
        r#""digest_after":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","#,
        r#""alteration":null,"previous":null}"#
    );

    #[test]
    fn the_canonical_bytes_are_the_documented_ones() {
        let link: Link = serde_json::from_str(CANONICAL).unwrap();
        assert_eq!(String::from_utf8(link.canonical()).unwrap(), CANONICAL);
        assert_eq!(link.digest(), Digest::of(CANONICAL.as_bytes()));
        assert_eq!(link.digest().hex(), "22bc8c82dbd133db3ca950960916cb384e5476344eaa76ea5fa30f7657dae09e");
    }

    #[test]
    fn another_spelling_of_the_same_link_has_the_same_canonical_bytes() {
        let spelled =
            CANONICAL.replace("2026-11-15T08:00:00.5Z", "2026-11-15T11:00:00.500+03:00").replace(",", " , ");
        let link: Link = serde_json::from_str(&spelled).unwrap();
        assert_eq!(link.canonical(), CANONICAL.as_bytes());
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let with_name = CANONICAL.replace("}", r#","suspect":"x"}"#);
        assert!(serde_json::from_str::<Link>(&with_name).is_err());
    }
}
