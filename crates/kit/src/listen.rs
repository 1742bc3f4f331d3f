//! The accept loop: as axum's, with an end for connections on which nothing is said. axum's own has none, so whoever opened
//! connections and sent half a request kept them, and what they cost, for as long as they liked.

use crate::security::{self, Event, Outcome};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// How long a connection to a service may stay without the whole head of a request, between two requests too. More than front
/// doors keep a silent connection (60 s is usual, ours 30 s), or one would send a request into a connection that is being closed.
pub const SERVICE: Duration = Duration::from_secs(75);
/// The same for a front door, which has people before it.
pub const DOOR: Duration = Duration::from_secs(20);

/// Answers on `listener` until `stop`, then finishes what is under way. Handlers find the other side's address as
/// [`ConnectInfo<SocketAddr>`]. HTTP/1 only; nothing is upgraded.
pub async fn accept(
    listener: TcpListener,
    router: Router,
    patience: Duration,
    stop: impl Future<Output = ()>,
) {
    accept_by(listener, None, router, patience, stop).await;
}

/// The same, over TLS where there is something to show. Whoever does not begin with TLS in time, or not as it should be, gets no
/// answer.
pub async fn accept_by(
    mut listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    patience: Duration,
    stop: impl Future<Output = ()>,
) {
    let (ending, _) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut stop => break,
        };
        match tls.clone() {
            None => tokio::spawn(answer(stream, peer, router.clone(), patience, ending.subscribe())),
            Some(tls) => tokio::spawn(begin(tls, stream, peer, router.clone(), patience, ending.subscribe())),
        };
    }
    drop(listener);
    let _ = ending.send(());
    // Each connection holds a receiver until its end.
    ending.closed().await;
}

/// TLS first, then requests. At the end nobody waits for one who has not begun.
async fn begin(
    tls: TlsAcceptor,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    patience: Duration,
    mut ending: watch::Receiver<()>,
) {
    let begun = tokio::select! {
        begun = tokio::time::timeout(patience, tls.accept(stream)) => begun,
        _ = ending.changed() => return,
    };
    match begun {
        Ok(Ok(stream)) => answer(stream, peer, router, patience, ending).await,
        // Most often one that does not believe what it is shown: the operator looks for that.
        Ok(Err(error)) => tracing::info!(%error, "a connection did not begin with TLS as it should"),
        Err(_) => tracing::trace!("a connection on which TLS did not begin was closed"),
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    patience: Duration,
    mut ending: watch::Receiver<()>,
) {
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.map(Body::new)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
    let mut told = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    if error.is_parse() {
                        // Its own words: what was sent is not among them.
                        security::event(Event::Request, Outcome::Refused, &error.to_string());
                    }
                    tracing::trace!(%error, "a connection ended");
                }
                return;
            }
            _ = ending.changed(), if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;

    async fn whoever(ConnectInfo(peer): ConnectInfo<SocketAddr>) -> String {
        peer.ip().to_string()
    }

    /// What comes back to `sent` until the other side closes.
    async fn all(addr: SocketAddr, sent: &str) -> String {
        let mut line = TcpStream::connect(addr).await.unwrap();
        line.write_all(sent.as_bytes()).await.unwrap();
        let mut said = String::new();
        line.read_to_string(&mut said).await.unwrap();
        said
    }

    #[tokio::test]
    async fn a_connection_on_which_no_whole_request_comes_is_closed_and_others_are_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Router::new().route("/", get(whoever));
        let server = tokio::spawn(accept(listener, router, Duration::from_millis(50), async move {
            let _ = stopped.await;
        }));
        // Without the limit none of these would ever end.
        assert_eq!(all(addr, "").await, "");
        assert_eq!(all(addr, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").await, "");
        let answered = all(addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answered.starts_with("HTTP/1.1 200 OK") && answered.ends_with("127.0.0.1"), "{answered}");
        stop.send(()).unwrap();
        server.await.unwrap();
    }

    #[tokio::test]
    async fn at_its_end_it_finishes_what_is_under_way() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
        let (finish, finished) = watch::channel(false);
        let slow = move || {
            let (begun, mut finished) = (begun.clone(), finished.clone());
            async move {
                begun.send(()).unwrap();
                finished.wait_for(|done| *done).await.unwrap();
                "done"
            }
        };
        let router = Router::new().route("/", get(slow));
        let server = tokio::spawn(accept(listener, router, SERVICE, async move {
            let _ = stopped.await;
        }));
        // One that is silent does not hold the end up.
        let silent = TcpStream::connect(addr).await.unwrap();
        let asked = tokio::spawn(async move { all(addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await });
        begins.recv().await.unwrap();
        stop.send(()).unwrap();
        finish.send(true).unwrap();
        assert!(asked.await.unwrap().ends_with("done"));
        server.await.unwrap();
        drop(silent);
    }
}
