//! A restored backup is erased again.

use crate::common::root;
use crate::persons::{by_mail, planted, token, with_list};
use crate::scan::{canaries, scan};
use identity::accounts;
use identity::audit::{self, Verdict};
use identity::rights::receipts;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use url::Url;

/// The server's address of another database.
pub(crate) fn address(pool: &PgPool, database: &str) -> Url {
    let mut url = pool.connect_options().to_url_lossy();
    url.set_path(database);
    url.set_query(None);
    url
}

pub(crate) fn name(pool: &PgPool) -> String {
    pool.connect_options().get_database().unwrap().to_owned()
}

/// A run that failed may have left it.
pub(crate) async fn drop_database(admin: &mut PgConnection, name: &str) {
    let line = format!("drop database if exists \"{name}\"");
    sqlx::query(sqlx::AssertSqlSafe(line)).execute(admin).await.unwrap();
}

/// A copy of the whole database by the server itself: file by file, as a physical backup.
pub(crate) async fn copy(pool: &PgPool, to: &str) {
    let mut admin = PgConnection::connect(address(pool, "postgres").as_str()).await.unwrap();
    let make = format!("create database \"{to}\" template \"{}\"", name(pool));
    drop_database(&mut admin, to).await;
    let mut why = String::new();
    for _ in 0..50 {
        // A template has no other connection; the pool connects again when it is used.
        sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1")
            .bind(name(pool))
            .execute(&mut admin)
            .await
            .unwrap();
        match sqlx::query(sqlx::AssertSqlSafe(make.clone())).execute(&mut admin).await {
            Ok(_) => return,
            Err(error) => why = error.to_string(),
        }
    }
    panic!("{why}");
}

/// The client programs of a server as new as ours: `VIGIE_PG_BIN`, else the path.
fn client(program: &str) -> Option<Command> {
    let path = std::env::var("VIGIE_PG_BIN").map_or(program.into(), |bin| Path::new(&bin).join(program));
    let said = Command::new(&path).arg("--version").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let major: u32 = said.split_whitespace().last()?.split('.').next()?.parse().ok()?;
    (major >= 17).then(|| Command::new(path))
}

async fn dump(pool: &PgPool, to: &str) -> bool {
    let (Some(mut dump), Some(mut restore)) = (client("pg_dump"), client("pg_restore")) else {
        println!(
            "skipped: pg-dump: pg_dump and pg_restore of PostgreSQL 17 are not installed (VIGIE_PG_BIN)"
        );
        return false;
    };
    let file = std::env::temp_dir().join(format!("{to}.dump"));
    let done = dump.args(["-Fc", "-f"]).arg(&file).arg(address(pool, &name(pool)).as_str()).status().unwrap();
    assert!(done.success());
    let mut admin = PgConnection::connect(address(pool, "postgres").as_str()).await.unwrap();
    drop_database(&mut admin, to).await;
    sqlx::query(sqlx::AssertSqlSafe(format!("create database \"{to}\""))).execute(&mut admin).await.unwrap();
    let done = restore.arg("-d").arg(address(pool, to).as_str()).arg(&file).status().unwrap();
    assert!(done.success());
    std::fs::remove_file(file).unwrap();
    true
}

/// No list of erasures, and no keys beside it: a run that failed may have left them.
pub(crate) fn gone(list: &Path) {
    for file in [list, &list.with_added_extension("receipt-keys")] {
        let _ = std::fs::remove_file(file);
    }
}

/// What the program says with a list of erasures, at a database.
pub(crate) fn command(list: &Path, words: &[&str], url: &str) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_identity"))
        .current_dir(root())
        .args(words)
        .env("DATABASE_URL", url)
        .env("VIGIE_ERASURES", list)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// What the program says that it did again, without what there was none of.
pub(crate) fn again(list: &Path, url: &str) -> Vec<String> {
    let said = command(list, &["restore-erasures"], url);
    let said = said.strip_prefix("again: ").unwrap().trim_end().split(", ");
    said.filter(|what| !what.starts_with("0 ")).map(str::to_owned).collect()
}

async fn a_backup_from_before_is_erased_again(pool: &PgPool, dumped: bool) {
    // A name is 63 bytes at most.
    let copied = format!("vigie_restored_{}", &name(pool)[name(pool).len() - 24..]);
    let list = std::env::temp_dir().join(format!("vigie-{copied}"));
    gone(&list);
    let (service, _post) = with_list(pool, "us", Some(list.clone())).await;
    let mut ada = planted(&service, "ada", "ada@canary.test").await;
    let bob = planted(&service, "bob", "bob@canary.test").await;
    if dumped {
        if !dump(pool, &copied).await {
            return;
        }
    } else {
        copy(pool, &copied).await;
    }
    let page = ada.browser.send("/account/rights/erasure", &[("sure", "yes")]).await;
    assert!(page.body.contains("It is erased"), "{}", page.body);

    let url = address(pool, &copied);
    let back = PgPoolOptions::new().max_connections(2).connect(url.as_str()).await.unwrap();
    let ids = canaries(&[&ada.account, &ada.contact, ada.email, &ada.subject]);
    assert!(scan(&back, &ids).await.len() > 8, "the backup brought her back");
    let mut bobs = scan(&back, &bob.canaries()).await;
    // His link, which he may have used since.
    bobs.retain(|column, _| !column.starts_with("proof."));
    let again = || again(&list, url.as_str());
    assert_eq!(again(), ["1 erased", "2 links ended"]);
    assert_eq!(scan(&back, &ids).await, BTreeMap::new());
    let left: Vec<String> = scan(&back, &ada.canaries()).await.into_keys().collect();
    assert_eq!(left, ["audit.about", "audit.actor"]);
    assert_eq!(scan(&back, &bob.canaries()).await, bobs);
    assert!(matches!(audit::verify(&back, None).await.unwrap(), Verdict::Whole(..)));
    assert_eq!(again(), Vec::<String>::new());
    back.close().await;
    let mut admin = PgConnection::connect(address(pool, "postgres").as_str()).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("drop database \"{copied}\"")))
        .execute(&mut admin)
        .await
        .unwrap();
    gone(&list);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_copy_of_the_database_from_before_an_erasure_is_erased_again(pool: PgPool) {
    a_backup_from_before_is_erased_again(&pool, false).await;
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_dump_from_before_an_erasure_is_erased_again_when_it_is_restored(pool: PgPool) {
    a_backup_from_before_is_erased_again(&pool, true).await;
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_key_that_was_revoked_and_an_alert_that_was_stopped_do_not_come_back_with_a_backup(pool: PgPool) {
    let copied = format!("vigie_back_{}", &name(&pool)[name(&pool).len() - 24..]);
    let list = std::env::temp_dir().join(format!("vigie-{copied}"));
    gone(&list);
    let (service, _post) = with_list(&pool, "us", Some(list.clone())).await;
    let mut people = Vec::new();
    for (name, email) in [("ada", "ada@canary.test"), ("bob", "bob@canary.test"), ("eve", "eve@canary.test")]
    {
        people.push(planted(&service, name, email).await);
    }
    copy(&pool, &copied).await;
    let [ada, bob, eve] = &mut people[..] else { panic!("three") };
    accounts::grant(
        &mut pool.acquire().await.unwrap(),
        &eve.account,
        "specialist",
        "command",
        service.time.now(),
        None,
    )
    .await
    .unwrap();
    let id = async |table: &str, of: &str, who: &str| -> String {
        let query = format!("select id from {table} where {of} = $1");
        sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(who).fetch_one(&pool).await.unwrap()
    };
    // Ada withdraws her consent and revokes her key; bob's leaked, and he ends his alert himself.
    ada.browser.send("/account/rights/consent", &[]).await;
    let key = id("api_key", "account_id", &ada.account).await;
    ada.browser.send(&format!("/account/keys/{key}/revoke"), &[]).await;
    // Eve replaces hers: what a restore brings back would be good for as long as before.
    let old = id("api_key", "account_id", &eve.account).await;
    let page = eve.browser.send(&format!("/account/keys/{old}/rotate"), &[]).await;
    assert!(page.status.is_success(), "{}", page.body);
    let alert = id("alert", "contact_id", &bob.contact).await;
    bob.browser.send(&format!("/account/alerts/{alert}/end"), &[]).await;
    let run = |words: &[&str], url: &str| command(&list, words, url);
    assert_eq!(
        run(&["keys", "revoke", "--account", &bob.account], address(&pool, &name(&pool)).as_str()),
        "1 revoked\n"
    );

    let url = address(&pool, &copied);
    let back = PgPoolOptions::new().max_connections(2).connect(url.as_str()).await.unwrap();
    let left = async || -> (i64, i64, i64) {
        sqlx::query_as(
            "select (select count(*) from api_key where revoked_at is null), (select count(*) from alert),
                    (select count(*) from consent where not given)",
        )
        .fetch_one(&back)
        .await
        .unwrap()
    };
    assert_eq!(left().await, (3, 3, 0), "the backup brought all back");
    assert_eq!(again(&list, url.as_str()), ["3 keys revoked", "2 alerts ended", "3 links ended"]);
    assert_eq!(left().await, (0, 1, 2), "eve's alert stands");
    let said = "select action from audit where detail ->> 'why' = 'restored' order by action";
    let said: Vec<String> = sqlx::query_scalar(said).fetch_all(&back).await.unwrap();
    assert_eq!(said, ["alert.end", "alert.end", "key.revoke", "key.revoke", "key.revoke"]);
    // Where nothing was restored the old one goes on beside the new one.
    assert_eq!(again(&list, address(&pool, &name(&pool)).as_str()), ["3 links ended"]);
    back.close().await;
    let mut admin = PgConnection::connect(address(&pool, "postgres").as_str()).await.unwrap();
    drop_database(&mut admin, &copied).await;
    gone(&list);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_halt_that_stands_and_a_passkey_that_was_removed_outlive_a_backup_from_before(pool: PgPool) {
    let copied = format!("vigie_halt_{}", &name(&pool)[name(&pool).len() - 24..]);
    let list = std::env::temp_dir().join(format!("vigie-{copied}"));
    gone(&list);
    let (service, _post) = with_list(&pool, "us", Some(list.clone())).await;
    let mut ada = planted(&service, "ada", "ada@canary.test").await;
    let mut bob = planted(&service, "bob", "bob@canary.test").await;
    copy(&pool, &copied).await;
    ada.browser.send("/account/rights/restriction", &[("on", "yes")]).await;
    // A disk that was full: half a line, and no end of it.
    std::fs::OpenOptions::new().append(true).open(&list).unwrap().write_all(b"0123abcd").unwrap();
    for on in ["yes", "no"] {
        bob.browser.send("/account/rights/objection", &[("on", on)]).await;
    }
    let said = command(&list, &["operators", "reset", &bob.account], address(&pool, &name(&pool)).as_str());
    assert!(said.contains("1 passkeys"), "{said}");

    let url = address(&pool, &copied);
    let back = PgPoolOptions::new().max_connections(2).connect(url.as_str()).await.unwrap();
    let standing = async || -> (Vec<String>, Vec<String>, Vec<String>) {
        let all = async |query: &'static str| sqlx::query_scalar(query).fetch_all(&back).await.unwrap();
        (
            all("select id from account where restricted_at is not null
                 union all select id from contact where restricted_at is not null")
            .await,
            all("select id from account where objected_at is not null
                 union all select id from contact where objected_at is not null")
            .await,
            all("select account_id from passkey order by created_at").await,
        )
    };
    let both = vec![ada.account.clone(), bob.account.clone()];
    assert_eq!(standing().await, (vec![], vec![], both), "as the backup has it");
    let again = || again(&list, url.as_str());
    // Bob's recovery codes went with his passkey.
    assert_eq!(again(), ["1 passkeys removed", "2 halts set", "2 links ended"]);
    let adas = vec![ada.account.clone(), ada.contact.clone()];
    assert_eq!(standing().await, (adas, vec![], vec![ada.account.clone()]));
    let written = "select about || ' ' || action from audit where actor = 'command' and detail ->> 'why' = 'restored' order by 1";
    let written: Vec<String> = sqlx::query_scalar(written).fetch_all(&back).await.unwrap();
    let [account, contact] = ada.pseudonyms.as_slice() else { panic!("two pseudonyms") };
    let mut wanted = vec![
        format!("{account} halt.set"),
        format!("{contact} halt.set"),
        format!("{} passkey.remove", bob.pseudonyms[0]),
    ];
    wanted.sort_unstable();
    let mut written = written;
    written.sort_unstable();
    assert_eq!(written, wanted, "each of it stands in the audit");
    assert!(matches!(audit::verify(&back, None).await.unwrap(), Verdict::Whole(..)));
    assert_eq!(again(), Vec::<String>::new());
    back.close().await;
    let mut admin = PgConnection::connect(address(&pool, "postgres").as_str()).await.unwrap();
    drop_database(&mut admin, &copied).await;
    gone(&list);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_receipt_of_somebody_who_was_erased_is_genuine_after_a_restore_too(pool: PgPool) {
    let list = std::env::temp_dir().join(format!("vigie-receipts-{}", name(&pool)));
    let keys = list.with_added_extension("receipt-keys");
    gone(&list);
    let (service, _post) = with_list(&pool, "us", Some(list.clone())).await;
    let (_, mut browser) = service.somebody("ada").await;
    let page = browser.send("/account/rights/erasure", &[("sure", "yes")]).await;
    let receipt = page.body.split("cols=\"60\">").nth(1).unwrap().split('<').next().unwrap();
    let published = async || {
        let keys = service.browser().get("/account/receipts/keys.json").await;
        receipts::verify(receipt, &serde_json::from_str(&keys.body).unwrap())
    };
    published().await.unwrap();
    // What a backup from before has.
    sqlx::query("delete from receipt_key").execute(&pool).await.unwrap();
    published().await.unwrap_err();
    // A disk that was full: half a line, and no end of it.
    std::fs::OpenOptions::new().append(true).open(&keys).unwrap().write_all(b"{\"kty\":").unwrap();
    let again = || command(&list, &["restore-erasures"], address(&pool, &name(&pool)).as_str());
    assert!(again().ends_with("\n1 keys of receipts published again\n"));
    assert_eq!(published().await.unwrap().kind, "erasure");
    assert_eq!(again().lines().count(), 1, "they are there");
    gone(&list);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_link_that_a_backup_brings_back_opens_nothing(pool: PgPool) {
    const EMAIL: &str = "carl@canary.test";
    let list = std::env::temp_dir().join(format!("vigie-links-{}", name(&pool)));
    gone(&list);
    let (service, mut post) = with_list(&pool, "us", Some(list.clone())).await;
    std::fs::write(&list, "").unwrap();
    // An open visit, and a link that waits: whoever erases themselves now has no number that the list could name.
    let (mut browser, _) = by_mail(&service, &mut post, EMAIL).await;
    let mut other = service.browser();
    other.send("/account/rights/link", &[("email", EMAIL)]).await;
    let link = token(&post.next().await.link(&service.origin));
    assert_eq!(again(&list, address(&pool, &name(&pool)).as_str()), ["2 links ended"]);
    let left: i64 = sqlx::query_scalar("select count(*) from proof").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0);
    let page = other.send("/account/rights/open", &[("token", &link)]).await;
    assert!(page.body.contains("This link was used already or is too old"), "{}", page.body);
    let page = browser.get("/account/rights").await;
    assert!(page.body.contains("With your e-mail address"), "the visit is over: {}", page.body);
    gone(&list);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn after_a_restore_everybody_logs_in_anew_and_the_audit_says_that_its_end_is_gone(pool: PgPool) {
    let list = std::env::temp_dir().join(format!("vigie-restored-{}", name(&pool)));
    gone(&list);
    let (service, _post) = with_list(&pool, "us", Some(list.clone())).await;
    let (_, _browser) = service.somebody("ada").await;
    let (_, _other) = service.somebody("bob").await;
    assert_eq!(service.living_sessions().await, 2);
    std::fs::write(&list, "").unwrap();
    let url = address(&pool, &name(&pool));
    let again = |words: &[&str]| command(&list, words, url.as_str());
    again(&["restore-erasures"]);
    assert_eq!(service.living_sessions().await, 2, "a start is no restore");
    again(&["restore-erasures", "--restored-to", "2026-02-03T04:05:06.5Z"]);
    assert_eq!(service.living_sessions().await, 0);
    let query = "select actor || ' ' || action || ' ' || detail from audit order by seq desc limit 1";
    let last: String = sqlx::query_scalar(query).fetch_one(&pool).await.unwrap();
    assert_eq!(last, r#"command database.restore {"to": "2026-02-03T04:05:06.500+00:00", "sessions": 2}"#);
    assert!(matches!(audit::verify(&pool, None).await.unwrap(), Verdict::Whole(..)));
    gone(&list);
}
