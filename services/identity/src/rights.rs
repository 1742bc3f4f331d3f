//! The rights of persons: to see what is kept about them, to take it along, to correct it, to have it kept and not used, to
//! object, to take a consent back, to be erased. Each by their own hand, each with a receipt.

pub mod again;
pub mod consents;
pub mod contacts;
pub mod erase;
pub mod export;
pub mod list;
pub mod proofs;
pub mod receipts;
pub mod register;
pub mod requests;
pub mod retention;

use crate::accounts::{self, Account};
use contacts::Contact;
use sqlx::PgConnection;

/// Somebody who proved who they are: by a login, or by an e-mail address. An address shows what hangs on the address; an
/// account needs its login, which is the stronger proof.
#[derive(Clone, Default)]
pub struct Person {
    /// The account that is logged in.
    pub account: Option<Account>,
    /// The address that is kept.
    pub contact: Option<Contact>,
    /// The address that was proven, kept or not.
    proven: Option<String>,
}

impl std::fmt::Debug for Person {
    // Without the address.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Person {
    /// Whoever holds the account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of_account(conn: &mut PgConnection, id: &str) -> sqlx::Result<Self> {
        let account = accounts::named(&mut *conn, id).await?;
        let contact = contacts::of_account(conn, id).await?;
        Ok(Self { account, contact, proven: None })
    }

    /// Whoever holds the address.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of_email(conn: &mut PgConnection, email: &str) -> sqlx::Result<Self> {
        let contact = contacts::of_email(conn, email).await?;
        Ok(Self { account: None, contact, proven: Some(email.to_owned()) })
    }

    /// Is anything kept?
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.account.is_some() || self.contact.is_some()
    }

    /// Their address, as far as it is known.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.contact.as_ref().map(|c| c.email.as_str()).or(self.proven.as_deref())
    }

    /// What audit, requests and consents call them: the first one is used from now on.
    #[must_use]
    pub fn pseudonyms(&self) -> Vec<String> {
        let account = self.account.iter().map(Account::pseudonym);
        account.chain(self.contact.iter().map(|c| c.key.pseudonym())).collect()
    }

    /// The random numbers of what is kept: of the account, of the address.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let account = self.account.iter().map(|a| &a.id);
        account.chain(self.contact.iter().map(|c| &c.id)).cloned().collect()
    }

    /// Holds their rows until the transaction of `conn` ends, so that no erasure and nothing that is written about them go past one
    /// another. `false`: something of them was erased meanwhile.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn held(&self, conn: &mut PgConnection, held: Held) -> sqlx::Result<bool> {
        let mut all = true;
        if let Some(account) = &self.account {
            all &= accounts::hold(&mut *conn, &account.id, held).await?;
        }
        if let Some(contact) = &self.contact {
            all &= contacts::hold(conn, &contact.id, held).await?;
        }
        Ok(all)
    }

    /// Did they ask that it is kept and not used?
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        let of = |a: Option<_>, c: Option<_>| a.is_some() || c.is_some();
        of(
            self.account.as_ref().and_then(|a| a.restricted_at),
            self.contact.as_ref().and_then(|c| c.restricted_at),
        )
    }

    /// Do they object to its use?
    #[must_use]
    pub fn is_objecting(&self) -> bool {
        let of = |a: Option<_>, c: Option<_>| a.is_some() || c.is_some();
        of(
            self.account.as_ref().and_then(|a| a.objected_at),
            self.contact.as_ref().and_then(|c| c.objected_at),
        )
    }
}

/// What somebody's rows are held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// By nobody else.
    Alone,
    /// By whoever writes too, and by nobody alone.
    Together,
}

/// One of the two ways to stop the use of what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// Kept, and not used (art. 18 of the GDPR).
    Restriction,
    /// An objection (art. 21).
    Objection,
}

impl Halt {
    /// Its word in addresses, requests and the list of erasures.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Restriction => "restriction",
            Self::Objection => "objection",
        }
    }

    /// Sets or lifts it for an id: of an account, of an address. The key of the pseudonym comes back.
    fn changes(self) -> [&'static str; 2] {
        match self {
            Self::Restriction => [
                "update account set restricted_at = $2 where id = $1 returning key",
                "update contact set restricted_at = $2 where id = $1 returning key",
            ],
            Self::Objection => [
                "update account set objected_at = $2 where id = $1 returning key",
                "update contact set objected_at = $2 where id = $1 returning key",
            ],
        }
    }

    /// Ids for which it does not stand: of accounts, of addresses.
    fn without(self) -> [&'static str; 2] {
        match self {
            Self::Restriction => [
                "select id from account where restricted_at is null",
                "select id from contact where restricted_at is null",
            ],
            Self::Objection => [
                "select id from account where objected_at is null",
                "select id from contact where objected_at is null",
            ],
        }
    }
}

/// Sets or lifts a halt on everything of somebody.
///
/// # Errors
/// When the database does not answer.
pub async fn halt(
    conn: &mut PgConnection,
    person: &Person,
    halt: Halt,
    since: Option<chrono::DateTime<chrono::Utc>>,
) -> sqlx::Result<()> {
    let [of_account, of_contact] = halt.changes();
    if let Some(account) = &person.account {
        sqlx::query(of_account).bind(&account.id).bind(since).execute(&mut *conn).await?;
    }
    if let Some(contact) = &person.contact {
        sqlx::query(of_contact).bind(&contact.id).bind(since).execute(conn).await?;
    }
    Ok(())
}
