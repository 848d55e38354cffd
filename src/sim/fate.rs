//! What people and fate do to a simulated world.

use std::collections::BTreeSet;

use super::store::MemStore;
use super::world::{Act, Death, Event, World};
use super::writer;
use crate::engine::entropy::Entropy;
use crate::engine::io::Input;
use crate::engine::{NoWrite, WriteError};
use crate::model::id::{EntryId, GroupId, PersonId};

impl World {
    pub(super) fn act(&mut self, act: Act) {
        if self.calm && !matches!(act, Act::Start(_)) {
            return;
        }
        match act {
            Act::Write => self.write(),
            Act::Crash => {
                if let Some(n) = self.any_up() {
                    self.crash(n, "crashes");
                }
            }
            Act::Start(n) => self.start(n),
            Act::Copy => self.copy(),
            Act::Backup => {
                if let Some(n) = self.any_up() {
                    let disk = self.nodes[n].disk().clone();
                    self.nodes[n].backup = Some(disk);
                }
            }
            Act::Restore => self.restore(),
            Act::Join => self.join(),
            Act::Leave => self.leave(),
            Act::Clock => self.set_clock(),
            Act::Split => self.split(),
            Act::Mend => self.sides.fill(0),
            Act::Cut => {
                if let Some(n) = self.any_up() {
                    let others = self.network.neighbours(n);
                    if let Some(other) = self.any_of(&others) {
                        self.network.cut(&mut self.agenda, n, other);
                    }
                }
            }
        }
    }

    pub(super) fn any_of(&mut self, of: &[usize]) -> Option<usize> {
        (!of.is_empty()).then(|| of[self.dice.below(of.len() as u64) as usize])
    }

    pub(super) fn any_up(&mut self) -> Option<usize> {
        let up: Vec<usize> = (0..self.nodes.len()).filter(|n| self.nodes[*n].is_up()).collect();
        self.any_of(&up)
    }

    pub(super) fn crash(&mut self, n: usize, how: &str) {
        self.note(&format!("node {n} {how}"));
        self.report.crashes += 1;
        self.network.crash(&mut self.agenda, n);
        self.nodes[n].stop();
        if let Err(error) = self.nodes[n].disk().verify() {
            self.breaks(format!("the disk of node {n} after a crash: {error}"));
        }
        let at = self.agenda.now + 100 + self.dice.below(self.profile.down_ms);
        self.agenda.plan(at, Event::Act(Act::Start(n)));
    }

    pub(super) fn join(&mut self) {
        let n = self.add(MemStore::default());
        let group = self.groups[self.dice.below(self.groups.len() as u64) as usize].0;
        self.join_group(n, group);
        if self.dice.below(3) == 0 {
            let second = self.groups[self.dice.below(self.groups.len() as u64) as usize].0;
            self.join_group(n, second);
        }
    }

    /// Somebody sets the clock of a running node.
    fn set_clock(&mut self) {
        let Some(n) = self.any_up() else { return };
        let by = self.dice.below(20 * 3_600_000) as i64 - 10 * 3_600_000;
        self.note(&format!("the clock of node {n} is set by {} minutes", by / 60_000));
        self.nodes[n].skew += by;
        self.batch(n, None, |engine, now| engine.handle(now, Input::Tick));
    }

    fn leave(&mut self) {
        let Some(n) = self.any_up() else { return };
        let groups: Vec<GroupId> = self.members[&n].iter().copied().collect();
        let Some(group) = groups.first().copied() else { return };
        if self.founders.get(&group) == Some(&n) {
            return;
        }
        // Somebody has to keep the group.
        if self.members.iter().filter(|(_, of)| of.contains(&group)).count() < 3 {
            return;
        }
        self.may_lose(n, group, &BTreeSet::new());
        self.note(&format!("node {n} leaves {}", group.short()));
        self.report.leaves += 1;
        self.batch(n, None, |engine, _| engine.leave_group(group));
        self.members.entry(n).or_default().remove(&group);
        self.nodes[n].changed_ms = self.agenda.now;
        if self.dice.below(2) == 0 {
            self.join_group(n, group);
        }
    }

    /// A copy of a disk runs as another node, with the same log keys.
    fn copy(&mut self) {
        let Some(n) = self.any_up() else { return };
        let disk = self.nodes[n].disk().clone();
        let copy = self.add(disk);
        self.note(&format!("node {copy} is a copy of node {n}"));
        self.report.copies += 1;
        self.members.insert(copy, self.members[&n].clone());
        if self.dice.below(2) == 0 {
            // It notices that it is on another machine.
            let groups: Vec<GroupId> = self.members[&copy].iter().copied().collect();
            self.batch(copy, None, |engine, now| groups.into_iter().try_for_each(|group| engine.rotate(now, group)));
        }
    }

    /// A node goes back to an earlier state of its disk.
    fn restore(&mut self) {
        let with_backup: Vec<usize> =
            (0..self.nodes.len()).filter(|n| self.nodes[*n].is_up() && self.nodes[*n].backup.is_some()).collect();
        let Some(n) = self.any_of(&with_backup) else { return };
        let backup = self.nodes[n].backup.take().expect("filtered");
        for (group, _) in self.groups.clone() {
            self.may_lose(n, group, &backup.entry_ids(group));
            let had = backup.group_ids().contains(&group);
            let members = self.members.entry(n).or_default();
            if had {
                members.insert(group)
            } else {
                members.remove(&group)
            };
        }
        self.report.restores += 1;
        self.crash(n, "goes back to a backup");
        self.nodes[n].replace_disk(backup);
    }

    /// Notes what node `n` alone may have had, when it keeps only `kept` of a group.
    fn may_lose(&mut self, n: usize, group: GroupId, kept: &BTreeSet<EntryId>) {
        let mut others = BTreeSet::new();
        for other in (0..self.nodes.len()).filter(|o| *o != n) {
            others.extend(self.nodes[other].disk().entry_ids(group));
        }
        let here = self.nodes[n].disk().entry_ids(group);
        self.maybe_lost.extend(here.into_iter().filter(|id| !kept.contains(id) && !others.contains(id)));
    }

    /// The network falls into two parts.
    fn split(&mut self) {
        self.note("the network falls apart");
        self.report.splits += 1;
        for n in 0..self.nodes.len() {
            self.sides[n] = self.dice.below(2);
        }
        for n in 0..self.nodes.len() {
            for other in self.network.neighbours(n) {
                if self.sides[n] != self.sides[other] {
                    self.network.cut(&mut self.agenda, n, other);
                }
            }
        }
    }

    fn write(&mut self) {
        let Some(n) = self.any_up() else { return };
        let groups: Vec<GroupId> = self.members[&n].iter().copied().collect();
        if groups.is_empty() {
            return;
        }
        let group = groups[self.dice.below(groups.len() as u64) as usize];
        // Most write once, some write a lot at once.
        let (count, long) = match self.dice.below(24) {
            0 | 1 => (20 + self.dice.below(120), false),
            2 => (12, true),
            _ => (1, false),
        };
        let death = self.maybe_dies_over(self.profile.deaths_per_mille_writes);
        let now = self.agenda.now;
        let Some(status) = self.nodes[n].engine().and_then(|e| e.status(now, group)) else { return };
        let person: PersonId = status.person;
        let mut dice = Entropy::new(self.dice.array());
        let written = self.batch(n, death, |engine, now| {
            let mut ids = vec![];
            if dice.below(40) == 0 {
                // Whoever may not is told so.
                let _ = engine.rotate_keys(now, group);
            }
            for _ in 0..count {
                let action = if long {
                    writer::long_note(&mut dice)
                } else {
                    writer::action(&mut dice, engine.store().views(group), person)
                };
                match engine.write(now, group, &action) {
                    Ok(id) => ids.push(id),
                    // It waits to be let in: one thing is kept until then.
                    Err(WriteError::NoWrite(NoWrite::Waits)) => {
                        return Ok(engine.keep(now, group, &action).map(|_| ids).map_err(|e| e.to_string()));
                    }
                    Err(error) => return Ok(Err(format!("{error} in {action:?}"))),
                }
            }
            engine.handle(now, Input::Tick)?;
            Ok(Ok(ids))
        });
        match written {
            Some(Err(error)) => self.breaks(format!("a write of node {n} is refused: {error}")),
            Some(Ok(ids)) => {
                self.report.writes += count;
                let lost = death == Some(Death::BeforeCommit);
                let of = if lost { &mut self.undone } else { &mut self.acknowledged };
                of.extend(ids.into_iter().map(|id| (group, id)));
            }
            None => {}
        }
    }
}
