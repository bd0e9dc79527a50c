//! What only one kind of request says: every name known, every value of the shape that its form asks for.

use super::contents::missing;
use super::{Check, text};
use crate::detail::Detail;
use crate::finding::{Fault, Severity};
use crate::form::{Content, ValueForm};

impl Check<'_> {
    pub(super) fn details(&mut self) {
        for content in self.form.contents.iter().filter(|content| content.detail().is_some()) {
            self.detail(content);
        }
        for name in self.draft.details.keys().filter(|name| self.form.detail(name).is_none()) {
            self.found.must(Fault {
                rule: self.form.rule(),
                word: "detail-unknown",
                field: &format!("details.{name}"),
                message: "a request of this kind has no such field",
                remedy: &format!(
                    "remove it, or compare with `rogatory request template {}`",
                    self.draft.kind
                ),
            });
        }
    }

    fn detail(&mut self, content: &Content) {
        let (Some(name), Some(form)) = (content.detail(), content.value.as_ref()) else { return };
        let says_nothing =
            |value: &&Detail| matches!(value, Detail::Text(words) if text(Some(words)).is_none());
        let Some(value) = self.draft.details.get(name).filter(|value| !says_nothing(value)) else {
            if self.is_asked(content) {
                self.found.add(content.need, missing(content));
            }
            return;
        };
        if form.holds(value) {
            return;
        }
        self.found.add(
            Severity::Must,
            Fault {
                rule: content.rule.rule(),
                word: &format!("{}-shape", content.word),
                field: &content.field,
                message: &format!("the value is not {form}"),
                remedy: &content.remedy,
            },
        );
    }
}

impl ValueForm {
    fn holds(&self, value: &Detail) -> bool {
        match (self, value) {
            (Self::Text, Detail::Text(_))
            | (Self::YesNo, Detail::YesNo(_))
            | (Self::Yes, Detail::YesNo(true)) => true,
            (Self::Date, value) => value.as_date().is_some(),
            (Self::Instant, value) => value.as_instant().is_some(),
            (Self::Number { least, most }, Detail::Number(number)) => (*least..=*most).contains(number),
            (Self::OneOf(words), Detail::Text(found)) => words.contains(found),
            _ => false,
        }
    }
}
