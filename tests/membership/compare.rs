//! What is asked of every history: the fold and the model agree, the order of coming changes nothing, and what must never
//! happen does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use studymesh::membership::{Members, Verdict};
use studymesh::model::action::{Action, Role, Subject};
use studymesh::model::id::{EpochId, LogId, PersonId};

use crate::cast::{Cast, cast};
use crate::model::Model;
use crate::random::{Dice, folded, without};
use crate::story::{Entry, invite_name, log_name, person_name};

fn same<T: PartialEq + Debug>(what: impl FnOnce() -> String, fold: T, model: T) -> Result<(), String> {
    if fold == model { Ok(()) } else { Err(format!("{}: the fold says {fold:?}, the model {model:?}", what())) }
}

fn everybody(cast: &Cast) -> impl Iterator<Item = PersonId> + '_ {
    cast.logs.iter().flatten().map(|log| PersonId::from(*log))
}

/// All checks of one history; what is wrong, in words.
pub fn check(history: &[Entry], seed: u64) -> Result<(), String> {
    let in_order: Vec<usize> = (0..history.len()).collect();
    let members = folded(history, &in_order);
    let model = Model::new(history);
    agree(&members, &model)?;
    any_order(history, &members, seed)?;
    one_owner(&members)?;
    if seed.is_multiple_of(4) {
        removed_for_good(history, &members, &model)?;
        seniors_stand(history, &members)?;
    }
    Ok(())
}

fn any_order(history: &[Entry], members: &Members, seed: u64) -> Result<(), String> {
    let mut dice = Dice::new(!seed);
    let mut order: Vec<usize> = (0..history.len()).collect();
    for _ in 0..2 {
        dice.shuffle(&mut order);
        if folded(history, &order) != *members {
            return Err(format!("the entries came as {order:?}, and mean something else"));
        }
    }
    Ok(())
}

fn one_owner(members: &Members) -> Result<(), String> {
    if members.kind().is_none() {
        return Ok(());
    }
    let owners: Vec<PersonId> =
        members.persons().iter().filter(|(_, p)| p.role == Some(Role::Owner)).map(|(id, _)| *id).collect();
    if owners.len() == 1 {
        return Ok(());
    }
    Err(format!("the owners are {:?}", owners.into_iter().map(person_name).collect::<Vec<_>>()))
}

fn agree(members: &Members, model: &Model<'_>) -> Result<(), String> {
    same(|| "the kind".into(), members.kind(), model.kind())?;
    persons(members, model)?;
    devices(members, model)?;
    same(|| "what is accepted".into(), members.accepted().clone(), model.accepted())?;
    same(|| "what is hidden".into(), members.hidden().clone(), model.hidden())?;
    same(|| "the quota".into(), members.quota(), model.quota())?;
    invites(members, model)?;
    requests(members, model)?;
    epochs(members, model)
}

fn persons(members: &Members, model: &Model<'_>) -> Result<(), String> {
    for person in everybody(cast()) {
        same(|| format!("the role of {}", person_name(person)), members.role(person), model.role(person))?;
        let known = members.persons().get(&person);
        let removed = known.is_some_and(|p| p.removed);
        same(|| format!("whether {} was removed", person_name(person)), removed, model.is_removed(person))?;
    }
    Ok(())
}

fn devices(members: &Members, model: &Model<'_>) -> Result<(), String> {
    let logs: BTreeSet<LogId> = members.devices().keys().copied().collect();
    same(|| "the logs".into(), logs, model.logs())?;
    for (log, device) in members.devices() {
        same(|| format!("whose log {} is", log_name(*log)), device.person, model.person_of(*log))?;
        same(|| format!("whether {} is ended", log_name(*log)), device.ended, model.is_ended(*log))?;
        let person = device.person;
        let all = !model.is_ended(*log) && model.role(person).is_some_and(Role::writes);
        let cuts = match members.verdict(person, *log) {
            Verdict::All => None,
            Verdict::UpTo(cuts) => Some(cuts.iter().copied().collect()),
        };
        same(|| format!("what of {} counts", log_name(*log)), cuts, (!all).then(|| model.cuts(*log)))?;
    }
    Ok(())
}

fn invites(members: &Members, model: &Model<'_>) -> Result<(), String> {
    for invite in &cast().invites {
        let what = |of: &str| format!("{of} {}", invite_name(invite.id));
        let (fold, should) = (members.invites().get(&invite.id), model.invite(invite.id));
        same(|| what("the entry of"), fold.map(|i| i.entry), should.map(|(at, _)| model.id(at)))?;
        let (Some(fold), Some((at, should))) = (fold, should) else { continue };
        same(|| what("who made"), fold.by, model.author(at))?;
        same(|| what("the role of"), fold.role, should.role)?;
        same(|| what("the uses of"), fold.uses, should.uses)?;
        same(|| what("the approval of"), fold.approve, should.approve || should.role == Role::Admin)?;
        same(|| what("who came by"), fold.used_by.clone(), model.let_in_by(invite.id))?;
        same(|| what("what took back"), fold.revoked, model.revocations(invite.id).next().is_some())?;
    }
    Ok(())
}

fn requests(members: &Members, model: &Model<'_>) -> Result<(), String> {
    let fold: BTreeMap<_, _> = members.requests().iter().map(|r| (r.entry, r.refused)).collect();
    let sorted = members.requests().is_sorted_by_key(|r| r.entry);
    same(|| "whether the requests are sorted".into(), sorted, true)?;
    same(|| "the requests".into(), fold, model.requests())
}

fn epochs(members: &Members, model: &Model<'_>) -> Result<(), String> {
    let fold: BTreeMap<_, _> = members.epochs().iter().map(|e| (e.entry, (e.epoch, e.covers, e.latest))).collect();
    same(|| "the epochs (entry, id, covers, latest)".into(), fold, model.epochs())?;
    let ids: BTreeSet<EpochId> = members.epochs().iter().map(|e| e.epoch).chain(members.wanted()).collect();
    for epoch in ids {
        same(|| format!("who lacks epoch {}", epoch.0[0]), members.unsealed(epoch).collect(), model.unsealed(epoch))?;
        same(|| format!("who wants epoch {}", epoch.0[0]), members.wanted_by(epoch).collect(), model.wanted_by(epoch))?;
    }
    Ok(())
}

/// What the group shows that one person's acts could change for others.
fn seen_by_others(members: &Members, but: PersonId) -> impl PartialEq + Debug + use<> {
    let roles: Vec<_> = everybody(cast()).filter(|p| *p != but).map(|p| (p, members.role(p))).collect();
    let removed: Vec<_> =
        members.persons().iter().filter(|(id, p)| **id != but && p.removed).map(|(id, _)| *id).collect();
    let devices: Vec<_> =
        members.devices().iter().filter(|(_, d)| d.person != but).map(|(l, d)| (*l, d.ended)).collect();
    let invites: Vec<_> =
        members.invites().iter().map(|(id, i)| (*id, i.entry, i.revoked, i.used_by.clone())).collect();
    let epochs: Vec<_> = members.epochs().iter().map(|e| (e.entry, e.covers)).collect();
    (roles, removed, devices, invites, epochs, members.accepted().clone(), members.hidden().clone(), members.quota())
}

/// Who was removed and let in by nobody again changes nothing by what does not come before the removal.
fn removed_for_good(history: &[Entry], members: &Members, model: &Model<'_>) -> Result<(), String> {
    let place = |e: &Entry| model.place_of(e.id).expect("it is in the history");
    for removal in history {
        let Some(Action::Remove(remove)) = &removal.action else { continue };
        let Subject::Person(person) = remove.subject else { continue };
        let at = place(removal);
        if !model.counts.contains(&at) || model.author(at) == person {
            continue;
        }
        let back =
            |e: &Entry| model.subject(place(e)) == Some(person) && !model.is_before(place(e), at) && e != removal;
        if history.iter().any(back) {
            continue;
        }
        let beyond = |n: usize| {
            let e = &history[n];
            let introduces = matches!(e.action, Some(Action::Endorse(_)));
            model.author(place(e)) == person && !model.is_before(place(e), at) && !introduces
        };
        let rest = without(history, beyond);
        let order: Vec<usize> = (0..rest.len()).collect();
        let (all, less) = (seen_by_others(members, person), seen_by_others(&folded(&rest, &order), person));
        if all != less {
            let who = person_name(person);
            return Err(format!("{who} was removed and still changes something:\n  with {all:?}\n  without {less:?}"));
        }
    }
    Ok(())
}

/// An act on somebody who was senior to its author when it was done, as the author saw it, changes nothing for that one.
fn seniors_stand(history: &[Entry], members: &Members) -> Result<(), String> {
    let all: Vec<usize> = (0..history.len()).collect();
    for (at, act) in history.iter().enumerate() {
        let subject = match &act.action {
            Some(Action::Admit(a)) => a.person,
            Some(Action::SetRole(s)) => s.person,
            Some(Action::Remove(r)) => match r.subject {
                Subject::Person(person) => person,
                Subject::Device(_) => continue,
            },
            _ => continue,
        };
        let seen = past(history, at);
        let then = folded(history, &seen);
        // Whose log it is counts whether the act has seen the endorsement or not.
        let author = members.devices().get(&act.log).map_or(act.log.into(), |d| d.person);
        let rank = |p: PersonId| {
            let known = then.persons().get(&p)?;
            Some((std::cmp::Reverse(known.role.filter(|r| r.decides())?), known.seniority))
        };
        let Some(other) = rank(subject) else { continue };
        // An endorsement that came out of turn made somebody else of the author.
        if then.devices().get(&act.log).map_or(act.log.into(), |d| d.person) != author && rank(author).is_none() {
            continue;
        }
        if author == subject || rank(author).is_some_and(|own| own < other) {
            continue;
        }
        let rest = without(history, |n| n == at);
        let less = folded(&rest, &all[..rest.len()]);
        if less.role(subject) != members.role(subject) {
            let (a, s) = (person_name(author), person_name(subject));
            return Err(format!("entry {at}: {a} changed what {s} is, who was senior"));
        }
    }
    Ok(())
}

/// The entries that came before one, by their numbers.
fn past(history: &[Entry], of: usize) -> Vec<usize> {
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let mut next = vec![of];
    while let Some(at) = next.pop() {
        for name in &history[at].names {
            if let Some(n) = history.iter().position(|e| e.id == *name)
                && seen.insert(n)
            {
                next.push(n);
            }
        }
    }
    seen.into_iter().collect()
}
