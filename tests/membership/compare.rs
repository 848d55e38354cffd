//! What is asked of every history: the fold and the model agree, the order of coming changes nothing, and what must never
//! happen does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use studymesh::membership::{Members, Verdict};
use studymesh::model::action::{Accept, Action, Epoch, Role, Subject};
use studymesh::model::id::{EntryId, EpochId, LogId, PersonId};

use crate::cast::{Cast, cast};
use crate::model::Model;
use crate::random::{Dice, continued, folded, without};
use crate::story::{Entry, invite_name, log_name, person_name, tell};

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
    shown_is_done(history, &members)?;
    if seed.is_multiple_of(4) {
        if !model.contested {
            removed_for_good(history, &members, &model)?;
            seniors_stand(history, &members)?;
        }
        power_is_bounded(history, &members, &model, seed)?;
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

/// What somebody is shown to be is what the next act of that one can do.
fn shown_is_done(history: &[Entry], members: &Members) -> Result<(), String> {
    let named = |id: EntryId| history.iter().any(|e| e.names.contains(&id));
    let heads: Vec<EntryId> = history.iter().map(|e| e.id).filter(|id| !named(*id)).collect();
    let mut longer = history.to_vec();
    let probe = |kind: u8, n: u8| EntryId([[kind; 16], [n; 16]].concat().try_into().expect("32 bytes"));
    for (n, log) in (1..).zip(members.devices().keys()) {
        let accept = Action::Accept(Accept { entries: vec![EntryId([n; 32])] });
        let epoch = Action::Epoch(Epoch { epoch: EpochId([n; 32]), parents: vec![], seals: vec![] });
        for (kind, action) in [(1, accept), (2, epoch)] {
            longer.push(Entry { id: probe(kind, n), log: *log, names: heads.clone(), action: Some(action) });
        }
    }
    let order: Vec<usize> = (0..longer.len()).collect();
    let after = folded(&longer, &order);
    for (n, log) in (1..).zip(members.devices().keys()) {
        let role = members.role_of_log(*log);
        // In an open group everybody is a member whom no entry made one, and needs no epochs.
        let given = members.persons().get(&members.devices()[log].person).is_some_and(|p| p.since.is_some());
        let decides = after.is_accepted(EntryId([n; 32]));
        let writes = after.epochs().iter().any(|e| e.entry == probe(2, n));
        let should = (role.is_some_and(Role::decides), given && role.is_some_and(Role::writes));
        if (decides, writes) != should {
            return Err(format!("{} is {role:?}; its next acts: decides {decides}, writes {writes}", log_name(*log)));
        }
    }
    Ok(())
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
        let since = known.filter(|p| p.role.is_some()).and_then(|p| p.since);
        let should = model.standing(person).and_then(|(_, entry)| entry).map(|at| model.id(at));
        same(|| format!("since when {} is that", person_name(person)), since, should)?;
    }
    let mut line: Vec<(usize, PersonId)> = everybody(cast()).filter_map(|p| Some((model.seniority(p)?.1, p))).collect();
    line.sort_unstable();
    let mut fold: Vec<(u64, PersonId)> =
        members.persons().iter().filter_map(|(id, p)| Some((p.seniority?, *id))).collect();
    fold.sort_unstable();
    let fold: Vec<PersonId> = fold.into_iter().map(|(_, p)| p).collect();
    same(|| "the line of seniority".into(), fold, line.into_iter().map(|(_, p)| p).collect())
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
    same(|| "the requests".into(), fold, model.requests())?;
    for person in everybody(cast()) {
        let what = || format!("how {} asked", person_name(person));
        same(what, members.asked(person).map(|r| r.entry), model.asked(person))?;
    }
    Ok(())
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

/// What the group shows that one person's acts could change for others, a line each.
fn seen_by_others(members: &Members, but: PersonId) -> BTreeSet<String> {
    let own: Vec<LogId> =
        cast().logs.iter().find(|logs| PersonId::from(logs[0]) == but).map_or(vec![], |logs| logs.to_vec());
    let others = everybody(cast()).filter(|p| !own.contains(&LogId(p.0)));
    let mut out: BTreeSet<String> = others.map(|p| format!("{} is {:?}", person_name(p), members.role(p))).collect();
    let removed = members.persons().iter().filter(|(id, p)| !own.contains(&LogId(id.0)) && p.removed);
    out.extend(removed.map(|(id, _)| format!("{} was removed", person_name(*id))));
    let devices = members.devices().iter().filter(|(log, _)| !own.contains(log));
    out.extend(devices.map(|(log, d)| format!("{} is ended: {}", log_name(*log), d.ended)));
    for (id, invite) in members.invites() {
        let used: Vec<String> = invite.used_by.iter().map(|p| person_name(*p)).collect();
        let name = invite_name(*id);
        out.insert(format!("{name}: {:?}, taken back {}, used by {used:?}", invite.entry, invite.revoked));
    }
    for epoch in members.epochs() {
        out.insert(format!("epoch {} covers: {}, is latest: {}", epoch.epoch.0[0], epoch.covers, epoch.latest));
    }
    out.extend(members.accepted().iter().map(|e| format!("accepted {e:?}")));
    out.extend(members.hidden().iter().map(|e| format!("hidden {e:?}")));
    out.insert(format!("{:?}", members.quota()));
    out
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
        // A key that somebody sealed on the strength of an admission was given away, whatever became of the admission.
        let but_epochs = |seen: BTreeSet<String>| -> BTreeSet<String> {
            seen.into_iter().filter(|line| !line.starts_with("epoch")).collect()
        };
        let all = but_epochs(seen_by_others(members, person));
        let less = but_epochs(seen_by_others(&folded(&rest, &order), person));
        if all != less {
            let (with, without) = (&all - &less, &less - &all);
            let who = person_name(person);
            return Err(format!("{who} was removed and still changes something: with {with:?}, without {without:?}"));
        }
    }
    Ok(())
}

/// What somebody writes after everything, or pretends to have written before, is bounded by what that one is.
fn power_is_bounded(history: &[Entry], members: &Members, model: &Model<'_>, seed: u64) -> Result<(), String> {
    if model.contested {
        // Who vouches for which new owner is up to everybody.
        return Ok(());
    }
    for (at, logs) in cast().logs.iter().enumerate() {
        let person = PersonId::from(logs[0]);
        let own = logs.iter().map(|log| PersonId::from(*log));
        if own.clone().any(|p| members.owner() == Some(p) || model.may_hand_over_again(p))
            || !history.iter().any(|e| logs.contains(&e.log))
        {
            continue;
        }
        let mut dice = Dice::new(seed ^ 77);
        let seen: Vec<bool> = history.iter().map(|_| dice.percent(80)).collect();
        let longer = continued(history, at, &seen, seed);
        let order: Vec<usize> = (0..longer.len()).collect();
        let then = folded(&longer, &order);
        let changed = if own.clone().any(|p| model.has_given_up(p)) {
            // Who left or stepped down may still add to what it did before, until somebody senior removes that one.
            Ok(())
        } else if own.clone().all(|p| model.role(p).is_none() && model.is_put_out(p)) {
            outsiders_are_powerless(members, &then, person)
        } else {
            seniors_stay(members, &then, logs)
        };
        changed.map_err(|what| format!("{} {what}\n{}", person_name(person), tell(&longer)))?;
    }
    Ok(())
}

/// Who was removed, or was never in, changes nothing for others.
fn outsiders_are_powerless(members: &Members, then: &Members, person: PersonId) -> Result<(), String> {
    let (now, then) = (seen_by_others(members, person), seen_by_others(then, person));
    let (before, after) = (&now - &then, &then - &now);
    if now == then {
        return Ok(());
    }
    Err(format!("is out and still changes something: before {before:?}, after {after:?}"))
}

/// Nobody lowers who is senior; who decides nothing lowers nobody.
fn seniors_stay(members: &Members, then: &Members, logs: &[LogId]) -> Result<(), String> {
    let rank = |id: &PersonId| {
        let known = members.persons().get(id)?;
        Some((std::cmp::Reverse(known.role?), known.seniority))
    };
    let decides = |p: &PersonId| members.role(*p).is_some_and(Role::decides);
    let own = logs.iter().map(|log| PersonId::from(*log)).filter(decides).filter_map(|p| rank(&p)).min();
    for (other, known) in members.persons() {
        // The places of an invite are taken in an order that its holders can change.
        let invited = members.invites().values().any(|i| i.uses > 0 && i.used_by.contains(other));
        let senior = own.is_none_or(|own| rank(other).is_some_and(|rank| rank < own));
        if logs.contains(&LogId(other.0)) || invited || !senior {
            continue;
        }
        if then.role(*other) < known.role {
            let (what, now) = (person_name(*other), then.role(*other));
            return Err(format!("lowers who is senior or equal: {what} was {:?} and is {now:?}", known.role));
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
        let author = then.devices().get(&act.log).map_or(act.log.into(), |d| d.person);
        let rank = |p: PersonId| {
            let known = then.persons().get(&p)?;
            Some((std::cmp::Reverse(known.role.filter(|r| r.decides())?), known.seniority))
        };
        let Some(other) = rank(subject) else { continue };
        // Who is made the owner at the same time has not left, whatever it said.
        let owner = members.owner() == Some(author);
        if author == subject || owner || rank(author).is_some_and(|own| own < other) {
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
