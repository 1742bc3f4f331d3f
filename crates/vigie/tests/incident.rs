//! `vigie incident`: forms, timers with a moved clock, and a log that shows what was done to it.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

use domain::CountryProfile;
use domain::profile::incident::Authority;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of incidents, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigie-incident-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Self(dir)
    }

    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .arg("incident")
            .args(args)
            .env_clear()
            .env("VIGIE_INCIDENTS", &self.0)
            .env("VIGIE_ROOT", root())
            .output()
            .unwrap();
        (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }

    /// Declares at 08:00 on 1 March 2026 and returns the incident's id.
    fn declare(&self, country: &str, involves: &str, more: &[&str]) -> String {
        let args = [
            "declare",
            "--country",
            country,
            "--involves",
            involves,
            "--title",
            "T",
            "--at",
            "2026-03-01T08:00:00Z",
        ];
        let (code, said) = self.run(&[&args[..], more].concat());
        assert_eq!(code, Some(0), "{said}");
        let id = format!("{country}-20260301T080000Z");
        assert!(said.starts_with(&id), "{said}");
        id
    }

    fn status(&self, at: &str, more: &[&str]) -> (Option<i32>, String) {
        self.run(&[&["status", "--at", at], more].concat())
    }

    fn read(&self, id: &str, file: &str) -> String {
        std::fs::read_to_string(self.0.join(id).join(file)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn profiles() -> Vec<CountryProfile> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(root().join("clusters")).unwrap() {
        if let Ok(text) = std::fs::read_to_string(entry.unwrap().path().join("profile/profile.toml")) {
            all.push(CountryProfile::parse(&text).unwrap());
        }
    }
    assert!(all.len() >= 3);
    all
}

#[test]
fn every_authority_of_every_country_gets_its_form_in_every_language() {
    for profile in profiles() {
        let country = profile.country.to_string();
        for word in profile.incident.words() {
            let folder = Folder::new(&format!("forms-{country}-{word}"));
            let concerned = |a: &&Authority| a.involves.iter().any(|w| w == word);
            let asked = profile.incident.authority.iter().find(concerned).unwrap().fields.last().unwrap();
            let id = folder.declare(&country, word, &["--fact", &format!("{asked}=vigie-canary")]);
            for authority in &profile.incident.authority {
                for language in &profile.languages {
                    let file = format!("{}.{}.md", authority.id, language.code);
                    if !concerned(&authority) {
                        assert!(!folder.0.join(&id).join(&file).exists(), "{country} {word}: {file}");
                        continue;
                    }
                    let form = folder.read(&id, &file);
                    assert!(form.contains(&authority.law[&language.code]), "{form}");
                    for field in &authority.fields {
                        let label = &profile.incident.field(field).unwrap().label[&language.code];
                        assert!(form.contains(&format!("## {label}\n")), "{country} {file} lacks {label}");
                    }
                    assert_eq!(form.contains("vigie-canary"), authority.fields.contains(asked));
                    assert!(!form.contains(".form."), "a text is missing: {form}");
                }
            }
        }
    }
}

#[test]
fn the_fields_are_those_that_the_laws_list() {
    let wanted = [
        // GDPR art. 33(3); DSV art. 15(1)
        ("fr", "cnil", Some(72), vec!["nature", "persons", "records", "contact", "consequences", "measures"]),
        (
            "ch",
            "pfpdt",
            None,
            vec!["nature", "began", "records", "persons", "consequences", "measures", "contact"],
        ),
        ("ch", "ofcs", Some(24), vec!["attack", "effects", "measures", "next"]),
        (
            "us",
            "cisa",
            Some(1),
            vec!["functional", "information", "recovery", "detected", "scale", "location", "contact"],
        ),
        ("us", "hhs", Some(60 * 24), vec!["persons", "breach_dates", "phi", "measures"]),
    ];
    let all = profiles();
    for (country, id, hours, fields) in wanted {
        let profile = all.iter().find(|p| p.country.to_string() == country).unwrap();
        let authority = profile.incident.authority.iter().find(|a| a.id == id).unwrap();
        assert_eq!(authority.due_hours, hours, "{id}");
        for field in fields {
            assert!(authority.fields.iter().any(|f| f == field), "{id} does not ask {field}");
        }
    }
    let fr = all.iter().find(|p| p.country.to_string() == "fr").unwrap();
    assert_eq!(fr.incident.authority[0].alert_hours, [24, 48, 66]);
}

#[test]
fn an_operator_is_never_invented_and_what_is_stated_fills_the_form() {
    let folder = Folder::new("unset");
    let id = folder.declare("fr", "personal_data", &[]);
    let form = folder.read(&id, "cnil.fr.md");
    assert!(
        form.contains("[seul l’exploitant le sait (legal.data_protection_officer dans le profil)]"),
        "{form}"
    );
    assert!(form.contains("[à compléter]") && form.contains("2026-03-04 08:00 UTC"), "{form}");
    let (code, said) =
        folder.run(&["amend", &id, "--fact", "nature=accès", "--fact", "contact=dpo@operateur.test"]);
    assert_eq!(code, Some(0), "{said}");
    let form = folder.read(&id, "cnil.fr.md");
    assert!(form.contains("\naccès\n") && form.contains("\ndpo@operateur.test\n"), "{form}");
}

#[test]
fn timers_remind_once_and_end_overdue_or_told() {
    let folder = Folder::new("timers");
    let id = folder.declare("fr", "personal_data", &["--aware", "2026-03-01T02:00:00Z"]);
    // Due 72 hours after somebody knew, not after the declaration.
    let (code, said) = folder.status("2026-03-01T09:00:00Z", &["--remind"]);
    assert!(code == Some(0) && said.contains("due 2026-03-04 02:00 UTC, in 65 h"), "{said}");
    for (at, hours) in
        [("2026-03-02T02:00:00Z", 24), ("2026-03-03T02:00:00Z", 48), ("2026-03-03T20:00:00Z", 66)]
    {
        let (code, said) = folder.status(at, &["--remind"]);
        assert!(code == Some(1) && said.contains(&format!("not told yet, {hours} h after")), "{said}");
        let (code, said) = folder.status(at, &["--remind"]);
        assert!(code == Some(0) && !said.contains("not told yet"), "a reminder comes once: {said}");
    }
    assert_eq!(folder.status("2026-03-04T02:00:00Z", &[]).0, Some(0), "the last moment is in time");
    let (code, said) = folder.status("2026-03-04T03:00:00Z", &[]);
    assert!(code == Some(1) && said.contains("cnil: OVERDUE by 60 min"), "{said}");
    let (code, said) =
        folder.run(&["sent", &id, "cnil", "--reference", "N-1", "--at", "2026-03-04T05:00:00Z"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = folder.status("2026-04-01T00:00:00Z", &["--remind"]);
    assert!(code == Some(0) && said.contains("told 2026-03-04 05:00 UTC, 3 h too late, as N-1"), "{said}");
}

#[test]
fn a_duty_without_a_number_of_hours_is_overdue_after_its_last_reminder() {
    let folder = Folder::new("atonce");
    let id = folder.declare("ch", "high_risk,cyber_attack", &[]);
    let (code, said) = folder.status("2026-03-02T07:00:00Z", &[]);
    assert!(code == Some(0) && said.contains("pfpdt: without delay, known for 23 h"), "{said}");
    let (code, said) = folder.status("2026-03-02T08:01:00Z", &["--json"]);
    assert_eq!(code, Some(1), "BACS wants to be told within 24 hours");
    let all: Value = serde_json::from_str(said.trim()).unwrap();
    let progress = |authority: &str| {
        let found =
            all["incidents"][0]["deadlines"].as_array().unwrap().iter().find(|d| d["authority"] == authority);
        found.unwrap()["progress"].as_str().unwrap().to_owned()
    };
    assert_eq!((progress("ofcs"), progress("pfpdt")), ("overdue".into(), "open".into()));
    for authority in ["ofcs", "ofcs-complement"] {
        assert_eq!(folder.run(&["sent", &id, authority, "--at", "2026-03-01T09:00:00Z"]).0, Some(0));
    }
    assert_eq!(folder.status("2026-03-04T01:00:00Z", &[]).0, Some(0));
    assert_eq!(folder.status("2026-03-04T03:00:00Z", &[]).0, Some(1), "66 hours have passed");
}

#[test]
fn a_changed_log_is_named_and_others_are_shown_all_the_same() {
    let folder = Folder::new("changed");
    let id = folder.declare("us", "security", &["--fact", "functional=none"]);
    let other = folder.declare("fr", "high_risk", &[]);
    let path = folder.0.join(&id).join("log.jsonl");
    let good = std::fs::read_to_string(&path).unwrap();
    assert_eq!(good.lines().count(), 2);
    let lines: Vec<&str> = good.lines().collect();
    for (what, text) in [
        ("another time", good.replace("2026-03-01T08:00:00Z", "2026-03-02T08:00:00Z")),
        ("another fact", good.replace("\"none\"", "\"grave\"")),
        ("a line less", format!("{}\n", lines[1])),
        ("the other order", format!("{}\n{}\n", lines[1], lines[0])),
        ("a line twice", format!("{good}{}\n", lines[1])),
        ("cut within a line", good[..good.len() - 9].to_owned()),
        ("nothing", String::new()),
    ] {
        std::fs::write(&path, text).unwrap();
        let (code, said) = folder.status("2026-03-01T08:10:00Z", &[]);
        assert!(code == Some(1) && said.contains(&id) && said.contains(&other), "{what}: {said}");
        assert!(
            said.contains("not what was written there") || said.contains("does not begin"),
            "{what}: {said}"
        );
        assert_ne!(folder.run(&["sent", &id, "cisa"]).0, Some(0), "{what}");
    }
    std::fs::write(&path, good).unwrap();
    assert_eq!(folder.status("2026-03-01T08:10:00Z", &[]).0, Some(0));
}

#[test]
fn what_cannot_be_is_answered_by_a_sentence() {
    let folder = Folder::new("wrong");
    let base = ["declare", "--country", "fr", "--title", "T", "--at", "2026-03-01T08:00:00Z", "--involves"];
    for (more, wanted) in [
        (vec!["nonsense"], "choose among high_risk, personal_data"),
        (vec!["personal_data", "--fact", "colour=red"], "nobody asks `colour`: choose among"),
        (vec!["personal_data", "--fact", "nature"], "write FIELD=TEXT"),
        (vec!["personal_data", "--aware", "2026-03-01T09:00:00Z"], "lies in the future"),
    ] {
        let (code, said) = folder.run(&[&base[..], &more].concat());
        assert!(code == Some(1) && said.contains(wanted), "{said}");
    }
    assert!(folder.status("2026-03-01T08:00:00Z", &[]).1.contains("no incident in"), "nothing was begun");
    let (code, said) = folder.run(&["sent", "fr-1", "cnil"]);
    assert!(code == Some(1) && said.contains("there is no incident `fr-1`"), "{said}");
    let id = folder.declare("fr", "personal_data", &[]);
    let (code, said) = folder.run(&["sent", &id, "cisa"]);
    assert!(code == Some(1) && said.contains("choose among cnil"), "{said}");
    let again = folder.run(&[&base[..], &["personal_data"]].concat());
    assert!(again.0 == Some(1) && again.1.contains("declare it again"), "{}", again.1);
}

#[test]
fn an_incident_is_for_its_owner_only() {
    let folder = Folder::new("mode");
    let id = folder.declare("fr", "personal_data", &[]);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.0.join(&id)), 0o700);
    for entry in std::fs::read_dir(folder.0.join(&id)).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}
