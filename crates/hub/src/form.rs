//! The form in which each hub takes forecasts from a team, as data: what its `hub-config/tasks.json` (files and values) and
//! `hub-config/model-metadata-schema.json` (the model's file) ask, as they stood in August 2026.

mod check;

use crate::{Locations, model_output};

/// What is forecast of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// 23 quantiles.
    Quantiles,
    /// Probabilities of the five classes of change.
    Classes,
}

/// A target that a hub takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TargetForm {
    pub(crate) target: &'static str,
    pub(crate) output: Output,
    /// The largest value that there can be.
    pub(crate) most: f64,
}

/// An entry of a model's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    TeamName,
    TeamAbbreviation,
    ModelName,
    ModelAbbreviation,
    Version,
    Contributors,
    /// Left out when nobody names one, unless the hub requires it ([`Form::wants_website`]).
    Website,
    Licence,
    Designated,
    /// What RespiCast calls the designation of a model: this is the team's first.
    Primary,
    DataInputs,
    Methods,
    MethodsLong,
    Ensemble,
    EnsembleOfHubModels,
}

/// The form of one hub.
#[derive(Debug, PartialEq)]
pub struct Form {
    /// The repository that takes it.
    pub(crate) repository: &'static str,
    /// Column of the date that a forecast counts from; it also begins the file's name.
    pub(crate) date_column: &'static str,
    /// First and last horizon, in weeks.
    pub(crate) horizons: (i32, i32),
    /// Days from that date to the end of the week of horizon 0.
    pub(crate) horizon_zero_days: i64,
    /// All of them go into one file for each date.
    pub(crate) targets: &'static [TargetForm],
    /// Codes of its places; `None`: FluSight's.
    pub(crate) places: Option<&'static [&'static str]>,
    /// Longest abbreviation of a team or a model.
    pub(crate) longest_abbreviation: usize,
    /// Does it require the address of a website?
    pub(crate) wants_website: bool,
    /// The model's file, in order.
    pub(crate) metadata: &'static [Field],
}

/// Longest short description of the methods, in characters, at every hub.
pub(crate) const LONGEST_METHODS: usize = 200;

/// Licences that every hub accepts.
pub(crate) const LICENCES: [&str; 7] =
    ["CC0-1.0", "CC-BY-4.0", "CC-BY_SA-4.0", "PPDL", "ODC-by", "ODbL", "OGL-3.0"];

const fn quantiles(target: &'static str, most: f64) -> TargetForm {
    TargetForm { target, output: Output::Quantiles, most }
}

/// What the hubs of the CDC ask of a model.
const CDC: [Field; 14] = [
    Field::TeamName,
    Field::TeamAbbreviation,
    Field::ModelName,
    Field::ModelAbbreviation,
    Field::Version,
    Field::Contributors,
    Field::Website,
    Field::Licence,
    Field::Designated,
    Field::DataInputs,
    Field::Methods,
    Field::MethodsLong,
    Field::Ensemble,
    Field::EnsembleOfHubModels,
];

pub(crate) const FLUSIGHT: Form = Form {
    repository: "cdcepi/FluSight-forecast-hub",
    date_column: "reference_date",
    horizons: (-1, 3),
    horizon_zero_days: 0,
    targets: &[
        quantiles("wk inc flu hosp", f64::INFINITY),
        TargetForm { target: "wk flu hosp rate change", output: Output::Classes, most: 1.0 },
        quantiles("wk inc flu prop ed visits", 1.0),
    ],
    places: None,
    longest_abbreviation: 15,
    wants_website: true,
    metadata: &CDC,
};

pub(crate) const COVID: Form = Form {
    repository: "CDCgov/covid19-forecast-hub",
    targets: &[quantiles("wk inc covid hosp", f64::INFINITY), quantiles("wk inc covid prop ed visits", 1.0)],
    longest_abbreviation: 20,
    ..FLUSIGHT
};

pub(crate) const RSV: Form = Form {
    repository: "CDCgov/rsv-forecast-hub",
    targets: &[quantiles("wk inc rsv hosp", f64::INFINITY), quantiles("wk inc rsv prop ed visits", 1.0)],
    ..COVID
};

pub(crate) const RESPICAST: Form = Form {
    repository: "european-modelling-hubs/RespiCast-SyndromicIndicators",
    date_column: "origin_date",
    horizons: (-1, 4),
    horizon_zero_days: -10,
    targets: &[quantiles("ILI incidence", 1e5), quantiles("ARI incidence", 1e5)],
    places: Some(&[
        "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
        "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK", "GB-ENG",
        "GB-WLS", "GB-NIR", "GB-SCT",
    ]),
    longest_abbreviation: 16,
    wants_website: false,
    metadata: &[
        Field::TeamName,
        Field::TeamAbbreviation,
        Field::ModelName,
        Field::ModelAbbreviation,
        Field::Version,
        Field::Contributors,
        Field::Primary,
        Field::Website,
        Field::Licence,
        Field::DataInputs,
        Field::Methods,
        Field::MethodsLong,
    ],
};

impl Form {
    fn is_place(&self, code: &str) -> bool {
        match self.places {
            Some(codes) => codes.contains(&code),
            None => Locations::flusight().get(code).is_some(),
        }
    }

    fn target(&self, name: &str) -> Option<&TargetForm> {
        self.targets.iter().find(|t| t.target == name)
    }

    /// The first line of a file.
    pub(crate) fn header(&self) -> String {
        model_output::header(self.date_column)
    }
}
