//! Two single checks, for those who hold one signed document or one time-stamp and no bundle.

use crate::{
    certificate::Certificate,
    flaw::{Complaint, In as _, Wrong},
    instant::Instant,
    signed::Signed,
    stamp,
};

/// The office of `state` that signed a message (spec/02, 2.1) and what it said, under the root in `root_pem`.
pub fn office_of_signed(
    message: &[u8],
    state: &str,
    root_pem: &[u8],
) -> Result<(String, Vec<u8>), Complaint> {
    let judged = || -> Result<(String, Vec<u8>), Wrong> {
        let root = Certificate::from_pem(root_pem)?;
        let signed = Signed::attached(message)?;
        let office = signed.by(state, &root)?;
        Ok((office, signed.content))
    };
    judged().of("the signed message")
}

/// The time at which an authority saw the bytes (RFC 3161), under its root if one is given.
pub fn time_of_stamp(token: &[u8], bytes: &[u8], root_pem: Option<&[u8]>) -> Result<Instant, Complaint> {
    let judged = || -> Result<Instant, Wrong> {
        let roots = root_pem.map(Certificate::from_pem).transpose()?;
        Ok(stamp::check(token, bytes, roots.as_slice())?.at)
    };
    judged().of("the time-stamp")
}
