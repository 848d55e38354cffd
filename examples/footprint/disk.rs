//! Bytes on the disk.

use serde_json::{Value, json};
use studymesh::node::open_alone;
use tokio::time::Instant;

use crate::{Options, Result, home, ms, settings};

/// The size of the store before and after its notes are indexed for search.
pub fn measure(options: &Options) -> Result<Value> {
    let home = home(options);
    let bytes = || -> Result<f64> { Ok(std::fs::metadata(home.store())?.len() as f64 / options.entries as f64) };
    let without = bytes()?;
    let mut opened = open_alone(&home, &settings("Disk"))?;
    let began = Instant::now();
    opened.core.engine().store().index_while(|| true)?;
    let indexed = ms(began);
    drop(opened);
    Ok(json!({ "bytes_per_note": without.round(), "with_search": bytes()?.round(), "index_ms": indexed }))
}
