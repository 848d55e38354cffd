//! studymesh itself, and the floor, which its benchmark measures in the same run.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::items::Items;
use crate::usage::run_json;
use crate::{AUTHORS, Peer, Result, Round};

pub struct Studymesh {
    cold_join: PathBuf,
}

impl Studymesh {
    pub fn new(cold_join: PathBuf) -> Self {
        Self { cold_join }
    }
}

impl Peer for Studymesh {
    fn name(&self) -> &'static str {
        "studymesh"
    }

    fn version(&self) -> Result<String> {
        let program = self.cold_join.with_file_name("../studymesh");
        let said = std::process::Command::new(program).arg("--version").output();
        Ok(said.map_or_else(|_| "of this tree".into(), |o| String::from_utf8_lossy(&o.stdout).trim().to_owned()))
    }

    fn note(&self) -> &'static str {
        "each author signs a log, one signature for a run of 64 is verified; encrypted; views folded; `fsync` before it counts. \
         `floor` is TCP, verify each item in batches of 256, SQLite insert, no protocol"
    }

    fn serve(&mut self, _dir: &Path, _items: &Items) -> Result<()> {
        if !self.cold_join.exists() {
            let path = self.cold_join.display();
            return Err(format!("{path} is not there: cargo build --release --example cold_join in the main package").into());
        }
        Ok(())
    }

    fn join(&mut self, _dir: &Path, items: &Items) -> Result<Vec<Round>> {
        // It makes its own items, of the same length and kind, and serves them from a process of its own.
        let said = run_json(
            Command::new(&self.cold_join)
                .args(["--entries", &items.count.to_string(), "--authors", &AUTHORS.to_string(), "--trials", "1"]),
        )?;
        let number = |key: &str| said[key].as_f64().ok_or_else(|| format!("{key} is missing in {said}"));
        let ours = Round {
            peer: "studymesh",
            seconds: number("seconds")?,
            cpu: Some(number("cpu_seconds")?),
            wire: Some(number("wire_bytes_per_entry")?),
            disk: Some(number("disk_bytes_per_entry")?),
        };
        let floor = Round {
            peer: "floor",
            seconds: number("floor_seconds")?,
            cpu: said["floor_cpu_seconds"].as_f64(),
            wire: said["floor_wire_bytes_per_item"].as_f64(),
            disk: None,
        };
        Ok(vec![ours, floor])
    }

    fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}
