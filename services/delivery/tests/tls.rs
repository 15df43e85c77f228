//! Encrypted endpoints: whose certificate is trusted, and for which name.

#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;

use common::{Hub, Names, config, destination};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A receiver at `hooks.example` that answers 204; its address, and its certificate as PEM.
async fn start() -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(["hooks.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Whoever does not trust the certificate hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            if stream.read(&mut request).await.is_ok_and(|count| count > 0) {
                stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
                stream.shutdown().await.unwrap();
            }
        }
    });
    (address, made.cert.pem())
}

/// The steps of one delivery to `host`, trusting `ca_file` when there is one.
async fn deliver(host: &str, port: u16, ca_file: Option<std::path::PathBuf>) -> (Vec<String>, String) {
    let names = Names::of(&[("hooks.example", &["127.0.0.1"]), ("other.example", &["127.0.0.1"])]);
    let mut config = config([("crm", destination("sales", &format!("https://{host}:{port}/hook")))]);
    config.ca_file = ca_file;
    let mut hub = Hub::resolving(&config, names);
    hub.enqueue("d-1", "sales");
    hub.settle().await;
    (hub.steps(), hub.last_detail().to_owned())
}

#[tokio::test]
async fn a_certificate_has_to_be_trusted_and_of_the_name() {
    let (address, certificate) = start().await;
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("ca.pem");
    std::fs::write(&ca_file, certificate).unwrap();
    let (steps, _) = deliver("hooks.example", address.port(), Some(ca_file.clone())).await;
    assert_eq!(steps, ["crm delivered 204"]);
    let (steps, detail) = deliver("hooks.example", address.port(), None).await;
    assert_eq!(steps, ["crm retrying tls"]);
    assert!(detail.contains("UnknownIssuer"), "{detail}");
    for host in ["other.example", "127.0.0.1"] {
        let (steps, detail) = deliver(host, address.port(), Some(ca_file.clone())).await;
        assert_eq!(steps, ["crm retrying tls"], "{host}");
        assert!(detail.contains("certificate"), "{detail}");
    }
}

#[tokio::test]
async fn what_does_not_speak_tls_is_a_failure_of_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 4096];
            if stream.read(&mut hello).await.is_ok() {
                drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
            }
        }
    });
    let (steps, _) = deliver("hooks.example", port, None).await;
    assert_eq!(steps, ["crm retrying tls"]);
}
