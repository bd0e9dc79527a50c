//! Law profiles: ours signed, those of enrolled States taken, two of them laid side by side for a file or an article.

use crate::{Flow, FlowError, Level, NodeAct, View, oversight::ConductJudgement};
use jiff::{civil::Date, tz::TimeZone};
use register::law::{
    Comparison, LawError, LawProfile, Published, SignedLaw, WrittenLaw, check, compare, compare_outside,
};
use serde::Serialize;
use std::time::Duration;
use store::{LawRow, Session};
use treaty::{
    Citation, Draft, Finding, Measure, OffenceBasis, OffenceClass, Rule, Severity,
    table::{
        DUAL_CRIMINALITY, GROUND_DUAL_CRIMINALITY, PRESERVATION_NO_DUAL_CRIMINALITY, PRESERVATION_RESERVATION,
    },
};
use vocabulary::{Digest, Failure as _, Family, FileId, Instant, OfficerId, Report, StateCode};

/// How long a law profile stands before a newer one is due; policy, as for descriptors.
const VALID: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A law profile that is kept here.
#[derive(Debug, Clone)]
pub struct KeptLaw {
    pub law: SignedLaw,
    pub signed: Vec<u8>,
    pub kept_at: Instant,
}

/// What taking another State's profile did.
#[derive(Debug, Clone)]
pub struct TakenLaw {
    pub law: SignedLaw,
    /// False when the very same bytes were here.
    pub new: bool,
    /// The profile that it replaces.
    pub replaced: Option<Digest>,
    /// What contradicts itself or is missing in it.
    pub findings: Vec<Finding>,
}

/// Whether dual criminality is needed at all, and the row that says so.
#[derive(Debug, Clone, Serialize)]
pub struct Need {
    pub citation: Citation,
    pub text: &'static str,
}

/// Both laws for the offence of a file, and what people found.
#[derive(Debug, Clone, Serialize)]
pub struct FileComparison {
    pub file: FileId,
    pub comparison: Comparison,
    pub needed: Vec<Need>,
    /// Oldest first; a later one stands beside the earlier.
    pub judgements: Vec<ConductJudgement>,
}

/// Whose laws are compared for a file, and for which offence.
pub(crate) struct Question {
    pub(crate) requesting: StateCode,
    pub(crate) requested: StateCode,
    pub(crate) draft: Draft,
}

impl Question {
    fn basis(&self) -> Option<OffenceBasis> {
        self.draft.offence.as_ref()?.basis
    }

    pub(crate) fn article(&self) -> Option<u8> {
        match self.basis()? {
            OffenceBasis::ConventionOffence(article) => Some(article),
            _ => None,
        }
    }
}

impl Flow {
    /// Signs our law with the root as the next profile, and keeps it.
    pub async fn publish_law(&self, by: OfficerId, written: WrittenLaw) -> Result<KeptLaw, FlowError> {
        let now = self.now();
        let mut write = self.store.write().await?;
        let before = write.queries().law(self.us()).await?.map_or(0, |row| row.sequence);
        let sequence = u64::try_from(now.seconds()).unwrap_or(0).max(before.saturating_add(1));
        let profile = written.profile(self.us(), sequence, now, now.plus(VALID))?;
        let root = self.keys.root()?;
        let signed = root.sign(&profile.to_json()?, now)?;
        // What peers will check, checked before it leaves.
        let law = SignedLaw::verify(&signed, root.anchor(), now)?;
        let row = LawRow { state: self.us(), sequence, body: signed.clone(), kept_at: now };
        write.keep_law(&row).await?;
        self.record_act(&mut write, by, kept(&law)).await?;
        write.commit().await?;
        Ok(KeptLaw { law, signed, kept_at: now })
    }

    /// Takes the profile of an enrolled State: under its enrolled root, and newer than the one that is here.
    pub async fn take_law(&self, by: OfficerId, signed: &[u8]) -> Result<TakenLaw, FlowError> {
        let state = SignedLaw::read(signed)?.profile().state;
        if state == self.us() {
            return Err(LawError::Ourselves { state }.into());
        }
        let now = self.now();
        let law = SignedLaw::verify(signed, self.peer(state).await?.anchor(), now)?;
        let findings = findings(law.profile());
        let mut write = self.store.write().await?;
        let known = write.queries().law(state).await?.map(|row| SignedLaw::read(&row.body)).transpose()?;
        let new = known.as_ref().map_or(Ok(true), |known| law.replaces(known))?;
        if new {
            let sequence = law.profile().sequence;
            write.keep_law(&LawRow { state, sequence, body: signed.to_vec(), kept_at: now }).await?;
            self.record_act(&mut write, by, kept(&law)).await?;
            let must = findings.iter().filter(|found| found.severity == Severity::Must).count();
            if must > 0 {
                let id = format!("law/{state}/{sequence}");
                self.find(&mut write, id, Level::Warn, None, Some(state), contradicts(state, must)).await?;
            }
            write.commit().await?;
        }
        let replaced = known.filter(|_| new).map(|known| known.digest());
        Ok(TakenLaw { law, new, replaced, findings })
    }

    /// Every profile of the State that is kept here, newest first.
    pub async fn laws(&self, state: StateCode) -> Result<Vec<KeptLaw>, FlowError> {
        let mut read = self.store.read().await?;
        let rows = read.queries().laws(state).await?;
        rows.into_iter().map(read_law).collect()
    }

    /// The newest profile of every State of which one is here.
    pub async fn newest_laws(&self) -> Result<Vec<KeptLaw>, FlowError> {
        let mut read = self.store.read().await?;
        let mut newest = Vec::new();
        for state in read.queries().law_states().await? {
            newest.extend(newest_law(&mut read, state).await?);
        }
        Ok(newest)
    }

    /// The newest profile of the State, or the one with this digest.
    pub async fn law(&self, state: StateCode, digest: Option<Digest>) -> Result<KeptLaw, FlowError> {
        let wanted = |kept: &KeptLaw| digest.is_none_or(|digest| kept.law.digest() == digest);
        let found = self.laws(state).await?.into_iter().find(wanted);
        Ok(found.ok_or(LawError::NothingPublished { state })?)
    }

    /// Both laws for an article, as of a day; today by our own calendar when none is given.
    pub async fn compare_law(
        &self,
        article: u8,
        first: StateCode,
        second: StateCode,
        on: Option<Date>,
    ) -> Result<Comparison, FlowError> {
        self.lay(Some(article), first, second, on).await
    }

    /// Both laws for the offence of a file: the requesting State's first.
    pub async fn compare_law_of(&self, file: FileId, on: Option<Date>) -> Result<FileComparison, FlowError> {
        let question = self.question(file).await?;
        let basis = question.basis().ok_or(LawError::NoBasis)?;
        let (first, second) = (question.requesting, question.requested);
        Ok(FileComparison {
            file,
            comparison: self.lay(question.article(), first, second, on).await?,
            needed: self.needed(&question, basis).await?,
            judgements: self.judgements(file).await?,
        })
    }

    async fn lay(
        &self,
        article: Option<u8>,
        first: StateCode,
        second: StateCode,
        on: Option<Date>,
    ) -> Result<Comparison, FlowError> {
        let now = self.now();
        let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
        let on = on.unwrap_or_else(|| now.date_in(&zone));
        let mut read = self.store.read().await?;
        let laws = (newest_law(&mut read, first).await?, newest_law(&mut read, second).await?);
        let (first, second) = (published(first, laws.0.as_ref()), published(second, laws.1.as_ref()));
        Ok(match article {
            Some(article) => {
                compare(article, on, now, first, second).ok_or(LawError::NoOffence { article })?
            }
            None => compare_outside(on, now, first, second),
        })
    }

    pub(crate) async fn question(&self, file: FileId) -> Result<Question, FlowError> {
        let (requesting, requested, draft) = match self.view(file).await? {
            View::Outgoing(known) => (self.us(), known.to, known.draft),
            View::Incoming(known) => (known.from, self.us(), known.draft),
        };
        Ok(Question { requesting, requested, draft: self.draft_of(draft).await? })
    }

    /// Whether the request needs the conduct to be a crime in both States.
    async fn needed(&self, question: &Question, basis: OffenceBasis) -> Result<Vec<Need>, FlowError> {
        if question.draft.kind.form().measure != Measure::Preservation {
            return Ok(vec![
                need(
                    &DUAL_CRIMINALITY,
                    "where it is required, the conduct counts and not its name or category",
                ),
                need(
                    &GROUND_DUAL_CRIMINALITY,
                    "assistance may be declined for want of it, and may be given all the same",
                ),
            ]);
        }
        let mut needed = vec![need(
            &PRESERVATION_NO_DUAL_CRIMINALITY,
            "preservation does not need it, unless the requested State reserved",
        )];
        let reserved = if question.requested == self.us() {
            self.profile.preservation_needs_dual_criminality
        } else {
            self.peer(question.requested).await?.profile().preservation_needs_dual_criminality
        };
        needed.push(match (reserved, basis.class()) {
            (false, _) => need(&PRESERVATION_RESERVATION, "the requested State made no reservation"),
            (true, OffenceClass::ConventionOffence) => {
                need(&PRESERVATION_RESERVATION, "the requested State reserved, and not for offences of the Convention")
            }
            (true, _) => need(
                &PRESERVATION_RESERVATION,
                "the requested State reserved: it may refuse if it believes that it will be lacking at disclosure",
            ),
        });
        Ok(needed)
    }
}

fn need(rule: &Rule, text: &'static str) -> Need {
    Need { citation: rule.citation(), text }
}

/// All findings on a profile, as its own State would have seen them.
fn findings(profile: &LawProfile) -> Vec<Finding> {
    check(profile.state, &profile.offences, &profile.outside)
}

fn kept(law: &SignedLaw) -> NodeAct {
    let (state, sequence) = (law.profile().state, law.profile().sequence);
    NodeAct::LawKept { state, sequence, profile: law.digest() }
}

fn published(state: StateCode, kept: Option<&KeptLaw>) -> Published<'_> {
    Published { state, law: kept.map(|kept| &kept.law) }
}

pub(crate) async fn newest_law(
    session: &mut impl Session,
    state: StateCode,
) -> Result<Option<KeptLaw>, FlowError> {
    session.queries().law(state).await?.map(read_law).transpose()
}

fn read_law(row: LawRow) -> Result<KeptLaw, FlowError> {
    Ok(KeptLaw { law: SignedLaw::read(&row.body)?, signed: row.body, kept_at: row.kept_at })
}

/// What people should know of a profile that was taken as it is.
fn contradicts(state: StateCode, must: usize) -> Report {
    Report {
        family: Family::Refusal,
        code: "R-656".to_owned(),
        message: format!("the law profile of `{state}` contradicts itself in {must} places"),
        clause: LawError::Contradicts { must }.clause(),
        remedy: "ask the State to put it right; what contradicts itself is shown as `unknown`".to_owned(),
    }
}

#[cfg(test)]
mod tests;
