use super::*;
use crate::rt::{WeeklyConfig, estimate_weekly};
use crate::simulate::{Renewal, Reporting, report, simulate};

const WEEKS: usize = 26;
const BEFORE: usize = 28;

fn si() -> SerialInterval {
    SerialInterval::shifted_gamma(3.6, 1.6).unwrap()
}

fn delay() -> Delay {
    Delay::stages(&[(1.5, 0.7), (4.0, 3.0)]).unwrap()
}

/// R of each week: it wanders, and is drawn back to 1.
fn wandering(seed: u64) -> Vec<f64> {
    let mut rng = Rng::new(seed, &[7]);
    let mut log = 0.1;
    let mut next = || {
        log = 0.9 * log + 0.08 * probit(rng.uniform());
        log.exp()
    };
    (0..WEEKS).map(|_| next()).collect()
}

/// A wave that is still rising steeply at the end.
fn rising() -> Vec<f64> {
    (0..WEEKS).map(|week| if week < 16 { 0.97 } else { 1.25 }).collect()
}

/// All weekly reports, and those that are known.
fn epidemic(weeks: &[f64], known: &[f64], seed: u64) -> (Vec<f64>, Vec<f64>) {
    reported(weeks, known, seed, 0.02)
}

/// The same, of which `share` of the infections is ever reported.
fn reported(weeks: &[f64], known: &[f64], seed: u64, share: f64) -> (Vec<f64>, Vec<f64>) {
    let r = (0..BEFORE + 7 * WEEKS).map(|d| weeks[d.saturating_sub(BEFORE) / 7]).collect();
    let infections = simulate(&Renewal { r, si: si(), initial: vec![20_000.0; BEFORE], seed });
    let how = Reporting { delay: delay(), share, relative: 0.05, known: known.to_vec(), seed };
    report(&infections, BEFORE, &how)
}

/// What a learner would know of the shares that are known: the right mean, with a scatter of its own.
fn learnt(known: &[f64]) -> Vec<Missing> {
    known.iter().map(|k| Missing { log: -k.ln(), sd: 0.03 }).collect()
}

/// Weeks that are looked at: not the first three, and those by whose end at least half of the reports are due.
fn looked_at(found: &[DelayedEstimate]) -> impl Iterator<Item = &DelayedEstimate> {
    found.iter().filter(|e| e.week > 3 && e.passed >= 0.5)
}

fn estimated(reports: &[f64], missing: &[Missing]) -> Vec<DelayedEstimate> {
    estimate_delayed(reports, &si(), &delay(), missing, &DelayedConfig::default()).unwrap()
}

/// How many are inside of the 50 % and the 95 % band, and of how many.
#[derive(Default)]
struct Held([f64; 2], f64);

impl Held {
    fn add(&mut self, truth: f64, band: &Band) {
        let q = band.quantiles;
        self.0[0] += f64::from(q[1] <= truth && truth <= q[3]);
        self.0[1] += f64::from(q[0] <= truth && truth <= q[4]);
        self.1 += 1.0;
    }

    fn shares(&self) -> [f64; 2] {
        self.0.map(|n| n / self.1)
    }
}

#[test]
fn the_bands_hold_the_r_of_simulated_epidemics_as_often_as_they_say() {
    let known = [0.75, 0.93];
    let (mut all, mut late) = (Held::default(), Held::default());
    for seed in 0..80 {
        let truth = wandering(seed);
        let (_, reports) = epidemic(&truth, &known, seed);
        for e in looked_at(&estimated(&reports, &learnt(&known))) {
            all.add(truth[e.week - 1], &e.r);
            if e.week >= WEEKS - 2 {
                late.add(truth[e.week - 1], &e.r);
            }
        }
    }
    let (all, late) = (all.shares(), late.shares());
    assert!((0.42..0.60).contains(&all[0]) && (0.91..0.99).contains(&all[1]), "{all:?}");
    assert!((0.36..0.66).contains(&late[0]) && (0.89..1.0).contains(&late[1]), "{late:?}");
}

#[test]
fn uncorrected_the_last_weeks_are_too_low_and_corrected_they_are_not() {
    let (known, truth) = ([0.7, 0.9], rising());
    let (mut with, mut without, mut n) = (0.0, 0.0, 0.0);
    let mut held = [Held::default(), Held::default()];
    for seed in 0..30 {
        let (_, reports) = epidemic(&truth, &known, seed);
        let last = |missing: &[Missing]| *looked_at(&estimated(&reports, missing)).last().unwrap();
        let (corrected, plain) = (last(&learnt(&known)), last(&[]));
        let of = truth[corrected.week - 1];
        held[0].add(of, &corrected.r);
        held[1].add(of, &plain.r);
        (with, without, n) =
            (with + corrected.r.quantiles[2] / of, without + plain.r.quantiles[2] / of, n + 1.0);
        assert!(
            corrected.known.quantiles[0] < corrected.known.quantiles[4]
                && corrected.known.mean < corrected.passed
        );
        assert!((plain.known.mean - plain.passed).abs() < 1e-9);
    }
    assert!((with / n - 1.0).abs() < 0.04 && without / n < 0.93, "{} {}", with / n, without / n);
    assert!(held[0].shares()[1] > 0.85 && held[1].shares()[1] < 0.5);
}

#[test]
fn a_delay_dates_the_turn_by_the_infection_and_not_by_the_report() {
    let truth: Vec<f64> = (0..WEEKS).map(|w| if w < 14 { 1.2 } else { 0.8 }).collect();
    let (reports, _) = epidemic(&truth, &[], 3);
    let delayed = estimated(&reports, &[]);
    let plain = estimate_weekly(&reports, &si(), &WeeklyConfig::default()).unwrap();
    let below = |r: f64| r < 1.0;
    let first = |weeks: Vec<(usize, f64)>| weeks.into_iter().find(|(w, r)| *w > 8 && below(*r)).unwrap().0;
    let turned = first(delayed.iter().map(|e| (e.week, e.r.quantiles[2])).collect());
    let reported = first(plain.iter().map(|e| (e.end, e.mean)).collect());
    assert!((14..=15).contains(&turned) && reported > turned, "{turned}, {reported}");
}

#[test]
fn without_a_delay_it_agrees_with_cori() {
    // Steady growth of large counts: both know R well, and no week differs from its neighbours.
    let weeks: Vec<f64> = (0..20).map(|w| 3000.0 * (0.2 * f64::from(w)).exp()).collect();
    let cori = estimate_weekly(&weeks, &si(), &WeeklyConfig::default()).unwrap();
    let found = estimate_delayed(&weeks, &si(), &Delay::none(), &[], &DelayedConfig::default()).unwrap();
    for (c, f) in cori.iter().zip(&found).skip(3) {
        assert!(c.end == f.week && (c.mean / f.r.quantiles[2] - 1.0).abs() < 0.01, "{c:?} {f:?}");
        assert!((f.growth.quantiles[2] * 7.0 - 0.2).abs() < 0.01 && f.grows > 0.999);
        assert!((f.passed - 1.0).abs() < 1e-9 && (f.known.mean - 1.0).abs() < 1e-9);
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_and_a_rate_any_unit() {
    let (reports, _) = epidemic(&wandering(5), &[], 5);
    let config = DelayedConfig { counts: false, ..DelayedConfig::default() };
    let of = |unit: f64| {
        let rates: Vec<f64> = reports.iter().map(|r| r * unit).collect();
        estimate_delayed(&rates, &si(), &delay(), &[], &config).unwrap()
    };
    assert_eq!(of(1.0), of(1.0));
    let threads = std::thread::scope(|s| s.spawn(|| of(1.0)).join().unwrap());
    assert_eq!(of(1.0), threads);
    // A share of visits is a few percent, or thousandths of one.
    for unit in [1000.0, 1e-4] {
        for (a, b) in looked_at(&of(unit)).zip(looked_at(&of(1.0))) {
            assert!((a.r.quantiles[2] - b.r.quantiles[2]).abs() < 1e-4, "{a:?} {b:?}");
        }
    }
}

#[test]
fn a_rate_of_a_known_population_gives_the_r_of_its_counts_and_a_band_that_holds_the_truth() {
    for (share, apart) in [(0.02, 0.02), (0.0002, 0.04)] {
        let (mut of_rates, mut of_counts, mut difference) = (Held::default(), Held::default(), 0.0);
        for seed in 0..20 {
            let truth = wandering(seed);
            let counts = reported(&truth, &[], seed, share).0;
            // Per 100,000 of eight million, with two decimals, as it is published.
            let rates: Vec<f64> = counts.iter().map(|c| (c / 80.0 * 100.0).round() / 100.0).collect();
            let config = DelayedConfig { counts: false, ..DelayedConfig::default() };
            let by_rate = estimate_delayed(&rates, &si(), &delay(), &[], &config).unwrap();
            let by_count = estimated(&counts, &[]);
            for (r, c) in looked_at(&by_rate).zip(looked_at(&by_count)) {
                of_rates.add(truth[r.week - 1], &r.r);
                of_counts.add(truth[c.week - 1], &c.r);
                difference += (r.r.quantiles[2] - c.r.quantiles[2]).abs();
            }
        }
        let (n, rates, counts) = (of_rates.1, of_rates.shares(), of_counts.shares());
        println!(
            "share {share}: {n} weeks, {:.4} apart, rates {rates:.2?}, counts {counts:.2?}",
            difference / n
        );
        assert!(difference / n < apart, "{}", difference / n);
        assert!(rates[1] > 0.9 && (rates[0] - counts[0]).abs() < 0.08, "{rates:?} {counts:?}");
    }
}

#[test]
fn zeros_gaps_and_bad_numbers_are_named() {
    let of = |reports: &[f64]| estimate_delayed(reports, &si(), &delay(), &[], &DelayedConfig::default());
    assert!(of(&[0.0; 20]).is_err() && of(&[1.0; 5]).is_err() && of(&[f64::NAN; 20]).is_err());
    let few: Vec<f64> = (0..30).map(|w| f64::from(w % 4 / 3)).collect();
    let found = of(&few).unwrap();
    assert!(found.iter().all(|e| e.r.quantiles.iter().all(|q| q.is_finite() && *q > 0.0)), "{found:?}");
}
