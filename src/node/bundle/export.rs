//! `bundle export`, `bundle have`: what is held, into a file.

use std::path::Path;

use serde_json::json;

use super::file::Input;
use super::{OnEngine, group_of, keys_of, left};
use crate::api::{Code, Error, Reply};
use crate::engine::Held;
use crate::log::keys::GroupKeys;
use crate::model::id::{GroupId, LogId};
use crate::node::core::random;
use crate::node::output::Output;
use crate::sync::bundle::{Begin, Item, Kind, Reader, Writer};
use crate::sync::index::Tip;
use crate::sync::message::Message;

/// Most messages of one slice; a message has at most about a hundred kilobytes.
const SLICE_MESSAGES: usize = 32;
/// Most logs of one slice.
const SLICE_LOGS: usize = 64;

/// Writes what the other side lacks, or everything.
pub(super) fn bundle(
    on: &mut impl OnEngine,
    given: Option<&str>,
    path: &Path,
    have: Option<&Path>,
    force: bool,
) -> Reply {
    let mut output = Output::create(path, force)?;
    let group = group_of(on, given)?;
    let keys = keys_of(on, group)?;
    let held = match have {
        Some(have) => held_by(on, have, group, &keys)?,
        None => Held::default(),
    };
    let mut export = on.run(move |engine| Ok(engine.export(group, &held)))?.ok_or_else(left)?;
    let logs = export.logs;
    let begin = Begin { group, entries: export.planned };
    let mut writer = Writer::new(&keys, Kind::Bundle, begin, random());
    loop {
        let (back, messages) = on.run(move |engine| {
            let mut messages: Vec<Message> = vec![];
            while messages.len() < SLICE_MESSAGES
                && let Some(message) = engine.export_next(&mut export)?
            {
                messages.push(message);
            }
            Ok((export, messages))
        })?;
        export = back;
        for message in &messages {
            writer.push_message(message);
            output.write(&writer.take())?;
        }
        if messages.is_empty() {
            break;
        }
    }
    // A group that was left in the middle has ended too early.
    keys_of(on, group)?;
    let entries = writer.entries();
    output.write(&writer.finish())?;
    let bytes = output.publish()?;
    Ok(json!({ "v": 1, "group_id": group, "path": path, "entries": entries, "logs": logs, "bytes": bytes }))
}

/// Writes what this node holds, so that the other side can leave it out.
pub(super) fn have(on: &mut impl OnEngine, given: Option<&str>, path: &Path, force: bool) -> Reply {
    let mut output = Output::create(path, force)?;
    let group = group_of(on, given)?;
    let keys = keys_of(on, group)?;
    let entries = on.run(move |engine| crate::engine::store::Store::count(engine.store(), group))?;
    let mut writer = Writer::new(&keys, Kind::Have, Begin { group, entries }, random());
    let (mut logs, mut after) = (0u64, None);
    loop {
        let slice = on.run(move |engine| {
            let mut slice: Vec<(LogId, Vec<Tip>)> = vec![];
            while slice.len() < SLICE_LOGS
                && let Some((log, positions)) = engine.positions(group, slice.last().map(|(log, _)| *log).or(after))?
            {
                slice.push((log, positions));
            }
            Ok(slice)
        })?;
        let Some((last, _)) = slice.last() else { break };
        after = Some(*last);
        logs += slice.len() as u64;
        for (log, positions) in &slice {
            writer.push_have(*log, positions);
        }
        output.write(&writer.take())?;
    }
    keys_of(on, group)?;
    output.write(&writer.finish())?;
    let bytes = output.publish()?;
    Ok(json!({ "v": 1, "group_id": group, "path": path, "entries": entries, "logs": logs, "bytes": bytes }))
}

/// What the writer of a have file holds, in terms of what is stored here.
fn held_by(on: &mut impl OnEngine, path: &Path, group: GroupId, keys: &GroupKeys) -> Result<Held, Error> {
    let mut input = Input::open(path, Kind::Have)?;
    if !input.head.is_for(keys) {
        let cause = format!("{} is of another group", path.display());
        let remedy = "name that group with `-g`, or have the other side run `studymesh bundle have` in this one";
        return Err(Error::new(Code::BadInput, cause, remedy));
    }
    let broken = |why: &dyn std::fmt::Display| {
        let cause = format!("{} can not be used: {why}", path.display());
        Error::new(Code::BadInput, cause, "copy it again, or have the other side write it anew; nothing was written")
    };
    let mut reader = Reader::new(&input.head, keys, group);
    let mut held = Held::default();
    while let Some(chunk) = input.chunk().map_err(|e| broken(&e))? {
        reader.feed(chunk).map_err(|e| broken(&e))?;
        let mut slice = vec![];
        while let Some(item) = reader.poll().map_err(|e| broken(&e))? {
            if let Item::Have { log, positions } = item {
                slice.push((log, positions));
            }
        }
        held = on.run(move |engine| {
            for (log, positions) in slice {
                engine.note_held(&mut held, group, log, &positions)?;
            }
            Ok(held)
        })?;
    }
    reader.end().map_err(|e| broken(&e))?;
    Ok(held)
}
