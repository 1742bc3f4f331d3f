//! The rights of persons, through HTTP and the mail.

use crate::common::Service;
use crate::persons::{by_mail, planted, token, with_list, with_post};
use crate::scan::scan;
use chrono::TimeDelta;
use identity::audit::{self, Verdict};
use identity::rights::register::Register;
use identity::rights::{contacts, receipts, requests};
use kit::access::Jwks;
use reqwest::StatusCode;
use serde_json::Value;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};

/// Is it genuine, by the keys that the service publishes? What does it say?
async fn genuine(service: &Service, receipt: &str) -> receipts::Receipt {
    let keys = service.browser().get("/account/receipts/keys.json").await;
    let keys: Jwks = serde_json::from_str(&keys.body).unwrap();
    let changed = receipt.replacen('.', ".e", 1);
    assert!(receipts::verify(&changed, &keys).is_err());
    assert!(receipts::verify(receipt, &Jwks::default()).is_err());
    receipts::verify(receipt, &keys).unwrap()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_link_opens_once_and_says_nothing_of_whether_an_address_is_known(pool: PgPool) {
    let (service, mut post) = with_post(&pool, "us").await;
    planted(&service, "ada", "ada@canary.test").await;
    post.next().await;
    let mut answers = Vec::new();
    for email in ["ada@canary.test", "nobody@canary.test"] {
        let page = service.browser().send("/account/rights/link", &[("email", email), ("lang", "en")]).await;
        answers.push((
            page.status,
            page.url.to_string(),
            page.body.clone(),
            page.header("set-cookie").to_owned(),
        ));
        let letter = post.next().await;
        let link = letter.link(&service.origin);
        let mut browser = service.browser();
        // Looking at the link, as mail programs do, does not use it up.
        for _ in 0..2 {
            assert_eq!(browser.get(&link).await.status, StatusCode::OK);
        }
        let page = browser.send("/account/rights/open", &[("token", &token(&link))]).await;
        assert!(page.body.contains(email), "{}", page.body);
        let known = email.starts_with("ada");
        assert_eq!(page.body.contains("Nothing is kept about this address"), !known, "{}", page.body);
        let again = service.browser().send("/account/rights/open", &[("token", &token(&link))]).await;
        assert!(again.body.contains("used already or is too old"), "{}", again.body);
        // An address does not open the account that it belongs to.
        assert!(!page.body.contains("(<span class=\"code\">account</span>)"), "{}", page.body);
        browser.send("/account/rights/leave", &[]).await;
        assert!(!browser.get("/account/rights").await.body.contains(email));
    }
    assert_eq!(answers[0], answers[1], "the same answer for both");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_link_and_what_it_opens_end_by_themselves(pool: PgPool) {
    let (service, mut post) = with_post(&pool, "us").await;
    let (mut browser, page) = by_mail(&service, &mut post, "late@canary.test").await;
    assert!(page.body.contains("late@canary.test"));
    service.pass(TimeDelta::minutes(31));
    assert!(!browser.get("/account/rights").await.body.contains("late@canary.test"));
    browser.send("/account/rights/link", &[("email", "late@canary.test")]).await;
    let link = post.next().await.link(&service.origin);
    service.pass(TimeDelta::minutes(10));
    let page = browser.send("/account/rights/open", &[("token", &token(&link))]).await;
    assert!(page.body.contains("too old"), "{}", page.body);
    // Nobody's mailbox is filled from here.
    let mut last = StatusCode::OK;
    for _ in 0..6 {
        last = browser.send("/account/rights/link", &[("email", "Late@Canary.test")]).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    for bad in ["", "x", "a@b", "a b@c.test", "a@c.test\r\nBcc: d@e.test", "\"x,y\"@c.test", "<a@c.test>"] {
        let page = browser.send("/account/rights/link", &[("email", bad)]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{bad:?}");
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_export_has_every_row_in_which_a_scan_of_the_database_finds_the_person(pool: PgPool) {
    let (service, mut post) = with_post(&pool, "us").await;
    let mut ada = planted(&service, "ada", "ada@canary.test").await;
    planted(&service, "bob", "bob@canary.test").await;
    let page = ada.browser.send("/account/rights/export", &[("format", "json")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let export: Value = serde_json::from_str(&page.body).unwrap();
    let rows = export["rows"].as_object().unwrap();
    // Not by the name alone: among so many random letters it stands now and then.
    for of_bob in ["bob@canary.test", "subject-of-bob", "passkey-of-bob"] {
        assert!(!page.body.contains(of_bob), "nobody else's: {of_bob}");
    }
    let receipt = genuine(&service, page.header("vigie-receipt")).await;
    assert_eq!(receipt.kind, "access");
    let hash: String = {
        use sha2::{Digest as _, Sha256};
        Sha256::digest(serde_json::to_vec(rows).unwrap()).iter().map(|b| format!("{b:02x}")).collect()
    };
    assert_eq!(receipt.detail["sha256"], hash);
    assert_eq!(rows["passkey_challenge"].as_array().map(Vec::len), Some(1), "it names a session only");
    // By table: the rows that name the person, found without knowing the tables, and those of the export.
    let mut by_table: BTreeMap<String, i64> = BTreeMap::new();
    for (place, n) in scan(&pool, &ada.canaries()).await {
        let table = place.split_once('.').unwrap().0.to_owned();
        let most = by_table.entry(table).or_default();
        *most = n.max(*most);
    }
    for expected in [
        "account",
        "session",
        "role_grant",
        "contact",
        "alert",
        "consent",
        "request",
        "audit",
        "proof",
        "passkey",
        "recovery_code",
    ] {
        assert!(by_table.contains_key(expected), "{expected} is planted: {by_table:?}");
    }
    for (table, n) in &by_table {
        let exported = rows[table].as_array().map_or(0, |r| r.len());
        let exported = i64::try_from(exported).unwrap();
        // The request for the export itself was closed after the export was read: it is in both.
        assert_eq!(exported, *n, "{table}: {by_table:?}");
    }
    let page = ada.browser.send("/account/rights/export", &[("format", "csv")]).await;
    assert!(page.header("content-type").starts_with("text/csv"));
    for table in by_table.keys() {
        assert!(page.body.lines().any(|l| l.starts_with(&format!("{table},1,"))), "{table}: {}", page.body);
    }
    drop(post.next().await);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn after_an_erasure_a_scan_finds_nothing_but_a_pseudonym_without_key(pool: PgPool) {
    let list = std::env::temp_dir()
        .join(format!("vigie-erasures-{}", pool.connect_options().get_database().unwrap()));
    crate::restore::gone(&list);
    let (service, _post) = with_list(&pool, "us", Some(list.clone())).await;
    let mut ada = planted(&service, "ada", "ada@canary.test").await;
    let bob = planted(&service, "bob", "bob@canary.test").await;
    let bobs = scan(&pool, &bob.canaries()).await;
    assert!(scan(&pool, &ada.canaries()).await.len() > 10);
    let secrets = crate::scan::canaries(&ada.secrets.iter().map(String::as_str).collect::<Vec<_>>());
    let kept = scan(&pool, &secrets).await;
    let places = ["api_key.hash", "passkey.credential", "passkey.credential_id", "recovery_code.code_hash"];
    assert_eq!(kept.keys().collect::<Vec<_>>(), places);
    assert_eq!(kept["recovery_code.code_hash"], 10);
    let page = ada.browser.send("/account/rights/erasure", &[]).await;
    assert!(page.body.contains("Nothing was erased"), "{}", page.body);
    let page = ada.browser.send("/account/rights/erasure", &[("sure", "yes")]).await;
    assert!(page.body.contains("It is erased"), "{}", page.body);
    let stays: BTreeSet<String> =
        Register::read().unwrap().table.into_iter().filter(|t| t.stays).map(|t| t.name).collect();
    assert_eq!(stays, BTreeSet::from(["audit".to_owned()]));
    let left: Vec<String> = scan(&pool, &ada.canaries()).await.into_keys().collect();
    assert_eq!(left, ["audit.about", "audit.actor"], "the audit keeps a pseudonym");
    assert_eq!(scan(&pool, &secrets).await, BTreeMap::new(), "no passkey, no code, no key is left");
    let ids = crate::scan::canaries(&[&ada.account, &ada.contact, ada.email, &ada.subject]);
    assert_eq!(scan(&pool, &ids).await, BTreeMap::new(), "and nothing that was stored beside it");
    assert!(matches!(audit::verify(&pool, None).await.unwrap(), Verdict::Whole(..)), "the chain fits still");
    assert_eq!(scan(&pool, &bob.canaries()).await, bobs, "nobody else lost anything");
    // The receipt stands on the page, and says nothing of who it was.
    let receipt = page.body.split("cols=\"60\">").nth(1).unwrap().split('<').next().unwrap();
    let said = genuine(&service, receipt).await;
    assert_eq!(said.kind, "erasure");
    assert!(page.body.contains(&said.request) || !page.body.contains(&ada.account));
    // The list outside holds hashes of random numbers only.
    let lines = std::fs::read_to_string(&list).unwrap();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(ada.canaries().iter().all(|c| c.len() == 64 || !lines.contains(c.as_str())));
    // The session is over, and who comes back is somebody new.
    assert!(ada.browser.get("/account").await.body.contains("Nobody needs an account"));
    crate::restore::gone(&list);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn an_address_is_corrected_when_the_new_one_is_proven_where_it_was_asked_for(pool: PgPool) {
    let (service, mut post) = with_post(&pool, "us").await;
    let mut ada = planted(&service, "ada", "ada@canary.test").await;
    let letter = post.next().await;
    assert_eq!(letter.to, ["another@vigie.test"]);
    let form = [("token", token(&letter.link(&service.origin)))];
    let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
    // Somebody who was talked into opening it changes nothing.
    let (_, mut eve) = service.somebody("eve").await;
    assert_eq!(eve.send("/account/rights/address", &form).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        service.browser().send("/account/rights/address", &form).await.status,
        StatusCode::UNAUTHORIZED
    );
    let page = ada.browser.send("/account/rights/address", &form).await;
    assert!(
        page.body.contains("another@vigie.test") && page.body.contains("counts from now on"),
        "{}",
        page.body
    );
    let notice = post.next().await;
    assert_eq!(notice.to, ["ada@canary.test"], "the old address is told");
    let mut conn = pool.acquire().await.unwrap();
    assert!(contacts::of_email(&mut conn, "ada@canary.test").await.unwrap().is_none());
    // Its receipt can be fetched by her, and by nobody else.
    let path = page.body.split("/account/rights/receipts/").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/account/rights/receipts/{path}");
    let receipt = ada.browser.get(&path).await;
    assert_eq!(genuine(&service, &receipt.body).await.kind, "rectification");
    assert_eq!(eve.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_restriction_and_an_objection_stop_the_use_until_they_are_lifted(pool: PgPool) {
    let (service, _post) = with_post(&pool, "us").await;
    let mut ada = planted(&service, "ada", "ada@canary.test").await;
    let usable = async || {
        let mut conn = pool.acquire().await.unwrap();
        identity::alerts::usable(&mut conn).await.unwrap().len()
    };
    assert_eq!(usable().await, 1);
    for (path, said) in
        [("restriction", "The use is restricted"), ("objection", "Your objection is recorded")]
    {
        let page = ada.browser.send(&format!("/account/rights/{path}"), &[("on", "yes")]).await;
        assert!(page.body.contains(said), "{}", page.body);
        assert_eq!(usable().await, 0, "{path}: no mail");
        assert_eq!(
            ada.browser.send("/account/token", &[]).await.status,
            StatusCode::FORBIDDEN,
            "{path}: no role"
        );
        ada.browser.send(&format!("/account/rights/{path}"), &[("on", "no")]).await;
        assert_eq!(usable().await, 1);
        assert_eq!(ada.browser.send("/account/token", &[]).await.status, StatusCode::OK);
    }
    let page = ada.browser.send("/account/rights/consent", &[]).await;
    assert!(page.body.contains("Your consent is withdrawn"), "{}", page.body);
    assert_eq!(usable().await, 0);
    let given: Vec<bool> =
        sqlx::query_scalar("select given from consent order by id").fetch_all(&pool).await.unwrap();
    assert_eq!(given, [true, false], "a withdrawal is a row");
    // What was taken back is not taken back again, and nothing says so.
    assert!(!page.body.contains("Withdraw the consent"), "{}", page.body);
    let page = ada.browser.send("/account/rights/consent", &[]).await;
    assert!(page.body.contains("so there is none to withdraw"), "{}", page.body);
    let made = "select count(*) from request where kind = 'withdrawal'";
    assert_eq!(sqlx::query_scalar::<_, i64>(made).fetch_one(&pool).await.unwrap(), 1);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_laws_clock_runs_over_what_is_open_and_stops_with_the_answer(pool: PgPool) {
    let (service, _post) = with_post(&pool, "ch").await;
    let (_, mut browser) = service.somebody("a").await;
    let page = browser.send("/account/rights/question", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    let mut conn = pool.acquire().await.unwrap();
    let law = service.profile.law;
    assert_eq!((law.answer_days, law.warn_days), (30, 20));
    let mut clock = async || requests::clock(&mut conn, law, service.time.now()).await.unwrap();
    assert_eq!(clock().await, (1, 0, 0));
    service.pass(TimeDelta::days(20) + TimeDelta::minutes(1));
    assert_eq!(clock().await, (1, 1, 0), "an alarm at 20 days");
    service.pass(TimeDelta::days(10));
    assert_eq!(clock().await, (1, 1, 1), "late at 30");
    let mut conn = pool.acquire().await.unwrap();
    let open = requests::waiting(&mut conn).await.unwrap();
    // By the command, as people do it: that they answered is a privileged act, and stands in the audit.
    let (url, trail) = crate::roles::addresses(&pool).await;
    let close = || {
        std::process::Command::new(env!("CARGO_BIN_EXE_identity"))
            .args(["requests", "close", &open[0].id])
            .env("DATABASE_URL", url.as_str())
            .env("VIGIE_AUDIT_DATABASE_URL", trail.as_str())
            .output()
            .unwrap()
    };
    assert!(close().status.success());
    assert_eq!(clock().await, (0, 0, 0));
    let said: (String, String, String) =
        sqlx::query_as("select actor, action, about from audit").fetch_one(&pool).await.unwrap();
    let who: String = sqlx::query_scalar("select who from request").fetch_one(&pool).await.unwrap();
    assert_eq!(said, ("command".to_owned(), "request.close".to_owned(), who));
    assert!(!close().status.success(), "it is closed already");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn nobody_fills_the_desk_of_those_who_answer(pool: PgPool) {
    let (service, _post) = with_post(&pool, "ch").await;
    let (_, mut browser) = service.somebody("a").await;
    let mut last = StatusCode::OK;
    // As many at once as anybody needs, and one more each half minute that this takes.
    for _ in 0..1000 {
        last = browser.send("/account/rights/question", &[]).await.status;
        if last == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let open: i64 = sqlx::query_scalar("select count(*) from request").fetch_one(&pool).await.unwrap();
    assert!((120..200).contains(&open), "{open}");
    let (_, mut other) = service.somebody("b").await;
    assert_eq!(other.send("/account/rights/question", &[]).await.status, StatusCode::OK);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn somebody_without_an_account_sees_all_and_erases_all_by_the_address_alone(pool: PgPool) {
    const EMAIL: &str = "carl@canary.test";
    let (service, mut post) = with_post(&pool, "us").await;
    let now = service.time.now();
    let mut conn = pool.acquire().await.unwrap();
    let contact = contacts::keep(&mut conn, EMAIL, "en", now).await.unwrap();
    let wish =
        identity::alerts::Wish { signal: "flu_hosp_admissions".into(), place: "US".into(), threshold: 3.0 };
    identity::alerts::keep(&mut conn, &contact, &wish, ("en", "a text"), now).await.unwrap().unwrap();
    let canaries = crate::scan::canaries(&[EMAIL, &contact.id, &contact.key.pseudonym()]);
    let (mut browser, _) = by_mail(&service, &mut post, EMAIL).await;
    // A second link waits, unused.
    service.browser().send("/account/rights/link", &[("email", EMAIL)]).await;
    browser.send("/account/rights/question", &[]).await;
    let export = browser.send("/account/rights/export", &[("format", "json")]).await;
    let export: Value = serde_json::from_str(&export.body).unwrap();
    let found = scan(&pool, &canaries).await;
    let tables: BTreeSet<&str> = found.keys().map(|k| k.split_once('.').unwrap().0).collect();
    assert_eq!(tables, BTreeSet::from(["alert", "consent", "contact", "proof", "request"]));
    for table in tables {
        let most = found.iter().filter(|(k, _)| k.starts_with(&format!("{table}."))).map(|(_, n)| *n).max();
        let exported = export["rows"][table].as_array().map_or(0, |r| r.len());
        assert_eq!(i64::try_from(exported).ok(), most, "{table}: {found:?}");
    }
    let page = browser.send("/account/rights/erasure", &[("sure", "yes")]).await;
    assert!(page.body.contains("It is erased"), "{}", page.body);
    let left: Vec<String> = scan(&pool, &canaries).await.into_keys().collect();
    assert_eq!(left, ["audit.about", "audit.actor"]);
    let page = browser.get("/account/rights").await;
    assert!(page.body.contains("With your e-mail address"), "the visit is over: {}", page.body);
}
