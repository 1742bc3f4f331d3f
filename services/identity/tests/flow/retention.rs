//! Retention with a moved clock, by the days of each country's profile.

use crate::common::countries;
use crate::persons::with_post;
use chrono::TimeDelta;
use domain::profile::law::Keep;
use identity::alerts::{self, Wish};
use identity::audit::{self, Verdict};
use identity::rights::retention::{self, Gone};
use identity::rights::{consents, contacts, requests};
use serde_json::json;
use sqlx::PgPool;

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn what_is_older_than_the_countrys_days_goes_and_nothing_younger(pool: PgPool) {
    for profile in countries() {
        for table in ["account", "contact", "request"] {
            sqlx::query(sqlx::AssertSqlSafe(format!("delete from {table}"))).execute(&pool).await.unwrap();
        }
        // Younger entries of the country before lie in the future of this one.
        for line in [
            "alter table audit disable trigger all",
            "delete from audit",
            "delete from audit_base",
            "alter table audit enable trigger all",
        ] {
            sqlx::query(line).execute(&pool).await.unwrap();
        }
        let code = profile.country.to_string();
        let (service, _post) = with_post(&pool, &code).await;
        let Keep { account, contact, request, consent, audit: kept, .. } = profile.law.keep_days;
        let limits = profile.identity.session;
        let start = service.time.now();
        let mut conn = pool.acquire().await.unwrap();
        service.somebody(&format!("somebody-{code}")).await;
        let of = |name: &str| format!("{name}-{code}@canary.test");
        let alone = contacts::keep(&mut conn, &of("alone"), "en", start).await.unwrap();
        let wants = contacts::keep(&mut conn, &of("wants"), "en", start).await.unwrap();
        let halted = contacts::keep(&mut conn, &of("halted"), "en", start).await.unwrap();
        sqlx::query("update contact set objected_at = now() where id = $1")
            .bind(&halted.id)
            .execute(&pool)
            .await
            .unwrap();
        let wish = Wish { signal: profile.main_signal.to_string(), place: "X".into(), threshold: 1.0 };
        alerts::keep(&mut conn, &wants, &wish, ("en", "text"), start).await.unwrap();
        consents::given(&mut conn, &format!("over-{code}"), "alerts", ("en", "text"), start).await.unwrap();
        consents::withdrawn(&mut conn, &format!("over-{code}"), "alerts", start).await.unwrap();
        let asked = requests::open(&mut conn, Some("x"), "question", profile.law, start).await.unwrap();
        requests::open(&mut conn, Some("x"), "question", profile.law, start).await.unwrap();
        requests::close(&mut conn, &asked.id, "answered", None, start).await.unwrap();
        for n in 0..3 {
            let mut tx = pool.begin().await.unwrap();
            audit::append(&mut tx, start, "a", "b", "c", json!({ "n": n })).await.unwrap();
            tx.commit().await.unwrap();
        }
        let at = async |days: u32, minutes: i64| {
            let now = start + TimeDelta::days(days.into()) + TimeDelta::minutes(minutes);
            let mut tx = pool.begin().await.unwrap();
            let gone = retention::run(&mut tx, profile.law.keep_days, limits, now).await.unwrap();
            tx.commit().await.unwrap();
            assert!(matches!(audit::verify(&pool, None).await.unwrap(), Verdict::Whole(..)), "{code} {days}");
            gone
        };
        assert_eq!(at(0, 0).await, Gone::default(), "{code}");
        let mut days = vec![contact, kept, account, request, consent];
        days.sort_unstable();
        days.dedup();
        let mut sum = Gone::default();
        for day in days {
            let before = at(day, -1).await;
            for (gone, of) in [
                (before.contacts, contact),
                (before.audit, kept),
                (before.accounts, account),
                (before.requests, request),
                (before.consents, consent),
            ] {
                assert!(
                    gone == 0 || of < day,
                    "{code}: a minute before day {day} something of day {of} went"
                );
            }
            let after = at(day, 1).await;
            sum.contacts += after.contacts;
            sum.audit += after.audit;
            sum.accounts += after.accounts;
            sum.requests += after.requests;
            sum.consents += after.consents;
        }
        assert_eq!((sum.contacts, sum.accounts, sum.requests, sum.consents), (1, 1, 1, 2), "{code}");
        assert!(sum.audit >= 3, "{code}: {sum:?}");
        assert!(contacts::of_email(&mut conn, &alone.email).await.unwrap().is_none());
        assert!(contacts::of_email(&mut conn, &wants.email).await.unwrap().is_some(), "it has an alert");
        assert!(contacts::of_email(&mut conn, &halted.email).await.unwrap().is_some(), "it objects");
        let open = requests::waiting(&mut conn).await.unwrap();
        assert_eq!(open.len(), 1, "what is open stays, however old");
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn consents_and_the_audit_are_only_added_to_even_by_the_owner_of_the_tables(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let now = kit::wall();
    consents::given(&mut conn, "who", "alerts", ("en", "text"), now).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    audit::append(&mut tx, now, "a", "b", "c", json!({})).await.unwrap();
    tx.commit().await.unwrap();
    for table in ["consent", "consent_text", "audit"] {
        let column = match table {
            "consent" => "purpose = 'x'",
            "consent_text" => "text = 'x'",
            _ => "actor = 'x'",
        };
        for change in [
            format!("update {table} set {column}"),
            format!("delete from {table}"),
            format!("truncate {table}"),
        ] {
            let error =
                sqlx::query(sqlx::AssertSqlSafe(change.clone())).execute(&mut *conn).await.unwrap_err();
            assert!(error.to_string().contains("append-only"), "{change}: {error}");
        }
    }
    // The trigger is one guard; the privilege is the other, for the role that owns the tables and is no superuser.
    let role = format!("owner_{}", pool.connect_options().get_database().unwrap().trim_start_matches('_'));
    let role = &role[..role.len().min(60)];
    for line in [
        format!("create role \"{role}\""),
        format!("create schema owned authorization \"{role}\""),
        format!("set role \"{role}\""),
        "set search_path = owned".to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(line)).execute(&mut *conn).await.unwrap();
    }
    identity::MIGRATOR.run(&mut *conn).await.unwrap();
    for change in [
        "update consent set purpose = 'x'",
        "truncate consent",
        "update audit set actor = 'x'",
        "truncate audit",
    ] {
        let error = sqlx::query(change).execute(&mut *conn).await.unwrap_err().to_string();
        assert!(error.contains("permission denied"), "{change}: {error}");
    }
    // What the service does goes on with what is left to it.
    consents::given(&mut conn, "who", "alerts", ("en", "text"), now).await.unwrap();
    for line in
        ["reset role".to_owned(), "drop schema owned cascade".to_owned(), format!("drop role \"{role}\"")]
    {
        sqlx::query(sqlx::AssertSqlSafe(line)).execute(&mut *conn).await.unwrap();
    }
}
