//! A program that asks for `sslmode=verify-full` says nothing to a server that is not the one it looks for. The server is the
//! PostgreSQL of `DATABASE_URL`, started once more with a certificate; its authority is made as the database's operator and
//! `secrets/init.sh` make theirs: P-256, the server's names as alternative names.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: what cannot be prepared has failed"
)]

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Whom PostgreSQL runs as when the test is root, whom it refuses.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A folder of this test alone, which goes with it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.give(folder.0.path(), 0o700);
        folder
    }

    fn give(&self, path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        if is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        self.give(&path, 0o600);
        path
    }
}

/// An authority: its certificate, and what signs with its key.
fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    (certificate, Issuer::new(params, key))
}

/// What a server for `name` shows, and its key.
fn server_certificate(name: &str, issuer: &Issuer<'_, KeyPair>) -> (String, String) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, issuer).unwrap().pem(), key.serialize_pem())
}

/// A PostgreSQL that takes whoever comes by TLS, and nobody else.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of PostgreSQL's programs, as its user.
fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").current_dir("/").stdin(Stdio::null());
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Below those that the kernel gives to whoever connects.
fn free_port() -> u16 {
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (18_000..20_000).find(free).unwrap()
}

fn start(bin: &Path, folder: &Folder, certificate: &(String, String)) -> Server {
    let data = folder.0.path().join("data");
    let made = program(&bin.join("initdb"))
        .arg("--pgdata")
        .arg(&data)
        .args(["--username=vigie", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let port = free_port();
    let files = [
        ("ssl_cert_file", folder.write("server.crt", &certificate.0)),
        ("ssl_key_file", folder.write("server.key", &certificate.1)),
        ("hba_file", folder.write("hba", "hostssl all all all trust\n")),
    ];
    let mut command = program(&bin.join("postgres"));
    command.arg("-D").arg(&data).args(["-p", &port.to_string()]);
    for (name, file) in files {
        command.args(["-c", &format!("{name}={}", file.display())]);
    }
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "ssl=on",
        "fsync=off",
        "shared_buffers=16MB",
    ] {
        command.args(["-c", setting]);
    }
    let mut server = Server { child: command.stderr(Stdio::piped()).spawn().unwrap(), port };
    let mut said = String::new();
    let mut lines = BufReader::new(server.child.stderr.take().unwrap()).lines();
    while !said.contains("ready to accept connections") {
        let Some(line) = lines.next() else { panic!("PostgreSQL did not start: {said}") };
        said.push_str(&line.unwrap());
        said.push('\n');
    }
    // What it says later is of no interest, and must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    server
}

/// Where the programs of the server of `DATABASE_URL` lie, when that is on this machine.
async fn programs() -> Option<PathBuf> {
    let pool = store::connect(&std::env::var("DATABASE_URL").unwrap(), 1).await.unwrap();
    let said: String = sqlx::query_scalar("select setting from pg_config where name = 'BINDIR'")
        .fetch_one(&pool)
        .await
        .unwrap();
    let bin = PathBuf::from(said);
    let here = ["initdb", "postgres"].iter().all(|name| bin.join(name).is_file());
    here.then_some(bin)
}

/// Is a connection encrypted? Or why there is none.
async fn encrypted(url: &str) -> Result<bool, String> {
    let pool = store::connect(url, 1).await.map_err(|e| e.to_string())?;
    let query = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    sqlx::query_scalar(query).fetch_one(&pool).await.map_err(|e| e.to_string())
}

#[tokio::test]
async fn only_the_server_of_that_name_and_of_that_authority_is_spoken_to() {
    let Some(bin) = programs().await else {
        println!(
            "skipped: database-elsewhere: the server of DATABASE_URL has its programs on another machine"
        );
        return;
    };
    let folder = Folder::new();
    let ((right, issuer), (wrong, _)) = (authority("right"), authority("wrong"));
    let server = start(&bin, &folder, &server_certificate("localhost", &issuer));
    let root = |name: &str, text: &str| folder.write(name, text).display().to_string();
    let (right, wrong, both) =
        (root("right.crt", &right), root("wrong.crt", &wrong), root("both.crt", &format!("{wrong}{right}")));
    let url = |host: &str, how: &str| format!("postgres://vigie@{host}:{}/postgres?{how}", server.port);

    let verified = |root: &str| format!("sslmode=verify-full&sslrootcert={root}");
    assert_eq!(encrypted(&url("localhost", &verified(&right))).await, Ok(true));
    // While an authority is replaced both are believed (docs/delivery.md).
    assert_eq!(encrypted(&url("localhost", &verified(&both))).await, Ok(true));
    for (what, host, how, why) in [
        ("another authority", "localhost", verified(&wrong), "UnknownIssuer"),
        ("the public authorities", "localhost", "sslmode=verify-full".to_owned(), "UnknownIssuer"),
        ("another name", "127.0.0.1", verified(&right), "not valid for name"),
        ("in clear text", "localhost", "sslmode=disable".to_owned(), "no encryption"),
        ("a file that is not there", "localhost", verified("/nowhere/ca.crt"), "/nowhere/ca.crt"),
    ] {
        let said = encrypted(&url(host, &how)).await.unwrap_err();
        assert!(said.contains(why), "{what}: {said}");
    }
    // What a program was content with before: nobody asked who answers.
    assert_eq!(encrypted(&url("127.0.0.1", "sslmode=require")).await, Ok(true));
}

#[tokio::test]
async fn a_server_without_tls_is_not_told_a_role_or_a_password() {
    let folder = Folder::new();
    let root = folder.write("ca.crt", &authority("any").0);
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut asked = [0; 8];
        socket.read_exact(&mut asked).unwrap();
        // PostgreSQL's answer to who asks for TLS and cannot have it.
        socket.write_all(b"N").unwrap();
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).unwrap();
        (asked, rest)
    });
    let url = format!(
        "postgres://vigie:hunter2@localhost:{port}/vigie?sslmode=verify-full&sslrootcert={}",
        root.display()
    );
    let error = store::connect(&url, 1).await.unwrap_err();
    assert!(error.to_string().contains("server does not support TLS"), "{error}");
    let (asked, rest) = heard.join().unwrap();
    // The request for TLS (80877103), and nothing after it.
    assert_eq!((asked, rest), ([0, 0, 0, 8, 4, 210, 22, 47], Vec::new()));
}
