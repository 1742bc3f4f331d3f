//! `/`: each disease in two sentences.

use crate::figures::headline::{ended, likely, sentence};
use crate::figures::outlook::Outlook;
use crate::figures::picture::{Range, chart};
use crate::figures::series::Series;
use crate::here::Here;
use crate::respond;
use askama::Template;
use axum::response::Response;
use kit::Problem;

/// A disease on the home page.
struct Entry {
    id: String,
    name: String,
    sentence: Option<String>,
    likely: Option<String>,
    ended: Option<String>,
    chart: Option<String>,
    /// What the chart shows, and of which time.
    caption: String,
    /// Is there a forecast?
    ahead: bool,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    here: &'a Here,
    nation: String,
    entries: Vec<Entry>,
}

pub(super) async fn show(mut here: Here) -> Result<Response, Problem> {
    here.params(&["as_of"])?;
    let profile = &here.site.app.profile;
    let mut conn = here.site.app.db.acquire().await.map_err(Problem::from)?;
    let nation = store::places::get(&mut conn, profile.nation.as_str()).await?;
    let mut entries = Vec::new();
    for disease in &profile.diseases {
        let mut entry = Entry {
            id: disease.id.clone(),
            name: here.t(format!("disease.{}.name", disease.id)),
            sentence: None,
            likely: None,
            ended: None,
            chart: None,
            caption: String::new(),
            ahead: false,
        };
        if let Some(place) = &nation
            && let Some(series) = Series::headline(&mut conn, profile, disease, place, here.now()).await?
        {
            let lang = here.lang();
            let outlook = Outlook::read(&mut conn, &series, place).await?;
            entry.sentence = sentence(lang, &series, place);
            entry.ended = ended(lang, &series);
            entry.likely =
                likely(lang, &series, &outlook).into_iter().next().filter(|_| entry.ended.is_none());
            entry.ahead = outlook.weeks.is_ok();
            entry.caption = lang.t(&format!("signal.{}.name", series.signal.id));
            entry.chart = chart(lang, &series, &outlook, place, Range::Year).map(|mut c| {
                c.height = 215;
                c.svg()
            });
        }
        entries.push(entry);
    }
    let nation = profile.nation.to_string();
    respond::page(&here, &Home { here: &here, nation, entries })
}
