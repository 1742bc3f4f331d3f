//! A key on its way in: found where it must not be, counted, checked with every request, and forgotten.

use super::ask::Asker;
use super::{format, hash};
use crate::Problem;
use crate::rate::{self, Limiter, NETWORK};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A key that stood within this time is no question of its network: who guesses has only so many of those.
const KNOWN: Duration = Duration::from_secs(60);
/// Keys of which that is remembered: a bound for the memory.
const MOST: usize = 10_000;
/// When to ask again while `identity` is away.
const LATER: u64 = 5;

/// How a service takes keys.
#[derive(Debug, Clone)]
pub struct Keyed {
    /// The country, as keys name it.
    pub country: String,
    /// Where a key is revoked: what somebody reads whose key stood in an address.
    pub revoke_at: String,
    /// How often a network without a key may ask in a minute; 0: as often as it likes, and a key too.
    pub per_network: u32,
    /// How often a key may.
    pub per_key: u32,
    /// How often all keys of one owner may together: a further key, or the next one, gives nobody more.
    pub per_owner: u32,
    /// Whom to ask; `None`: no key can be checked here, and each is answered with 503.
    pub asker: Option<Arc<Asker>>,
}

struct Desk {
    keyed: Keyed,
    networks: Option<Arc<Limiter>>,
    /// Questions to `identity` about keys that are not known to stand, by network. Apart from what a network may ask: whoever asks much
    /// without a key keeps nobody's key out, and a key takes nothing from them.
    questions: Option<Arc<Limiter>>,
    keys: Option<Arc<Limiter>>,
    owners: Option<Arc<Limiter>>,
    /// SHA-256 of the keys that stood. It opens nothing: each request is asked about.
    stood: Mutex<HashMap<[u8; 32], Stood>>,
}

/// A key that stood.
struct Stood {
    /// SHA-256 of its owner's word.
    owner: [u8; 32],
    at: Instant,
}

/// What is left of each limit that a request counted against.
type Left<'d> = Vec<(&'d Limiter, u32)>;

/// `router`, which answers everybody within the limit of their network, and whoever sends a key that stands within those of the
/// key and of its owner. The [`super::Grant`] of a key is an extension of the request.
pub fn keyed(router: Router, keyed: Keyed) -> Router {
    let limiter = |name, quota| NonZeroU32::new(quota).map(|quota| Limiter::new(name, quota));
    let networks = limiter(NETWORK, keyed.per_network);
    let questions = limiter(NETWORK, keyed.per_network);
    let keys = networks.as_ref().and_then(|_| limiter("key", keyed.per_key));
    let owners = networks.as_ref().and_then(|_| limiter("owner", keyed.per_owner));
    let desk = Desk { keyed, networks, questions, keys, owners, stood: Mutex::default() };
    router.layer(middleware::from_fn_with_state(Arc::new(desk), check))
}

async fn check(State(desk): State<Arc<Desk>>, mut request: Request, next: Next) -> Response {
    let sent = match key_of(&request, &desk.keyed) {
        Ok(Some(key)) => hash(key),
        Ok(None) => {
            return match desk.of_network(&request) {
                Err(refusal) => refusal,
                Ok(left) => told(&left, next.run(request).await),
            };
        }
        Err(problem) => return desk.refused(&request, problem),
    };
    // Before anybody is asked: one who is over the limit is no work for `identity`.
    let lately = desk.stood_lately(&sent);
    let charged = match lately {
        Some(owner) => desk.of_key(sent, owner),
        None => desk.of_question(&request),
    };
    let left = match charged {
        Ok(left) => left,
        Err(refusal) => return refusal,
    };
    let answer = match &desk.keyed.asker {
        Some(asker) => asker.ask(&sent).await,
        None => Err(anyhow::anyhow!("nobody is named whom to ask")),
    };
    let problem = match answer {
        Ok(Some(grant)) => {
            let owner = hash(&grant.owner);
            desk.remember(sent, owner);
            let left = match if lately.is_some() { Ok(left) } else { desk.of_key(sent, owner) } {
                Ok(left) => left,
                Err(refusal) => return refusal,
            };
            request.extensions_mut().insert(Arc::new(grant));
            return told(&left, next.run(request).await);
        }
        Ok(None) => {
            desk.stood.lock().unwrap_or_else(PoisonError::into_inner).remove(&sent);
            Problem::Key("it is unknown, expired or revoked, or its owner may not use it any more")
        }
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "an API key cannot be checked");
            Problem::Unchecked { seconds: LATER }
        }
    };
    desk.refused(&request, problem)
}

fn told(left: &Left<'_>, mut response: Response) -> Response {
    rate::tell(&mut response, left);
    response
}

/// Takes one request from what `limiter` gives `client`, if there is a limit.
#[expect(clippy::result_large_err, reason = "the refusal is the answer, made once a request")]
fn take<'d>(
    left: &mut Left<'d>,
    limiter: Option<&'d Arc<Limiter>>,
    client: impl FnOnce(&Limiter) -> [u8; 32],
) -> Result<(), Response> {
    if let Some(limiter) = limiter {
        let rest = limiter.take(client(limiter)).map_err(|seconds| limiter.refuse(seconds))?;
        left.push((limiter, rest));
    }
    Ok(())
}

impl Desk {
    /// Takes one request from what the network has; what is left, or the refusal.
    #[expect(clippy::result_large_err, reason = "the refusal is the answer, made once a request")]
    fn of_network(&self, request: &Request) -> Result<Left<'_>, Response> {
        let mut left = Left::new();
        take(&mut left, self.networks.as_ref(), |limiter| limiter.network_of(request))?;
        Ok(left)
    }

    /// Takes one of the questions of the network; the refusal, where none is left. What is left of them is not told: it limits nobody who
    /// has a key.
    #[expect(clippy::result_large_err, reason = "the refusal is the answer, made once a request")]
    fn of_question(&self, request: &Request) -> Result<Left<'_>, Response> {
        take(&mut Left::new(), self.questions.as_ref(), |limiter| limiter.network_of(request))?;
        Ok(Left::new())
    }

    /// The same of what the key has, then of what its owner has: a key over its own limit takes nothing from the others.
    #[expect(clippy::result_large_err, reason = "the refusal is the answer, made once a request")]
    fn of_key(&self, sent: [u8; 32], owner: [u8; 32]) -> Result<Left<'_>, Response> {
        let mut left = Left::new();
        take(&mut left, self.keys.as_ref(), |_| sent)?;
        take(&mut left, self.owners.as_ref(), |_| owner)?;
        Ok(left)
    }

    /// A problem, which counts as any request of the network does.
    fn refused(&self, request: &Request, problem: Problem) -> Response {
        match self.of_network(request) {
            Ok(left) => told(&left, problem.into_response()),
            Err(refusal) => refusal,
        }
    }

    /// The owner of a key that stood a short while ago.
    fn stood_lately(&self, hash: &[u8; 32]) -> Option<[u8; 32]> {
        let stood = self.stood.lock().unwrap_or_else(PoisonError::into_inner);
        stood.get(hash).filter(|s| s.at.elapsed() < KNOWN).map(|s| s.owner)
    }

    fn remember(&self, hash: [u8; 32], owner: [u8; 32]) {
        let mut stood = self.stood.lock().unwrap_or_else(PoisonError::into_inner);
        if stood.len() >= MOST {
            stood.retain(|_, s| s.at.elapsed() < KNOWN);
        }
        if stood.len() < MOST {
            stood.insert(hash, Stood { owner, at: Instant::now() });
        }
    }
}

/// The key that a request carries. Wrong ones are known as such here, and `identity` is not asked.
fn key_of<'r>(request: &'r Request, keyed: &Keyed) -> Result<Option<&'r str>, Problem> {
    if stands_in(request.uri()) {
        return Err(Problem::Exposed(keyed.revoke_at.clone()));
    }
    let mut lines = request.headers().get_all(AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Problem::Key("more than one `Authorization` was sent"));
    }
    let (scheme, key) = line.to_str().unwrap_or("").split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::Key("write `Authorization: Bearer` and the key, or leave it out"));
    }
    let key = key.trim();
    if !format::is_whole(&keyed.country, key) {
        return Err(Problem::Key("it is none of this country's, or mistyped: its checksum does not fit"));
    }
    Ok(Some(key))
}

/// Does a key stand in this address, as it is or percent-encoded?
fn stands_in(uri: &Uri) -> bool {
    let seen = |text: &str| format::found_in(text).next().is_some();
    [uri.path(), uri.query().unwrap_or("")].into_iter().any(|part| {
        let mut pairs = form_urlencoded::parse(part.as_bytes());
        seen(part) || pairs.any(|(name, value)| seen(&name) || seen(&value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_an_address_is_seen_however_it_is_written() {
        let key = format::compose("us", || Ok::<u8, ()>(7)).unwrap();
        let hidden = key.replace('_', "%5F").replacen('v', "%76", 1);
        for address in [
            format!("/a?key={key}"),
            format!("/a?{key}"),
            format!("/a?x=1&token={hidden}"),
            format!("/a/{key}"),
            format!("/a/{hidden}/b"),
            format!("/a&b={hidden}"),
        ] {
            assert!(stands_in(&address.parse().unwrap()), "{address}");
        }
        assert!(!stands_in(&"/a?key=vigie_us_&b=1".parse().unwrap()));
    }
}
