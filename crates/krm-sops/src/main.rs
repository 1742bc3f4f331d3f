//! `krm-sops`: an exec function of kustomize (`--enable-alpha-plugins --enable-exec`) that decrypts with `sops`.
//!
//! `krm-sops` reads a `ResourceList` on stdin and writes it to stdout. With `KRM_SOPS_SEALED=1` nothing is decrypted:
//! values stay ciphertext, so that a check without private keys can render an overlay and look at its shape.
//! `krm-sops install DIR` copies itself and `sops` there, for an image without a shell to give both to Argo CD.

use anyhow::{Context as _, bail};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "krm-sops: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => filter(),
        ["install", folder] => install(Path::new(folder)),
        _ => bail!("called wrongly: without arguments by kustomize, or `krm-sops install DIR`"),
    }
}

fn filter() -> anyhow::Result<()> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).context("stdin")?;
    let sealed = std::env::var("KRM_SOPS_SEALED").is_ok_and(|v| v == "1");
    let output = krm_sops::answer(&input, if sealed { &as_it_is } else { &decrypted })?;
    std::io::stdout().write_all(output.as_bytes()).context("stdout")
}

fn as_it_is(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| file.display().to_string())
}

/// What sops says goes on to the caller: it names the keys that were tried, never a value.
fn decrypted(file: &Path) -> anyhow::Result<String> {
    let done = Command::new("sops").args(["decrypt", "--"]).arg(file).output();
    let done = done.context("`sops` cannot be started: it must be on PATH")?;
    if !done.status.success() {
        bail!("{} is not decrypted: {}", file.display(), String::from_utf8_lossy(&done.stderr).trim());
    }
    String::from_utf8(done.stdout).with_context(|| format!("{} holds no text", file.display()))
}

fn install(folder: &Path) -> anyhow::Result<()> {
    copy(&std::env::current_exe().context("where this program lies")?, &folder.join("krm-sops"))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sops = std::env::split_paths(&path).map(|p| p.join("sops")).find(|p| p.is_file());
    copy(&sops.context("`sops` is not on PATH")?, &folder.join("sops"))
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::copy(from, to).with_context(|| format!("{} to {}", from.display(), to.display()))?;
    Ok(())
}
