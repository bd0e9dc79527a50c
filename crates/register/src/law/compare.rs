//! Two States' laws side by side for one article: what each says of every element, and never a verdict.

use super::{CitationForm, LawText, OffenceLaw, Penalty, Provision, Reach, SignedLaw};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;
use treaty::{
    Absence, Choice, Citation, OffenceDefinition, Part, Rule, offence_definition,
    table::{DUAL_CRIMINALITY, SERIOUS_CRIME},
};
use vocabulary::{Digest, Instant, StateCode};

/// What a law says of an element or option of the article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    Present,
    Absent,
    Wider,
    Narrower,
    Unknown,
}

impl Mark {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Wider => "wider",
            Self::Narrower => "narrower",
            Self::Unknown => "unknown",
        }
    }
}

/// How far two laws reach on one element; a fact about what was published, not about conduct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    Same,
    FirstWider,
    SecondWider,
    /// Both depart from the article the same way, in words of their own: a person compares them.
    Compare,
    Unknown,
}

/// Where what a State says comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// At least one provision was in force on the day.
    Provisions,
    /// The State says that its law has none.
    NoProvision,
    /// It has provisions, and none of them was in force on the day.
    NoneInForce,
    /// Its profile does not name the article.
    Silent,
    /// No profile of it is here.
    NothingPublished,
}

impl Says {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisions => "its provisions in force",
            Self::NoProvision => "it says that its law has no provision",
            Self::NoneInForce => "it names no provision that was in force on that day",
            Self::Silent => "its profile says nothing of this",
            Self::NothingPublished => "no law profile of it is here",
        }
    }
}

/// A State and its newest profile here, if there is one.
#[derive(Debug, Clone, Copy)]
pub struct Published<'a> {
    pub state: StateCode,
    pub law: Option<&'a SignedLaw>,
}

/// The mark of one State, with what each of its provisions says where they differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The furthest reach of any of its provisions in force: conduct is a crime where one of them covers it.
    pub mark: Mark,
    /// By the place of the provision in `provisions`; only where provisions differ.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub by_provision: BTreeMap<usize, Mark>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<LawText>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum RowKind {
    Element { part: Part, absence: Absence },
    Option { kind: Choice },
}

/// One element or option of the article in both laws.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub id: &'static str,
    pub citation: Citation,
    #[serde(flatten)]
    pub kind: RowKind,
    pub text: &'static str,
    pub first: Cell,
    pub second: Cell,
    pub relation: Relation,
}

/// A provision as it stands in the comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProvisionShown {
    /// What an offence outside the Convention is called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub name: Vec<LawText>,
    pub identifier: String,
    pub form: CitationForm,
    pub texts: Vec<LawText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Penalty>,
    /// Whether the maximum reaches the threshold of a serious crime; absent when it cannot be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaches_serious_crime: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// One State's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateShown {
    pub state: StateCode,
    pub says: Says,
    /// Of the signed profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Instant>,
    /// The profile is past its end: ask the State whether it still says so.
    pub expired: bool,
    /// In force on the day.
    pub provisions: Vec<ProvisionShown>,
    /// Not in force on the day; no mark comes from them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_in_force: Vec<ProvisionShown>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<LawText>,
}

/// Both laws for one article, or for offences outside the Convention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Absent for offences outside the Convention, which have no elements here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub article: Option<u8>,
    pub title: &'static str,
    pub on: Date,
    pub first: StateShown,
    pub second: StateShown,
    pub rows: Vec<Row>,
    /// The row of the threshold of a serious crime.
    pub serious_crime_years: Option<u32>,
    pub serious_crime: Citation,
    /// The row of dual criminality.
    pub dual_criminality: Citation,
    pub dual_criminality_meaning: &'static str,
}

/// Lays both laws for `article` side by side as of the day `on`; `None` for an article that establishes no offence.
pub fn compare(
    article: u8,
    on: Date,
    now: Instant,
    first: Published<'_>,
    second: Published<'_>,
) -> Option<Comparison> {
    let definition = offence_definition(article)?;
    let (ours, theirs) = (Side::of(first, article, on), Side::of(second, article, on));
    let elements = definition.elements.iter().map(|element| {
        let kind = RowKind::Element { part: element.part, absence: element.absence };
        row(element.rule(article), kind, &ours, &theirs)
    });
    let options = definition
        .options
        .iter()
        .map(|option| row(option.rule(article), RowKind::Option { kind: option.kind }, &ours, &theirs));
    let rows = elements.chain(options).collect();
    Some(comparison(Some(definition), on, ours.shown(now), theirs.shown(now), rows))
}

/// Lists what both States published of offences outside the Convention; elements of them are nowhere defined.
pub fn compare_outside(on: Date, now: Instant, first: Published<'_>, second: Published<'_>) -> Comparison {
    comparison(None, on, outside(first, on, now), outside(second, on, now), Vec::new())
}

fn comparison(
    definition: Option<&'static OffenceDefinition>,
    on: Date,
    first: StateShown,
    second: StateShown,
    rows: Vec<Row>,
) -> Comparison {
    Comparison {
        article: definition.map(|known| known.article),
        title: definition.map_or("offences outside the Convention", OffenceDefinition::title),
        on,
        first,
        second,
        rows,
        serious_crime_years: SERIOUS_CRIME.number(),
        serious_crime: SERIOUS_CRIME.citation(),
        dual_criminality: DUAL_CRIMINALITY.citation(),
        dual_criminality_meaning: DUAL_CRIMINALITY.meaning,
    }
}

/// One State's law for the article, on the day.
struct Side<'a> {
    published: Published<'a>,
    entry: Option<&'a OffenceLaw>,
    says: Says,
    in_force: Vec<&'a Provision>,
    ended: Vec<&'a Provision>,
}

impl<'a> Side<'a> {
    fn of(published: Published<'a>, article: u8, on: Date) -> Self {
        let entry = published.law.and_then(|law| law.profile().offence(article));
        let provisions = entry.map_or(&[][..], |entry| entry.provisions.as_slice());
        let (in_force, ended): (Vec<_>, Vec<_>) = provisions.iter().partition(|p| p.is_in_force(on));
        let says = match entry {
            _ if published.law.is_none() => Says::NothingPublished,
            None => Says::Silent,
            Some(entry) if entry.provisions.is_empty() => Says::NoProvision,
            Some(_) if in_force.is_empty() => Says::NoneInForce,
            Some(_) => Says::Provisions,
        };
        Self { published, entry, says, in_force, ended }
    }

    fn cell(&self, id: &str, kind: RowKind) -> Cell {
        let marks: Vec<Mark> = self.in_force.iter().map(|provision| mark(provision, id, kind)).collect();
        let widest = marks.iter().copied().max_by_key(|mark| span(*mark, kind));
        let mark = match self.says {
            Says::NoProvision => Mark::Absent,
            _ => widest.unwrap_or(Mark::Unknown),
        };
        let differ = marks.windows(2).any(|pair| pair.first() != pair.last());
        let by_provision = if differ { marks.into_iter().enumerate().collect() } else { BTreeMap::new() };
        let remarks = self.in_force.iter().flat_map(|provision| &provision.remarks);
        let remarks = remarks
            .filter(|remark| remark.element == id)
            .map(|remark| LawText { language: remark.language.clone(), text: remark.text.clone() })
            .collect();
        Cell { mark, by_provision, remarks }
    }

    /// A law without a provision covers no element.
    fn span(&self, mark: Mark, kind: RowKind) -> Option<i8> {
        if self.says == Says::NoProvision { Some(NOT_COVERED) } else { span(mark, kind) }
    }

    fn shown(&self, now: Instant) -> StateShown {
        let reservations = self.entry.map(|entry| entry.reservations.clone()).unwrap_or_default();
        let all = |provisions: &[&Provision]| provisions.iter().map(|p| shown(p, &[])).collect();
        StateShown {
            provisions: all(&self.in_force),
            not_in_force: all(&self.ended),
            reservations,
            ..head(self.published, self.says, now)
        }
    }
}

fn head(published: Published<'_>, says: Says, now: Instant) -> StateShown {
    let profile = published.law.map(SignedLaw::profile);
    StateShown {
        state: published.state,
        says,
        profile: published.law.map(SignedLaw::digest),
        sequence: profile.map(|profile| profile.sequence),
        issued: profile.map(|profile| profile.issued),
        valid_until: profile.map(|profile| profile.valid_until),
        expired: profile.is_some_and(|profile| profile.valid_until < now),
        provisions: Vec::new(),
        not_in_force: Vec::new(),
        reservations: Vec::new(),
    }
}

fn outside(published: Published<'_>, on: Date, now: Instant) -> StateShown {
    let entries = published.law.map_or(&[][..], |law| law.profile().outside.as_slice());
    let all = entries.iter().flat_map(|entry| entry.provisions.iter().map(move |p| (p, &entry.name)));
    let (in_force, ended): (Vec<_>, Vec<_>) = all.partition(|(provision, _)| provision.is_in_force(on));
    let says = match (published.law, entries.is_empty()) {
        (None, _) => Says::NothingPublished,
        (Some(_), true) => Says::Silent,
        (Some(_), false) if in_force.is_empty() => Says::NoneInForce,
        (Some(_), false) => Says::Provisions,
    };
    let shown =
        |list: Vec<(&Provision, &Vec<LawText>)>| list.into_iter().map(|(p, name)| shown(p, name)).collect();
    StateShown { provisions: shown(in_force), not_in_force: shown(ended), ..head(published, says, now) }
}

fn shown(provision: &Provision, name: &[LawText]) -> ProvisionShown {
    ProvisionShown {
        name: name.to_vec(),
        identifier: provision.identifier.clone(),
        form: CitationForm::of(&provision.identifier),
        texts: provision.texts.clone(),
        maximum: provision.maximum.clone(),
        reaches_serious_crime: provision.maximum.as_ref().and_then(Penalty::is_serious),
        from: provision.from,
        until: provision.until,
    }
}

/// What one provision says of one element or option.
fn mark(provision: &Provision, id: &str, kind: RowKind) -> Mark {
    if provision.contradicts_itself_on(id) {
        return Mark::Unknown;
    }
    let remark = provision.remarks.iter().find(|remark| remark.element == id);
    let named = |list: &[String]| list.iter().any(|found| found == id);
    match (remark.map(|remark| remark.reach), kind) {
        (Some(Reach::Wider), _) => Mark::Wider,
        (Some(Reach::Narrower), _) => Mark::Narrower,
        (None, RowKind::Element { .. }) if named(&provision.absent) => Mark::Absent,
        (None, RowKind::Element { .. }) => Mark::Present,
        (None, RowKind::Option { .. }) if named(&provision.chosen) => Mark::Present,
        (None, RowKind::Option { .. }) => Mark::Absent,
    }
}

const NOT_COVERED: i8 = -2;
const LESS: i8 = -1;
const AS_THE_ARTICLE: i8 = 0;
const MORE: i8 = 1;

/// How far a law with this mark reaches, measured against the article; `None` when it is not known.
const fn span(mark: Mark, kind: RowKind) -> Option<i8> {
    Some(match (mark, kind) {
        (Mark::Unknown, _) => return None,
        (Mark::Wider, _) => MORE,
        (Mark::Narrower, _) => LESS,
        (Mark::Present, RowKind::Element { .. }) | (Mark::Absent, RowKind::Option { .. }) => AS_THE_ARTICLE,
        (Mark::Absent, RowKind::Element { absence: Absence::Wider, .. }) => MORE,
        (Mark::Absent, RowKind::Element { absence: Absence::Narrower, .. }) => NOT_COVERED,
        (Mark::Present, RowKind::Option { kind }) => match kind {
            Choice::Requirement | Choice::Exclusion | Choice::Reservation => LESS,
            Choice::Extension => MORE,
            Choice::Saving => AS_THE_ARTICLE,
        },
    })
}

fn row(rule: Rule, kind: RowKind, ours: &Side<'_>, theirs: &Side<'_>) -> Row {
    let (first, second) = (ours.cell(rule.id, kind), theirs.cell(rule.id, kind));
    let spans = (ours.span(first.mark, kind), theirs.span(second.mark, kind));
    let remarked = |mark| matches!(mark, Mark::Wider | Mark::Narrower);
    let relation = match spans {
        (None, _) | (_, None) => Relation::Unknown,
        (Some(a), Some(b)) if a > b => Relation::FirstWider,
        (Some(a), Some(b)) if a < b => Relation::SecondWider,
        _ if remarked(first.mark) || remarked(second.mark) => Relation::Compare,
        _ => Relation::Same,
    };
    let text = match rule.value {
        treaty::RuleValue::Text(text) => text,
        _ => rule.meaning,
    };
    Row { id: rule.id, citation: rule.citation(), kind, text, first, second, relation }
}

#[cfg(test)]
mod tests;
