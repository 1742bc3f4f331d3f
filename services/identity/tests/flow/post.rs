//! A mail server on this machine: the protocol is `mailin`'s, the sockets are ours. It takes letters and shows them.

use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder, response};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
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
        Self::serving(None, false)
    }

    /// Takes letters from whoever logs in with this name and password.
    pub(crate) fn guarded(user: &'static str, password: &'static str) -> Self {
        Self::serving(Some((user, password)), false)
    }

    /// Takes none.
    pub(crate) fn full() -> Self {
        Self::serving(None, true)
    }

    fn serving(login: Option<(&'static str, &'static str)>, full: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (out, letters) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let desk = Desk { out: out.clone(), login, full, inside: login.is_none(), to: Vec::new(), raw: Vec::new() };
                std::thread::spawn(move || talk(&stream, desk));
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
        let _ = self.out.send(Letter { to: std::mem::take(&mut self.to), raw: std::mem::take(&mut self.raw) });
        response::OK
    }
    fn auth_plain(&mut self, _: &str, user: &str, password: &str) -> Response {
        self.inside = self.login.is_some_and(|(u, p)| u == user && p == password);
        if self.inside { response::AUTH_OK } else { response::INVALID_CREDENTIALS }
    }
}

fn talk(stream: &TcpStream, desk: Desk) {
    let mut builder = SessionBuilder::new("post.test");
    if desk.login.is_some() {
        // It listens on this machine only, as the service without TLS demands.
        builder.enable_auth(AuthMechanism::Plain).insecure_enable_plaintext_auth();
    }
    let mut session = builder.build(Ipv4Addr::LOCALHOST.into(), desk);
    let (mut lines, mut answers) = (BufReader::new(stream), stream);
    if answers.write_all(&session.greeting().buffer().unwrap()).is_err() {
        return;
    }
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        let answer = session.process(&line);
        line.clear();
        match answer.action {
            Action::NoReply => {}
            Action::Close => return drop(answers.write_all(&answer.buffer().unwrap())),
            _ => {
                if answers.write_all(&answer.buffer().unwrap()).is_err() {
                    return;
                }
            }
        }
    }
}
