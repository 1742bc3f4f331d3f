//! The commands of this crate without the rest of the platform.

use std::process::ExitCode;

use clap::Parser;
use hub::cli::Command;

/// Build, backtest and score hubverse directories.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let mut progress = std::io::stderr();
    match Arguments::parse().command.run(&mut std::io::stdout(), &mut progress) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = std::io::Write::write_all(&mut progress, format!("{error}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}
