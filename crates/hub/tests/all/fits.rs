//! A forecast is the mean of the fits of several weeks: each of them knows what was known in its own week and nothing more.

use std::fs;
use std::path::Path;

use chrono::{Duration, NaiveDate};
use hub::{Backtest, backtest};

use crate::common::{day, small, waves};

/// A publication of all weeks that are over, of up to 90,000 persons and without any wave.
fn wild(as_of: NaiveDate) -> String {
    let mut rows = String::new();
    let weeks = day(2021, 8, 7).iter_weeks().take_while(|end| *end < as_of);
    for (week, end) in weeks.enumerate() {
        for place in ["01", "02", "06", "US"] {
            rows += &format!("{as_of},wk inc flu hosp,{end},{place},{}\n", (week * 7_919) % 90_000);
        }
    }
    rows
}

/// The files of all reference dates from `from` to 2023-12-02, with the mean of `fits` fits.
fn forecast(hub: &Path, from: NaiveDate, fits: usize) -> Vec<String> {
    let out = hub.join(format!("out-{from}-{fits}"));
    let mut args = Backtest { from, to: day(2023, 12, 2), ..small(hub, &out) };
    args.recipe.as_mut().unwrap().fits = fits;
    let dates: Vec<NaiveDate> = from.iter_weeks().take_while(|date| *date <= args.to).collect();
    assert_eq!(backtest(&args, &mut Vec::new()).unwrap(), dates.len());
    let file = |date| fs::read_to_string(out.join(format!("model-output/Ours/{date}-Ours.csv"))).unwrap();
    dates.into_iter().map(file).collect()
}

#[test]
fn none_of_the_fits_sees_what_was_published_after_its_own_week() {
    let date = day(2023, 12, 2);
    let honest = forecast(&waves("fits-honest", ""), date, 4);
    // On the Fridays before the four origins (the last day that counts is the Thursday), and after the date itself. The
    // Wednesday's publication puts it right each time, so that only a fit that looked ahead can have seen it.
    let fridays = (0..5).map(|back| date - Duration::days(1) - Duration::weeks(back));
    let late: String = fridays.chain([date, day(2023, 12, 13)]).map(wild).collect();
    assert_eq!(forecast(&waves("fits-late", &late), date, 4), honest);
    for back in 1..4 {
        // A day earlier it counts for the fit of that week, and for no other.
        let thursday = wild(date - Duration::days(2) - Duration::weeks(back));
        let hub = waves(&format!("fits-thursday-{back}"), &thursday);
        assert_ne!(forecast(&hub, date, 4), honest, "the fit of {back} weeks before");
    }
}

#[test]
fn a_dates_forecast_is_the_same_whatever_date_the_backtest_begins_with() {
    let hub = waves("fits-from", "");
    let all = forecast(&hub, day(2023, 11, 11), 4);
    for (place, from) in [(1, day(2023, 11, 18)), (2, day(2023, 11, 25)), (3, day(2023, 12, 2))] {
        assert_eq!(forecast(&hub, from, 4), all[place..], "from {from}");
    }
    assert_ne!(forecast(&hub, day(2023, 12, 2), 3), all[3..], "the fourth fit is in the mean");
}
