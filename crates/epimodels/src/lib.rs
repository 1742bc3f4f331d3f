//! Epidemic models as pure functions on slices: no database, no HTTP, no file, no clock.
//!
//! Everything random takes a seed; everything parallel gives the same bits on one thread or many.
//! Each module names the published method that it implements.

pub mod arrival;
pub mod baseline;
pub mod climatology;
mod error;
pub mod parallel;
pub mod quantile;
pub mod recipe;
pub mod rng;
pub mod rt;
pub mod scores;
pub mod seasonal;
pub mod secondary;
pub mod simulate;
pub mod special;
pub mod spread;
pub mod trend;

pub use error::Error;
pub use quantile::{LEVELS, Quantiles};
