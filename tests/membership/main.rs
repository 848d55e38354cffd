//! Membership twice: the fold of the library and a naive model, written from `docs/membership.md`, tell the same of random
//! histories of people who quarrel without seeing each other's acts.
//!
//! `STUDYMESH_HISTORIES=1000000 cargo test --release --no-default-features --test membership` is the long run;
//! `STUDYMESH_HISTORY=n cargo test --test membership` tells one history again.

mod cast;
mod compare;
mod large;
mod model;
mod random;
mod story;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use story::{History, tell};

/// Histories of a run that asks for nothing else.
const SAMPLE: u64 = 10_000;

fn number_in(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text}")))
}

/// What is wrong with a history; a panic is wrong as well.
fn wrong(history: &History, seed: u64) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| compare::check(history, seed))) {
        Ok(result) => result.err(),
        Err(_) => Some("it panics".into()),
    }
}

/// The same mistake with as few acts as will do.
fn shrink(mut history: History, seed: u64) -> History {
    loop {
        let shorter = (0..history.len()).rev().map(|at| random::without(&history, |n| n == at));
        match shorter.into_iter().find(|h| wrong(h, seed).is_some()) {
            Some(less) => history = less,
            None => return history,
        }
    }
}

fn run(seed: u64) {
    let history = random::history(seed);
    if wrong(&history, seed).is_none() {
        return;
    }
    let least = shrink(history.clone(), seed);
    let what = wrong(&least, seed).unwrap_or_default();
    panic!(
        "STUDYMESH_HISTORY={seed} of {} entries; the same with {}:\n{}\n{what}\n",
        history.len(),
        least.len(),
        tell(&least)
    );
}

#[test]
fn the_fold_and_the_model_tell_the_same_of_random_histories() {
    if let Some(seed) = number_in("STUDYMESH_HISTORY") {
        println!("{}", tell(&random::history(seed)));
        return run(seed);
    }
    let histories = number_in("STUDYMESH_HISTORIES").unwrap_or(SAMPLE);
    let first = number_in("STUDYMESH_FIRST").unwrap_or(0);
    let threads = 2;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || (first..first + histories).filter(|seed| seed % threads == thread).for_each(run));
        }
    });
    println!("{histories} histories from {first}");
}

/// Whether the histories are worth anything: every kind of act counts in some and does not in others, and the rare cases are
/// among them.
#[test]
fn the_histories_reach_every_corner() {
    let mut counted: BTreeMap<u16, [usize; 2]> = BTreeMap::new();
    let (mut contested, mut settled) = (0, 0);
    for seed in 0..3_000 {
        let history = random::history(seed);
        let model = model::Model::new(&history);
        for entry in &history {
            let (Some(action), Some(place)) = (&entry.action, model.place_of(entry.id)) else { continue };
            counted.entry(action.kind().0).or_default()[usize::from(model.counts.contains(&place))] += 1;
        }
        contested += usize::from(model.contested);
        settled += usize::from(model.rounds > 0);
    }
    // Endorsements, requests, seals and asking for keys are no acts that count or not.
    let decisions = [3, 4, 6, 7, 8, 9, 10, 11, 14, 15];
    for kind in decisions {
        let [not, counts] = counted[&kind];
        assert!(not >= 50 && counts >= 50, "kind {kind}: {not} that do not count, {counts} that do");
    }
    assert!(contested >= 15, "{contested} groups are handed over twice at once");
    assert!(settled >= 1, "in {settled} histories something turned out to be void");
}
