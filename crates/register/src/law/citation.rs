//! How a provision is identified: an Akoma Ntoso IRI, a European Legislation Identifier, or a plain citation.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CitationForm {
    /// OASIS Akoma Ntoso naming convention: `/akn/<country>/<type>/<date>/…`.
    AkomaNtoso,
    /// ELI: a path with the segment `eli`, such as `https://data.example/eli/law/2019/12`.
    Eli,
    /// Words that a lawyer can follow, such as `Penal Code, sec. 202a`.
    Plain,
}

impl CitationForm {
    /// What the identifier says it is, by its look.
    pub fn of(identifier: &str) -> Self {
        let path = path(identifier);
        if path.starts_with("/akn/") {
            Self::AkomaNtoso
        } else if identifier.starts_with("http") && path.contains("/eli/") || path.starts_with("/eli/") {
            Self::Eli
        } else {
            Self::Plain
        }
    }

    /// Whether an identifier of this form can be right.
    pub fn is_well_formed(self, identifier: &str) -> bool {
        let parts = || path(identifier).split('/').skip(1).map(|part| part.split(['#', '~', '@']).next());
        let iri = !identifier.contains(|c: char| c.is_whitespace() || "<>\"{}|\\^`".contains(c));
        match self {
            Self::Plain => !identifier.trim().is_empty(),
            Self::AkomaNtoso => {
                iri && country(identifier).is_some_and(is_country)
                    && parts().flatten().nth(3).is_some_and(|part| !part.is_empty())
            }
            Self::Eli => {
                let after = identifier.split("/eli/").nth(1).unwrap_or("");
                iri && after.split('/').filter(|part| !part.is_empty()).count() >= 2
            }
        }
    }

    /// The country of an Akoma Ntoso IRI, such as `xa`; a subdivision after it is left out.
    pub fn country_of(self, identifier: &str) -> Option<&str> {
        if self == Self::AkomaNtoso {
            country(identifier).and_then(|code| code.split('-').next())
        } else {
            None
        }
    }
}

/// The path of an IRI: without scheme and host.
fn path(identifier: &str) -> &str {
    let after = identifier.strip_prefix("https://").or_else(|| identifier.strip_prefix("http://"));
    match after {
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(""),
        None => identifier,
    }
}

fn country(identifier: &str) -> Option<&str> {
    path(identifier).strip_prefix("/akn/")?.split('/').next()
}

fn is_country(code: &str) -> bool {
    let (country, rest) = code.split_once('-').map_or((code, None), |(first, rest)| (first, Some(rest)));
    country.len() == 2
        && country.bytes().all(|b| b.is_ascii_lowercase())
        && rest.is_none_or(|rest| {
            !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_told_apart() {
        for (text, form, well) in [
            ("/akn/xa/act/2019-05-02/12/eng#sec_3", CitationForm::AkomaNtoso, true),
            ("https://law.example/akn/xa/act/2019/12", CitationForm::AkomaNtoso, true),
            ("/akn/xa-province/act/2019/12", CitationForm::AkomaNtoso, true),
            ("/akn/XA/act/2019/12", CitationForm::AkomaNtoso, false),
            ("/akn/xa", CitationForm::AkomaNtoso, false),
            ("/akn/xa/act/2019 12/x", CitationForm::AkomaNtoso, false),
            ("https://data.example/eli/law/2019/12/art_3", CitationForm::Eli, true),
            ("/eli/law/2019", CitationForm::Eli, true),
            ("https://data.example/eli/", CitationForm::Eli, false),
            ("Penal Code, sec. 202a(1)", CitationForm::Plain, true),
            ("Code pénal, art. 323-1", CitationForm::Plain, true),
            ("   ", CitationForm::Plain, false),
            ("", CitationForm::Plain, false),
        ] {
            assert_eq!(CitationForm::of(text), form, "{text}");
            assert_eq!(form.is_well_formed(text), well, "{text}");
        }
    }

    #[test]
    fn only_an_akoma_ntoso_iri_names_a_country() {
        let of = |text: &'static str| CitationForm::of(text).country_of(text);
        assert_eq!(of("/akn/xa-province/act/2019/12"), Some("xa"));
        assert_eq!(of("Penal Code, sec. 3"), None);
    }
}
