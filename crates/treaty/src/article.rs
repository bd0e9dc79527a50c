//! The 68 articles as data: number, title, chapter and our one-line paraphrase.

use crate::rule::Confidence::{self, A, B, C};
use serde::Serialize;

/// One article. Title and paraphrase are ours; neither is the authentic text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Article {
    pub number: u8,
    pub title: &'static str,
    /// 1 to 9.
    pub chapter: u8,
    pub chapter_title: &'static str,
    pub paraphrase: &'static str,
    /// How sure title and number are.
    pub confidence: Confidence,
}

/// All articles, in order.
pub const fn articles() -> &'static [Article] {
    &ARTICLES
}

pub fn article(number: u8) -> Option<&'static Article> {
    ARTICLES.get(usize::from(number).checked_sub(1)?)
}

const fn chapter_title(chapter: u8) -> &'static str {
    match chapter {
        1 => "General provisions",
        2 => "Criminalization",
        3 => "Jurisdiction",
        4 => "Procedural measures and law enforcement",
        5 => "International cooperation",
        6 => "Preventive measures",
        7 => "Technical assistance and information exchange",
        8 => "Mechanism of implementation",
        _ => "Final provisions",
    }
}

const fn row(
    number: u8,
    title: &'static str,
    chapter: u8,
    paraphrase: &'static str,
    confidence: Confidence,
) -> Article {
    Article { number, title, chapter, chapter_title: chapter_title(chapter), paraphrase, confidence }
}

#[rustfmt::skip]
static ARTICLES: [Article; 68] = [
    row(1, "Statement of purpose", 1, "Prevent and combat cybercrime better, ease international cooperation, support technical assistance, above all for developing countries", A),
    row(2, "Use of terms", 1, "Fifteen definitions, (a) to (o), among them the classes of data, serious crime and emergency", A),
    row(3, "Scope of application", 1, "Covers the Convention's offences, from prevention to confiscation and return, and electronic evidence as Arts 23 and 35 provide", A),
    row(4, "Offences established in accordance with other United Nations conventions and protocols", 1, "Offences of other UN treaties that bind a State are also crimes when committed through ICT; creates no offence by itself", A),
    row(5, "Protection of sovereignty", 1, "Sovereign equality, territorial integrity and non-intervention; no acts of authority on another State's territory", A),
    row(6, "Respect for human rights", 1, "Implement in line with human-rights law; never a licence to suppress rights or fundamental freedoms", A),
    row(7, "Illegal access", 2, "Criminalize intentional access to an ICT system without right", A),
    row(8, "Illegal interception", 2, "Criminalize intentional interception of non-public transmissions without right", A),
    row(9, "Interference with electronic data", 2, "Criminalize damaging, deleting, deteriorating, altering or suppressing data without right", A),
    row(10, "Interference with an information and communications technology system", 2, "Criminalize seriously hindering the functioning of a system without right", A),
    row(11, "Misuse of devices", 2, "Criminalize making, obtaining, spreading or holding tools and credentials meant for Arts 7 to 10; authorised testing is not covered; a reservation is possible", A),
    row(12, "Information and communications technology system-related forgery", 2, "Criminalize producing inauthentic data meant to pass as authentic for legal purposes", A),
    row(13, "Information and communications technology system-related theft or fraud", 2, "Criminalize causing loss of property through data, systems or online deception for dishonest gain", A),
    row(14, "Offences related to online child sexual abuse or child sexual exploitation material", 2, "Criminalize producing, spreading, obtaining, holding or financing sexual abuse material of children", A),
    row(15, "Solicitation or grooming for the purpose of committing a sexual offence against a child", 2, "Criminalize soliciting, grooming or arranging through ICT to commit a sexual offence against a child", A),
    row(16, "Non-consensual dissemination of intimate images", 2, "Criminalize spreading intimate images of a person through ICT without consent", C),
    row(17, "Laundering of proceeds of crime", 2, "Criminalize laundering of proceeds; send the laws to the UN Secretary-General", B),
    row(18, "Liability of legal persons", 2, "Criminal, civil or administrative liability of legal persons, with effective sanctions", B),
    row(19, "Participation and attempt", 2, "Criminalize participation; attempt and preparation may be criminalized", B),
    row(20, "Statute of limitations", 2, "Limitation periods long enough; longer or suspended where the person evades justice", B),
    row(21, "Prosecution, adjudication and sanctions", 2, "Sanctions that reflect gravity, fair trial and rights of defence, protection of accused children", B),
    row(22, "Jurisdiction", 3, "Jurisdiction by territory, flag and aircraft is a duty; by nationality, victim or State it is an option; consult on conflicts", B),
    row(23, "Scope of procedural measures", 4, "Procedural powers serve specific investigations of Convention offences, other ICT offences and electronic evidence of any offence; two reservations", B),
    row(24, "Conditions and safeguards", 4, "Powers are subject to human rights, proportionality, review, remedy, grounds, and limits of scope and duration", B),
    row(25, "Expedited preservation of stored electronic data", 4, "Domestic preservation order for specified data, limited in time, renewable and confidential", B),
    row(26, "Expedited preservation and partial disclosure of traffic data", 4, "Preserve traffic data across several providers and disclose enough to trace the path", B),
    row(27, "Production order", 4, "Compel persons to produce specified data and providers to produce subscriber information", B),
    row(28, "Search and seizure of stored electronic data", 4, "Search, extend, seize or copy, keep integrity, compel a person with knowledge to inform", B),
    row(29, "Real-time collection of traffic data", 4, "Collect traffic data in real time or compel the provider; confidential", B),
    row(30, "Interception of content data", 4, "Intercept content, only for a range of serious offences set by domestic law", B),
    row(31, "Freezing, seizure and confiscation of proceeds", 4, "Trace, freeze, seize, confiscate and manage proceeds; no bank secrecy; third parties in good faith are protected", B),
    row(32, "Establishment of criminal record", 4, "Foreign convictions may be taken into account", B),
    row(33, "Protection of witnesses", 4, "Protect witnesses, also experts and victims who testify, as domestic law allows", B),
    row(34, "Assistance to and protection of victims", 4, "Assistance, protection, compensation and a hearing for victims; removal of content of Arts 14 and 16", B),
    row(35, "General principles of international cooperation", 5, "Cooperate on Convention offences and on electronic evidence of those and of serious crimes; dual criminality is judged by conduct", B),
    row(36, "Protection of personal data", 5, "Personal data leave only under the sender's law, with conditions and safeguards; onward transfer needs consent", C),
    row(37, "Extradition", 5, "Extradite for Convention offences or submit the case for prosecution; grounds for refusal; a register of authorities", B),
    row(38, "Transfer of sentenced persons", 5, "Agreements on the transfer of sentenced persons may be considered", B),
    row(39, "Transfer of criminal proceedings", 5, "Transfer of proceedings is to be considered where justice is served by it; the Convention may be the basis", B),
    row(40, "General principles and procedures relating to mutual legal assistance", 5, "The code of mutual legal assistance: purposes, channels, contents, execution, refusal, confidentiality, costs", B),
    row(41, "24/7 network", 5, "Each State designates a point of contact available day and night; register and yearly list", B),
    row(42, "International cooperation for the purpose of expedited preservation of stored electronic data", 5, "Ask another State to preserve specified stored data at once, so that a request for legal assistance can follow", B),
    row(43, "International cooperation for the purpose of expedited disclosure of preserved traffic data", 5, "Reveal at once another provider and the path of a communication found while preserving traffic data", B),
    row(44, "Mutual legal assistance in accessing stored electronic data", 5, "Search, access, seize, secure or disclose stored data for another State, at once where data are vulnerable", B),
    row(45, "Mutual legal assistance in the real-time collection of traffic data", 5, "Endeavour to collect specified traffic data in real time for another State", B),
    row(46, "Mutual legal assistance in the interception of content data", 5, "Endeavour to intercept specified content for another State, as far as treaties and domestic law allow", B),
    row(47, "Law enforcement cooperation", 5, "Police channels, inquiries, sharing of methods and liaison officers", B),
    row(48, "Joint investigations", 5, "Joint investigative bodies by agreement or case by case; sovereignty respected", B),
    row(49, "Mechanisms for recovery of property through confiscation cooperation", 5, "Enforce foreign confiscation orders; confiscate property of foreign origin", B),
    row(50, "International cooperation for purposes of confiscation", 5, "Requests for confiscation: extra contents, provisional measures, bona fide third parties", B),
    row(51, "Special cooperation", 5, "Information on proceeds may be sent without request", B),
    row(52, "Return and disposal of confiscated proceeds", 5, "Priority to returning confiscated property or compensating victims; sharing; expenses", B),
    row(53, "Preventive measures", 6, "Prevention: policies, awareness, reporting channels; an authority notified for it", B),
    row(54, "Technical assistance and capacity-building", 7, "Training, transfer of technology on agreed terms, voluntary funding", B),
    row(55, "Exchange of information", 7, "Exchange trends, statistics and legal developments", B),
    row(56, "Implementation through economic development and technical assistance", 7, "Assistance, a funding account, programmes and best practice", B),
    row(57, "Conference of the States Parties", 8, "The Conference reviews implementation, recommends and prepares protocols", B),
    row(58, "Secretariat", 8, "The UN Secretary-General provides the secretariat", B),
    row(59, "Implementation of the Convention", 9, "Take the measures needed; stricter measures are allowed", B),
    row(60, "Effects of the Convention", 9, "Other treaties between the States may still be applied", B),
    row(61, "Relation with protocols", 9, "Protocols bind only Parties to the Convention that also become Parties to the protocol", B),
    row(62, "Adoption of supplementary protocols", 9, "Protocols need a quorum of Parties; consensus first, then a qualified majority", B),
    row(63, "Settlement of disputes", 9, "Negotiation, then arbitration, then the International Court of Justice; a State may opt out", B),
    row(64, "Signature, ratification, acceptance, approval and accession", 9, "How to become a Party; rules for regional economic integration organizations", B),
    row(65, "Entry into force", 9, "The ninetieth day after the fortieth instrument; the thirtieth day for later ones", B),
    row(66, "Amendment", 9, "Amendments after five years, by consensus or a qualified majority", B),
    row(67, "Denunciation", 9, "Denunciation takes effect one year after receipt", B),
    row(68, "Depositary and languages", 9, "The UN Secretary-General is depositary; six languages are equally authentic", B),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;
    use std::collections::BTreeSet;

    #[test]
    fn there_are_as_many_articles_and_chapters_as_the_table_says() {
        let chapters: BTreeSet<u8> = articles().iter().map(|a| a.chapter).collect();
        assert_eq!(u32::try_from(articles().len()).ok(), table::ARTICLE_COUNT.number());
        assert_eq!(u32::try_from(chapters.len()).ok(), table::CHAPTER_COUNT.number());
    }

    #[test]
    fn articles_are_found_by_number_and_chapters_never_go_back() {
        for (index, a) in articles().iter().enumerate() {
            assert_eq!(usize::from(a.number), index + 1);
            assert_eq!(article(a.number), Some(a));
            assert!(!a.title.is_empty() && !a.paraphrase.is_empty());
        }
        assert!(articles().windows(2).all(|pair| pair[0].chapter <= pair[1].chapter));
        assert_eq!(article(0), None);
        assert_eq!(article(69), None);
    }

    #[test]
    fn the_chapter_limits_are_those_of_the_convention() {
        let first_of = |chapter| articles().iter().find(|a| a.chapter == chapter).map(|a| a.number);
        let firsts: Vec<u8> = (1..=9).filter_map(first_of).collect();
        assert_eq!(firsts, [1, 7, 22, 23, 35, 53, 54, 57, 59]);
    }
}
