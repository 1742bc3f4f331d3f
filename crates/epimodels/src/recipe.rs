//! The forecaster: a pool of seasons of many places and sources, three members, one average.
//!
//! `docs/forecast/method.md` describes it completely. [`fit`] learns from a [`Panel`] as known on a date,
//! [`Fitted::predict`] forecasts from a panel as known on the same or a later date; [`Fits`] are the fits of the last
//! weeks, whose mean is the forecast. A country or a hub is a [`Config`], not code.

mod config;
mod ensemble;
mod features;
mod fits;
mod further;
mod gbq;
mod knn;
mod lin;
mod linalg;
mod nowcast;
mod panel;
mod presets;
mod recent;
mod rows;
mod season;
mod transform;
mod tree;

pub use config::{
    ColdStart, Config, GbqConfig, Group, KnnConfig, LinConfig, National, NowcastConfig, Recent, Scale, Size,
    Weights,
};
pub use ensemble::{Fitted, Forecast, Members, fit};
pub use fits::Fits;
pub use further::{us_covid, us_flu_visits, us_rsv};
pub(crate) use linalg::Cholesky;
pub(crate) use nowcast::shrunk;
pub use panel::{FirstReport, Issue, Panel, Series, as_known};
pub use presets::{europe, us};
pub use season::{Season, season};

#[cfg(test)]
mod fits_tests;
#[cfg(test)]
mod tests;
