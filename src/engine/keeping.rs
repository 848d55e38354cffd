//! Own writes that wait to be let in, or for a key: kept on the disk, and written once they can be.
//!
//! An entry has its id when it is sealed, so what waits has none. A long note is several entries, and the later ones name
//! those before them: until they are written they name *stand-ins*, each a hash of what is kept, so that nothing more
//! than that has to be stored. When the entries are written at last, every stand-in gives way to the id that came of it.

use std::collections::BTreeMap;

use super::Engine;
use super::io::Event;
use super::store::{Kept, Store};
use super::writing::{NoWrite, WriteError};
use crate::model::action::Action;
use crate::model::id::{EntryId, GroupId, NoteId};

/// Most own writes that wait for a key, per group.
pub const MAX_KEPT: usize = 1_000;

impl<S: Store> Engine<S> {
    /// Keeps a write that can not be sealed yet; it is sent once it can. Later writes that are kept may name it by the
    /// stand-in that this returns; nothing else may.
    ///
    /// # Errors
    /// When the action breaks a bound, too many wait, the node is not in the group, or the store fails.
    pub fn keep(&mut self, now: u64, id: GroupId, action: &Action) -> Result<EntryId, WriteError<S::Error>> {
        action.check()?;
        if !self.groups.contains_key(&id) {
            return Err(WriteError::NoGroup(id));
        }
        if self.store.kept(id).map_err(WriteError::Store)?.len() >= MAX_KEPT {
            return Err(NoWrite::TooMany.into());
        }
        let kept = Kept::new(now, action);
        self.store.keep(id, &kept).map_err(WriteError::Store)?;
        Ok(kept.stand_in(id))
    }

    /// Sends what waited for a key.
    pub(super) fn send_kept(&mut self, now: u64, id: GroupId) -> Result<(), S::Error> {
        let Some(group) = self.groups.get(&id) else { return Ok(()) };
        if group.may_write().is_err() {
            return Ok(());
        }
        let kept: Vec<Kept> = self.store.kept(id)?;
        if kept.is_empty() {
            return Ok(());
        }
        self.store.forget_kept(id)?;
        let mut sent = 0;
        // What is kept twice alike has one stand-in. Each time it comes again, what follows means the last one.
        let mut now_called: BTreeMap<EntryId, EntryId> = BTreeMap::new();
        for one in &kept {
            let Ok(mut action) = Action::decode(one.kind, one.version, &one.payload) else { continue };
            name_anew(&mut action, &now_called);
            let called = match self.write(now, id, &action) {
                Ok(entry) => {
                    sent += 1;
                    entry
                }
                Err(WriteError::Store(error)) => return Err(error),
                Err(_) => {
                    // It waits on, and names what was written by then.
                    let again = Kept::new(one.written_ms, &action);
                    self.store.keep(id, &again)?;
                    again.stand_in(id)
                }
            };
            now_called.insert(one.stand_in(id), called);
        }
        self.event(Event::Sent { group: id, entries: sent });
        Ok(())
    }
}

impl Kept {
    fn new(written_ms: u64, action: &Action) -> Self {
        let (kind, version) = action.kind();
        Self { written_ms, kind, version, payload: action.encode() }
    }

    /// What names it until it is written. It never leaves this node.
    fn stand_in(&self, group: GroupId) -> EntryId {
        let mut hash = blake3::Hasher::new_derive_key("studymesh 2026 v1 kept write");
        hash.update(&group.0).update(&self.written_ms.to_le_bytes());
        hash.update(&self.kind.to_le_bytes()).update(&[self.version]).update(&self.payload);
        EntryId(*hash.finalize().as_bytes())
    }
}

/// Puts ids in the places of stand-ins. Only the entries of a note name what may have been kept with them: all else names
/// what the views show, and they show nothing that waits.
fn name_anew(action: &mut Action, now_called: &BTreeMap<EntryId, EntryId>) {
    let anew = |id: &mut EntryId| {
        if let Some(called) = now_called.get(id) {
            *id = *called;
        }
    };
    if let Action::NoteEdit(edit) = action {
        let mut note = EntryId(edit.note.0);
        anew(&mut note);
        edit.note = NoteId::from(note);
        edit.builds_on.iter_mut().chain(&mut edit.edit.refs).for_each(anew);
    }
}
