//! Many simulations. `STUDYMESH_SIM_SEEDS=n` runs n of each profile, `STUDYMESH_SIM_SEED=n` runs one and shows what
//! happened last.

use super::*;

const SMALL_SEEDS: u64 = 30;
const LARGE_SEEDS: u64 = 3;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn run_seeds(profile: Profile, count: u64, salt: u64) {
    let seeds: Vec<u64> = match number("STUDYMESH_SIM_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("STUDYMESH_SIM_SEEDS").unwrap_or(count)).map(|n| n + salt).collect(),
    };
    let one = seeds.len() == 1;
    let failures: Vec<Failure> = seeds
        .into_iter()
        .filter_map(|seed| match run(seed, profile) {
            Ok(report) => {
                if one {
                    println!("{report:#?}");
                }
                None
            }
            Err(failure) => {
                eprintln!("{failure}\n  run it again with STUDYMESH_SIM_SEED={seed}");
                Some(failure)
            }
        })
        .collect();
    if let Some(failure) = failures.first() {
        let tail = failure.trace.len().saturating_sub(if one { 400 } else { 40 });
        eprintln!("{}", failure.trace[tail..].join("\n"));
        panic!("{} simulations failed, the first: {failure}", failures.len());
    }
}

#[test]
fn small_groups_agree_whatever_happens_to_them() {
    run_seeds(Profile::SMALL, SMALL_SEEDS, 0);
}

#[test]
fn large_groups_agree_whatever_happens_to_them() {
    run_seeds(Profile::LARGE, LARGE_SEEDS, 1_000_000);
}

#[test]
fn one_seed_gives_one_run() {
    let report = run(3, Profile::SMALL).unwrap();
    assert_eq!(report, run(3, Profile::SMALL).unwrap());
    assert_ne!(report.outcome, run(4, Profile::SMALL).unwrap().outcome);
}

#[test]
fn what_a_profile_promises_happens() {
    let mut all = Report::default();
    for seed in 0..8 {
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
