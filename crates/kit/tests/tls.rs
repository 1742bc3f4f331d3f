//! One service asks another over TLS: whom it believes, and what a connection that does not begin so is told.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

use axum::routing::post;
use axum::{Json, Router};
use kit::keys::{Asker, Introspection, PATH, ServiceKey};
use kit::{listen, tls};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A folder that goes with the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// As `secrets/init.sh` makes it: its certificate, and what signs.
fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key))
}

/// The files of a service of that name.
fn service(folder: &Folder, name: &str, issuer: &Issuer<'_, KeyPair>) -> (PathBuf, PathBuf) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap().pem();
    (folder.write("tls.crt", &certificate), folder.write("tls.key", &key.serialize_pem()))
}

/// Answers every question with yes. Returns the port, and what ends it.
async fn identity(
    certificate: &Path,
    key: &Path,
    patience: Duration,
) -> (u16, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let yes = || async {
        Json(Introspection {
            active: true,
            client_id: Some("a".to_owned()),
            sub: Some("b".to_owned()),
            ..Introspection::default()
        })
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = oneshot::channel::<()>();
    let acceptor = tls::acceptor(certificate, key).unwrap();
    let router = Router::new().route(PATH, post(yes));
    let server = tokio::spawn(listen::accept_by(listener, Some(acceptor), router, patience, async move {
        let _ = stopped.await;
    }));
    (port, stop, server)
}

/// What an asker that believes `authority` hears, or why nothing.
async fn asks(origin: &str, authority: &Path) -> Result<String, String> {
    let key = ServiceKey::read(&ServiceKey::make().unwrap()).unwrap();
    let asker =
        Asker::by_tls(origin, authority, key, "data-api", "http://a", "us").map_err(|e| format!("{e:#}"))?;
    let grant = asker.ask(&[0; 32]).await.map_err(|e| format!("{e:?}"))?;
    Ok(grant.unwrap().id)
}

#[tokio::test]
async fn a_service_asks_only_the_one_of_that_name_and_of_that_authority() {
    let folder = Folder::new();
    let ((right, issuer), (wrong, _)) = (authority("right"), authority("wrong"));
    let (certificate, key) = service(&folder, "localhost", &issuer);
    let (both, right, wrong) = (
        folder.write("both.crt", &format!("{wrong}{right}")),
        folder.write("right.crt", &right),
        folder.write("wrong.crt", &wrong),
    );
    let (port, stop, server) = identity(&certificate, &key, listen::SERVICE).await;
    let named = format!("https://localhost:{port}");
    assert_eq!(asks(&named, &right).await.as_deref(), Ok("a"));
    // While an authority is replaced both are believed.
    assert_eq!(asks(&named, &both).await.as_deref(), Ok("a"));
    for (what, origin, authority, why) in [
        ("another authority", named.clone(), &wrong, "UnknownIssuer"),
        ("another name", format!("https://127.0.0.1:{port}"), &right, "not valid for name"),
        ("in the clear", format!("http://localhost:{port}"), &right, "must begin with https://"),
        ("no authority", named.clone(), &folder.0.path().join("nowhere.crt"), "nowhere.crt cannot be read"),
        ("a key for an authority", named.clone(), &key, "holds no certificate"),
    ] {
        let said = asks(&origin, authority).await.unwrap_err();
        assert!(said.contains(why), "{what}: {said}");
    }
    let said = Asker::new(
        &named,
        ServiceKey::read(&ServiceKey::make().unwrap()).unwrap(),
        "data-api",
        "http://a",
        "us",
    );
    assert!(said.unwrap_err().to_string().contains("must begin with http://"));
    stop.send(()).unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn what_does_not_begin_with_tls_gets_no_answer_and_holds_nobody_up() {
    let folder = Folder::new();
    let (_, issuer) = authority("any");
    let (certificate, key) = service(&folder, "localhost", &issuer);
    let (port, stop, server) = identity(&certificate, &key, Duration::from_millis(50)).await;
    let heard = async |sent: &str| {
        let mut line = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        line.write_all(sent.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        // Closed, or reset because of what was not read.
        let _ = line.read_to_end(&mut said).await;
        String::from_utf8_lossy(&said).into_owned()
    };
    // Without the limit the first would never end.
    assert_eq!(heard("").await, "");
    let said = heard(&format!("POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")).await;
    assert!(!said.contains("HTTP") && !said.contains("active"), "{said}");
    stop.send(()).unwrap();
    server.await.unwrap();
    // The key of another: said at the start, and by the name of the setting.
    let other = folder.write("other.key", &KeyPair::generate().unwrap().serialize_pem());
    let said = tls::acceptor(&certificate, &other).err().unwrap();
    assert!(format!("{said:#}").contains("VIGIE_TLS_KEY is not the key"), "{said:#}");
}
