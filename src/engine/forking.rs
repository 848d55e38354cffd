//! Logs with far more branches than copies make.
//!
//! A copy of a directory makes a branch or two before it takes a fresh key. Who writes one history after the other does it on purpose.
//! All of them are kept and folded, so that nodes agree; but an admin's node that sees too many removes the device, and what the
//! log says after its lowest fork does not count any more. The branches are the proof, and every node has them.

use super::chains::Log;
use super::store::Store;
use super::writing::WriteError;
use super::{Engine, Group};
use crate::model::action::{Cut, Subject};
use crate::model::id::{GroupId, LogId, PersonId};

/// Most branches of a log that are put up with.
pub const MAX_BRANCHES: usize = 64;

impl<S: Store> Engine<S> {
    /// Removes devices whose logs have too many branches, where this person may.
    pub(super) fn cut_off_forkers(&mut self, now: u64, id: GroupId) -> Result<(), S::Error> {
        let Some(group) = self.groups.get(&id) else { return Ok(()) };
        for log in group.forkers() {
            let Some(group) = self.groups.get(&id) else { return Ok(()) };
            let Some(branches) = group.logs.get(&log) else { continue };
            let cut = lowest_fork(&mut self.store, log, branches)?;
            match self.remove_up_to(now, id, Subject::Device(log), cut) {
                // Who is senior is beyond this person's rights: somebody else's node sees to it, or nobody's.
                Ok(_) | Err(WriteError::Forbidden(_) | WriteError::NoWrite(_) | WriteError::NoGroup(_)) => {}
                Err(WriteError::Store(error)) => return Err(error),
                Err(other) => unreachable!("a removal is within its bounds: {other}"),
            }
        }
        Ok(())
    }
}

impl Group {
    /// Logs with too many branches that somebody in the group still writes with, and this person may remove.
    pub(super) fn forkers(&self) -> Vec<LogId> {
        let me = self.me.id();
        if !self.members.role_of_log(me).is_some_and(crate::model::action::Role::decides) {
            return vec![];
        }
        let many = self.logs.iter().filter(|(log, l)| l.chains.len() > MAX_BRANCHES && **log != me);
        many.filter(|(log, _)| {
            let device = self.members.devices().get(log);
            device.is_some_and(|device| !device.ended && self.may_remove(device.person))
        })
        .map(|(log, _)| *log)
        .collect()
    }

    /// Not this person itself: its nodes take fresh keys, and what it wrote stays.
    fn may_remove(&self, person: PersonId) -> bool {
        person != self.person() && self.may_act_on(person).is_ok()
    }

    /// Whether a log takes no more branches: it has too many, and half of the room that all share is gone.
    pub(super) fn is_out_of_branches(&self, log: LogId) -> bool {
        self.chains >= self.max_chains / 2 && self.logs.get(&log).is_some_and(|l| l.chains.len() >= MAX_BRANCHES)
    }
}

/// The last entry that all branches share; none when they share nothing.
fn lowest_fork<S: Store>(store: &mut S, id: LogId, log: &Log) -> Result<Vec<Cut>, S::Error> {
    let roots = log.chains.iter().filter(|c| c.parent.is_none()).count();
    let lowest = log.chains.iter().filter_map(|c| c.parent).min_by_key(|(_, seq)| *seq).filter(|_| roots == 1);
    let Some((chain, seq)) = lowest else { return Ok(vec![]) };
    let entry = store.id_at(log.chains[chain].no, seq)?;
    Ok(entry.map(|entry| Cut { log: id, seq, id: entry }).into_iter().collect())
}
