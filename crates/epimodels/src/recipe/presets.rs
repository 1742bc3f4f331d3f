use chrono::NaiveDate;

use super::config::{
    ColdStart, Config, GbqConfig, Group, KnnConfig, LinConfig, National, NowcastConfig, Recent, Scale, Size,
    Weights,
};

const LEVELS: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

fn gbq(bags: usize, season_share: f64, feature_share: f64) -> GbqConfig {
    let (trees, leaves, min_rows, rate, bins) = (60, 15, 50, 0.1, 63);
    GbqConfig {
        levels: LEVELS.to_vec(),
        bags,
        season_share,
        trees,
        leaves,
        min_rows,
        feature_share,
        rate,
        bins,
    }
}

/// ε of admissions per 100,000.
const EPSILON: f64 = 0.75 * 0.75 * 0.75 * 0.75;

/// Weekly influenza admissions of the United States (group `nhsn`, persons), with ILI+ (group `ili_plus`, %) and FluSurv-NET
/// (group `flusurv`, admissions per 100,000) as history. Origin: a Saturday; horizon 0 is the week that ends on it.
#[must_use]
pub fn us() -> Config {
    let mut config = us_without_rates();
    let flusurv = Group {
        name: "flusurv".into(),
        scale: Scale::Fixed { factor: 1.0, per_population: false, offset: EPSILON },
        scale_from: None,
        rows_from: None,
        lin_weight: 1.0,
        spread_weight: 1.0,
        cold_start: None,
        ..config.groups[0].clone()
    };
    config.groups.push(flusurv);
    // The pandemic of 2009 began in summer. ILI+ begins after it.
    let pandemic = NaiveDate::from_ymd_opt(2009, 8, 1).zip(NaiveDate::from_ymd_opt(2010, 7, 31));
    config.skip = pandemic.into_iter().collect();
    config.recent = Some(Recent { origins: 2, gain: 0.5, fewest: 100 });
    config
}

/// [`us`] as it was before it learnt from FluSurv-NET: what other series of the United States were measured with.
pub(super) fn us_without_rates() -> Config {
    let nhsn = Group {
        name: "nhsn".into(),
        scale: Scale::Fixed { factor: 1.0, per_population: true, offset: EPSILON },
        scale_weeks: (10, 45),
        scale_from: NaiveDate::from_ymd_opt(2022, 8, 1),
        rows_from: NaiveDate::from_ymd_opt(2022, 2, 5),
        ceiling: None,
        width: None,
        row_weeks: None,
        seasonal: true,
        indicator: 1.0,
        size: Size::LnPopulation,
        national: National::Series,
        lin_weight: 3.0,
        spread_weight: 9.0,
        thin: 1.0,
        cold_start: Some(ColdStart { scale: (6.0 + EPSILON + 0.01).powf(0.25) + 0.01, centre: 0.7 }),
    };
    let ili_plus = Group {
        name: "ili_plus".into(),
        scale: Scale::Fixed { factor: 4.0, per_population: false, offset: 4.0 * (-7.0_f64).exp() },
        scale_weeks: (10, 45),
        scale_from: None,
        rows_from: None,
        indicator: 0.0,
        lin_weight: 1.0,
        spread_weight: 1.0,
        thin: 0.5,
        cold_start: None,
        ..nhsn.clone()
    };
    Config {
        groups: vec![nhsn, ili_plus],
        max_step: 4,
        horizons: (0, 3),
        horizon_zero_days: 0,
        season_shift_days: 0,
        row_weeks: (5, 45),
        skip: Vec::new(),
        min_weeks: 0,
        carry_weeks: 4,
        focus_copies: 1,
        gbq: gbq(6, 0.7, 0.5),
        lin: LinConfig {
            ridge: 20.0,
            rounds: 8,
            size_centre: 15.0,
            full_spread: true,
            spread_ridge: 1.0,
            bounded: false,
        },
        knn: KnnConfig { neighbours: 300, size_factor: 0.05 },
        weights: Weights { gbq: 0.5, lin: 0.25, knn: 0.25 },
        fits: 1,
        recent: None,
        nowcast: Some(NowcastConfig { origins: 8, shrink: 6.0, add: 2.0, bound: 1.0, clip: (-0.2, 0.5) }),
        seed: 20_241,
    }
}

/// Weekly ILI and ARI incidence of Europe (groups `ili` and `ari`, per 100,000; weeks end on a Sunday).
/// Origin: a Wednesday; horizon 1 is the week that ended on the Sunday before it.
#[must_use]
pub fn europe() -> Config {
    let ili = Group {
        name: "ili".into(),
        scale: Scale::Relative { share: 0.02, floor: 0.5 },
        scale_weeks: (8, 45),
        scale_from: NaiveDate::from_ymd_opt(2014, 10, 5),
        rows_from: NaiveDate::from_ymd_opt(2014, 10, 5),
        ceiling: None,
        width: Some(1.1),
        row_weeks: None,
        seasonal: true,
        indicator: 1.0,
        size: Size::LnScale,
        national: National::MeanOf { group: "ili".into(), at_least: 4 },
        lin_weight: 1.0,
        spread_weight: 1.0,
        thin: 1.0,
        cold_start: None,
    };
    let ari = Group { name: "ari".into(), indicator: 0.0, ..ili.clone() };
    let pandemic = NaiveDate::from_ymd_opt(2020, 3, 1).zip(NaiveDate::from_ymd_opt(2021, 8, 31));
    Config {
        groups: vec![ili, ari],
        max_step: 5,
        horizons: (1, 4),
        horizon_zero_days: -10,
        season_shift_days: 6,
        row_weeks: (5, 45),
        skip: pandemic.into_iter().collect(),
        min_weeks: 25,
        carry_weeks: 4,
        focus_copies: 3,
        gbq: gbq(1, 1.0, 1.0),
        lin: LinConfig {
            ridge: 20.0,
            rounds: 8,
            size_centre: 0.0,
            full_spread: false,
            spread_ridge: 1.0,
            bounded: true,
        },
        knn: KnnConfig { neighbours: 300, size_factor: 0.0 },
        weights: Weights { gbq: 1.0, lin: 1.0, knn: 1.0 },
        fits: 4,
        recent: None,
        nowcast: None,
        seed: 20_241,
    }
}
