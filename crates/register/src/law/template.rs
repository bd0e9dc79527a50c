//! The commented form of a State's law, made from the offences themselves.

use std::fmt::Write as _;
use treaty::{OffenceDefinition, offence_definitions};
use vocabulary::StateCode;

/// A TOML file with one provision as an example and every article with the ids of its elements and options.
pub fn template(state: StateCode) -> String {
    let country = state.as_str().to_ascii_lowercase();
    let mut form = HEAD.replace("XX", state.as_str());
    for offence in offence_definitions() {
        ids(&mut form, offence);
        // The first article is written out; the others are opened by removing the `# `.
        let open = if offence.article == 7 { "" } else { "# " };
        for line in entry(offence, &country).lines() {
            let _ = writeln!(form, "{open}{line}");
        }
    }
    form.push_str(&OUTSIDE.replace("/akn/xx/", &format!("/akn/{country}/")));
    form
}

const HEAD: &str = "\
# The law of XX beside the offences of the Convention. Fill it in, then:
#   rogatory law check FILE     all findings at once
#   rogatory law sign FILE --out XX.law.p7m
#
# An article that is left out is `unknown` to other States. An entry without provisions says that the law has none.
# Of a provision: `chosen` names options that the law takes, `absent` names elements that it lacks, `remarks` say where it
# goes further (`wider`) or less far (`narrower`) than an element. The words below are paraphrase, not the authentic text.
";

const OUTSIDE: &str = r#"
#   Offences outside the Convention, such as serious crimes (Art. 35(1)(c)); as many as you like.
# [[outside]]
# name = [{ language = "en", text = "Extortion" }]
# [[outside.provisions]]
# identifier = "/akn/xx/act/1999-01-01/4/eng#sec_88"
# texts = [{ language = "en", text = "Whoever by threats obtains property of another ..." }]
# maximum = { life = true }
# from = "1999-01-01"
"#;

/// Three spaces after the `#`: no line of these becomes a field.
fn ids(form: &mut String, offence: &OffenceDefinition) {
    let _ = writeln!(form, "\n#   Art. {}: {}", offence.article, offence.title());
    for element in &offence.elements {
        let _ = writeln!(form, "#     {:<28} {}: {}", element.id, element.part, element.text);
    }
    for option in &offence.options {
        let _ = writeln!(form, "#     {:<28} option, {}: {}", option.id, option.kind, option.text);
    }
}

fn entry(offence: &OffenceDefinition, country: &str) -> String {
    let article = offence.article;
    let chosen = offence.options.first().map(|option| format!("\"{}\"", option.id)).unwrap_or_default();
    let mut entry = format!(
        r#"[[offences]]
article = {article}
[[offences.provisions]]
identifier = "/akn/{country}/act/2019-05-02/12/eng#sec_{article}"
texts = [{{ language = "en", text = "Whoever ..." }}]
maximum = {{ years = 5 }}
chosen = [{chosen}]
absent = []
from = "2019-07-01"
"#
    );
    if article == 11 {
        entry = entry.replace("11.3.reservation", "11.2.authorized-testing");
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::WrittenLaw;
    use treaty::Severity;

    #[test]
    fn the_form_checks_clean_as_it_is() {
        let state = "XA".parse().unwrap();
        let law = WrittenLaw::from_toml(&template(state)).unwrap();
        assert_eq!(law.offences.len(), 1);
        assert!(law.check(state).iter().all(|found| found.severity == Severity::Note));
    }

    #[test]
    fn every_commented_field_can_be_opened_and_checks_clean_too() {
        let state = "XB".parse().unwrap();
        let opened: String = template(state)
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(field) if field.starts_with('[') || field.contains(" = ") => format!("{field}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let law = WrittenLaw::from_toml(&opened).unwrap();
        assert_eq!((law.offences.len(), law.outside.len()), (12, 1));
        assert_eq!(law.check(state), []);
    }
}
