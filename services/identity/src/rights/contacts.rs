//! E-mail addresses that their holders proved. One query a function.

use super::Held;
use crate::pseudonyms::PersonKey;
use crate::random;
use chrono::{DateTime, Utc};
use icu::properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu::properties::{CodePointMapData, CodePointSetData};
use lettre::Address;
use lettre::message::Mailbox;
use sqlx::PgConnection;

/// An address, and what its holder wants.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Contact {
    /// Names it; opens nothing.
    pub id: String,
    /// The account that it belongs to.
    pub account_id: Option<String>,
    /// In small letters.
    pub email: String,
    /// The language of what is sent.
    pub language: String,
    /// Makes the pseudonym.
    pub key: PersonKey,
    /// When it was last proven.
    pub proven_at: DateTime<Utc>,
    /// Since when it is kept and not used.
    pub restricted_at: Option<DateTime<Utc>>,
    /// Since when its holder objects to its use.
    pub objected_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Contact {
    // Without the address.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Beside ASCII: none but letters, marks and digits of any script, as in names of users (RFC 8264, 4.2; a host of mail may take
/// more by RFC 6531), and none that nobody sees? Each of those would make a further address of the same mailbox, or one that looks
/// like somebody else's.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    let (groups, ignored) =
        (CodePointMapData::<GeneralCategory>::new(), CodePointSetData::new::<DefaultIgnorableCodePoint>());
    let named = GeneralCategoryGroup::Letter
        .union(GeneralCategoryGroup::Mark)
        .union(GeneralCategoryGroup::DecimalNumber);
    text.chars().all(|c| c.is_ascii() || (named.contains(groups.get(c)) && !ignored.contains(c)))
}

/// An address as it is kept and compared, if it can be one that a letter is written to.
#[must_use]
pub fn address(text: &str) -> Option<String> {
    if !is_visible(text.trim()) {
        return None;
    }
    let text = text.trim().to_lowercase();
    let one_line = text.len() <= 254 && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    let (_, domain) = text.rsplit_once('@')?;
    // As bare as it is kept, and as the letter's head has it.
    let is_one = text.parse::<Address>().is_ok() && text.parse::<Mailbox>().is_ok();
    (one_line && domain.contains('.') && is_one).then_some(text)
}

/// The contact of an address.
///
/// # Errors
/// When the database does not answer.
pub async fn of_email(conn: &mut PgConnection, email: &str) -> sqlx::Result<Option<Contact>> {
    sqlx::query_as("select * from contact where email = $1").bind(email).fetch_optional(conn).await
}

/// The contact of an account.
///
/// # Errors
/// When the database does not answer.
pub async fn of_account(conn: &mut PgConnection, account_id: &str) -> sqlx::Result<Option<Contact>> {
    sqlx::query_as("select * from contact where account_id = $1").bind(account_id).fetch_optional(conn).await
}

/// Holds a contact as an account is held. `false`: there is no such one any more.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn hold(conn: &mut PgConnection, id: &str, held: Held) -> sqlx::Result<bool> {
    let query = match held {
        Held::Alone => "select id from contact where id = $1 for update",
        Held::Together => "select id from contact where id = $1 for share",
    };
    Ok(sqlx::query(query).bind(id).fetch_optional(conn).await?.is_some())
}

/// Keeps an address that was just proven; one that is kept already stays what it is.
///
/// # Errors
/// When the database does not answer, or the system has no randomness.
pub async fn keep(
    conn: &mut PgConnection,
    email: &str,
    language: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<Contact> {
    let kept = sqlx::query_as(
        "insert into contact (id, email, language, key, proven_at) values ($1, $2, $3, $4, $5)
         on conflict (email) do update set proven_at = excluded.proven_at returning *",
    )
    .bind(random::word::<16>()?)
    .bind(email)
    .bind(language)
    .bind(PersonKey::new()?)
    .bind(now)
    .fetch_one(conn)
    .await?;
    Ok(kept)
}

/// Makes `email` the address of an account. `false`: it is kept for somebody else.
///
/// # Errors
/// When the database does not answer, or the system has no randomness.
pub async fn of_this_account(
    conn: &mut PgConnection,
    account_id: &str,
    email: &str,
    language: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let done = match of_account(&mut *conn, account_id).await? {
        Some(old) => {
            sqlx::query(
                "update contact set email = $2, proven_at = $3
                  where id = $1 and not exists (select 1 from contact where email = $2 and id <> $1)",
            )
            .bind(old.id)
            .bind(email)
            .bind(now)
            .execute(conn)
            .await?
        }
        None => {
            let contact = keep(&mut *conn, email, language, now).await?;
            sqlx::query("update contact set account_id = $2 where id = $1 and account_id is null")
                .bind(contact.id)
                .bind(account_id)
                .execute(conn)
                .await?
        }
    };
    Ok(done.rows_affected() > 0)
}

/// Another address for a contact without account; one of an account is its login's to change. `false`: it is such a one, or the
/// new address is kept for somebody else.
///
/// # Errors
/// When the database does not answer.
pub async fn change(
    conn: &mut PgConnection,
    old: &str,
    email: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update contact set email = $2, proven_at = $3
          where email = $1 and account_id is null and not exists (select 1 from contact where email = $2 and email <> $1)",
    )
    .bind(old)
    .bind(email)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The language of what is sent.
///
/// # Errors
/// When the database does not answer.
pub async fn speak(conn: &mut PgConnection, id: &str, language: &str) -> sqlx::Result<()> {
    let change = sqlx::query(
        "with a as (update alert set language = $2 where contact_id = $1) update contact set language = $2 where id = $1",
    );
    change.bind(id).bind(language).execute(conn).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each in the middle of a name, at its ends, and in a host.
    fn places(c: char) -> [String; 4] {
        ["a\u{1}da@vigie.test", "\u{1}ada@vigie.test", "ada\u{1}@vigie.test", "ada@vi\u{1}gie.test"]
            .map(|form| form.replace('\u{1}', &c.to_string()))
    }

    #[test]
    fn a_character_that_nobody_sees_is_of_no_address() {
        let unseen = "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{180b}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{202e}\u{2060}\u{2061}\
             \u{2066}\u{2800}\u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{fffd}\u{e0001}\u{e0020}\u{e0100}";
        // Not assigned, of private use, no character, spaces, ends of lines, a sign.
        let others = "\u{378}\u{e000}\u{ffff}\u{a0}\u{2003}\u{3000}\u{85}\u{2028}\u{3002}";
        for c in unseen.chars().chain(others.chars()) {
            // At its ends what is a space is none of the address: `trim` takes it away.
            for text in places(c).into_iter().filter(|text| text.trim() == text) {
                assert_eq!(address(&text), None, "{text:?}");
                assert!(!is_visible(&text), "{text:?}");
            }
        }
    }

    #[test]
    fn what_people_of_any_script_write_is_an_address() {
        for text in [
            "ada.o'hara+1@vigie.test",
            "rémi@bücher.test",
            "re\u{301}mi@vigie.test",
            "अदा@डाटा.भारत",
            "أدا@vigie.test",
            "李@例子.广告",
            "ＡＤＡ٣@vigie.test",
        ] {
            assert_eq!(address(text), Some(text.to_lowercase()));
            assert!(is_visible(text), "{text}");
        }
    }
}
