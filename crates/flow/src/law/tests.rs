//! Law profiles between two States: who may publish, what is taken, and what people find.

use super::*;
use crate::{
    Conduct, Credential, Oversight,
    fixture::{DAY, Pair},
};
use register::law::{Mark, Says};
use treaty::Kind;

const LAW: &str = r#"
[[offences]]
article = 7
[[offences.provisions]]
identifier = "Code, sec. 7"
texts = [{ language = "en", text = "Whoever" }]
maximum = { years = 5 }
from = "2019-07-01"
"#;

fn law(text: &str) -> WrittenLaw {
    WrittenLaw::from_toml(text).unwrap()
}

async fn publish(flow: &Flow, text: &str) -> KeptLaw {
    flow.publish_law(OfficerId::system(), law(text)).await.unwrap()
}

async fn take(flow: &Flow, kept: &KeptLaw) -> TakenLaw {
    flow.take_law(OfficerId::system(), &kept.signed).await.unwrap()
}

#[tokio::test]
async fn a_profile_that_is_signed_here_is_taken_there_and_a_newer_one_replaces_it() {
    let pair = Pair::new().await;
    let (a, b) = (&pair.a.flow, &pair.b.flow);
    let first = publish(b, LAW).await;
    assert!(take(a, &first).await.new);
    assert!(!take(a, &first).await.new, "the very same again");
    let second = publish(b, &LAW.replace("years = 5", "years = 3")).await;
    assert!(second.law.profile().sequence > first.law.profile().sequence, "within one second too");
    assert_eq!(take(a, &second).await.replaced, Some(first.law.digest()));
    assert_eq!(a.take_law(OfficerId::system(), &first.signed).await.unwrap_err().code(), "P-682");
    assert_eq!(a.law(b.us(), None).await.unwrap().law.digest(), second.law.digest());
    assert_eq!(a.law(b.us(), Some(first.law.digest())).await.unwrap().law.digest(), first.law.digest());
    assert_eq!(a.laws(b.us()).await.unwrap().len(), 2);
    let kept = a.acts().await.unwrap().into_iter().filter(|act| matches!(act.act, NodeAct::LawKept { .. }));
    assert_eq!(kept.count(), 2, "each is in the ledger");
    pair.audit().await;
}

#[tokio::test]
async fn a_profile_that_was_altered_is_of_a_stranger_or_our_own_is_refused() {
    let pair = Pair::new().await;
    let strangers = Pair::new().await;
    let (a, b) = (&pair.a.flow, &pair.b.flow);
    let by = OfficerId::system;
    let kept = publish(b, LAW).await;
    let mut altered = kept.signed.clone();
    let at = altered.windows(7).position(|bytes| bytes == b"Whoever").unwrap();
    altered[at] = b'w';
    assert_eq!(a.take_law(by(), &altered).await.unwrap_err().code(), "P-677");
    let of_stranger = publish(&strangers.b.flow, LAW).await;
    assert_eq!(a.take_law(by(), &of_stranger.signed).await.unwrap_err().code(), "P-678");
    assert_eq!(b.take_law(by(), &kept.signed).await.unwrap_err().code(), "R-650");
    assert!(a.newest_laws().await.unwrap().is_empty());
    pair.clock.forward(DAY * 366);
    assert_eq!(a.take_law(by(), &kept.signed).await.unwrap_err().code(), "P-681");
}

#[tokio::test]
async fn a_law_that_contradicts_itself_is_not_signed_and_nothing_is_kept() {
    let pair = Pair::new().await;
    let odd = law(&LAW.replace("years = 5", "years = -5"));
    let refused = pair.b.flow.publish_law(OfficerId::system(), odd).await.unwrap_err();
    assert_eq!(refused.code(), "R-652");
    assert_eq!(pair.b.flow.law(pair.b.flow.us(), None).await.unwrap_err().code(), "R-653");
}

#[tokio::test]
async fn a_peers_profile_that_contradicts_itself_is_taken_with_a_finding_and_shown_as_unknown() {
    let pair = Pair::new().await;
    let (a, b) = (&pair.a.flow, &pair.b.flow);
    let kept = publish(b, LAW).await;
    let mut profile = kept.law.profile().clone();
    profile.sequence += 1;
    profile.offences[0].provisions[0].absent = vec!["7.2.obtain-data".to_owned()];
    profile.offences[0].provisions[0].chosen = vec!["7.2.obtain-data".to_owned()];
    let signed = b.keys().root().unwrap().sign(&profile.to_json().unwrap(), b.now()).unwrap();
    let taken = a.take_law(OfficerId::system(), &signed).await.unwrap();
    assert_eq!(taken.findings[0].code, "T-007-2-law-contradiction");
    assert_eq!(a.findings().await.unwrap()[0].report.code, "R-656");
    let found = a.compare_law(7, a.us(), b.us(), None).await.unwrap();
    let mark = |id: &str| found.rows.iter().find(|row| row.id == id).unwrap().second.mark;
    assert_eq!((mark("7.2.obtain-data"), mark("7.access")), (Mark::Unknown, Mark::Present));
    assert_eq!(found.first.says, Says::NothingPublished);
}

#[tokio::test]
async fn both_sides_of_a_file_see_the_same_two_laws_in_the_same_order() {
    let pair = Pair::new().await;
    let (a, b) = (&pair.a.flow, &pair.b.flow);
    take(b, &publish(a, LAW).await).await;
    take(a, &publish(b, &LAW.replace("from =", "chosen = [\"7.2.security-measure\"]\nfrom =")).await).await;
    let file = pair.ask(Kind::PRESERVATION, None).await;
    let ours = a.compare_law_of(file, None).await.unwrap();
    let theirs = b.compare_law_of(file, None).await.unwrap();
    assert_eq!(ours.comparison.rows, theirs.comparison.rows);
    assert_eq!((ours.comparison.first.state, ours.comparison.second.state), (a.us(), b.us()));
    let citations: Vec<String> = ours.needed.iter().map(|need| need.citation.to_string()).collect();
    assert_eq!(citations, ["Art. 42(4) [B]", "Art. 42(5) [B]"], "preservation does not need it");
    let stored = pair.ask(Kind::STORED_DATA, None).await;
    let stored = b.compare_law_of(stored, None).await.unwrap();
    let citations: Vec<String> = stored.needed.iter().map(|need| need.citation.to_string()).collect();
    assert_eq!(citations, ["Art. 35(3) [B]", "Art. 40(8) [B]"]);
    assert_eq!(a.compare_law(18, a.us(), b.us(), None).await.unwrap_err().code(), "R-654");
}

#[tokio::test]
async fn a_person_who_decides_judges_conduct_and_the_judgement_keeps_the_profiles_as_they_were() {
    let pair = Pair::new().await;
    let (a, b) = (&pair.a.flow, &pair.b.flow);
    let by = &pair.b.second;
    let law_of_b = publish(b, LAW).await;
    let file = pair.ask(Kind::STORED_DATA, None).await;
    b.judge_conduct(by, file, Conduct::NotCrimeInBoth, "nothing is known of their law").await.unwrap();
    let law_of_a = publish(a, LAW).await;
    take(b, &law_of_a).await;
    b.judge_conduct(by, file, Conduct::CrimeInBoth, "sec. 7 covers it").await.unwrap();
    pair.clock.forward(DAY);
    let newer = publish(a, &LAW.replace("years = 5", "years = 9")).await;
    take(b, &newer).await;

    let judged = b.judgements(file).await.unwrap();
    let conduct: Vec<_> = judged.iter().map(ConductJudgement::conduct).collect();
    assert_eq!(conduct, [Some(Conduct::NotCrimeInBoth), Some(Conduct::CrimeInBoth)]);
    let laws: Vec<_> = judged
        .iter()
        .map(|judged| match judged.record.act {
            Oversight::ConductJudged { law_of_requesting, law_of_requested, .. } => {
                (law_of_requesting, law_of_requested)
            }
            _ => panic!("another act"),
        })
        .collect();
    let (of_a, of_b) = (Some(law_of_a.law.digest()), Some(law_of_b.law.digest()));
    assert_eq!(laws, [(None, of_b), (of_a, of_b)], "the older profile, not the newest");
    assert_eq!(judged[1].reasons.as_deref(), Some("sec. 7 covers it"));
    assert_eq!(judged[0].record.by, by.id);
    assert!(a.judgements(file).await.unwrap().is_empty(), "it stays where it was found");
    assert!(b.halts().await.unwrap().is_empty());
    pair.audit().await;
}

#[tokio::test]
async fn nobody_judges_conduct_without_the_right_a_reason_or_a_file() {
    let pair = Pair::new().await;
    let b = &pair.b.flow;
    let file = pair.ask(Kind::STORED_DATA, None).await;
    let judge = |by: Credential, file, reasons: &'static str| async move {
        b.judge_conduct(&by, file, Conduct::CrimeInBoth, reasons).await.unwrap_err().code()
    };
    let clerk = crate::fixture::officer("a.clerk", &[mandate::Role::CaseOfficer]);
    let clerk = Credential { token: b.add_officer(clerk.clone()).await.unwrap(), id: clerk.id };
    assert_eq!(judge(clerk, file, "because").await, "R-151");
    assert_eq!(judge(pair.b.second.clone(), file, "  ").await, "R-161");
    let unknown = FileId::from_uuid(uuid::Uuid::nil());
    assert_eq!(judge(pair.b.second.clone(), unknown, "because").await, "R-158");
    let thief = Credential { token: "rogatory-00".to_owned(), id: pair.b.second.id.clone() };
    assert_eq!(judge(thief, file, "because").await, "R-155");
    assert!(b.judgements(file).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_serious_crime_outside_the_convention_is_listed_without_elements_and_no_basis_is_refused() {
    let pair = Pair::new().await;
    let (a, b) = (&pair.a.flow, &pair.b.flow);
    let outside = LAW.replace(
        "[[offences]]\narticle = 7",
        "[[outside]]\nname = [{ language = \"en\", text = \"Extortion\" }]",
    );
    take(a, &publish(b, &outside.replace("offences.", "outside.")).await).await;
    let mut draft = crate::fixture::example(Kind::STORED_DATA, a.now(), None);
    let mut open = async |basis| {
        draft.offence.as_mut().unwrap().basis = basis;
        let file = a.draft(&pair.a.first, &draft).await.unwrap().file.file;
        a.compare_law_of(file, None).await
    };
    let found = open(Some(OffenceBasis::SeriousCrime)).await.unwrap().comparison;
    assert!(found.article.is_none() && found.rows.is_empty());
    assert_eq!(found.second.provisions[0].reaches_serious_crime, Some(true));
    assert_eq!(open(None).await.unwrap_err().code(), "R-655");
    assert_eq!(open(Some(OffenceBasis::ConventionOffence(18))).await.unwrap_err().code(), "R-654");
}
