//! What the node says of itself and of sync.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Done, Service, list};
use crate::api::{Code, Error};
use crate::engine::io::Relation;
use crate::engine::{GroupStatus, MAX_STREAMS};
use crate::model::id::{GroupId, Peer, PersonId};
use crate::model::limits::MAX_GROUPS;
use crate::model::time::MAX_AHEAD_MS;
use crate::node::core::peer_text;
use crate::node::fail::Fail;

impl Service<'_> {
    pub(super) fn status(&mut self) -> Done {
        let identity = self.engine.identity().clone();
        let groups: Vec<GroupId> = self.engine.groups().collect();
        let items = groups.iter().map(|g| self.group_item(*g)).collect::<Result<Vec<_>, _>>()?;
        let network = self.context.network;
        Ok(json!({
            "v": 1, "running": network.is_some(), "peer_id": peer_text(&identity.peer), "person": identity.name,
            "version": env!("CARGO_PKG_VERSION"),
            "listen": network.map(|n| n.listen.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap_or_default(),
            "external": network.map(|n| n.external.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap_or_default(),
            "groups": items, "home": self.context.home, "pid": network.map(|_| std::process::id()),
            "uptime_ms": network.map(|n| self.context.now.saturating_sub(n.started_ms)),
            "connections": network.map_or(0, |n| n.links.len()), "unsearchable": self.store().unsearchable()?,
            "reach": network.map(crate::node::reach::status), "web": null,
            "dht": network.map(|n| json!({ "peers": n.known_in_dht, "server": n.kad_server })),
            "bootstrap": network.map(|n| json!({ "configured": n.bootstrap.0, "connected": n.bootstrap.1 })),
            "limits": {
                "groups": { "used": groups.len(), "max": MAX_GROUPS },
                "sync_streams": { "used": self.engine.streams(), "max": MAX_STREAMS },
                "connections": { "used": network.map_or(0, |n| n.connections), "max": network.map_or(0, |n| n.max_connections) },
            },
        }))
    }

    /// The state of sync of a group: what is here, what is missing, who holds it.
    pub(super) fn sync_status(&mut self, group: GroupId) -> Done {
        let now = self.context.now;
        let status = self.engine.status(now, group);
        let status = status.ok_or_else(|| Error::new(Code::NotFound, "the group is gone", "list the groups"))?;
        let names = self.names(group)?;
        let only_here = self.only_here_of(group)?;
        let mut value = sync_json(&status, &|person| names.of(person));
        value["only_here"] = json!(only_here.entries);
        value["only_here_since_ms"] = json!(only_here.since_ms);
        Ok(value)
    }

    pub(super) fn peers(&mut self, group: Option<&str>, all: bool) -> Done {
        let groups: Vec<GroupId> = match group {
            Some(given) => vec![self.group(Some(given))?],
            None => self.engine.groups().collect(),
        };
        let (now, network) = (self.context.now, self.context.network);
        let mut rows: BTreeMap<Vec<u8>, PeerItem> = BTreeMap::new();
        for link in network.iter().flat_map(|n| n.links.values()) {
            let item = rows.entry(link.peer.as_bytes().to_vec()).or_insert_with(|| PeerItem::new(&link.peer));
            item.link = Some(link.clone());
        }
        for group in groups {
            let names = self.names(group)?;
            let cached = self.store().peers(group)?;
            for row in &cached {
                let Some(item) = rows.get_mut(row.peer.as_bytes()).or(None) else {
                    if all {
                        let item = rows.entry(row.peer.as_bytes().to_vec()).or_insert_with(|| PeerItem::new(&row.peer));
                        item.learn(
                            group,
                            self.person_of(group, row.log)?.map(|p| (p, names.of(p))),
                            row.last_sync_ms,
                            row.last_seen_ms,
                        );
                    }
                    continue;
                };
                item.last_sync_ms = item.last_sync_ms.max(row.last_sync_ms);
                item.last_seen_ms = item.last_seen_ms.max(Some(row.last_seen_ms));
            }
            for member in self.engine.status(now, group).map(|s| s.members).unwrap_or_default() {
                if let Some(item) = rows.get_mut(member.peer.as_bytes()) {
                    let person = member.person.map(|p| (p, names.of(p)));
                    item.learn(group, person, member.checked_ms, now);
                }
            }
            let topic = self.engine.status(now, group).map(|s| s.topic.0);
            let meshes = network.iter().flat_map(|n| &n.mesh).filter(|(of, _)| Some(*of) == topic);
            for peer in meshes.flat_map(|(_, peers)| peers) {
                if let Some(item) = rows.get_mut(peer.as_bytes()) {
                    item.mesh.push(group);
                }
            }
        }
        Ok(list(rows.into_values().map(|item| item.json(now)).collect()))
    }

    /// The person that a log belongs to.
    fn person_of(&mut self, group: GroupId, log: Option<crate::model::id::LogId>) -> Result<Option<PersonId>, Fail> {
        let Some(log) = log else { return Ok(None) };
        Ok(self.store().persons(group)?.into_iter().find(|p| p.logs.contains(&log)).map(|p| p.person))
    }

    pub(super) fn doctor(&mut self) -> Done {
        let mut items = vec![];
        let report = self.store().integrity()?;
        let ok = report.problems.is_empty();
        let detail =
            if ok { format!("{} entries, every hash chain holds", report.entries) } else { report.problems.join("; ") };
        items.push(check(
            "store",
            if ok { "ok" } else { "error" },
            detail,
            "copy the directory away and join the group again",
        ));
        let groups: Vec<GroupId> = self.engine.groups().collect();
        if groups.is_empty() {
            items.push(check("groups", "note", "this node is in no group yet", "found one, or join one with a ticket"));
        }
        if self.engine.identity().name.is_empty() {
            items.push(check(
                "name",
                "note",
                "you have no name yet: others see digits",
                "set one with `studymesh name NAME`",
            ));
        }
        let now = self.context.now;
        for group in groups {
            let name = self.group_name(group)?;
            let Some(status) = self.engine.status(now, group) else { continue };
            if status.forked_logs > 0 {
                let detail = format!(
                    "{name}: {} logs have more than one branch: a copied or restored directory; all of it is kept",
                    status.forked_logs
                );
                items.push(check("forks", "note", detail, "nothing to do"));
            }
            if let Some(skew) = status.skew_ms.filter(|skew| skew.unsigned_abs() > MAX_AHEAD_MS) {
                let (minutes, side) = (skew.unsigned_abs() / 60_000, if skew > 0 { "ahead of" } else { "behind" });
                let detail =
                    format!("{name}: what members write now carries times {minutes} minutes {side} this clock");
                items.push(check(
                    "clock",
                    "warning",
                    detail,
                    "set this machine's clock, or ask them to set theirs; nothing is lost",
                ));
            }
            let keeps = self.context.network.is_some_and(|n| n.roles.contains(&"keeper"));
            if keeps && status.role != Some(crate::api::Role::Keeper) {
                let detail = format!("{name}: this node runs as a keeper, and can read this group");
                let remedy = "leave the group here and join it with a ticket of `studymesh keeper add`";
                items.push(check("keeper", "warning", detail, remedy));
            }
            if !status.inside {
                let detail = format!("{name}: not let in yet ({})", status.standing());
                items.push(check("standing", "note", detail, "leave the node running until a member is online"));
            }
            // A keeper keeps nothing but its own name.
            if status.kept > 0 && status.role != Some(crate::api::Role::Keeper) {
                let detail = format!("{name}: entries that are kept here and wait to be sent: {}", status.kept);
                let remedy = match status.role {
                    Some(crate::api::Role::Reader) => "they are sent once an admin makes you a member: ask one",
                    _ => "they are sent once you are let in and have the group's key",
                };
                items.push(check("kept", "note", detail, remedy));
            }
            if status.requests > 0 && status.role.is_some_and(crate::api::Role::decides) {
                let detail = format!("{name}: {} ask to be let in", status.requests);
                items.push(check("requests", "note", detail, "`studymesh requests list`"));
            }
            let only_here = self.only_here_of(group)?;
            if only_here.is_long(self.context.now) {
                let detail = format!("{name}: entries that nobody else is known to hold: {}", only_here.entries);
                let remedy = "run `studymesh up` while a member does, or keep a copy with `studymesh backup create`";
                items.push(check("copies", "warning", detail, remedy));
            }
            if status.quarantined > 0 {
                let detail = format!("{name}: {} entries do not count", status.quarantined);
                items.push(check("quarantine", "note", detail, "`studymesh group quarantine` lists them"));
            }
            if self.context.network.is_some() {
                items.push(match status.members.len() {
                    0 => check(
                        "members",
                        "warning",
                        format!("{name}: no member is connected"),
                        "ask one to run `studymesh up`, and give a `--bootstrap` address that both can reach",
                    ),
                    1 => check("members", "ok", format!("{name}: one member is connected"), ""),
                    n => check("members", "ok", format!("{name}: {n} members are connected"), ""),
                });
            }
        }
        match self.context.network {
            None => {
                items.push(check("node", "note", "no node runs in this directory", "start one with `studymesh up`"))
            }
            Some(network) => items.extend(network.doctor()),
        }
        Ok(list(items))
    }
}

/// One finding of `doctor`.
pub(crate) fn check(name: &str, level: &str, detail: impl Into<String>, remedy: &str) -> Value {
    let ok = matches!(level, "ok" | "note");
    json!({ "check": name, "ok": ok, "level": level, "detail": detail.into(), "remedy": if level == "ok" { "" } else { remedy } })
}

/// `sync status` as JSON.
pub(crate) fn sync_json(status: &GroupStatus, name: &dyn Fn(PersonId) -> String) -> Value {
    let peers: Vec<Value> = status
        .members
        .iter()
        .map(|m| {
            // A comparison that something came after says nothing about now.
            let relation = if m.checking { Relation::Unknown } else { m.relation };
            json!({
                "peer_id": peer_text(&m.peer), "member": m.person.map(name), "relation": relation.as_str(),
                "checked_ms": m.checked_ms,
            })
        })
        .collect();
    json!({
        "v": 1, "group_id": status.group, "kind": status.kind, "fingerprint": super::db::hex(&status.fingerprint), "held": status.held,
        "missing": status.missing, "pending": status.early, "quarantined": status.quarantined,
        "quarantined_elsewhere": status.told_quarantined, "kept": status.kept, "requests": status.requests,
        "role": status.role, "standing": status.standing(), "epoch": status.epoch, "peers": peers, "logs": status.logs,
        "forked_logs": status.forked_logs, "early": status.early,
    })
}

/// A peer as `peers` lists it.
struct PeerItem {
    peer: Peer,
    link: Option<crate::node::network::Link>,
    person: Option<(PersonId, String)>,
    groups: Vec<GroupId>,
    /// Groups in whose gossip mesh it is a neighbour.
    mesh: Vec<GroupId>,
    last_sync_ms: Option<u64>,
    last_seen_ms: Option<u64>,
}

impl PeerItem {
    fn new(peer: &Peer) -> Self {
        Self {
            peer: peer.clone(),
            link: None,
            person: None,
            groups: vec![],
            mesh: vec![],
            last_sync_ms: None,
            last_seen_ms: None,
        }
    }

    fn learn(&mut self, group: GroupId, person: Option<(PersonId, String)>, sync: Option<u64>, seen: u64) {
        self.groups.push(group);
        self.person = person.or(self.person.take());
        self.last_sync_ms = self.last_sync_ms.max(sync);
        self.last_seen_ms = self.last_seen_ms.max(Some(seen));
    }

    fn json(self, now: u64) -> Value {
        let link = self.link.as_ref();
        json!({
            "peer_id": peer_text(&self.peer), "member": self.person.as_ref().map(|(_, name)| name),
            "person_id": self.person.as_ref().map(|(id, _)| id), "path": link.map(|l| if l.relayed { "relayed" } else { "direct" }),
            "transport": link.map(|l| l.transport.clone()), "rtt_ms": link.and_then(|l| l.rtt_ms),
            "last_sync_ms": self.last_sync_ms, "address": link.map(|l| l.address.to_string()), "groups": self.groups, "mesh": self.mesh,
            "connected": link.is_some(), "last_seen_ms": if link.is_some() { Some(now) } else { self.last_seen_ms },
        })
    }
}
