//! Those who run the installation, from the machine itself.

use crate::{Reset, known};
use anyhow::{Context as _, bail};
use identity::passkeys::{self, Told, recovery};
use identity::rights::list;
use identity::{Options, Time, audit};
use kit::{App, Clock};
use serde_json::json;
use sqlx::PgPool;
use std::io::Write as _;
use std::path::PathBuf;

/// Resets, writes it down, and tells the owner. What was reset stays so when no letter can be sent: whoever lost a device cannot
/// wait for a mail server; but it is said.
pub(crate) async fn reset(reset: Reset) -> anyhow::Result<()> {
    let Reset { of } = reset;
    kit::server::telemetry_of_a_command();
    let pool = store::connect(of.database.database_url.as_str(), 1).await.context("DATABASE_URL")?;
    let own = of.trail.own()?;
    let (id, now) = (of.account.as_str(), Time::default().now());
    let mut tx = pool.begin().await?;
    let account = known(&mut tx, id).await?;
    let mut ended = recovery::of_account(&mut tx, id).await?;
    ended.extend(passkeys::of_account(&mut tx, id).await?.into_iter().map(|key| key.id));
    let gone = passkeys::forget_all(&mut tx, id, now).await?;
    if gone == passkeys::Forgotten::default() {
        bail!(
            "nothing was changed: account {id} has no passkey, no recovery code and no session; its owner logs in and registers one"
        );
    }
    audit::write(&mut tx, own.as_ref(), now, "command", "passkey.reset", &account.pseudonym(), json!(gone))
        .await?;
    if let Some(path) = of.list() {
        list::ended(path, &ended)?;
    }
    tx.commit().await?;
    let passkeys::Forgotten { passkeys, codes, sessions } = gone;
    let mut out = std::io::stdout();
    writeln!(out, "{passkeys} passkeys and {codes} recovery codes removed, {sessions} sessions ended")?;
    let why = match tell(pool, id).await {
        Ok(Told::Sent) => return Ok(writeln!(out, "its owner was written to")?),
        Ok(Told::NoAddress) => "no address of its owner is known".to_owned(),
        Ok(Told::NoMail) => "VIGIE_SMTP is not set".to_owned(),
        Ok(Told::Failed(error)) => error.to_string(),
        Err(error) => format!("{error:#}"),
    };
    writeln!(out, "no letter was sent ({why}): tell its owner in another way")?;
    Ok(())
}

/// With the settings of the service.
async fn tell(db: PgPool, account: &str) -> anyhow::Result<Told> {
    let options = Options::from_env()?;
    let profile = kit::config::var("VIGIE_PROFILE", PathBuf::from("/etc/vigie/profile.toml"))?;
    let app = App {
        db,
        profile: kit::config::profile(profile)?.into(),
        clock: Clock::Real,
        public_url: kit::config::var("VIGIE_PUBLIC_URL", "http://127.0.0.1:8080".to_owned())?.into(),
    };
    passkeys::tell_of_reset(app, options, Time::default(), account).await
}
