//! A certificate request (PKCS #10, RFC 2986) that a key in a token signs for itself.

use crate::token_key::{InToken, TokenCurve};
use const_oid::db::rfc5912;
use der::{Any, Decode as _, Encode as _, asn1::BitString, asn1::SetOfVec, pem};
use seal::PrivateKey as _;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::{
    name::RdnSequence,
    request::{CertReq, CertReqInfo, Version},
};

const PEM_LABEL: &str = "CERTIFICATE REQUEST";

/// The request in PEM, or why there is none.
pub(crate) fn request(key: &InToken, point: &[u8]) -> Result<String, String> {
    let info = info(key.curve(), point).map_err(|error| error.to_string())?;
    let to_sign = info.to_der().map_err(|error| error.to_string())?;
    let signature = key.sign(&to_sign).map_err(|error| error.to_string())?;
    let oid = match key.curve() {
        TokenCurve::P256 => rfc5912::ECDSA_WITH_SHA_256,
        TokenCurve::P384 => rfc5912::ECDSA_WITH_SHA_384,
    };
    let whole = || -> der::Result<String> {
        let signature = BitString::from_bytes(&signature)?;
        let algorithm = AlgorithmIdentifierOwned { oid, parameters: None };
        let der = CertReq { info, algorithm, signature }.to_der()?;
        Ok(pem::encode_string(PEM_LABEL, pem::LineEnding::LF, &der)?)
    };
    whole().map_err(|error| error.to_string())
}

fn info(curve: TokenCurve, point: &[u8]) -> der::Result<CertReqInfo> {
    let algorithm = AlgorithmIdentifierOwned {
        oid: rfc5912::ID_EC_PUBLIC_KEY,
        parameters: Some(Any::from_der(curve.parameters())?),
    };
    Ok(CertReqInfo {
        version: Version::V1,
        subject: RdnSequence::default(),
        public_key: SubjectPublicKeyInfoOwned {
            algorithm,
            subject_public_key: BitString::from_bytes(point)?,
        },
        attributes: SetOfVec::new(),
    })
}
