//! iroh-docs, through the program beside this one.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::items::Items;
use crate::usage::{Server, disk_bytes, loopback_bytes, run_json};
use crate::{AUTHORS, ITEM_BYTES, Peer, Result, Round};

#[derive(Default)]
pub struct IrohDocs {
    server: Option<Server>,
    ticket: String,
}

fn program() -> Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("iroh-docs-peer");
    if program.exists() { Ok(program) } else { Err("build it first: cargo build --release".into()) }
}

impl Peer for IrohDocs {
    fn name(&self) -> &'static str {
        "iroh-docs"
    }

    fn version(&self) -> Result<String> {
        let lock = include_str!("../Cargo.lock");
        let mut lines = lock.lines().skip_while(|line| *line != "name = \"iroh-docs\"");
        Ok(lines.nth(1).unwrap_or_default().trim_start_matches("version = ").trim_matches('"').to_owned())
    }

    fn note(&self) -> &'static str {
        "each entry is signed twice and verified; nothing is encrypted at rest; QUIC on loopback without relays; contents are \
         files and a redb database, entries another one"
    }

    fn serve(&mut self, dir: &Path, items: &Items) -> Result<()> {
        let [bytes, authors] = [ITEM_BYTES, AUTHORS].map(|n| n.to_string());
        let mut server =
            Server::start(Command::new(program()?).arg("serve").arg(dir).arg(&items.path).args([bytes, authors]))?;
        self.ticket = server.line()?;
        self.server = Some(server);
        Ok(())
    }

    fn join(&mut self, dir: &Path, items: &Items) -> Result<Vec<Round>> {
        let wire = loopback_bytes();
        let said = run_json(Command::new(program()?).arg("join").arg(dir).args([&self.ticket, &items.count.to_string()]))?;
        let wire = loopback_bytes().saturating_sub(wire);
        if said["held"] != items.count {
            return Err(format!("the joiner says {said}").into());
        }
        let each = |bytes: u64| Some(bytes as f64 / items.count as f64);
        let seconds = said["seconds"].as_f64().ok_or("no seconds")?;
        let disk = each(disk_bytes(dir)?);
        Ok(vec![Round { peer: "iroh-docs", seconds, cpu: said["cpu"].as_f64(), wire: each(wire), disk }])
    }

    fn stop(&mut self) -> Result<()> {
        self.server = None;
        Ok(())
    }
}
