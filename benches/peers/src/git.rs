//! git: one commit for each item, fetched by `git clone --bare` from `git daemon`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::items::Items;
use crate::usage::{Server, children_cpu, disk_bytes, free_port, loopback_bytes, run, wait_for_port};
use crate::{AUTHORS, ITEM_BYTES, Peer, Result, Round};

#[derive(Default)]
pub struct Git {
    daemon: Option<Server>,
    port: u16,
}

/// git without anybody's settings.
fn git() -> Command {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command
}

impl Peer for Git {
    fn name(&self) -> &'static str {
        "git"
    }

    fn version(&self) -> Result<String> {
        Ok(run(git().arg("--version"))?.trim().trim_start_matches("git version ").to_owned())
    }

    fn note(&self) -> &'static str {
        "nobody signs and nothing is encrypted; each commit replaces one file, so trees stay small; objects are hashed and \
         indexed, `core.fsync=all`"
    }

    fn serve(&mut self, dir: &Path, items: &Items) -> Result<()> {
        let repository = dir.join("items.git");
        run(git().args(["init", "--bare", "--quiet", "--initial-branch=main"]).arg(&repository))?;
        let mut import = git()
            .arg("--git-dir")
            .arg(&repository)
            .args(["fast-import", "--quiet"])
            .stdin(Stdio::piped())
            .spawn()?;
        let mut to = std::io::BufWriter::new(import.stdin.take().ok_or("no input")?);
        for (n, item) in items.read()?.chunks_exact(ITEM_BYTES).enumerate() {
            let author = n % AUTHORS;
            let time = 1_790_000_000 + n;
            write!(to, "commit refs/heads/main\ncommitter A{author} <a{author}@example.org> {time} +0000\ndata 4\nitem\n")?;
            write!(to, "M 100644 inline item.md\ndata {}\n", item.len())?;
            to.write_all(item)?;
            to.write_all(b"\n")?;
        }
        to.flush()?;
        drop(to);
        if !import.wait()?.success() {
            return Err("git fast-import failed".into());
        }
        self.port = free_port()?;
        let daemon = Server::start(
            git()
                .args(["daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1"])
                .arg(format!("--port={}", self.port))
                .arg(format!("--base-path={}", dir.display()))
                .arg(dir),
        )?;
        self.daemon = Some(daemon);
        wait_for_port(self.port)
    }

    fn join(&mut self, dir: &Path, items: &Items) -> Result<Vec<Round>> {
        let clone = dir.join("clone.git");
        let (cpu, wire, began) = (children_cpu(), loopback_bytes(), Instant::now());
        run(git()
            .args(["-c", "core.fsync=all", "clone", "--bare", "--quiet"])
            .arg(format!("git://127.0.0.1:{}/items.git", self.port))
            .arg(&clone))?;
        let seconds = began.elapsed().as_secs_f64();
        let (cpu, wire) = (children_cpu() - cpu, loopback_bytes().saturating_sub(wire));
        let held: usize = run(git().arg("--git-dir").arg(&clone).args(["rev-list", "--count", "--all"]))?.trim().parse()?;
        if held != items.count {
            return Err(format!("the clone has {held} commits").into());
        }
        let each = |bytes: u64| Some(bytes as f64 / items.count as f64);
        let disk = each(disk_bytes(&clone)?);
        Ok(vec![Round { peer: "git", seconds, cpu: Some(cpu), wire: each(wire), disk }])
    }

    fn stop(&mut self) -> Result<()> {
        self.daemon = None;
        Ok(())
    }
}
