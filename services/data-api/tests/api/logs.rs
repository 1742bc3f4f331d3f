//! What the real program writes down of a key: nothing.

use kit::keys::{ServiceKey, format};
use sqlx::{ConnectOptions as _, PgPool};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Status line and body of an answer.
fn get(here: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(here).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {here}\r\nconnection: close\r\n{headers}\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn no_log_line_of_a_run_holds_a_key(pool: PgPool) {
    let options = pool.connect_options();
    let name = options.get_database().unwrap().to_owned();
    let mut url = options.to_url_lossy();
    url.set_path(&name);
    url.set_query(None);
    let folder = std::env::temp_dir().join(format!("vigie-data-api-{name}"));
    // A run that failed may have left one.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let (log, pem) = (folder.join("log"), folder.join("key.pem"));
    let service = ServiceKey::make().unwrap();
    std::fs::write(&pem, &service).unwrap();
    let (here, admin, away) = (free(), free(), free());
    let out = File::create(&log).unwrap();
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clusters/us/profile/profile.toml");
    let child = Command::new(env!("CARGO_BIN_EXE_data-api"))
        .env("DATABASE_URL", url.as_str())
        .env("VIGIE_PROFILE", profile)
        .env("VIGIE_ADDR", &here)
        .env("VIGIE_ADMIN_ADDR", &admin)
        .env("VIGIE_SERVICE_KEY", &pem)
        .env("VIGIE_IDENTITY_URL", format!("http://{away}"))
        .env("RUST_LOG", "debug")
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .spawn()
        .unwrap();
    let running = Running(child);
    let until = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(&here).is_err() {
        assert!(Instant::now() < until, "it does not start: {}", std::fs::read_to_string(&log).unwrap());
        std::thread::yield_now();
    }
    let key = format::compose("us", || Ok::<u8, ()>(29)).unwrap();
    let tell = format!("authorization: Bearer {key}\r\n");
    let asked = tokio::task::spawn_blocking(move || {
        let away = get(&here, "/api/data/v1/places", &tell);
        let exposed = get(&here, &format!("/api/data/v1/places?key={key}"), "");
        let broken = get(&here, "/api/data/v1/places", &format!("authorization: Bearer {key}x\r\n"));
        (away, exposed, broken, key)
    });
    let (away, exposed, broken, key) = asked.await.unwrap();
    for (answer, status) in [(&away, " 503 "), (&exposed, " 400 "), (&broken, " 401 ")] {
        assert!(answer.lines().next().unwrap().contains(status), "{answer}");
        assert!(!answer.contains(&key[9..40]), "{answer}");
    }
    drop(running);
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("an API key cannot be checked"), "{text}");
    let private = service.lines().nth(1).unwrap();
    for secret in [&key[9..40], &hex::encode(kit::keys::hash(&key)), private] {
        let line = text.lines().find(|l| l.contains(secret));
        assert!(line.is_none(), "{secret} stands in the log: {line:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
