//! Confidentiality: asked for with a reason and an end, or not at all.

use super::{Check, text};
use crate::draft::Confidentiality;
use crate::finding::Fault;
use crate::rule::Rule;

impl Check<'_> {
    pub(super) fn secrecy(&mut self) {
        let rule = self.form.secrecy.rule();
        match &self.draft.confidentiality {
            None => self.found.note(Fault {
                rule,
                word: "secrecy",
                field: "confidentiality",
                message: "nothing is said of confidentiality: the user may be told",
                remedy: "add `[confidentiality]` if the case needs it",
            }),
            Some(asked) if asked.required => self.secrecy_limits(asked, rule),
            Some(asked) => self.secrecy_not_required(asked, rule),
        }
    }

    fn secrecy_limits(&mut self, asked: &Confidentiality, rule: &Rule) {
        if text(asked.reason.as_ref()).is_none() {
            self.found.must(Fault {
                rule,
                word: "secrecy-reason",
                field: "confidentiality.reason",
                message: "confidentiality is asked for without a reason",
                remedy: "say what would be harmed if it became known",
            });
        }
        match asked.until {
            None => self.found.must(Fault {
                rule,
                word: "secrecy-end",
                field: "confidentiality.until",
                message: "confidentiality is asked for without an end",
                remedy: "write the date on which it ends or is looked at again, with its zone",
            }),
            Some(until) if until <= self.context.now => self.found.add(
                self.passed(),
                Fault {
                    rule,
                    word: "secrecy-ended",
                    field: "confidentiality.until",
                    message: "the confidentiality asked for has ended already",
                    remedy: "write an end to come",
                },
            ),
            Some(_) => {}
        }
    }

    fn secrecy_not_required(&mut self, asked: &Confidentiality, rule: &Rule) {
        if asked.do_not_notify_user {
            self.found.must(Fault {
                rule,
                word: "secrecy-contradiction",
                field: "confidentiality.do_not_notify_user",
                message: "the user is not to be told, and confidentiality is not required",
                remedy: "write `required = true` with a reason and an end, or let the user be told",
            });
        } else if asked.reason.is_some() || asked.until.is_some() {
            self.found.should(Fault {
                rule,
                word: "secrecy-unused",
                field: "confidentiality.required",
                message: "a reason or an end is given, and confidentiality is not required",
                remedy: "write `required = true`, or remove the reason and the end",
            });
        }
    }
}
