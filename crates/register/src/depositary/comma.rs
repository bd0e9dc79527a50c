//! Depositary events as a table: CSV (RFC 4180) with documented columns, and comment lines that date it.

use super::{
    Coverage, Depositary, DepositaryError, DepositaryEvent, Import, MAX_FILE_BYTES, MAX_ROWS,
    participant_by_alpha3, participant_by_name,
};
use jiff::civil::Date;
use vocabulary::StateCode;

/// The columns, all of them, in this order; spec/10-depositary.md says what each holds.
pub const COLUMNS: [&str; 13] = [
    "id",
    "participant",
    "kind",
    "date",
    "articles",
    "relates_to",
    "supersedes",
    "confidence",
    "source",
    "reference",
    "as_of",
    "text",
    "remark",
];
const HEADER: &str = "# rogatory depositary 1";
/// Of an id, a source or a reference.
const MAX_WORD_BYTES: usize = 512;
/// Of a text or a remark.
const MAX_TEXT_BYTES: usize = 64 * 1024;
const MAX_ARTICLES: usize = 64;
/// The fields of the line before the table.
const MAX_NOTES: usize = 64;

/// Reads the table; `as_of` stands in where the file does not say to which day it is true.
pub fn read_csv(bytes: &[u8], as_of: Option<Date>) -> Result<Import, DepositaryError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(DepositaryError::TooLarge { found: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        DepositaryError::Csv { line: 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64 }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let head = Head::read(text)?;
    let as_of = as_of.or(head.as_of).ok_or(DepositaryError::NoDay)?;
    let mut reader =
        csv::ReaderBuilder::new().comment(Some(b'#')).flexible(false).from_reader(text.as_bytes());
    let columns = reader.headers().map_err(|error| broken(&error))?;
    if columns.iter().ne(COLUMNS) {
        let found = DepositaryError::short(&columns.iter().collect::<Vec<_>>().join(","));
        return Err(DepositaryError::Columns { found, expected: COLUMNS.join(",") });
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        if rows.len() == MAX_ROWS {
            return Err(DepositaryError::TooMany { found: MAX_ROWS + 1 });
        }
        rows.push(Line::new(&record).event(as_of)?);
    }
    // The file alone must be a log: ids are unique, corrections lead somewhere or outside of it.
    let mut ids = std::collections::HashSet::new();
    if let Some(row) = rows.iter().find(|row| !ids.insert(row.id.as_str())) {
        return Err(DepositaryError::SameId { id: DepositaryError::short(&row.id) });
    }
    Ok(Import { rows, as_of, coverage: head.coverage, notes: head.notes, findings: Vec::new() })
}

fn broken(error: &csv::Error) -> DepositaryError {
    DepositaryError::Csv { line: error.position().map_or(0, csv::Position::line) }
}

struct Head {
    as_of: Option<Date>,
    coverage: Coverage,
    notes: Vec<String>,
}

impl Head {
    /// The comment lines before the table.
    fn read(text: &str) -> Result<Self, DepositaryError> {
        let mut head = Self { as_of: None, coverage: Coverage::Partial, notes: Vec::new() };
        for (at, line) in text.lines().take_while(|line| line.starts_with('#')).enumerate() {
            let Some((name, value)) = line.trim_start_matches('#').trim().split_once(':') else { continue };
            let (value, line) = (value.trim(), at as u64 + 1);
            match name {
                "as-of" => head.as_of = Some(day(value, line, "as-of")?),
                "coverage" => {
                    head.coverage = match value {
                        "complete" => Coverage::Complete,
                        "participation" => Coverage::Participation,
                        "partial" => Coverage::Partial,
                        _ => {
                            let expected = "`complete`, `participation` or `partial`";
                            return Err(field(line, "coverage", value, expected));
                        }
                    }
                }
                "note" if head.notes.len() < MAX_NOTES => {
                    head.notes.push(value.chars().take(MAX_WORD_BYTES).collect());
                }
                _ => {}
            }
        }
        Ok(head)
    }
}

fn field(line: u64, column: &'static str, found: &str, expected: &'static str) -> DepositaryError {
    DepositaryError::Field { line, column, found: DepositaryError::short(found), expected }
}

fn day(text: &str, line: u64, column: &'static str) -> Result<Date, DepositaryError> {
    let dated = text.parse::<super::Dated>().ok().filter(super::Dated::is_exact);
    dated.map(|dated| dated.day()).ok_or_else(|| field(line, column, text, "a day, `YYYY-MM-DD`"))
}

struct Line<'a> {
    record: &'a csv::StringRecord,
    line: u64,
}

impl<'a> Line<'a> {
    fn new(record: &'a csv::StringRecord) -> Self {
        Self { record, line: record.position().map_or(0, csv::Position::line) }
    }

    fn event(&self, as_of: Date) -> Result<DepositaryEvent, DepositaryError> {
        Ok(DepositaryEvent {
            id: self.word("id")?,
            participant: self.participant()?,
            kind: self.parsed("kind", "a kind of event such as `ratification` or `reservation`")?,
            date: self
                .parsed("date", "a date such as `2026-02-28`, `2026-02` or `[..2026-05]` that exists")?,
            articles: self.articles()?,
            relates_to: self.optional("relates_to", MAX_WORD_BYTES)?,
            supersedes: self.optional("supersedes", MAX_WORD_BYTES)?,
            confidence: match self.get("confidence") {
                "A" => treaty::Confidence::A,
                "B" => treaty::Confidence::B,
                "C" => treaty::Confidence::C,
                other => return Err(field(self.line, "confidence", other, "`A`, `B` or `C`")),
            },
            source: self.word("source")?,
            reference: self.optional("reference", MAX_WORD_BYTES)?,
            as_of: match self.get("as_of") {
                "" => as_of,
                text => day(text, self.line, "as_of")?,
            },
            text: self.optional("text", MAX_TEXT_BYTES)?,
            remark: self.optional("remark", MAX_TEXT_BYTES)?,
        })
    }

    fn get(&self, column: &str) -> &'a str {
        let at = COLUMNS.iter().position(|name| *name == column);
        at.and_then(|at| self.record.get(at)).unwrap_or("").trim()
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        column: &'static str,
        expected: &'static str,
    ) -> Result<T, DepositaryError> {
        self.get(column).parse().map_err(|_| field(self.line, column, self.get(column), expected))
    }

    fn word(&self, column: &'static str) -> Result<String, DepositaryError> {
        self.optional(column, MAX_WORD_BYTES)?.ok_or_else(|| field(self.line, column, "", "a text"))
    }

    fn optional(&self, column: &'static str, most: usize) -> Result<Option<String>, DepositaryError> {
        let text = self.get(column);
        let plain = |c: char| !c.is_control() || (most > MAX_WORD_BYTES && matches!(c, '\n' | '\r' | '\t'));
        if text.len() > most || !text.chars().all(plain) {
            return Err(field(
                self.line,
                column,
                text,
                "a text of the allowed length without control characters",
            ));
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// A code of two letters, of three, or a name.
    fn participant(&self) -> Result<StateCode, DepositaryError> {
        let text = self.get("participant");
        if let Ok(code) = text.parse::<StateCode>() {
            return Ok(code);
        }
        participant_by_alpha3(text)
            .or_else(|| participant_by_name(text))
            .map(|found| found.code)
            .ok_or_else(|| field(self.line, "participant", text, "a participant that is known here"))
    }

    fn articles(&self) -> Result<Vec<String>, DepositaryError> {
        let text = self.get("articles");
        let articles: Vec<String> = text.split_ascii_whitespace().map(ToOwned::to_owned).collect();
        if articles.len() > MAX_ARTICLES || !articles.iter().all(|article| is_provision(article)) {
            return Err(field(
                self.line,
                "articles",
                text,
                "provisions such as `14 42(5)`, separated by spaces",
            ));
        }
        Ok(articles)
    }
}

/// `14`, `42(5)`, `23(3)(a)`: an article of the Convention with parts in brackets.
fn is_provision(text: &str) -> bool {
    let (article, parts) = text.split_at(text.find('(').unwrap_or(text.len()));
    let number = article.parse::<u8>().is_ok_and(|number| treaty::article(number).is_some());
    let parts_stand = parts.is_empty()
        || parts.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).is_some_and(|inner| {
            inner.split(")(").all(|part| {
                (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
        });
    number && parts_stand && text.len() <= 24
}

/// Writes the whole log, corrections and all, so that another node can compare it.
pub fn write_csv(log: &Depositary) -> String {
    let mut text = format!("{HEADER}\n# as-of: {}\n# coverage: partial\n", log.as_of());
    for note in log.notes() {
        text.push_str(&format!("# note: {}\n", note.replace(['\n', '\r'], " ")));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail, and every record has the columns of the first.
    let mut write = |fields: [&str; 13]| drop(writer.write_record(fields));
    write(COLUMNS);
    for row in log.rows() {
        let (date, as_of) = (row.date.to_string(), row.as_of.to_string());
        write([
            &row.id,
            row.participant.as_str(),
            row.kind.as_str(),
            &date,
            &row.articles.join(" "),
            row.relates_to.as_deref().unwrap_or(""),
            row.supersedes.as_deref().unwrap_or(""),
            &row.confidence.to_string(),
            &row.source,
            row.reference.as_deref().unwrap_or(""),
            &as_of,
            row.text.as_deref().unwrap_or(""),
            row.remark.as_deref().unwrap_or(""),
        ]);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    text.push_str(&String::from_utf8(bytes).unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use super::super::{shipped, shipped_bytes};
    use super::*;
    use vocabulary::Failure as _;

    fn file(rows: &str) -> String {
        format!("# as-of: 2026-11-23\n# coverage: complete\n{}\n{rows}", COLUMNS.join(","))
    }

    fn refused(text: &str) -> (String, String) {
        let error = read_csv(text.as_bytes(), None).unwrap_err();
        (error.code().to_owned(), error.to_string())
    }

    #[test]
    fn a_log_goes_round_as_csv() {
        let log = shipped().unwrap();
        let again = read_csv(write_csv(&log).as_bytes(), None).unwrap();
        assert_eq!(again.rows, log.rows());
        assert_eq!((again.as_of, again.notes.as_slice()), (log.as_of(), log.notes()));
    }

    #[test]
    fn a_participant_may_be_written_by_code_or_name() {
        for name in ["VN", "VNM", "Viet Nam", "Vietnam"] {
            let text = file(&format!("a,{name},signature,2025-10-25,,,,A,seen,,,,\n"));
            assert_eq!(read_csv(text.as_bytes(), None).unwrap().rows[0].participant.as_str(), "VN");
        }
    }

    #[test]
    fn each_wrong_field_is_named_with_its_line_and_column() {
        for (row, column) in [
            ("a,Atlantis,signature,2025-10-25,,,,A,seen,,,,", "participant"),
            ("a,VN,signed,2025-10-25,,,,A,seen,,,,", "kind"),
            ("a,VN,signature,2025-02-30,,,,A,seen,,,,", "date"),
            ("a,VN,signature,2025-10-25,69,,,A,seen,,,,", "articles"),
            ("a,VN,signature,2025-10-25,14(,,,A,seen,,,,", "articles"),
            ("a,VN,signature,2025-10-25,,,,D,seen,,,,", "confidence"),
            ("a,VN,signature,2025-10-25,,,,A,,,,,", "source"),
            (",VN,signature,2025-10-25,,,,A,seen,,,,", "id"),
            ("a,VN,signature,2025-10-25,,,,A,seen,,2026,,", "as_of"),
            ("a\u{7},VN,signature,2025-10-25,,,,A,seen,,,,", "id"),
        ] {
            let (code, message) = refused(&file(row));
            assert_eq!(code, "R-610", "{row}");
            assert!(message.contains("line 4") && message.contains(&format!("`{column}`")), "{message}");
        }
    }

    #[test]
    fn a_table_that_is_none_is_refused() {
        assert_eq!(refused("# as-of: 2026-11-23\na,b,c\n").0, "R-609");
        assert_eq!(refused(&format!("{}\n", COLUMNS.join(","))).0, "R-618");
        assert_eq!(refused(&file("a,VN\n")).0, "R-608");
        let row = "a,VN,signature,2025-10-25,,,,A,seen,,,,\n";
        assert_eq!(refused(&file(&row.repeat(2))).0, "R-620");
        assert_eq!(read_csv(&vec![b' '; MAX_FILE_BYTES + 1], None).unwrap_err().code(), "R-600");
        assert_eq!(read_csv(b"# as-of: 2026-11-23\n\xff", None).unwrap_err().code(), "R-608");
        assert_eq!(refused("# coverage: all\n").0, "R-610");
    }

    #[test]
    fn a_day_that_is_given_stands_in_for_the_one_of_the_file() {
        let given = "2026-11-24".parse().unwrap();
        assert_eq!(read_csv(shipped_bytes(), Some(given)).unwrap().as_of, given);
    }

    #[test]
    fn a_text_may_have_commas_quotes_and_lines() {
        let text = file("a,VN,declaration,2025-10-25,40(12),,,A,seen,,,\"one, \"\"two\"\"\nthree\",\n");
        let rows = read_csv(text.as_bytes(), None).unwrap().rows;
        assert_eq!(rows[0].text.as_deref(), Some("one, \"two\"\nthree"));
    }
}
