//! `vigie cards`: what an operator signs, and whether it is signed.

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::Subcommand;
use std::io::Write as _;
use std::path::PathBuf;

/// Commands on model cards.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the text that an operator signs (`docs/forecast/README.md`)
    Statement {
        /// The country's profile
        #[arg(long, env = "VIGIE_PROFILE")]
        profile: PathBuf,
        /// Id of the model
        #[arg(long)]
        model: String,
        /// Who signs, as `model_cards.signers` in the profile names them
        #[arg(long)]
        by: String,
        /// The day of the signature
        #[arg(long, value_name = "DATE")]
        on: NaiveDate,
    },
    /// Verify the signatures of a profile and list the cards
    Check {
        /// The country's profile
        #[arg(long, env = "VIGIE_PROFILE")]
        profile: PathBuf,
    },
}

/// Does it.
pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Statement { profile, model, by, on } => {
            let profile = kit::config::profile(profile.clone())?;
            let known =
                || cards::library().cards.iter().map(|c| c.id.as_str()).collect::<Vec<_>>().join(", ");
            let card = cards::library()
                .card(model)
                .with_context(|| format!("there is no model `{model}`: choose one of {}", known()))?;
            let text = cards::statement(&profile.country.to_string(), card, by, *on);
            // Every byte counts: this very text is signed.
            std::io::stdout().write_all(text.as_bytes()).context("the text cannot be written")
        }
        Command::Check { profile } => {
            let signers = cards::verify(&kit::config::profile(profile.clone())?)?;
            for card in &cards::library().cards {
                let state = signers.get(&card.id).map_or_else(
                    || "unsigned".to_owned(),
                    |s| format!("signed by {} on {}, key {}", s.by, s.on, s.key),
                );
                crate::say::line(&format!("{} {}: {state}", card.id, card.version));
            }
            Ok(())
        }
    }
}
