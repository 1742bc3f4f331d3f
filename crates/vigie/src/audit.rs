//! `vigie audit verify`: is everything that was forecast and scored still what was stored, and what was done with accounts still
//! what was written down? Two chains in two databases, each by its own name in the answer.

use crate::say;
use anyhow::Context as _;
use clap::Subcommand;
use kit::Secret;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use std::cmp::Ordering;
use store::chain::{self, Link, Subject};

/// `vigie audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compute every digest again: of the chain of forecasts and scores, and of the audit of accounts where its database is named
    Verify(Verify),
}

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// Connection URL of the figures' database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<Secret>,
    /// Connection URL of the accounts' database, as the role that writes the audit; without it that chain is not looked at
    #[arg(long, env = "VIGIE_AUDIT_DATABASE_URL", hide_env_values = true)]
    audit_database_url: Option<Secret>,
    /// Look at the audit of accounts alone: DATABASE_URL is not needed
    #[arg(long, requires = "audit_database_url", conflicts_with = "head")]
    accounts_only: bool,
    /// A digest that was the head of the chain once, as /api/forecast/v1/models gave it: is it still in the chain?
    #[arg(long, value_parser = sha256)]
    head: Option<String>,
    /// A hash that was the last one of the audit of accounts once, as this command printed it: is it still in that chain?
    #[arg(long, value_parser = identity::audit::noted, requires = "audit_database_url")]
    accounts_head: Option<String>,
    /// One JSON document instead of lines
    #[arg(long)]
    json: bool,
}

/// Links that are in memory at a time.
const PAGE: i64 = 500;

/// What holds.
#[derive(Debug, Default)]
struct Holds {
    links: i64,
    runs: u64,
    scores: u64,
    existing: u64,
    head: Option<Link>,
    noted: Option<Link>,
}

/// `Err`: the sentence that says what does not hold.
type Checked<T> = Result<T, String>;

fn sha256(text: &str) -> Result<String, String> {
    let text = text.trim().to_ascii_lowercase();
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err("a digest is 64 hexadecimal digits".to_owned())
}

/// Does it; 1 when something does not hold.
pub(crate) async fn run(command: &Command) -> anyhow::Result<u8> {
    let Command::Verify(args) = command;
    let accounts = match args.audit_database_url.as_ref().map(Secret::as_str).filter(|url| !url.is_empty()) {
        Some(url) => {
            Some(accounts(url, args.accounts_head.as_deref()).await.context("the audit of accounts")?)
        }
        None => None,
    };
    let found = if args.accounts_only { None } else { Some(figures(args).await?) };
    if args.json {
        let mut whole = found.as_ref().map_or_else(|| json!({}), document);
        if let Some(accounts) = &accounts {
            whole["accounts"] = accounts.document();
        }
        say::line(&serde_json::to_string_pretty(&whole)?);
    } else {
        match &found {
            Some(Ok(holds)) => lines(holds).iter().for_each(|text| say::line(text)),
            Some(Err(broken)) => say::error(&format!("the chain does not hold: {broken}")),
            None => {}
        }
        match &accounts {
            Some(Audit::Whole(entries, hash)) => {
                say::line(&format!("accounts: whole up to entry {entries}, whose hash is {hash}"))
            }
            Some(Audit::Broken(entry)) => say::error(&format!(
                "accounts: the audit was changed: entry {entry} does not fit to the one before it"
            )),
            Some(Audit::Cut(last)) => say::error(&format!("accounts: {}", identity::audit::cut(*last))),
            None => {}
        }
    }
    let broken = matches!(found, Some(Err(_))) || matches!(accounts, Some(Audit::Broken(_) | Audit::Cut(_)));
    Ok(u8::from(broken))
}

/// The chain of forecasts and scores.
async fn figures(args: &Verify) -> anyhow::Result<Checked<Holds>> {
    let url = args.database_url.as_ref().map(Secret::as_str).filter(|url| !url.is_empty());
    let url = url.context(
        "DATABASE_URL is not set: it names the database of the figures (--accounts-only needs none)",
    )?;
    let pool = crate::connect(url, 1).await?;
    if !store::schema_is_current(&pool).await? {
        anyhow::bail!("the schema is older than this program: run `vigie migrate` first");
    }
    let mut conn = pool.acquire().await?;
    verify(&mut conn, args.head.as_deref()).await.context("the chain cannot be read")
}

/// What a look at the audit of accounts found.
enum Audit {
    /// The last entry and its hash.
    Whole(i64, String),
    /// The first entry that does not fit.
    Broken(i64),
    /// The last entry of a chain that does not hold what was noted of it.
    Cut(i64),
}

impl Audit {
    fn document(&self) -> serde_json::Value {
        match self {
            Self::Whole(entry, hash) => json!({ "holds": true, "last": entry, "hash": hash }),
            Self::Broken(entry) => json!({ "holds": false, "entry": entry }),
            Self::Cut(last) => json!({ "holds": false, "last": last, "reason": identity::audit::cut(*last) }),
        }
    }
}

async fn accounts(url: &str, noted: Option<&str>) -> anyhow::Result<Audit> {
    let pool = store::connect(url, 1).await.context("VIGIE_AUDIT_DATABASE_URL")?;
    Ok(match identity::audit::verify(&pool, noted).await? {
        identity::audit::Verdict::Whole(last, hash) => Audit::Whole(last, chain::hex(&hash)),
        identity::audit::Verdict::Broken(entry) => Audit::Broken(entry),
        identity::audit::Verdict::Cut(last) => Audit::Cut(last),
    })
}

/// Everything as of one moment, however long it takes; what is stored meanwhile waits for nothing.
async fn verify(conn: &mut PgConnection, noted: Option<&str>) -> sqlx::Result<Checked<Holds>> {
    let mut tx = conn.begin_with("begin isolation level repeatable read read only").await?;
    let mut holds = Holds::default();
    // Not from 0: a link that is numbered below it would be seen by nobody.
    let mut last = i64::MIN;
    loop {
        let links = chain::after(&mut tx, last, PAGE).await?;
        if links.is_empty() {
            break;
        }
        for link in links {
            if let Err(broken) = follows(&link, holds.head.as_ref()) {
                return Ok(Err(broken));
            }
            let Some(subject) = link.subject() else {
                return Ok(Err(format!("link {} is of no run and of no scores", link.seq)));
            };
            let stored = chain::parts(&mut tx, subject).await?;
            if let Some(differs) = difference(&link.parts, &stored) {
                return Ok(Err(format!("{}: {differs}", name(&link))));
            }
            (holds.links, last) = (link.seq, link.seq);
            holds.existing += u64::from(link.existing);
            match subject {
                Subject::Run(_) => holds.runs += 1,
                Subject::Scores(_) => {
                    holds.scores += chain::SCORE_TABLES.iter().map(|t| rows(&link.parts, t)).sum::<u64>();
                }
            }
            if noted.is_some_and(|noted| noted == chain::hex(&link.digest)) {
                holds.noted = Some(link.clone());
            }
            holds.head = Some(link);
        }
    }
    let beside = beside(&mut tx, holds.links).await?;
    tx.rollback().await?;
    Ok(match (beside, noted) {
        (Some(broken), _) => Err(broken),
        (None, Some(noted)) if holds.noted.is_none() => Err(format!(
            "no link has the digest {noted}: it was never the head of this chain, or the chain was cut or made anew since"
        )),
        _ => Ok(holds),
    })
}

/// Is the link the one that comes after `before`, and what it was?
fn follows(link: &Link, before: Option<&Link>) -> Checked<()> {
    let wanted = before.map_or(1, |b| b.seq + 1);
    if link.seq < wanted {
        return Err(format!("{} stands where link {wanted} should: it was slipped in", name(link)));
    }
    if link.seq > wanted {
        let gone = if link.seq == wanted + 1 {
            format!("link {wanted} is missing")
        } else {
            format!("the links {wanted} to {} are missing", link.seq - 1)
        };
        return Err(format!("{gone}; the next that is there is {}", name(link)));
    }
    if chain::digest(&link.bytes) != link.digest {
        return Err(format!(
            "{}: the link itself was changed, its digest is that of other words",
            name(link)
        ));
    }
    if link.previous != before.map_or_else(|| vec![0; 32], |b| b.digest.clone()) {
        let before = before.map_or_else(|| "the beginning".to_owned(), name);
        return Err(format!(
            "{} does not follow {before}: one of them was replaced, or links were swapped",
            name(link)
        ));
    }
    if chain::digest(link.parts.as_bytes()) != link.content {
        return Err(format!("{}: its digest of the content is that of another content", name(link)));
    }
    Ok(())
}

/// `link 17 (run 4f0c…, 2025-02-21 …)`.
fn name(link: &Link) -> String {
    let when = link.linked_at.as_deref().unwrap_or("at no time");
    match link.subject() {
        Some(Subject::Run(id)) => format!("link {} (run {id}, linked {when})", link.seq),
        Some(Subject::Scores(pass)) => format!("link {} (scores of pass {pass}, linked {when})", link.seq),
        None => format!("link {} (linked {when})", link.seq),
    }
}

/// How many rows of a table a link counts.
fn rows(parts: &str, table: &str) -> u64 {
    let of = |line: &str| line.strip_prefix(table)?.split_whitespace().next()?.parse().ok();
    parts.lines().find_map(of).unwrap_or(0)
}

/// The first table whose rows are not what was linked, in words.
fn difference(linked: &str, stored: &str) -> Option<String> {
    if linked == stored {
        return None;
    }
    for line in stored.lines() {
        if linked.lines().any(|l| l == line) {
            continue;
        }
        let table = line.split(' ').next().unwrap_or(line);
        let (was, is) = (rows(linked, table), rows(stored, table));
        return Some(match was.cmp(&is) {
            _ if table == "forecast_run" && is == 0 => "the run was deleted".to_owned(),
            Ordering::Greater => format!("a row of {table} is missing: {was} linked, {is} stored"),
            Ordering::Less => format!("a row of {table} was added: {was} linked, {is} stored"),
            Ordering::Equal => format!("a value of {table} was changed ({is} rows, as many as were linked)"),
        });
    }
    // A table that has no row and no line any more.
    let mut tables = linked.lines().filter_map(|line| line.split(' ').next());
    let gone = tables.find(|table| rows(linked, table) > 0 && rows(stored, table) == 0);
    Some(gone.map_or_else(
        || "the link speaks of other tables than a link of its kind".to_owned(),
        |table| format!("a row of {table} is missing: {} linked, 0 stored", rows(linked, table)),
    ))
}

/// What no link speaks of.
async fn beside(conn: &mut PgConnection, links: i64) -> sqlx::Result<Option<String>> {
    let stored = chain::count(&mut *conn).await?;
    if stored != links {
        return Ok(Some(format!(
            "{stored} links are stored, and the chain has {links}: two have the same number"
        )));
    }
    let (run, scores) = chain::unlinked(&mut *conn).await?;
    if let Some(id) = run {
        return Ok(Some(format!("run {id} is stored and has no link")));
    }
    if let Some((pass, count)) = scores {
        return Ok(Some(format!("{count} scores of pass {pass} are stored and have no link")));
    }
    let orphan = chain::orphan(conn).await?;
    Ok(orphan.map(|(table, run, count)| {
        format!("{count} rows of {table} belong to run {run}, which is not there and has no link")
    }))
}

fn lines(holds: &Holds) -> Vec<String> {
    let head = holds.head.as_ref().map_or_else(|| "none yet".to_owned(), |h| chain::hex(&h.digest));
    let mut all =
        vec![format!("{} links, {} runs, {} scores, head {head}", holds.links, holds.runs, holds.scores)];
    if holds.existing > 0 {
        all.push(format!(
            "{} of the links are of what was stored before there was a chain: they hold since they were linked",
            holds.existing
        ));
    }
    if let Some(noted) = &holds.noted {
        all.push(format!(
            "the head noted earlier is {}; {} links since",
            name(noted),
            holds.links - noted.seq
        ));
    }
    all
}

fn document(found: &Checked<Holds>) -> serde_json::Value {
    match found {
        Ok(holds) => json!({
            "holds": true, "links": holds.links, "runs": holds.runs, "scores": holds.scores, "existing": holds.existing,
            "head": holds.head.as_ref().map(|h| chain::hex(&h.digest)),
            "noted": holds.noted.as_ref().map(|n| n.seq),
        }),
        Err(broken) => json!({ "holds": false, "reason": broken }),
    }
}
