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
    use crate::finding::Finding;
    use crate::form::Content;

    fn profile() -> RequestedProfile {
        RequestedProfile {
            state: "XB".parse().unwrap(),
            languages: vec!["en".parse().unwrap()],
            preservation_needs_dual_criminality: false,
            convention_in_force: true,
            offices: vocabulary::OfficeFunction::ALL.to_vec(),
        }
    }

    fn context(side: Side, profile: &RequestedProfile) -> Context<'_> {
        Context {
            side,
            now: "2026-11-15T08:00:00Z".parse().unwrap(),
            requesting: "XA".parse().unwrap(),
            requested: Some(profile),
            preservation: None,
        }
    }

    #[test]
    fn every_template_checks_clean_with_its_examples() {
        let profile = profile();
        for &kind in Kind::all() {
            let draft = Draft::from_toml(template(kind)).unwrap();
            assert_eq!(draft.kind, kind);
            let checked = draft.check(&context(Side::Requesting, &profile));
            assert!(!checked.has_must(), "{kind}: {:#?}", checked.findings);
            assert_eq!(checked.request.unwrap().draft(), &draft);
            assert!(!draft.check(&context(Side::Requested, &profile)).has_must(), "{kind}");
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
            let draft = Draft::from_toml(&opened).unwrap_or_else(|error| panic!("{kind}: {error}"));
            let checked = draft.check(&context(Side::Requesting, &profile()));
            let shapes = |finding: &Finding| finding.field.starts_with("details.");
            assert!(!checked.findings.iter().any(shapes), "{kind}: {:#?}", checked.findings);
            assert!(draft.urgency.is_some() && draft.translations.len() == 1, "{kind}");
            let offence = draft.offence.is_some_and(|offence| offence.statute_requested.is_some());
            assert_eq!(offence, kind.form().offence.is_some(), "{kind}");
            let named: Vec<&str> = kind.form().contents.iter().filter_map(Content::detail).collect();
            assert!(named.iter().all(|name| draft.details.contains_key(*name)), "{kind}");
            assert_eq!(named.len(), draft.details.len(), "{kind}");
        }
    }
}
