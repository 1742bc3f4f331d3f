//! The log of changes of the two European hubs' snapshots, which `ecdc-erviss` and `who-fluid` share.

use crate::frame::{Frame, present};
use crate::parsed::{Skips, end_of_day, signal};
use crate::places;
use crate::{Parsed, Refusal, Row, Vintage};
use std::collections::{BTreeMap, BTreeSet};

/// The hub that carries on from the older `flu-forecast-hub`.
const NEWER: &str = "synd";

/// Reads the rows of one data source (`ERVISS`, `FluID`). `as_of` is the date of a snapshot; a null says that the
/// row is absent from it (the history window moves): absence is not deletion, so the known value stands.
pub(super) fn read(bytes: &[u8], data_source: &str) -> Result<Parsed, Refusal> {
    let log = Frame::read(bytes)?;
    let (hub, source, target) = (log.text(&["hub"])?, log.text(&["source"])?, log.text(&["target"])?);
    let (as_of, location) = (log.date(&["as_of"])?, log.text(&["location"])?);
    let (date, value) = (log.date(&["truth_date"])?, log.number(&["value"])?);
    let signals = [("ILI", signal("ili_incidence")?), ("ARI", signal("ari_incidence")?)];

    // Both hubs took the same snapshots for two weeks; from its first one on the newer hub speaks alone.
    let mut begins = BTreeMap::new();
    for i in 0..log.len() {
        if &**present(hub, i, "hub")? == NEWER && &**present(source, i, "source")? == data_source {
            let at = *present(as_of, i, "as_of")?;
            let first = begins.entry(present(target, i, "target")?).or_insert(at);
            *first = at.min(*first);
        }
    }
    let (mut rows, mut skips, mut vintages) = (Vec::new(), Skips::default(), BTreeSet::new());
    for i in 0..log.len() {
        if &**present(source, i, "source")? != data_source {
            skips.add("another data source of the same log");
            continue;
        }
        let (hub, target, at) =
            (&**present(hub, i, "hub")?, present(target, i, "target")?, *present(as_of, i, "as_of")?);
        if hub != NEWER && begins.get(target).is_some_and(|b| at >= *b) {
            skips.add("the older hub's copy of the same snapshot");
            continue;
        }
        let Some((_, signal)) = signals.iter().find(|(t, _)| **target == **t) else {
            skips.add("an indicator that is not read here");
            continue;
        };
        let repository = if hub == NEWER { "RespiCast-SyndromicIndicators" } else { "flu-forecast-hub" };
        vintages.insert(Vintage {
            issued_at: end_of_day(at),
            signal: Some(signal.clone()),
            name: format!("{at}-{target}"),
            url: format!(
                "https://github.com/european-modelling-hubs/{repository}/raw/main/target-data/{data_source}/snapshots/{at}-{target}_incidence.csv"
            ),
        });
        let Some(place) = places::by_id(present(location, i, "location")?) else {
            skips.add("no place of this platform");
            continue;
        };
        let Some(value) = value.get(i).copied().flatten() else {
            skips.add("absent from that snapshot: the value known before stands");
            continue;
        };
        rows.push(Row::new(signal, place, *present(date, i, "truth_date")?, end_of_day(at), Some(value)));
    }
    Ok(Parsed {
        rows,
        skipped: skips.into_list(),
        vintages: vintages.into_iter().collect(),
        changes_only: true,
        ..Parsed::default()
    })
}
