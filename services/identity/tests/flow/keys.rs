//! API keys: made, shown once, replaced, revoked, and asked about by a service.

use crate::browser::{Browser, Page};
use crate::common::{Place, Service, country};
use crate::scan::{canaries, scan};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use identity::rights::retention;
use identity::{Options, accounts, keys};
use kit::access::{Claims, compact};
use kit::keys::{Asker, Grant, ServiceKey, format, hash};
use reqwest::StatusCode;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sqlx::PgPool;
use std::process::{Command, Stdio};

/// The service, and whom `data-api` asks.
async fn with_asker(pool: &PgPool) -> (Service, Asker) {
    let pem = ServiceKey::make().unwrap();
    let key = ServiceKey::read(&pem).unwrap();
    let options = Options { data_api_key: Some(key.public()), ..Options::default() };
    let service = Service::with(Place::find().await, pool, country("us"), options).await;
    let asker = Asker::new(&service.origin, key, "data-api", &service.origin, "us").unwrap();
    (service, asker)
}

pub(crate) async fn specialist(service: &Service, subject: &str) -> (String, Browser) {
    let (account, browser) = service.somebody(subject).await;
    let mut conn = service.pool.acquire().await.unwrap();
    accounts::grant(&mut conn, &account, "specialist", "command", service.time.now(), None).await.unwrap();
    (account, browser)
}

const BOTH: [(&str, &str); 4] =
    [("name", "nightly batch"), ("days", "30"), ("figures:read", "yes"), ("bulk:read", "yes")];

/// The key that a page shows.
fn shown(page: &Page) -> String {
    assert_eq!((page.status, page.header("cache-control")), (StatusCode::OK, "no-store"), "{}", page.body);
    let found: Vec<&str> = format::found_in(&page.body).collect();
    assert_eq!(found.len(), 1, "{}", page.body);
    assert!(format::is_whole("us", found[0]));
    found[0].to_owned()
}

pub(crate) async fn make(browser: &mut Browser) -> String {
    shown(&browser.send("/account/keys", &BOTH).await)
}

async fn ids(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select id from api_key order by created_at desc").fetch_all(pool).await.unwrap()
}

async fn actions(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select action from audit order by seq").fetch_all(pool).await.unwrap()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_key_is_shown_once_and_nothing_that_is_kept_of_it_opens_anything(pool: PgPool) {
    let (service, asker) = with_asker(&pool).await;
    let (_, mut browser) = specialist(&service, "ada").await;
    assert!(browser.get("/account").await.body.contains("/account/keys"));
    let key = make(&mut browser).await;
    let page = browser.get("/account/keys").await;
    assert_eq!(format::found_in(&page.body).count(), 0, "{}", page.body);
    for words in [&format!("vigie_us_…{}", &key[key.len() - 4..]), "nightly batch", "in force", ">never</td>"]
    {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    // Who takes the whole database has the hash, and no key.
    assert!(scan(&pool, std::slice::from_ref(&key)).await.is_empty());
    assert_eq!(scan(&pool, &[key[9..40].to_owned()]).await.len(), 0);
    let stolen: Vec<u8> = sqlx::query_scalar("select hash from api_key").fetch_one(&pool).await.unwrap();
    assert_eq!(stolen, hash(&key));
    let hex: String = stolen.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(asker.ask(&hash(&hex)).await.unwrap(), None);
    assert!(!format::is_whole("us", &hex));
    let grant = asker.ask(&hash(&key)).await.unwrap().unwrap();
    let scopes = vec!["figures:read".into(), "bulk:read".into()];
    assert_eq!(grant, Grant { id: ids(&pool).await.remove(0), owner: grant.owner.clone(), scopes });
    assert!(!browser.get("/account/keys").await.body.contains(">never</td>"), "its use is seen");
    assert_eq!(actions(&pool).await, ["key.create"]);
    let said: String = sqlx::query_scalar("select detail::text from audit").fetch_one(&pool).await.unwrap();
    assert!(!said.contains("nightly") && !said.contains(&key[9..20]), "{said}");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_key_stands_until_it_ends_is_revoked_or_its_owner_may_not_have_it(pool: PgPool) {
    let (service, asker) = with_asker(&pool).await;
    let (account, mut browser) = specialist(&service, "ada").await;
    let key = make(&mut browser).await;
    let stands = async || asker.ask(&hash(&key)).await.unwrap().is_some();
    assert!(stands().await);
    // Another one of the same form, and the same one with one character more or less.
    for other in ["", &key[1..], &format!("{key}0"), &key.replace("vigie_us", "vigie_fr")] {
        assert_eq!(asker.ask(&hash(other)).await.unwrap(), None, "{other}");
    }
    let mut conn = pool.acquire().await.unwrap();
    let now = service.time.now();
    assert!(accounts::revoke(&mut conn, &account, "specialist").await.unwrap());
    assert!(!stands().await, "the role is gone");
    let until = now + TimeDelta::minutes(5);
    accounts::grant(&mut conn, &account, "specialist", "command", now, Some(until)).await.unwrap();
    assert!(stands().await);
    service.pass(TimeDelta::minutes(6));
    assert!(!stands().await, "the role's time is over");
    accounts::grant(&mut conn, &account, "specialist", "command", now, None).await.unwrap();
    browser.send("/account/rights/restriction", &[("on", "yes")]).await;
    assert!(!stands().await, "kept, and not used");
    browser.send("/account/rights/restriction", &[("on", "no")]).await;
    assert!(accounts::disable(&mut conn, &account, now).await.unwrap());
    assert!(!stands().await, "disabled");
    assert!(accounts::enable(&mut conn, &account).await.unwrap());
    assert!(stands().await);
    service.pass(TimeDelta::days(30));
    assert!(!stands().await, "expired");
    let mut browser = service.logged_in(&account).await;
    assert!(browser.get("/account/keys").await.body.contains("expired"));
    // Kept for the country's days, so that its owner sees what it was; then gone.
    let days = service.profile.law.keep_days.key;
    let sweep = async |at| {
        let mut tx = pool.begin().await.unwrap();
        let (law, limits) = (service.profile.law.keep_days, service.profile.identity.session);
        let gone = retention::run(&mut tx, law, limits, at).await.unwrap().keys;
        tx.commit().await.unwrap();
        gone
    };
    let ended: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("select expires_at from api_key").fetch_one(&pool).await.unwrap();
    assert_eq!(sweep(ended + TimeDelta::days(days.into())).await, 0);
    assert_eq!(sweep(ended + TimeDelta::days(days.into()) + TimeDelta::seconds(1)).await, 1);
    let last = "select actor || ' ' || action || ' ' || detail::text from audit order by seq desc limit 1";
    let last: String = sqlx::query_scalar(last).fetch_one(&pool).await.unwrap();
    assert_eq!(last, "clock key.forget {\"keys\": 1}");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_replaced_key_goes_on_for_the_overlap_and_a_revoked_one_not_at_all(pool: PgPool) {
    let (service, asker) = with_asker(&pool).await;
    let (account, mut browser) = specialist(&service, "ada").await;
    let old = make(&mut browser).await;
    let id = ids(&pool).await.remove(0);
    let page = browser.send(&format!("/account/keys/{id}/rotate"), &[]).await;
    let new = shown(&page);
    assert!(page.body.contains("The old one goes on until"), "{}", page.body);
    assert_ne!(old, new);
    let stands = async |key: &str| asker.ask(&hash(key)).await.unwrap().is_some();
    assert!(stands(&old).await && stands(&new).await);
    let again = browser.send(&format!("/account/keys/{id}/rotate"), &[]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "once");
    let hours = i64::from(service.profile.identity.keys.as_ref().unwrap().overlap_hours);
    service.pass(TimeDelta::hours(hours) - TimeDelta::seconds(5));
    assert!(stands(&old).await && stands(&new).await);
    service.pass(TimeDelta::seconds(10));
    assert!(!stands(&old).await && stands(&new).await);
    let mut browser = service.logged_in(&account).await;
    let id: String = sqlx::query_scalar("select id from api_key where replaced_by is null")
        .fetch_one(&pool)
        .await
        .unwrap();
    let page = browser.send(&format!("/account/keys/{id}/revoke"), &[("lang", "en")]).await;
    assert!(page.body.contains("The key is revoked") && page.body.contains("revoked</td>"), "{}", page.body);
    assert!(!stands(&new).await, "at the next request");
    let twice = browser.send(&format!("/account/keys/{id}/revoke"), &[]).await;
    assert_eq!(twice.status, StatusCode::NOT_FOUND);
    assert_eq!(actions(&pool).await, ["key.create", "key.rotate", "key.revoke"]);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn nobody_reaches_the_keys_of_another_and_only_the_role_makes_one(pool: PgPool) {
    let (service, _) = with_asker(&pool).await;
    let (account, mut ada) = specialist(&service, "ada").await;
    make(&mut ada).await;
    let id = ids(&pool).await.remove(0);
    let (_, mut bob) = specialist(&service, "bob").await;
    assert!(!bob.get("/account/keys").await.body.contains("nightly batch"));
    for (act, known) in
        [("rotate", &id), ("revoke", &id), ("rotate", &"none".into()), ("revoke", &"none".into())]
    {
        let page = bob.send(&format!("/account/keys/{known}/{act}"), &[]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{act} {known}");
        assert!(page.body.contains("There is nothing here"), "the same for one that is not there");
    }
    let (_, mut nobody) = service.somebody("nobody").await;
    assert_eq!(nobody.send("/account/keys", &BOTH).await.status, StatusCode::FORBIDDEN);
    assert!(nobody.get("/account/keys").await.body.contains("None of your roles makes keys"));
    assert!(!nobody.get("/account").await.body.contains("/account/keys"));
    assert_eq!(service.browser().get("/account/keys").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(service.browser().send("/account/keys", &BOTH).await.status, StatusCode::UNAUTHORIZED);
    // A form of another site's page.
    let cookie = format!("__Host-vigie-session={}", ada.session().unwrap());
    for act in [String::new(), format!("/{id}/rotate"), format!("/{id}/revoke")] {
        let sent = crate::browser::client()
            .post(format!("{}/account/keys{act}", service.origin))
            .header("cookie", &cookie)
            .header("origin", "https://evil.test")
            .header("sec-fetch-site", "cross-site")
            .body("name=x&days=1&figures%3Aread=yes");
        assert_eq!(
            sent.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap().status(),
            403
        );
    }
    // Whoever lost the role still ends what there is, and makes nothing new.
    let mut conn = pool.acquire().await.unwrap();
    accounts::revoke(&mut conn, &account, "specialist").await.unwrap();
    assert_eq!(ada.send(&format!("/account/keys/{id}/rotate"), &[]).await.status, StatusCode::FORBIDDEN);
    let page = ada.get("/account/keys").await;
    assert!(page.body.contains("nightly batch") && page.body.contains("/revoke"), "{}", page.body);
    assert!(ada.send(&format!("/account/keys/{id}/revoke"), &[]).await.status.is_success());
    assert_eq!(ids(&pool).await.len(), 1);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn what_a_key_is_asked_for_lies_within_what_the_profile_says(pool: PgPool) {
    let (service, _) = with_asker(&pool).await;
    let (_, mut browser) = specialist(&service, "ada").await;
    let settings = service.profile.identity.keys.clone().unwrap();
    let longest = (settings.max_days + 1).to_string();
    let long = "x".repeat(81);
    for (fields, word) in [
        (vec![("name", ""), ("days", "1"), ("figures:read", "yes")], "give it a name"),
        (vec![("name", long.as_str()), ("days", "1"), ("figures:read", "yes")], "give it a name"),
        (vec![("name", "x"), ("days", longest.as_str()), ("figures:read", "yes")], "in how many days"),
        (vec![("name", "x"), ("days", "0"), ("figures:read", "yes")], "in how many days"),
        (vec![("name", "x"), ("days", "1")], "choose what it is for"),
        (vec![("name", "x"), ("days", "1"), ("accounts:manage", "yes")], "choose what it is for"),
    ] {
        let page = browser.send("/account/keys", &fields).await;
        assert!(page.body.contains(word), "{fields:?}: {}", page.body);
    }
    assert!(ids(&pool).await.is_empty());
    let mut conn = pool.acquire().await.unwrap();
    let (account, _) = specialist(&service, "ada").await;
    let account = accounts::named(&mut conn, &account).await.unwrap().unwrap();
    let now = service.time.now();
    let scopes = ["figures:read".to_owned()];
    let new = keys::New { country: "us", name: "x", scopes: &scopes, expires_at: now + TimeDelta::days(1) };
    for n in 0..settings.most {
        let mut tx = pool.begin().await.unwrap();
        let made = keys::create((&mut tx, None), &account, &new, settings.most, now).await.unwrap();
        tx.commit().await.unwrap();
        assert!(made.is_some(), "{n}");
    }
    let page = browser.send("/account/keys", &BOTH).await;
    assert!(page.body.contains("as many as are allowed"), "{}", page.body);
    // All can be replaced, each once; a chain of replacements is no way around.
    let page = browser.get("/account/keys").await;
    let mut replaced = 0;
    for id in page.body.split("/account/keys/").filter_map(|p| p.split_once("/rotate")).map(|(id, _)| id) {
        let path = format!("/account/keys/{id}/rotate");
        assert_eq!(format::found_in(&browser.send(&path, &[]).await.body).count(), 1, "{replaced}");
        replaced += 1;
    }
    assert_eq!(replaced, settings.most);
    let newest: String = sqlx::query_scalar("select id from api_key where replaced_by is null limit 1")
        .fetch_one(&pool)
        .await
        .unwrap();
    let page = browser.send(&format!("/account/keys/{newest}/rotate"), &[]).await;
    assert!(page.body.contains("as many as are allowed"), "{}", page.body);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn only_the_service_whose_key_is_known_may_ask(pool: PgPool) {
    let (service, asker) = with_asker(&pool).await;
    let (account, mut browser) = specialist(&service, "ada").await;
    let key = make(&mut browser).await;
    let stranger = ServiceKey::read(&ServiceKey::make().unwrap()).unwrap();
    let other = Asker::new(&service.origin, stranger, "data-api", &service.origin, "us").unwrap();
    assert!(other.ask(&hash(&key)).await.unwrap_err().to_string().contains("401"));
    assert!(asker.ask(&hash(&key)).await.unwrap().is_some());
    // Nobody who is logged in, whatever the role; and no key of an API.
    let mut conn = pool.acquire().await.unwrap();
    for role in ["operator", "auditor", "dpo"] {
        accounts::grant(&mut conn, &account, role, "command", service.time.now(), None).await.unwrap();
    }
    let token = browser.send("/account/token", &[]).await;
    let token: serde_json::Value = serde_json::from_str(&token.body).unwrap();
    let hex: String = hash(&key).iter().map(|b| format!("{b:02x}")).collect();
    for bearer in [token["access_token"].as_str().unwrap(), key.as_str(), ""] {
        let sent = crate::browser::client()
            .post(format!("{}/internal/introspect", service.origin))
            .bearer_auth(bearer)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("token_sha256={hex}"));
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.status(), 401, "{bearer}");
        assert!(!answer.text().await.unwrap().contains("active"));
    }
    // A service that knows no key of data-api's answers nobody; a key that is none stops the start.
    let deaf = Service::alone(&pool, "us").await;
    let key = ServiceKey::read(&ServiceKey::make().unwrap()).unwrap();
    let asker = Asker::new(&deaf.origin, key, "data-api", &deaf.origin, "us").unwrap();
    assert!(asker.ask(&[0; 32]).await.is_err());
    let options = Options { data_api_key: Some("short".into()), ..Options::default() };
    let error = identity::router(service.app.clone(), options, service.time.clone()).unwrap_err();
    assert!(error.to_string().contains("VIGIE_DATA_API_KEY"), "{error}");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_country_without_keys_has_no_page_for_them(pool: PgPool) {
    for code in ["fr", "ch"] {
        let service = Service::alone(&pool, code).await;
        let (_, mut browser) = specialist(&service, &format!("ada-{code}")).await;
        for path in ["/account/keys", "/account/keys/a/revoke", "/internal/introspect"] {
            assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{code} {path}");
            assert_eq!(browser.send(path, &BOTH).await.status, StatusCode::NOT_FOUND, "{code} {path}");
        }
        assert!(!browser.get("/account").await.body.contains("/account/keys"), "{code}");
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn an_operator_revokes_what_leaked_without_writing_it_on_a_command_line(pool: PgPool) {
    let (service, asker) = with_asker(&pool).await;
    let (account, mut browser) = specialist(&service, "ada").await;
    let (one, two, three) = (make(&mut browser).await, make(&mut browser).await, make(&mut browser).await);
    let (url, trail) = crate::roles::addresses(&pool).await;
    let command = |arguments: &[&str], text: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_identity"))
            .args(["keys", "revoke"])
            .args(arguments)
            .env("DATABASE_URL", url.as_str())
            .env("VIGIE_AUDIT_DATABASE_URL", trail.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        (
            out.status.success(),
            String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap(),
        )
    };
    let (done, said) =
        command(&["--leaked", "-"], &format!("a log\nGET /x?key={one}&y\n{one} {}\n", &two[..50]));
    assert!(done && said.starts_with("1 revoked"), "{said}");
    let stands = async |key: &str| asker.ask(&hash(key)).await.unwrap().is_some();
    assert!(!stands(&one).await && stands(&two).await);
    let (done, said) = command(&["--leaked", "-"], &one);
    assert!(!done && said.contains("no key was revoked") && !said.contains(&one[9..]), "{said}");
    let (done, _) = command(&["--account", &account, "--ending", &two[two.len() - 4..]], "");
    assert!(done && !stands(&two).await && stands(&three).await);
    let (done, _) = command(&["--account", &account], "");
    assert!(done && !stands(&three).await);
    assert!(!command(&[], "").0);
    let by: Vec<String> = sqlx::query_scalar("select actor from audit where action = 'key.revoke'")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(by, ["command"; 3]);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn whose_a_key_is_is_said_by_a_word_that_leads_to_nobody(pool: PgPool) {
    let (service, asker) = with_asker(&pool).await;
    let (account, mut ada) = specialist(&service, "ada").await;
    let (_, mut bob) = specialist(&service, "bob").await;
    let (one, two, other) = (make(&mut ada).await, make(&mut ada).await, make(&mut bob).await);
    let id: String = sqlx::query_scalar("select id from api_key where ending = $1")
        .bind(&one[one.len() - 4..])
        .fetch_one(&pool)
        .await
        .unwrap();
    let next = shown(&ada.send(&format!("/account/keys/{id}/rotate"), &[]).await);
    let mut owners = Vec::new();
    for key in [&one, &two, &next, &other] {
        owners.push(asker.ask(&hash(key)).await.unwrap().unwrap().owner);
    }
    assert!(
        owners[..3].iter().all(|owner| *owner == owners[0]),
        "one for all keys of an account: {owners:?}"
    );
    assert!(owners[0] != owners[3] && owners[0].len() >= 22, "{owners:?}");
    let mut conn = pool.acquire().await.unwrap();
    let found = accounts::named(&mut conn, &account).await.unwrap().unwrap();
    assert!(owners[0] != found.id && owners[0] != found.pseudonym());
    // It stands nowhere: neither in a table nor in the audit.
    assert!(scan(&pool, &canaries(&[&owners[0]])).await.is_empty());
}

/// What `identity` answers about a key to whoever sends `token`.
async fn introspected(service: &Service, token: &str, key: &str) -> StatusCode {
    let hex: String = hash(key).iter().map(|b| format!("{b:02x}")).collect();
    crate::browser::client()
        .post(format!("{}/internal/introspect", service.origin))
        .bearer_auth(token)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("token_sha256={hex}"))
        .send()
        .await
        .unwrap()
        .status()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_token_of_a_service_is_good_once_for_a_short_while_and_here_only(pool: PgPool) {
    let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap();
    let public = URL_SAFE_NO_PAD.encode(pair.public_key());
    let options = Options { data_api_key: Some(public), ..Options::default() };
    let service = Service::with(Place::find().await, &pool, country("us"), options).await;
    let (_, mut ada) = specialist(&service, "ada").await;
    let key = make(&mut ada).await;
    let now = kit::wall().timestamp();
    let named = |name: &str| Claims {
        iss: kit::keys::issuer(&service.origin, "data-api"),
        aud: kit::keys::audience("us"),
        sub: "data-api".into(),
        roles: vec!["data-api".into()],
        iat: now,
        exp: now + 60,
        passkey: false,
        jti: Some(format!("{name}-and-as-long-as-it-has-to-be")),
    };
    let signed = |claims: &Claims| compact("data-api", claims, |m| pair.sign(m).as_ref().to_vec()).unwrap();
    let good = signed(&named("good"));
    assert_eq!(introspected(&service, &good, &key).await, StatusCode::OK);
    assert_eq!(introspected(&service, &good, &key).await, StatusCode::UNAUTHORIZED, "sent again");
    for (what, claims) in [
        ("of no name", Claims { jti: None, ..named("a") }),
        ("for people", Claims { aud: "vigie:us".into(), ..named("b") }),
        ("for another country", Claims { aud: kit::keys::audience("fr"), ..named("c") }),
        ("of people's issuer", Claims { iss: service.origin.clone(), ..named("d") }),
        ("for more than a minute", Claims { exp: now + 61, ..named("e") }),
        ("that is over", Claims { iat: now - 61, exp: now - 1, ..named("f") }),
    ] {
        assert_eq!(introspected(&service, &signed(&claims), &key).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    assert_eq!(introspected(&service, &signed(&named("next")), &key).await, StatusCode::OK);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn keys_are_exported_and_erased_with_their_owner(pool: PgPool) {
    let (service, asker) = with_asker(&pool).await;
    let (account, mut browser) = specialist(&service, "ada").await;
    let key = make(&mut browser).await;
    let export = browser.send("/account/rights/export", &[("format", "json")]).await;
    assert!(export.body.contains("nightly batch") && !export.body.contains(&key), "{}", export.body);
    browser.send("/account/rights/erasure", &[("sure", "yes")]).await;
    assert_eq!(asker.ask(&hash(&key)).await.unwrap(), None);
    assert!(ids(&pool).await.is_empty());
    let left = scan(&pool, &canaries(&[&account, &key, "nightly batch"])).await;
    assert!(left.is_empty(), "{left:?}");
}
