//! A cold join of studymesh beside what people use instead.
//!
//! ```text
//! cargo build --release --example cold_join            # in the main package, once
//! cd benches/peers && cargo run --release -- --items 1000,10000 --rounds 5
//! cargo run --release --no-default-features -- --only studymesh,git,yjs     # without building iroh-docs
//! ```
//!
//! Each round lets every peer join once, one after the other; whoever fails ends the whole with an error. Items have 500 bytes,
//! by 20 authors; everything is on loopback, and each peer stores on both sides as it does by default. The table with medians and
//! spread goes to `report/NUMBER.md`, and the rounds as JSON to `report/NUMBER.json`.

mod git;
mod iroh_docs;
mod items;
mod report;
mod studymesh;
mod syncthing;
mod usage;
mod yjs;

use std::error::Error;
use std::path::{Path, PathBuf};

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Bytes of an item.
pub const ITEM_BYTES: usize = 500;
/// Who wrote them.
pub const AUTHORS: usize = 20;

/// What is compared.
pub struct Options {
    items: Vec<usize>,
    rounds: usize,
    only: Vec<String>,
    cold_join: PathBuf,
}

/// One join.
#[derive(Debug, Clone)]
pub struct Round {
    /// Who joined.
    pub peer: &'static str,
    /// Until everything was there, as the peer itself can tell.
    pub seconds: f64,
    /// Processor time of the joining side.
    pub cpu: Option<f64>,
    /// Bytes over loopback for each item, both directions, acknowledgements included.
    pub wire: Option<f64>,
    /// Bytes on the joiner's disk for each item.
    pub disk: Option<f64>,
}

/// Something that items can be fetched with.
pub trait Peer {
    /// Its name in the table.
    fn name(&self) -> &'static str;
    /// Which version runs.
    fn version(&self) -> Result<String>;
    /// What is not like the others.
    fn note(&self) -> &'static str;
    /// Fills the serving side, and starts it.
    fn serve(&mut self, dir: &Path, items: &items::Items) -> Result<()>;
    /// Lets a fresh side join; the directory is empty.
    fn join(&mut self, dir: &Path, items: &items::Items) -> Result<Vec<Round>>;
    /// Ends the serving side.
    fn stop(&mut self) -> Result<()>;
}

fn peers(options: &Options) -> Result<Vec<Box<dyn Peer>>> {
    let mut all: Vec<Box<dyn Peer>> = vec![
        Box::new(studymesh::Studymesh::new(options.cold_join.clone())),
        Box::new(git::Git::default()),
        Box::new(yjs::Yjs::default()),
    ];
    if cfg!(feature = "iroh") {
        all.push(Box::new(iroh_docs::IrohDocs::default()));
    }
    if syncthing::is_installed() {
        all.push(Box::new(syncthing::Syncthing::default()));
    }
    if options.only.is_empty() {
        return Ok(all);
    }
    let known: Vec<&str> = all.iter().map(|peer| peer.name()).collect();
    if let Some(other) = options.only.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("there is no peer {other} here; there are {}", known.join(", ")).into());
    }
    Ok(all.into_iter().filter(|peer| options.only.iter().any(|name| name == peer.name())).collect())
}

fn main() -> Result<()> {
    let cold_join = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/examples/cold_join");
    let mut options = Options { items: vec![1_000, 10_000], rounds: 5, only: vec![], cold_join };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--items" => options.items = value()?.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?,
            "--rounds" => options.rounds = value()?.parse()?,
            "--only" => options.only = value()?.split(',').map(String::from).collect(),
            "--cold-join" => options.cold_join = value()?.into(),
            other => {
                let there = "--items, --rounds, --only and --cold-join";
                return Err(format!("unknown option {other}; there are {there}").into());
            }
        }
    }
    if options.rounds == 0 || options.items.is_empty() {
        return Err("give at least one round and one number of items".into());
    }
    for count in options.items.clone() {
        compare(&options, count)?;
    }
    Ok(())
}

fn compare(options: &Options, count: usize) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let items = items::Items::make(&dir.path().join("items"), count)?;
    let mut peers = peers(options)?;
    for peer in &mut peers {
        eprintln!("{count} items: {} {} prepares", peer.name(), peer.version()?);
        let home = dir.path().join(peer.name());
        std::fs::create_dir(&home)?;
        peer.serve(&home, &items).map_err(|e| format!("{} can not serve: {e}", peer.name()))?;
    }
    let mut rounds: Vec<Round> = vec![];
    for round in 0..options.rounds {
        for peer in &mut peers {
            let home = dir.path().join(format!("joiner-{}-{round}", peer.name()));
            std::fs::create_dir(&home)?;
            let joined = peer.join(&home, &items).map_err(|e| format!("{} can not join: {e}", peer.name()))?;
            for one in &joined {
                eprintln!("{count} items, round {}: {} {:.3} s", round + 1, one.peer, one.seconds);
            }
            rounds.extend(joined);
            std::fs::remove_dir_all(home)?;
        }
    }
    for peer in &mut peers {
        peer.stop()?;
    }
    report::write(count, options.rounds, &peers, &rounds)
}
