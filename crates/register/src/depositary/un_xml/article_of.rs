//! The provisions that a statement names, such as `article 63, paragraph 2`, as far as a program can read them.

/// A longer list is no list of provisions.
const MAX_PROVISIONS: usize = 64;

/// In the order in which they are named, each once.
pub(super) fn provisions(text: &str) -> Vec<String> {
    let words = words(text);
    let mut found: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        if matches!(word.as_str(), "article" | "articles" | "art" | "arts") {
            at = List { words: &words, at, found: &mut found }.read();
        }
    }
    found.truncate(MAX_PROVISIONS);
    found
}

/// Words in lower case, numbers, and single brackets.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for character in text.chars() {
        if character.is_alphanumeric() {
            let digits = words.last().is_some_and(|word| word.ends_with(|c: char| c.is_ascii_digit()));
            let same_kind = words.is_empty() || digits == character.is_ascii_digit();
            match words.last_mut().filter(|_| open && same_kind) {
                Some(word) => word.extend(character.to_lowercase()),
                None => words.push(character.to_lowercase().collect()),
            }
            open = true;
        } else {
            open = false;
            if matches!(character, '(' | ')' | '-' | '–') {
                words.push(character.to_string());
            }
        }
    }
    words
}

struct List<'a> {
    words: &'a [String],
    at: usize,
    found: &'a mut Vec<String>,
}

impl List<'_> {
    /// Reads numbers until something else comes, and says where that is.
    fn read(mut self) -> usize {
        while let Some(article) = self.article() {
            let parts = self.parts();
            if parts.is_empty() && self.take(&["to", "-", "–"]) {
                let last = self.article().unwrap_or(article);
                for number in article..=last.min(68) {
                    self.add(number.to_string());
                }
            } else {
                self.add(format!("{article}{parts}"));
            }
            while self.take(&["and", "or"]) {}
        }
        self.at
    }

    fn add(&mut self, provision: String) {
        if !self.found.contains(&provision) {
            self.found.push(provision);
        }
    }

    fn article(&mut self) -> Option<u8> {
        let number = self.words.get(self.at)?.parse().ok().filter(|number| (1..=68).contains(number))?;
        self.at += 1;
        Some(number)
    }

    /// `(3)(a)`, or `paragraph 3 (a)`, as `(3)(a)`.
    fn parts(&mut self) -> String {
        let mut parts = String::new();
        if self.take(&["paragraph", "paragraphs", "para", "paras"]) && self.is_part(0) {
            parts.push_str(&format!("({})", self.words.get(self.at).map_or("", String::as_str)));
            self.at += 1;
            self.take(&["subparagraph"]);
        }
        while parts.len() < 18 && self.is("(", 0) && self.is_part(1) && self.is(")", 2) {
            parts.push_str(&format!("({})", self.words.get(self.at + 1).map_or("", String::as_str)));
            self.at += 3;
        }
        parts
    }

    fn is(&self, word: &str, ahead: usize) -> bool {
        self.words.get(self.at + ahead).is_some_and(|found| found == word)
    }

    fn is_part(&self, ahead: usize) -> bool {
        let part = |word: &String| word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.words.get(self.at + ahead).is_some_and(part)
    }

    fn take(&mut self, words: &[&str]) -> bool {
        let found = words.iter().any(|word| self.is(word, 0));
        if found {
            self.at += 1;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provisions_are_read_as_they_are_usually_written() {
        for (text, expected) in [
            ("not bound by articles 14, 15 and 16 of the Convention", vec!["14", "15", "16"]),
            ("not bound by Articles 14 to 16.", vec!["14", "15", "16"]),
            ("Article 63, paragraph 2", vec!["63(2)"]),
            ("paragraph 2 of article 63", vec!["63"]),
            ("under article 42(5), and Art. 23 (3) (a)", vec!["42(5)", "23(3)(a)"]),
            ("article 23, paragraph 3 (b)", vec!["23(3)(b)"]),
            ("articles 14–16", vec!["14", "15", "16"]),
            ("Article 37 paragraph 6 subparagraph (a); article 37", vec!["37(6)(a)", "37"]),
            ("the particle 5 of an article", vec![]),
            ("article 69 and article 0", vec![]),
            ("articles 16 to 14", vec![]),
        ] {
            assert_eq!(provisions(text), expected, "{text}");
        }
    }

    #[test]
    fn a_hostile_text_ends() {
        let found = provisions(&"article 1(1)(a)(b)(c)(d)(e)(f)(g) ".repeat(1000));
        assert_eq!(found.len(), 1);
        assert!(provisions(&"articles 1 to 68 ".repeat(1000)).len() <= 68);
        assert!(provisions(&"(".repeat(10_000)).is_empty());
    }
}
