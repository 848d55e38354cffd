//! Syncthing, where it is installed: one folder with a file for each item.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::items::Items;
use crate::usage::{Server, disk_bytes, free_port, loopback_bytes, run, run_json};
use crate::{ITEM_BYTES, Peer, Result, Round};

/// How long a join may take.
const PATIENCE: Duration = Duration::from_secs(600);
const KEY: &str = "peers";

pub fn is_installed() -> bool {
    Command::new("syncthing").arg("--version").output().is_ok_and(|out| out.status.success())
}

#[derive(Default)]
pub struct Syncthing {
    server: Option<Side>,
}

/// A running instance.
struct Side {
    _process: Server,
    gui: u16,
    port: u16,
    id: String,
}

impl Side {
    /// Starts one that speaks to nobody yet; everything that goes out to the internet is off.
    fn start(home: &Path) -> Result<Self> {
        let (gui, port) = (free_port()?, free_port()?);
        run(Command::new("syncthing").args(["generate", "--no-default-folder", "--home"]).arg(home))?;
        let process = Server::start(
            Command::new("syncthing")
                .args(["serve", "--no-browser", "--no-restart", "--no-upgrade", "--no-default-folder", "--home"])
                .arg(home)
                .arg(format!("--gui-address=127.0.0.1:{gui}"))
                .arg(format!("--gui-apikey={KEY}")),
        )?;
        crate::usage::wait_for_port(gui)?;
        let mut side = Self { _process: process, gui, port, id: String::new() };
        let options = json!({
            "listenAddresses": [format!("tcp://127.0.0.1:{port}")], "globalAnnounceEnabled": false,
            "localAnnounceEnabled": false, "relaysEnabled": false, "natEnabled": false, "urAccepted": -1,
            "crashReportingEnabled": false, "reconnectionIntervalS": 1,
        });
        side.call("PATCH", "config/options", Some(&options))?;
        side.id = side.call("GET", "system/status", None)?["myID"].as_str().unwrap_or_default().to_owned();
        Ok(side)
    }

    fn call(&self, method: &str, what: &str, body: Option<&Value>) -> Result<Value> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--request", method, "--header"])
            .arg(format!("X-API-Key: {KEY}"))
            .arg(format!("http://127.0.0.1:{}/rest/{what}", self.gui));
        match body {
            Some(body) => {
                run(curl.arg("--data").arg(body.to_string()))?;
                Ok(Value::Null)
            }
            None => run_json(&mut curl_compact(curl)),
        }
    }

    /// Shares a folder with somebody.
    fn share(&self, with: &Side, path: &Path) -> Result<()> {
        let device = json!({ "deviceID": with.id, "addresses": [format!("tcp://127.0.0.1:{}", with.port)] });
        self.call("POST", "config/devices", Some(&device))?;
        let folder = json!({
            "id": "items", "path": path, "devices": [{ "deviceID": self.id }, { "deviceID": with.id }],
        });
        self.call("POST", "config/folders", Some(&folder))?;
        Ok(())
    }
}

/// The answer on one line.
fn curl_compact(curl: Command) -> Command {
    let args: Vec<String> = curl.get_args().map(|arg| format!("'{}'", arg.to_string_lossy())).collect();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("curl {} | tr -d '\\n'", args.join(" ")));
    shell
}

fn folder(dir: &Path) -> PathBuf {
    dir.join("folder")
}

impl Peer for Syncthing {
    fn name(&self) -> &'static str {
        "syncthing"
    }

    fn version(&self) -> Result<String> {
        let said = run(Command::new("syncthing").arg("--version"))?;
        Ok(said.split_whitespace().nth(1).unwrap_or("?").to_owned())
    }

    fn note(&self) -> &'static str {
        "nobody signs; a file for each item; TLS on the wire, nothing encrypted at rest; counted from the moment when both know \
         each other, and looked at every 50 ms"
    }

    fn serve(&mut self, dir: &Path, items: &Items) -> Result<()> {
        let folder = folder(dir);
        std::fs::create_dir(&folder)?;
        for (n, item) in items.read()?.chunks_exact(ITEM_BYTES).enumerate() {
            std::fs::write(folder.join(format!("{n:08}.md")), item)?;
        }
        self.server = Some(Side::start(&dir.join("home"))?);
        Ok(())
    }

    fn join(&mut self, dir: &Path, items: &Items) -> Result<Vec<Round>> {
        let server = self.server.as_ref().ok_or("it does not serve")?;
        let joiner = Side::start(&dir.join("home"))?;
        let path = folder(dir);
        std::fs::create_dir(&path)?;
        let served = folder(&dir.parent().ok_or("no directory")?.join(self.name()));
        server.share(&joiner, &served)?;
        let wire = loopback_bytes();
        let began = Instant::now();
        joiner.share(server, &path)?;
        loop {
            let status = joiner.call("GET", "db/status?folder=items", None)?;
            let here = status["inSyncFiles"].as_u64().unwrap_or(0);
            if here as usize >= items.count && status["needFiles"] == 0 {
                break;
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("it has {here} files").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let seconds = began.elapsed().as_secs_f64();
        let wire = loopback_bytes().saturating_sub(wire);
        let each = |bytes: u64| Some(bytes as f64 / items.count as f64);
        let disk = each(disk_bytes(dir)?);
        Ok(vec![Round { peer: "syncthing", seconds, cpu: None, wire: each(wire), disk }])
    }

    fn stop(&mut self) -> Result<()> {
        self.server = None;
        Ok(())
    }
}
