//! The cases: what is done to a copy of a package, and which judges must refuse what comes out.
//!
//! A further proof in `seal/` is one more group of cases here and one more judge beside the others.

use super::{
    copy::*,
    judge::Judge::{
        self, Bagit, Bulk, Envelope, Ewf, Find, InnerBagit, InnerOpenssl, InnerSigner, Labels, Npm, Openssl,
        OpensslTs, Pyhanko, Rfc3161, Sha256sum, Signer, Verify, VerifyWithKey,
    },
    scene::{Scene, Suite},
    tar,
};
use std::path::Path;

type Make = Box<dyn Fn(&Copy<'_>) + Send + Sync>;

/// One row of the table.
pub(crate) struct Case {
    name: String,
    make: Make,
    refused_by: Vec<Judge>,
    /// Whose key opens it.
    key: &'static str,
    honest: bool,
}

impl Case {
    /// A change that these judges must refuse, beside our own program.
    fn new(
        name: impl Into<String>,
        refused_by: &[Judge],
        make: impl Fn(&Copy<'_>) + Send + Sync + 'static,
    ) -> Self {
        let mut refused_by = [refused_by, &[VerifyWithKey]].concat();
        // Two readers of the same stream.
        if refused_by.contains(&Bulk) {
            refused_by.push(Npm);
        }
        Self { name: name.into(), make: Box::new(make), refused_by, key: "one", honest: false }
    }

    /// As [`Self::new`], and whoever has no key must see it too.
    fn open(
        name: impl Into<String>,
        refused_by: &[Judge],
        make: impl Fn(&Copy<'_>) + Send + Sync + 'static,
    ) -> Self {
        let mut case = Self::new(name, refused_by, make);
        case.refused_by.push(Verify);
        case
    }

    fn honest(name: &str, key: &'static str, make: impl Fn(&Copy<'_>) + Send + Sync + 'static) -> Self {
        Self { name: name.to_owned(), make: Box::new(make), refused_by: Vec::new(), key, honest: true }
    }

    fn with_key(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn key(&self) -> &'static str {
        self.key
    }

    pub(crate) fn is_honest(&self) -> bool {
        self.honest
    }

    pub(crate) fn refused_by(&self) -> &[Judge] {
        &self.refused_by
    }

    pub(crate) fn make(&self, scene: &Scene, suite: Suite, folder: &Path) {
        (self.make)(&Copy::new(scene, suite, folder));
    }
}

/// Packages that every judge must accept.
pub(crate) fn controls() -> Vec<Case> {
    vec![
        Case::honest("honest, opened by the first addressee", "one", |_| {}),
        Case::honest("honest, opened by the second addressee", "two", |_| {}),
        Case::honest("honest, opened by the third addressee, whose key is RSA", "three", |_| {}),
        Case::honest("honest, with a time-stamp", "one", |copy| {
            copy.write(TIME_STAMP, copy.time_stamp(false, "tsa"));
        }),
        Case::honest("honest, encrypted, wrapped and signed again by stock tools", "one", |copy| {
            copy.fill(&copy.archive(""));
            copy.wrap_for_all();
            copy.seal_again("lab");
        }),
        Case::honest("honest, with a further proof in `seal/`", "one", |copy| {
            copy.write("seal/proof.txt", "later")
        }),
    ]
}

/// Every tampered package; `parts` is how many parts the honest one has. What has nothing to do with the bulk suite
/// is judged with age only.
pub(crate) fn cases(suite: Suite, parts: usize) -> Vec<Case> {
    let single = bytes(suite, parts).into_iter().chain(files(suite, parts));
    let single = single.filter(|case| suite == Suite::Age || case.name.contains(suite.stem()));
    let labels = if suite == Suite::Age { labels_and_signatures() } else { Vec::new() };
    let labels = labels.into_iter().chain(if suite == Suite::Age { time_stamps() } else { Vec::new() });
    single.chain(moved_parts()).chain(labels).chain(recipients()).chain(insiders()).collect()
}

fn part(suite: Suite, index: usize) -> String {
    format!("{}{index:06}", suite.stem())
}

/// One bit of one byte is changed.
fn bytes(suite: Suite, parts: usize) -> Vec<Case> {
    let payload: &[Judge] = &[Bagit, Sha256sum, Bulk];
    let files: Vec<(String, &[Judge])> = vec![
        ("bagit.txt".to_owned(), &[Bagit, Sha256sum]),
        (INFO.to_owned(), &[Bagit, Sha256sum]),
        (MANIFEST.to_owned(), &[Bagit, Sha256sum]),
        (TAGS.to_owned(), &[Sha256sum, Openssl, Pyhanko]),
        (ENVELOPE.to_owned(), &[Bagit, Sha256sum]),
        (part(suite, 0), payload),
        (part(suite, parts / 2), payload),
        (part(suite, parts - 1), payload),
        (SIGNATURE.to_owned(), &[Openssl]),
    ];
    let case = |(name, by): &(String, &[Judge]), place: Place| {
        let file = name.clone();
        let title = format!("{} byte of `{name}` flipped", format!("{place:?}").to_lowercase());
        Case::open(title, by, move |copy| copy.flip(&file, place))
    };
    files.iter().flat_map(|file| Place::ALL.map(|place| case(file, place))).collect()
}

/// A file is gone, or one is there that nobody listed, or a link stands for a file.
fn files(suite: Suite, parts: usize) -> Vec<Case> {
    let mut removed: Vec<(String, &[Judge])> = vec![
        ("bagit.txt".to_owned(), &[Bagit, Sha256sum, Find]),
        (INFO.to_owned(), &[Bagit, Sha256sum, Find]),
        (MANIFEST.to_owned(), &[Bagit, Sha256sum, Find]),
        (TAGS.to_owned(), &[Sha256sum, Openssl, Pyhanko]),
        (ENVELOPE.to_owned(), &[Bagit, Sha256sum, Find, Envelope]),
        (SIGNATURE.to_owned(), &[Openssl, Pyhanko]),
    ];
    removed.extend((0..parts).map(|index| {
        let by: &[Judge] = &[Bagit, Sha256sum, Find, Bulk];
        (part(suite, index), by)
    }));
    let removed = removed
        .into_iter()
        .map(|(name, by)| Case::open(format!("`{name}` removed"), by, move |copy| copy.remove(&name)));
    let added = [
        ("data/more.bin", &[Bagit, Find][..]),
        ("more.txt", &[Find]),
        ("more/more.txt", &[Find]),
        ("fetch.txt", &[Find]),
    ];
    let added = added
        .into_iter()
        .map(|(name, by)| Case::open(format!("`{name}` added"), by, move |copy| copy.write(name, "more")));
    let link = Case::open("a part is a link to the same bytes elsewhere", &[Find], |copy| {
        let (part, elsewhere) = (copy.path(&copy.parts()[1]), copy.path("../elsewhere"));
        std::fs::rename(&part, &elsewhere).unwrap();
        std::os::unix::fs::symlink("../../elsewhere", part).unwrap();
    });
    removed.chain(added).chain([link]).collect()
}

/// Parts change places, lengths and packages.
fn moved_parts() -> Vec<Case> {
    let swap = |copy: &Copy<'_>| {
        let parts = copy.parts();
        let (one, two) = (copy.read(&parts[1]), copy.read(&parts[2]));
        copy.write(&parts[1], two);
        copy.write(&parts[2], one);
    };
    let cut_last = |copy: &Copy<'_>| copy.remove(copy.parts().last().unwrap());
    let foreign = |copy: &Copy<'_>| {
        let part = copy.parts().swap_remove(1);
        copy.write(&part, copy.of_other(&part));
    };
    let payload: &[Judge] = &[Bagit, Sha256sum, Bulk];
    let relisted: &[Judge] = &[Openssl, Pyhanko, Bulk];
    vec![
        Case::open("two parts swapped", payload, swap),
        Case::open("two parts swapped, manifests made again", relisted, move |copy| {
            swap(copy);
            copy.list_again();
        }),
        Case::new("two parts swapped, sealed so by the sender", &[Bulk], move |copy| {
            swap(copy);
            copy.seal_again("lab");
        }),
        Case::open("a part one byte shorter", payload, |copy| {
            let part = copy.parts().swap_remove(1);
            let bytes = copy.read(&part);
            copy.write(&part, &bytes[..bytes.len() - 1]);
        }),
        Case::open("the last part one byte longer", payload, |copy| {
            let part = copy.parts().pop().unwrap();
            copy.write(&part, [copy.read(&part), vec![0]].concat());
        }),
        Case::open("last part removed, manifests made again", relisted, move |copy| {
            cut_last(copy);
            copy.list_again();
        }),
        Case::new("last part removed, sealed so by the sender", &[Bulk], move |copy| {
            cut_last(copy);
            copy.seal_again("lab");
        }),
        Case::open("a part of another package put in", payload, foreign),
        Case::open("a part of another package put in, manifests made again", relisted, move |copy| {
            foreign(copy);
            copy.list_again();
        }),
        Case::new("a part of another package put in, sealed so by the sender", &[Bulk], move |copy| {
            foreign(copy);
            copy.seal_again("lab");
        }),
    ]
}

/// The label says something else, or somebody else signed.
fn labels_and_signatures() -> Vec<Case> {
    let addressed = |copy: &Copy<'_>| {
        copy.replace_in(INFO, "Rogatory-To: XA/evidence-office", "Rogatory-To: XC/evidence-office");
    };
    let claimed = |copy: &Copy<'_>| {
        copy.replace_in(INFO, "Rogatory-From: XB/evidence-office", "Rogatory-From: XC/evidence-office");
    };
    vec![
        Case::open("label: other addressee", &[Bagit, Sha256sum], addressed),
        Case::open("label: other addressee, manifests made again", &[Openssl, Pyhanko], move |copy| {
            addressed(copy);
            copy.list_again();
        }),
        Case::open("label: other sender, manifests made again", &[Openssl, Pyhanko], move |copy| {
            claimed(copy);
            copy.list_again();
        }),
        Case::new("label: other sender, sealed by that one", &[InnerOpenssl, Labels], move |copy| {
            claimed(copy);
            copy.seal_again("spy");
        }),
        Case::open("sealed again by another State's office", &[Openssl, Pyhanko], |copy| {
            copy.seal_again("spy")
        }),
        Case::open("sealed again by another office of the State", &[Signer], |copy| copy.seal_again("clerk")),
        Case::open("signature of another package put in", &[Openssl, Pyhanko], |copy| {
            copy.write(SIGNATURE, copy.of_other(SIGNATURE));
        }),
    ]
}

/// Somebody else can open it, or an addressee passes it on.
/// Older than the package, by nobody who is trusted, or changed.
fn time_stamps() -> Vec<Case> {
    let judges: &[Judge] = &[OpensslTs, Rfc3161];
    let flipped = Place::ALL.map(|place| {
        let title = format!("{} byte of the time-stamp flipped", format!("{place:?}").to_lowercase());
        Case::open(title, judges, move |copy| {
            copy.write(TIME_STAMP, copy.time_stamp(false, "tsa"));
            copy.flip(TIME_STAMP, place);
        })
    });
    let mut cases = vec![
        Case::open("old time-stamp: that of another package", judges, |copy| {
            copy.write(TIME_STAMP, copy.time_stamp(true, "tsa"));
        }),
        Case::open("time-stamp by an authority that nobody trusts", judges, |copy| {
            copy.write(TIME_STAMP, copy.time_stamp(false, "rogue"));
        }),
    ];
    cases.extend(flipped);
    cases
}

fn recipients() -> Vec<Case> {
    vec![
        Case::new("opened with a key that is no addressee's", &[Envelope], |_| {}).with_key("other"),
        Case::open(
            "key envelope of another package put in, manifests made again",
            &[Openssl, Pyhanko, Bulk],
            |copy| {
                copy.write(ENVELOPE, copy.of_other(ENVELOPE));
                copy.list_again();
            },
        ),
        Case::open("wrapped again for another recipient", &[Bagit, Sha256sum], |copy| {
            copy.wrap_again(&["other"])
        })
        .with_key("other"),
        Case::open(
            "wrapped again for another recipient, manifests made again",
            &[Openssl, Pyhanko],
            |copy| {
                copy.wrap_again(&["other"]);
                copy.list_again();
            },
        )
        .with_key("other"),
        Case::open("sealed again by the recipient in the sender's name", &[Openssl, Pyhanko], |copy| {
            copy.fill(&copy.archive(""));
            copy.wrap_again(&["other"]);
            copy.seal_again("one");
        })
        .with_key("other"),
        Case::new("passed on by the recipient as its own", &[InnerOpenssl, Labels], |copy| {
            copy.replace_in(INFO, "Rogatory-From: XB/", "Rogatory-From: XA/");
            copy.fill(&copy.archive(""));
            copy.seal_again("one");
        }),
    ]
}

/// Somebody with the package key changes what is inside; `sealed by the sender` is a sealing room that is deceived.
fn insiders() -> Vec<Case> {
    const IMAGE: &str = "data/disk.E01/disk.E01";
    let altered = |copy: &Copy<'_>, member: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let archive = copy.archive("");
        let member = format!("plain/{member}");
        tar::replace(&archive, &member, &change(tar::read(&archive, &member)))
    };
    let image = move |copy: &Copy<'_>| {
        altered(copy, IMAGE, &|mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        })
    };
    let listed = move |copy: &Copy<'_>| list_again_inside(&image(copy), IMAGE);
    let signed = |copy: &Copy<'_>, archive: &[u8], stem: &str| {
        let signature = copy.signed(stem, &tar::read(archive, &format!("plain/{TAGS}")));
        tar::replace(archive, INNER_SIGNATURE, &signature)
    };
    let case_file = move |copy: &Copy<'_>| {
        altered(copy, "case.jsonld", &|bytes| {
            String::from_utf8(bytes).unwrap().replace("exhibitNumber", "exhibitNumbre").into_bytes()
        })
    };
    vec![
        Case::open("inside: an image altered", &[Openssl, Pyhanko, InnerBagit, Ewf], move |copy| {
            copy.fill(&image(copy));
            copy.list_again();
        }),
        Case::new("inside: an image altered, sealed by the sender", &[InnerBagit, Ewf], move |copy| {
            copy.fill(&image(copy));
            copy.seal_again("lab");
        }),
        Case::new(
            "inside: an image altered, inner manifests made again, sealed by the sender",
            &[InnerOpenssl, Ewf],
            move |copy| {
                copy.fill(&listed(copy));
                copy.seal_again("lab");
            },
        ),
        Case::new(
            "inside: an image altered, inner bag signed by another State, sealed by the sender",
            &[InnerOpenssl, Ewf],
            move |copy| {
                copy.fill(&signed(copy, &listed(copy), "spy"));
                copy.seal_again("lab");
            },
        ),
        Case::new(
            "inside: an image altered, inner bag signed by another office, sealed by the sender",
            &[InnerSigner, Ewf],
            move |copy| {
                copy.fill(&signed(copy, &listed(copy), "clerk"));
                copy.seal_again("lab");
            },
        ),
        Case::new(
            "inside: the CASE document altered, sealed by the sender",
            &[InnerBagit, Judge::Case],
            move |copy| {
                copy.fill(&case_file(copy));
                copy.seal_again("lab");
            },
        ),
        Case::new("inside: the custody record altered, sealed by the sender", &[InnerBagit], move |copy| {
            copy.fill(&altered(copy, "custody.json", &|bytes| {
                String::from_utf8(bytes).unwrap().replace("Africa/Nairobi", "Europe/Vienna!").into_bytes()
            }));
            copy.seal_again("lab");
        }),
        Case::new("inside: the bag of another package, sealed by the sender", &[Labels], |copy| {
            copy.fill(&copy.archive("-other"));
            copy.seal_again("lab");
        }),
    ]
}
