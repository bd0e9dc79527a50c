//! The sequence of commands by others that checks the same without this program.

use super::Step;
use crate::examine::Examined;

pub(super) fn steps(examined: &Examined) -> Vec<Step> {
    let Some(index) = &examined.index else { return Vec::new() };
    let mut all = vec![step(
        "no file was changed since the bundle was packed",
        "sha256sum -c manifest-sha256.txt".to_owned(),
    )];
    for state in &examined.states {
        let root = format!("states/{}/root.pem", state.code);
        all.push(step(
            &format!(
                "the digest of which the fingerprint of {} is made; it must begin with {}",
                state.code,
                begin(&state.root.digest.hex())
            ),
            format!("openssl x509 -in {root} -outform DER | sha256sum"),
        ));
        let newest = state.descriptors.last().map_or(0, |one| one.sequence);
        all.push(step(
            &format!("what {} says of itself, signed by its root", state.code),
            format!("openssl cms -verify -inform DER -in states/{0}/descriptor-{newest}.p7m -CAfile {root} -purpose any", state.code),
        ));
    }
    all.push(step(
        "who packed the bundle",
        format!(
            "openssl cms -verify -inform DER -in manifest-sha256.p7s -content manifest-sha256.txt -binary \
             -CAfile states/{}/root.pem -out /dev/null",
            index.exporter
        ),
    ));
    if let Some(letter) = examined.letters.first() {
        let (dir, sender, receiver) = (&letter.dir, letter.sender(), letter.receiver());
        let verify = |file: &str, state: &str| {
            format!(
                "openssl cms -verify -inform DER -in envelopes/{dir}/{file} -CAfile states/{state}/root.pem -binary"
            )
        };
        if letter.statement.is_some() {
            all.push(step("who signed the statement, and what it says", verify("statement.p7m", sender)));
        }
        if letter.receipt.is_some() {
            all.push(step("who signed the receipt, and for which digest", verify("receipt.p7m", receiver)));
        }
        all.push(step(
            "the digest of the sealed bytes, which the receipt must name",
            format!(
                "python3 -c 'import json,base64,hashlib,sys; print(hashlib.sha256(base64.b64decode(json.load(open(sys.argv[1]))[\"sealed\"])).hexdigest())' envelopes/{dir}/envelope.json"
            ),
        ));
    }
    for stamp in examined.stamped.iter().take(1) {
        let stem = format!("heads/{}/{}", stamp.state, stamp.size);
        all.push(step(
            "when the log stood as shown, under the authority's root, which you obtain from the authority",
            format!("openssl ts -verify -data {stem}.text -in {stem}.tsr -CAfile tsa-root.pem"),
        ));
    }
    all.push(step(
        "all of it at once, with a shell, OpenSSL and Python: the commands of the bundle's own README.txt, which must be \
         those of chapter 7.6 of the specification",
        "sed -n '/^# begin$/,/^# end$/p' README.txt > /tmp/check.sh && sh -eu /tmp/check.sh".to_owned(),
    ));
    all.push(step(
        "that an entry is in a log and who confirmed it: a verifier by another author, or the shell commands of chapter \
         3.9 of the specification",
        "pip install aics-tlog; aics-tlog verify-inclusion --help".to_owned(),
    ));
    all
}

fn step(shows: &str, command: String) -> Step {
    Step { shows: shows.to_owned(), command }
}

fn begin(hex: &str) -> &str {
    hex.get(..16).unwrap_or(hex)
}
