//! A port that answers by TLS has the limits of one that answers in the clear: each case is asked of both.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::routing::get;
use kit::network::Networks;
use kit::{listen, server, tls};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Both kinds of a port, with what a client of the second believes.
struct Ports {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
}

impl Ports {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let authority = write("ca.crt", &params.self_signed(&key).unwrap().pem());
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let shown =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let acceptor =
            tls::acceptor(&write("tls.crt", &shown.pem()), &write("tls.key", &key.serialize_pem())).unwrap();
        let connector = TlsConnector::from(Arc::new(tls::believing(Some(&authority)).unwrap()));
        Self { acceptor, connector }
    }

    /// Starts `router` on a port. Returns where, and what ends it.
    async fn open(&self, by_tls: bool, router: Router, patience: Duration) -> Open {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shown = by_tls.then(|| self.acceptor.clone());
        let ended = async move {
            let _ = stopped.await;
        };
        let server = tokio::spawn(listen::accept_by(listener, shown, router, patience, ended));
        Open { addr, connector: by_tls.then(|| self.connector.clone()), stop, server }
    }
}

struct Open {
    addr: SocketAddr,
    connector: Option<TlsConnector>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Open {
    /// What comes back to `sent` until the other side closes, without what differs from answer to answer.
    fn hears(&self, sent: &str) -> impl Future<Output = String> + Send + 'static {
        let (addr, connector, sent) = (self.addr, self.connector.clone(), sent.to_owned());
        async move {
            let line = TcpStream::connect(addr).await.unwrap();
            let said = match connector {
                None => exchange(line, &sent).await,
                Some(connector) => {
                    let name = ServerName::try_from("localhost").unwrap();
                    exchange(connector.connect(name, line).await.unwrap(), &sent).await
                }
            };
            let varies = |line: &&str| !line.starts_with("date: ") && !line.starts_with("x-request-id: ");
            said.lines().filter(varies).collect::<Vec<_>>().join("\n")
        }
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        self.server.await.unwrap();
    }
}

async fn exchange(mut line: impl AsyncRead + AsyncWrite + Unpin, sent: &str) -> String {
    // Either may fail at an end that the other side makes: what was heard until then counts.
    let _ = line.write_all(sent.as_bytes()).await;
    let _ = line.flush().await;
    let mut said = Vec::new();
    let _ = line.read_to_end(&mut said).await;
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn by_tls_a_request_has_the_limits_and_the_answer_that_it_has_in_the_clear() {
    let ports = Ports::new();
    let router = || server::layers(Router::new().route("/", get(|| async { "here" })));
    let many: String = (0..200).map(|n| format!("X-{n}: a\r\n")).collect();
    let long = "a".repeat(600 * 1024);
    // What is sent, and how the answer begins. Nothing: closed without a word, which without a limit would never come.
    for (sent, wanted) in [
        (String::new(), ""),
        ("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ".to_owned(), ""),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "HTTP/1.1 200 OK"),
        ("GET /elsewhere HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "HTTP/1.1 404"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), "HTTP/1.1 431"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {long}\r\n\r\n"), "HTTP/1.1 431"),
        ("no request\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), ""),
    ] {
        let mut heard = Vec::new();
        for by_tls in [false, true] {
            let open = ports.open(by_tls, router(), Duration::from_millis(50)).await;
            heard.push(open.hears(&sent).await);
            open.end().await;
        }
        let what: String = sent.chars().take(60).collect();
        assert_eq!(heard[0], heard[1], "{what}");
        assert!(
            heard[0].starts_with(wanted) && heard[0].is_empty() == wanted.is_empty(),
            "{what}: {}",
            heard[0]
        );
    }
}

#[tokio::test]
async fn by_tls_a_service_knows_who_asks_and_believes_the_door_alone() {
    let ports = Ports::new();
    let networks = Arc::new(Networks::default());
    let known = networks.clone();
    // The network that counts: the one that the door names last, since whoever came is of this machine.
    let whose = move |ConnectInfo(peer): ConnectInfo<SocketAddr>, headers: HeaderMap| {
        let known = known.clone();
        async move { format!("{} {}", peer.ip(), hex::encode(known.key(Some(peer.ip()), &headers))) }
    };
    for by_tls in [false, true] {
        let open = ports.open(by_tls, Router::new().route("/", get(whose.clone())), listen::SERVICE).await;
        let sent = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n\r\n";
        let said = open.hears(sent).await;
        let client = hex::encode(networks.key("198.51.100.7".parse().ok(), &HeaderMap::new()));
        assert!(said.ends_with(&format!("127.0.0.1 {client}")), "{said}");
        open.end().await;
    }
}

#[tokio::test]
async fn by_tls_too_what_is_under_way_is_finished_at_the_end_and_nobody_waits_for_the_silent() {
    let ports = Ports::new();
    for by_tls in [false, true] {
        let (begun, mut begins) = mpsc::unbounded_channel();
        let (finish, finished) = watch::channel(false);
        let slow = move || {
            let (begun, mut finished) = (begun.clone(), finished.clone());
            async move {
                begun.send(()).unwrap();
                finished.wait_for(|done| *done).await.unwrap();
                "done"
            }
        };
        let open = ports.open(by_tls, Router::new().route("/", get(slow)), listen::SERVICE).await;
        // One that never begins, with TLS or otherwise.
        let silent = TcpStream::connect(open.addr).await.unwrap();
        let asked = tokio::spawn(open.hears("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        begins.recv().await.unwrap();
        open.stop.send(()).unwrap();
        finish.send(true).unwrap();
        assert!(asked.await.unwrap().ends_with("done"));
        open.server.await.unwrap();
        drop(silent);
    }
}
