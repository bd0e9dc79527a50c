//! The keys of a run: a State's root, its evidence office, and an age identity for the hand.

use anyhow::{Context as _, bail};
use std::{path::Path, process::Command};

/// With OpenSSL as a laboratory does it. `office.pem` signs and is also the addressee; `roots/` is what is trusted.
const OPENSSL: &str = r#"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/C=XB/CN=Root of XB' \
    -addext keyUsage=critical,keyCertSign,cRLSign -keyout root.key -out root.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/C=XB/CN=evidence-office' \
    -keyout office.key -out office.csr
printf '%s\n' 'subjectAltName=URI:urn:rogatory:office:XB:evidence-office' \
    'keyUsage=critical,digitalSignature,keyAgreement' 'extendedKeyUsage=emailProtection' \
    'subjectKeyIdentifier=hash' 'authorityKeyIdentifier=keyid' > office.ext
openssl x509 -req -in office.csr -CA root.pem -CAkey root.key -CAcreateserial -days 20 -extfile office.ext \
    -out office.pem
mkdir roots
cp root.pem roots/
"#;

const AGE: &str = "age-keygen -o age.key && age-keygen -y age.key > age.pub";

/// Makes all keys in an empty folder; `age` only where it is installed.
pub(crate) fn make(folder: &Path, with_age: bool) -> anyhow::Result<()> {
    script(folder, OPENSSL).context("openssl")?;
    if with_age { script(folder, AGE).context("age-keygen") } else { Ok(()) }
}

fn script(folder: &Path, text: &str) -> anyhow::Result<()> {
    let out = Command::new("sh").args(["-euc", text]).current_dir(folder).output()?;
    if out.status.success() {
        return Ok(());
    }
    bail!("{}", String::from_utf8_lossy(&out.stderr).lines().last().unwrap_or("it said nothing"))
}
