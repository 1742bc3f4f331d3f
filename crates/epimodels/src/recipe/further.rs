use super::config::{Config, Group, Scale};
use super::presets::us_without_rates;

/// Share of the seasonal height that is added to a proportion before its fourth root, and the smallest step in
/// which proportions are published.
const PROPORTION: Scale = Scale::Relative { share: 0.02, floor: 1e-4 };

/// Models per level: as many as were measured. Four pools must fit a minute.
const BAGS: usize = 2;

/// Admissions (`name`, persons) of another disease, scaled as those of influenza.
fn admissions(name: &str, flu: &Group) -> Group {
    Group { name: name.into(), scale_from: None, rows_from: None, ..flu.clone() }
}

/// Emergency visits (`name`, a proportion of all visits), each place on its own scale.
fn visits(name: &str, flu: &Group) -> Group {
    Group {
        name: name.into(),
        scale: PROPORTION,
        scale_from: None,
        rows_from: None,
        ceiling: Some(1.0),
        cold_start: None,
        ..flu.clone()
    }
}

/// The recipe of the United States for other series: `own` are forecast or share their disease, influenza
/// admissions and ILI+ are only learnt from.
fn pooled(own: impl Fn(&Group) -> Vec<Group>) -> Config {
    let mut config = us_without_rates();
    let flu = config.groups[0].clone();
    for group in &mut config.groups {
        group.indicator = 0.0;
    }
    let mut groups = own(&flu);
    groups.append(&mut config.groups);
    config.gbq.bags = BAGS;
    Config { groups, ..config }
}

/// COVID-19 admissions (`covid_hosp`) and emergency visits (`covid_visits`) of the United States.
#[must_use]
pub fn us_covid() -> Config {
    let mut config = pooled(|flu| {
        let all_year = |group: Group| Group { row_weeks: Some((1, 53)), ..group };
        vec![all_year(admissions("covid_hosp", flu)), all_year(visits("covid_visits", flu))]
    });
    for group in &mut config.groups {
        group.seasonal = false;
    }
    config
}

/// RSV admissions (`rsv_hosp`) and emergency visits (`rsv_visits`) of the United States.
#[must_use]
pub fn us_rsv() -> Config {
    // What influenza and ILI+ teach of the scatter is too much for the smooth shares of RSV.
    pooled(|flu| vec![admissions("rsv_hosp", flu), Group { width: Some(0.75), ..visits("rsv_visits", flu) }])
}

/// Emergency visits for influenza (`flu_visits`) of the United States.
#[must_use]
pub fn us_flu_visits() -> Config {
    pooled(|flu| vec![visits("flu_visits", flu)])
}
