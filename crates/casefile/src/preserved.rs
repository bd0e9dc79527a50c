//! A preservation in force: the same instants on both sides, and what stops the clock.

use crate::{Refused, outgoing::rule_text};
use serde::{Deserialize, Serialize};
use treaty::{Computed, PreservationState, preservation_minimum};
use vocabulary::{FileId, Instant};

/// When data were preserved and until when they stay, Art. 25(2) and 42(8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preserved {
    pub effected: Instant,
    /// The IANA name of the zone in which the requested State counts its days.
    pub zone: String,
    /// Not before this instant may the data be released, Art. 42(8).
    pub minimum: Computed,
    /// When the domestic order ends, Art. 25(2).
    pub order_end: Computed,
}

impl Preserved {
    /// The instant up to which the data stay preserved unless held longer.
    pub fn until(&self) -> Instant {
        self.order_end.result
    }

    /// The order is not shorter than Art. 42(8) asks, and both dates follow from the same instant and zone.
    pub(crate) fn check(&self) -> Result<(), Refused> {
        if self.order_end.result < self.minimum.result {
            return Err(Refused::Rule {
                code: "R-221",
                what: format!(
                    "the order ends {} and the data must stay until {}",
                    self.order_end.result, self.minimum.result
                ),
                clause: rule_text("preservation.minimum"),
                remedy: "make the order longer".to_owned(),
            });
        }
        let minimum_follows = preservation_minimum(self.effected, &self.zone).as_ref() == Ok(&self.minimum);
        if minimum_follows && self.order_end.verify().is_ok() && self.order_begins_here() {
            return Ok(());
        }
        Err(Refused::Rule {
            code: "R-225",
            what: format!("the dates do not follow from {} in the stated zone", self.effected),
            clause: rule_text("preservation.minimum"),
            remedy: "compute both dates from the instant at which the data were preserved".to_owned(),
        })
    }

    /// A renewal begins where the order ends, in the same zone, and computes; Arts 25(2) and 42(9).
    pub(crate) fn renewed_by(&self, order_end: &Computed) -> Result<(), Refused> {
        let stated = |name: &str| order_end.inputs.get(name).map(String::as_str);
        let follows = stated("previous_until") == Some(self.until().to_string().as_str())
            && stated("zone") == Some(&self.zone)
            && order_end.verify().is_ok()
            && order_end.result > self.until();
        if follows {
            return Ok(());
        }
        Err(Refused::Rule {
            code: "R-222",
            what: format!("the renewal does not begin at {} in the zone of the preservation", self.until()),
            clause: rule_text("preservation.extension"),
            remedy: "compute the renewal from the end of the order that runs".to_owned(),
        })
    }

    /// When the order that runs last begins: a renewal begins at the end of the one before it.
    pub(crate) fn order_begins(&self) -> Instant {
        let inputs = &self.order_end.inputs;
        let stated = inputs.get("previous_until").or_else(|| inputs.get("effected"));
        stated.and_then(|text| text.parse().ok()).unwrap_or(self.effected)
    }

    fn order_begins_here(&self) -> bool {
        let stated = |name: &str| self.order_end.inputs.get(name).map(String::as_str);
        stated("effected") == Some(self.effected.to_string().as_str()) && stated("zone") == Some(&self.zone)
    }
}

/// The request for assistance that keeps the data preserved until it is decided, Art. 42(8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub by: FileId,
    pub since: Instant,
    /// True once the request for assistance was decided.
    pub decided: bool,
}

/// The clock of a preservation as a file has it: the rules that both sides share.
pub(crate) struct Clock<'a> {
    pub(crate) preserved: Option<&'a Preserved>,
    pub(crate) hold: Option<&'a Hold>,
    pub(crate) lapsed: bool,
    /// The file was closed or withdrawn, or is no preservation.
    pub(crate) ended: bool,
}

impl<'a> Clock<'a> {
    /// True while the preservation runs towards its end with nothing to stop it.
    pub(crate) fn runs(&self) -> bool {
        self.preserved.is_some() && !self.held() && !self.lapsed && !self.ended
    }

    fn held(&self) -> bool {
        self.hold.is_some_and(|hold| !hold.decided)
    }

    pub(crate) fn state(&self) -> PreservationState {
        match self.preserved {
            _ if self.lapsed => PreservationState::Lapsed,
            _ if self.ended => PreservationState::Released,
            _ if self.held() => PreservationState::HeldUntilDecision,
            Some(_) => PreservationState::Running,
            None => PreservationState::Awaited,
        }
    }

    /// A request for assistance that came before the end keeps the data, Art. 42(8), however late we learn of it.
    ///
    /// It may also come before the data are preserved: then they are kept from the first moment.
    pub(crate) fn may_hold(&self, since: Instant) -> Result<(), Refused> {
        let in_time = self.preserved.is_none_or(|preserved| since < preserved.until());
        if in_time && !self.held() && !self.ended {
            return Ok(());
        }
        Err(Refused::Already { what: "the preservation is held, released or has lapsed" })
    }

    pub(crate) fn may_lapse(&self, until: Instant, now: Instant, none: Refused) -> Result<(), Refused> {
        match self.preserved {
            Some(preserved) if self.runs() && preserved.until() == until && now >= until => Ok(()),
            Some(_) => {
                Err(Refused::Already { what: "the preservation is held, extended, released or has lapsed" })
            }
            None => Err(none),
        }
    }

    pub(crate) fn may_end_hold(&self, by: FileId) -> Result<(), Refused> {
        match self.hold {
            Some(hold) if hold.by == by && !hold.decided => Ok(()),
            _ => Err(Refused::Already { what: "the hold ended or never began" }),
        }
    }
}
