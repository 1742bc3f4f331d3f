//! What a restored backup would bring back though it was taken away since; and what was given again stays given.

use crate::passkeys::{Person, read, registered, service};
use crate::recovery::codes;
use crate::restore::{address, again, command, copy, drop_database, name};
use crate::scan::canaries;
use chrono::TimeDelta;
use identity::Options;
use identity::audit::{self, Verdict};
use reqwest::StatusCode;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection, PgPool};
use std::path::{Path, PathBuf};

/// A copy of a database as a backup has it, with a list of erasures beside.
struct Backup {
    copied: String,
    url: String,
    pool: PgPool,
}

impl Backup {
    async fn of(live: &PgPool, word: &str) -> Self {
        let copied = format!("vigie_{word}_{}", &name(live)[name(live).len() - 24..]);
        copy(live, &copied).await;
        let url = String::from(address(live, &copied));
        let pool = PgPoolOptions::new().max_connections(2).connect(&url).await.unwrap();
        Self { copied, url, pool }
    }

    async fn texts(&self, query: &'static str) -> Vec<String> {
        sqlx::query_scalar(query).fetch_all(&self.pool).await.unwrap()
    }

    async fn disabled(&self) -> Vec<String> {
        self.texts("select subject from account where disabled_at is not null order by subject").await
    }

    async fn with_roles(&self) -> Vec<String> {
        self.texts(
            "select subject || case when expires_at is null then '' else ' for a while' end
               from account join role_grant on account_id = id order by subject",
        )
        .await
    }

    async fn gone(self, live: &PgPool) {
        self.pool.close().await;
        let mut admin = PgConnection::connect(address(live, "postgres").as_str()).await.unwrap();
        drop_database(&mut admin, &self.copied).await;
    }
}

fn list(pool: &PgPool) -> PathBuf {
    let list = std::env::temp_dir().join(format!("vigie-standing-{}", name(pool)));
    let _ = std::fs::remove_file(&list);
    list
}

/// The list holds nothing that leads to anybody.
fn says_nothing_of(list: &Path, people: &[&Person]) {
    let text = std::fs::read_to_string(list).unwrap();
    let is_hash = |line: &str| line.len() == 64 && line.bytes().all(|b| b.is_ascii_hexdigit());
    assert!(text.lines().all(is_hash), "{text}");
    for person in people {
        // Its hash alone is what the list calls somebody who was erased.
        assert!(
            canaries(&[&person.account]).iter().all(|c| !text.contains(c.as_str())),
            "{}",
            person.account
        );
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn accounts_and_roles_are_after_a_restore_what_was_last_said_of_them(pool: PgPool) {
    let list = list(&pool);
    let service = service(&pool, Options { erasures: Some(list.clone()), ..Options::default() }).await;
    let mut eve = registered(&service, "eve", "operator").await;
    let mut people = Vec::new();
    for who in ["ada", "bob", "cat", "dan"] {
        people.push(registered(&service, who, "auditor").await);
    }
    let [ada, bob, cat, dan] = &people[..] else { panic!("four") };
    let before = Backup::of(&pool, "before").await;

    // By a colleague with a token, and by the commands.
    let token = read(&eve.browser.send("/account/token", &[]).await)["access_token"].clone();
    let switch = async |whom: &Person, word: &str| {
        let path = format!("{}/account/people/{}/{word}", service.origin, whom.account);
        let request = crate::browser::client().post(path).bearer_auth(token.as_str().unwrap());
        assert_eq!(request.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    };
    let live = address(&pool, &name(&pool));
    let run = |words: &[&str]| command(&list, words, live.as_str());
    switch(ada, "disable").await;
    switch(bob, "disable").await;
    switch(bob, "enable").await;
    run(&["disable", &cat.account]);
    run(&["enable", &cat.account]);
    run(&["disable", &cat.account]);
    run(&["revoke", &ada.account, "auditor"]);
    run(&["revoke", &bob.account, "auditor"]);
    run(&["grant", &bob.account, "auditor"]);
    let soon = (service.time.now() + TimeDelta::days(1)).to_rfc3339();
    run(&["grant", &dan.account, "auditor", "--until", &soon]);
    says_nothing_of(&list, &[ada, bob, cat, dan]);

    assert_eq!(before.disabled().await, Vec::<String>::new(), "the backup brought all back");
    assert_eq!(before.with_roles().await, ["ada", "bob", "cat", "dan", "eve"]);
    assert_eq!(again(&list, &before.url), ["2 accounts disabled", "2 roles taken away"]);
    assert_eq!(before.disabled().await, ["ada", "cat"]);
    // Dan's ends tomorrow by now; without end it is not given back, and an operator gives it again.
    assert_eq!(before.with_roles().await, ["bob", "cat", "eve"]);
    let open = before
        .texts("select subject from session join account a on a.id = account_id where ended_at is null order by 1")
        .await;
    assert_eq!(open, ["bob", "dan", "eve"]);
    let said =
        before.texts("select action from audit where detail ->> 'why' = 'restored' order by seq").await;
    assert_eq!(said, ["account.disable", "account.disable", "role.revoke", "role.revoke"]);
    assert!(matches!(audit::verify(&before.pool, None).await.unwrap(), Verdict::Whole(..)));
    assert_eq!(again(&list, &before.url), Vec::<String>::new());

    // A backup of now has nothing that the list takes, dan's new grant neither.
    let now = Backup::of(&pool, "now").await;
    assert_eq!(again(&list, &now.url), Vec::<String>::new());
    assert_eq!(now.with_roles().await, ["bob", "cat", "dan for a while", "eve"]);
    before.gone(&pool).await;
    now.gone(&pool).await;
    std::fs::remove_file(list).unwrap();
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_used_recovery_code_and_a_copied_passkey_are_refused_after_a_restore(pool: PgPool) {
    let list = list(&pool);
    let service = service(&pool, Options { erasures: Some(list.clone()), ..Options::default() }).await;
    let mut people = Vec::new();
    for who in ["ada", "bob", "cat", "dan", "eve"] {
        people.push(registered(&service, who, "operator").await);
    }
    let [ada, bob, cat, dan, eve] = &mut people[..] else { panic!("five") };
    let bobs = codes(&bob.browser.send("/account/passkeys/codes", &[]).await);
    for one in [&mut *cat, &mut *dan, &mut *eve] {
        one.browser.send("/account/passkeys/codes", &[]).await;
    }
    assert_eq!(ada.confirm(&service.origin).await.status, StatusCode::OK);
    let before = Backup::of(&pool, "used").await;

    // Bob uses one up, cat makes new ones, dan removes his only passkey, and the codes with it; eve does nothing.
    let page = bob.browser.send("/account/passkeys/recover", &[("code", &bobs[0])]).await;
    assert!(page.body.contains("The code was accepted"), "{}", page.body);
    cat.browser.send("/account/passkeys/codes", &[]).await;
    let key: String = sqlx::query_scalar("select id from passkey where account_id = $1")
        .bind(&dan.account)
        .fetch_one(&pool)
        .await
        .unwrap();
    let page = dan.browser.send(&format!("/account/passkeys/{key}/remove"), &[]).await;
    assert!(page.body.contains("The passkey was removed."), "{}", page.body);
    // A copy of ada's was used a hundred times.
    let copied =
        "update passkey set credential = jsonb_set(credential, '{cred,counter}', '100'), counter = 100
                   where account_id = $1";
    sqlx::query(copied).bind(&ada.account).execute(&pool).await.unwrap();
    let page = ada.confirm(&service.origin).await;
    assert!(page.body.contains("a copy of this passkey"), "{}", page.body);
    says_nothing_of(&list, &[ada, bob, cat, dan, eve]);

    let left = "select subject || ' ' || count(*) from account join recovery_code on account_id = id group by subject order by 1";
    assert_eq!(
        before.texts(left).await,
        ["bob 10", "cat 10", "dan 10", "eve 10"],
        "the backup brought all back"
    );
    let done = ["1 passkeys removed", "1 passkeys refused", "11 recovery codes used up"];
    assert_eq!(again(&list, &before.url), done, "those of dan went with his passkey");
    assert_eq!(before.texts(left).await, ["bob 9", "eve 10"]);
    let refused =
        "select subject from passkey join account a on a.id = account_id where refused_at is not null";
    assert_eq!(before.texts(refused).await, ["ada"]);
    let confirmed = "select subject from session join account a on a.id = account_id where passkey_at is not null order by 1";
    assert_eq!(before.texts(confirmed).await, ["bob", "cat", "eve"], "what ada confirmed counts no more");
    assert!(matches!(audit::verify(&before.pool, None).await.unwrap(), Verdict::Whole(..)));
    assert_eq!(again(&list, &before.url), Vec::<String>::new());
    before.gone(&pool).await;
    std::fs::remove_file(list).unwrap();
}
