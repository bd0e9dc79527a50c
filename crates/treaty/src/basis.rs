//! The legal basis a request names: the Convention, or another treaty under Art. 60.

use serde::{Deserialize, Serialize};

/// Written `"convention"`, or `{ bilateral = "the treaty and its article" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegalBasis {
    Convention,
    Budapest,
    Untoc,
    Uncac,
    /// Cites the treaty and the article.
    Bilateral(String),
    Reciprocity,
}

impl LegalBasis {
    pub fn is_convention(&self) -> bool {
        matches!(self, Self::Convention)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn the_words_are_those_of_the_table() {
        let all = [
            LegalBasis::Convention,
            LegalBasis::Budapest,
            LegalBasis::Untoc,
            LegalBasis::Uncac,
            LegalBasis::Bilateral(String::new()),
            LegalBasis::Reciprocity,
        ];
        for (basis, word) in all.iter().zip(table::OTHER_TREATIES.list()) {
            assert!(serde_json::to_string(basis).unwrap().contains(&format!("\"{word}\"")));
        }
    }
}
