//! Stories of entries that nobody else is known to hold.

use super::*;

impl Table {
    fn only_here(&mut self, n: usize, group: GroupId) -> u64 {
        self.batch(n, |e, _| e.only_here_count(group).unwrap().0)
    }

    fn listed(&mut self, n: usize, group: GroupId) -> Vec<EntryId> {
        self.batch(n, |e, _| e.only_here(group, 100).unwrap()).into_iter().map(|entry| entry.entry).collect()
    }
}

#[test]
fn what_was_written_alone_is_only_here_until_somebody_has_it_and_that_is_remembered() {
    let (mut table, group) = Table::group(2);
    assert_eq!(table.only_here(0, group), table.status(0, group).held);
    table.connect(0, 1);
    table.converge(group, 30_000);
    table.advance(5_000);
    assert_eq!((table.only_here(0, group), table.only_here(1, group)), (0, 0));
    table.disconnect(0, 1);
    let alone: Vec<EntryId> = (0..3).map(|n| table.write(0, group, &format!("name {n}"))).collect();
    assert_eq!((table.only_here(0, group), table.listed(0, group)), (3, alone.clone()));
    table.restart(0);
    assert_eq!((table.only_here(0, group), table.listed(0, group)), (3, alone));
    // A fresh log begins with what nobody has, and the old one's end is still only here.
    table.batch(0, |e, now| e.rotate(now, group).unwrap());
    assert_eq!(table.only_here(0, group), 4);
    assert_eq!(table.only_here(1, group), 0, "the others' entries came from somewhere");
    table.connect(0, 1);
    table.converge(group, 30_000);
    table.advance(5_000);
    assert_eq!((table.only_here(0, group), table.only_here(1, group)), (0, 0));
}

#[test]
fn a_member_that_names_a_part_of_a_log_holds_that_part() {
    let (mut table, group) = Table::group(1);
    let before = table.status(0, group).held;
    let ids: Vec<EntryId> = (0..5).map(|n| table.write(0, group, &format!("name {n}"))).collect();
    let log = table.status(0, group).log;
    let who = table.hostile(0, group, 10);
    table.advance(100);
    let stream = table.welcome(0, group, &who);
    table.offer(0, stream, vec![(log, Tip { seq: before + 1, id: ids[1] })]);
    assert_eq!(table.listed(0, group), ids[2..]);
}

#[test]
fn a_member_that_claims_something_else_at_the_same_place_holds_nothing_of_ours() {
    let (mut table, group) = Table::group(1);
    let held = table.status(0, group).held;
    let log = table.status(0, group).log;
    let who = table.hostile(0, group, 10);
    table.advance(100);
    let stream = table.welcome(0, group, &who);
    table.offer(0, stream, vec![(log, Tip { seq: held - 1, id: EntryId([9; 32]) })]);
    assert_eq!(table.only_here(0, group), held);
}
