//! The rules that compare a payload with what is known, against everything that was recorded: a rule that refuses
//! good vintages would lose what is right.

mod common;

use common::shared;
use ingest::changes::Log;
use ingest::recorded::{self, Manifest};
use ingest::{Context, sources, validation};
use std::collections::{BTreeMap, BTreeSet};

/// Recorded payloads that must not pass unseen, as all places (`""`) or one country sees them: nations joined into one,
/// a day that a collector took back, and the départements lost on 2020-10-31.
const NOT_LIKE_BEFORE: [(&str, &str, &str); 7] = [
    ("chiffres-cles_2020-04-06.csv.gz", "", "no row for 2020-03-13"),
    ("chiffres-cles_2020-04-06.csv.gz", "FR", "no row for 2020-03-13"),
    ("chiffres-cles_2020-10-31.csv.gz", "", "only 834 rows"),
    ("chiffres-cles_2020-10-31.csv.gz", "FR", "only 834 rows"),
    ("chiffres-cles_2021-02-25.csv.gz", "", "only 1170 rows"),
    ("chiffres-cles_2021-02-25.csv.gz", "FR", "only 1170 rows"),
    ("timeseries-country-confirmed_2022-07-15.csv", "", "3 of 10 places"),
];

/// Feeds whose payloads are no whole tables: one day, or one country.
const NO_TABLES: [&str; 2] = ["daily_report.csv", "epicurve.csv"];

/// Rows of a payload beyond which it is left out here.
const LARGE: usize = 500_000;

#[test]
fn no_good_vintage_is_refused_for_what_is_known() {
    let Some(shared) = shared("no_good_vintage_is_refused_for_what_is_known") else { return };
    let manifest = Manifest::read(&shared).unwrap();
    let (mut refused, mut compared) = (Vec::new(), 0);
    for source in sources::ALL {
        // As the live runner sees it: all places, and those of one country alone.
        let mut logs: BTreeMap<_, Log> = BTreeMap::new();
        for (i, payload) in recorded::payloads(&shared, source, &manifest).unwrap().into_iter().enumerate() {
            let context = Context { issued_at: payload.at.unwrap_or_default(), file: &payload.file };
            let parsed = (source.feed(payload.feed).unwrap().parse)(&payload.bytes, &context);
            let parsed = parsed.and_then(|p| validation::check(p, &source.rules, 0));
            // A log of changes is no table, and a report of one day is no history.
            let Ok(parsed) = parsed else { continue };
            if parsed.rows.len() > LARGE || parsed.changes_only || NO_TABLES.contains(&payload.feed) {
                continue;
            }
            let issued_at = parsed.rows.iter().map(|r| r.issued_at).min().unwrap_or_default();
            for nation in ["", "US", "FR", "CH"] {
                let of = parsed.rows.iter().filter(|r| r.place.as_str().starts_with(nation));
                let rows: Vec<_> = of.cloned().collect();
                let signals: BTreeSet<_> = rows.iter().map(|r| r.signal.clone()).collect();
                let log = logs.entry((payload.feed, nation)).or_default();
                // An older vintage that comes later is compared with what was known then.
                let mut known = log.newest_before(issued_at);
                known.retain(|cell, _| signals.contains(&cell.0));
                compared += usize::from(!known.is_empty());
                let long = validation::long_enough(rows.len(), &source.rules, known.len());
                match long.and_then(|()| validation::against_known(&rows, &source.rules, &known)) {
                    Err(reason) => {
                        let reason = reason.to_string();
                        // What is missing is no part of what is known; a change of structure an operator accepts.
                        if !reason.contains("rows") {
                            log.add(rows, i);
                        }
                        // A reason that an operator has accepted once is not raised again.
                        if !refused.iter().any(|(_, n, r)| *n == nation && *r == reason) {
                            refused.push((payload.file.clone(), nation, reason));
                        }
                    }
                    Ok(()) => log.add(rows, i),
                }
            }
        }
    }
    assert!(compared > 150, "{compared} payloads had something known before them");
    refused.sort();
    assert_eq!(refused.len(), NOT_LIKE_BEFORE.len(), "{refused:#?}");
    for ((file, nation, reason), expected) in refused.iter().zip(NOT_LIKE_BEFORE) {
        assert_eq!((file.as_str(), *nation), (expected.0, expected.1));
        assert!(reason.contains(expected.2), "{file}: {reason}");
    }
}
