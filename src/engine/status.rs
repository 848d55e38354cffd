//! What the engine says of itself: what it has, what it lacks, who holds it.

use super::group::Group;
use super::io::Relation;
use super::pulling::count;
use super::store::Store;
use super::{Engine, Stream};
use crate::log::keys::GroupKeys;
use crate::model::action::{GroupKind, Role};
use crate::model::id::{EpochId, GroupId, LogId, Peer, PersonId, TopicHash};
use crate::sync::handshake::Standing;

/// What a node knows of its holdings in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupStatus {
    /// The group.
    pub group: GroupId,
    /// Open or closed; `None` while its genesis entry has not come.
    pub kind: Option<GroupKind>,
    /// Its seed: what a ticket carries.
    pub seed: [u8; 16],
    /// The fingerprint of everything held.
    pub fingerprint: [u8; 32],
    /// Entries held.
    pub held: u64,
    /// Entries that are lacking here, at least: the most that any one member claims to have beyond what is held, whether
    /// they are being brought over or could not be.
    pub missing: u64,
    /// Entries that came before what they build on.
    pub early: u64,
    /// Logs known.
    pub logs: usize,
    /// Logs with more than one branch.
    pub forked_logs: usize,
    /// The person that this installation writes as.
    pub person: PersonId,
    /// The log that this installation writes.
    pub log: LogId,
    /// The gossip topic.
    pub topic: TopicHash,
    /// The DHT key.
    pub dht_key: TopicHash,
    /// How far the members' clocks are ahead of this one (negative: behind), milliseconds, as entries that arrive while they
    /// are written tell; `None` before one came.
    pub skew_ms: Option<i64>,
    /// What this person is in the group; `None` when it is not in.
    pub role: Option<Role>,
    /// Whether this person is in, as far as is known here.
    pub inside: bool,
    /// Whether this person was removed, as far as is known here.
    pub removed: bool,
    /// Where this node stands, as members last told.
    pub told_standing: Standing,
    /// Entries here of people who were in that do not count: an admin may accept them.
    pub quarantined: u64,
    /// Own entries that do not count elsewhere, as members last told.
    pub told_quarantined: u32,
    /// Own writes that wait for a key.
    pub kept: u64,
    /// People who ask to be let in.
    pub requests: u64,
    /// The epoch that is written under; `None` in an open group, or when there is none.
    pub epoch: Option<EpochId>,
    /// Connected members.
    pub members: Vec<MemberStatus>,
}

/// What a node knows of a connected member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStatus {
    /// The peer.
    pub peer: Peer,
    /// The log that it proved to write. Whoever merely takes part in the gossip topic is no member and not listed.
    pub log: LogId,
    /// The person that its log belongs to, when it proved one that is known here.
    pub person: Option<PersonId>,
    /// How its holdings relate to ours.
    pub relation: Relation,
    /// When they were last compared, Unix milliseconds.
    pub checked_ms: Option<u64>,
    /// Whether a comparison is under way or due.
    pub checking: bool,
}

impl GroupStatus {
    /// Where this node stands: in, or why not.
    #[must_use]
    pub fn standing(&self) -> &'static str {
        match self.told_standing {
            // Word of one's own removal need not come by sync: whoever removed us serves us no more, and says so.
            Standing::Removed => Standing::Removed,
            _ if self.inside => Standing::In,
            // It may come by gossip before anybody was asked again. Who has asked to be let in since is told of that.
            Standing::In if self.removed => Standing::Removed,
            Standing::In => Standing::Unknown,
            told => told,
        }
        .as_str()
    }
}

impl<S: Store> Engine<S> {
    /// The ids of all groups, ascending.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> + '_ {
        self.groups.keys().copied()
    }

    /// Whether a group is open or closed; `None` while its genesis entry has not come.
    #[must_use]
    pub fn kind(&self, group: GroupId) -> Option<GroupKind> {
        self.groups.get(&group).and_then(|g| g.row.kind)
    }

    /// Sync streams that are open or being opened, both directions together; at most [`super::MAX_STREAMS`].
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// The keys of a group.
    #[must_use]
    pub fn keys(&self, group: GroupId) -> Option<&GroupKeys> {
        self.groups.get(&group).map(|g| &g.keys)
    }

    /// What is known of a group; `None` when the node is not in it.
    pub fn status(&mut self, now: u64, id: GroupId) -> Option<GroupStatus> {
        let missing = self.missing(id);
        let kept = self.store.kept(id).map_or(0, |kept| kept.len() as u64);
        let group = self.groups.get_mut(&id)?;
        let summary = group.summary();
        Some(GroupStatus {
            group: id,
            kind: group.row.kind,
            seed: group.row.seed,
            fingerprint: summary.fingerprint,
            held: group.entries,
            missing,
            early: group.early.len() as u64,
            logs: group.logs.len(),
            forked_logs: group.logs.values().filter(|l| l.chains.len() > 1).count(),
            person: group.person(),
            log: group.me.id(),
            topic: group.topic,
            dht_key: group.keys.dht_key(),
            skew_ms: group.skew.median_ms(),
            role: group.members.role_of_log(group.me.id()),
            inside: group.row.kind != Some(GroupKind::Closed) || group.members.role_of_log(group.me.id()).is_some(),
            removed: group.members.persons().get(&group.person()).is_some_and(|p| p.removed),
            told_standing: group.standing,
            quarantined: group.quarantined(),
            told_quarantined: group.told_quarantined,
            kept,
            requests: group.members.requests().iter().filter(|r| !r.refused).count() as u64,
            epoch: group.epoch_to_write(),
            members: group
                .connected
                .iter()
                .filter_map(|(peer, m)| m.log.map(|log| (peer, m, log)))
                .filter(|(_, _, log)| group.may_read(*log))
                .map(|(peer, m, log)| MemberStatus {
                    peer: peer.clone(),
                    log,
                    person: person_of(group, log),
                    relation: m.relation,
                    checked_ms: m.checked_ms,
                    checking: m.pulling.is_some() || m.pull_at.is_some_and(|at| at <= now),
                })
                .collect(),
        })
    }

    fn missing(&self, id: GroupId) -> u64 {
        let Some(group) = self.groups.get(&id) else { return 0 };
        let under_way = self.streams.values().map(|s| match s {
            Stream::Pull(p) if p.pull.group() == id => {
                p.pull.missing().chain(p.pull.left()).map(|m| m.lacks).fold(0, u64::saturating_add)
            }
            _ => 0,
        });
        let left = group.connected.values().map(|member| {
            let lacks = member.left.iter().map(|m| count(group.index.tips(m.log), m.tip));
            lacks.fold(0, u64::saturating_add)
        });
        under_way.chain(left).max().unwrap_or(0)
    }
}

impl Group {
    /// Entries that do not count of logs that once had the right to write.
    pub(super) fn quarantined(&self) -> u64 {
        self.withheld.len() as u64
    }
}

fn person_of(group: &Group, log: LogId) -> Option<PersonId> {
    group.logs.get(&log).and_then(|l| l.chains.first()).map(|c| c.person)
}
