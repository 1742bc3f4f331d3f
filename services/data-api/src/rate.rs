//! How often one client may ask: a token bucket for each network, told in the `RateLimit` fields
//! (draft-ietf-httpapi-ratelimit-headers).
//!
//! Of an address nothing is kept but its SHA-256 with a salt that lives a day and only in memory; nothing is logged.

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use kit::Problem;
use sha2::{Digest as _, Sha256};
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WINDOW: Duration = Duration::from_secs(60);

type Key = [u8; 32];
type Buckets = RateLimiter<Key, HashMapStateStore<Key>, DefaultClock, StateInformationMiddleware>;

/// The buckets.
#[derive(Debug)]
pub(crate) struct Limiter {
    per_minute: NonZeroU32,
    buckets: Buckets,
    clock: DefaultClock,
    salt: Mutex<Salt>,
}

#[derive(Debug)]
struct Salt {
    bytes: [u8; 32],
    born: Instant,
    swept: Instant,
}

impl Limiter {
    pub(crate) fn new(per_minute: NonZeroU32) -> Arc<Self> {
        let buckets = RateLimiter::hashmap(Quota::per_minute(per_minute)).with_middleware();
        let now = Instant::now();
        let salt = Mutex::new(Salt { bytes: fresh(), born: now, swept: now });
        Arc::new(Self { per_minute, buckets, clock: DefaultClock::default(), salt })
    }

    fn key(&self, network: Option<IpAddr>) -> Key {
        let now = Instant::now();
        let mut salt = self.salt.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(salt.born) > DAY {
            (salt.bytes, salt.born) = (fresh(), now);
        }
        if now.duration_since(salt.swept) > WINDOW {
            // A full bucket says as much as none.
            self.buckets.retain_recent();
            self.buckets.shrink_to_fit();
            salt.swept = now;
        }
        let mut hash = Sha256::new();
        hash.update(salt.bytes);
        hash.update(network.map_or_else(String::new, |n| n.to_string()).as_bytes());
        hash.finalize().into()
    }

    /// What is left, or after how many seconds to come back.
    fn take(&self, network: Option<IpAddr>) -> Result<u32, u64> {
        let taken = self.buckets.check_key(&self.key(network));
        taken.map(|state| state.remaining_burst_capacity()).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0).max(u64::from(wait.is_zero()))
        })
    }
}

/// 256 bits from the keys of the standard library's hash maps, which come from the operating system.
fn fresh() -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in 0..8_u64 {
        hash.update(RandomState::new().hash_one(part).to_le_bytes());
    }
    hash.finalize().into()
}

/// An IPv4 address, or the /64 in which an IPv6 client has all its addresses. Behind a front door, which has an address
/// of this machine or of a private network, it is the last address that the door names.
fn network(peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
    let private = |ip: IpAddr| match ip.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    let named = || headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?.rsplit(',').next();
    let client = match peer {
        Some(ip) if !private(ip) => Some(ip),
        peer => named().and_then(|ip| ip.trim().parse().ok()).or(peer),
    }?;
    Some(match client.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    })
}

/// Counts a request and tells in every answer how much is left; 429 where nothing is.
pub(crate) async fn limit(State(limiter): State<Arc<Limiter>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip());
    let taken = limiter.take(network(peer, request.headers()));
    let quota = limiter.per_minute.get();
    let (mut response, left, reset) = match taken {
        Ok(left) => {
            let reset = (u64::from(quota - left) * WINDOW.as_secs()).div_ceil(u64::from(quota));
            (next.run(request).await, left, reset)
        }
        Err(seconds) => (Problem::TooMany { seconds }.into_response(), 0, seconds),
    };
    let policy = format!("\"client\";q={quota};w={}", WINDOW.as_secs());
    crate::respond::set(&mut response, HeaderName::from_static("ratelimit-policy"), &policy);
    let now = format!("\"client\";r={left};t={reset}");
    crate::respond::set(&mut response, HeaderName::from_static("ratelimit"), &now);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_choose_its_network() {
        let of = |peer: &str, forwarded: &str| {
            let mut headers = HeaderMap::new();
            if let Ok(value) = forwarded.parse() {
                headers.insert("x-forwarded-for", value);
            }
            network(peer.parse().ok(), &headers).map(|n| n.to_string()).unwrap_or_default()
        };
        for (peer, forwarded, wanted) in [
            ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("10.1.2.3", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
            ("203.0.113.1", "198.51.100.7", "203.0.113.1"),
            ("127.0.0.1", "not an address", "127.0.0.1"),
            ("127.0.0.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::ffff:127.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("", "", ""),
        ] {
            assert_eq!(of(peer, forwarded), wanted, "{peer} {forwarded}");
        }
    }
}
