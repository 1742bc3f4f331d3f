//! `vigie audit verify`, after somebody with every right has been at the rows.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

use sqlx::{AssertSqlSafe, PgPool};
use std::process::{Command, Output};
use store::forecasts::{self, Arrival, Forecast, Growth, Relation, Results, Rt, Run};
use store::scores::{self, Due, Found, New};

fn audit(pool: &PgPool, args: &[&str]) -> (Option<i32>, String) {
    with(&[("DATABASE_URL", &address(pool))], args)
}

fn address(pool: &PgPool) -> String {
    let mut url: url::Url = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
    url.set_path(pool.connect_options().get_database().unwrap());
    url.into()
}

fn with(variables: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["audit", "verify"])
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

/// A week with a reproduction number and the growth beside it.
fn growing(place: &str) -> Rt {
    Rt {
        place_id: place.into(),
        window_start: "2025-01-20".parse().unwrap(),
        window_end: "2025-01-26".parse().unwrap(),
        mean: 1.1,
        sd: 0.1,
        q025: 0.9,
        q25: 1.0,
        q50: 1.1,
        q75: 1.2,
        q975: 1.3,
        growth: Some(Growth {
            dated: "infection".into(),
            mean: 0.02,
            sd: 0.01,
            q025: 0.0,
            q25: 0.01,
            q50: 0.02,
            q75: 0.03,
            q975: 0.04,
            rises: 0.975,
            passed: 0.9,
            known: 0.8,
            known_025: 0.7,
            known_975: 0.9,
        }),
    }
}

/// What deaths follow in France.
fn relation() -> Relation {
    Relation {
        place_id: "FR".into(),
        follows: "covid_cases".into(),
        ratio_025: 0.1,
        ratio_50: 0.2,
        ratio_975: 0.3,
        delay: Some(2.0),
        delay_low: Some(1.0),
        delay_high: Some(3.0),
        tried_low: 0.25,
        tried_high: 4.0,
    }
}

/// Six runs of two places and two weeks, the third with growth; after the second and the fifth a pass of two scores: eight links.
async fn prepared(pool: &PgPool) -> Vec<String> {
    let mut conn = pool.acquire().await.unwrap();
    let parents = "insert into source values ('src', '', '', '', '', '', '', '');
        insert into place values ('FR', 'nation', null, null, '{}'), ('DE', 'nation', null, null, '{}')";
    sqlx::raw_sql(parents).execute(&mut *conn).await.unwrap();
    let mut heads = Vec::new();
    for n in 1..=6 {
        let id = format!("run{n}");
        let run = Run {
            id: id.clone(),
            model_id: "m".into(),
            model_version: "1".into(),
            signal_id: "flu_cases".into(),
            source_id: "src".into(),
            as_of: "2025-01-31T23:59:59Z".parse().unwrap(),
            reference_date: "2025-01-26".parse().unwrap(),
            data_vintage: "2025-01-31T12:00:00Z".parse().unwrap(),
            data_hash: "d".into(),
            source_hash: "s".into(),
            created_at: format!("2025-02-0{n}T00:05:00Z").parse().unwrap(),
        };
        let forecasts = ["FR", "DE"].into_iter().flat_map(|place| {
            (0..2).map(move |horizon| Forecast {
                place_id: place.into(),
                horizon,
                target_end_date: "2025-02-02".parse().unwrap(),
                quantiles: (0..23).map(f64::from).collect(),
            })
        });
        let arrival =
            Arrival { place_id: "FR".into(), horizon: 0, state: "quiet".into(), probability: Some(0.5) };
        // As runs were before growth and arrivals were stored, and one after.
        let arrivals = if n == 3 { vec![arrival] } else { Vec::new() };
        let rt = (n == 3).then(|| growing("FR")).into_iter().collect();
        let relations = (n == 3).then(relation).into_iter().collect();
        let results =
            Results { forecasts: forecasts.collect(), rt, arrivals, relations, ..Results::default() };
        assert!(forecasts::put(&mut conn, &run, &results).await.unwrap());
        if n == 2 || n == 5 {
            let due = Due {
                run_id: id,
                origin: run.as_of,
                created_at: run.created_at,
                place_id: "FR".into(),
                horizon: 0,
                target_end_date: "2025-02-02".parse().unwrap(),
                quantiles: vec![0.0; 23],
            };
            let found =
                Some(Found { truth: 9.0, wis: 0.5, baseline_wis: Some(1.0), covered: [false, true, true] });
            let pass = ["2025-02-07T00:00:00Z", "2025-02-14T00:00:00Z"].map(|issued| New {
                of: &due,
                truth_issued_at: issued.parse().unwrap(),
                found,
                replayed: false,
            });
            let clock = "2025-03-01T00:00:00Z".parse().unwrap();
            assert_eq!(scores::put(&mut conn, "flu_cases", &pass, &[], clock).await.unwrap(), 2);
        }
        heads.push(store::chain::hex(&store::chain::head(&mut conn).await.unwrap().unwrap().digest));
    }
    heads
}

/// As a superuser who switches triggers and foreign keys off; other constraints stay.
async fn tampered(pool: &PgPool, sql: &str) {
    let all = format!("begin; set local session_replication_role = replica; {sql}; commit");
    sqlx::raw_sql(AssertSqlSafe(all)).execute(pool).await.unwrap();
}

/// Makes the links from `$1` on anew, so that all of them hold: what a superuser with this page can do.
const FORGED: &str = "do $$ declare l record; h bytea := (select digest from chain_link where seq = FROM - 1); begin
    for l in select * from chain_link where seq >= FROM order by seq loop
        update chain_link c set previous = h, content = sha256(convert_to(parts, 'UTF8')) where seq = l.seq;
        update chain_link c set digest = (select sha256(record_send(n)) from (select seq, kind, run_id, pass, existing, parts,
            content, previous, linked_at from chain_link where seq = l.seq) n) where seq = l.seq returning digest into h;
    end loop; end $$";

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_chain_that_holds_is_counted_and_a_head_noted_earlier_is_found(pool: PgPool) {
    let (code, text) = audit(&pool, &[]);
    assert_eq!((code, text.trim()), (Some(0), "0 links, 0 runs, 0 scores, head none yet"));
    let heads = prepared(&pool).await;
    let (code, text) = audit(&pool, &["--head", &heads[1]]);
    let mut lines = text.lines();
    let counted = format!("8 links, 6 runs, 4 scores, head {}", heads[5]);
    assert_eq!((code, lines.next()), (Some(0), Some(counted.as_str())), "{text}");
    let noted = lines.next().unwrap();
    assert!(noted.starts_with("the head noted earlier is link 3 (scores of pass 1, linked 20"), "{text}");
    assert!(noted.ends_with("; 5 links since"), "{text}");
    let (code, text) = audit(&pool, &["--json", "--head", &heads[0].to_uppercase()]);
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, Some(0));
    assert_eq!((&found["holds"], &found["links"], &found["noted"]), (&true.into(), &8.into(), &1.into()));
    let (code, text) = audit(&pool, &["--head", &"0".repeat(64)]);
    assert_eq!(code, Some(1));
    assert!(text.contains("no link has the digest 0000"), "{text}");
    let (code, text) = audit(&pool, &["--head", "abc"]);
    assert!(code == Some(2) && text.contains("64 hexadecimal digits"), "{text}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn each_way_to_rewrite_the_past_is_found_and_named(pool: PgPool) {
    prepared(&pool).await;
    let keep = "create schema kept; create table kept.r as table forecast_run; create table kept.f as table forecast;
        create table kept.g as table growth_estimate; create table kept.s as table forecast_score;
        create table kept.a as table arrival; create table kept.d as table deaths_relation; create table kept.l as table chain_link";
    sqlx::raw_sql(keep).execute(&pool).await.unwrap();
    let forged = |from: &str| FORGED.replace("FROM", from);
    let cases: &[(&str, &[&str])] = &[
        (
            "update forecast set quantiles[12] = 11.000000000000002 where run_id = 'run4' and place_id = 'FR' and horizon = 1",
            &["link 5 (run run4, linked 20", "a value of forecast was changed (4 rows"],
        ),
        ("update forecast_run set created_at = '2025-01-01' where id = 'run3'", &["run3", "a value of forecast_run was changed"]),
        ("update forecast set target_end_date = 'infinity' where run_id = 'run1'", &["run1", "a value of forecast was changed"]),
        (
            "delete from forecast where run_id = 'run2' and place_id = 'DE' and horizon = 0",
            &["run2", "a row of forecast is missing: 4 linked, 3 stored"],
        ),
        (
            "insert into forecast select run_id, place_id, 7, target_end_date, quantiles from forecast
              where run_id = 'run6' and place_id = 'FR' and horizon = 0",
            &["run6", "a row of forecast was added: 4 linked, 5 stored"],
        ),
        ("insert into not_estimated values ('run6', 'FR', 'spread', 'stale')", &["run6", "a row of not_estimated was added: 0 linked, 1 stored"]),
        ("update growth_estimate set q975 = 0.05", &["run3", "a value of growth_estimate was changed (1 rows"]),
        ("delete from growth_estimate", &["run3", "a row of growth_estimate is missing: 1 linked, 0 stored"]),
        (
            "insert into growth_estimate select 'run1', place_id, window_end, dated, mean, sd, q025, q25, q50, q75, q975, rises,
                    passed, known, known_025, known_975 from growth_estimate",
            &["run1", "a row of growth_estimate was added: 0 linked, 1 stored"],
        ),
        ("update deaths_relation set ratio_975 = 0.9", &["run3", "a value of deaths_relation was changed (1 rows"]),
        ("delete from deaths_relation", &["run3", "a row of deaths_relation is missing: 1 linked, 0 stored"]),
        ("update arrival set probability = 0.9", &["run3", "a value of arrival was changed (1 rows"]),
        ("delete from arrival", &["link 4 (run run3", "a row of arrival is missing: 1 linked, 0 stored"]),
        ("insert into arrival values ('run1', 'FR', 0, 'present', null)", &["run1", "a row of arrival was added: 0 linked, 1 stored"]),
        ("delete from forecast_run where id = 'run4'", &["link 5 (run run4", "the run was deleted"]),
        (
            "delete from forecast where run_id = 'run4'; delete from forecast_run where id = 'run4'",
            &["link 5 (run run4", "the run was deleted"],
        ),
        (
            "delete from forecast_score where pass = 2 and truth_issued_at > '2025-02-10'",
            &["scores of pass 2", "a row of forecast_score is missing: 2 linked, 1 stored"],
        ),
        ("update forecast_score set wis = 0.1 where pass = 1", &["scores of pass 1", "a value of forecast_score was changed"]),
        (
            "insert into forecast_score select run_id, place_id, 1, signal_id, origin, target_end_date, truth_issued_at, truth,
                    0, baseline_wis, covered_50, covered_80, covered_95, replayed, scored_at, 1 from forecast_score where pass = 1",
            &["scores of pass 1", "a row of forecast_score was added: 2 linked, 4 stored"],
        ),
        (
            "insert into forecast_score select run_id, place_id, 1, signal_id, origin, target_end_date, truth_issued_at, truth,
                    0, baseline_wis, covered_50, covered_80, covered_95, replayed, scored_at, 7 from forecast_score where pass = 1",
            &["2 scores of pass 7 are stored and have no link"],
        ),
        (
            "insert into spread_score select run_id, place_id, horizon, signal_id, origin, target_end_date, truth_issued_at, null,
                    null, null, null, null, null, null, null, null, replayed, scored_at, 1 from forecast_score
              where pass = 1 and truth_issued_at < '2025-02-10'",
            &["scores of pass 1", "a row of spread_score was added: 0 linked, 1 stored"],
        ),
        ("delete from chain_link where seq = 5", &["link 5 is missing; the next that is there is link 6 (run run5"]),
        ("delete from chain_link where seq in (1, 2)", &["the links 1 to 2 are missing"]),
        ("delete from chain_link where seq = 8", &["run run6 is stored and has no link"]),
        (
            "delete from chain_link where seq = 8; delete from forecast_run where id = 'run6'",
            &["4 rows of forecast belong to run run6, which is not there"],
        ),
        (
            "insert into forecast_run select 'secret', model_id, model_version, signal_id, source_id, as_of, reference_date,
                    data_vintage, data_hash, source_hash, created_at from forecast_run where id = 'run1'",
            &["run secret is stored and has no link"],
        ),
        (
            "update chain_link set seq = 4000 where seq = 4; update chain_link set seq = 4 where seq = 5;
             update chain_link set seq = 5 where seq = 4000",
            &["link 4 (run run4", "the link itself was changed"],
        ),
        ("update chain_link set linked_at = '2025-01-01' where seq = 2", &["link 2 (run run2", "the link itself was changed"]),
        ("update chain_link set linked_at = 'infinity' where seq = 2", &["link 2 (run run2, linked at no time)"]),
        ("update chain_link set existing = true where seq = 6", &["link 6", "the link itself was changed"]),
        // The rules of the table itself can be dropped too.
        (
            "alter table chain_link drop constraint chain_link_is_counted;
             insert into forecast_run select 'secret', model_id, model_version, signal_id, source_id, as_of, reference_date,
                    data_vintage, data_hash, source_hash, created_at from forecast_run where id = 'run1';
             insert into chain_link select -5, kind, 'secret', pass, existing, parts, content, decode(repeat('01', 32), 'hex'),
                    linked_at, decode(repeat('02', 32), 'hex') from chain_link where seq = 1",
            &["link -5 (run secret", "stands where link 1 should"],
        ),
    ];
    for (sql, wanted) in cases {
        tampered(&pool, sql).await;
        let (code, text) = audit(&pool, &[]);
        assert_eq!(code, Some(1), "{sql}: {text}");
        assert!(text.starts_with("vigie: the chain does not hold: "), "{sql}: {text}");
        for word in *wanted {
            assert!(text.contains(word), "{sql}: {word}: {text}");
        }
        let (_, json) = audit(&pool, &["--json"]);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(text.contains(json["reason"].as_str().unwrap()), "{json}");
        let back = "delete from forecast_score; delete from spread_score; delete from forecast; delete from not_estimated; delete from forecast_run;
            delete from chain_link; delete from growth_estimate; delete from arrival; delete from deaths_relation; insert into deaths_relation table kept.d; insert into growth_estimate table kept.g;
            insert into arrival table kept.a; insert into forecast_run table kept.r; insert into forecast table kept.f;
            insert into forecast_score table kept.s; insert into chain_link table kept.l";
        tampered(&pool, back).await;
        assert_eq!(audit(&pool, &[]).0, Some(0), "as it was before {sql}");
    }
    // Whoever makes a link anew must make every later one anew.
    let reforged = "update chain_link set parts = replace(parts, 'forecast 4', 'forecast 5') where seq = 4";
    tampered(&pool, &format!("{reforged}; {}", forged("4").replace("seq >= 4", "seq = 4"))).await;
    tampered(&pool, "insert into forecast select run_id, place_id, 7, target_end_date, quantiles from forecast where run_id = 'run3' limit 1").await;
    let (code, text) = audit(&pool, &[]);
    assert!(code == Some(1) && text.contains("link 4 (run run3"), "{text}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn only_a_head_noted_elsewhere_shows_a_chain_that_was_made_anew(pool: PgPool) {
    let heads = prepared(&pool).await;
    // The last run and its link, gone together.
    let cut = "delete from forecast where run_id = 'run6'; delete from forecast_run where id = 'run6';
        delete from chain_link where run_id = 'run6'";
    tampered(&pool, cut).await;
    assert_eq!(audit(&pool, &[]).0, Some(0), "nothing in the database tells");
    assert_eq!(audit(&pool, &["--head", &heads[4]]).0, Some(0));
    let (code, text) = audit(&pool, &["--head", &heads[5]]);
    assert!(code == Some(1) && text.contains("cut or made anew"), "{text}");
    // A forecast in the middle, and every link from there on.
    let better = "update forecast set quantiles[12] = 11.5 where run_id = 'run4'";
    let line = "update chain_link set parts = regexp_replace(parts, 'forecast 4 [0-9a-f]+', (
        select 'forecast 4 ' || encode(sha256(string_agg(record_send(p), '')), 'hex')
          from (select run_id, place_id, horizon, target_end_date, quantiles from forecast where run_id = 'run4'
                 order by place_id collate \"C\", horizon) p)) where run_id = 'run4'";
    let one = FORGED.replace("seq >= FROM", "seq = FROM").replace("FROM", "5");
    tampered(&pool, &format!("{better}; {line}; {one}")).await;
    let (code, text) = audit(&pool, &[]);
    assert_eq!(code, Some(1));
    assert!(text.contains("link 6 (run run5") && text.contains("does not follow link 5 (run run4"), "{text}");
    tampered(&pool, &FORGED.replace("FROM", "5")).await;
    assert_eq!(audit(&pool, &[]).0, Some(0), "made anew to its end");
    assert_eq!(audit(&pool, &["--head", &heads[2]]).0, Some(0), "older than the forgery");
    assert_eq!(audit(&pool, &["--head", &heads[3]]).0, Some(1));
}

#[sqlx::test(migrations = false)]
async fn a_schema_without_a_chain_is_named(pool: PgPool) {
    let (code, text) = audit(&pool, &[]);
    assert!(code == Some(1) && text.contains("run `vigie migrate` first"), "{text}");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_audit_of_accounts_is_a_chain_of_its_own_in_the_same_answer(accounts: PgPool) {
    use serde_json::json;
    let own = address(&accounts);
    let mut tx = accounts.begin().await.unwrap();
    for action in ["account.disable", "account.enable", "role.grant"] {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        identity::audit::append(&mut tx, at, "a", action, "b", json!({})).await.unwrap();
    }
    tx.commit().await.unwrap();
    // The figures in another database, as it always is.
    let name = format!("figures_{}", std::process::id());
    for statement in [format!("drop database if exists {name}"), format!("create database {name}")] {
        sqlx::query(AssertSqlSafe(statement)).execute(&accounts).await.unwrap();
    }
    let options = accounts.connect_options().as_ref().clone().database(&name);
    let figures =
        sqlx::postgres::PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    store::MIGRATOR.run(&figures).await.unwrap();
    let both = [("DATABASE_URL", address(&figures)), ("VIGIE_AUDIT_DATABASE_URL", own.clone())];
    let both: Vec<(&str, &str)> = both.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let alone = [("VIGIE_AUDIT_DATABASE_URL", own.as_str())];

    let (code, text) = with(&both, &[]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        (code, lines.len(), lines[0]),
        (Some(0), 2, "0 links, 0 runs, 0 scores, head none yet"),
        "{text}"
    );
    assert!(lines[1].starts_with("accounts: whole up to entry 3, whose hash is "), "{text}");
    let (code, text) = with(&alone, &["--accounts-only"]);
    assert_eq!((code, text.lines().count(), text.trim()), (Some(0), 1, lines[1]));
    assert_eq!(with(&alone, &[]).0, Some(1), "without the figures' database it says so");
    assert_eq!(with(&both[..1], &["--accounts-only"]).0, Some(2));
    let (_, json) = with(&both, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["holds"], &json["accounts"]["holds"], &json["accounts"]["last"]),
        (&json!(true), &json!(true), &json!(3))
    );

    // A chain without its last entry fits: only what was noted of it elsewhere shows that it was cut.
    let head = json["accounts"]["hash"].as_str().unwrap();
    let noted = ["--accounts-only", "--accounts-head", head];
    assert_eq!(with(&alone, &noted).0, Some(0));
    sqlx::query("create table last as select * from audit where seq = 3").execute(&accounts).await.unwrap();
    tampered(&accounts, "delete from audit where seq = 3").await;
    assert_eq!(with(&alone, &noted[..1]).0, Some(0));
    let (code, text) = with(&alone, &noted);
    assert!(code == Some(1) && text.contains("accounts: the audit was cut or made anew"), "{text}");
    sqlx::query("insert into audit table last").execute(&accounts).await.unwrap();
    assert_eq!(with(&alone, &noted).0, Some(0));

    tampered(&accounts, "update audit set about = 'somebody else' where seq = 2").await;
    let (code, text) = with(&both, &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("0 links") && text.contains("accounts: the audit was changed: entry 2"), "{text}");
    let (code, text) = with(&alone, &["--accounts-only", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, json), (Some(1), json!({ "accounts": { "holds": false, "entry": 2 } })));
    figures.close().await;
    sqlx::query(AssertSqlSafe(format!("drop database {name}"))).execute(&accounts).await.unwrap();
}
