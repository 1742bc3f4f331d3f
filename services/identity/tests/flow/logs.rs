//! What a whole run writes down: no address, no token, no secret.

use crate::browser::{Browser, Page};
use crate::common::{country, root};
use crate::passkeys::{Person, read, signed};
use crate::persons::token;
use crate::post::Post;
use identity::accounts;
use identity::sessions::{self, Origin};
use reqwest::StatusCode;
use sqlx::PgPool;
use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use webauthn_authenticator_rs::softpasskey::SoftPasskey;

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

/// Registers a passkey, uses it, makes codes, uses one, and sends what is neither. Gives everything of it that opens something.
async fn passkey(pool: &PgPool, origin: &str, account: &str, browser: &mut Browser) -> Vec<String> {
    let mut conn = pool.acquire().await.unwrap();
    accounts::grant(&mut conn, account, "auditor", "command", kit::wall(), None).await.unwrap();
    let mut ada =
        Person { account: account.to_owned(), browser: browser.clone(), key: SoftPasskey::new(true) };
    let challenge = |page: &Page| {
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        read(page)["publicKey"]["challenge"].as_str().unwrap().to_owned()
    };
    let mut secrets = vec![challenge(&ada.ask("/options").await)];
    let bad =
        serde_json::json!({ "name": "x", "credential": { "id": "bad-credential-canary", "response": {} } });
    assert_eq!(ada.browser.json("/account/passkeys", &bad).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ada.register(origin).await.status, StatusCode::OK);
    let options = ada.ask("/confirm/options").await;
    secrets.push(challenge(&options));
    let answer = signed(&mut ada.key, origin, &options);
    secrets.push(answer["rawId"].as_str().unwrap().to_owned());
    secrets.push(answer["response"]["signature"].as_str().unwrap().to_owned());
    assert_eq!(ada.answer(&answer).await.status, StatusCode::OK);
    let made = ada.browser.send("/account/passkeys/codes", &[]).await;
    let codes: Vec<String> = crate::recovery::codes(&made);
    for code in [codes[0].as_str(), "WRONG-C0DEC-ANARY-00000"] {
        ada.browser.send("/account/passkeys/recover", &[("code", code)]).await;
    }
    secrets.extend(codes);
    secrets.extend(["bad-credential-canary", "WRONG-C0DEC-ANARY"].map(str::to_owned));
    *browser = ada.browser;
    secrets
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn no_log_line_of_a_run_holds_an_address_a_token_or_a_secret(pool: PgPool) {
    let mut post = Post::guarded("post-user-canary", "post-password-canary");
    let name = pool.connect_options().get_database().unwrap().to_owned();
    let folder = std::env::temp_dir().join(format!("vigie-logs-{name}"));
    // A run that failed may have left one.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let (log, login) = (folder.join("log"), folder.join("login.toml"));
    let write_login = |password: &str| {
        std::fs::write(&login, format!("user = \"post-user-canary\"\npassword = \"{password}\"\n")).unwrap();
    };
    write_login("post-password-canary");
    let (database, trail) = crate::roles::addresses(&pool).await;
    let (here, admin) = (free(), free());
    // With a name, as passkeys want it.
    let origin = format!("http://{}", here.replace("127.0.0.1", "localhost"));
    let mail = post.address;
    let start = || {
        let out = File::options().create(true).append(true).open(&log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_identity"))
            .env("DATABASE_URL", database.as_str())
            .env("VIGIE_AUDIT_DATABASE_URL", trail.as_str())
            .env("VIGIE_PROFILE", root().join("clusters/us/profile/profile.toml"))
            .env("VIGIE_ADDR", &here)
            .env("VIGIE_PUBLIC_URL", &origin)
            .env("VIGIE_ADMIN_ADDR", &admin)
            .env("VIGIE_SMTP", format!("smtp://{mail}"))
            .env("VIGIE_SMTP_FROM", "Vigie <vigie@vigie.test>")
            .env("VIGIE_SMTP_LOGIN", &login)
            .env("VIGIE_ERASURES", folder.join("erasures"))
            .env("RUST_LOG", "debug")
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect(&here).is_err() {
            assert!(Instant::now() < until, "it does not start: {}", std::fs::read_to_string(&log).unwrap());
            std::thread::yield_now();
        }
        Running(child)
    };
    let mut secrets: Vec<String> =
        ["ada@canary.test", "bad@canary.test", "post-password-canary", "wrong-canary", "subject-canary"]
            .map(str::to_owned)
            .to_vec();
    let running = start();
    let mut conn = pool.acquire().await.unwrap();
    let limits = country("us").identity.session;
    let now = kit::wall();
    let account = accounts::of_subject(&mut conn, "login-gov", "https://issuer.test", "subject-canary", now)
        .await
        .unwrap();
    let acr = country("us").identity.providers[0].acr_values[0].clone();
    let strong = Origin { acr, ..Origin::default() };
    let session = sessions::begin(&mut conn, &account.id, &strong, limits, now).await.unwrap();
    let mut inside = Browser::new(&origin).with("__Host-vigie-session", &session);
    let mut outside = Browser::new(&origin);
    outside.send("/account/rights/link", &[("email", "ada@canary.test")]).await;
    let link = token(&post.next().await.link(&origin));
    outside.get(&format!("/account/rights/open?token={link}")).await;
    let page = outside.send("/account/rights/open", &[("token", &link)]).await;
    assert!(page.body.contains("ada@canary.test"), "{}", page.body);
    secrets.extend([link, session, outside.cookies["__Host-vigie-visit"].clone()]);
    inside.send("/account/rights/address/new", &[("email", "ada@canary.test")]).await;
    let link = token(&post.next().await.link(&origin));
    inside.send("/account/rights/address", &[("token", &link)]).await;
    secrets.push(link);
    let mut conn = pool.acquire().await.unwrap();
    let contact = identity::rights::contacts::of_account(&mut conn, &account.id).await.unwrap().unwrap();
    secrets.extend([contact.id.clone(), account.id.clone()]);
    let export = inside.send("/account/rights/export", &[("format", "json")]).await;
    assert!(export.body.contains("ada@canary.test"));
    accounts::grant(&mut conn, &account.id, "specialist", "command", now, None).await.unwrap();
    let made =
        inside.send("/account/keys", &[("name", "key-canary"), ("days", "1"), ("bulk:read", "yes")]).await;
    secrets.extend(kit::keys::format::found_in(&made.body).map(|key| key[9..].to_owned()));
    secrets.push("key-canary".to_owned());
    let opened = passkey(&pool, &origin, &account.id, &mut inside).await;
    secrets.extend(opened);
    inside.send("/account/rights/restriction", &[("on", "yes")]).await;
    let bad = inside.send("/account/rights/address/new", &[("email", "bad@canary.test\u{0}")]).await;
    assert!(bad.status.is_client_error());
    let token = inside.send("/account/rights/restriction", &[("on", "no")]).await;
    assert!(token.status.is_success());
    inside.send("/account/rights/erasure", &[("sure", "yes")]).await;
    drop(running);
    // Once more with a mail server that lets nobody in, and a request that nobody answered in time.
    sqlx::query("insert into request (id, kind, made_at, due_at) values ('late', 'question', now() - interval '40 days', now() - interval '10 days')")
        .execute(&pool)
        .await
        .unwrap();
    write_login("wrong-canary");
    let running = start();
    let mut outside = Browser::new(&origin);
    outside.send("/account/rights/link", &[("email", "bad@canary.test")]).await;
    let until = Instant::now() + Duration::from_secs(60);
    while !std::fs::read_to_string(&log).unwrap().contains("a letter was not sent") {
        assert!(Instant::now() < until, "{}", std::fs::read_to_string(&log).unwrap());
        std::thread::yield_now();
    }
    let until = Instant::now() + Duration::from_secs(120);
    while !Browser::new(&format!("http://{admin}"))
        .get("/metrics")
        .await
        .body
        .contains("identity_requests{state=\"overdue\"} 1")
    {
        assert!(Instant::now() < until, "the alarm is a metric");
        std::thread::yield_now();
    }
    drop(running);
    // Two challenges, a passkey's name at its authenticator, what it signed, ten codes, what was no answer and no code.
    assert_eq!(secrets.len(), 13 + 16, "each was made");
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.lines().count() > 10, "{text}");
    for secret in secrets {
        let line = text.lines().find(|l| l.contains(&secret));
        assert!(line.is_none(), "{secret} stands in the log: {line:?}");
    }
    // What was done with a passkey and a code is an event, and so is what was neither.
    for (event, outcome) in
        [("passkey", "done"), ("passkey", "refused"), ("recovery", "done"), ("recovery", "refused")]
    {
        let found = crate::events::read(&text).into_iter().find(|e| e.is(event, outcome));
        assert_eq!(found.and_then(|e| e.who), Some(account.pseudonym()), "{event} {outcome}: {text}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
