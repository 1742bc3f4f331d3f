//! Passkeys (WebAuthn) of those who run an installation: a role alone allows nothing that an operator does, a passkey
//! used a short while ago is wanted beside it. The ceremonies are those of the `webauthn-rs` crate (decision 0016).

pub mod challenges;
mod letter;
pub mod recovery;
mod relying_party;
mod rows;

pub(crate) use letter::letter;
pub use letter::{Told, tell_of_reset};
pub(crate) use relying_party::{Failure, RelyingParty};
pub use rows::{Forgotten, Passkey, add, forget_all, of_account, remove, rename};
pub(crate) use rows::{Use, credentials, refuse, refuse_by_id, used};
