//! `vigie incident`: whom a country's profile wants told, the form of each, and by when. A folder an incident: a log that is
//! only ever added to, and the forms written from it.

mod form;
mod log;
mod state;

use crate::say;
use crate::tree::Tree;
use anyhow::{bail, ensure};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use log::{Declared, Event, Log};
use serde_json::json;
use state::{Incident, Progress};
use std::path::PathBuf;

/// What can be done with incidents.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begin an incident: starts the timers and writes the form of each authority that is concerned
    Declare(Declare),
    /// State further facts; the forms are written anew
    Amend {
        /// The incident, as `declare` named it
        id: String,
        /// An answer, `nature=…`; again for the next
        #[arg(long = "fact", value_name = "FIELD=TEXT", required = true)]
        facts: Vec<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Note that an authority was told: its timer ends
    Sent {
        /// The incident, as `declare` named it
        id: String,
        /// The authority's word in the profile
        authority: String,
        /// The number that it answered with
        #[arg(long, default_value = "")]
        reference: String,
        #[command(flatten)]
        place: Place,
    },
    /// What is due; ends with 1 when something is overdue, or a log was changed
    Status {
        /// Note the reminders that were reached, each once, and end with 1 when there are new ones: for a timer
        #[arg(long)]
        remind: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// Where incidents are, and when it is.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The folder of all incidents
    #[arg(long, env = "VIGIE_INCIDENTS", default_value = "incidents")]
    dir: PathBuf,
    /// The moment to count from; without it, now
    #[arg(long, value_name = "TIME", value_parser = kit::moment)]
    at: Option<DateTime<Utc>>,
}

impl Place {
    fn now(&self) -> DateTime<Utc> {
        self.at.unwrap_or_else(kit::wall)
    }
}

/// A new incident.
#[derive(Debug, clap::Args)]
pub(crate) struct Declare {
    /// The country, by the folder of its profile
    #[arg(long, env = "COUNTRY")]
    country: String,
    /// Its profile, where there is no checkout
    #[arg(long, env = "VIGIE_PROFILE")]
    profile: Option<PathBuf>,
    /// What happened, in a few words
    #[arg(long)]
    title: String,
    /// What it involves, in words of the profile (`incident.authority.involves`), with commas between
    #[arg(long, value_delimiter = ',', required = true)]
    involves: Vec<String>,
    /// When somebody became aware of it; the timers count from here. Without it, now
    #[arg(long, value_name = "TIME", value_parser = kit::moment)]
    aware: Option<DateTime<Utc>>,
    /// An answer, `nature=…`; again for the next
    #[arg(long = "fact", value_name = "FIELD=TEXT")]
    facts: Vec<String>,
    #[command(flatten)]
    place: Place,
}

/// Does it; 1 when something is overdue.
pub(crate) fn run(command: &Command) -> anyhow::Result<u8> {
    match command {
        Command::Declare(args) => declare(args).map(|()| 0),
        Command::Amend { id, facts, place } => amend(id, facts, place).map(|()| 0),
        Command::Sent { id, authority, reference, place } => {
            sent(id, authority, reference, place).map(|()| 0)
        }
        Command::Status { remind, json, place } => status(place, *remind, *json),
    }
}

fn declare(args: &Declare) -> anyhow::Result<()> {
    let path = match &args.profile {
        Some(path) => path.clone(),
        None => {
            let tree = Tree::find(&std::env::current_dir()?)?;
            tree.profile(tree.country(&args.country)?)
        }
    };
    let profile = kit::config::profile(path)?;
    ensure!(
        profile.country.to_string() == args.country,
        "the profile is of {}, not of {}",
        profile.country,
        args.country
    );
    let now = args.place.now();
    let aware = args.aware.unwrap_or(now);
    ensure!(aware <= now, "--aware {aware} lies in the future: the timers count from when somebody knew");
    ensure!(!args.title.trim().is_empty(), "--title is empty: say in a few words what happened");
    let words = profile.incident.words();
    if let Some(word) = args.involves.iter().find(|w| !words.contains(w.as_str())) {
        let known = words.into_iter().collect::<Vec<_>>().join(", ");
        bail!("nothing in the profile of {} concerns `{word}`: choose among {known}", args.country);
    }
    let declared = Declared::new(&profile, args.title.trim(), aware, &args.involves);
    let facts = declared.read_facts(&args.facts)?;
    let id = format!("{}-{}", args.country, now.format("%Y%m%dT%H%M%SZ"));
    let dir = args.place.dir.join(&id);
    let mut log = Log::begin(&dir)?;
    log.append(now, Event::Declared(Box::new(declared)))?;
    if !facts.is_empty() {
        log.append(now, Event::Stated { facts })?;
    }
    let incident = Incident::of(&id, &log)?;
    let written = form::write(&dir, &incident)?;
    say::line(&format!("{id}: {} in {}", written.join(", "), dir.display()));
    tell(&incident, now);
    Ok(())
}

fn amend(id: &str, facts: &[String], place: &Place) -> anyhow::Result<()> {
    let (dir, mut log, incident) = open(id, place)?;
    let facts = incident.declared.read_facts(facts)?;
    log.append(place.now(), Event::Stated { facts })?;
    let written = form::write(&dir, &Incident::of(id, &log)?)?;
    say::line(&format!("{id}: {} written anew", written.join(", ")));
    Ok(())
}

fn sent(id: &str, authority: &str, reference: &str, place: &Place) -> anyhow::Result<()> {
    let (_, mut log, incident) = open(id, place)?;
    let Some(deadline) = incident.deadlines.iter().find(|d| d.authority == authority) else {
        let known = incident.deadlines.iter().map(|d| d.authority.as_str()).collect::<Vec<_>>().join(", ");
        bail!("{id} does not concern `{authority}`: choose among {known}");
    };
    ensure!(
        place.now() >= incident.declared.aware_at,
        "an authority cannot have been told before the incident"
    );
    let again = if deadline.sent.is_some() { " once more" } else { "" };
    let event = Event::Sent { authority: authority.to_owned(), reference: reference.to_owned() };
    log.append(place.now(), event)?;
    say::line(&format!("{id}: {authority} was told{again}"));
    Ok(())
}

fn status(place: &Place, remind: bool, as_json: bool) -> anyhow::Result<u8> {
    let now = place.now();
    let (mut code, mut all) = (0, Vec::new());
    for id in state::ids(&place.dir)? {
        let (mut log, incident) = match Log::open(&place.dir.join(&id)).and_then(|log| {
            let incident = Incident::of(&id, &log)?;
            Ok((log, incident))
        }) {
            Ok(found) => found,
            Err(error) => {
                say::error(&format!("{error:#}"));
                code = 1;
                continue;
            }
        };
        let overdue = incident.deadlines.iter().any(|d| matches!(d.at(now), Progress::Overdue));
        code = code.max(u8::from(overdue));
        for (authority, hours) in incident.new_reminders(now).into_iter().filter(|_| remind) {
            say::error(&format!("{id}: {authority} was not told yet, {hours} h after somebody became aware"));
            log.append(now, Event::Reminded { authority, hours })?;
            code = 1;
        }
        if !as_json {
            tell(&incident, now);
        }
        all.push(json!({ "id": id, "title": incident.declared.title, "country": incident.declared.country,
            "aware_at": incident.declared.aware_at, "head": log.head(),
            "deadlines": incident.deadlines.iter().map(|d| d.json(now)).collect::<Vec<_>>() }));
    }
    if as_json {
        say::line(&json!({ "at": now, "incidents": all }).to_string());
    } else if all.is_empty() && code == 0 {
        say::line(&format!("no incident in {}", place.dir.display()));
    }
    Ok(code)
}

fn tell(incident: &Incident, now: DateTime<Utc>) {
    let aware = incident.declared.aware_at.format(state::MOMENT);
    say::line(&format!("{}: {} (known since {aware})", incident.id, incident.declared.title));
    for deadline in &incident.deadlines {
        say::line(&format!("  {}", deadline.sentence(now)));
    }
}

fn open(id: &str, place: &Place) -> anyhow::Result<(PathBuf, Log, Incident)> {
    let known = state::ids(&place.dir)?;
    ensure!(
        known.iter().any(|k| k == id),
        "there is no incident `{id}` in {}: choose among {}",
        place.dir.display(),
        if known.is_empty() { "none".to_owned() } else { known.join(", ") }
    );
    let dir = place.dir.join(id);
    let log = Log::open(&dir)?;
    let incident = Incident::of(id, &log)?;
    Ok((dir, log, incident))
}
