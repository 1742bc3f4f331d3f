//! The batch: what is known at the clock, through the models, into the database. Its whole code lies in this
//! module's folder and in `epimodels`: the hash of both goes with every run.

mod deaths;
mod gate;
mod hash;
mod model;
mod panel;
mod recipe;
mod spread;
mod task;
mod transmission;
mod weekly;
mod worker;

#[cfg(test)]
pub(crate) use deaths::MODEL as DEATHS;
pub(crate) use deaths::estimate;
pub use gate::Reason;
pub(crate) use gate::{alive, day};
#[cfg(test)]
pub(crate) use model::MODELS;
pub(crate) use model::Model;
pub(crate) use spread::Measure;
pub use task::{Kind, Task, tasks};
pub(crate) use transmission::MODEL as RT;
pub(crate) use weekly::whole;
pub use worker::{Options, Progress, perform};

/// SHA-256 of the models' source code, in hex.
pub const SOURCE_HASH: &str = env!("VIGIE_MODEL_SOURCE");
