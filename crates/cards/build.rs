//! Refuses to build with a card that lacks a field, a language or an answer, and embeds the files.

#[path = "src/check.rs"]
#[expect(unreachable_pub, reason = "shared with the program")]
mod check;
#[path = "src/format.rs"]
#[expect(dead_code, unreachable_pub, reason = "the program uses what the check does not")]
mod format;
#[path = "src/table.rs"]
#[expect(dead_code, unreachable_pub, reason = "the program uses what the check does not")]
mod table;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("model-cards");
    writeln!(std::io::stdout(), "cargo::rerun-if-changed={}", folder.display())?;
    let mut paths = BTreeMap::new();
    for below in [folder.clone(), folder.join("scores")] {
        collect(&folder, &below, &mut paths)?;
    }
    let read = |(name, path): (&String, &PathBuf)| Ok((name.clone(), std::fs::read_to_string(path)?));
    let files: BTreeMap<String, String> = paths.iter().map(read).collect::<std::io::Result<_>>()?;
    if let Err(faults) = format::library(&files) {
        writeln!(std::io::stderr(), "model cards are incomplete:\n  {}", faults.join("\n  "))?;
        std::process::exit(1);
    }
    let mut code = String::from("static FILES: &[(&str, &str)] = &[\n");
    for (name, path) in &paths {
        writeln!(code, "    ({name:?}, include_str!({:?})),", path.display().to_string())?;
    }
    code.push_str("];\n");
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("files.rs"), code)?;
    Ok(())
}

fn collect(root: &Path, folder: &Path, paths: &mut BTreeMap<String, PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            paths.insert(name, path);
        }
    }
    Ok(())
}
