//! The report on paper: A4, numbered pages, plain headings.

use super::{
    Report, Row, VERSION, Verdict,
    pdf::{Font, PAGE, Pdf},
    text::sections,
};

const LEFT: f64 = 56.0;
const RIGHT: f64 = PAGE.0 - 56.0;
const TOP: f64 = PAGE.1 - 60.0;
const BOTTOM: f64 = 62.0;
const SIZE: f64 = 9.5;
const LEADING: f64 = 13.0;

/// A page that is filled from top to bottom.
struct Sheet {
    pdf: Pdf,
    y: f64,
}

pub(super) fn write(report: &Report) -> Vec<u8> {
    let mut sheet = Sheet { pdf: Pdf::default(), y: 0.0 };
    sheet.turn();
    sheet.block("Report on a bundle of proofs", Font::Bold, 18.0, LEFT, 24.0);
    sheet.gap(4.0);
    sheet.block(report.verdict.heading(), Font::Bold, 12.0, LEFT, 16.0);
    sheet.gap(4.0);
    sheet.plain(&report.summary);
    sheet.gap(6.0);
    for (label, value) in &report.facts {
        sheet.pair(label, value);
    }
    if report.verdict == Verdict::Fails {
        sheet.heading("What is wrong");
        for complaint in &report.complaints {
            sheet.item("!", &format!("{complaint} In words: {}.", complaint.flaw.meaning()));
        }
        if report.unlisted > 0 {
            sheet.item("!", &format!("and {} more", report.unlisted));
        }
    }
    for (title, sentences) in sections(report) {
        if !sentences.is_empty() {
            sheet.heading(title);
        }
        for (number, sentence) in (1..).zip(sentences) {
            sheet.item(&format!("{number}."), sentence);
        }
    }
    envelopes(&mut sheet, report);
    sheet.heading("What was checked");
    for tally in report.checks.iter().filter(|tally| tally.done > 0) {
        let outcome = if tally.failed == 0 { "holds".to_owned() } else { format!("{} failed", tally.failed) };
        sheet.item(
            "-",
            &format!("{} ({}): {outcome}. Shows {}.", tally.check.title(), tally.done, tally.check.proves()),
        );
    }
    sheet.heading("How to check without this program");
    for (number, step) in (1..).zip(&report.by_hand) {
        sheet.item(&format!("{number}."), &format!("{}:", step.shows));
        sheet.block(&step.command, Font::Fixed, 7.5, LEFT + 22.0, 10.0);
    }
    sheet.finish(report)
}

fn envelopes(sheet: &mut Sheet, report: &Report) {
    if report.rows.is_empty() {
        return;
    }
    sheet.heading("The envelopes (times in UTC, by the clocks of those who signed)");
    const COLUMNS: [(f64, &str); 5] = [
        (0.0, "No., what, from and to"),
        (190.0, "signed"),
        (264.0, "relayed"),
        (338.0, "received"),
        (412.0, "opened"),
    ];
    sheet.room(60.0);
    for (x, title) in COLUMNS {
        sheet.pdf.text(LEFT + x, sheet.y, Font::Bold, 8.0, title);
    }
    sheet.y -= 4.0;
    sheet.pdf.line(LEFT, RIGHT, sheet.y);
    sheet.y -= 11.0;
    for row in &report.rows {
        line(sheet, row, &COLUMNS.map(|(x, _)| x));
    }
}

/// Four lines of one envelope, which stay together.
fn line(sheet: &mut Sheet, row: &Row, columns: &[f64; 5]) {
    sheet.room(46.0 + 10.0 * row.missing.len() as f64);
    let times = [row.signed, row.relayed.or(row.submitted), row.received, row.opened];
    for (x, at) in columns.iter().skip(1).zip(times) {
        let text = at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
        sheet.pdf.text(LEFT + x, sheet.y, Font::Plain, 8.0, date);
        sheet.pdf.text(LEFT + x, sheet.y - 10.0, Font::Plain, 8.0, clock);
    }
    sheet.pdf.text(LEFT, sheet.y, Font::Bold, 8.0, &format!("{}  {}", row.number, row.kind));
    sheet.pdf.text(LEFT, sheet.y - 10.0, Font::Plain, 8.0, &format!("{} to {}", row.from, row.to));
    sheet.pdf.text(LEFT, sheet.y - 20.0, Font::Fixed, 6.5, &format!("{}  {}", row.envelope, row.digest));
    sheet.y -= 30.0;
    for missing in &row.missing {
        sheet.pdf.text(LEFT + 12.0, sheet.y, Font::Plain, 8.0, missing);
        sheet.y -= 10.0;
    }
    sheet.pdf.line(LEFT, RIGHT, sheet.y + 4.0);
    sheet.y -= 8.0;
}

impl Sheet {
    fn turn(&mut self) {
        self.pdf.page();
        self.y = TOP;
    }

    /// Turns the page when less than `points` are left.
    fn room(&mut self, points: f64) {
        if self.y - points < BOTTOM {
            self.turn();
        }
    }

    fn gap(&mut self, points: f64) {
        self.y -= points;
    }

    fn heading(&mut self, title: &str) {
        self.room(60.0);
        self.gap(10.0);
        self.block(title, Font::Bold, 12.0, LEFT, 17.0);
    }

    fn plain(&mut self, text: &str) {
        self.block(text, Font::Plain, SIZE, LEFT, LEADING);
    }

    fn item(&mut self, sign: &str, text: &str) {
        self.room(LEADING);
        self.pdf.text(LEFT, self.y, Font::Plain, SIZE, sign);
        self.block(text, Font::Plain, SIZE, LEFT + 22.0, LEADING);
        self.gap(2.0);
    }

    fn pair(&mut self, label: &str, value: &str) {
        self.room(LEADING);
        self.pdf.text(LEFT, self.y, Font::Bold, SIZE, label);
        self.block(value, Font::Plain, SIZE, LEFT + 130.0, LEADING);
    }

    /// A text broken into lines between words, and inside a word that is longer than a line.
    fn block(&mut self, text: &str, font: Font, size: f64, left: f64, leading: f64) {
        for line in broken(text, font, size, RIGHT - left) {
            self.room(leading);
            self.pdf.text(left, self.y, font, size, &line);
            self.y -= leading;
        }
    }

    /// Numbers the pages and names the bundle on each.
    fn finish(mut self, report: &Report) -> Vec<u8> {
        let count = self.pdf.pages();
        let digest = report.subject.digest.map_or_else(String::new, |digest| digest.to_string());
        for page in 0..count {
            let foot = format!("rogatory-verify {VERSION}, {}   {digest}", report.at);
            self.pdf.text_on(page, LEFT, 36.0, Font::Plain, 7.0, &foot);
            self.pdf.text_on(
                page,
                RIGHT - 50.0,
                36.0,
                Font::Plain,
                8.0,
                &format!("page {} of {count}", page + 1),
            );
        }
        self.pdf.finish("Report on a bundle of proofs")
    }
}

fn broken(text: &str, font: Font, size: f64, width: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        for piece in pieces(word, font, size, width) {
            let Some(line) = lines.last_mut() else { continue };
            let longer = if line.is_empty() { piece.clone() } else { format!("{line} {piece}") };
            if font.width(&longer, size) <= width {
                *line = longer;
            } else {
                lines.push(piece);
            }
        }
    }
    lines
}

/// A word, or what of it fits a line, and the rest.
fn pieces(word: &str, font: Font, size: f64, width: f64) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in word.chars() {
        let last = pieces.last().cloned().unwrap_or_default();
        if font.width(&format!("{last}{c}"), size) > width {
            pieces.push(String::new());
        }
        pieces.iter_mut().last().into_iter().for_each(|piece| piece.push(c));
    }
    pieces
}
