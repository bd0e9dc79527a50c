//! A PDF (ISO 32000-1) of text and lines: the built-in fonts, one content stream a page, nothing else.

use std::fmt::Write as _;

/// A4 in points.
pub(super) const PAGE: (f64, f64) = (595.0, 842.0);

/// The built-in fonts in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Font {
    Plain,
    Bold,
    Fixed,
}

impl Font {
    const ALL: [Self; 3] = [Self::Plain, Self::Bold, Self::Fixed];

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "Helvetica",
            Self::Bold => "Helvetica-Bold",
            Self::Fixed => "Courier",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Plain => "F1",
            Self::Bold => "F2",
            Self::Fixed => "F3",
        }
    }

    /// The width of a text in points (the metrics of the built-in fonts, in thousandths of the size).
    pub(super) fn width(self, text: &str, size: f64) -> f64 {
        let one = |c: char| match self {
            Self::Fixed => 600,
            Self::Plain => helvetica(c),
            // The bold face is wider by at most a tenth.
            Self::Bold => helvetica(c) * 11 / 10,
        };
        f64::from(text.chars().map(one).sum::<u32>()) * size / 1000.0
    }
}

/// Widths of Helvetica from U+0020 to U+007E.
const WIDTHS: [u32; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

fn helvetica(c: char) -> u32 {
    let at = u32::from(c).checked_sub(0x20).and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| WIDTHS.get(at)).copied().unwrap_or(667)
}

/// Pages under construction.
#[derive(Default)]
pub(super) struct Pdf {
    pages: Vec<String>,
}

impl Pdf {
    pub(super) fn page(&mut self) {
        self.pages.push(String::new());
    }

    pub(super) fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Writes on the last page; `y` is from the bottom.
    pub(super) fn text(&mut self, x: f64, y: f64, font: Font, size: f64, text: &str) {
        self.text_on(self.pages.len().saturating_sub(1), x, y, font, size, text);
    }

    pub(super) fn text_on(&mut self, page: usize, x: f64, y: f64, font: Font, size: f64, text: &str) {
        if let Some(page) = self.pages.get_mut(page) {
            let _ =
                writeln!(page, "BT /{} {size:.1} Tf {x:.1} {y:.1} Td ({}) Tj ET", font.key(), escaped(text));
        }
    }

    /// A thin line from one side to the other.
    pub(super) fn line(&mut self, from: f64, to: f64, y: f64) {
        if let Some(page) = self.pages.last_mut() {
            let _ = writeln!(page, "0.5 w {from:.1} {y:.1} m {to:.1} {y:.1} l S");
        }
    }

    /// The whole file: catalogue, pages, fonts, contents, table of offsets.
    pub(super) fn finish(&self, title: &str) -> Vec<u8> {
        let first = 4 + Font::ALL.len();
        let kids: Vec<String> = (0..self.pages.len()).map(|at| format!("{} 0 R", first + 2 * at)).collect();
        let fonts: Vec<String> = Font::ALL
            .iter()
            .enumerate()
            .map(|(at, font)| format!("/{} {} 0 R", font.key(), 4 + at))
            .collect();
        let mut objects = vec![
            "<< /Type /Catalog /Pages 2 0 R /Lang (en) /ViewerPreferences << /DisplayDocTitle true >> >>"
                .to_owned(),
            format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), self.pages.len()),
            format!("<< /Title ({}) /Producer (rogatory-verify) >>", escaped(title)),
        ];
        objects.extend(Font::ALL.iter().map(|font| {
            format!("<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>", font.name())
        }));
        for (at, page) in self.pages.iter().enumerate() {
            objects.push(format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {} {}] /Resources << /Font << {} >> >> /Contents {} 0 R >>",
                PAGE.0,
                PAGE.1,
                fonts.join(" "),
                first + 2 * at + 1
            ));
            objects.push(format!("<< /Length {} >>\nstream\n{page}endstream", page.len()));
        }
        assemble(&objects)
    }
}

fn assemble(objects: &[String]) -> Vec<u8> {
    let mut out = "%PDF-1.7\n".to_owned();
    let mut offsets = Vec::with_capacity(objects.len());
    for (number, object) in (1..).zip(objects) {
        offsets.push(out.len());
        let _ = writeln!(out, "{number} 0 obj\n{object}\nendobj");
    }
    let table = out.len();
    let _ = writeln!(out, "xref\n0 {}\n0000000000 65535 f ", objects.len() + 1);
    for offset in offsets {
        let _ = writeln!(out, "{offset:010} 00000 n ");
    }
    let _ = write!(
        out,
        "trailer\n<< /Size {} /Root 1 0 R /Info 3 0 R >>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    );
    out.into_bytes()
}

/// A string of WinAnsiEncoding in ASCII: Latin letters with accents as octal, `?` for what the fonts do not have.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match u32::from(c) {
            0x28 | 0x29 | 0x5c => {
                out.push('\\');
                out.push(c);
            }
            0x20..=0x7e => out.push(c),
            code @ 0xa0..=0xff => {
                let _ = write!(out, "\\{code:03o}");
            }
            0x2013 | 0x2014 => out.push_str("\\226"),
            0x2018 | 0x2019 => out.push('\''),
            _ => out.push('?'),
        }
    }
    out
}
