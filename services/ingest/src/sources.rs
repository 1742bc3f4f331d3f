//! The publishers' tables that this platform reads: one file a source, each a declaration and a pure parser.

pub mod cdc_covid_hub;
pub mod cdc_covid_state;
pub mod cdc_flusight;
pub mod cdc_fluview_history;
pub mod cdc_mpox;
pub mod ecdc_erviss;
pub mod ecdc_erviss_covid;
mod europe_log;
pub mod foph_covid19;
pub mod foph_idd;
pub mod jhu_csse;
pub mod owid_mpox;
pub mod sentinelles;
pub mod spf_odisse;
pub mod spf_sivic;
pub mod who_covid;
pub mod who_fluid;

use crate::Source;

/// Every source, by id.
pub const ALL: &[&Source] = &[
    &cdc_covid_hub::SOURCE,
    &cdc_covid_state::SOURCE,
    &cdc_flusight::SOURCE,
    &cdc_fluview_history::SOURCE,
    &cdc_mpox::SOURCE,
    &ecdc_erviss::SOURCE,
    &ecdc_erviss_covid::SOURCE,
    &foph_covid19::SOURCE,
    &foph_idd::SOURCE,
    &jhu_csse::SOURCE,
    &owid_mpox::SOURCE,
    &sentinelles::SOURCE,
    &spf_odisse::SOURCE,
    &spf_sivic::SOURCE,
    &who_covid::SOURCE,
    &who_fluid::SOURCE,
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
            assert!(!s.recordings.is_empty(), "{} is tested with nothing", s.id);
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
