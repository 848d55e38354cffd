//! `bundle import`: entries from a file, taken in as from a peer.

use std::path::Path;

use serde_json::json;

use super::file::Input;
use super::{OnEngine, group_of, keys_of};
use crate::api::{Code, Error, Reply};
use crate::engine::io::Input as Event;
use crate::engine::{Rehearsal, Tally};
use crate::log::keys::GroupKeys;
use crate::model::id::GroupId;
use crate::node::core::now_ms;
use crate::sync::bundle::{Carried, Checked, Item, Kind, Reader};

/// Most entries of one slice beyond one run.
const SLICE_ENTRIES: usize = 256;
/// Most bytes of bodies of one slice beyond one run.
const SLICE_BYTES: usize = 1024 * 1024;
/// How often a file is read at most: what was refused or had no place may come in after what stands behind it.
const MAX_PASSES: usize = 8;

/// Takes in what a file brings.
pub(super) fn bundle(on: &mut impl OnEngine, given: Option<&str>, path: &Path) -> Reply {
    let mut input = Input::open(path, Kind::Bundle)?;
    let (group, keys) = group_for(on, given, &input, path)?;
    let file = Bundle { group, keys };
    if let Some(rehearsal) = on.run(move |engine| Ok(engine.rehearse(group)))? {
        let (rehearsal, read, entries) = file.rehearse(&mut input, rehearsal)?;
        if !rehearsal.is_in() {
            return match read.damage {
                // Perhaps it is said behind the damage.
                Some(_) => Ok(read.answer(group, Tally { refused: entries, ..Tally::default() })),
                None => Err(not_let_in()),
            };
        }
        on.run(move |engine| {
            engine.let_in_by_hand(group);
            Ok(())
        })?;
    }
    let (mut new, mut passes) = (0, 0);
    let (read, last) = loop {
        let (read, tally) = file.pass(on, &mut input)?;
        new += tally.new;
        passes += 1;
        if tally.new == 0 || tally.missing + tally.refused == 0 || passes == MAX_PASSES {
            break (read, tally);
        }
    };
    on.run(move |engine| {
        let now = now_ms();
        engine.import_end(now, group)?;
        // What membership asks for because of it, letting somebody in above all, is seen to at once.
        engine.handle(now, Event::Tick)
    })?;
    keys_of(on, group)?;
    // What an earlier pass brought was here in the last one.
    let held = last.held.saturating_sub(new - last.new);
    Ok(read.answer(group, Tally { new, held, ..last }))
}

/// The group that a file is for.
fn group_for(
    on: &mut impl OnEngine,
    given: Option<&str>,
    input: &Input,
    path: &Path,
) -> Result<(GroupId, GroupKeys), Error> {
    let wanted = given.map(|given| group_of(on, Some(given))).transpose()?;
    let head = input.head.clone();
    let found = on.run(move |engine| {
        let groups: Vec<GroupId> = engine.groups().collect();
        Ok(groups.into_iter().find_map(|group| {
            let keys = engine.keys(group).filter(|keys| head.is_for(keys))?;
            Some((group, keys.clone()))
        }))
    })?;
    let shown = path.display();
    let Some((group, keys)) = found else {
        let cause = format!("{shown} is for a group that this node is not in: it never joined it, or has left it");
        return Err(Error::new(Code::NotFound, cause, "join the group with a ticket first; that works offline"));
    };
    if wanted.is_some_and(|wanted| wanted != group) {
        let cause = format!("{shown} is for another group than the one that `-g` names");
        return Err(Error::new(Code::NotFound, cause, "leave `-g` out: the file finds its group"));
    }
    Ok((group, keys))
}

fn not_let_in() -> Error {
    Error::new(
        Code::NotPermitted,
        "nobody has let this node into the group yet, as far as the bundle says",
        "bring your request to a member with `studymesh bundle export FILE`; they import it, and give you a bundle written after that",
    )
}

/// How far a file could be read.
struct Read {
    /// How many entries it was to bring, when it says so.
    expected: Option<u64>,
    /// Why it could not be read to its end: the word of the API, and the cause.
    damage: Option<(&'static str, String)>,
}

impl Read {
    fn answer(&self, group: GroupId, tally: Tally) -> serde_json::Value {
        let Tally { new, held, missing, refused, invalid } = tally;
        let (damage, cause) = self.damage.as_ref().map(|(word, cause)| (word, cause)).unzip();
        json!({
            "v": 1, "group_id": group, "new": new, "held": held, "missing": missing, "refused": refused,
            "invalid": invalid, "expected": self.expected, "damage": damage, "cause": cause,
        })
    }
}

struct Bundle {
    group: GroupId,
    keys: GroupKeys,
}

impl Bundle {
    /// Looks whether this node was let in, without taking anything in.
    fn rehearse(&self, input: &mut Input, rehearsal: Rehearsal) -> Result<(Rehearsal, Read, u64), Error> {
        let (mut rehearsal, mut entries) = (rehearsal, 0);
        let read = self.read(input, |run| {
            entries += run.entries();
            if let Ok(run) = run.check(self.group) {
                rehearsal.look(&run);
            }
            Ok(())
        })?;
        Ok((rehearsal, read, entries))
    }

    /// Reads the file once and takes in what can be.
    fn pass(&self, on: &mut impl OnEngine, input: &mut Input) -> Result<(Read, Tally), Error> {
        let mut tally = Tally::default();
        let (mut slice, mut entries, mut bytes): (Vec<Checked>, _, _) = (vec![], 0, 0);
        let read = self.read(input, |run| {
            let brought = run.entries();
            match run.check(self.group) {
                Err(_) => tally.invalid += brought,
                Ok(run) => {
                    entries += run.entries().len();
                    bytes += run.bytes();
                    slice.push(run);
                }
            }
            if entries >= SLICE_ENTRIES || bytes >= SLICE_BYTES {
                tally += self.take(on, std::mem::take(&mut slice))?;
                (entries, bytes) = (0, 0);
            }
            Ok(())
        })?;
        tally += self.take(on, slice)?;
        Ok((read, tally))
    }

    /// Takes runs in, in one batch.
    fn take(&self, on: &mut impl OnEngine, runs: Vec<Checked>) -> Result<Tally, Error> {
        let group = self.group;
        on.run(move |engine| {
            let now = now_ms();
            let mut tally = Tally::default();
            for run in &runs {
                tally += engine.import_run(now, group, run)?;
            }
            engine.handle(now, Event::Tick)?;
            Ok(tally)
        })
    }

    /// Reads the file from its beginning, as far as it is whole.
    fn read(&self, input: &mut Input, mut each: impl FnMut(Carried) -> Result<(), Error>) -> Result<Read, Error> {
        let mut reader = Reader::new(&input.head, &self.keys, self.group);
        let mut read = Read { expected: None, damage: None };
        read.damage = self.read_whole(input, &mut reader, &mut read.expected, &mut each)?;
        if let Some(run) = reader.cut() {
            each(run)?;
        }
        Ok(read)
    }

    fn read_whole(
        &self,
        input: &mut Input,
        reader: &mut Reader,
        expected: &mut Option<u64>,
        each: &mut impl FnMut(Carried) -> Result<(), Error>,
    ) -> Result<Option<(&'static str, String)>, Error> {
        if let Err(error) = input.rewind() {
            return Ok(Some(("unreadable", error.to_string())));
        }
        loop {
            let fed = match input.chunk() {
                Err(error) => return Ok(Some(("unreadable", error.to_string()))),
                Ok(None) => return Ok(reader.end().err().map(|d| (d.as_str(), d.to_string()))),
                Ok(Some(chunk)) => reader.feed(chunk),
            };
            if let Err(damage) = fed {
                return Ok(Some((damage.as_str(), damage.to_string())));
            }
            loop {
                match reader.poll() {
                    Ok(Some(Item::Run(run))) => each(run)?,
                    Ok(Some(Item::Begin(begin))) => *expected = Some(begin.entries),
                    Ok(Some(Item::Have { .. })) => unreachable!("a reader of bundles refuses these"),
                    Ok(None) => break,
                    Err(damage) => return Ok(Some((damage.as_str(), damage.to_string()))),
                }
            }
        }
    }
}
