//! What must hold in the end: equal entries, equal views, nothing lost, and every node knows it.

use std::collections::BTreeSet;

use super::world::World;
use crate::engine::io::Relation;
use crate::model::id::{EntryId, GroupId};

/// Whether all members of every group hold the same, show the same, and say so.
///
/// # Errors
/// The first difference.
pub(super) fn agree(world: &mut World) -> Result<(), String> {
    for (group, _) in world.groups.clone() {
        let members: Vec<usize> = world.members.iter().filter(|(_, of)| of.contains(&group)).map(|(n, _)| *n).collect();
        let mut first: Option<(usize, [u8; 32])> = None;
        for &n in &members {
            let now = world.nodes[n].clock(world.agenda.now);
            let Some(engine) = world.nodes[n].engine() else { return Err(format!("node {n} is down")) };
            let Some(status) = engine.status(now, group) else { return Err(format!("node {n} is not in {group}")) };
            let (held, missing, early) = (status.held, status.missing, status.early);
            if missing > 0 || early > 0 {
                return Err(format!("node {n} holds {held}, lacks {missing}, and {early} came early"));
            }
            if let Some(member) = status.members.iter().find(|m| m.relation != Relation::Equal) {
                let (peer, relation) = (&member.peer, member.relation.as_str());
                return Err(format!("node {n} takes {peer:?} for {relation} in {}, {member:?}", group.short()));
            }
            let (other, fingerprint) = *first.get_or_insert((n, status.fingerprint));
            if fingerprint != status.fingerprint {
                return Err(difference(world, group, other, n));
            }
        }
        let digests: BTreeSet<[u8; 32]> =
            members.iter().map(|n| world.nodes[*n].disk().views(group).digest()).collect();
        if digests.len() > 1 {
            return Err(format!("members of {group} hold the same and show {} different views", digests.len()));
        }
    }
    Ok(())
}

fn difference(world: &mut World, group: GroupId, a: usize, b: usize) -> String {
    let (left, right) = (world.nodes[a].disk().entry_ids(group), world.nodes[b].disk().entry_ids(group));
    let only = |of: &BTreeSet<EntryId>, not: &BTreeSet<EntryId>| of.difference(not).count();
    format!(
        "nodes {a} and {b} differ: {} entries, {} of them only there; {} entries, {} of them only there",
        left.len(),
        only(&left, &right),
        right.len(),
        only(&right, &left),
    )
}

/// Whether every disk is sound, views are what the entries make, and no acknowledged write is lost.
///
/// # Errors
/// What is wrong.
pub(super) fn sound(world: &mut World) -> Result<(), String> {
    for n in 0..world.nodes.len() {
        let disk = world.nodes[n].disk().clone();
        disk.verify().map_err(|e| format!("the disk of node {n}: {e}"))?;
        for group in disk.group_ids() {
            if disk.views(group).digest() != disk.rebuilt_views(group).digest() {
                return Err(format!("node {n} would show something else after a rebuild"));
            }
            let held = disk.entry_ids(group);
            if let Some((_, id)) = world.undone.iter().find(|(g, id)| *g == group && held.contains(id)) {
                return Err(format!("node {n} holds {id:?}, whose write was never committed"));
            }
            let kept = |id: &EntryId| held.contains(id) || world.maybe_lost.contains(id);
            if let Some((_, id)) = world.acknowledged.iter().find(|(g, id)| *g == group && !kept(id)) {
                return Err(format!("node {n} lacks {id:?}, whose write was acknowledged"));
            }
        }
    }
    Ok(())
}
