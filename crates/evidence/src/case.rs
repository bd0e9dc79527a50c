//! `case.jsonld`: the exhibits and their chains of custody in the words of CASE 1.5 and UCO, for investigators' tools.
//!
//! One provenance record for each exhibit, one investigative action for each custody event. Lists of files stay in
//! the manifest. The same input gives the same bytes.

use custody::{Chain, Link};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vocabulary::{Digest, ExhibitId, FileId, PackageId};

/// An exhibit as the document describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseExhibit {
    pub exhibit_id: ExhibitId,
    pub name: String,
    pub files: u64,
    pub bytes: u64,
    pub tree: Digest,
}

/// The whole document; chains of exhibits that are not listed are left out.
pub fn case_document(
    file: FileId,
    package: Option<PackageId>,
    exhibits: &[CaseExhibit],
    chains: &[Chain],
) -> Vec<u8> {
    let mut graph = Graph { file, nodes: BTreeMap::new() };
    let mut parts = Vec::new();
    for exhibit in exhibits {
        parts.push(graph.exhibit(exhibit));
        for chain in chains.iter().filter(|chain| chain.exhibit() == exhibit.exhibit_id) {
            parts.extend(chain.links().iter().map(|link| graph.action(link)));
        }
    }
    let package = package.map(|package| format!("; package {package}")).unwrap_or_default();
    graph.add(
        "investigation",
        "the file",
        json!({
            "@type": "case-investigation:Investigation",
            "uco-core:name": format!("file {file}"),
            "uco-core:description": format!("evidence exchanged between States{package}"),
            "uco-core:object": parts,
        }),
    );
    let nodes: Vec<Value> = graph.nodes.into_values().collect();
    let document = json!({ "@context": context(), "@graph": nodes });
    let mut bytes = serde_json::to_vec_pretty(&document).expect("strings and numbers always become JSON");
    bytes.push(b'\n');
    bytes
}

fn context() -> Value {
    json!({
        "kb": "urn:rogatory:case:",
        "case-investigation": "https://ontology.caseontology.org/case/investigation/",
        "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
        "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
        "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
        "uco-location": "https://ontology.unifiedcyberontology.org/uco/location/",
        "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
        "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
        "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    })
}

struct Graph {
    file: FileId,
    nodes: BTreeMap<String, Value>,
}

impl Graph {
    /// The same kind and key is the same node.
    fn add(&mut self, kind: &str, key: &str, node: Value) -> Value {
        let id = self.id(kind, key);
        let mut node = node;
        if let Some(fields) = node.as_object_mut() {
            fields.insert("@id".to_owned(), Value::String(id.clone()));
        }
        self.nodes.insert(id.clone(), node);
        json!({ "@id": id })
    }

    /// `kb:kind-` and a UUID in the form of version 5 that grows from file, kind and key.
    fn id(&self, kind: &str, key: &str) -> String {
        let digest = Digest::of(format!("{}\n{kind}\n{key}", self.file).as_bytes());
        let hex = digest.hex();
        let piece = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
        let (a, b, c, d) = (piece(0, 8), piece(8, 12), piece(13, 16), piece(17, 20));
        format!("kb:{kind}-{a}-{b}-5{c}-8{d}-{}", piece(20, 32))
    }

    fn exhibit(&mut self, exhibit: &CaseExhibit) -> Value {
        let key = exhibit.exhibit_id.to_string();
        let content = json!({
            "@id": self.id("content", &key),
            "@type": "uco-observable:ContentDataFacet",
            "uco-observable:sizeInBytes": { "@type": "xsd:integer", "@value": exhibit.bytes.to_string() },
            "uco-observable:hash": self.hash(&key, exhibit.tree),
        });
        let object = self.add(
            "object",
            &key,
            json!({
                "@type": "uco-observable:ObservableObject",
                "uco-core:name": exhibit.name,
                "uco-core:description": format!(
                    "{} files; the digest is the SHA-256 of their manifest", exhibit.files
                ),
                "uco-core:hasFacet": content,
            }),
        );
        self.add(
            "exhibit",
            &key,
            json!({
                "@type": "case-investigation:ProvenanceRecord",
                "case-investigation:exhibitNumber": key,
                "uco-core:name": exhibit.name,
                "uco-core:object": object,
            }),
        )
    }

    fn hash(&self, key: &str, digest: Digest) -> Value {
        json!({
            "@id": self.id("hash", &format!("{key} {digest}")),
            "@type": "uco-types:Hash",
            // A plain string: a member of UCO's hash vocabulary is not accepted with a type of its own.
            "uco-types:hashMethod": "SHA256",
            "uco-types:hashValue": { "@type": "xsd:hexBinary", "@value": digest.hex() },
        })
    }

    fn named(&mut self, kind: &str, class: &str, name: &str) -> Value {
        self.add(kind, name, json!({ "@type": class, "uco-core:name": name }))
    }

    /// The content of an exhibit as an action left it.
    fn left(&mut self, exhibit: ExhibitId, digest: Digest) -> Value {
        let key = format!("{exhibit} {digest}");
        let facet = json!({
            "@id": self.id("left-content", &key),
            "@type": "uco-observable:ContentDataFacet",
            "uco-observable:hash": self.hash(&format!("left {exhibit}"), digest),
        });
        self.add(
            "left",
            &key,
            json!({ "@type": "uco-observable:ObservableObject", "uco-core:hasFacet": facet }),
        )
    }

    fn action(&mut self, link: &Link) -> Value {
        let record = json!({ "@id": self.id("exhibit", &link.exhibit.to_string()) });
        let performer = self.named("office", "uco-identity:Organization", &link.office.to_string());
        let location =
            self.named("place", "uco-location:Location", &format!("{} ({})", link.place, link.zone));
        let tool = self.named("tool", "uco-tool:Tool", &link.tool);
        let mut node = json!({
            "@type": "case-investigation:InvestigativeAction",
            "uco-core:name": link.action.as_str(),
            "uco-core:description": description(link),
            "uco-action:startTime": { "@type": "xsd:dateTime", "@value": link.at.to_string() },
            "uco-action:performer": performer,
            "uco-action:location": location,
            "uco-action:instrument": tool,
            "uco-action:object": record,
        });
        let changed = link.digest_after.filter(|after| link.digest_before != Some(*after));
        if let (Some(after), Some(fields)) = (changed, node.as_object_mut()) {
            fields.insert("uco-action:result".to_owned(), self.left(link.exhibit, after));
        }
        self.add("action", &link.digest().to_string(), node)
    }
}

/// What the ontology has no property for.
fn description(link: &Link) -> String {
    let mut text = format!("link {} of the chain of custody; why: {}", link.sequence, link.why);
    let more = [
        ("officer", Some(link.officer.to_string())),
        ("to", link.to.map(|to| to.to_string())),
        ("related exhibit", link.related.map(|related| related.to_string())),
        ("digest before", link.digest_before.map(|digest| digest.to_string())),
        ("digest after", link.digest_after.map(|digest| digest.to_string())),
        ("alteration", link.alteration.clone()),
    ];
    for (what, said) in more {
        if let Some(said) = said {
            text.push_str(&format!("; {what}: {said}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{has_tool, try_shell};
    use std::fs;

    fn chain() -> Chain {
        let link: Link = serde_json::from_value(json!({
            "exhibit": "0193a8f0-0000-7000-8000-000000000001", "sequence": 0, "action": "acquired",
            "office": "XB/evidence-office", "officer": "n.okafor", "at": "2026-11-15T08:00:00.5Z",
            "zone": "Africa/Nairobi", "place": "évidence \"room\" 2", "why": "order 17/2026",
            "tool": "imager 3.1", "to": null, "related": null, "digest_before": null,
            "digest_after": Digest::of(b"abc"), "alteration": null, "previous": null
        }))
        .unwrap();
        let mut chain = Chain::start(link.clone()).unwrap();
        let sealed = Link {
            sequence: 1,
            action: custody::Action::Sealed,
            digest_before: Some(chain.content()),
            previous: Some(chain.head()),
            ..link
        };
        chain.append(sealed).unwrap();
        chain
    }

    fn document() -> Vec<u8> {
        let exhibit = CaseExhibit {
            exhibit_id: chain().exhibit(),
            name: "téléphone \"1\"".into(),
            files: 3,
            bytes: 1 << 41,
            tree: Digest::of(b"abc"),
        };
        let file = "0198c0de-0000-7000-8000-000000000002".parse().unwrap();
        let package = "0198c0de-0000-7000-8000-000000000001".parse().unwrap();
        case_document(file, Some(package), &[exhibit], &[chain()])
    }

    #[test]
    fn every_exhibit_has_its_record_and_every_link_its_action() {
        let document = document();
        assert_eq!(document, self::document());
        let parsed: Value = serde_json::from_slice(&document).unwrap();
        let nodes = parsed["@graph"].as_array().unwrap();
        let count = |class: &str| nodes.iter().filter(|node| node["@type"] == class).count();
        assert_eq!(count("case-investigation:ProvenanceRecord"), 1);
        assert_eq!(count("case-investigation:InvestigativeAction"), 2);
        assert_eq!(count("case-investigation:Investigation"), 1);
    }

    #[test]
    fn the_performer_is_the_office_and_only_a_change_of_content_has_a_result() {
        let parsed: Value = serde_json::from_slice(&document()).unwrap();
        let nodes = parsed["@graph"].as_array().unwrap();
        let named = |name: &str| nodes.iter().find(|node| node["uco-core:name"] == name).unwrap();
        let by_id = |id: &Value| nodes.iter().find(|node| node["@id"] == id["@id"]).unwrap();
        let (acquired, sealed) = (named("acquired"), named("sealed"));
        assert_eq!(by_id(&acquired["uco-action:performer"])["uco-core:name"], "XB/evidence-office");
        assert!(acquired["uco-core:description"].as_str().unwrap().contains("; officer: n.okafor"));
        let left = by_id(&acquired["uco-action:result"]);
        let value = &left["uco-core:hasFacet"]["uco-observable:hash"]["uco-types:hashValue"]["@value"];
        assert_eq!(value, Digest::of(b"abc").hex().as_str());
        assert!(sealed.get("uco-action:result").is_none());
    }

    #[test]
    fn no_two_nodes_share_an_id_even_inside_others() {
        fn collect(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(fields) if fields.contains_key("@id") && fields.len() > 1 => {
                    found.push(fields["@id"].to_string());
                    fields.values().for_each(|value| collect(value, found));
                }
                Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
                Value::Array(items) => items.iter().for_each(|value| collect(value, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        collect(&serde_json::from_slice(&document()).unwrap(), &mut found);
        let all = found.len();
        found.sort();
        found.dedup();
        assert!(all == found.len() && all > 8, "{all} {}", found.len());
    }

    #[test]
    fn the_validator_of_the_ontology_accepts_it_and_refuses_misspelt_and_mistyped_ones() {
        if !has_tool("case_validate", "--help") {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let honest = String::from_utf8(document()).unwrap();
        let judge = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).unwrap();
            try_shell(folder.path(), &format!("case_validate {name}"))
        };
        let (conforms, text) = judge("case.jsonld", &honest);
        assert!(conforms, "{text}");
        let wrong = [
            honest.replace("exhibitNumber", "exhibitNumbre"),
            honest.replace("xsd:hexBinary", "xsd:string"),
            honest.replace("xsd:dateTime", "xsd:string"),
        ];
        for (at, wrong) in wrong.iter().enumerate() {
            assert!(*wrong != honest && !judge(&format!("wrong{at}.jsonld"), wrong).0, "{at}");
        }
    }
}
