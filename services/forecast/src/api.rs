//! The questions, one file each. Every answer says what it was made from; "not estimated" with a reason is an
//! answer too.

mod answer;
pub(crate) mod forecasts;
pub(crate) mod growth;
pub(crate) mod models;
pub(crate) mod mortality;
mod question;
pub(crate) mod scores;
pub(crate) mod skill;
pub(crate) mod spread;
pub(crate) mod transmission;

pub(crate) use answer::{Answer, Bands, RecordedSituation, TargetWeek};
