//! Who is asked, on which legal basis, in which language.

use super::{Check, Side, text};
use crate::basis::LegalBasis;
use crate::finding::Fault;
use crate::table;
use vocabulary::{Language, StateCode};

impl Check<'_> {
    pub(super) fn addressee(&mut self) {
        match self.draft.to {
            Some(to) => self.requested_state(to),
            None => self.found.must(Fault {
                rule: self.form.rule(),
                word: "to",
                field: "to",
                message: "no requested State is named",
                remedy: "write the two-letter code of the State that is asked",
            }),
        }
        self.legal_basis();
        self.language();
    }

    fn requested_state(&mut self, to: StateCode) {
        if to == self.context.requesting {
            self.found.must(Fault {
                rule: self.form.rule(),
                word: "own-state",
                field: "to",
                message: "the request is addressed to the State that asks",
                remedy: "name the other State; at home use domestic powers",
            });
        }
        self.office();
        let known = self.context.requested.is_some_and(|profile| profile.state == to);
        match self.context.side {
            _ if known => {}
            Side::Requesting => self.found.must(Fault {
                rule: self.form.directory.rule(),
                word: "unknown-state",
                field: "to",
                message: "unknown State: this node has no descriptor of it",
                remedy: "import its descriptor first: `rogatory peer add FILE`",
            }),
            Side::Requested => self.found.must(Fault {
                rule: self.form.directory.rule(),
                word: "other-state",
                field: "to",
                message: "the request is addressed to another State",
                remedy: "tell the requesting State that it reached the wrong office",
            }),
        }
    }

    /// A State need not have every office: Arts 37(19) and 47(1) are not Arts 40(12) and 41(1).
    fn office(&mut self) {
        let channel = self.form.channel;
        let Some(profile) = self.context.requested else { return };
        if channel.is_needed() || profile.offices.contains(&channel) {
            return;
        }
        self.found.must(Fault {
            rule: self.form.directory.rule(),
            word: "no-office",
            field: "to",
            message: &format!("the requested State names no office `{channel}` in its descriptor"),
            remedy: "ask it to name one, or send the request through the diplomatic channel",
        });
    }

    fn legal_basis(&mut self) {
        let in_force = self.context.requested.is_some_and(|profile| profile.convention_in_force);
        match &self.draft.legal_basis {
            None => self.found.must(Fault {
                rule: &table::OTHER_TREATIES,
                word: "basis",
                field: "legal_basis",
                message: "no legal basis is named",
                remedy: "name the Convention, or the other treaty that binds both States",
            }),
            Some(LegalBasis::Bilateral(cite)) if text(Some(cite)).is_none() => self.found.must(Fault {
                rule: &table::OTHER_TREATIES,
                word: "basis-cite",
                field: "legal_basis.bilateral",
                message: "the bilateral treaty is not cited",
                remedy: "write the title, the date and the article of the treaty",
            }),
            Some(LegalBasis::Convention) if self.context.requested.is_some() && !in_force => {
                self.found.should(Fault {
                    rule: &table::ENTRY_INTO_FORCE,
                    word: "not-in-force",
                    field: "legal_basis",
                    message: "the Convention is not in force between the two States: it creates no duty yet",
                    remedy: "name another legal basis, or send it knowing that the answer is voluntary",
                });
            }
            Some(basis) if in_force && !basis.is_convention() => self.found.note(Fault {
                rule: &table::OTHER_TREATIES,
                word: "basis-other",
                field: "legal_basis",
                message: "the Convention is in force between the two States and another basis is named",
                remedy: "keep it if the other treaty gives more",
            }),
            Some(_) => {}
        }
    }

    fn language(&mut self) {
        let Some(language) = &self.draft.language else {
            self.found.must(Fault {
                rule: &table::LANGUAGE,
                word: "language",
                field: "language",
                message: "the language of the request is not stated",
                remedy: "write its tag, such as `en`",
            });
            return;
        };
        let Some(profile) = self.context.requested else { return };
        let written = |accepted: &Language| {
            accepted.primary() == language.primary()
                || self.draft.translations.iter().any(|translation| {
                    accepted.primary() == translation.language.primary()
                        && text(Some(&translation.text)).is_some()
                })
        };
        if profile.languages.is_empty() {
            self.found.note(Fault {
                rule: &table::LANGUAGE,
                word: "languages-unknown",
                field: "language",
                message: "the requested State declared no language for requests",
                remedy: "ask its central authority which language it accepts",
            });
        } else if !profile.languages.iter().any(written) {
            let accepted: Vec<&str> = profile.languages.iter().map(Language::as_str).collect();
            self.found.must(Fault {
                rule: &table::LANGUAGE,
                word: "language-accepted",
                field: "language",
                message: "the requested State does not accept this language",
                remedy: &format!(
                    "write it in, or add under `translations` a full text in, one of: {}",
                    accepted.join(", ")
                ),
            });
        }
    }
}
