//! The offence: named, within the Convention, and without contradiction between class, penalty and statute.

use super::{Check, text};
use crate::finding::{Fault, Severity};
use crate::form::{DualCriminality, Opening, Row};
use crate::measure::{Eligibility, OffenceClass, eligibility};
use crate::offence::{Offence, OffenceBasis};
use crate::rule::Rule;
use crate::table;

const THRESHOLD_YEARS: u32 = table::SERIOUS_CRIME.number().expect("the row holds years");
/// The article whose exception for authorised testing is recalled.
const MISUSE_OF_DEVICES: u8 = table::AUTHORIZED_TESTING.article;

impl Check<'_> {
    pub(super) fn offence(&mut self) {
        let Some(offence) = &self.draft.offence else {
            if self.form.offence.is_none() {
                return;
            }
            self.found.must(Fault {
                rule: self.offence_rule(),
                word: "offence",
                field: "offence",
                message: "the offence is not stated",
                remedy: "add `[offence]` with its qualification, basis and statute",
            });
            return;
        };
        self.qualification(offence);
        match offence.basis {
            None => self.found.must(Fault {
                rule: self.form.measure.rule(),
                word: "class",
                field: "offence.basis",
                message: "it is not said whether this is a Convention offence, a serious crime or another",
                remedy: "write `basis = { convention-offence = 7 }` with the article, `serious-crime` or `other`",
            }),
            Some(OffenceBasis::ConventionOffence(article)) => self.convention_offence(offence, article),
            Some(OffenceBasis::SeriousCrime) => self.serious_crime(offence),
            Some(OffenceBasis::Other) => self.other_offence(offence),
        }
        self.both_laws(offence);
    }

    /// The row that asks for the offence in this kind of request.
    fn offence_rule(&self) -> &'static Rule {
        self.form.offence.map_or(self.form.rule(), Row::rule)
    }

    fn is_under_convention(&self) -> bool {
        self.draft.legal_basis.as_ref().is_none_or(|basis| basis.is_convention())
    }

    fn qualification(&mut self, offence: &Offence) {
        if text(offence.qualification.as_ref()).is_none() {
            self.found.must(Fault {
                rule: self.offence_rule(),
                word: "qualification",
                field: "offence.qualification",
                message: "the offence is not described",
                remedy: "write what the offence is called and which conduct it punishes",
            });
        }
        if text(offence.statute_requesting.as_ref()).is_none() {
            let severity = match offence.basis {
                Some(OffenceBasis::SeriousCrime) => Severity::Must,
                _ => Severity::Should,
            };
            self.found.add(
                severity,
                Fault {
                    rule: self.offence_rule(),
                    word: "statute",
                    field: "offence.statute_requesting",
                    message: "the statute of the requesting State is not cited",
                    remedy: "cite the law and its article, with its text if it is short",
                },
            );
        }
    }

    fn convention_offence(&mut self, offence: &Offence, article: u8) {
        self.eligible(OffenceClass::ConventionOffence);
        if !offence.basis.is_some_and(OffenceBasis::is_possible) {
            self.found.must(Fault {
                rule: &table::COOPERATION_CONVENTION_OFFENCE,
                word: "article",
                field: "offence.basis",
                message: "the article named establishes no Convention offence",
                remedy: "name one of Arts 7 to 17 or 19, or write `serious-crime` or `other`",
            });
        }
        if article == MISUSE_OF_DEVICES {
            self.found.note(Fault {
                rule: &table::AUTHORIZED_TESTING,
                word: "testing",
                field: "facts",
                message: "authorised testing and protection of systems are not this offence",
                remedy: "say in the facts why the purpose was an offence",
            });
        }
    }

    /// What the matrix of Art. 35 says of the measure for an offence of this class.
    fn eligible(&mut self, class: OffenceClass) {
        let rule = self.form.measure.rule();
        let owed = eligibility(self.form.measure, class);
        match owed {
            Eligibility::OwedForEvidence => self.found.should(Fault {
                rule,
                word: "for-evidence",
                field: "offence.basis",
                message: "for a serious crime outside the Convention only the collecting of electronic evidence is owed",
                remedy: "say how the request serves to collect electronic evidence, or name another legal basis",
            }),
            Eligibility::Consider if self.form.opening == Opening::Request => self.found.note(Fault {
                rule,
                word: "considered",
                field: "offence.basis",
                message: "the Convention asks States to consider this and creates no duty",
                remedy: "name the agreement between the two States where there is one",
            }),
            _ if owed.is_covered() => {}
            _ if self.is_under_convention() => self.found.must(Fault {
                rule,
                word: "not-covered",
                field: "offence.basis",
                message: "the Convention does not carry this kind of request for a crime that it does not establish",
                remedy: "name another legal basis, or show that the offence is within the Convention",
            }),
            _ => self.outside(),
        }
    }

    fn outside(&mut self) {
        self.found.note(Fault {
            rule: self.form.measure.rule(),
            word: "outside",
            field: "offence.basis",
            message: "the offence is outside the Convention: only the legal basis named carries the request",
            remedy: "check that the named treaty covers it",
        });
    }

    fn serious_crime(&mut self, offence: &Offence) {
        self.eligible(OffenceClass::SeriousCrime);
        match offence.max_penalty_years_requesting {
            None => self.found.must(Fault {
                rule: &table::SERIOUS_CRIME,
                word: "penalty",
                field: "offence.max_penalty_years_requesting",
                message: "a serious crime is claimed without its maximum penalty",
                remedy: "write the maximum in whole years, 99 for life",
            }),
            Some(years) if years < THRESHOLD_YEARS => self.found.must(Fault {
                rule: &table::SERIOUS_CRIME,
                word: "below",
                field: "offence.max_penalty_years_requesting",
                message: &format!(
                    "a serious crime is claimed, and the maximum penalty is {years} years, not at least {THRESHOLD_YEARS}"
                ),
                remedy: "correct the penalty, or write the basis as a Convention offence or `other`",
            }),
            Some(_) => {}
        }
        self.protected_conduct();
    }

    fn other_offence(&mut self, offence: &Offence) {
        let owed = eligibility(self.form.measure, OffenceClass::BelowThreshold).is_covered();
        let rule = self.form.measure.rule();
        if offence.max_penalty_years_requesting.is_some_and(|years| years >= THRESHOLD_YEARS) {
            self.found.should(Fault {
                rule: &table::SERIOUS_CRIME,
                word: "serious",
                field: "offence.basis",
                message: "the maximum penalty makes this a serious crime, and the basis says `other`",
                remedy: "write `basis = \"serious-crime\"`",
            });
        }
        if self.is_under_convention() && !owed {
            self.found.must(Fault {
                rule,
                word: "no-duty",
                field: "offence.basis",
                message: "the Convention creates no duty for an offence below a serious crime",
                remedy: "name another legal basis, or show that the offence is within the Convention",
            });
        } else {
            self.outside();
        }
        self.protected_conduct();
    }

    /// Recalled for every offence that the Convention does not define; never judged by software.
    fn protected_conduct(&mut self) {
        self.found.note(Fault {
            rule: &table::FREEDOMS,
            word: "protected",
            field: "facts",
            message: "the offence is defined by one State alone",
            remedy: &format!(
                "the approving officer confirms that it does not punish {}",
                table::FREEDOMS.list().join(", ")
            ),
        });
    }

    /// Both States' laws, where known: dual criminality is judged by conduct.
    fn both_laws(&mut self, offence: &Offence) {
        let is_convention_offence = matches!(offence.basis, Some(OffenceBasis::ConventionOffence(_)));
        let statute_known = text(offence.statute_requested.as_ref()).is_some();
        if offence.max_penalty_years_requested.is_some_and(|years| years < THRESHOLD_YEARS)
            && offence.basis == Some(OffenceBasis::SeriousCrime)
        {
            self.found.should(Fault {
                rule: &table::SERIOUS_CRIME,
                word: "below-there",
                field: "offence.max_penalty_years_requested",
                message: "under the law of the requested State this is no serious crime",
                remedy: "explain the gravity, or name a further legal basis",
            });
        }
        if offence.max_penalty_years_requested.is_some() && !statute_known {
            self.found.should(Fault {
                rule: &table::DUAL_CRIMINALITY,
                word: "statute-there",
                field: "offence.statute_requested",
                message: "a penalty in the requested State is stated without its statute",
                remedy: "cite the statute of the requested State, or leave the penalty out",
            });
        }
        if statute_known || is_convention_offence {
            return;
        }
        let reserved =
            self.context.requested.is_some_and(|profile| profile.preservation_needs_dual_criminality);
        match self.form.dual_criminality {
            DualCriminality::UnlessReserved if reserved => self.found.should(Fault {
                rule: &table::PRESERVATION_RESERVATION,
                word: "reserved",
                field: "offence.statute_requested",
                message: "the requested State may refuse if it believes that dual criminality is lacking",
                remedy: "cite the statute of the requested State that punishes the same conduct",
            }),
            DualCriminality::UnlessReserved | DualCriminality::NotAsked => {}
            DualCriminality::Required => self.found.should(Fault {
                rule: &table::DUAL_CRIMINALITY,
                word: "conduct-both",
                field: "offence.statute_requested",
                message: "this is granted only where the conduct is a crime in both States, and the law of the requested State is not cited",
                remedy: "cite it where known; describe the conduct in the facts in any case",
            }),
            DualCriminality::Optional => self.found.note(Fault {
                rule: &table::DUAL_CRIMINALITY,
                word: "conduct",
                field: "offence.statute_requested",
                message: "it is not said under which law of the requested State the conduct is a crime",
                remedy: "cite it where known; describe the conduct in the facts in any case",
            }),
        }
    }
}
