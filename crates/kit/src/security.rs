//! Events that concern security, one line each (target `security`): when, which service, what, how it ended, in which request,
//! whose account by the audit's pseudonym. Never an address, a name, a token. `docs/security/events.md` lists them.
//!
//! Whoever sends nonsense must not fill the disk: of what is refused, each kind has [`BURST`] lines at once and one more every
//! [`EVERY`]; the rest is counted, in the next line (`left_out`) and in the metric `security_events_total`, which has no limit.
//! What was done is always written: each such line costs somebody a login, and those have limits of their own.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Lines of one kind of refusal at once.
const BURST: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// After this long, one more.
const EVERY: Duration = Duration::from_secs(10);
/// No reason is longer in a line, in characters.
const LONGEST: usize = 200;

macro_rules! events {
    ($($(#[$doc:meta])+ $name:ident = $text:literal;)+) => {
        /// What happened. A closed list, which `docs/security/events.md` explains.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Event { $($(#[$doc])+ $name),+ }
        impl Event {
            /// Its name in a line.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
        /// Every event that there is, in order of declaration.
        pub const EVENTS: &[Event] = &[$(Event::$name),+];
    };
}

events! {
    /// Somebody logged in, or was not let in.
    Login = "login";
    /// A session ended, or one was named that is over or never was.
    Session = "session";
    /// A passkey was used, or what was sent as its answer is none.
    Passkey = "passkey";
    /// A recovery code was used, or a wrong one sent.
    Recovery = "recovery";
    /// The link of a letter that is used up, too old or invented.
    Link = "link";
    /// Somebody may not do what they asked for, or nobody is logged in.
    Access = "access";
    /// A signed token that does not stand the checks, or was sent twice.
    Token = "token";
    /// An API key that is none, is not made for this, or stands in an address.
    Key = "key";
    /// A form that no page of ours sent.
    Form = "form";
    /// Asked too often.
    Rate = "rate";
    /// A request that is none by the standard, or that a door and a service could read differently.
    Request = "request";
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not.
    Refused,
}

/// The request under way.
struct Current {
    id: String,
    who: OnceLock<String>,
}

tokio::task_local! {
    static REQUEST: Current;
}

static SERVICE: OnceLock<&'static str> = OnceLock::new();
static BOUND: LazyLock<Bound<DefaultClock>> = LazyLock::new(|| Bound::new(DefaultClock::default()));

/// Says which service writes here. The first word counts.
pub fn service(name: &'static str) {
    let _ = SERVICE.set(name);
}

/// `router`, each of whose requests has a number of its own, which its lines carry. What a client says of one is not believed.
pub fn numbered(router: Router) -> Router {
    router.layer(middleware::from_fn(number))
}

async fn number(request: Request, next: Next) -> Response {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0_u8));
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let id = format!("{:08x}-{:x}", *PROCESS >> 32, COUNT.fetch_add(1, Ordering::Relaxed));
    REQUEST.scope(Current { id, who: OnceLock::new() }, next.run(request)).await
}

/// The number of the request under way; `None` outside of one.
#[must_use]
pub fn request() -> Option<String> {
    REQUEST.try_with(|current| current.id.clone()).ok()
}

/// From here on the request is somebody's: the audit's pseudonym, or the name of a service. The first word counts.
pub fn known(pseudonym: &str) {
    let _ = REQUEST.try_with(|current| current.who.set(pseudonym.to_owned()));
}

/// Writes one line, about whoever the request is [`known`] to be of. `why` is ours: no word of a request belongs in it.
pub fn event(event: Event, outcome: Outcome, why: &str) {
    event_of(REQUEST.try_with(|c| c.who.get().cloned()).ok().flatten().as_deref(), event, outcome, why);
}

/// The same about somebody else, by the audit's pseudonym.
pub fn event_of(who: Option<&str>, event: Event, outcome: Outcome, why: &str) {
    let word = match outcome {
        Outcome::Done => "done",
        Outcome::Refused => "refused",
    };
    metrics::counter!("security_events_total", "event" => event.name(), "outcome" => word).increment(1);
    let why: String = why.chars().take(LONGEST).collect();
    let service = SERVICE.get().copied().unwrap_or("unnamed");
    let request = request();
    match outcome {
        Outcome::Done => {
            tracing::info!(target: "security", service, event = event.name(), outcome = word, request, who, why);
        }
        Outcome::Refused => {
            if let Some(left_out) = BOUND.take(event) {
                tracing::warn!(target: "security", service, event = event.name(), outcome = word, request, who, why, left_out);
            }
        }
    }
}

/// How many lines each kind still has.
struct Bound<C: Clock> {
    lines: RateLimiter<Event, HashMapStateStore<Event>, C, NoOpMiddleware<C::Instant>>,
    left_out: Mutex<HashMap<Event, u64>>,
}

impl<C: Clock> Bound<C> {
    fn new(clock: C) -> Self {
        let quota = Quota::with_period(EVERY).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        let lines = RateLimiter::new(quota.allow_burst(BURST), HashMapStateStore::default(), clock);
        Self { lines, left_out: Mutex::default() }
    }

    /// How many lines were left out before this one, which may be written; `None`: it is left out too.
    fn take(&self, event: Event) -> Option<u64> {
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        if self.lines.check_key(&event).is_ok() {
            return Some(left_out.remove(&event).unwrap_or(0));
        }
        *left_out.entry(event).or_default() += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Problem;
    use axum::body::Body;
    use axum::routing::get;
    use governor::clock::FakeRelativeClock;
    use std::io::Write;
    use std::sync::Arc;
    use tower::ServiceExt as _;

    #[test]
    fn whoever_sends_nonsense_fills_no_disk_and_what_was_left_out_is_counted() {
        let clock = FakeRelativeClock::default();
        let bound = Bound::new(clock.clone());
        let take = |times: u32| (0..times).filter_map(|_| bound.take(Event::Key)).count();
        assert_eq!(take(1000), 60);
        // Another kind has lines of its own.
        assert_eq!(bound.take(Event::Access), Some(0));
        clock.advance(EVERY);
        assert_eq!(bound.take(Event::Key), Some(940));
        assert_eq!(bound.take(Event::Key), None);
        clock.advance(EVERY * 100);
        assert_eq!(take(1000), 60, "a quiet time gives no more than the first lines");
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The lines of one request for `/refused` with these headers, through what every service has.
    async fn said(who: Option<&'static str>, problem: fn() -> Problem) -> Vec<serde_json::Value> {
        let lines = Lines::default();
        let to = lines.clone();
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || to.clone()).finish();
        let handler = move || async move {
            if let Some(who) = who {
                known(who);
            }
            problem()
        };
        let router = crate::server::layers(Router::new().route("/refused", get(handler)));
        let guard = tracing::subscriber::set_default(subscriber);
        let request = Request::builder().uri("/refused?secret=canary").header("x-request-id", "canary");
        router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        drop(guard);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("canary"), "{text}");
        let all = text.lines().map(|line| serde_json::from_str(line).unwrap());
        all.filter(|line: &serde_json::Value| line["target"] == "security").collect()
    }

    #[tokio::test]
    async fn each_refusal_is_one_line_with_what_an_operator_asks_for() {
        type Case = (fn() -> Problem, &'static str);
        let cases: [Case; 10] = [
            (|| Problem::Unauthorized("nobody is logged in"), "access"),
            (|| Problem::StepUp, "access"),
            (|| Problem::Forbidden("none of your roles may do this"), "access"),
            (|| Problem::Token("the token is not accepted"), "token"),
            (|| Problem::Passkey("the passkey was not accepted"), "passkey"),
            (|| Problem::Elsewhere, "form"),
            (|| Problem::Key("it is unknown"), "key"),
            (|| Problem::Scope("raw:read"), "key"),
            (|| Problem::Exposed("/account/keys".to_owned()), "key"),
            (|| Problem::TooMany { seconds: 5 }, "rate"),
        ];
        for (problem, event) in cases {
            let lines = said(Some("pseudonym"), problem).await;
            assert_eq!(lines.len(), 1, "{event}: {lines:?}");
            let (line, fields) = (&lines[0], &lines[0]["fields"]);
            assert_eq!(fields["event"], event, "{line}");
            assert_eq!(fields["outcome"], "refused", "{line}");
            assert_eq!(fields["who"], "pseudonym", "{line}");
            assert_eq!((line["level"].as_str(), &fields["left_out"]), (Some("WARN"), &0.into()), "{line}");
            assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
            assert!(!fields["why"].as_str().unwrap().is_empty(), "{line}");
            assert!(fields["service"].is_string() && fields["request"].as_str().unwrap().len() > 9, "{line}");
        }
        // Nobody is nobody, and what is no refusal is no event.
        assert!(said(None, || Problem::StepUp).await[0]["fields"].get("who").is_none());
        assert_eq!(said(None, || Problem::NotFound("address")).await, Vec::<serde_json::Value>::new());
        let number = |lines: Vec<serde_json::Value>| lines[0]["fields"]["request"].clone();
        assert_ne!(
            number(said(None, || Problem::StepUp).await),
            number(said(None, || Problem::StepUp).await)
        );
    }
}
