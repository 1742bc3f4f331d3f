//! How often somebody may try to log in: by network, as a key of [`kit::network`], and by account. In memory only; each
//! replica counts for itself.

use axum::http::HeaderMap;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use icu::normalizer::ComposingNormalizerBorrowed;
use kit::Problem;
use kit::network::{Key, Networks};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// Steps of a login (each has two) a minute and network: an office behind one address logs in, a guesser does not get far.
const PER_NETWORK: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// Logins an hour and account: every one makes a session.
const PER_ACCOUNT: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Recovery codes an hour and account. Counted apart: whoever found a browser open and guesses codes there takes no login from the
/// owner, who ends that session with one.
const CODES: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// Links an hour and e-mail address, of those that open one's rights and of all others: nobody's mailbox is filled from here. Who uses
/// up somebody's first kind has sent them links that open their rights; with one count for both, a stranger who has five alerts
/// confirmed there would keep them from their rights.
const PER_ADDRESS: NonZeroU32 = NonZeroU32::new(5).unwrap();
/// … and network, whatever the addresses: nobody writes to a town by our hand, and a school may still choose its alerts.
const LETTERS: NonZeroU32 = NonZeroU32::new(120).unwrap();

/// What one person may have done under the rights of persons, an hour: each makes a row, and some wait for people.
const PER_PERSON: NonZeroU32 = NonZeroU32::new(120).unwrap();

/// The counts.
#[derive(Debug)]
pub(crate) struct Throttle {
    names: Networks,
    networks: DefaultKeyedRateLimiter<Key>,
    accounts: DefaultKeyedRateLimiter<String>,
    codes: DefaultKeyedRateLimiter<String>,
    addresses: DefaultKeyedRateLimiter<(bool, Vec<u8>)>,
    letters: DefaultKeyedRateLimiter<Key>,
    persons: DefaultKeyedRateLimiter<Vec<u8>>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            names: Networks::default(),
            networks: RateLimiter::keyed(Quota::per_minute(PER_NETWORK)),
            accounts: RateLimiter::keyed(Quota::per_hour(PER_ACCOUNT)),
            codes: RateLimiter::keyed(Quota::per_hour(CODES)),
            addresses: RateLimiter::keyed(Quota::per_hour(PER_ADDRESS)),
            letters: RateLimiter::keyed(Quota::per_hour(LETTERS)),
            persons: RateLimiter::keyed(Quota::per_hour(PER_PERSON)),
        }
    }
}

impl Throttle {
    /// Counts a step of a login from this network.
    ///
    /// # Errors
    /// [`Problem::TooMany`].
    pub(crate) fn network(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Result<(), Problem> {
        take(&self.networks, &self.names.key(peer, headers))
    }

    /// Counts a login of this account.
    ///
    /// # Errors
    /// [`Problem::TooMany`].
    pub(crate) fn account(&self, id: &str) -> Result<(), Problem> {
        take(&self.accounts, &id.to_owned())
    }

    /// Counts a recovery code that was tried for this account.
    ///
    /// # Errors
    /// [`Problem::TooMany`].
    pub(crate) fn code(&self, id: &str) -> Result<(), Problem> {
        take(&self.codes, &id.to_owned())
    }

    /// Counts a link that somebody of this network has sent to this address, known here or not; `rights`: it opens what is kept
    /// about the address.
    ///
    /// # Errors
    /// [`Problem::TooMany`].
    pub(crate) fn letter(
        &self,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
        email: &str,
        rights: bool,
    ) -> Result<(), Problem> {
        // The network first: whoever has no letters left takes none from others.
        take(&self.letters, &self.names.key(peer, headers))?;
        take(&self.addresses, &(rights, crate::random::hash(&mailbox(email))))
    }

    /// Counts a request of somebody, by their pseudonym or, where nothing is kept of them, their address.
    ///
    /// # Errors
    /// [`Problem::TooMany`].
    pub(crate) fn person(&self, name: &str) -> Result<(), Problem> {
        take(&self.persons, &crate::random::hash(name))
    }

    /// Forgets the counts that are full again.
    pub(crate) fn sweep(&self) {
        self.networks.retain_recent();
        self.accounts.retain_recent();
        self.codes.retain_recent();
        self.addresses.retain_recent();
        self.letters.retain_recent();
        self.persons.retain_recent();
    }
}

/// The mailbox behind an address, as far as can be told from outside: each further name of it would have five letters of its own.
/// What stands after a plus sign, anybody may choose (RFC 5233); quotes and backslashes are not part of a name (RFC 5321, 4.1.2);
/// a host is one however it is written (UTS 46), and [`TWICE`] whichever of its names it goes by; a letter is one however it is
/// composed (RFC 6532, 3.1). Dots are part of a name but at [`DOTLESS`]: elsewhere they make another mailbox, and who asks for
/// letters there takes none from this one. It is counted by and kept nowhere: no row depends on it.
fn mailbox(email: &str) -> String {
    let Some((name, host)) = email.rsplit_once('@') else { return email.to_owned() };
    let host = url::Host::parse(host).map_or_else(|_| host.to_owned(), |host| host.to_string());
    let host = TWICE.iter().find(|(other, _)| *other == host).map_or(host.as_str(), |(_, host)| host);
    let dotless = DOTLESS.contains(&host);
    let whole: String = ComposingNormalizerBorrowed::new_nfc()
        .normalize(name)
        .chars()
        .filter(|c| match c {
            '"' | '\\' => false,
            '.' => !dotless,
            _ => true,
        })
        .collect();
    let plain = match whole.split('+').next() {
        Some(plain) if !plain.is_empty() => plain,
        _ => whole.as_str(),
    };
    format!("{plain}@{host}")
}

/// Hosts of mail where dots in a name mean nothing.
const DOTLESS: [&str; 1] = ["gmail.com"];
/// Second names of hosts of mail, and the first ones: each mailbox has both.
const TWICE: [(&str, &str); 1] = [("googlemail.com", "gmail.com")];

fn take<K: Hash + Eq + Clone>(counts: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), Problem> {
    counts.check_key(key).map_err(|until| Problem::TooMany {
        seconds: until.wait_time_from(DefaultClock::default().now()).as_secs() + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_mailbox_is_filled_whatever_name_it_is_given() {
        let (throttle, headers) = (Throttle::default(), HeaderMap::new());
        let send = |email: &str| throttle.letter(None, &headers, email, false).is_ok();
        assert_eq!((0..20).filter(|n| send(&format!("ada+{n}@vigie.test"))).count(), 5);
        assert!(!send("ada@vigie.test"));
        assert!(send("bob@vigie.test") && send("+a@vigie.test"));
        let names = |names: &[&str]| names.iter().filter(|name| send(name)).count();
        let of_one = [
            "eve@bücher.test",
            "eve@xn--bcher-kva.test",
            "eve@ＢÜＣＨＥＲ.test",
            "\"eve\"@bücher.test",
            "\"e\\ve\"@bücher.test",
            "\"eve+1\"@bücher.test",
            "\"\\e\\v\\e\"@bücher.test",
            "eve+2@xn--bcher-kva.test",
        ];
        for name in of_one {
            assert!(crate::rights::contacts::address(name).is_some(), "{name} is an address");
        }
        assert_eq!(names(&of_one), 5);
        assert_eq!(names(&["e.v.e@bücher.test", "ev.e@bücher.test"]), 2, "another mailbox");
        assert_eq!(names(&["f.a.y@gmail.com"; 4]) + names(&["fay@gmail.com", "f.ay@Gmail.com"]), 5);
        assert_eq!(
            names(&["g.u.y@gmail.com"; 3]) + names(&["guy+1@googlemail.com"; 3]),
            5,
            "one host, two names"
        );
        let composed = ["r\u{e9}mi@vigie.test", "re\u{301}mi@vigie.test"];
        assert_eq!(names(&composed.repeat(3)), 5, "one letter, written in two ways");
    }

    #[test]
    fn no_stranger_uses_up_the_links_by_which_somebody_comes_to_their_rights() {
        let (throttle, headers) = (Throttle::default(), HeaderMap::new());
        let send = |rights| throttle.letter(None, &headers, "ada@vigie.test", rights).is_ok();
        assert_eq!((0..20).filter(|_| send(false)).count(), 5);
        assert_eq!((0..20).filter(|_| send(true)).count(), 5);
    }

    #[test]
    fn nobody_writes_to_a_whole_town_and_their_neighbours_are_not_hindered() {
        let (throttle, headers) = (Throttle::default(), HeaderMap::new());
        let peer = |last| Some(IpAddr::from([203, 0, 113, last]));
        let send =
            |from, n: usize| throttle.letter(peer(from), &headers, &format!("{n}@vigie.test"), true).is_ok();
        assert_eq!((0..500).filter(|n| send(1, *n)).count(), 120);
        assert!(!send(1, 501) && send(2, 502));
    }
}
