//! The exchange between kustomize and an exec function: a `ResourceList` comes in, names encrypted files in its
//! `functionConfig`, and goes out with the Secrets of those files among its items.
//!
//! What may come out is narrow on purpose: the manifests of a country are rendered with its private key at hand, so
//! a file decides nothing but the content of Secrets, and lies in the folder of the function's own configuration.

use anyhow::{Context as _, bail};
use serde::Deserialize as _;
use serde_norway::{Mapping, Value};
use std::path::{Component, Path};

/// Gives the text of one encrypted file, decrypted (or, for a check without keys, as it is).
pub type Reader<'a> = dyn Fn(&Path) -> anyhow::Result<String> + 'a;

/// Adds the Secrets of the files that the list's `functionConfig.files` names to its items.
///
/// # Errors
/// A sentence: the list or a file is no such YAML, a file lies elsewhere, or holds something else than Secrets.
pub fn answer(input: &str, read: &Reader<'_>) -> anyhow::Result<String> {
    let mut list: Mapping = serde_norway::from_str(input).context("stdin holds no ResourceList")?;
    if list.get("kind").and_then(Value::as_str) != Some("ResourceList") {
        bail!("stdin holds no ResourceList: kustomize calls this program, people call sops");
    }
    let mut added = Vec::new();
    for file in files(&list)? {
        let path = Path::new(&file);
        let text = read(path)?;
        added.extend(secrets(&text).with_context(|| file.clone())?);
    }
    match list.entry("items".into()).or_insert_with(|| Value::Sequence(Vec::new())) {
        Value::Sequence(items) => items.extend(added),
        other => *other = Value::Sequence(added),
    }
    Ok(serde_norway::to_string(&list)?)
}

/// The names in `functionConfig.files`, each in the folder of the configuration or below it.
fn files(list: &Mapping) -> anyhow::Result<Vec<String>> {
    let files = list.get("functionConfig").and_then(|c| c.get("files")).and_then(Value::as_sequence);
    let files =
        files.context("the function's configuration has no `files`: name the encrypted files there")?;
    if files.is_empty() {
        bail!("`files` is empty: name the encrypted files there");
    }
    let mut names = Vec::new();
    for file in files {
        let name = file.as_str().context("`files` holds something else than names of files")?;
        if Path::new(name).components().any(|c| !matches!(c, Component::Normal(_))) {
            bail!("`files` names {name}: a file must lie beside the configuration or below it");
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// The documents of a file without the notes of sops; all must be Secrets.
fn secrets(text: &str) -> anyhow::Result<Vec<Value>> {
    let mut out = Vec::new();
    for document in serde_norway::Deserializer::from_str(text) {
        let mut value = Value::deserialize(document).context("is no YAML")?;
        let Value::Mapping(fields) = &mut value else { bail!("holds a document that is no object") };
        fields.remove("sops");
        let kind = fields.get("kind").and_then(Value::as_str).unwrap_or("nothing");
        if kind != "Secret" || fields.get("apiVersion").and_then(Value::as_str) != Some("v1") {
            bail!("holds a document of kind {kind}: an encrypted file may hold Secrets (v1) only");
        }
        if let Some(key) = taken_on_trust(fields) {
            bail!(
                "the address in `{key}` takes whatever answers for the database: it must say sslmode=verify-full and \
                 sslrootcert=FILE (secrets/init.sh writes it so)"
            );
        }
        out.push(value);
    }
    if out.is_empty() {
        bail!("holds no Secret");
    }
    Ok(out)
}

/// The key of a Secret's value that is the address of a database and does not have the server's certificate checked, by
/// authority and name. What is still encrypted is no address, and is not judged.
fn taken_on_trust(secret: &Mapping) -> Option<String> {
    let values = secret.get("stringData")?.as_mapping()?;
    let trusts = |text: &str| {
        let postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
        let asked = || text.split_once('?').map_or("", |(_, query)| query).split('&');
        let modes: Vec<_> = asked().filter_map(|pair| pair.strip_prefix("sslmode=")).collect();
        let checked = modes == ["verify-full"] && asked().any(|pair| pair.starts_with("sslrootcert=/"));
        postgres && !checked
    };
    values.iter().find(|(_, value)| value.as_str().is_some_and(trusts))?.0.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n  kind: Decrypt\n  files: [a.sops.yaml]\nitems: []\n";
    const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: database}\nstringData: {uri: 'postgres://x?sslmode=verify-full&sslrootcert=/a'}\n";

    fn with(text: &str) -> Result<Mapping, String> {
        let done = answer(LIST, &|path| {
            assert_eq!(path, Path::new("a.sops.yaml"));
            Ok(text.to_owned())
        });
        done.map_err(|e| format!("{e:#}")).and_then(|t| serde_norway::from_str(&t).map_err(|e| e.to_string()))
    }

    #[test]
    fn secrets_of_the_file_come_out_without_the_notes_of_sops() {
        let list = with(&format!("{SECRET}sops: {{mac: x}}\n---\n{SECRET}")).unwrap();
        let items = list["items"].as_sequence().unwrap();
        assert_eq!(items.len(), 2);
        let uri = items[0]["stringData"]["uri"].as_str();
        assert_eq!(uri, Some("postgres://x?sslmode=verify-full&sslrootcert=/a"));
        assert!(items.iter().all(|i| i.get("sops").is_none()));
    }

    #[test]
    fn what_is_there_already_stays() {
        let input = LIST.replace("items: []", "items: [{kind: ConfigMap}]");
        let list: Mapping =
            serde_norway::from_str(&answer(&input, &|_| Ok(SECRET.to_owned())).unwrap()).unwrap();
        let kinds: Vec<_> =
            list["items"].as_sequence().unwrap().iter().map(|i| i["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["ConfigMap", "Secret"]);
    }

    #[test]
    fn anything_but_a_secret_is_refused() {
        let error = with("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n").unwrap_err();
        assert_eq!(
            error,
            "a.sops.yaml: holds a document of kind ClusterRoleBinding: an encrypted file may hold Secrets (v1) only"
        );
        assert!(with("").unwrap_err().contains("a.sops.yaml"));
        assert!(with("[1]").unwrap_err().contains("no object"));
    }

    #[test]
    fn an_address_that_takes_any_server_for_the_database_is_refused_and_not_repeated() {
        for end in [
            "",
            "?sslmode=require&sslrootcert=/a",
            "?sslmode=verify-ca&sslrootcert=/a",
            "?sslmode=verify-full",
            "?sslmode=verify-full&sslrootcert=",
            "?sslmode=verify-full&sslmode=disable&sslrootcert=/a",
        ] {
            for scheme in ["postgres", "postgresql"] {
                let text = format!(
                    "apiVersion: v1\nkind: Secret\nstringData: {{user: a, uri: '{scheme}://a:hunter2@b/c{end}'}}\n"
                );
                let error = with(&text).unwrap_err();
                assert!(error.contains("`uri`") && error.contains("sslmode=verify-full"), "{end}: {error}");
                assert!(!error.contains("hunter2"), "{error}");
            }
        }
        // A check without keys sees ciphertext.
        with("apiVersion: v1\nkind: Secret\nstringData: {uri: 'ENC[AES256_GCM,data:x]'}\n").unwrap();
    }

    #[test]
    fn a_file_elsewhere_is_refused_before_it_is_read() {
        for name in ["../web/a.sops.yaml", "/etc/shadow", "./a.sops.yaml"] {
            let input = LIST.replace("a.sops.yaml", name);
            let error = answer(&input, &|_| panic!("read")).unwrap_err().to_string();
            assert!(error.contains("beside the configuration"), "{error}");
        }
    }

    #[test]
    fn a_configuration_without_files_says_so() {
        let input = LIST.replace("  files: [a.sops.yaml]\n", "");
        assert!(answer(&input, &|_| Ok(String::new())).unwrap_err().to_string().contains("no `files`"));
        assert!(answer("kind: List\n", &|_| Ok(String::new())).is_err());
    }
}
