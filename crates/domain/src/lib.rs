//! The words of Vigie: places, weeks, signals, observations, and what a country is.
//!
//! Types and rules only: no I/O, no async, no clock. Names and formats are those of the field
//! (issue date, as-of, reference date, horizon) and of the project's contract.

mod ids;
mod models;
mod observation;
pub mod profile;
pub mod quantiles;
mod stamp;
mod step;
mod week;

pub use ids::{CountryCode, IdError, PlaceId, SignalId, SourceId};
pub use models::{CardSignature, ModelCards, Signer};
pub use observation::{KeyError, Observation, ObservationId, ObservationKey, Status, StatusError};
pub use profile::CountryProfile;
pub use quantiles::LEVELS;
pub use stamp::{Day, Stamp};
pub use step::{Step, StepError};
pub use week::{EpiWeek, WeekError, WeekSystem};
