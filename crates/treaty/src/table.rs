//! The one table: every number, deadline and list of the Convention, and every choice of policy, each a row.

use crate::measure::Eligibility::*;
use crate::measure::Matrix;
use crate::rule::Confidence::{A, B, C};
use crate::rule::{Rule, RuleValue, RuleValue::*};

/// Raised when any row changes, so that a date computed under an older table is recognized.
pub const TABLE_VERSION: u32 = 2;

/// All rows, in the order of the articles.
pub const fn rules() -> &'static [Rule] {
    TABLE
}

pub fn rule(id: &str) -> Option<&'static Rule> {
    TABLE.iter().find(|rule| rule.id == id)
}

/// The rows that a person must still compare with A/RES/79/243: confidence B or C.
pub fn unchecked() -> impl Iterator<Item = &'static Rule> {
    TABLE.iter().filter(|rule| !rule.policy && rule.confidence != A)
}

macro_rules! rules {
    ($( $name:ident: $id:literal, $article:literal, $paragraph:literal, $value:expr, $confidence:ident, $source:expr, $meaning:literal; )*) => {
        $(
            #[doc = $meaning]
            pub const $name: Rule = Rule {
                id: $id, article: $article, paragraph: $paragraph, value: $value, meaning: $meaning,
                confidence: $confidence, source: $source, policy: is_policy($source),
            };
        )*
        static TABLE: &[Rule] = &[$($name),*];
    };
}

const POLICY: &str = "policy, not treaty";
const ARABIC: &str = "official Arabic text, Arts 1 to 15";
const DEPOSITARY: &str = "UN Treaty Collection, MTDSG XVIII-16";
const UNTOC: &str = "UNTOC (2000), parent text";
const UNCAC: &str = "UNCAC (2003), general knowledge";
const BUDAPEST: &str = "Budapest Convention (2001), parent text";
const SECONDARY: &str = "secondary sources";
const KNOWLEDGE: &str = "general knowledge";

const fn is_policy(source: &str) -> bool {
    matches!(source.as_bytes(), b"policy, not treaty")
}

const fn matrix(
    convention_offence: crate::measure::Eligibility,
    serious_crime: crate::measure::Eligibility,
    below_threshold: crate::measure::Eligibility,
) -> RuleValue {
    RuleValue::Matrix(Matrix { convention_offence, serious_crime, below_threshold })
}

// id, article, paragraph, value, confidence, source, meaning
#[rustfmt::skip]
rules! {
    // --- I General provisions
    DEFINITION_COUNT: "definition.count", 2, "", Count(15), A, ARABIC, "definitions, (a) to (o)";
    DATA_CLASS: "data.class", 2, "c", List(&["subscriber", "traffic", "content", "other-stored"]), A, ARABIC, "classes of data, by rising intrusiveness: Art. 2(b), (c), (d) and (f)";
    SERIOUS_CRIME: "serious-crime.threshold", 2, "h", Years(4), A, ARABIC, "serious crime: maximum penalty of at least this much deprivation of liberty, or heavier; used in 35(1)(c), 40(1), 41(1)";
    EMERGENCY: "emergency.definition", 2, "o", Text("significant and imminent danger to the life or safety of a natural person"), A, ARABIC, "emergency";
    SCOPE: "scope", 3, "", List(&["Convention offences, including freezing, confiscation and return", "collecting, obtaining, preserving and sharing electronic evidence as Arts 23 and 35 provide"]), A, ARABIC, "what the Convention applies to";
    SOVEREIGNTY: "sovereignty.no-foreign-acts", 5, "2", Text("no jurisdiction or functions reserved to its authorities on the territory of another State"), A, ARABIC, "every measure is executed by the requested State";
    FREEDOMS: "freedoms.protected", 6, "2", List(&["expression", "conscience", "opinion", "religion or belief", "peaceful assembly", "association"]), A, ARABIC, "rights and freedoms that the Convention must not be read to suppress";

    // --- II Criminalization
    OFFENCE_ARTICLES: "offence.articles", 35, "1(a)", Articles(&[7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19]), B, SECONDARY, "articles that establish Convention offences, with participation and attempt of Art. 19";
    OFFENCE_COUNT: "offence.count", 7, "", Count(11), B, SECONDARY, "offences, Arts 7 to 17";
    MISUSE_SERVES: "misuse.serves", 11, "1", Articles(&[7, 8, 9, 10]), A, ARABIC, "offences that misuse of devices must serve";
    AUTHORIZED_TESTING: "misuse.authorized-testing", 11, "2", Text("no liability if the purpose is not an offence, such as authorised testing or protection of a system"), A, ARABIC, "authorised testing is not an offence";
    MISUSE_RESERVATION: "misuse.reservation", 11, "3", Text("against paragraph 1, except selling, distributing or making available items of 1(a)(ii)"), A, ARABIC, "a reservation to misuse of devices is possible";
    CHILD_AGE: "child.age", 14, "2", Years(18), A, ARABIC, "abuse material shows a person under this age";
    INTIMATE_IMAGE_AGE: "intimate-image.age", 16, "2", Years(18), C, KNOWLEDGE, "intimate image: a person over this age";
    LAUNDERING_PREDICATES: "laundering.predicates", 17, "2", Articles(&[7, 8, 9, 10, 11, 12, 13, 14, 15, 16]), C, KNOWLEDGE, "predicate offences of laundering";
    LAUNDERING_LAWS: "laundering.laws", 17, "2(d)", None, B, UNTOC, "copies of laundering laws and changes to the UN Secretary-General";
    CHILD_SUSPECT: "child.suspect", 21, "7", None, C, KNOWLEDGE, "children who are accused are protected; States may also exclude children from Arts 14 and 15";
    CHILD_EXCLUSIONS: "child.exclusions", 14, "4", Articles(&[14, 15]), A, ARABIC, "offences from which a State may exclude children: 14(4) and 15(4)";

    // --- III Jurisdiction
    PARALLEL_CONSULTATION: "jurisdiction.consultation", 22, "5", None, B, UNTOC, "consult where another Party investigates the same conduct";

    // --- IV Procedural measures
    SPECIFIC_INVESTIGATION: "powers.specific", 23, "1", Text("for specific criminal investigations or proceedings"), B, BUDAPEST, "powers serve specific investigations: no bulk, no fishing";
    POWERS_SCOPE: "powers.scope", 23, "2", List(&["Convention offences", "other offences committed by means of an ICT system", "electronic evidence of any offence"]), B, BUDAPEST, "offences to which the procedural powers apply";
    POWERS_RESERVATIONS: "powers.reservations", 23, "3", List(&["(a) real-time traffic data limited to listed offences", "(b) closed-user-group systems excluded from Arts 29 and 30"]), B, BUDAPEST, "reservations to the procedural powers";
    PROPORTIONALITY: "safeguard.proportionality", 24, "1", Text("conditions and safeguards that protect human rights and include proportionality"), B, BUDAPEST, "powers are subject to proportionality";
    SAFEGUARDS: "safeguard.contents", 24, "2", List(&["judicial or other independent review", "right to an effective remedy", "grounds justifying the use", "limits of scope", "limits of duration"]), C, KNOWLEDGE, "safeguards, as appropriate to the power";
    THIRD_PARTIES: "safeguard.third-parties", 24, "3", Text("impact on the rights and interests of third parties"), B, BUDAPEST, "third parties are considered";
    SAFEGUARDS_FOREIGN: "safeguard.foreign-requests", 24, "4", Text("safeguards apply to domestic cases and when foreign requests are executed"), C, KNOWLEDGE, "safeguards also apply to foreign requests";
    ORDER_MAXIMUM: "preservation.order.maximum", 25, "2", Days(90), B, BUDAPEST, "a domestic preservation order lasts at most this long; renewable";
    ORDER_CONFIDENTIAL: "preservation.order.confidential", 25, "3", None, B, BUDAPEST, "the custodian keeps the order confidential for the time domestic law sets";

    // --- V International cooperation: Art. 35
    COOPERATION_BASES: "cooperation.bases", 35, "1", List(&["(a) investigation, prosecution and judicial proceedings of Convention offences", "(b) electronic evidence of Convention offences", "(c) electronic evidence of any serious crime"]), B, SECONDARY, "what Parties cooperate for";
    COOPERATION_CONVENTION_OFFENCE: "cooperation.convention-offence", 35, "1(a)", Text("Convention offences"), B, SECONDARY, "cooperation on Convention offences";
    COOPERATION_SERIOUS_CRIME: "cooperation.serious-crime", 35, "1(c)", Text("electronic evidence of any serious crime"), B, SECONDARY, "cooperation on electronic evidence of serious crime";
    DUAL_CRIMINALITY: "dual-criminality.conduct", 35, "3", Text("met if the underlying conduct is a crime in both States, whatever its category or name"), B, SECONDARY, "dual criminality is judged by conduct";
    ELIGIBILITY_EXTRADITION: "eligibility.extradition", 35, "1", matrix(OwedWithDualCriminality, Unavailable, Unavailable), C, KNOWLEDGE, "extradition, Art. 37";
    ELIGIBILITY_MUTUAL_ASSISTANCE: "eligibility.mutual-assistance", 35, "1", matrix(Owed, OwedForEvidence, NoDuty), B, SECONDARY, "mutual legal assistance, Art. 40";
    ELIGIBILITY_PRESERVATION: "eligibility.preservation", 35, "1", matrix(Owed, OwedUnlessReserved, NoDuty), B, SECONDARY, "preservation, Art. 42";
    ELIGIBILITY_TRAFFIC_DISCLOSURE: "eligibility.traffic-disclosure", 35, "1", matrix(Owed, Owed, NoDuty), B, SECONDARY, "disclosure of preserved traffic data, Art. 43";
    TRAFFIC_DISCLOSURE_GROUNDS: "traffic-disclosure.grounds", 43, "2", List(&["40(21)(b)", "40(21)(c)", "40(22)"]), C, BUDAPEST, "the only grounds on which disclosure may be withheld: those of 42(6)";
    ELIGIBILITY_STORED_DATA: "eligibility.stored-data", 35, "1", matrix(Owed, Owed, NoDuty), B, SECONDARY, "access to stored data, Art. 44";
    ELIGIBILITY_REAL_TIME_TRAFFIC: "eligibility.real-time-traffic", 35, "1", matrix(Endeavour, EndeavourIfAvailable, Unavailable), C, KNOWLEDGE, "real-time traffic data, Art. 45";
    ELIGIBILITY_INTERCEPTION: "eligibility.interception", 35, "1", matrix(Endeavour, EndeavourIfAvailable, Unavailable), C, KNOWLEDGE, "interception of content, Art. 46";
    ELIGIBILITY_CONTACT_POINT: "eligibility.contact-point", 35, "1", matrix(Owed, OwedForEvidence, Unavailable), B, BUDAPEST, "24/7 network, Art. 41";
    ELIGIBILITY_POLICE_COOPERATION: "eligibility.police-cooperation", 35, "1", matrix(Owed, NoDuty, Unavailable), C, KNOWLEDGE, "police cooperation, Art. 47";
    ELIGIBILITY_JOINT_INVESTIGATION: "eligibility.joint-investigation", 35, "1", matrix(Owed, NoDuty, Unavailable), C, KNOWLEDGE, "joint investigations, Art. 48";
    ELIGIBILITY_CONFISCATION: "eligibility.confiscation", 35, "1", matrix(Owed, NoDuty, Unavailable), C, KNOWLEDGE, "confiscation, Arts 49 to 52";
    ELIGIBILITY_SENTENCED: "eligibility.sentenced", 38, "", matrix(Consider, Unavailable, Unavailable), C, KNOWLEDGE, "transfer of sentenced persons, Art. 38";
    ELIGIBILITY_PROCEEDINGS: "eligibility.proceedings", 39, "1", matrix(Consider, Unavailable, Unavailable), C, KNOWLEDGE, "transfer of criminal proceedings, Art. 39";
    ELIGIBILITY_INFORMATION: "eligibility.information", 40, "4", matrix(Consider, Consider, Consider), C, KNOWLEDGE, "information without a request, Art. 40(4): may be given, never owed";

    // --- Arts 36 to 39
    GROUND_DATA_PROTECTION: "ground.data-protection", 36, "1(a)", Text("the sender's data-protection law forbids the transfer"), B, "EDPS press release, 9 September 2025", "no duty to transfer personal data against one's own law";
    TRANSFER_CONDITIONS: "transfer.conditions", 36, "1(b)", None, C, KNOWLEDGE, "conditions may be imposed to make a transfer lawful";
    ONWARD_TRANSFER: "transfer.onward", 36, "3", None, C, KNOWLEDGE, "onward transfer only with the authorization of the original State";
    EXTRADITION_REQUEST: "extradition.request", 37, "1", Text("surrender of a person who is present in the territory of the requested State, for a Convention offence punishable in both States, or to serve a final sentence"), C, UNTOC, "a request for extradition";
    EXTRADITION_RELATED: "extradition.related", 37, "3", None, C, UNCAC, "offences that are not extraditable only for the length of the penalty may be included when they are related";
    GROUND_NOT_PUNISHABLE: "ground.not-punishable", 37, "1", Text("the conduct is not punishable in both States"), C, KNOWLEDGE, "extradition may be refused";
    EXTRADITION_MINIMUM_PENALTY: "extradition.minimum-penalty", 37, "1", None, B, UNTOC, "no minimum penalty is fixed";
    EXTRADITION_CONTENTS_PERSON: "extradition.contents.person", 37, "8", Text("identity, nationality and whereabouts of the person"), C, KNOWLEDGE, "content that the laws and treaties of 37(8) commonly ask for";
    EXTRADITION_CONTENTS_WARRANT: "extradition.contents.warrant", 37, "8", Text("the warrant or the final judgment, with a copy"), C, KNOWLEDGE, "content that the laws and treaties of 37(8) commonly ask for";
    EXTRADITION_CONTENTS_LAW: "extradition.contents.law", 37, "8", Text("text of the law, penalty and limitation"), C, KNOWLEDGE, "content that the laws and treaties of 37(8) commonly ask for";
    EXTRADITION_CONTENTS_FACTS: "extradition.contents.facts", 37, "8", Text("the acts, with time and place"), C, KNOWLEDGE, "content that the laws and treaties of 37(8) commonly ask for";
    EXTRADITION_CONTENTS_SENTENCE: "extradition.contents.sentence", 37, "8", Text("for a person already sentenced: the sentence and what is left of it"), C, KNOWLEDGE, "content that the laws and treaties of 37(8) commonly ask for";
    EXTRADITION_CONTENTS_GUARANTEES: "extradition.contents.guarantees", 37, "8", Text("guarantees on speciality, penalty, retrial or return"), C, KNOWLEDGE, "content that the laws and treaties of 37(8) commonly ask for";
    GROUND_EXTRADITION_LAW: "ground.extradition-law", 37, "8", Text("the law of the requested State or a treaty sets a condition that is not met"), B, UNTOC, "extradition may be refused";
    EXTRADITION_EVIDENCE: "extradition.evidence", 37, "9", None, B, UNTOC, "procedures are sped up and what is asked as evidence is made simpler";
    PROVISIONAL_ARREST: "extradition.provisional-arrest", 37, "10", None, C, KNOWLEDGE, "no number of days is fixed";
    GROUND_NATIONALITY: "ground.nationality", 37, "11", Text("the person is a national of the requested State"), B, UNTOC, "the case is then submitted to its own authorities at the request of the other State";
    PROSECUTION_INSTEAD: "extradition.prosecution-instead", 37, "11", Text("at the request of the other State, without undue delay, as a grave offence of its own"), B, UNTOC, "a State that does not extradite its national submits the case to its authorities";
    CONDITIONAL_SURRENDER: "extradition.conditional-surrender", 37, "12", Text("on condition that the person returns to serve the sentence"), B, UNTOC, "surrender on condition meets 37(11)";
    SENTENCE_INSTEAD: "extradition.sentence-instead", 37, "13", None, B, UNTOC, "a State that does not extradite its national for a sentence considers enforcing what is left of it";
    FAIR_TREATMENT: "extradition.fair-treatment", 37, "14", None, B, UNTOC, "fair treatment and every guarantee of domestic law at all stages";
    GROUND_PERSECUTION: "ground.persecution", 37, "15", List(&["sex", "race", "language", "religion", "nationality", "ethnic origin", "political opinions"]), B, UNTOC, "no duty to extradite where the purpose is to prosecute or punish on such account";
    GROUND_FISCAL_EXTRADITION: "ground.fiscal-extradition", 37, "16", None, B, UNTOC, "a fiscal matter is not a ground on its own against extradition";
    EXTRADITION_CONSULTATION: "extradition.consultation", 37, "17", None, B, UNTOC, "consult before extradition is refused, with ample opportunity for opinions and information";
    EXTRADITION_DECISION: "extradition.decision", 37, "18", None, C, KNOWLEDGE, "the decision is told, with reasons for a refusal; no number of days is fixed";
    EXTRADITION_GROUNDS: "extradition.grounds", 37, "18", List(&["37(1)", "37(8)", "37(11)", "37(15)"]), C, KNOWLEDGE, "grounds on which extradition may be refused; the decision is told, with reasons";
    ARREST_GROUNDS: "extradition.arrest-grounds", 37, "10", List(&["37(1)", "37(8)", "37(15)"]), C, KNOWLEDGE, "grounds on which provisional arrest may be refused";
    PROSECUTION_GROUNDS: "extradition.prosecution-grounds", 37, "11", List(&["37(1)", "37(8)"]), C, KNOWLEDGE, "grounds on which prosecution instead of extradition may be refused";
    EXTRADITION_BASIS: "extradition.basis-declaration", 37, "6(a)", None, B, UNTOC, "treaty-dependent States declare at deposit whether the Convention is their basis";
    EXTRADITION_AUTHORITY: "extradition.authority", 37, "19", None, C, BUDAPEST, "name and address of the authority for extradition and provisional arrest, kept correct at all times";

    SENTENCED_REQUEST: "sentenced.request", 38, "", Text("agreements on the transfer of persons sentenced for Convention offences, so that they complete their sentences at home"), C, UNTOC, "a proposal to transfer a sentenced person";
    SENTENCED_CONTENTS_CONSENT: "sentenced.contents.consent", 38, "", Text("consent of the person; rehabilitation and reintegration"), C, KNOWLEDGE, "what is considered on a transfer of a sentenced person";
    SENTENCED_CONTENTS_SENTENCE: "sentenced.contents.sentence", 38, "", Text("the final judgment, the sentence and what is left of it"), C, KNOWLEDGE, "content that agreements on transfer commonly ask for";
    GROUND_SENTENCED: "ground.transfer-not-agreed", 38, "", Text("no agreement on the transfer is reached"), C, KNOWLEDGE, "a transfer needs the agreement of both States";
    SENTENCED_GROUNDS: "sentenced.grounds", 38, "", List(&["38"]), C, KNOWLEDGE, "grounds on which a transfer of a sentenced person may be declined";
    PROCEEDINGS_REQUEST: "proceedings.request", 39, "1", Text("transfer of proceedings in the interest of the proper administration of justice, above all where several jurisdictions are involved"), B, UNTOC, "a proposal to transfer criminal proceedings";
    PROCEEDINGS_CONTENTS: "proceedings.contents.case", 39, "1", Text("the case, why it is better tried there, the record and the limits that run"), C, KNOWLEDGE, "content that practice on the transfer of proceedings asks for";
    PROCEEDINGS_BASIS: "proceedings.basis", 39, "2", None, C, KNOWLEDGE, "the Convention may be the basis";
    GROUND_PROCEEDINGS: "ground.proceedings-not-taken", 39, "1", Text("the requested State does not take the proceedings over"), B, UNTOC, "States consider a transfer; neither owes it";
    PROCEEDINGS_GROUNDS: "proceedings.grounds", 39, "1", List(&["39(1)"]), B, UNTOC, "grounds on which proceedings need not be taken over";
    // --- Art. 40 mutual legal assistance
    ASSISTANCE_SCOPE: "assistance.scope", 40, "1", None, B, UNTOC, "widest measure for Convention offences, and electronic evidence of serious crimes";
    ASSISTANCE_PURPOSES: "assistance.purposes", 40, "3", List(&["(a) evidence or statements", "(b) service of judicial documents", "(c) searches, seizures, freezing", "(d) search, access, seizure or disclosure of stored electronic data", "(e) real-time traffic data", "(f) interception of content", "(g) examination of objects and sites", "(h) information, evidence, expert evaluations", "(i) originals or certified copies of records", "(j) identifying or tracing proceeds, property, instrumentalities and other things", "(k) voluntary appearance of persons", "(l) recovery of proceeds of crime", "(m) anything else not contrary to the law of the requested State"]), C, KNOWLEDGE, "purposes for which assistance may be asked";
    PURPOSE_STATEMENTS: "assistance.purpose.statements", 40, "3(a)", Text("taking evidence or statements from persons"), C, UNTOC, "a purpose of legal assistance";
    PURPOSE_SERVICE: "assistance.purpose.service", 40, "3(b)", Text("effecting service of judicial documents"), C, UNTOC, "a purpose of legal assistance";
    PURPOSE_SEARCH: "assistance.purpose.search", 40, "3(c)", Text("executing searches and seizures, and freezing"), C, UNTOC, "a purpose of legal assistance";
    PURPOSE_OBJECTS: "assistance.purpose.objects", 40, "3(g)", Text("examining objects and sites"), C, UNTOC, "a purpose of legal assistance";
    PURPOSE_EXPERT: "assistance.purpose.expert", 40, "3(h)", Text("providing information, evidence and expert evaluations"), C, UNTOC, "a purpose of legal assistance";
    PURPOSE_RECORDS: "assistance.purpose.records", 40, "3(i)", Text("providing originals or certified copies of records: government, bank, financial, corporate, business"), C, UNTOC, "a purpose of legal assistance";
    PURPOSE_TRACING: "assistance.purpose.tracing", 40, "3(j)", Text("identifying or tracing proceeds, property, instrumentalities and other things for evidence"), C, UNTOC, "a purpose of legal assistance";
    PURPOSE_APPEARANCE: "assistance.purpose.appearance", 40, "3(k)", Text("facilitating the voluntary appearance of persons"), C, UNTOC, "a purpose of legal assistance";
    PURPOSE_RECOVERY: "assistance.purpose.recovery", 40, "3(l)", Text("recovering proceeds of crime"), C, UNCAC, "a purpose of legal assistance";
    PURPOSE_OTHER: "assistance.purpose.other", 40, "3(m)", Text("anything else that the law of the requested State allows"), C, UNTOC, "a purpose of legal assistance";
    SPONTANEOUS: "spontaneous.information", 40, "4", Text("information on criminal matters given without a request, where it may help an inquiry or lead to a request"), B, UNTOC, "information without a request";
    SPONTANEOUS_LIMITS: "spontaneous.limits", 40, "5", Text("the State that receives it keeps the confidentiality and the limits on use"), B, UNTOC, "limits on information that was given without a request";
    EXCULPATORY_NOTICE: "assistance.exculpatory", 40, "5", None, B, UNTOC, "notice to the sender before exculpatory information is disclosed";
    DEFAULT_PROCEDURE: "assistance.default-paragraphs", 40, "7", Text("8 to 31"), C, KNOWLEDGE, "paragraphs that apply when no treaty on legal assistance binds the two States";
    GROUND_DUAL_CRIMINALITY: "ground.dual-criminality", 40, "8", Text("the conduct is not a crime in the requested State"), B, UNTOC, "assistance may be declined for want of dual criminality";
    GROUND_DE_MINIMIS: "ground.de-minimis", 40, "8", Text("the matter is of minor importance"), C, UNCAC, "assistance may be refused in minor matters";
    GROUND_AVAILABLE_ELSEWHERE: "ground.available-elsewhere", 40, "8", Text("what is asked is available under other provisions"), C, UNCAC, "assistance may be refused where other provisions give it";
    ASSISTANCE_GROUNDS: "assistance.grounds", 40, "25", List(&["36(1)(a)", "40(8)", "40(21)(a)", "40(21)(b)", "40(21)(c)", "40(21)(d)", "40(22)"]), C, KNOWLEDGE, "grounds on which legal assistance may be refused; reasons are given";
    DETAINED_CONSENT: "detained.consent", 40, "9", Text("free and informed consent of the person, and agreement of both authorities"), B, UNTOC, "transfer of a detained person for testimony or help";
    GROUND_CONSENT: "ground.consent-withheld", 40, "9", Text("the person does not consent, or the authorities do not agree"), B, UNTOC, "a detained person is not transferred then";
    DETAINED_GROUNDS: "detained.grounds", 40, "9", List(&["36(1)(a)", "40(8)", "40(9)", "40(21)(a)", "40(21)(b)", "40(21)(c)", "40(21)(d)", "40(22)"]), C, KNOWLEDGE, "grounds on which the transfer of a detained person may be refused";
    DETAINED_CUSTODY: "detained.custody", 40, "10", Text("kept in custody, returned without delay and without extradition; the time counts"), B, UNTOC, "duties of the State to which a detained person is transferred";
    DETAINED_IMMUNITY: "detained.immunity", 40, "11", Text("no prosecution or restriction for earlier acts unless the sending State agrees"), B, UNTOC, "protection of a transferred person";
    CENTRAL_AUTHORITY: "central-authority.notification", 40, "12", None, C, KNOWLEDGE, "central authorities are notified at deposit and kept in a register";
    LANGUAGE: "assistance.language", 40, "13", Text("in a language acceptable to the requested State, by means leaving a written record"), B, UNTOC, "form and language; languages are notified at deposit";
    ELECTRONIC_TRANSMISSION: "assistance.electronic", 40, "14", None, C, KNOWLEDGE, "electronic transmission is encouraged";
    ASSISTANCE_CONTENTS_A: "assistance.contents.a", 40, "15(a)", Text("identity of the requesting authority"), B, UNTOC, "required content of a request";
    ASSISTANCE_CONTENTS_B: "assistance.contents.b", 40, "15(b)", Text("subject and nature of the investigation, prosecution or proceeding; name and functions of the authority conducting it"), B, UNTOC, "required content of a request";
    ASSISTANCE_CONTENTS_C: "assistance.contents.c", 40, "15(c)", Text("summary of the relevant facts (not for service of documents)"), B, UNTOC, "required content of a request";
    ASSISTANCE_CONTENTS_D: "assistance.contents.d", 40, "15(d)", Text("assistance sought and any particular procedure wished"), B, UNTOC, "required content of a request";
    ASSISTANCE_CONTENTS_E: "assistance.contents.e", 40, "15(e)", Text("where possible and appropriate: identity, location and nationality of persons; country of origin, description and location of an item or account"), C, KNOWLEDGE, "required content of a request";
    ASSISTANCE_CONTENTS_F: "assistance.contents.f", 40, "15(f)", Text("where applicable: the time period for which evidence, information or help is sought"), C, KNOWLEDGE, "required content of a request";
    ASSISTANCE_CONTENTS_G: "assistance.contents.g", 40, "15(g)", Text("the purpose for which it is sought"), B, UNTOC, "required content of a request";
    ADDITIONAL_INFORMATION: "assistance.additional-information", 40, "16", None, B, UNTOC, "the requested State may ask for more";
    PROCEDURE: "assistance.procedure", 40, "17", None, B, UNTOC, "executed under the law of the requested State; a procedure wished is followed where possible";
    VIDEO_HEARING: "video.hearing", 40, "18", Text("hearing of a witness or expert by video where attendance is not possible or desirable"), B, UNTOC, "a hearing by video; the requesting judicial authority conducts it, the requested one attends";
    USE_LIMITATION: "assistance.use-limitation", 40, "19", None, B, UNTOC, "no other use without prior consent";
    CONFIDENTIALITY: "assistance.confidentiality", 40, "20", None, B, UNTOC, "confidentiality of fact and substance may be required";
    GROUND_FORM_DEFECT: "ground.form-defect", 40, "21(a)", Text("the request does not conform with the article"), B, UNTOC, "assistance may be refused";
    GROUND_ESSENTIAL_INTERESTS: "ground.essential-interests", 40, "21(b)", Text("likely prejudice to sovereignty, security, ordre public or other essential interests"), B, UNTOC, "assistance may be refused";
    GROUND_PROHIBITED: "ground.prohibited-domestically", 40, "21(c)", Text("own law would forbid the action for a similar domestic offence"), B, UNTOC, "assistance may be refused";
    GROUND_CONTRARY_TO_SYSTEM: "ground.contrary-to-system", 40, "21(d)", Text("contrary to the legal system on mutual legal assistance"), B, UNTOC, "assistance may be refused";
    GROUND_DISCRIMINATION: "ground.discrimination", 40, "22", List(&["sex", "race", "language", "religion", "nationality", "ethnic origin", "political opinions"]), C, SECONDARY, "no duty where the purpose is to prosecute or punish on such account";
    GROUND_FISCAL: "ground.fiscal", 40, "23", None, C, KNOWLEDGE, "a fiscal matter is not a ground on its own";
    GROUND_BANK_SECRECY: "ground.bank-secrecy", 40, "24", None, C, KNOWLEDGE, "bank secrecy is not a ground";
    REASONS: "refusal.reasons", 40, "25", None, C, KNOWLEDGE, "reasons are given for every refusal";
    EXECUTION_TIME: "assistance.execution-time", 40, "26", None, B, UNTOC, "as soon as possible; no number of days; deadlines suggested with reasons are taken into account";
    POSTPONEMENT: "assistance.postponement", 40, "27", None, B, UNTOC, "may be postponed where it interferes with an ongoing case";
    CONSULTATION: "refusal.consultation", 40, "28", Text("before refusing under 40(21) or postponing under 40(27)"), B, UNTOC, "consult on granting with conditions before refusing or postponing";
    AMENDMENT_OF_REQUEST: "request.amendment", 40, "15", None, C, POLICY, "the requesting State may amend its request; the requested State says whether it takes the amendment up";
    EXTENSION_OF_MEASURE: "request.extension", 40, "17", None, C, POLICY, "the requesting State may ask that a measure with an end goes on";
    SAFE_CONDUCT: "safe-conduct.end", 40, "29", Days(15), B, UNTOC, "safe conduct ends after this many consecutive days";
    COSTS: "assistance.costs", 40, "30", None, B, UNTOC, "ordinary costs fall on the requested State";

    // --- Art. 41 the 24/7 network
    CONTACT_POINT_HOURS: "contact-point.hours", 41, "1", Hours(24), B, BUDAPEST, "the contact point is available this many hours a day";
    CONTACT_POINT_DAYS: "contact-point.days", 41, "1", Days(7), B, BUDAPEST, "the contact point is available this many days a week";
    CONTACT_LIST: "contact-point.list", 41, "2", Count(1), C, KNOWLEDGE, "circulations of the updated list each year";
    CONTACT_FUNCTIONS: "contact-point.functions", 41, "3", List(&["(a) technical advice", "(b) preservation under Arts 42 and 43", "(c) collecting evidence, legal information", "(d) locating suspects", "(e) electronic data to avert an emergency"]), C, BUDAPEST, "what the contact point facilitates or does";
    CONTACT_ADVICE: "contact-point.advice", 41, "3(a)", Text("technical advice"), B, BUDAPEST, "help of the contact point";
    CONTACT_LOCATING: "contact-point.locating", 41, "3(d)", Text("locating suspects"), B, BUDAPEST, "help of the contact point";
    CONTACT_EMERGENCY: "contact-point.emergency", 41, "3(e)", Text("electronic data to avert an emergency of Art. 2(o)"), C, KNOWLEDGE, "help of the contact point";
    CONTACT_SCOPE: "contact-point.scope", 41, "1", Text("immediate help in specific investigations, prosecutions or proceedings on Convention offences, or for electronic evidence of serious crime"), B, BUDAPEST, "what the contact point serves";
    GROUND_CONTACT_POINT: "ground.contact-point", 41, "3", Text("domestic law or practice does not let the contact point do it"), B, BUDAPEST, "the contact point then facilitates instead";
    CONTACT_GROUNDS: "contact-point.grounds", 41, "3", List(&["36(1)(a)", "40(21)(b)", "40(21)(c)", "40(22)", "41(3)"]), C, KNOWLEDGE, "grounds on which help of the contact point may be declined";
    CONTACT_COORDINATION: "contact-point.coordination", 41, "4", None, B, BUDAPEST, "quick communication with other points and with the central authority";

    // --- Art. 42 preservation
    PRESERVATION_REQUEST: "preservation.request", 42, "1", Text("preservation of stored electronic data in the territory of the requested State, where the requester intends to submit a request for legal assistance"), B, BUDAPEST, "a preservation request";
    PRESERVATION_CONTENTS_A: "preservation.contents.a", 42, "3(a)", Text("the authority seeking the preservation"), B, BUDAPEST, "required content of a preservation request";
    PRESERVATION_CONTENTS_B: "preservation.contents.b", 42, "3(b)", Text("the offence and a brief summary of the facts"), B, BUDAPEST, "required content of a preservation request";
    PRESERVATION_CONTENTS_C: "preservation.contents.c", 42, "3(c)", Text("the data to be preserved and their relation to the offence"), B, BUDAPEST, "required content of a preservation request";
    PRESERVATION_CONTENTS_D: "preservation.contents.d", 42, "3(d)", Text("any available information on the custodian or the location of the system"), B, BUDAPEST, "required content of a preservation request";
    PRESERVATION_CONTENTS_E: "preservation.contents.e", 42, "3(e)", Text("the necessity of the preservation"), B, BUDAPEST, "required content of a preservation request";
    PRESERVATION_CONTENTS_F: "preservation.contents.f", 42, "3(f)", Text("the intention to submit a request for mutual legal assistance"), B, BUDAPEST, "required content of a preservation request";
    PRESERVATION_CONTENTS_G: "preservation.contents.g", 42, "3(g)", Text("as appropriate, the need for confidentiality and not notifying the user"), C, KNOWLEDGE, "required content of a preservation request";
    PRESERVATION_NO_DUAL_CRIMINALITY: "preservation.no-dual-criminality", 42, "4", None, B, BUDAPEST, "dual criminality is not required for preservation";
    PRESERVATION_RESERVATION: "preservation.reservation", 42, "5", Text("refusal for offences other than Convention offences, if dual criminality is believed to be lacking at disclosure"), B, BUDAPEST, "a State may reserve the right to refuse preservation";
    PRESERVATION_GROUNDS: "preservation.grounds", 42, "6", List(&["40(21)(b)", "40(21)(c)", "40(22)"]), C, BUDAPEST, "the only other grounds on which preservation may be refused";
    PRESERVATION_INSUFFICIENT: "preservation.insufficient", 42, "7", None, B, BUDAPEST, "tell promptly if preservation will not secure the data or threatens confidentiality; the requester decides";
    PRESERVATION_MINIMUM: "preservation.minimum", 42, "8", Days(60), B, BUDAPEST, "preservation on a foreign request lasts at least this long";
    PRESERVATION_HOLD: "preservation.hold", 42, "8", Text("until a decision"), B, BUDAPEST, "data stay preserved once the request for legal assistance is received";
    PRESERVATION_EXTENSION: "preservation.extension", 42, "9", None, C, KNOWLEDGE, "an extension may be asked before expiry; no number of days";

    // --- Arts 43 to 46
    TRAFFIC_DISCLOSURE: "traffic-disclosure.contents", 43, "1", Text("enough traffic data to identify the other provider and the path"), B, BUDAPEST, "disclosure found necessary while preserving";
    STORED_DATA_REQUEST: "stored-data.request", 44, "1", Text("search, access, seizure, securing or disclosure of data in the territory of the requested State"), B, BUDAPEST, "a request for stored data, also of preserved data";
    STORED_DATA_EXPEDITED: "stored-data.expedited", 44, "3", Text("where data are vulnerable to loss or modification, or other instruments say so"), B, BUDAPEST, "when the answer is expedited";
    REAL_TIME_REQUEST: "real-time.request", 45, "1", Text("real-time collection of traffic data of specified communications in the territory of the requested State"), C, BUDAPEST, "the requested State endeavours to help, under its own law";
    REAL_TIME_DOMESTIC: "real-time.domestic", 45, "2", None, C, BUDAPEST, "help at least for offences for which the measure is available at home";
    REAL_TIME_CONTENTS: "real-time.contents", 45, "3", List(&["(a) requesting authority", "(b) main facts and nature of the case", "(c) data concerned and relation to the offence", "(d) data identifying the owner or user, or the location of the system", "(e) justification", "(f) period and justification of its length"]), C, KNOWLEDGE, "required contents of a request for real-time traffic data";
    REAL_TIME_CONTENTS_A: "real-time.contents.a", 45, "3(a)", Text("requesting authority"), C, KNOWLEDGE, "required content of a request for real-time traffic data";
    REAL_TIME_CONTENTS_B: "real-time.contents.b", 45, "3(b)", Text("main facts and nature of the case"), C, KNOWLEDGE, "required content of a request for real-time traffic data";
    REAL_TIME_CONTENTS_C: "real-time.contents.c", 45, "3(c)", Text("data concerned and their relation to the offence"), C, KNOWLEDGE, "required content of a request for real-time traffic data";
    REAL_TIME_CONTENTS_D: "real-time.contents.d", 45, "3(d)", Text("data that identify the owner or user, or the location of the system"), C, KNOWLEDGE, "required content of a request for real-time traffic data";
    REAL_TIME_CONTENTS_E: "real-time.contents.e", 45, "3(e)", Text("justification"), C, KNOWLEDGE, "required content of a request for real-time traffic data";
    REAL_TIME_CONTENTS_F: "real-time.contents.f", 45, "3(f)", Text("period and justification of its length"), C, KNOWLEDGE, "required content of a request for real-time traffic data";
    INTERCEPTION_REQUEST: "interception.request", 46, "", Text("real-time collection of content of specified communications, as far as treaties and domestic law permit"), C, BUDAPEST, "the requested State endeavours to help";

    // --- Arts 47 and 48
    POLICE_REQUEST: "police.request", 47, "1", Text("channels, inquiries on persons, proceeds and instrumentalities, items for analysis, methods, experts and early identification"), B, UNTOC, "cooperation of law enforcement";
    GROUND_POLICE: "ground.police-law", 47, "1", Text("the legal or administrative system of the requested State does not allow it"), B, UNTOC, "law enforcement cooperates within its own legal and administrative system";
    POLICE_GROUNDS: "police.grounds", 47, "1", List(&["36(1)(a)", "40(21)(b)", "40(22)", "47(1)"]), C, KNOWLEDGE, "grounds on which police cooperation may be declined";
    POLICE_BASIS: "police.basis", 47, "2", None, B, UNTOC, "without an agreement the Convention may be the basis";
    JOINT_REQUEST: "joint.request", 48, "", Text("joint investigative bodies by agreement, else case by case"), B, UNTOC, "a proposal of a joint investigation";
    JOINT_CONTENTS: "joint.contents.agreement", 48, "", Text("States, purpose, place, duration, leaders, use of what is found"), C, KNOWLEDGE, "what agreements on joint investigations commonly say";
    JOINT_SOVEREIGNTY: "joint.sovereignty", 48, "", Text("the sovereignty of the State of the territory is fully respected"), B, UNTOC, "a joint body acts in a State only as that State allows";
    GROUND_JOINT: "ground.joint-not-agreed", 48, "", Text("no agreement on the joint investigation is reached"), B, UNTOC, "a joint investigation needs the agreement of each State";
    JOINT_GROUNDS: "joint.grounds", 48, "", List(&["48"]), B, UNTOC, "grounds on which a joint investigation may be declined";
    // --- Arts 49 to 53
    CONFISCATION_FOREIGN_ORDER: "confiscation.foreign-order", 49, "1(a)", Text("give effect to an order of confiscation of a court of another State"), C, UNCAC, "States make it possible to enforce foreign orders";
    CONFISCATION_FREEZING: "confiscation.freezing", 49, "2", Text("freeze or seize on a foreign order, or on a request with a reasonable basis"), C, UNCAC, "provisional measures for another State";
    CONFISCATION_DOMESTIC: "confiscation.domestic-order", 50, "1(a)", Text("submit the request to the competent authorities to obtain an order, and give effect to it"), B, UNTOC, "a request to obtain an order of confiscation";
    CONFISCATION_ENFORCE: "confiscation.enforce", 50, "1(b)", Text("give effect to an order of the requesting State, to the extent asked"), B, UNTOC, "a request to enforce an order of confiscation";
    CONFISCATION_TRACE: "confiscation.trace", 50, "2", Text("identify, trace, freeze or seize proceeds, property, equipment and instrumentalities"), B, UNTOC, "measures with a view to confiscation";
    CONFISCATION_CONTENTS: "confiscation.contents", 50, "3", List(&["description of the property, location and value where relevant, and facts", "admissible copy of the order, facts, extent of execution, notice to third parties, finality", "facts, actions wanted and copy of any order for provisional measures"]), C, KNOWLEDGE, "contents beyond 40(15)";
    CONFISCATION_CONTENTS_A: "confiscation.contents.property", 50, "3(a)", Text("description of the property, location and value where relevant, and the facts relied upon"), C, UNTOC, "content beyond 40(15) for a request to obtain an order";
    CONFISCATION_CONTENTS_B: "confiscation.contents.order", 50, "3(b)", Text("admissible copy of the order, facts, extent of execution, notice to third parties, finality"), C, UNTOC, "content beyond 40(15) for a request to enforce an order";
    CONFISCATION_CONTENTS_C: "confiscation.contents.measures", 50, "3(c)", Text("facts, actions wanted and a copy of any order"), C, UNTOC, "content beyond 40(15) for tracing, freezing or seizure";
    CONFISCATION_LAWS: "confiscation.laws", 50, "5", None, C, UNTOC, "copies of laws to the UN Secretary-General";
    GROUND_CONFISCATION_EVIDENCE: "ground.confiscation-evidence", 50, "7", Text("sufficient evidence does not come in time"), C, UNCAC, "cooperation may be refused, or provisional measures lifted";
    GROUND_CONFISCATION_MINOR: "ground.confiscation-minor", 50, "7", Text("the property is of minor value"), C, UNCAC, "cooperation may be refused, or provisional measures lifted";
    CONFISCATION_GROUNDS: "confiscation.grounds", 50, "7", List(&["36(1)(a)", "40(8)", "40(21)(a)", "40(21)(b)", "40(21)(c)", "40(21)(d)", "40(22)", "50(7)"]), C, UNCAC, "grounds on which cooperation in confiscation may be refused: those of Art. 40 and these";
    CONFISCATION_LIFTING: "confiscation.lifting", 50, "8", None, C, UNCAC, "before a provisional measure is lifted the requesting State may give its reasons";
    CONFISCATION_THIRD_PARTIES: "confiscation.third-parties", 50, "9", None, B, UNTOC, "rights of third parties in good faith are not prejudiced";
    PROCEEDS_INFORMATION: "proceeds.information", 51, "", Text("information on proceeds given without a request, where it may help"), C, UNCAC, "special cooperation on proceeds";
    GROUND_DISPOSAL_LAW: "ground.disposal-law", 52, "1", Text("domestic law and administrative procedures dispose of the property otherwise"), B, UNTOC, "property is disposed of under the law of the State that confiscated it";
    RETURN_REQUEST: "return.request", 52, "2", Text("return to the requesting State, with priority, to compensate victims or for the legitimate owners"), B, UNTOC, "a request to return confiscated proceeds";
    RETURN_GROUNDS: "return.grounds", 52, "1", List(&["52(1)"]), B, UNTOC, "grounds on which return may be declined";
    RETURN_SHARING: "return.sharing", 52, "3", None, B, UNTOC, "proceeds may go to a UN account or be shared between States";
    RETURN_EXPENSES: "return.expenses", 52, "4", None, C, UNCAC, "reasonable expenses may be deducted unless agreed otherwise";
    PREVENTION_AUTHORITY: "prevention.authority", 53, "7", None, C, KNOWLEDGE, "authority that can help others with prevention is notified";

    // --- VIII and IX
    FIRST_CONFERENCE: "conference.first", 57, "2", Years(1), B, UNTOC, "first meeting of the Conference after entry into force, at the latest";
    OTHER_TREATIES: "legal-basis.other", 60, "", List(&["convention", "budapest", "untoc", "uncac", "bilateral", "reciprocity"]), C, KNOWLEDGE, "other treaties between the States may be applied: legal bases a request may name";
    PROTOCOL_QUORUM: "protocol.quorum", 62, "1", Count(60), C, KNOWLEDGE, "States Parties before a protocol can be considered";
    PROTOCOL_MAJORITY: "protocol.majority", 62, "1", Share(2, 3), C, KNOWLEDGE, "of States Parties present and voting, after failed consensus";
    ARBITRATION: "dispute.arbitration", 63, "2", Months(6), B, UNTOC, "to organize arbitration before the International Court of Justice";
    DISPUTE_OPT_OUT: "dispute.opt-out", 63, "3", None, B, UNTOC, "a State may opt out of arbitration and the Court";
    SIGNATURE_OPENS: "signature.opens", 64, "1", Date("2025-10-25"), A, DEPOSITARY, "signature opened in Hanoi";
    SIGNATURE_CLOSES: "signature.closes", 64, "1", Date("2026-12-31"), A, DEPOSITARY, "last day of signature at UN Headquarters";
    ORGANIZATION_MEMBERS: "organization.members", 64, "2", Count(1), B, UNTOC, "member States that must have signed or joined before a regional organization does";
    ORGANIZATION_COMPETENCE: "organization.competence", 64, "3", None, B, UNTOC, "a regional organization declares the extent of its competence and later changes";
    CONSENT: "consent.ways", 64, "3", List(&["ratification, acceptance or approval, by a signatory", "accession, by any other"]), B, UNTOC, "how a State or a regional organization becomes bound";
    RESERVATION_OTHER: "reservation.other", 64, "", None, C, KNOWLEDGE, "reservations that no article provides for are judged by the general law of treaties";
    INSTRUMENTS: "entry-into-force.instruments", 65, "1", Count(40), A, DEPOSITARY, "instruments needed; those of regional organizations are not counted";
    ENTRY_INTO_FORCE: "entry-into-force.treaty", 65, "1", Days(90), A, DEPOSITARY, "days after the deposit of the fortieth instrument";
    ENTRY_FOR_LATER: "entry-into-force.later", 65, "2", Days(30), B, UNTOC, "days after deposit for later States";
    ENTRY_LATER_OF: "entry-into-force.later-of", 65, "2", Text("or the date on which the Convention enters into force, whichever is later"), C, UNCAC, "a later State is not bound before the Convention is in force";
    INSTRUMENT_WITHDRAWN: "instrument.withdrawn", 65, "1", None, C, KNOWLEDGE, "an instrument that is withdrawn before entry into force is not counted, by the practice of depositaries";
    AMENDMENT_WAIT: "amendment.wait", 66, "1", Years(5), B, UNTOC, "after entry into force before amendments can be proposed";
    AMENDMENT_MAJORITY: "amendment.majority", 66, "1", Share(2, 3), B, UNTOC, "present and voting, after failed consensus";
    AMENDMENT_ENTRY: "amendment.entry", 66, "4", Days(90), B, UNTOC, "days after a Party's deposit before an amendment binds it";
    DENUNCIATION: "denunciation.effect", 67, "1", Years(1), B, UNTOC, "after receipt of the notice";
    LANGUAGE_COUNT: "language.count", 68, "2", Count(6), B, UNTOC, "authentic languages: Arabic, Chinese, English, French, Russian, Spanish";
    ARTICLE_COUNT: "article.count", 68, "", Count(68), A, ARABIC, "articles";
    CHAPTER_COUNT: "chapter.count", 68, "", Count(9), B, SECONDARY, "chapters";

    // --- Choices of this software. The Convention does not make them.
    PRESERVATION_ALARMS: "preservation.alarms", 42, "8", Ladder(&[30, 14, 7, 3, 1]), B, POLICY, "alarms this many days before preservation lapses";
    PRESERVATION_DEFAULT: "preservation.window.default", 42, "8", Days(90), B, POLICY, "days asked for when the request names none";
    PRESERVATION_SOON: "preservation.lapses-soon", 42, "8", Days(14), B, POLICY, "a linked preservation that ends within this time is a finding";
    RELAY_WARN: "receipt.relay.warn", 40, "14", Hours(1), C, POLICY, "an envelope that no road took is a warning after this time";
    RELAY_FAIL: "receipt.relay.fail", 40, "14", Hours(12), C, POLICY, "an envelope that no road took is a failure after this time";
    DELIVERY_WARN: "receipt.delivery.warn", 40, "14", Hours(12), C, POLICY, "a missing receipt of delivery is a warning after this time";
    DELIVERY_FAIL: "receipt.delivery.fail", 40, "14", Hours(24), C, POLICY, "a missing receipt of delivery is a failure after this time";
    KEY_OVERLAP: "key.overlap", 40, "14", Days(30), C, POLICY, "a key that was replaced without a suspicion is believed this long, for what is on its way";
    OPENING_WARN: "receipt.opening.warn", 40, "14", Hours(24), C, POLICY, "a missing word of opening by the addressed office is a warning after this time";
    OPENING_FAIL: "receipt.opening.fail", 40, "14", Hours(36), C, POLICY, "a missing word of opening by the addressed office is a failure after this time";
    STAMP_WARN: "time-stamp.missing.warn", 40, "14", Hours(24), C, POLICY, "a head of the log without a time-stamp is a warning after this time, where an authority is configured";
    STAMP_FAIL: "time-stamp.missing.fail", 40, "14", Hours(72), C, POLICY, "a head of the log without a time-stamp is a failure after this time, where an authority is configured";
    ITEM_MAXIMUM: "item.maximum", 23, "1", Count(100), B, POLICY, "items in one request";
    PERSON_MAXIMUM: "person.maximum", 23, "1", Count(100), B, POLICY, "persons in one request";
    ITEM_WINDOW_LONG: "item.window.long", 24, "2", Days(366), C, POLICY, "a longer window for one item is questioned";
    ITEM_WINDOW_ADDRESS: "item.window.address", 23, "1", Hours(24), B, POLICY, "a longer window for an IP address is questioned: addresses change hands";
    ADDRESS_PREFIX: "item.address-prefix", 23, "1", Count(64), B, POLICY, "shortest IPv6 prefix that still names one customer; IPv4 addresses are named one by one";
    DESK_EMERGENCY: "desk.escalate.emergency", 41, "3(e)", Minutes(10), C, POLICY, "an emergency that nobody opened goes to the next officer on the roster after this time";
    DESK_PRESERVATION: "desk.escalate.preservation", 41, "3(b)", Minutes(30), C, POLICY, "a preservation request that nobody opened goes to the next officer on the roster after this time";
    DESK_URGENT: "desk.escalate.urgent", 41, "1", Minutes(30), C, POLICY, "anything else that is urgent goes to the next officer on the roster after this time";
    DESK_REPEAT: "desk.ring.repeat", 41, "1", Minutes(5), C, POLICY, "officers who were called are called again after this time, until somebody opens";
    DESK_HORIZON: "desk.roster.horizon", 41, "1", Days(28), C, POLICY, "so far ahead the roster of the contact point is searched for holes";
    DESK_PING: "desk.ping.interval", 41, "4", Hours(6), C, POLICY, "the contact points of other States are asked so often whether they are there";
    DESK_PING_MISSED: "desk.ping.missed", 41, "1", Count(3), C, POLICY, "a contact point that missed so many questions in a row is a warning";
    DEPOSITARY_STALE: "depositary.stale", 65, "1", Days(30), C, POLICY, "what a node knows of the depositary is questioned when it is older than this";
    CLOCK_SKEW: "clock.skew", 40, "15(f)", Hours(24), C, POLICY, "how far the other State's clock may be ahead before its times are called future";
    RESTRICTED_OFFENCES: "restricted.offences", 14, "", Articles(&[14, 15, 16]), C, POLICY, "offences whose material is handled with restriction";
    RESTRICTED_HANDLING: "restricted.handling", 14, "", List(&["digests-only", "sealed-copy"]), C, POLICY, "how restricted material is handed over: listed by digest, or in a sealed copy that is never displayed; digests by default";
    EMERGENCY_REVIEW: "emergency.review", 24, "2", Text("an independent body reviews the disclosure afterwards"), C, POLICY, "every disclosure in an emergency is reviewed";
    EMERGENCY_FOLLOW_UP: "emergency.follow-up", 41, "4", Text("a request for legal assistance follows"), C, POLICY, "data that were disclosed in an emergency become evidence only by legal assistance";
    POLICE_SEPARATE: "police.separate", 47, "1", Text("information for the police, not evidence"), C, POLICY, "police information is kept apart from evidence; evidence is asked for by legal assistance";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_and_found() {
        let ids: BTreeSet<&str> = rules().iter().map(|r| r.id).collect();
        assert_eq!(ids.len(), rules().len());
        for row in rules() {
            assert_eq!(rule(row.id), Some(row));
            assert!(crate::article::article(row.article).is_some(), "{}", row.id);
            assert!(!row.meaning.is_empty() && !row.source.is_empty());
        }
        assert_eq!(rule("no.such.rule"), Option::None);
    }

    #[test]
    fn the_numbers_to_encode_are_all_here() {
        let expected = [
            ("serious-crime.threshold", Years(4)),
            ("child.age", Years(18)),
            ("intimate-image.age", Years(18)),
            ("preservation.order.maximum", Days(90)),
            ("preservation.minimum", Days(60)),
            ("contact-point.hours", Hours(24)),
            ("contact-point.days", Days(7)),
            ("contact-point.list", Count(1)),
            ("safe-conduct.end", Days(15)),
            ("assistance.default-paragraphs", Text("8 to 31")),
            ("assistance.execution-time", None),
            ("extradition.minimum-penalty", None),
            ("entry-into-force.instruments", Count(40)),
            ("entry-into-force.treaty", Days(90)),
            ("entry-into-force.later", Days(30)),
            ("signature.closes", Date("2026-12-31")),
            ("organization.members", Count(1)),
            ("conference.first", Years(1)),
            ("protocol.quorum", Count(60)),
            ("protocol.majority", Share(2, 3)),
            ("amendment.majority", Share(2, 3)),
            ("dispute.arbitration", Months(6)),
            ("amendment.wait", Years(5)),
            ("amendment.entry", Days(90)),
            ("denunciation.effect", Years(1)),
            ("language.count", Count(6)),
            ("offence.count", Count(11)),
            ("misuse.serves", Articles(&[7, 8, 9, 10])),
        ];
        for (id, value) in expected {
            assert_eq!(rule(id).map(|r| r.value), Some(value), "{id}");
        }
    }

    #[test]
    fn policy_is_labelled_and_never_sold_as_treaty() {
        for row in rules() {
            assert_eq!(row.policy, row.source == POLICY, "{}", row.id);
        }
        let ids = [
            "preservation.alarms",
            "preservation.window.default",
            "receipt.delivery.warn",
            "receipt.delivery.fail",
            "receipt.relay.warn",
            "receipt.relay.fail",
            "receipt.opening.warn",
            "receipt.opening.fail",
        ];
        assert!(ids.iter().all(|id| rule(id).is_some_and(|r| r.policy)));
    }

    #[test]
    fn unchecked_rows_are_treaty_rows_below_a() {
        assert!(unchecked().all(|r| !r.policy && r.confidence != A));
        assert!(unchecked().any(|r| r.id == "preservation.minimum"));
        assert!(unchecked().all(|r| r.id != "serious-crime.threshold"));
    }

    #[test]
    fn a_policy_window_keeps_within_the_treaty() {
        assert!(PRESERVATION_DEFAULT.number() >= PRESERVATION_MINIMUM.number());
        assert!(PRESERVATION_DEFAULT.number() <= ORDER_MAXIMUM.number());
        assert!(PRESERVATION_ALARMS.ladder().windows(2).all(|w| w[0] > w[1]));
    }

    /// Rows that no kind, check or ground cites, each with the reason why it stands in the table.
    const UNCITED: &[(&str, &[&str])] = &[
        (
            "counted or dated for comparison with the authentic text",
            &[
                "definition.count",
                "offence.count",
                "language.count",
                "contact-point.hours",
                "contact-point.days",
            ],
        ),
        (
            "an element or a reservation of an offence, shown with the offence",
            &["misuse.serves", "misuse.reservation", "intimate-image.age", "laundering.predicates"],
        ),
        (
            "what a State declares or notifies, shown with its profile",
            &[
                "laundering.laws",
                "powers.reservations",
                "extradition.basis-declaration",
                "confiscation.laws",
                "prevention.authority",
                "dispute.opt-out",
                "organization.competence",
            ],
        ),
        (
            "a principle that the two machines keep and no draft can break",
            &[
                "sovereignty.no-foreign-acts",
                "jurisdiction.consultation",
                "powers.scope",
                "safeguard.foreign-requests",
                "preservation.order.confidential",
                "transfer.onward",
                "assistance.additional-information",
                "assistance.use-limitation",
                "contact-point.coordination",
                "preservation.insufficient",
                "preservation.no-dual-criminality",
                "stored-data.expedited",
            ],
        ),
        (
            "a list whose members are rows of their own",
            &[
                "cooperation.bases",
                "cooperation.serious-crime",
                "assistance.scope",
                "assistance.purposes",
                "contact-point.functions",
                "real-time.contents",
                "confiscation.contents",
            ],
        ),
        (
            "says that the text sets no number, or which paragraphs apply",
            &["extradition.minimum-penalty", "assistance.default-paragraphs"],
        ),
        (
            "a number of the final provisions, for the status of the Convention",
            &[
                "conference.first",
                "protocol.quorum",
                "protocol.majority",
                "dispute.arbitration",
                "signature.opens",
                "signature.closes",
                "organization.members",
                "entry-into-force.later-of",
                "amendment.wait",
                "amendment.majority",
                "amendment.entry",
            ],
        ),
    ];

    fn sources(folder: &std::path::Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                sources(&entry, text);
            } else if entry.extension().is_some_and(|end| end == "rs" || end == "toml")
                && !entry.ends_with("treaty/src/table.rs")
            {
                text.push_str(&std::fs::read_to_string(entry).unwrap());
            }
        }
    }

    /// The name of the constant of each row, by its id.
    fn names() -> Vec<(&'static str, &'static str)> {
        let line = |line: &'static str| {
            let (name, rest) = line.strip_prefix("    ")?.split_once(": \"")?;
            let named = name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
            named.then_some((rest.split('"').next()?, name))
        };
        include_str!("table.rs").lines().filter_map(line).collect()
    }

    #[test]
    fn every_row_is_cited_by_a_kind_or_the_program_or_listed_with_its_reason() {
        let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut text = String::new();
        sources(&crates.join("treaty/kinds"), &mut text);
        text.push_str(include_str!("../matters.toml"));
        for entry in std::fs::read_dir(crates).unwrap() {
            sources(&entry.unwrap().path().join("src"), &mut text);
        }
        let words: BTreeSet<&str> =
            text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-.".contains(c)).collect();
        let listed: BTreeSet<&str> = UNCITED.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
        let names = names();
        assert_eq!(names.len(), rules().len());
        for (id, name) in names {
            let is_used = words.contains(id) || words.contains(name) || text.contains(&format!("::{name}"));
            assert!(is_used || listed.contains(id), "no kind, matter, check or constant cites `{id}`");
        }
        assert!(listed.iter().all(|id| rule(id).is_some()), "a row of the list is gone");
    }
}
