//! Recovery codes: shown once, hashed at rest, each used once.

use crate::random;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// How many one gets.
pub const COUNT: usize = 10;
/// Crockford's letters: none is taken for another one.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a code: 5 bits each.
const LENGTH: usize = 20;

/// A code as it is hashed: without what was put between its letters, and with the letters that were meant.
fn plain(code: &str) -> String {
    let letters = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase());
    letters
        .map(|c| match c {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

/// One code of 100 random bits: `4K7QW-…`, four groups of five.
fn code() -> anyhow::Result<String> {
    let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte % 32)]);
    let letters: Vec<char> = random::bytes::<LENGTH>()?.iter().map(letter).collect();
    let groups: Vec<String> = letters.chunks(5).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}

/// Makes new codes; the older ones work no more. They are stored nowhere.
///
/// # Errors
/// When the database does not answer, or the system has no randomness.
pub async fn make(conn: &mut PgConnection, account: &str, now: DateTime<Utc>) -> anyhow::Result<Vec<String>> {
    let codes = (0..COUNT).map(|_| code()).collect::<anyhow::Result<Vec<_>>>()?;
    let hashes: Vec<Vec<u8>> = codes.iter().map(|c| random::hash(&plain(c))).collect();
    sqlx::query("delete from recovery_code where account_id = $1").bind(account).execute(&mut *conn).await?;
    sqlx::query("insert into recovery_code (code_hash, account_id, made_at) select h, $2, $3 from unnest($1::bytea[]) h")
        .bind(hashes)
        .bind(account)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(codes)
}

/// Uses a code up. `false`: it is none of this account, or was used.
///
/// # Errors
/// When the database does not answer.
pub async fn take(conn: &mut PgConnection, account: &str, code: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("delete from recovery_code where code_hash = $1 and account_id = $2")
        .bind(random::hash(&plain(code)))
        .bind(account)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// What names a code in the list of erasures: its hash, in hexadecimal digits.
#[must_use]
pub fn id(code: &str) -> String {
    store::chain::hex(&random::hash(&plain(code)))
}

/// The same of all codes that an account has.
///
/// # Errors
/// When the database does not answer.
pub async fn of_account(conn: &mut PgConnection, account: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("select encode(code_hash, 'hex') from recovery_code where account_id = $1")
        .bind(account)
        .fetch_all(conn)
        .await
}

/// Account and id of every code.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn all(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as("select account_id, encode(code_hash, 'hex') from recovery_code").fetch_all(conn).await
}

/// Removes the code with this id.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn forget(conn: &mut PgConnection, id: &str) -> sqlx::Result<()> {
    let gone = sqlx::query("delete from recovery_code where code_hash = decode($1, 'hex')").bind(id);
    gone.execute(conn).await.map(drop)
}

/// How many codes an account has left.
///
/// # Errors
/// When the database does not answer.
pub async fn left(conn: &mut PgConnection, account: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("select count(*) from recovery_code where account_id = $1")
        .bind(account)
        .fetch_one(conn)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_a_hundred_bits_and_is_read_as_people_write_it() {
        let one = code().unwrap();
        let letters = plain(&one);
        assert_eq!((one.len(), letters.len()), (23, LENGTH), "{one}");
        assert!(LENGTH * 5 >= 80 && letters.bytes().all(|b| LETTERS.contains(&b)));
        assert_ne!(one, code().unwrap());
        assert_eq!(plain(&one.to_lowercase().replace('-', " ")), letters);
        assert_eq!(plain("o-i-l"), "011");
    }

    proptest::proptest! {
        #[test]
        fn no_text_falls_over_as_a_code_and_what_is_hashed_of_it_is_the_same_said_twice(text in ".*") {
            let once = plain(&text);
            assert_eq!(plain(&once), once);
            assert!(once.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()));
        }
    }
}
