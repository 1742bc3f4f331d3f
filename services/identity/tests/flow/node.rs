//! The real provider of `provider/`, as a child of the test.

use crate::common::{registrations, root};
use domain::profile::identity::Provider;
use identity::Registration;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// It runs until it is dropped.
pub(crate) struct Node {
    child: Child,
    pub(crate) registrations: BTreeMap<String, Registration>,
    pub(crate) said: Arc<Mutex<String>>,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Node {
    /// Starts it for `providers` with the service at `origin`; says so and gives `None` where Node is not installed.
    pub(crate) fn start(origin: &str, providers: &[Provider]) -> Option<Self> {
        let there = |program: &str| {
            Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
        };
        if !there("node") || !there("npm") {
            println!("skipped: oidc-provider: node and npm are not installed (e2e/install.sh installs them)");
            return None;
        }
        let folder = root().join("services/identity/provider");
        install(&folder);
        let told = serde_json::json!({ "rp": origin, "providers": providers }).to_string();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file =
            std::env::temp_dir().join(format!("vigie-registrations-{}-{number}.toml", std::process::id()));
        let mut child = Command::new("node")
            .arg("provider.js")
            .arg(told)
            .arg(&file)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (mut stderr, into) = (child.stderr.take().unwrap(), Arc::clone(&said));
        // Read to the end, or it would stand still with a full pipe.
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = stderr.read(&mut chunk) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..n]));
            }
        });
        assert_eq!(line, "ready\n", "the provider did not start: {}", said.lock().unwrap());
        let told = registrations(&std::fs::read_to_string(&file).unwrap());
        std::fs::remove_file(&file).unwrap();
        Some(Self { child, registrations: told, said })
    }

    /// Every provider signs with a new key from now on.
    pub(crate) async fn rotate(&self) {
        let before = self.said.lock().unwrap().matches("has a new key").count();
        let sent = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        while self.said.lock().unwrap().matches("has a new key").count() == before {
            tokio::task::yield_now().await;
        }
    }
}

/// Fetches what it is made of, once for all tests.
fn install(folder: &std::path::Path) {
    let lock = File::create(std::env::temp_dir().join("vigie-provider.lock")).unwrap();
    lock.lock().unwrap();
    if !folder.join("node_modules/oidc-provider").is_dir() {
        let done = Command::new("npm").args(["ci", "--silent"]).current_dir(folder).status().unwrap();
        assert!(done.success(), "npm ci in {}", folder.display());
    }
}
