//! R as it was known at each week of a season beside R by later figures, with and without the correction of what the
//! youngest figures miss.
//!
//! `cargo bench -p epimodels --bench rt_vintages -- FILE FIRST LAST`: FILE has the columns place, reference_date,
//! issued_at, value (`data/observations/cdc-flusight/flu_hosp_admissions.csv.gz`, unpacked); origins are the Saturdays from
//! FIRST to LAST, each knowing what was issued up to the Thursday before. R by later figures is that of the same week of
//! infection from all that FILE knows, up to eight weeks after it. Serial interval and delay are those of influenza
//! admissions in the American profile. SECONDS=1 adds the time that an estimate took.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark says its numbers and fails by panicking"
)]

use chrono::{Duration, NaiveDate};
use epimodels::recipe::{Issue, NowcastConfig, as_known};
use epimodels::rt::{
    Delay, DelayedConfig, DelayedEstimate, Missing, SerialInterval, dispersions, enough, estimate_delayed,
    growths, missing,
};
use std::collections::BTreeMap;
use std::time::Instant;

/// Weeks that an estimate is made from, and those at their beginning that are not looked at.
const WEEKS: usize = 55;
const BURN_IN: usize = 3;
/// Weeks after a week of infection, from which its R is taken as settled.
const LATER: i64 = 8;
const CONFIG: NowcastConfig =
    NowcastConfig { origins: 8, shrink: 6.0, add: 2.0, bound: 1.0, clip: (-0.2, 0.5) };

struct Laws(SerialInterval, Delay);

/// R by end of week, of the newest weeks known on `day`; weeks after `until` are taken away.
fn estimated(
    issues: &[Issue],
    day: NaiveDate,
    until: NaiveDate,
    laws: &Laws,
    missing: &[Missing],
) -> BTreeMap<NaiveDate, DelayedEstimate> {
    let Some((first, values)) = as_known(issues, day) else { return BTreeMap::new() };
    let known = usize::try_from((until - first).num_weeks() + 1).unwrap_or(0).min(values.len());
    let newest: Vec<f64> = values[..known].iter().rev().map_while(|v| *v).take(WEEKS).collect();
    let values: Vec<f64> = newest.into_iter().rev().collect();
    if values.len() < 12 || !enough(&values, &dispersions(&values, true)) {
        return BTreeMap::new();
    }
    let last = first + Duration::weeks(known as i64 - 1);
    let found = estimate_delayed(&values, &laws.0, &laws.1, missing, &DelayedConfig::default()).unwrap();
    let end = |e: &DelayedEstimate| last - Duration::weeks((values.len() - e.week) as i64);
    found.into_iter().filter(|e| e.week > BURN_IN && e.passed >= 0.5).map(|e| (end(&e), e)).collect()
}

/// Of one kind of estimate: difference, absolute difference, and how often the bands held the later estimate.
#[derive(Default, Clone, Copy)]
struct Sum([f64; 4], f64);

impl Sum {
    fn add(&mut self, now: &DelayedEstimate, later: f64) {
        let q = now.r.quantiles;
        let d = q[2] - later;
        for (sum, v) in self.0.iter_mut().zip([
            d,
            d.abs(),
            f64::from(q[1] <= later && later <= q[3]),
            f64::from(q[0] <= later && later <= q[4]),
        ]) {
            *sum += v;
        }
        self.1 += 1.0;
    }

    fn line(&self, name: &str) {
        let [bias, size, half, most] = self.0.map(|v| v / self.1);
        println!("{name:28} {:6} {bias:+.4} {size:.4} {half:.2} {most:.2}", self.1);
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let [file, first, last] = args.as_slice() else {
        println!("not run: name a file of vintages and the first and last Saturday");
        return;
    };
    let (first, last): (NaiveDate, NaiveDate) = (first.parse().unwrap(), last.parse().unwrap());
    let mut places: BTreeMap<String, Vec<Issue>> = BTreeMap::new();
    for line in std::fs::read_to_string(file).unwrap().lines().skip(1) {
        let column: Vec<&str> = line.split(',').collect();
        places.entry(column[0].to_owned()).or_default().push(Issue {
            week: column[1].parse().unwrap(),
            issued: column[2][..10].parse().unwrap(),
            value: column[3].parse().ok(),
        });
    }
    let laws = Laws(
        SerialInterval::shifted_gamma(2.6, 1.5).unwrap(),
        Delay::stages(&[(1.5, 0.7), (3.3, 4.2)]).unwrap(),
    );
    let end_of_time: NaiveDate = "2100-01-01".parse().unwrap();
    let mut sums: BTreeMap<(&str, usize, bool), Sum> = BTreeMap::new();
    let (mut seconds, mut runs) = (0.0, 0.0);
    let mut later: BTreeMap<(String, NaiveDate), BTreeMap<NaiveDate, DelayedEstimate>> = BTreeMap::new();
    for origin in (0..).map(|w| first + Duration::weeks(w)).take_while(|o| *o <= last) {
        let day = origin - Duration::days(2);
        let grown: Vec<_> = places.values().map(|issues| growths(issues, day, &CONFIG)).collect();
        let learnt = missing(&grown, &CONFIG);
        for ((place, issues), learnt) in places.iter().zip(&learnt) {
            for corrected in [false, true] {
                let start = Instant::now();
                let now = estimated(issues, day, end_of_time, &laws, if corrected { learnt } else { &[] });
                seconds += start.elapsed().as_secs_f64();
                runs += 1.0;
                for (age, (week, estimate)) in now.iter().rev().take(3).enumerate() {
                    let until = *week + Duration::weeks(LATER);
                    let settled = later
                        .entry((place.clone(), until))
                        .or_insert_with(|| estimated(issues, end_of_time, until, &laws, &[]));
                    let Some(of_later) = settled.get(week) else { continue };
                    let kind = if place == "US" { "US" } else { "states" };
                    sums.entry((kind, age, corrected)).or_default().add(estimate, of_later.r.quantiles[2]);
                }
            }
        }
    }
    println!("{:28} {:>6} {:7} {:6} {:4} {:4}", "week of infection", "n", "bias", "|d|", "50 %", "95 %");
    for ((kind, age, corrected), sum) in &sums {
        let how = if *corrected { "corrected" } else { "as known" };
        sum.line(&format!("{kind}, {age} before newest, {how}"));
    }
    if std::env::var_os("SECONDS").is_some() {
        println!("{:.4} s an estimate", seconds / runs);
    }
}
