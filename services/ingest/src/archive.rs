//! The archive of retrievals: every answer of a publisher as it came, before anything of it is read.
//!
//! Two kinds of objects, in a folder or in a store that speaks S3:
//! `payloads/<first two digits>/<sha256>.zst`, the bytes of a payload, once whatever its address, packed with zstd;
//! `events/<year-month>/<time>.<source>.<feed>.json`, an [`Event`] each: a look at a publisher, or an operator's
//! release. The events in the order of their names, with the payloads that they name, make the database again.

use crate::event::Event;
use anyhow::{Context as _, bail, ensure};
use futures_util::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};
use std::io::Read as _;
use std::sync::Arc;
use url::Url;

/// No payload that is taken is larger (see `live::fetch`); what unpacks to more is not ours.
const LIMIT: u64 = 256 << 20;

/// Where retrievals are kept.
#[derive(Debug, Clone)]
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    root: Path,
    name: String,
}

impl Archive {
    /// Opens a folder, which is made when it is not there, or `s3://bucket/prefix`. Region, endpoint and credentials
    /// of the latter come from the usual `AWS_*` variables.
    ///
    /// # Errors
    /// When the folder cannot be made, or the address is of a kind that is not known; nothing is asked of a bucket yet.
    pub fn open(name: &str) -> anyhow::Result<Self> {
        let about = || format!("VIGIE_ARCHIVE `{name}` cannot be opened");
        if name.contains("://") {
            let url: Url = name.parse().with_context(about)?;
            ensure!(
                url.scheme() == "s3",
                "VIGIE_ARCHIVE `{name}`: only a folder or s3://bucket/prefix is known"
            );
            // A second call keeps the first provider.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let store = AmazonS3Builder::from_env().with_url(name).build().with_context(about)?;
            let root = Path::parse(url.path().trim_matches('/')).with_context(about)?;
            return Ok(Self { store: Arc::new(store), root, name: name.to_owned() });
        }
        std::fs::create_dir_all(name).with_context(about)?;
        // An event that is lost in a power cut would be lost for every later replay.
        let store = LocalFileSystem::new_with_prefix(name).with_context(about)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), root: Path::default(), name: name.to_owned() })
    }

    /// Its address, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn at(&self, parts: &[&str]) -> Path {
        parts.iter().fold(self.root.clone(), |path, part| path.join(*part))
    }

    fn payload_path(&self, sha256: &str) -> Path {
        self.at(&["payloads", sha256.get(..2).unwrap_or("00"), &format!("{sha256}.zst")])
    }

    /// Keeps a payload; the same bytes are kept once.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn put_payload(&self, sha256: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.payload_path(sha256);
        match self.store.head(&path).await {
            Ok(_) => return Ok(()),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error).with_context(|| format!("the archive {}", self.name)),
        }
        let packed = zstd::encode_all(bytes, 9).context("a payload cannot be packed")?;
        self.store
            .put(&path, packed.into())
            .await
            .with_context(|| format!("the payload {sha256} cannot be kept in the archive {}", self.name))?;
        Ok(())
    }

    /// The bytes of a payload, checked against their hash.
    ///
    /// # Errors
    /// When the archive does not hold it, or holds something else under its name.
    pub async fn payload(&self, sha256: &str) -> anyhow::Result<Vec<u8>> {
        let about = || format!("the payload {sha256} of the archive {}", self.name);
        let found = self.store.get(&self.payload_path(sha256)).await.with_context(about)?;
        let packed = found.bytes().await.with_context(about)?;
        let mut bytes = Vec::new();
        let unpack = zstd::Decoder::new(&packed[..]).with_context(about)?;
        unpack.take(LIMIT + 1).read_to_end(&mut bytes).with_context(about)?;
        if crate::body::sha256(&bytes) != sha256 {
            bail!("{} is damaged: its bytes have another hash", about());
        }
        Ok(bytes)
    }

    /// Writes an event down; never over another one.
    ///
    /// # Errors
    /// When the store refuses, or an event of that source and feed is there at that very time.
    pub async fn put_event(&self, event: &Event) -> anyhow::Result<()> {
        let path = self.at(&["events", &event.at.format("%Y-%m").to_string(), &event.name()]);
        let bytes = serde_json::to_vec_pretty(event)?;
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        self.store
            .put_opts(&path, bytes.into(), create)
            .await
            .with_context(|| format!("the event {path} cannot be kept in the archive {}", self.name))?;
        Ok(())
    }

    /// The names of all events, in their order.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn events(&self) -> anyhow::Result<Vec<String>> {
        let list = self.store.list(Some(&self.at(&["events"])));
        let mut names: Vec<String> = list
            .map_ok(|meta| meta.location.to_string())
            .try_collect()
            .await
            .with_context(|| format!("the events of the archive {} cannot be listed", self.name))?;
        names.retain(|n| n.ends_with(".json"));
        names.sort_unstable();
        Ok(names)
    }

    /// The event of a name of [`Archive::events`].
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn event(&self, name: &str) -> anyhow::Result<Event> {
        let about = || format!("the event {name} of the archive {}", self.name);
        let found = self.store.get(&Path::parse(name)?).await.with_context(about)?;
        serde_json::from_slice(&found.bytes().await.with_context(about)?).with_context(about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::What;

    fn archive(name: &str) -> Archive {
        let folder = std::env::temp_dir().join(format!("vigie-archive-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Archive::open(folder.to_str().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn payloads_come_back_as_they_were_and_damage_is_seen() {
        let archive = archive("payloads");
        let bytes = b"place,cases\nFR,12\n".repeat(1000);
        let sha256 = crate::body::sha256(&bytes);
        archive.put_payload(&sha256, &bytes).await.unwrap();
        archive.put_payload(&sha256, &bytes).await.unwrap();
        assert_eq!(archive.payload(&sha256).await.unwrap(), bytes);
        let file = std::path::Path::new(archive.name()).join("payloads").join(&sha256[..2]);
        let file = file.join(format!("{sha256}.zst"));
        assert!(std::fs::metadata(&file).unwrap().len() < 200, "packed");
        std::fs::write(&file, zstd::encode_all(&b"place,cases\nFR,13\n"[..], 1).unwrap()).unwrap();
        let damaged = format!("{:#}", archive.payload(&sha256).await.unwrap_err());
        assert!(damaged.contains("another hash"), "{damaged}");
        assert!(archive.payload(&"0".repeat(64)).await.is_err());
    }

    #[tokio::test]
    async fn events_come_in_the_order_of_their_times_and_none_replaces_another() {
        let archive = archive("events");
        let event = |at: &str| Event {
            at: at.parse().unwrap(),
            source: "owid-mpox".into(),
            feed: "monkeypox".into(),
            what: What::NotModified { url: "https://example.org/a.csv".into() },
        };
        for at in ["2025-02-01T00:00:00Z", "2024-12-31T23:59:59.999999Z", "2025-01-31T10:00:00.000001Z"] {
            archive.put_event(&event(at)).await.unwrap();
        }
        assert!(archive.put_event(&event("2025-02-01T00:00:00Z")).await.is_err());
        let mut times = Vec::new();
        for name in archive.events().await.unwrap() {
            times.push(archive.event(&name).await.unwrap().at.to_rfc3339());
        }
        assert!(times.is_sorted() && times.len() == 3, "{times:?}");
    }

    #[test]
    fn an_address_of_another_kind_is_named() {
        let error = Archive::open("ftp://example.org/a").unwrap_err().to_string();
        assert!(error.contains("VIGIE_ARCHIVE") && error.contains("s3://"), "{error}");
    }
}
