//! Whom a destination's certificate has to be signed by.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::error::DeliveryError;

/// TLS 1.2 and 1.3, trusting Mozilla's roots and those of `ca_file`.
pub(super) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, DeliveryError> {
    let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    if let Some(path) = ca_file {
        add(path, &mut roots).map_err(|detail| DeliveryError::CaFile { path: path.to_owned(), detail })?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| DeliveryError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add(path: &Path, roots: &mut RootCertStore) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
    let mut count = 0;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        count += 1;
    }
    if count == 0 { Err("it holds no certificate".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let told = |path: &Path| connector(Some(path)).err().unwrap().to_string();
        assert!(told(&path).starts_with(&format!("delivery.ca_file {}: ", path.display())));
        std::fs::write(&path, "no certificate").unwrap();
        assert!(told(&path).contains("it holds no certificate; give a PEM file"), "{}", told(&path));
        assert!(connector(None).is_ok());
    }
}
