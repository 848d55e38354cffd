//! Yjs with y-websocket's server and LevelDB on both sides.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::items::Items;
use crate::usage::{Server, disk_bytes, free_port, loopback_bytes, run, run_json, wait_for_port};
use crate::{AUTHORS, ITEM_BYTES, Peer, Result, Round};

#[derive(Default)]
pub struct Yjs {
    server: Option<Server>,
    port: u16,
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("yjs")
}

fn node() -> Command {
    let mut command = Command::new("node");
    command.current_dir(here());
    command
}

impl Yjs {
    fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }
}

impl Peer for Yjs {
    fn name(&self) -> &'static str {
        "yjs"
    }

    fn version(&self) -> Result<String> {
        if !here().join("node_modules").exists() {
            run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(here()))?;
        }
        let of = |name: &str| -> Result<String> {
            let text = std::fs::read_to_string(here().join("node_modules").join(name).join("package.json"))?;
            let package: Value = serde_json::from_str(&text)?;
            Ok(package["version"].as_str().unwrap_or("?").to_owned())
        };
        Ok(format!("{}, y-websocket {}", of("yjs")?, of("y-websocket")?))
    }

    fn note(&self) -> &'static str {
        "nobody signs and nothing is encrypted; one document, items in a map; LevelDB's defaults, which do not call `fsync`"
    }

    fn serve(&mut self, dir: &Path, items: &Items) -> Result<()> {
        self.port = free_port()?;
        let server = Server::start(
            node()
                .arg("node_modules/y-websocket/bin/server.cjs")
                .env("HOST", "127.0.0.1")
                .env("PORT", self.port.to_string())
                .env("YPERSISTENCE", dir.join("db")),
        )?;
        self.server = Some(server);
        wait_for_port(self.port)?;
        let [bytes, authors] = [ITEM_BYTES, AUTHORS].map(|n| n.to_string());
        run(node().args(["fill.mjs", &self.url()]).arg(&items.path).args([bytes, authors]))?;
        Ok(())
    }

    fn join(&mut self, dir: &Path, items: &Items) -> Result<Vec<Round>> {
        let db = dir.join("db");
        let wire = loopback_bytes();
        let said = run_json(node().args(["join.mjs", &self.url()]).arg(&db).arg(items.count.to_string()))?;
        let wire = loopback_bytes().saturating_sub(wire);
        if said["held"] != items.count {
            return Err(format!("the joiner says {said}").into());
        }
        let each = |bytes: u64| Some(bytes as f64 / items.count as f64);
        let seconds = said["seconds"].as_f64().ok_or("no seconds")?;
        let disk = each(disk_bytes(&db)?);
        Ok(vec![Round { peer: "yjs", seconds, cpu: said["cpu"].as_f64(), wire: each(wire), disk }])
    }

    fn stop(&mut self) -> Result<()> {
        self.server = None;
        Ok(())
    }
}
