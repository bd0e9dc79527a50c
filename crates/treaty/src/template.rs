//! The commented form for each kind of request, ready to be filled in.

use crate::kind::Kind;

/// A TOML file with an example in every field, and the article each field answers.
pub fn template(kind: Kind) -> &'static str {
    &kind.form().template
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Context, RequestedProfile, Side};
    use crate::draft::Draft;

    fn profile() -> RequestedProfile {
        RequestedProfile {
            state: "XB".parse().unwrap(),
            languages: vec!["en".parse().unwrap()],
            preservation_needs_dual_criminality: false,
            convention_in_force: true,
        }
    }

    #[test]
    fn every_template_checks_clean_with_its_examples() {
        let profile = profile();
        for &kind in Kind::all() {
            let draft = Draft::from_toml(template(kind)).unwrap();
            assert_eq!(draft.kind, kind);
            let context = Context {
                side: Side::Requesting,
                now: "2026-11-15T08:00:00Z".parse().unwrap(),
                requesting: "XA".parse().unwrap(),
                requested: Some(&profile),
                preservation: None,
            };
            let checked = draft.check(&context);
            assert!(!checked.has_must(), "{kind}: {:#?}", checked.findings);
            assert_eq!(checked.request.unwrap().draft(), &draft);
        }
    }

    #[test]
    fn the_days_that_the_template_names_are_those_of_the_table() {
        let minimum = crate::table::PRESERVATION_MINIMUM.number().unwrap();
        assert!(template(Kind::PRESERVATION).contains(&format!("at least {minimum}, Art. 42(8)")));
    }

    /// Optional lines must be right when somebody removes the `#`.
    #[test]
    fn every_commented_field_of_a_template_can_be_read() {
        for &kind in Kind::all() {
            let opened: String = template(kind)
                .lines()
                .map(|line| match line.strip_prefix("# ") {
                    Some(field) if field.contains(" = ") || field.starts_with('[') => format!("{field}\n"),
                    _ => format!("{line}\n"),
                })
                .collect();
            let draft = Draft::from_toml(&opened).unwrap();
            assert!(draft.urgency.is_some() && draft.translations.len() == 1, "{kind}");
            assert!(draft.offence.is_some_and(|offence| offence.statute_requested.is_some()));
        }
    }
}
