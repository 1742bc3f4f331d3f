//! A health check for images without a shell: asks the service's own admin port. `probe [/path]`, by default `/healthz`.
//! Exit code 0: it answered 200.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

fn healthy(path: &str) -> Option<bool> {
    let port = std::env::var("VIGIE_ADMIN_ADDR").ok()?.rsplit(':').next()?.parse().ok()?;
    let limit = Duration::from_secs(3);
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), limit).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).ok()?;
    Some(answer.starts_with(b"HTTP/1.") && answer.ends_with(b" 200"))
}

fn main() -> ExitCode {
    let path = std::env::args().nth(1).unwrap_or_else(|| "/healthz".to_owned());
    if healthy(&path) == Some(true) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
