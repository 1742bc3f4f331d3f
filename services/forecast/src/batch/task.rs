//! What there is to do in a country.

use super::Model;
use domain::profile::Signal;
use domain::{CountryProfile, SignalId};
use std::collections::BTreeSet;

/// What kind of work a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The pooled model of a signal: forecasts, reproduction numbers and trends of all its places, which learn together.
    Pool,
    /// Deaths ahead.
    Deaths,
    /// Scores of what was forecast, as truth arrives.
    Scores,
}

/// A piece of work that one worker does at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Task {
    /// First, so that a signal's scores come after everything that is forecast.
    pub kind: Kind,
    /// Whose forecasts or scores.
    pub signal: SignalId,
}

impl Task {
    /// Its name among the leases and in metrics.
    #[must_use]
    pub fn name(&self) -> String {
        let kind = match self.kind {
            Kind::Pool => "pool",
            Kind::Deaths => "deaths",
            Kind::Scores => "scores",
        };
        format!("{kind} {}", self.signal)
    }

    /// Does it read figures of `signal`?
    #[must_use]
    pub fn reads(&self, profile: &CountryProfile, signal: &str) -> bool {
        let own = self.signal.as_str() == signal;
        let Some(of) = profile.signal(&self.signal) else { return own };
        own || match self.kind {
            Kind::Pool => {
                let model = of.forecast.as_ref().and_then(|plan| Model::named(&plan.model));
                model.is_some_and(|m| m.feed(signal).is_some())
            }
            Kind::Deaths => profile.leads(of).iter().any(|lead| lead.id.as_str() == signal),
            Kind::Scores => false,
        }
    }
}

/// Everything that the profile asks for.
#[must_use]
pub fn tasks(profile: &CountryProfile) -> BTreeSet<Task> {
    let of = |s: &Signal| {
        let kinds = [
            (Kind::Pool, s.forecast.is_some()),
            (Kind::Deaths, !s.deaths_ahead.is_empty()),
            (Kind::Scores, true),
        ];
        let signal = s.id.clone();
        kinds
            .into_iter()
            .filter(|(_, asked)| *asked)
            .map(move |(kind, _)| Task { kind, signal: signal.clone() })
    };
    profile.signals.iter().flat_map(of).collect()
}
