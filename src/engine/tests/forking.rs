//! A member who writes one history after the other with one key.

use super::closed::ONCE;
use super::*;
use crate::engine::forking;

/// Somebody who writes one history after the other with the key of a log, after one of its entries.
struct Forker {
    me: LogKey,
    trunk: super::super::store::Stored,
}

impl Forker {
    fn new(table: &mut Table, group: GroupId, node: usize, at: u64) -> Self {
        let me = table.nodes[node].engine.groups[&group].me.clone();
        let store = table.nodes[node].engine.store();
        let row = store.chains(group).unwrap().into_iter().find(|row| row.log == me.id()).unwrap();
        let trunk = store.entries(group, row.chain, at, 1, usize::MAX, true).unwrap().pop().unwrap();
        Self { me, trunk }
    }

    /// Tells a node of these branches, of one entry each.
    fn fork(&self, table: &mut Table, group: GroupId, branches: std::ops::Range<u8>, to: usize) {
        let who = table.hostile(to, group, 30);
        let keys = table.keys(to, group);
        let epoch = table.nodes[to].engine.groups[&group].epoch_to_write().unwrap();
        for number in branches {
            let control_heads = table.nodes[to].engine.groups[&group].acts.to_name();
            let place = Place { group, seq: self.trunk.header.seq + 1, prev: self.trunk.id, control_heads };
            let name = crate::model::action::Profile { name: format!("history {number}"), supersedes: vec![] };
            let (time, name) = (Hlc::new(table.now, 0), Action::Profile(name));
            let branch = entry::write_under(&self.me, &keys, epoch, place, time, &name, [number; 24]).unwrap();
            table.gossip_to(to, group, &who, &branch);
        }
        table.handle(to, Input::Disconnected(who));
    }
}

/// Issue: over the cap a member who forks on purpose is cut off, by a proof that spreads.
#[test]
fn a_member_who_writes_one_history_after_the_other_is_cut_off_below_the_lowest_fork_on_every_node() {
    let (mut table, group) = Table::closed(3);
    let secret = table.invite(0, group, NewInvite { uses: 0, ..ONCE });
    table.ask(1, group, secret);
    table.ask(2, group, secret);
    table.meet(&[0, 1, 2]);
    let kept = table.write(1, group, "before all histories");
    table.meet(&[0, 1, 2]);
    let log = table.nodes[1].engine.groups[&group].me.id();
    let tip = table.nodes[1].engine.groups[&group].logs[&log].tips().next().unwrap().seq;
    let forker = Forker::new(&mut table, group, 1, tip);
    let after = table.write(1, group, "after the fork");
    table.meet(&[0, 1, 2]);
    let ended = |table: &Table, node: usize| table.nodes[node].engine.groups[&group].members.devices()[&log].ended;

    let many = u8::try_from(forking::MAX_BRANCHES).unwrap();
    forker.fork(&mut table, group, 0..many - 1, 2);
    table.meet(&[0, 2]);
    assert!(!ended(&table, 0) && !ended(&table, 2), "as many as there may be are kept and count");
    assert_eq!(table.nodes[0].engine.groups[&group].logs[&log].chains.len(), forking::MAX_BRANCHES);

    forker.fork(&mut table, group, many..many + 1, 2);
    table.meet(&[0, 2]);
    for node in [0, 2] {
        assert!(ended(&table, node), "node {node} knows that the device is out");
        let withheld = &table.nodes[node].engine.groups[&group].withheld;
        assert!(withheld.contains_key(&after) && !withheld.contains_key(&kept));
        assert_eq!(withheld.len(), forking::MAX_BRANCHES + 1, "all that stands above the lowest fork");
    }
    table.same(group, &[0, 2]);
}

#[test]
fn whoever_may_not_remove_the_forker_does_not_and_all_histories_stay() {
    let (mut table, group) = Table::closed(2);
    let secret = table.invite(0, group, ONCE);
    table.ask(1, group, secret);
    table.meet(&[0, 1]);
    table.write(0, group, "the owner's");
    table.meet(&[0, 1]);
    let forker = Forker::new(&mut table, group, 0, 1);
    let log = forker.me.id();
    forker.fork(&mut table, group, 0..90, 1);
    table.advance(5_000);
    let group = &table.nodes[1].engine.groups[&group];
    assert!(!group.members.devices()[&log].ended);
    assert_eq!(group.logs[&log].chains.len(), 91);
}

#[test]
fn a_log_with_too_many_branches_leaves_half_of_the_room_to_the_others() {
    let (mut table, group) = Table::closed(2);
    let secret = table.invite(0, group, ONCE);
    table.ask(1, group, secret);
    table.meet(&[0, 1]);
    table.nodes[1].engine.groups.get_mut(&group).unwrap().max_chains = 160;
    Forker::new(&mut table, group, 0, 0).fork(&mut table, group, 0..200, 1);
    let group = &table.nodes[1].engine.groups[&group];
    assert_eq!(group.chains, 80);
}
