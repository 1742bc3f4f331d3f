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

    /// Tells how much is left.
    pub(crate) fn tell(&self, response: &mut Response, left: u32) {
        let quota = self.per_minute.get();
        let reset = (u64::from(quota - left.min(quota)) * WINDOW.as_secs()).div_ceil(u64::from(quota));
        self.write(response, left, reset);
    }

    /// 429, and when to come back.
    pub(crate) fn refuse(&self, seconds: u64) -> Response {
        let mut response = Problem::TooMany { seconds }.into_response();
        self.write(&mut response, 0, seconds);
        response
    }

    fn write(&self, response: &mut Response, left: u32, reset: u64) {
        let (name, quota) = (self.name, self.per_minute.get());
        let policy = format!("\"{name}\";q={quota};w={}", WINDOW.as_secs());
        set(response, HeaderName::from_static("ratelimit-policy"), &policy);
        let now = format!("\"{name}\";r={left};t={reset}");
        set(response, HeaderName::from_static("ratelimit"), &now);
    }
}

/// Counts a request and tells in every answer how much is left; 429 where nothing is.
async fn limit(State(limiter): State<Arc<Limiter>>, request: Request, next: Next) -> Response {
    match limiter.take(limiter.network_of(&request)) {
        Ok(left) => {
            let mut response = next.run(request).await;
            limiter.tell(&mut response, left);
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
