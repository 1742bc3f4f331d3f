//! The job: looks at every alert, and writes to those whose threshold is reached since the last look.

use super::source::{Answer, Source, Week};
use super::{Alert, claim, found, release, to_tell, usable};
use crate::here::{Lang, Site};
use crate::mailer::Letter;
use crate::options::Options;
use crate::rights::contacts::Contact;
use crate::time::Time;
use domain::profile::Signal;
use kit::App;
use sqlx::PgConnection;
use std::fmt::Write as _;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Outcome {
    /// Alerts looked at.
    pub looked: u32,
    /// Letters that the mail server took.
    pub sent: u32,
    /// Alerts about which nothing is estimated.
    pub not_estimated: u32,
    /// Alerts that could not be looked at, or whose letter was not taken: tried again at the next run.
    pub failed: u32,
}

/// Is the threshold reached in a week? By the middle of its distribution; the letter says the band.
fn reaches(week: &Week, threshold: f64) -> bool {
    week.median >= threshold
}

/// One run over all alerts. One that fails keeps no other one from being looked at.
///
/// # Errors
/// When the settings cannot be used or the database does not answer.
pub async fn alerts(app: App, options: Options, time: Time) -> anyhow::Result<Outcome> {
    let site = &Site::new(app, options, time)?;
    let source = &site.source;
    let mut outcome = Outcome::default();
    let mut conn = site.app.db.acquire().await?;
    for alert in usable(&mut conn).await? {
        outcome.looked += 1;
        match look(site, source, &mut conn, &alert).await {
            Ok(Found::Sent) => outcome.sent += 1,
            Ok(Found::NotEstimated) => outcome.not_estimated += 1,
            Ok(Found::Nothing) => {}
            Err(error) => {
                outcome.failed += 1;
                tracing::warn!(alert = %alert.id, error = format!("{error:#}"), "an alert failed; it is tried again");
            }
        }
    }
    Ok(outcome)
}

enum Found {
    Sent,
    NotEstimated,
    Nothing,
}

async fn look(site: &Site, source: &Source, conn: &mut PgConnection, alert: &Alert) -> anyhow::Result<Found> {
    let signal = alert.signal.parse().ok().and_then(|id| site.app.profile.signal(&id));
    let (Some(lang), Some(signal)) = (site.by_code(&alert.language), signal) else {
        anyhow::bail!("its language or its signal is no longer in the profile");
    };
    let (weeks, notice) = match source.ask(&alert.signal, &alert.place, &lang.language.tag).await? {
        None => anyhow::bail!("its place is no longer known to the forecast API"),
        // Not "below": the next estimate is compared with the last one.
        Some(Answer::NotEstimated { .. }) => return Ok(Found::NotEstimated),
        Some(Answer::Estimated { result, recorded_situation }) => (result.horizons, recorded_situation),
    };
    if !weeks.iter().any(|w| reaches(w, alert.threshold)) {
        if alert.above {
            found(conn, &alert.id, false, None).await?;
        }
        return Ok(Found::Nothing);
    }
    if !claim(&mut *conn, &alert.id).await? {
        return Ok(Found::Nothing);
    }
    let notice = notice.map(|n| n.notice);
    let told = tell(site, conn, alert, |contact| {
        letter(site, lang, signal, alert, contact, &weeks, notice.as_deref())
    });
    let told = told.await;
    release(conn, &alert.id).await?;
    told
}

/// Nothing is written before the mail server has the letter: a run that is killed on the way loses none.
async fn tell(
    site: &Site,
    conn: &mut PgConnection,
    alert: &Alert,
    letter: impl FnOnce(&Contact) -> Letter,
) -> anyhow::Result<Found> {
    let Some(contact) = to_tell(&mut *conn, &alert.id).await? else { return Ok(Found::Nothing) };
    let Some(mailer) = &site.mailer else { anyhow::bail!("VIGIE_SMTP is not set") };
    mailer.send(&letter(&contact)).await?;
    found(conn, &alert.id, true, Some(site.time.now())).await?;
    Ok(Found::Sent)
}

/// The letter: each week that the country forecasts with its band, or that it is not estimated. Never a point without its band.
fn letter(
    site: &Site,
    lang: &Lang,
    signal: &Signal,
    alert: &Alert,
    contact: &Contact,
    weeks: &[Week],
    notice: Option<&str>,
) -> Letter {
    let unit = lang.t(format!("alerts.unit.{}", signal.unit.as_str()));
    let number = |value: f64| lang.formats.number(value, usize::from(signal.unit.as_str() != "persons"));
    let name = lang.t(format!("signal.{}", alert.signal));
    let mut lines = String::new();
    for horizon in signal.forecast.iter().flat_map(|plan| plan.horizons.iter()) {
        let line = match weeks.iter().find(|w| w.horizon == *horizon) {
            Some(w) => {
                let band = format!("{}–{}", number(w.band_80[0]), number(w.band_80[1]));
                let text = lang.f("mail.alert.week", "week", &lang.formats.date(w.target_end_date));
                let text = rust_i18n::replace_patterns(
                    &text,
                    &["band", "median", "unit"],
                    &[band, number(w.median), unit.clone()],
                );
                let reached =
                    if reaches(w, alert.threshold) { lang.t("mail.alert.reached") } else { String::new() };
                format!("{text}{reached}")
            }
            None => lang.f("mail.alert.not_estimated", "horizon", &horizon.to_string()),
        };
        let _ = writeln!(lines, "- {line}");
    }
    let stop = site.link(&alert.stop_path(contact));
    let text = rust_i18n::replace_patterns(
        &lang.t("mail.alert.text"),
        &["signal", "place", "threshold", "unit", "weeks", "notice", "page", "stop"],
        &[
            name.clone(),
            alert.place.clone(),
            number(alert.threshold),
            unit,
            lines,
            notice.map(|n| format!("{n}\n\n")).unwrap_or_default(),
            site.link(&format!("{}/", lang.language.prefix)),
            stop.clone(),
        ],
    );
    Letter {
        to: contact.email.clone(),
        subject: rust_i18n::replace_patterns(
            &lang.t("mail.alert.subject"),
            &["signal", "place"],
            &[name, alert.place.clone()],
        ),
        text,
        stop: Some(stop),
    }
}
