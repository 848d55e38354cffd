//! Groups and tickets.

use serde_json::{Value, json};

use super::{Done, Service, list};
use crate::api::{Code, Error};
use crate::engine::Joining;
use crate::engine::io::Relation;
use crate::model::action::{Action, GroupKind, GroupName};
use crate::model::fold::Register;
use crate::model::id::GroupId;
use crate::model::ticket::{self, Ticket, TicketError, TicketPeer};
use crate::node::core::peer_text;
use crate::node::fail::Fail;
use crate::node::network;

impl Service<'_> {
    pub(super) fn group_create(&mut self, name: &str, kind: GroupKind, roadmap: Option<&str>) -> Done {
        let name = name.trim();
        let named = Action::GroupName(GroupName { name: name.to_owned(), supersedes: vec![] });
        named
            .check()
            .map_err(|e| Error::new(Code::BadInput, e.to_string(), "give a name of 1 to 64 characters on one line"))?;
        let group = self.engine.create_group(self.context.now, kind, name)?;
        if let Some(roadmap) = roadmap {
            self.roadmap_add(group, roadmap)?;
        }
        Ok(json!({ "v": 1, "group_id": group, "name": name, "kind": kind }))
    }

    pub(super) fn group_list(&mut self) -> Done {
        let groups: Vec<GroupId> = self.engine.groups().collect();
        groups.into_iter().map(|group| self.group_item(group)).collect::<Result<_, _>>().map(list)
    }

    /// A group as `group list` and `status` show it.
    pub(super) fn group_item(&mut self, group: GroupId) -> Done {
        let now = self.context.now;
        let inside =
            self.engine.members(now, group)?.map_or(0, |m| m.persons().values().filter(|p| p.role.is_some()).count());
        // While the genesis entry has not come, whoever wrote something is counted.
        let members = if inside == 0 { self.store().persons(group)?.len() } else { inside };
        let entries = self.entries(group)?;
        let joined_ms = self.joined_ms(group)?;
        let status = self.engine.status(now, group);
        let connected = status.as_ref().map_or(0, |s| s.members.len());
        let missing = status.as_ref().map_or(0, |s| s.missing);
        let only_here = self.only_here_of(group)?;
        Ok(json!({
            "group_id": group, "name": self.group_name(group)?, "kind": self.group_kind(group), "members": members,
            "entries": entries, "joined_ms": joined_ms, "state": self.join_state(group)?, "connected": connected,
            "role": status.as_ref().and_then(|s| s.role), "standing": status.as_ref().map(|s| s.standing()),
            "requests": status.as_ref().map_or(0, |s| s.requests), "quarantined": status.as_ref().map_or(0, |s| s.quarantined),
            "kept": status.as_ref().map_or(0, |s| s.kept), "only_here": only_here.entries,
            "only_here_since_ms": only_here.since_ms,
            // Nobody to compare with: nothing can be said.
            "complete": status.filter(|s| !s.members.is_empty()).map(|s| {
                missing == 0 && s.members.iter().all(|m| m.relation == Relation::Equal)
            }),
        }))
    }

    fn joined_ms(&mut self, group: GroupId) -> Result<u64, Fail> {
        use crate::engine::store::Store as _;
        Ok(self.store().groups()?.into_iter().find(|row| row.id == group).map_or(0, |row| row.joined_ms))
    }

    /// `joined` once something of the group itself is here and a member was found that has nothing else; `syncing` while a member is
    /// connected; `waiting` while nobody is.
    pub(super) fn join_state(&mut self, group: GroupId) -> Result<&'static str, Fail> {
        let now = self.context.now;
        let Some(status) = self.engine.status(now, group) else { return Ok("waiting") };
        if !status.inside {
            return Ok("waiting");
        }
        let founded = self.engine.kind(group).is_some();
        let equal = status.members.iter().any(|m| matches!(m.relation, Relation::Equal | Relation::Behind));
        Ok(match (founded, equal && status.missing == 0, status.members.is_empty()) {
            (true, true, _) => "joined",
            (true, false, true) => "joined",
            (_, _, true) => "waiting",
            _ => "syncing",
        })
    }

    /// The kind that the genesis entry says; open while it has not come.
    pub(super) fn group_kind(&self, group: GroupId) -> GroupKind {
        self.engine.kind(group).unwrap_or(GroupKind::Open)
    }

    pub(super) fn group_show(&mut self, group: GroupId) -> Done {
        let now = self.context.now;
        let names = self.names(group)?;
        let status = self.engine.status(now, group).ok_or_else(|| gone(group))?;
        let seen = self.store().peers(group)?;
        let mut members = vec![];
        let folded = self.engine.members(now, group)?.cloned().unwrap_or_default();
        for row in self.store().persons(group)? {
            let role = folded.role(row.person);
            let removed = folded.persons().get(&row.person).is_some_and(|p| p.removed);
            // Whoever only asks to be let in is in `requests`.
            if folded.kind().is_some() && role.is_none() && !removed {
                continue;
            }
            let connected = status.members.iter().any(|m| m.person == Some(row.person));
            let last_seen =
                seen.iter().filter(|p| p.log.is_some_and(|log| row.logs.contains(&log))).map(|p| p.last_seen_ms).max();
            members.push(json!({
                "person": row.person, "name": names.of(row.person), "role": role, "removed": removed, "logs": row.logs.len(), "entries": row.entries,
                "last_entry_ms": row.last.millis(), "last_seen_ms": if connected { Some(now) } else { last_seen },
                "you": row.person == status.person, "connected": connected,
            }));
        }
        let entries = self.entries(group)?;
        let only_here = self.only_here_of(group)?;
        Ok(json!({
            "v": 1, "group_id": group, "name": self.group_name(group)?, "kind": self.group_kind(group),
            "only_here": only_here.entries, "only_here_since_ms": only_here.since_ms,
            "entries": entries, "logs": status.logs, "person": status.person, "log": status.log,
            "role": status.role, "standing": status.standing(), "requests": status.requests, "kept": status.kept,
            "quarantined": status.quarantined, "epoch": status.epoch,
            "joined_ms": self.joined_ms(group)?, "topic": status.topic, "dht_key": status.dht_key, "members": members,
        }))
    }

    pub(super) fn group_rename(&mut self, group: GroupId, name: &str) -> Done {
        let name = name.trim().to_owned();
        let supersedes = self.seen(group, [&Register::GroupName])?;
        let entry = self.write(group, &Action::GroupName(GroupName { name: name.clone(), supersedes }))?;
        Ok(json!({ "v": 1, "group_id": group, "name": name, "entry_id": entry, "durable": true }))
    }

    pub(super) fn group_leave(&mut self, group: GroupId, force: bool) -> Done {
        if !force {
            self.check_successor(group)?;
            self.check_leave(group)?;
        }
        self.engine.leave_group(group)?;
        // Another device of this person would bring it back.
        crate::node::linking::left(self.store(), group)?;
        Ok(json!({ "v": 1, "group_id": group, "left": true }))
    }

    /// This node first, then members seen lately, as far as their addresses are known.
    pub(super) fn ticket_peers(&mut self, group: GroupId) -> Result<Vec<TicketPeer>, Fail> {
        let mut peers = vec![];
        let own = self.engine.identity().peer.clone();
        let addresses = match self.context.network {
            Some(network) => network.reachable(),
            // No node runs: it will take the same ports again.
            None => {
                let known = self.store().meta_get(network::LAST_ADDRESSES)?.unwrap_or_default();
                known.split_whitespace().filter_map(|a| a.parse().ok()).collect()
            }
        };
        peers.extend(network::ticket_peer(&own, &addresses));
        let mut seen = self.store().peers(group)?;
        seen.sort_by_key(|p| std::cmp::Reverse(p.last_seen_ms));
        for row in seen.into_iter().filter(|row| row.peer != own) {
            if peers.len() >= 3.min(ticket::MAX_PEERS) {
                break;
            }
            let addresses: Vec<_> =
                row.addresses.iter().filter_map(|a| libp2p::Multiaddr::try_from(a.clone()).ok()).collect();
            peers.extend(network::ticket_peer(&row.peer, &addresses));
        }
        Ok(peers)
    }

    pub(super) fn join(&mut self, text: &str) -> Done {
        let ticket = Ticket::decode(text).map_err(|e| bad_ticket(&e))?;
        if ticket.is_expired(self.context.now) {
            let message = "the ticket has expired";
            return Err(Error::new(Code::BadTicket, message, "ask a member for a new one").into());
        }
        let joining = Joining { seed: ticket.seed, invite: ticket.invite };
        self.engine.join_group(self.context.now, ticket.group, joining)?;
        for peer in &ticket.peers {
            let row = network::peer_row(peer, self.context.now);
            self.store().peer_seen(ticket.group, &row)?;
        }
        let state = self.join_state(ticket.group)?;
        let standing = self.engine.status(self.context.now, ticket.group).map(|s| s.standing());
        Ok(json!({
            "v": 1, "group_id": ticket.group, "name": self.group_name(ticket.group)?, "state": state,
            "standing": standing,
        }))
    }

    pub(super) fn ticket_inspect(&mut self, text: &str) -> Done {
        let ticket = Ticket::decode(text).map_err(|e| bad_ticket(&e))?;
        let peers: Vec<Value> = ticket
            .peers
            .iter()
            .map(|p| {
                let row = network::peer_row(p, 0);
                let addresses: Vec<String> = row
                    .addresses
                    .iter()
                    .filter_map(|a| libp2p::Multiaddr::try_from(a.clone()).ok())
                    .map(|a| a.to_string())
                    .collect();
                json!({ "peer_id": peer_text(&row.peer), "addresses": addresses })
            })
            .collect();
        let expires = (ticket.expires_ms != 0).then_some(ticket.expires_ms);
        let member = self.engine.groups().any(|g| g == ticket.group);
        Ok(json!({
            "v": 1, "group_id": ticket.group, "kind": if ticket.invite.is_some() { "closed" } else { "open" },
            "version": if ticket.invite.is_some() { ticket::VERSION_INVITE } else { ticket::VERSION }, "expires_ms": expires,
            "expired": expires.is_some_and(|at| at <= self.context.now), "bytes": ticket.byte_len(), "peers": peers,
            "member": member,
        }))
    }
}

fn bad_ticket(error: &TicketError) -> Error {
    Error::new(Code::BadTicket, error.to_string(), "copy the whole ticket again, or ask a member for a new one")
}

pub(super) fn gone(group: GroupId) -> Error {
    Error::new(
        Code::NotFound,
        format!("this node is not in the group {group}"),
        "list the groups with `studymesh group list`",
    )
}
