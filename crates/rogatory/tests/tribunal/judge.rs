//! Who judges a package: our program and the tools by others, each with its command and with what it can see.

use super::scene::{Scene, Suite};
use std::{env, path::Path, process::Output};

/// What a judge said of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passes,
    /// With what it printed.
    Refused(String),
    /// Not asked, or an earlier step left it nothing to judge.
    NotReached,
}

/// One column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Judge {
    Verify,
    VerifyWithKey,
    Bagit,
    Sha256sum,
    Find,
    Openssl,
    Signer,
    Pyhanko,
    OpensslTs,
    Rfc3161,
    Envelope,
    Bulk,
    Npm,
    InnerBagit,
    InnerOpenssl,
    InnerSigner,
    Labels,
    Case,
    Ewf,
}

use Judge::*;

impl Judge {
    /// In the order in which a court asks them; a later one may need what an earlier one left.
    pub(crate) const ALL: [Self; 19] = [
        Verify,
        VerifyWithKey,
        Bagit,
        Sha256sum,
        Find,
        Openssl,
        Signer,
        Pyhanko,
        OpensslTs,
        Rfc3161,
        Envelope,
        Bulk,
        Npm,
        InnerBagit,
        InnerOpenssl,
        InnerSigner,
        Labels,
        Case,
        Ewf,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Verify => "rogatory verify",
            VerifyWithKey => "rogatory verify --key",
            Bagit => "bagit.py",
            Sha256sum => "sha256sum",
            Find => "find",
            Openssl => "openssl cms",
            Signer => "signer",
            Pyhanko => "pyhanko",
            OpensslTs => "openssl ts",
            Rfc3161 => "rfc3161-client",
            Envelope => "openssl -decrypt",
            Bulk => "age / pyca, tar",
            Npm => "npm age",
            InnerBagit => "inner bagit.py",
            InnerOpenssl => "inner openssl",
            InnerSigner => "inner signer",
            Labels => "labels",
            Case => "case_validate",
            Ewf => "ewfverify",
        }
    }

    /// Why it is not the judge's job to see everything.
    pub(crate) fn job(self) -> &'static str {
        match self {
            Verify => "`rogatory evidence verify` without a key: everything outside the encryption",
            VerifyWithKey => "`rogatory evidence verify --key`: everything",
            Bagit => {
                "`bagit.py --validate PKG`: files against manifests; sees no signature, allows unlisted files beside `data/`"
            }
            Sha256sum => {
                "`sha256sum --strict -c`: listed files against both manifests; sees no unlisted file, no signature"
            }
            Find => "`find` and `diff`: the regular files are those that the manifests list; sees no content",
            Openssl => {
                "`openssl cms -verify -cades`, root of the State in `Rogatory-From`: the tag manifest's bytes and signature only"
            }
            Signer => "`openssl x509 -ext subjectAltName`: the signer's office is the one in `Rogatory-From`",
            Pyhanko => {
                "`pyhanko sign validate`: as `openssl cms`; starts slowly, so asked only where the seal is touched"
            }
            OpensslTs => {
                "`openssl ts -verify`: the time-stamp over the tag manifest, asked where there is one"
            }
            Rfc3161 => "Python `rfc3161-client`: as `openssl ts`",
            Envelope => "`openssl cms -decrypt`: the key envelope only, and no signature",
            Bulk => {
                "`age -d` or pyca's Cobblestone-256, then `tar x`: the parts under the package key; sees not who sealed"
            }
            Npm => "npm `age-encryption`: as `age -d`; knows age only, asked where the parts are touched",
            InnerBagit => "`bagit.py --validate plain`: the opened files against the inner manifests",
            InnerOpenssl => {
                "`openssl cms -verify -cades` on the inner tag manifest, root of the State in the outer label"
            }
            InnerSigner => "the inner signer's office is the one in the outer `Rogatory-From`",
            Labels => "`diff`: the inner label says what the outer says",
            Case => {
                "`case_validate plain/case.jsonld`: the CASE/UCO document; starts slowly, asked where it is touched"
            }
            Ewf => "`ewfverify` on the opened E01: the image's own digest; asked where the image is touched",
        }
    }

    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Verify | VerifyWithKey)
    }

    /// Steps of the procedure without our program (chapter 5, section 5.6), and those that complete it.
    pub(crate) fn is_of_the_procedure(self) -> bool {
        self.is_of_the_chapter() || matches!(self, Find | Signer | InnerSigner | Labels)
    }

    /// The commands that section 5.6 prints; it leaves comparing names and offices to the reader's eye.
    pub(crate) fn is_of_the_chapter(self) -> bool {
        matches!(self, Bagit | Sha256sum | Openssl | OpensslTs | Envelope | Bulk | InnerBagit | InnerOpenssl)
    }

    /// What everybody can check; a court that sees a refusal here does not open the package.
    pub(crate) fn is_outside(self) -> bool {
        matches!(self, Bagit | Sha256sum | Find | Openssl | Signer | OpensslTs)
    }

    /// Looks at the opened files.
    pub(crate) fn is_inside(self) -> bool {
        matches!(self, InnerBagit | InnerOpenssl | InnerSigner | Labels | Case | Ewf)
    }

    /// Asked of every package; the others where it is their job.
    fn is_quick(self) -> bool {
        !matches!(self, Pyhanko | Npm | Case | Ewf)
    }

    fn script(self, suite: Suite) -> &'static str {
        match self {
            Verify => "$ROGATORY evidence verify PKG --trust $KEYS/trust",
            VerifyWithKey => {
                "$ROGATORY evidence verify PKG --trust $KEYS/trust --key $KEYS/$ME.key --cert $KEYS/$ME.pem"
            }
            Bagit => "bagit.py --quiet --validate PKG",
            Sha256sum => "cd PKG; sha256sum --strict --quiet -c manifest-sha256.txt tagmanifest-sha256.txt",
            Find => {
                "cd PKG; find . -type f ! -path './seal/*' ! -name tagmanifest-sha256.txt -printf '%P\\n' \
                 | LC_ALL=C sort | diff - <(cat manifest-sha256.txt tagmanifest-sha256.txt | cut -c 67- | LC_ALL=C sort)"
            }
            Openssl => {
                "openssl cms -verify -cades -binary -inform DER -in PKG/seal/signature.p7s \
                 -content PKG/tagmanifest-sha256.txt -CAfile $ROOT -purpose any -signer who.pem -out /dev/null"
            }
            Signer => {
                "openssl x509 -in who.pem -noout -ext subjectAltName | grep -qx \"    URI:urn:rogatory:office:${FROM/\\//:}\""
            }
            Pyhanko => {
                "pyhanko sign validate --pretty-print --no-revocation-check --trust-replace --trust $ROOT \
                 --detached PKG/seal/signature.p7s PKG/tagmanifest-sha256.txt"
            }
            OpensslTs => {
                "openssl ts -verify -data PKG/tagmanifest-sha256.txt -in PKG/seal/timestamp.tsr -CAfile $KEYS/tsa-root.pem"
            }
            Rfc3161 => {
                "python3 $KEYS/rfc3161.py $KEYS/tsa-root.pem PKG/seal/timestamp.tsr PKG/tagmanifest-sha256.txt"
            }
            Envelope => {
                "openssl cms -decrypt -inform DER -in PKG/data/package-key.p7m -recip $KEYS/$ME.pem \
                 -inkey $KEYS/$ME.key -out id.txt"
            }
            Bulk => match suite {
                Suite::Age => "cat PKG/data/payload.age.* | age -d -i id.txt | tar x",
                Suite::Cobblestone => {
                    "cat PKG/data/payload.cob.* | python3 $KEYS/cobblestone.py open id.txt | tar x"
                }
            },
            Npm => "cat PKG/data/payload.age.* | node $KEYS/decrypt.mjs id.txt > npm.tar",
            InnerBagit => "bagit.py --quiet --validate plain",
            InnerOpenssl => {
                "openssl cms -verify -cades -binary -inform DER -in plain/inner-signature.p7s \
                 -content plain/tagmanifest-sha256.txt -CAfile $ROOT -purpose any -signer inner.pem -out /dev/null"
            }
            InnerSigner => {
                "openssl x509 -in inner.pem -noout -ext subjectAltName | grep -qx \"    URI:urn:rogatory:office:${FROM/\\//:}\""
            }
            Labels => {
                "L='^(External-Identifier|Bagging-Date|Rogatory-[^E].*):'; \
                 diff <(grep -E \"$L\" PKG/bag-info.txt) <(grep -E \"$L\" plain/bag-info.txt)"
            }
            Case => "case_validate plain/case.jsonld",
            Ewf => "ewfverify -q plain/data/disk.E01/disk.E01",
        }
    }

    /// What an earlier judge must have left.
    fn needs(self) -> &'static [&'static str] {
        match self {
            Signer => &["who.pem"],
            OpensslTs | Rfc3161 => &["PKG/seal/timestamp.tsr"],
            Bulk | Npm => &["id.txt"],
            InnerBagit | InnerOpenssl | Labels | Case => &["plain/inner-signature.p7s"],
            InnerSigner => &["inner.pem"],
            Ewf => &["plain/data/disk.E01/disk.E01"],
            _ => &[],
        }
    }

    /// Judges `folder/PKG` with the key pair `me`; a slow judge only when it is `wanted`.
    pub(crate) fn judge(self, scene: &Scene, folder: &Path, suite: Suite, me: &str, wanted: bool) -> Verdict {
        let missing = self.needs().iter().any(|name| !folder.join(name).is_file());
        if missing || (self == Npm && suite != Suite::Age) || !(wanted || self.is_quick()) {
            return Verdict::NotReached;
        }
        let script = format!(
            "FROM=$(sed -n 's/^Rogatory-From: //p' PKG/bag-info.txt || true); ROOT=$KEYS/${{FROM%%/*}}-root.pem; {}",
            self.script(suite)
        );
        let output = scene.run(folder, &script, &[("ME", me)]);
        if output.status.success() {
            return Verdict::Passes;
        }
        self.has_judged(&output);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if self == Envelope {
            let _ = std::fs::remove_file(folder.join("id.txt"));
        }
        Verdict::Refused(said)
    }
}

impl Judge {
    /// A judge that fell over has said nothing of the package.
    fn has_judged(self, output: &Output) {
        let code = output.status.code();
        let fell = match self.is_ours() {
            // A refusal by our rules, or a fault in the package.
            true => !matches!(code, Some(3 | 4)),
            false => matches!(code, None | Some(101 | 126 | 127)),
        };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!fell, "{} ended with {code:?} and no verdict: {said}", self.name());
    }
}

/// Whether every tool is there; missing ones fail the test where `ROGATORY_REQUIRE_TOOLS=1` asks for them.
pub(crate) fn are_all_there(scene: &Scene) -> bool {
    let probes = [
        "bagit.py --version",
        "sha256sum --version",
        "openssl version",
        "pyhanko --version",
        "age --version",
        "python3 -c 'import rfc3161_client'",
        "python3 -c 'from cryptography.cobblestone import Cobblestone256Decryptor'",
        "case_validate --help",
        "ewfverify -V",
        "ewfacquire -V",
        "test -d $KEYS/node_modules/age-encryption && node --version",
    ];
    let missing: Vec<_> =
        probes.iter().filter(|probe| !scene.run(scene.folder(), probe, &[]).status.success()).collect();
    let required = env::var("ROGATORY_REQUIRE_TOOLS").is_ok_and(|value| value == "1");
    assert!(missing.is_empty() || !required, "required and not there: {missing:?}");
    if !missing.is_empty() {
        println!("skipped: not there: {missing:?}; `cargo xtask install` brings them");
    }
    missing.is_empty()
}
