//! A mail server on this machine: the protocol is `mailin`'s, the sockets are ours. It takes letters and shows them.

use mailin::{Action, AuthMechanism, Handler, Response, Session, SessionBuilder, response};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A letter as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) to: Vec<String>,
    raw: Vec<u8>,
}

impl Letter {
    fn text(&self) -> (String, String) {
        let text = String::from_utf8(self.raw.clone()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        // Folded lines are one.
        (head.replace("\r\n ", " "), body.to_owned())
    }

    /// The value of a header; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> String {
        let (head, _) = self.text();
        let of = |line: &str| line.strip_prefix(&format!("{name}: ")).map(str::to_owned);
        head.lines().find_map(of).unwrap_or_default()
    }

    pub(crate) fn body(&self) -> String {
        let (_, body) = self.text();
        match self.header("Content-Transfer-Encoding").as_str() {
            "quoted-printable" => {
                let decoded = quoted_printable::decode(body, quoted_printable::ParseMode::Robust).unwrap();
                String::from_utf8(decoded).unwrap()
            }
            "7bit" => body,
            other => panic!("{other}"),
        }
    }

    /// The path of the first address of this site in it.
    pub(crate) fn link(&self, origin: &str) -> String {
        let body = self.body();
        let line = body.lines().find_map(|l| l.trim().strip_prefix(origin));
        line.unwrap_or_else(|| panic!("no link to {origin} in {body}")).to_owned()
    }
}

/// It runs as long as the test.
pub(crate) struct Post {
    pub(crate) address: SocketAddr,
    letters: mpsc::UnboundedReceiver<Letter>,
}

impl Post {
    pub(crate) fn open() -> Self {
        Self::serving(None, false, None)
    }

    /// Takes letters from whoever logs in with this name and password.
    pub(crate) fn guarded(user: &'static str, password: &'static str) -> Self {
        Self::serving(Some((user, password)), false, None)
    }

    /// The same over STARTTLS only; gives the certificate, as PEM.
    pub(crate) fn over_tls(user: &'static str, password: &'static str) -> (Self, String) {
        // A second call keeps the first provider of cryptography.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = made.signing_key.serialize_der();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], PrivatePkcs8KeyDer::from(key).into())
            .unwrap();
        (Self::serving(Some((user, password)), false, Some(Arc::new(config))), made.cert.pem())
    }

    /// Takes none.
    pub(crate) fn full() -> Self {
        Self::serving(None, true, None)
    }

    fn serving(
        login: Option<(&'static str, &'static str)>,
        full: bool,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (out, letters) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let desk = Desk {
                    out: out.clone(),
                    login,
                    full,
                    inside: login.is_none(),
                    to: Vec::new(),
                    raw: Vec::new(),
                };
                let tls = tls.clone();
                std::thread::spawn(move || talk(stream, desk, tls));
            }
        });
        Self { address, letters }
    }

    /// The next letter. It was sent already, or is about to be.
    pub(crate) async fn next(&mut self) -> Letter {
        let next = tokio::time::timeout(Duration::from_secs(60), self.letters.recv());
        next.await.unwrap_or_else(|_| panic!("no letter came")).unwrap()
    }

    /// Whether no further letter lies here.
    pub(crate) fn is_empty(&mut self) -> bool {
        self.letters.try_recv().is_err()
    }

    pub(crate) fn options(&self) -> identity::mailer::MailOptions {
        identity::mailer::MailOptions {
            server: Some(format!("smtp://{}", self.address).parse().unwrap()),
            from: Some("Vigie <vigie@vigie.test>".into()),
            ..Default::default()
        }
    }
}

#[derive(Clone)]
struct Desk {
    out: mpsc::UnboundedSender<Letter>,
    login: Option<(&'static str, &'static str)>,
    full: bool,
    inside: bool,
    to: Vec<String>,
    raw: Vec<u8>,
}

impl Handler for Desk {
    fn mail(&mut self, _: std::net::IpAddr, _: &str, _: &str) -> Response {
        if self.inside { response::OK } else { response::AUTHENTICATION_REQUIRED }
    }
    fn rcpt(&mut self, to: &str) -> Response {
        if self.full {
            // As real servers do: with the address in the answer.
            return Response::custom(550, format!("5.2.2 <{to}> mailbox is full"));
        }
        self.to.push(to.to_owned());
        response::OK
    }
    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.raw.extend_from_slice(line);
        Ok(())
    }
    fn data_end(&mut self) -> Response {
        let _ =
            self.out.send(Letter { to: std::mem::take(&mut self.to), raw: std::mem::take(&mut self.raw) });
        response::OK
    }
    fn auth_plain(&mut self, _: &str, user: &str, password: &str) -> Response {
        self.inside = self.login.is_some_and(|(u, p)| u == user && p == password);
        if self.inside { response::AUTH_OK } else { response::INVALID_CREDENTIALS }
    }
}

fn talk(stream: TcpStream, desk: Desk, tls: Option<Arc<ServerConfig>>) {
    let mut builder = SessionBuilder::new("post.test");
    match (&tls, desk.login) {
        (Some(_), _) => drop(builder.enable_start_tls().enable_auth(AuthMechanism::Plain)),
        // It listens on this machine only, as the service without TLS demands.
        (None, Some(_)) => drop(builder.enable_auth(AuthMechanism::Plain).insecure_enable_plaintext_auth()),
        (None, None) => {}
    }
    let mut session = builder.build(Ipv4Addr::LOCALHOST.into(), desk);
    let mut plain = BufReader::new(stream);
    if plain.get_mut().write_all(&session.greeting().buffer().unwrap()).is_err()
        || !lines(&mut plain, &mut session)
    {
        return;
    }
    if let Some(config) = tls {
        session.tls_active();
        let connection = ServerConnection::new(config).unwrap();
        lines(&mut BufReader::new(StreamOwned::new(connection, plain.into_inner())), &mut session);
    }
}

/// Answers line by line; `true` where the rest goes over TLS.
fn lines<S: Read + Write>(stream: &mut BufReader<S>, session: &mut Session<Desk>) -> bool {
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        let answer = session.process(&line);
        line.clear();
        if answer.action == Action::NoReply {
            continue;
        }
        let sent =
            stream.get_mut().write_all(&answer.buffer().unwrap()).and_then(|()| stream.get_mut().flush());
        match answer.action {
            _ if sent.is_err() => return false,
            Action::Close => return false,
            Action::UpgradeTls => return true,
            Action::NoReply | Action::Reply => {}
        }
    }
    false
}
