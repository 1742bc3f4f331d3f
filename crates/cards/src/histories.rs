//! Sources of the files in `data/history`: models learn from them and nothing shows them, so no database has them. As in
//! `data/sources.csv`; a test compares.

use crate::view::Source;

/// Id, title, page.
const FLU: [[&str; 3]; 2] = [
    [
        "cdc-flusurv-history",
        "FluSurv-NET: laboratory-confirmed influenza hospitalizations by site, 2003-2020",
        "https://gis.cdc.gov/GRASP/Fluview/FluHospRates.html",
    ],
    [
        "cdc-fluview-history",
        "FluView: ILINet and NREVSS by state, 2010-2020",
        "https://gis.cdc.gov/grasp/fluview/fluportaldashboard.html",
    ],
];

/// The source of a history.
pub(crate) fn history(id: &str) -> Option<Source> {
    let [id, title, page_url] = FLU.into_iter().find(|row| row[0] == id)?.map(str::to_owned);
    Some(Source {
        id,
        publisher: Some("CDC, Influenza Division".to_owned()),
        title: Some(title),
        page_url: Some(page_url),
        licence: Some("Public domain (US Government work)".to_owned()),
        licence_url: Some("https://www.usa.gov/government-works".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library;

    #[test]
    fn a_source_that_no_database_has_is_named_as_the_extract_names_it() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sources.csv");
        let mut rows = csv::Reader::from_path(path).unwrap();
        let header = rows.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
        let learnt: std::collections::BTreeSet<&String> =
            library().cards.iter().flat_map(|card| &card.sources).collect();
        let histories: Vec<_> = learnt.into_iter().filter(|id| id.ends_with("-history")).collect();
        assert_eq!(histories.len(), 2);
        for id in histories {
            let row = rows.iter().find(|row| &row[0] == id).unwrap();
            let of = |name: &str| header.iter().position(|h| h == name).map(|at| row[at].to_owned());
            let made = history(id).unwrap();
            assert_eq!((made.publisher, made.title), (of("publisher"), of("title")));
            assert_eq!(
                (made.page_url, made.licence, made.licence_url),
                (of("page_url"), of("licence"), of("licence_url"))
            );
        }
    }
}
