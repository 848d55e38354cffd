//! Many simulations. `STUDYMESH_SIM_SEEDS=n` runs n of each profile, `STUDYMESH_SIM_SEED=n` runs one and shows what
//! happened last.

use super::*;

/// As many as take about twenty seconds on two cores, unoptimised.
const SMALL_SEEDS: u64 = 24;
const LARGE_SEEDS: u64 = 2;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Seeds of the larger profile begin here, so that a seed names its profile.
const LARGE_FROM: u64 = 1_000_000;

fn run_seeds(profile: Profile, count: u64, from: u64) {
    if let Some(seed) = number("STUDYMESH_SIM_SEED") {
        if (seed >= LARGE_FROM) == (from >= LARGE_FROM) {
            show(seed, profile);
        }
        return;
    }
    let count = number("STUDYMESH_SIM_SEEDS").unwrap_or(count);
    let failures: Vec<Failure> = (from..from + count).filter_map(|seed| run(seed, profile).err()).collect();
    for failure in &failures {
        eprintln!("{failure}\n  run it again with STUDYMESH_SIM_SEED={}", failure.seed);
    }
    if let Some(failure) = failures.first() {
        eprintln!("{}", failure.trace[failure.trace.len().saturating_sub(40)..].join("\n"));
        panic!("{} simulations failed, the first: {failure}", failures.len());
    }
}

/// Runs one simulation and shows what happened last.
fn show(seed: u64, profile: Profile) {
    let (result, trace) = replay(seed, profile);
    eprintln!("{}", trace.join("\n"));
    match result {
        Ok(report) => eprintln!("{report:#?}"),
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn small_groups_agree_whatever_happens_to_them() {
    run_seeds(Profile::SMALL, SMALL_SEEDS, 0);
}

#[test]
fn large_groups_agree_whatever_happens_to_them() {
    run_seeds(Profile::LARGE, LARGE_SEEDS, LARGE_FROM);
}

#[test]
fn one_seed_gives_one_run() {
    let report = run(3, Profile::SMALL).unwrap();
    assert_eq!(report, run(3, Profile::SMALL).unwrap());
}

#[test]
fn what_a_profile_promises_happens() {
    let mut all = Report::default();
    for seed in 0..5 {
        let report = run(seed, Profile::SMALL).unwrap();
        all.crashes += report.crashes;
        all.copies += report.copies;
        all.restores += report.restores;
        all.leaves += report.leaves;
        all.splits += report.splits;
        all.cuts += report.cuts;
        all.forks += report.forks;
        all.gossip_lost += report.gossip_lost;
    }
    let counts = [all.crashes, all.copies, all.restores, all.leaves, all.splits, all.cuts, all.forks, all.gossip_lost];
    assert!(counts.iter().all(|count| *count > 0), "{all:?}");
}
