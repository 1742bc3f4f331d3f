//! What the repository says: which services a country runs, and which paths belong to them.

use anyhow::{Context as _, bail};
use domain::CountryCode;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The root of a checkout.
#[derive(Debug, Clone)]
pub(crate) struct Tree(PathBuf);

/// A service of a country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    /// Its folder in `services/`, its binary and its image.
    pub name: String,
    /// Path prefixes that the front door gives to it; none: it is not reached from outside.
    pub prefixes: Vec<String>,
}

// The part of `networking.k8s.io/v1` Ingress that says which paths a service answers.
#[derive(Deserialize)]
struct Ingress {
    spec: Spec,
}
#[derive(Deserialize)]
struct Spec {
    rules: Vec<Rule>,
}
#[derive(Deserialize)]
struct Rule {
    http: Http,
}
#[derive(Deserialize)]
struct Http {
    paths: Vec<PathRule>,
}
#[derive(Deserialize)]
struct PathRule {
    path: String,
}

impl Tree {
    /// The checkout that `from` lies in (the nearest folder with `clusters/` and `services/`), or `VIGIE_ROOT`.
    pub(crate) fn find(from: &Path) -> anyhow::Result<Self> {
        if let Some(root) = std::env::var_os("VIGIE_ROOT") {
            return Ok(Self(PathBuf::from(root)));
        }
        from.ancestors()
            .find(|d| d.join("clusters").is_dir() && d.join("services").is_dir())
            .map(|d| Self(d.to_owned()))
            .with_context(|| {
                format!("{} is not inside a checkout of Vigie: go there, or set VIGIE_ROOT", from.display())
            })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.0
    }

    pub(crate) fn profile(&self, country: CountryCode) -> PathBuf {
        self.0.join("clusters").join(country.to_string()).join("profile/profile.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// The countries that have a profile and applications.
    pub(crate) fn countries(&self) -> anyhow::Result<Vec<String>> {
        let clusters = self.0.join("clusters");
        let mut found: Vec<String> = std::fs::read_dir(&clusters)
            .with_context(|| format!("{} cannot be read", clusters.display()))?
            .filter_map(Result::ok)
            .filter(|e| e.path().join("profile/profile.toml").is_file() && e.path().join("apps").is_dir())
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect();
        found.sort();
        Ok(found)
    }

    /// The country named `text`, if it has a folder.
    pub(crate) fn country(&self, text: &str) -> anyhow::Result<CountryCode> {
        let known = self.countries()?;
        if !known.iter().any(|c| c == text) {
            bail!("there is no country `{text}`: choose one of {}", known.join(", "));
        }
        Ok(text.parse()?)
    }

    /// The services of a country: the folders of `clusters/<country>/apps`, by name.
    pub(crate) fn services(&self, country: CountryCode) -> anyhow::Result<Vec<Service>> {
        let apps = self.0.join("clusters").join(country.to_string()).join("apps");
        let mut services = Vec::new();
        for entry in std::fs::read_dir(&apps).with_context(|| format!("{} cannot be read", apps.display()))? {
            let entry = entry?;
            if entry.path().join("kustomization.yaml").is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let prefixes = self.prefixes(&name)?;
                services.push(Service { name, prefixes });
            }
        }
        services.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(services)
    }

    /// The paths of `services/<name>/deploy/routes.yaml`, the Ingress that a cluster uses too.
    fn prefixes(&self, service: &str) -> anyhow::Result<Vec<String>> {
        let file = self.0.join("services").join(service).join("deploy/routes.yaml");
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e).with_context(|| format!("{} cannot be read", file.display())),
        };
        let ingress: Ingress = serde_norway::from_str(&text)
            .with_context(|| format!("{} is no networking.k8s.io/v1 Ingress", file.display()))?;
        Ok(ingress.spec.rules.into_iter().flat_map(|r| r.http.paths).map(|p| p.path).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        Tree::find(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn an_unknown_country_is_answered_with_the_known_ones() {
        let error = tree().country("xx").unwrap_err().to_string();
        assert!(error.contains("choose one of ch, fr, us"), "{error}");
    }

    #[test]
    fn every_country_has_a_web_that_answers_at_the_root() {
        let tree = tree();
        for code in tree.countries().unwrap() {
            let services = tree.services(code.parse().unwrap()).unwrap();
            let web = services.iter().find(|s| s.prefixes.iter().any(|p| p == "/"));
            assert_eq!(web.map(|s| s.name.as_str()), Some("web"), "{code}");
        }
    }
}
