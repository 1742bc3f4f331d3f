//! `spf-odisse`: influenza in French emergency departments (OSCOUR) and at SOS Médecins, from Santé publique France.

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
    credit: "Santé publique France, Odissé (réseau OSCOUR, SOS Médecins)",
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
        // Never recorded; the columns are those of the regional table and the two that name the département.
        Feed {
            name: "departements.csv",
            url: "https://odisse.santepubliquefrance.fr/api/explore/v2.1/catalog/datasets/grippe-passages-aux-urgences-et-actes-sos-medecins-departement/exports/csv?lang=fr&timezone=UTC&use_labels=true&delimiter=%2C",
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

/// The national table, or a finer one, which names its place beside it. All ages together; per 100,000 visits to emergency
/// departments, stays after such a visit, and acts of SOS Médecins, for any cause. A place is known by its INSEE code: the
/// names are not the official ones. The table of the départements names the region too.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (week, start) = (table.column(&["Semaine"])?, table.column(&["1er jour de la semaine"])?);
    let age = table.column(&["Classe d'âge"])?;
    let within = ["Département Code", "Région Code"].iter().find_map(|name| table.find(name));
    let signals = [
        ("flu_ed_visits", "Taux de passages aux urgences pour grippe"),
        ("flu_ed_stays", "Taux d'hospitalisations après passages aux urgences pour grippe"),
        ("flu_sos_acts", "Taux d'actes médicaux SOS médecins pour grippe"),
    ];
    let signals = signals.map(|(id, column)| Ok((signal(id)?, table.column(&[column])?)));
    let signals = signals.into_iter().collect::<Result<Vec<_>, Refusal>>()?;
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        if line.text(age) != "Tous âges" {
            skips.add("one age group of several");
            continue;
        }
        let found = match within {
            Some(column) => {
                let level = if column.name() == "Région Code" { "region" } else { "departement" };
                // The code of an overseas region or of Ain begins with a zero, which spreadsheets drop.
                places::by_code(level, &format!("{:0>2}", line.text(column)))
            }
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
        for (signal, column) in &signals {
            rows.push(Row::new(signal, place, of.end(), context.issued_at, line.number(*column)?));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written for this test by the documented columns: not a payload of the publisher.
    const TABLE: &str = "1er jour de la semaine,Semaine,Département Code,Département,Classe d'âge,Taux de passages aux urgences pour grippe,Taux d'hospitalisations après passages aux urgences pour grippe,Taux d'actes médicaux SOS médecins pour grippe,Région Code,Région
2025-01-27,2025-S05,75,Paris,Tous âges,3000.5,1200,,11,Île-de-France
2025-01-27,2025-S05,1,Ain,Tous âges,2500,900.25,8000,84,Auvergne et Rhône-Alpes
2025-01-27,2025-S05,2A,Corse-du-Sud,Tous âges,,,,94,Corse
2025-01-27,2025-S05,75,Paris,00-04 ans,1,2,3,11,Île-de-France
";

    #[test]
    fn a_departement_is_not_taken_for_the_region_beside_it() {
        let context = Context { issued_at: "2025-02-05T18:00:00Z".parse().unwrap(), file: "" };
        let parsed = parse(TABLE.as_bytes(), &context).unwrap();
        let shown: Vec<_> =
            parsed.rows.iter().map(|r| format!("{} {} {:?}", r.signal, r.place, r.value)).collect();
        assert_eq!(
            shown[..3],
            [
                "flu_ed_visits FR:75 Some(3000.5)",
                "flu_ed_stays FR:75 Some(1200.0)",
                "flu_sos_acts FR:75 None"
            ]
        );
        assert_eq!(shown[3], "flu_ed_visits FR:01 Some(2500.0)");
        assert_eq!(shown[6], "flu_ed_visits FR:2A None");
        assert_eq!(parsed.skipped, [("one age group of several".to_owned(), 1)]);
    }
}
