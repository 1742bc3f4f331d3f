//! The committed table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// By service, path and method: by country, who may.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Table(BTreeMap<(String, String, String), BTreeMap<String, String>>);

impl Table {
    pub(crate) fn insert(&mut self, country: &str, service: &str, method: &str, path: &str, who: String) {
        let route = (service.to_owned(), path.to_owned(), method.to_owned());
        self.0.entry(route).or_default().insert(country.to_owned(), who);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn lines(&self) -> Vec<String> {
        let countries = crate::asking::countries();
        let mut lines = vec![format!("service,method,path,{}", countries.join(","))];
        for ((service, path, method), who) in &self.0 {
            let cells = countries.iter().map(|c| who.get(c).map_or("absent", String::as_str));
            lines.push(format!("{service},{method},{path},{}", cells.collect::<Vec<_>>().join(",")));
        }
        lines
    }

    /// Fails with every line that differs.
    pub(crate) fn compare_with_the_file(&self) {
        let (path, seen) = (file(), self.lines());
        if std::env::var("VIGIE_WRITE_MATRIX").is_ok_and(|v| v == "1") {
            std::fs::write(&path, seen.join("\n") + "\n").unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let written: Vec<&str> = text.lines().collect();
        let new = seen.iter().filter(|l| !written.contains(&l.as_str())).map(|l| format!("+ {l}"));
        let gone = written.iter().filter(|l| !seen.iter().any(|s| s == *l)).map(|l| format!("- {l}"));
        let differences: Vec<String> = gone.chain(new).collect();
        assert!(
            differences.is_empty(),
            "who may do what is not what {} says (VIGIE_WRITE_MATRIX=1 writes it):\n{}",
            path.display(),
            differences.join("\n")
        );
    }
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security/access.csv")
}
