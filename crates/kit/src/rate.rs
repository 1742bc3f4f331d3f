//! How often one client may ask: a token bucket for each network, told in the `RateLimit` fields
//! (draft-ietf-httpapi-ratelimit-headers).

use crate::Problem;
use crate::config::{self, ConfigError};
use crate::network::{Key, Networks};
use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The name of what a network has.
pub(crate) const NETWORK: &str = "client";

const WINDOW: Duration = Duration::from_secs(60);

type Buckets = RateLimiter<Key, HashMapStateStore<Key>, DefaultClock, StateInformationMiddleware>;

/// Reads `VIGIE_RATE_PER_MINUTE` (600): how often one client may ask; 0: as often as it likes.
///
/// # Errors
/// [`ConfigError::Invalid`] when the value is no such number.
pub fn per_minute() -> Result<u32, ConfigError> {
    config::var("VIGIE_RATE_PER_MINUTE", 600)
}

/// `router`, which answers one client `per_minute` times a minute, all at once or spread, whatever the address; 0: as often as
/// it likes, and then no answer speaks of a limit. Each call has buckets of its own.
pub fn limited(router: Router, per_minute: u32) -> Router {
    match NonZeroU32::new(per_minute) {
        Some(per_minute) => {
            router.layer(middleware::from_fn_with_state(Limiter::new(NETWORK, per_minute), limit))
        }
        None => router,
    }
}

/// The buckets of one kind of client.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// What the headers call them.
    name: &'static str,
    per_minute: NonZeroU32,
    buckets: Buckets,
    clock: DefaultClock,
    networks: Networks,
    swept: Mutex<Instant>,
}

impl Limiter {
    pub(crate) fn new(name: &'static str, per_minute: NonZeroU32) -> Arc<Self> {
        let buckets = RateLimiter::hashmap(Quota::per_minute(per_minute)).with_middleware();
        let swept = Mutex::new(Instant::now());
        Arc::new(Self {
            name,
            per_minute,
            buckets,
            clock: DefaultClock::default(),
            networks: Networks::default(),
            swept,
        })
    }

    /// What is left, or after how many seconds to come back.
    pub(crate) fn take(&self, key: Key) -> Result<u32, u64> {
        let now = Instant::now();
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(*swept) > WINDOW {
            // A full bucket says as much as none.
            self.buckets.retain_recent();
            self.buckets.shrink_to_fit();
            *swept = now;
        }
        drop(swept);
        let taken = self.buckets.check_key(&key);
        taken.map(|state| state.remaining_burst_capacity()).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0).max(u64::from(wait.is_zero()))
        })
    }

    /// The network that a request comes from.
    pub(crate) fn network_of(&self, request: &Request) -> Key {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip());
        self.networks.key(peer, request.headers())
    }

    /// What the headers say of it where `left` is left.
    fn with(&self, left: u32) -> Said<'_> {
        let quota = self.per_minute.get();
        let reset = (u64::from(quota - left.min(quota)) * WINDOW.as_secs()).div_ceil(u64::from(quota));
        Said { limiter: self, left, reset }
    }

    /// 429, and when to come back.
    pub(crate) fn refuse(&self, seconds: u64) -> Response {
        let mut response = Problem::TooMany { seconds }.into_response();
        write(&mut response, &[Said { limiter: self, left: 0, reset: seconds }]);
        response
    }
}

/// What the headers say of one limit.
struct Said<'l> {
    limiter: &'l Limiter,
    left: u32,
    reset: u64,
}

/// Tells how much is left of each limit that the request counted against; of none, nothing.
pub(crate) fn tell(response: &mut Response, left: &[(&Limiter, u32)]) {
    let said: Vec<Said<'_>> = left.iter().map(|(limiter, left)| limiter.with(*left)).collect();
    if !said.is_empty() {
        write(response, &said);
    }
}

/// Both fields are lists (RFC 9651): one item a limit.
fn write(response: &mut Response, said: &[Said<'_>]) {
    let list = |item: &dyn Fn(&Said<'_>) -> String| said.iter().map(item).collect::<Vec<_>>().join(", ");
    let policy =
        list(&|s| format!("\"{}\";q={};w={}", s.limiter.name, s.limiter.per_minute, WINDOW.as_secs()));
    set(response, HeaderName::from_static("ratelimit-policy"), &policy);
    let now = list(&|s| format!("\"{}\";r={};t={}", s.limiter.name, s.left, s.reset));
    set(response, HeaderName::from_static("ratelimit"), &now);
}

/// Counts a request and tells in every answer how much is left; 429 where nothing is.
async fn limit(State(limiter): State<Arc<Limiter>>, request: Request, next: Next) -> Response {
    match limiter.take(limiter.network_of(&request)) {
        Ok(left) => {
            let mut response = next.run(request).await;
            tell(&mut response, &[(&limiter, left)]);
            response
        }
        Err(seconds) => limiter.refuse(seconds),
    }
}

/// Sets a header whose value was built here; one that HTTP cannot carry is left out.
fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
