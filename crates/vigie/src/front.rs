//! `vigie door`: the front door alone, before services that run elsewhere, such as the containers of one host.

use crate::door::{self, Routes};
use crate::say;
use crate::tree::Tree;
use anyhow::Context as _;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// What `vigie door` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder of clusters/: its services are the ones that answer
    #[arg(long, env = "COUNTRY", default_value = "fr")]
    country: String,
    /// Where it listens
    #[arg(long, env = "VIGIE_ADDR", default_value = "127.0.0.1:8080")]
    addr: SocketAddr,
    /// Where a service listens; {} stands for its name
    #[arg(long, env = "VIGIE_UPSTREAM", default_value = "{}:8080")]
    upstream: String,
}

/// Passes requests on until Ctrl-C or SIGTERM.
pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    let tree = Tree::find(&std::env::current_dir()?)?;
    let services = tree.services(tree.country(&args.country)?)?;
    let routes = Routes::new(services.iter().map(|s| (s, args.upstream.replace("{}", &s.name))));
    let listener = TcpListener::bind(args.addr)
        .await
        .with_context(|| format!("VIGIE_ADDR {} cannot be bound", args.addr))?;
    say::line(&format!("vigie: the front door of {} is at http://{}", args.country, args.addr));
    kit::listen::accept(listener, door::router(routes), kit::listen::DOOR, kit::server::terminated()).await;
    Ok(())
}
