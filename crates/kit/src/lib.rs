//! What every service needs, once.

mod app;
mod clock;
pub mod config;
pub mod locale;
mod problem;
pub mod server;

pub use app::App;
pub use clock::{Clock, wall};
pub use problem::Problem;
