//! From the start of the program until it is ready.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{Options, Result, home, middle, ms, program};

const TRIALS: usize = 7;

pub fn measure(options: &Options) -> Result<Value> {
    let mut all = vec![];
    for _ in 0..TRIALS {
        let began = Instant::now();
        let mut child = Command::new(program()?)
            .args(["up", "--json", "--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0", "--home"])
            .arg(home(options).dir())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let ready = ms(began);
        let said: Value = serde_json::from_str(&line)?;
        if said["event"] != "ready" {
            return Err(format!("the node said {said}").into());
        }
        all.push(ready);
        let stopped = Command::new(program()?)
            .args(["stop", "--home"])
            .arg(home(options).dir())
            .stdout(Stdio::null())
            .status()?;
        if !stopped.success() || !child.wait()?.success() {
            return Err("the node did not stop".into());
        }
    }
    // The first one may read the file from the disk.
    let first = all.remove(0);
    Ok(json!({ "ready_ms": middle(all.clone()), "first_ms": first, "of_each": all }))
}
