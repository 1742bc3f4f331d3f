//! `opencovid19-fr`: COVID-19 key figures of France, its regions and départements by day, consolidated by opencovid19-fr in 2020.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Defect, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{Dialect, Table};
use crate::{Context, Parsed, Refusal, Row};
use std::collections::BTreeMap;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "opencovid19-fr",
    publisher: "opencovid19-fr, d’après Santé publique France et le ministère de la Santé",
    title: "Chiffres-clés concernant l'épidémie de COVID-19 en France",
    page_url: "https://github.com/opencovid19-fr/data",
    cadence: Cadence::Ended,
    terms: Terms::LicenceOuverte,
    licence: "Licence Ouverte 2.0",
    licence_url: "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
    credit: "opencovid19-fr, d’après Santé publique France et le ministère des Solidarités et de la Santé",
    redistributable: true,
    left_out: None,
    issue_time: "The time of the commit that published the file.",
    repositories: &["opencovid19-fr/data"],
    steps: &[],
    rules: Rules {
        corrections: false,
        min_places: 2,
        first_day: (2020, 1, 24),
        week_ends: None,
        complete: false,
        least_share: 0.5,
        tolerates: &[Defect::Early],
    },
    feeds: &[Feed { name: "chiffres-cles.csv", url: "", parse }],
    recordings: &[
        Recording {
            feed: "chiffres-cles.csv",
            folder: "data/fr/opencovid19-fr",
            prefix: "chiffres-cles_",
            suffix: ".csv",
            issued: Issued::Recorded,
        },
        Recording {
            feed: "chiffres-cles.csv",
            folder: "data/fr/opencovid19-fr",
            prefix: "chiffres-cles_",
            suffix: ".csv.gz",
            issued: Issued::Recorded,
        },
    ],
};

/// Several collectors speak about one day and place, and disagree. The national bodies go first, in this order; what
/// agencies and prefectures wrote is not read. The first vintage names the body and not the kind of collector.
const COLLECTORS: [&str; 4] =
    ["sante-publique-france-data", "ministere-sante", "opencovid19-fr", "Santé publique France"];

/// The columns grew from 8 to 20: hospital figures are absent in the first vintages.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &Dialect { delimiter: b',', missing: &["NaN"], comment: None })?;
    let (date, code) = (table.column(&["date"])?, table.column(&["maille_code"])?);
    let collector = table.column(&["source_type", "source_nom"])?;
    let mut signals = vec![(signal("covid_hosp_deaths_cumulative")?, table.column(&["deces"])?)];
    for (id, name) in [("covid_hosp_patients", "hospitalises"), ("covid_icu_patients", "reanimation")] {
        if let Some(column) = table.find(name) {
            signals.push((signal(id)?, column));
        }
    }
    let (mut skips, mut slips) = (Skips::default(), Skips::default());
    let mut best = BTreeMap::new();
    for line in table.lines() {
        let found = match line.text(code).split_once('-') {
            None => places::by_id("FR").filter(|_| line.text(code) == "FRA"),
            Some(("REG", region)) => places::by_code("region", region),
            Some(("DEP", departement)) => places::by_code("departement", departement),
            Some(_) => None,
        };
        let rank = COLLECTORS.iter().position(|k| *k == line.text(collector));
        let (Some(place), Some(rank)) = (found, rank) else {
            skips.add("the world, an overseas collectivity, or a collector that is not read");
            continue;
        };
        let Ok(day) = line.date(date, &["%Y-%m-%d"]) else {
            slips.add("a date that is none");
            continue;
        };
        let values = signals.iter().map(|(_, column)| line.number(*column)).collect::<Result<Vec<_>, _>>()?;
        if best.get(&(day, place)).is_some_and(|(known, _)| *known <= rank) {
            skips.add("a day and place that a collector before it has");
            continue;
        }
        if best.insert((day, place), (rank, values)).is_some() {
            skips.add("a day and place that a collector before it has");
        }
    }
    let cells = best.iter().flat_map(|((day, place), (_, values))| {
        signals.iter().zip(values).map(move |((s, _), v)| Row::new(s, place, *day, context.issued_at, *v))
    });
    let (rows, quarantined) = (cells.collect(), slips.into_list());
    Ok(Parsed { rows, skipped: skips.into_list(), quarantined, ..Parsed::default() })
}
