//! The link from a request for stored data to the preservation before it.

use super::{Check, PreservationFacts};
use crate::finding::{Fault, Severity};
use crate::preservation_state::PreservationState;
use crate::table;
use std::time::Duration;
use vocabulary::FileId;

const FIELD: &str = "preservation_file";
const SOON: Duration =
    Duration::from_secs(24 * 60 * 60 * table::PRESERVATION_SOON.number().expect("the row holds days") as u64);

impl Check<'_> {
    pub(super) fn link(&mut self) {
        match (self.form.follows_preservation, self.draft.preservation_file) {
            (false, None) => {}
            (false, Some(_)) => self.found.must(Fault {
                rule: self.form.rule(),
                word: "link",
                field: FIELD,
                message: "a request of this kind follows no preservation: an extension is asked for in its own file",
                remedy: "remove the link, or ask for an extension in the file it names",
            }),
            (true, None) => self.unlinked(),
            (true, Some(file)) => self.linked(file),
        }
    }

    fn unlinked(&mut self) {
        match &self.context.preservation {
            Some(_) => self.found.should(Fault {
                rule: &table::PRESERVATION_HOLD,
                word: "unlinked",
                field: FIELD,
                message: "data were preserved for this case, and the request does not say so",
                remedy: "write the id of the preservation file, so that its clock stops",
            }),
            None => self.found.note(Fault {
                rule: &table::STORED_DATA_REQUEST,
                word: "no-preservation",
                field: FIELD,
                message: "no preservation came before: the data may be gone",
                remedy: "ask for preservation at the same time",
            }),
        }
    }

    fn linked(&mut self, file: FileId) {
        match &self.context.preservation {
            Some(facts) if facts.file != file => self.unknown_link(),
            None => self.unknown_link(),
            Some(facts) if Some(facts.to) != self.draft.to => self.found.must(Fault {
                rule: &table::PRESERVATION_HOLD,
                word: "link-state",
                field: FIELD,
                message: "the preservation file belongs to another State than the one asked",
                remedy: "link the preservation that the requested State holds",
            }),
            Some(facts) => self.preservation_end(facts),
        }
    }

    /// The requested State may not yet have met the preservation, if it came by another road.
    fn unknown_link(&mut self) {
        let severity = self.passed();
        self.found.add(
            severity,
            Fault {
                rule: &table::PRESERVATION_HOLD,
                word: "link-unknown",
                field: FIELD,
                message: "no preservation file of this id is known between the two States",
                remedy: "correct the id, or remove the link",
            },
        );
    }

    fn preservation_end(&mut self, facts: &PreservationFacts) {
        let now = self.context.now;
        let until = facts.until.filter(|_| facts.state != PreservationState::HeldUntilDecision);
        let is_over = matches!(facts.state, PreservationState::Lapsed | PreservationState::Released)
            || until.is_some_and(|until| until <= now);
        let ends_soon = until.is_some_and(|until| until.since(now) <= SOON);
        if is_over {
            self.found.should(Fault {
                rule: &table::PRESERVATION_HOLD,
                word: "lapsed",
                field: FIELD,
                message: "the preservation has ended: the data may be gone",
                remedy: "ask for preservation again at once, and send this request with it",
            });
        } else if ends_soon {
            self.found.add(
                Severity::Should,
                Fault {
                    rule: &table::PRESERVATION_SOON,
                    word: "lapses-soon",
                    field: FIELD,
                    message: "the preservation ends within days",
                    remedy: "send this request now, or ask for an extension first",
                },
            );
        }
    }
}
