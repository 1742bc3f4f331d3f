//! The model cards: the pages say what the registry says, which is what the API gives.

mod common;

use cards::{Asked, Signers};
use common::{CLOCK, Site, polyglot, time};
use domain::{CardSignature, Signer};
use kit::Clock;
use sqlx::PgPool;

/// The words of a page: without its tags, entities read, spaces as one.
fn words(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    let text = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text, |text, (entity, c)| text.replace(entity, c));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_text_and_number_of_a_card_stands_on_its_page_in_every_language(pool: PgPool) {
    let profile = polyglot();
    let site = Site::of(&pool, profile.clone()).await;
    for language in &profile.languages {
        let signers = Signers::new();
        let code = language.code.as_str();
        let asked =
            Asked { profile: &profile, language: code, as_of: time(CLOCK), signers: &signers, commit: None };
        let all = cards::read(&mut pool.acquire().await.unwrap(), asked).await.unwrap();
        assert!(all.models.len() >= 3);
        let overview = words(&site.get(&format!("/{code}/models")).await.body);
        for model in &all.models {
            assert!(overview.contains(&flat(&model.title)), "{code}: {} is not on /models", model.id);
            let answer = site.get(&format!("/{code}/models/{}", model.id)).await;
            assert_eq!(answer.status, 200);
            assert!(answer.body.len() < 100_000, "{code} {} weighs {}", model.id, answer.body.len());
            let page = words(&answer.body);
            let on_page =
                |text: &str| assert!(page.contains(&flat(text)), "{code} {} lacks: {text}", model.id);
            on_page(&model.signature.digest);
            for field in &model.fields {
                on_page(&field.heading);
                field.text.iter().for_each(|t| on_page(t));
                assert!(answer.body.contains(&format!("id=\"{}\"", field.id)), "{}", field.id);
            }
            for line in all.requirements.iter().flat_map(|g| &g.lines) {
                [&line.reference, &line.asks, &line.says, &line.status_text].iter().for_each(|t| on_page(t));
                for field in &line.fields {
                    assert!(
                        answer.body.contains(&format!("id=\"{field}\"")),
                        "{}: #{field} leads nowhere",
                        line.id
                    );
                }
            }
            for source in &model.sources {
                on_page(&source.id);
                source.title.iter().chain(&source.licence).for_each(|t| on_page(t));
            }
            for m in &model.measured {
                [&m.on, &m.measure, &m.value, &m.date, &m.how].iter().for_each(|t| on_page(t));
            }
            for run in model.signals.iter().filter_map(|s| s.run.as_ref()) {
                [&run.id, &run.data_hash, &run.source_hash, &run.model_version]
                    .iter()
                    .for_each(|t| on_page(t));
            }
            let formats =
                kit::locale::Formats::new(&language.tag, profile.time_zone, profile.week_system).unwrap();
            for season in &model.scores {
                on_page(&season.command);
                for place in &season.places {
                    on_page(&formats.number(place.relative_wis, 3));
                    on_page(&formats.number(place.relative_wis_log1p, 3));
                    for share in [place.coverage_50, place.coverage_80, place.coverage_95] {
                        on_page(&formats.percent(share));
                    }
                }
            }
        }
    }
    assert_eq!(site.get("/en/models/vigie-oracle").await.status, 404);
    let map = site.get("/sitemap.xml").await.body;
    assert!(map.contains("/fr/models/vigie-pool-us<") && !map.contains("vigie-pool-europe"), "{map}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_unsigned_card_says_so_in_every_language_and_a_wrong_signature_stops_the_start(pool: PgPool) {
    let profile = polyglot();
    let pages = Site::of(&pool, profile.clone()).await;
    for (code, word) in
        [("en", "Unsigned"), ("fr", "Non signée"), ("de", "Nicht unterschrieben"), ("it", "Non firmata")]
    {
        for path in ["models", "models/vigie-rt"] {
            let page = pages.get(&format!("/{code}/{path}")).await.body;
            assert!(page.contains(word), "/{code}/{path}");
        }
    }
    let mut forged = profile;
    forged.model_cards.signers = vec![Signer {
        name: "A".into(),
        key: "MCowBQYDK2VwAyEAtoyH8PhvRLoUvPLnZpTS/foNQVG7jzQaxiaD/hnMMWk=".into(),
    }];
    forged.model_cards.signatures = vec![CardSignature {
        model: "vigie-rt".into(),
        by: "A".into(),
        on: "2026-11-29".parse().unwrap(),
        signature: "T7LXZd+vtejgDf0UoB4Z2GAuFfDFt7WGba8GnuZ/aRwVvPY7NVqCbIxM+I2bVLnoA6Yrfrq5LE481lJKJKixAA=="
            .into(),
    }];
    let app = kit::App {
        db: pool.clone(),
        profile: std::sync::Arc::new(forged),
        clock: Clock::Recorded(time(CLOCK)),
        public_url: "https://vigie.test".into(),
    };
    let error = web::router(app, web::Options::default()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("vigie-rt") && error.contains("does not verify"), "{error}");
}
