//! The hash of the model's source code, so that a stored forecast names exactly the code that made it.

use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    // The models, and here what turns rows of the database into their input and gates their output.
    let folders = [root.join("../../crates/epimodels/src"), root.join("src/batch")];
    let mut hash = Sha256::new();
    for folder in folders {
        writeln!(std::io::stdout(), "cargo::rerun-if-changed={}", folder.display())?;
        let mut files = Vec::new();
        collect(&folder, &mut files)?;
        files.sort();
        for file in files {
            // Relative names: the same code in another folder has the same hash.
            hash.update(file.strip_prefix(&folder)?.to_string_lossy().as_bytes());
            hash.update([0]);
            hash.update(std::fs::read(&file)?);
            hash.update([0]);
        }
    }
    writeln!(std::io::stdout(), "cargo::rustc-env=VIGIE_MODEL_SOURCE={}", hex::encode(hash.finalize()))?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
