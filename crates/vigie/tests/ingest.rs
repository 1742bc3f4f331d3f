//! `vigie ingest` as an operator calls it.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

use sqlx::PgPool;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

/// The command with a country, a database and an archive of its own, and nothing else of the environment.
fn vigie(pool: &PgPool, archive: &Path, args: &[&str]) -> Command {
    let options = pool.connect_options();
    let url = std::env::var("DATABASE_URL").unwrap();
    let mut url: url::Url = url.parse().unwrap();
    url.set_path(options.get_database().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
    command
        .args(args)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("DATABASE_URL", url.as_str())
        .env(
            "VIGIE_PROFILE",
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clusters/fr/profile/profile.toml"),
        )
        .env("VIGIE_ARCHIVE", archive)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

async fn said(mut command: Command) -> (Option<i32>, String) {
    let done = command.output().await.unwrap();
    let text = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8(text).unwrap())
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn publishers_are_asked_through_the_proxy_and_a_failure_is_kept_and_exported(pool: PgPool) {
    let folder = std::env::temp_dir().join(format!("vigie-proxy-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let archive = folder.join("archive");
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (stream, _) = proxy.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        stream.get_mut().write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        line
    });
    let mut look = vigie(&pool, &archive, &["ingest", "run", "--source", "owid-mpox"]);
    look.env("HTTPS_PROXY", &address);
    let (code, text) = said(look).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("owid-mpox owid-monkeypox-data.csv: failed: no answer"), "{text}");
    assert_eq!(asked.await.unwrap(), "CONNECT catalog.ourworldindata.org:443 HTTP/1.1\r\n");

    let (code, text) = said(vigie(&pool, &archive, &["ingest", "replay"])).await;
    assert_eq!((code, text.trim()), (Some(0), "0 events applied, 0 new values; 1 events were known"));
    let (code, text) = said(vigie(&pool, &archive, &["ingest", "refused"])).await;
    assert_eq!((code, text.trim()), (Some(0), "nothing waits for a release"));
    let release = ["ingest", "release", "0123456789abcdef-owid-mpox", "--because", "TICKET-1"];
    let (code, text) = said(vigie(&pool, &archive, &release)).await;
    assert!(code == Some(1) && text.contains("there is no retrieval 0123456789abcdef-owid-mpox"), "{text}");
    let (code, text) = said(vigie(&pool, &archive, &["ingest", "run", "--source", "cdc-flusight"])).await;
    assert!(code == Some(1) && text.contains("no table of cdc-flusight is looked at for FR"), "{text}");
    let out = folder.join("out");
    let (code, text) = said(vigie(&pool, &archive, &["export", "--out", out.to_str().unwrap()])).await;
    assert_eq!(code, Some(0), "{text}");
    let looks = std::fs::read_to_string(out.join("source_check.csv")).unwrap();
    assert!(looks.lines().count() == 2 && looks.contains("owid-mpox") && looks.contains("failed"), "{looks}");
    let unknown = "mpox_cases~owid-mpox~FR~2022-07-01~20221229T170000Z";
    let (code, text) = said(vigie(&pool, &archive, &["reproduce", unknown])).await;
    assert!(code == Some(1) && text.contains("the database has no value"), "{text}");
}
