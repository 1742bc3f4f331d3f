//! The publishers' tables that this platform reads: one file a source, each a declaration and a pure parser.

pub mod cdc_covid_hub;
pub mod cdc_covid_state;
pub mod cdc_flusight;
pub mod cdc_flusurv_history;
pub mod cdc_fluview;
pub mod cdc_fluview_history;
pub mod cdc_mpox;
pub mod cdc_nchs_deaths;
pub mod cdc_nhsn;
pub mod cdc_nssp;
pub mod cdc_nwss;
pub mod cdc_rsv_hub;
pub mod ecdc_covid;
pub mod ecdc_erviss;
pub mod ecdc_erviss_covid;
pub mod ecdc_mpox;
mod europe_log;
pub mod foph_covid19;
pub mod foph_idd;
pub mod foph_idd_weekly;
pub mod foph_sentinella;
pub mod globaldothealth_mpox;
pub mod jhu_counties;
pub mod jhu_csse;
pub mod nyt_counties;
pub mod opencovid19_fr;
pub mod openhealth_ias;
pub mod owid_hosp;
pub mod owid_mpox;
pub mod sentinelles;
pub mod spf_indicateurs;
pub mod spf_odisse;
pub mod spf_sivic;
mod us_sites;
pub mod who_covid;
pub mod who_fluid;
pub mod who_flunet;
pub mod who_mpox;

use crate::Source;

/// Every source, by id.
pub const ALL: &[&Source] = &[
    &cdc_covid_hub::SOURCE,
    &cdc_covid_state::SOURCE,
    &cdc_flusight::SOURCE,
    &cdc_flusurv_history::SOURCE,
    &cdc_fluview::SOURCE,
    &cdc_fluview_history::SOURCE,
    &cdc_mpox::SOURCE,
    &cdc_nchs_deaths::SOURCE,
    &cdc_nhsn::SOURCE,
    &cdc_nssp::SOURCE,
    &cdc_nwss::SOURCE,
    &cdc_rsv_hub::SOURCE,
    &ecdc_covid::SOURCE,
    &ecdc_erviss::SOURCE,
    &ecdc_erviss_covid::SOURCE,
    &ecdc_mpox::SOURCE,
    &foph_covid19::SOURCE,
    &foph_idd::SOURCE,
    &foph_idd_weekly::SOURCE,
    &foph_sentinella::SOURCE,
    &globaldothealth_mpox::SOURCE,
    &jhu_counties::SOURCE,
    &jhu_csse::SOURCE,
    &nyt_counties::SOURCE,
    &opencovid19_fr::SOURCE,
    &openhealth_ias::SOURCE,
    &owid_hosp::SOURCE,
    &owid_mpox::SOURCE,
    &sentinelles::SOURCE,
    &spf_indicateurs::SOURCE,
    &spf_odisse::SOURCE,
    &spf_sivic::SOURCE,
    &who_covid::SOURCE,
    &who_fluid::SOURCE,
    &who_flunet::SOURCE,
    &who_mpox::SOURCE,
];

/// The source with that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Source> {
    ALL.iter().copied().find(|s| s.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::SourceId;

    #[test]
    fn declarations_are_sound() {
        for s in ALL {
            assert!(SourceId::new(s.id).is_ok(), "{}", s.id);
            assert!(!s.credit.is_empty() && s.licence_url.starts_with("https://"), "{}", s.id);
            assert!(s.page_url.starts_with("https://") && s.issue_time.ends_with('.'), "{}", s.id);
            let unseen = s.left_out.is_some_and(|why| why.contains("no payload could be recorded"));
            assert_eq!(
                s.recordings.is_empty(),
                unseen,
                "{} is tested with nothing, and does not say why",
                s.id
            );
            for r in s.recordings {
                assert!(s.feed(r.feed).is_some(), "{} records the unknown feed {}", s.id, r.feed);
            }
            for f in s.feeds {
                assert!(f.url.is_empty() || f.url.starts_with("https://"), "{} {}", s.id, f.name);
            }
        }
        assert!(ALL.windows(2).all(|w| w[0].id < w[1].id), "by id, each once");
    }
}
