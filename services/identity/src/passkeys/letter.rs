//! What the owner of an account is told of their passkeys.

use crate::here::Site;
use crate::mailer::{Letter, MailError};
use crate::options::Options;
use crate::rights::contacts;
use crate::time::Time;
use kit::App;
use sqlx::PgConnection;

/// What the owner of an account is told, where an address is known: `what` is a word of the locale files. It is posted when what it
/// tells is in the database.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn letter(
    site: &Site,
    conn: &mut PgConnection,
    account: &str,
    what: &str,
) -> sqlx::Result<Option<Letter>> {
    let Some(contact) = contacts::of_account(conn, account).await? else { return Ok(None) };
    let Some(lang) = site.by_code(&contact.language).or_else(|| site.langs.first()) else { return Ok(None) };
    let happened = lang.f(format!("mail.passkeys.{what}"), "when", &lang.formats.moment(site.time.now()));
    let end = lang.f("mail.passkeys.end", "link", &site.link("/account/passkeys"));
    let subject = lang.t("mail.passkeys.subject");
    Ok(Some(Letter { to: contact.email, subject, text: happened + &end, stop: None }))
}

/// Whether somebody was told.
#[derive(Debug)]
pub enum Told {
    /// The mail server took the letter.
    Sent,
    /// No address of theirs is known.
    NoAddress,
    /// No mail is set up.
    NoMail,
    /// The letter was not taken.
    Failed(MailError),
}

/// Tells the owner of `account` that their passkeys were reset, and waits for the mail server: for a command, which ends after it.
///
/// # Errors
/// When the settings cannot be used or the database does not answer.
pub async fn tell_of_reset(app: App, options: Options, time: Time, account: &str) -> anyhow::Result<Told> {
    let site = Site::new(app, options, time)?;
    let mut conn = site.app.db.acquire().await?;
    let Some(letter) = letter(&site, &mut conn, account, "reset").await? else { return Ok(Told::NoAddress) };
    let Some(mailer) = &site.mailer else { return Ok(Told::NoMail) };
    Ok(match mailer.send(&letter).await {
        Ok(()) => Told::Sent,
        Err(error) => Told::Failed(error),
    })
}
