//! Hubverse directories, with files only: build one from a change log, backtest the forecaster on one, score
//! anybody's forecasts. No database, no network, no clock.
//!
//! A hub directory has `target-data/time-series.parquet` (or `.csv`, `.csv.gz`) with `as_of` (day of publication),
//! `target`, `target_end_date`, `location`, `observation`, one full snapshot per `as_of`, and
//! `auxiliary-data/locations.csv`.

mod backtest;
mod build;
mod card_table;
mod carried;
pub mod cli;
mod error;
mod form;
mod history;
mod locations;
mod model_output;
mod profile;
mod rate_change;
mod score;
mod score_spread;
mod score_table;
mod seasonal;
mod series;
mod spread;
mod spread_table;
mod submission;
mod summary;
mod table;
mod unused;

pub use backtest::{Backtest, backtest};
pub use build::{Build, Built, build_from_revisions};
pub use card_table::{ALL_PLACES, COLUMNS, CardTable, season};
pub use error::HubError;
pub use form::Form;
pub use history::{HistoryRow, RateRow, ili_plus, rates, read_history, read_rates};
pub use locations::{Location, Locations};
pub use model_output::{ModelOutput, Task, read_model_output, write_forecasts};
pub use profile::{Profile, profile_of};
pub use score::{LeftOut, Score, Scored, ScoredTasks, score, score_tasks};
pub use score_spread::{ScoreSpread, ScoredSpread, score_spread};
pub use series::{Archive, Known, SeriesKey};
pub use spread::{Event, Spread};
pub use submission::{Contributor, Submission};
pub use summary::{Summary, summarise};
pub use unused::Unused;
