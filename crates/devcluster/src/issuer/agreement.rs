//! What cert-manager requires of a request before it approves, stores or signs it: a valid CSR that
//! agrees with the specification.
//!
//! pkg/util/pki/certificatetemplate.go: a CSR that names usages of either sort names all of the
//! specification's, the extended ones in their order, and one that has basic constraints agrees
//! about being an authority.

use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Decode, Error as DerError};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

use super::csr::{CertificateSigningRequest, CsrError};
use super::specification::{Disagreement, RequestSpec, SigningError, Usages};

/// Checks a CSR against the rest of its specification, and gives the usages of the certificate.
pub(super) fn check(
    csr: &CertificateSigningRequest,
    spec: &RequestSpec,
) -> Result<Usages, SigningError> {
    let usages = Usages::of(spec)?;
    csr.verify()?;
    if let Some(constraints) = extension::<BasicConstraints>(csr)?
        && constraints.ca != spec.is_ca
    {
        return Err(Disagreement::IsCa(spec.is_ca).into());
    }
    let asked = extension::<KeyUsage>(csr)?;
    let extended = extension::<ExtendedKeyUsage>(csr)?;
    if asked.is_none() && extended.is_none() {
        return Ok(usages);
    }
    if asked.map(|asked| asked.0).unwrap_or_default() != usages.bits.0 {
        return Err(Disagreement::KeyUsage.into());
    }
    if extended.map(|extended| extended.0).unwrap_or_default() != usages.extended {
        return Err(Disagreement::ExtendedKeyUsage.into());
    }
    Ok(usages)
}

fn extension<T>(csr: &CertificateSigningRequest) -> Result<Option<T>, CsrError>
where
    T: AssociatedOid + for<'a> Decode<'a, Error = DerError>,
{
    let found = csr.extension(T::OID);
    let read = found.map(|found| T::from_der(found.extn_value.as_bytes()));
    read.transpose()
        .map_err(|error| CsrError::Extensions(error.to_string()))
}
