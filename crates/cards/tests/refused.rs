//! What the build refuses, and which signatures count.
#![expect(clippy::unwrap_used, reason = "a test may end loudly")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cards::format;
use cards::{library, statement, verify};
use domain::{CardSignature, CountryProfile, Signer};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use std::collections::BTreeMap;
use std::path::Path;

/// The files of the folder, as the build script reads them.
fn files() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("model-cards");
    let mut all = BTreeMap::new();
    for (below, before) in [(folder.clone(), ""), (folder.join("scores"), "scores/")] {
        for entry in std::fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = format!("{before}{}", path.file_name().unwrap().to_string_lossy());
                all.insert(name, std::fs::read_to_string(path).unwrap());
            }
        }
    }
    all
}

/// The faults of the files with one of them changed.
fn faults(file: &str, change: impl FnOnce(&str) -> Option<String>) -> Vec<String> {
    let mut all = files();
    match change(&all[file]) {
        Some(text) => drop(all.insert(file.to_owned(), text)),
        None => drop(all.remove(file)),
    }
    format::library(&all).err().unwrap_or_default()
}

/// The text of `key` emptied.
fn emptied(text: &str, key: &str) -> String {
    let lines = text
        .lines()
        .map(|l| if l.starts_with(&format!("{key} = ")) { format!("{key} = \"\"") } else { l.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_empty_field_stops_the_build_and_is_named() {
    assert_eq!(format::library(&files()).map(|l| l.cards.len()), Ok(library().cards.len()));
    for (file, field) in [
        ("vigie-rt.toml", "limits"),
        ("vigie-deaths.de.toml", "title"),
        ("vigie-pool-us.fr.toml", "method"),
        ("common.it.toml", "oversight"),
        ("common.en.toml", "signature"),
        ("requirements.fr.toml", "who-3"),
    ] {
        let found = faults(file, |text| Some(emptied(text, field)));
        assert!(found.iter().any(|f| f.starts_with(file) && f.contains(field)), "{file} {field}: {found:?}");
    }
}

#[test]
fn a_missing_language_an_unknown_field_and_a_card_without_scores_stop_the_build() {
    for (file, change, sentence) in [
        ("vigie-rt.it.toml", None, "vigie-rt.it.toml is not there"),
        ("vigie-rt.de.toml", Some(("limits =", "limit =")), "limit is shown nowhere"),
        ("requirements.toml", Some(("\"intended_use\"", "\"purpose\"")), "`purpose`, which no card has"),
        (
            "requirements.toml",
            Some(("\"not_applicable\"\n[[requirement]]", "\"met\"\n[[requirement]]")),
            "names nothing that answers it",
        ),
        ("scores/vigie-pool-us.csv", None, "scores is empty"),
        (
            "vigie-pool-us.toml",
            Some((
                "sources = [\"cdc-flusight\", \"cdc-flusurv-history\", \"cdc-fluview-history\"]",
                "sources = []",
            )),
            "sources is empty",
        ),
        ("requirements.de.toml", Some(("[rows.who-6-2]", "[rows.who-6-9]")), "rows.who-6-2 is missing"),
    ] {
        let found = faults(file, |text| {
            let (from, to) = change?;
            assert!(text.contains(from), "{file} has no {from}");
            Some(text.replace(from, to))
        });
        assert!(found.iter().any(|f| f.contains(sentence)), "{file}: {found:?}");
    }
}

fn profile() -> CountryProfile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clusters/ch/profile/profile.toml");
    CountryProfile::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A profile whose card `vigie-rt` is signed by a key made here.
fn signed(by: &str) -> CountryProfile {
    let mut profile = profile();
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let der: Vec<u8> = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]
        .into_iter()
        .chain(key.public_key().as_ref().iter().copied())
        .collect();
    let on = "2026-11-29".parse().unwrap();
    let text = statement("ch", library().card("vigie-rt").unwrap(), by, on);
    let signature = STANDARD.encode(key.sign(text.as_bytes()).as_ref());
    profile.model_cards.signers = vec![Signer { name: by.into(), key: STANDARD.encode(der) }];
    profile.model_cards.signatures =
        vec![CardSignature { model: "vigie-rt".into(), by: by.into(), on, signature }];
    profile
}

#[test]
fn a_card_is_unsigned_until_an_operator_signs_it() {
    assert!(verify(&profile()).unwrap().is_empty());
    let signers = verify(&signed("A. Person, head of surveillance")).unwrap();
    let found = &signers["vigie-rt"];
    assert_eq!(
        (found.by.as_str(), found.on.to_string()),
        ("A. Person, head of surveillance", "2026-11-29".into())
    );
    assert_eq!((found.key.len(), signers.len()), (64, 1));
}

#[test]
fn a_signature_of_something_else_stops_the_start_and_says_of_what() {
    let mut later = signed("A");
    later.model_cards.signatures[0].on = "2026-11-30".parse().unwrap();
    let mut other = signed("A");
    other.model_cards.signatures[0].model = "vigie-deaths".into();
    let mut elsewhere = signed("A");
    elsewhere.country = "fr".parse().unwrap();
    let mut torn = signed("A");
    torn.model_cards.signatures[0].signature.truncate(40);
    for profile in [later, other, elsewhere, torn] {
        let error = verify(&profile).unwrap_err().to_string();
        assert!(error.contains("does not verify") && error.contains("model_cards.signatures"), "{error}");
    }
    let mut stranger = signed("A");
    stranger.model_cards.signers.clear();
    assert!(verify(&stranger).unwrap_err().to_string().contains("not among model_cards.signers"));
    let mut key = signed("A");
    key.model_cards.signers[0].key = "ssh-rsa AAAA".into();
    assert!(verify(&key).unwrap_err().to_string().contains("no Ed25519 public key"));
    let mut nothing = signed("A");
    nothing.model_cards.signatures[0].model = "vigie-oracle".into();
    assert!(verify(&nothing).unwrap_err().to_string().contains("no such model"));
    let mut twice = signed("A");
    twice.model_cards.signatures.push(twice.model_cards.signatures[0].clone());
    assert!(verify(&twice).unwrap_err().to_string().contains("twice"));
}
