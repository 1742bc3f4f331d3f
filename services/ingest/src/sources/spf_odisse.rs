//! `spf-odisse`: visits to French emergency departments for influenza (OSCOUR), from Santé publique France.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::{EpiWeek, Step, WeekSystem};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "spf-odisse",
    publisher: "Santé publique France",
    title: "Grippe : passages aux urgences et actes SOS Médecins (Odissé)",
    page_url: "https://odisse.santepubliquefrance.fr/",
    cadence: Cadence::Weekly,
    terms: Terms::LicenceOuverte,
    licence: "Licence Ouverte 2.0",
    licence_url: "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
    credit: "Santé publique France, Odissé (réseau OSCOUR)",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the retrieval, counted from the end of that day: the exports do not state their own.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 1,
        first_day: (2014, 1, 1),
        week_ends: Some(Weekday::Sun),
        complete: true,
        least_share: 0.9,
        tolerates: &[],
    },
    feeds: &[
        Feed {
            name: "france.csv",
            url: "https://odisse.santepubliquefrance.fr/api/explore/v2.1/catalog/datasets/grippe-passages-aux-urgences-et-actes-sos-medecins-france/exports/csv?lang=fr&timezone=UTC&use_labels=true&delimiter=%2C",
            parse,
        },
        Feed {
            name: "regions.csv",
            url: "https://odisse.santepubliquefrance.fr/api/explore/v2.1/catalog/datasets/grippe-passages-urgences-et-actes-sos-medecin_reg/exports/csv?lang=fr&timezone=UTC&use_labels=true&delimiter=%2C",
            parse,
        },
    ],
    recordings: &[
        recording("france.csv", "grippe-passages-aux-urgences-et-actes-sos-medecins-france_", ".csv"),
        recording("regions.csv", "grippe-passages-urgences-et-actes-sos-medecin_reg_", ".csv.gz"),
    ],
};

const fn recording(feed: &'static str, prefix: &'static str, suffix: &'static str) -> Recording {
    Recording { feed, folder: "data/fr/odisse", prefix, suffix, issued: Issued::Recorded }
}

/// The national table, or the regional one, which has two more columns. All ages together; per 100,000 visits to
/// emergency departments for any cause. A region is known by its INSEE code: the names are not the official ones.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (week, start) = (table.column(&["Semaine"])?, table.column(&["1er jour de la semaine"])?);
    let (age, region) = (table.column(&["Classe d'âge"])?, table.find("Région Code"));
    let visits = table.column(&["Taux de passages aux urgences pour grippe"])?;
    let ed_visits = signal("flu_ed_visits")?;
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        if line.text(age) != "Tous âges" {
            skips.add("one age group of several");
            continue;
        }
        let found = match region {
            // The code of the overseas regions begins with a zero, which spreadsheets drop.
            Some(column) => places::by_code("region", &format!("{:0>2}", line.text(column))),
            None => places::by_id("FR"),
        };
        let Some(place) = found else {
            skips.add("no place of this platform");
            continue;
        };
        let monday = line.date(start, &["%Y-%m-%d"])?;
        let of =
            EpiWeek::parse(line.text(week), WeekSystem::Iso).map_err(|_| line.refuse(week, "an ISO week"))?;
        if of.start() != monday {
            return Err(line.refuse(start, "the Monday of the week beside it"));
        }
        let value = line.number(visits)?;
        rows.push(Row::new(&ed_visits, place, of.end(), context.issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
