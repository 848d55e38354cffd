//! The devices of this person: list, rename, remove, and what they are called in the groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::find::pick;
use super::{Context, Done, NodeEngine, Service, list};
use crate::api::{Code, Device, Error};
use crate::device::parcel::fit_name;
use crate::engine::OwnLog;
use crate::model::action::{Action, DeviceName, Subject};
use crate::model::fold::{Register, Value as Folded};
use crate::model::id::{EntryId, GroupId, LogId, Peer};
use crate::model::time::Hlc;
use crate::node::core::peer_text;
use crate::node::fail::Fail;
use crate::node::{linking, platform};
use crate::store::{self, SqliteStore};

/// Where the store keeps what this device is called.
const NAME: &str = "device.name";
/// What a device is called that has no name.
const NAMELESS: &str = "device";

/// A device, as the logs of all groups tell.
struct Known {
    /// The peer id, or the log where none is proved.
    id: String,
    peer: Option<Peer>,
    this: bool,
    logs: Vec<(GroupId, OwnLog)>,
    name: Option<String>,
}

impl Known {
    fn ended(&self) -> bool {
        !self.logs.is_empty() && self.logs.iter().all(|(_, own)| own.ended)
    }
}

/// What this device is called: what was said last in any group, else what its person said here, else what this machine is called.
pub(crate) fn device_label(engine: &mut NodeEngine, now: u64) -> Result<String, store::Error> {
    let mut service = Service { engine, context: Context { now, network: None, home: "" }, kept: 0 };
    match service.own_label() {
        Ok(label) => Ok(label),
        Err(Fail::Store(error)) => Err(error),
        Err(Fail::Command(_)) => Ok(NAMELESS.to_owned()),
    }
}

/// Says in every group what this device is called, where nobody has said so.
pub(crate) fn tell_label(engine: &mut NodeEngine, now: u64) -> Result<(), store::Error> {
    let label = device_label(engine, now)?;
    let mut service = Service { engine, context: Context { now, network: None, home: "" }, kept: 0 };
    let groups: Vec<GroupId> = service.engine.groups().collect();
    for group in groups {
        let Some(status) = service.engine.status(now, group) else { continue };
        let register = Register::DeviceName(status.person, status.log);
        if service.store().register(group, &register)?.is_some() {
            continue;
        }
        match service.name_log(group, status.log, &label) {
            Ok(_) => {}
            Err(Fail::Store(error)) => return Err(error),
            // Readers and keepers have no say in the group's contents.
            Err(Fail::Command(error)) => tracing::debug!(%group, %error, "a device's name was not told"),
        }
    }
    Ok(())
}

/// What the store and the machine say; groups may know better.
fn given_label(store: &SqliteStore) -> Result<String, store::Error> {
    let given = store.meta_get(NAME)?.unwrap_or_default();
    let name = if given.trim().is_empty() { fit_name(&platform::host_name()) } else { given };
    Ok(if name.trim().is_empty() { NAMELESS.to_owned() } else { name })
}

impl Service<'_> {
    pub(super) fn device(&mut self, group: Option<&str>, command: &Device) -> Done {
        match command {
            Device::List => self.device_list(group),
            Device::Rename { target, name } => self.device_rename(group, target.as_deref(), name),
            Device::Remove { target } => self.device_remove(group, target),
            Device::Link { .. } | Device::Join { .. } => Err(super::needs_node().into()),
        }
    }

    fn device_list(&mut self, group: Option<&str>) -> Done {
        let groups = self.device_groups(group)?;
        let now = self.context.now;
        let mut seen: BTreeMap<Peer, u64> = BTreeMap::new();
        for group in &groups {
            for row in self.store().peers(*group)? {
                let last = seen.entry(row.peer).or_default();
                *last = (*last).max(row.last_seen_ms);
            }
        }
        let mut devices = self.devices(&groups)?;
        devices.sort_by_key(|d| (!d.this, d.ended(), d.name.clone(), d.id.clone()));
        let mut items = vec![];
        for device in devices {
            let connected = device.this
                || device.peer.as_ref().is_some_and(|p| self.context.network.is_some_and(|n| n.links.contains_key(p)));
            let last_seen = device.peer.as_ref().and_then(|p| seen.get(p)).copied();
            let mut of = vec![];
            for (group, own) in &device.logs {
                let name = self.group_name(*group)?;
                of.push(json!({ "group_id": group, "name": name, "log": own.log, "ended": own.ended }));
            }
            items.push(json!({
                "device_id": device.id, "name": device.name, "peer_id": device.peer.as_ref().map(peer_text),
                "this": device.this, "connected": connected,
                "last_seen_ms": if connected { Some(now) } else { last_seen }, "ended": device.ended(), "groups": of,
            }));
        }
        Ok(list(items))
    }

    fn device_rename(&mut self, group: Option<&str>, target: Option<&str>, name: &str) -> Done {
        let name = name.trim();
        let named = DeviceName { log: LogId::ZERO, name: name.to_owned(), supersedes: vec![] };
        Action::DeviceName(named)
            .check()
            .map_err(|e| Error::new(Code::BadInput, e.to_string(), "give a name of 1 to 64 characters on one line"))?;
        let groups = self.device_groups(group)?;
        let devices = self.devices(&groups)?;
        let device = match target {
            Some(target) => pick_device(devices, target)?,
            None => devices.into_iter().find(|d| d.this).ok_or_else(unknown)?,
        };
        if device.this {
            self.store().meta_set(NAME, name)?;
        }
        let (mut entries, mut failed) = (vec![], None);
        for (group, own) in device.logs.iter().filter(|(_, own)| !own.ended) {
            match self.name_log(*group, own.log, name) {
                Ok(entry) => entries.extend(entry),
                // Readers and keepers have no say in that group.
                Err(Fail::Command(error)) => failed = Some(error),
                Err(other) => return Err(other),
            }
        }
        if let (Some(error), true, false) = (failed, entries.is_empty(), device.this) {
            return Err(error.into());
        }
        Ok(json!({ "v": 1, "device_id": device.id, "name": name, "entry_ids": entries, "durable": true }))
    }

    fn device_remove(&mut self, group: Option<&str>, target: &str) -> Done {
        let groups = self.device_groups(group)?;
        let (id, name, logs) = match pick_device(self.devices(&groups)?, target) {
            Ok(device) if device.this => {
                let message = "a device does not remove itself";
                let remedy = "do it on another device; `studymesh group leave` leaves a group here";
                return Err(Error::new(Code::NotPermitted, message, remedy).into());
            }
            Ok(device) => {
                let live = device.logs.iter().filter(|(_, own)| !own.ended).map(|(group, own)| (*group, own.log));
                (device.id.clone(), device.name.clone(), live.collect())
            }
            // An admin names somebody else's device by its log.
            Err(error) if error.code == Code::NotFound && group.is_some() => {
                let group = groups[0];
                let members = self.engine.members(self.context.now, group)?;
                let logs = members.into_iter().flat_map(|m| m.devices().keys().copied());
                let candidates: Vec<_> = logs.map(|log| (log, log.to_string(), String::new())).collect();
                let log = pick("device", target, &candidates, "list them with `studymesh member list --json`")?;
                (log.to_string(), None, vec![(group, log)])
            }
            Err(error) => return Err(error.into()),
        };
        let (mut removed, mut failed): (Vec<Value>, Option<Error>) = (vec![], None);
        for (group, log) in logs {
            match self.engine.remove(self.context.now, group, Subject::Device(log)).map_err(Fail::from) {
                Ok(entry) => removed.push(json!({ "group_id": group, "log": log, "entry_id": entry })),
                Err(Fail::Command(error)) => failed = Some(error),
                Err(other) => return Err(other),
            }
        }
        match failed {
            // What could be done is done, and the rest is said.
            Some(error) if removed.is_empty() => Err(error.into()),
            _ => Ok(json!({
                "v": 1, "device_id": id, "name": name, "groups": removed, "durable": true,
                "failed": failed.map(|error| error.message),
            })),
        }
    }

    /// The group that is meant, or all.
    fn device_groups(&mut self, group: Option<&str>) -> Result<Vec<GroupId>, Fail> {
        match group {
            Some(given) => Ok(vec![self.group(Some(given))?]),
            None => Ok(self.engine.groups().collect()),
        }
    }

    /// The devices that write logs of this person in these groups.
    fn devices(&mut self, groups: &[GroupId]) -> Result<Vec<Known>, Fail> {
        let (now, me) = (self.context.now, self.engine.identity().peer.clone());
        let mut known: BTreeMap<String, (Known, Option<Hlc>)> = BTreeMap::new();
        // This one is there before it is in any group.
        let this = Known { id: peer_text(&me), peer: Some(me.clone()), this: true, logs: vec![], name: None };
        known.insert(this.id.clone(), (this, None));
        for group in groups {
            let person = self.me(*group);
            for own in self.engine.own_devices(now, *group)? {
                let peer = own.transport.and_then(linking::peer_of);
                let id = peer.as_ref().map_or_else(|| own.log.to_string(), peer_text);
                let this = peer.as_ref() == Some(&me);
                let fresh = || (Known { id: id.clone(), peer, this, logs: vec![], name: None }, None);
                let (device, named) = known.entry(id.clone()).or_insert_with(fresh);
                device.logs.push((*group, own));
                // The latest word in any group.
                let register = Register::DeviceName(person, own.log);
                if let Some(current) = self.store().register(*group, &register)?
                    && let Folded::Text(name) = current.value
                    && named.is_none_or(|at| at < current.write.time)
                {
                    (device.name, *named) = (Some(name), Some(current.write.time));
                }
            }
        }
        let given = given_label(self.store())?;
        let mut devices: Vec<Known> = known.into_values().map(|(device, _)| device).collect();
        let nameless = devices.iter_mut().filter(|d| d.this && d.name.is_none());
        nameless.for_each(|d| d.name = Some(given.clone()));
        Ok(devices)
    }

    fn own_label(&mut self) -> Result<String, Fail> {
        let groups = self.device_groups(None)?;
        let this = self.devices(&groups)?.into_iter().find(|d| d.this);
        Ok(this.and_then(|d| d.name).unwrap_or_else(|| NAMELESS.to_owned()))
    }

    /// Says what the device that writes a log is called, unless that is known.
    fn name_log(&mut self, group: GroupId, log: LogId, name: &str) -> Result<Option<EntryId>, Fail> {
        let register = Register::DeviceName(self.me(group), log);
        if self.text(group, &register)?.as_deref() == Some(name) {
            return Ok(None);
        }
        let supersedes = self.seen(group, [&register])?;
        self.write(group, &Action::DeviceName(DeviceName { log, name: name.to_owned(), supersedes })).map(Some)
    }
}

fn pick_device(devices: Vec<Known>, target: &str) -> Result<Known, Error> {
    let mut candidates = vec![];
    for (at, device) in devices.iter().enumerate() {
        let name = device.name.clone().unwrap_or_default();
        candidates.push((at, device.id.to_lowercase(), name));
    }
    let remedy = "list them with `studymesh device list`";
    // A device may be meant by its log as well, or by a part of its peer id: these are no hexadecimal digits.
    let by_part =
        |d: &&Known| d.id == target || (target.len() >= 6 && (d.id.ends_with(target) || d.id.starts_with(target)));
    let by_log =
        |d: &&Known| target.len() >= 4 && d.logs.iter().any(|(_, own)| own.log.to_string().starts_with(target));
    let found: Vec<usize> =
        devices.iter().enumerate().filter(|(_, d)| by_part(d) || by_log(d)).map(|(at, _)| at).collect();
    let at = match found.as_slice() {
        [one] => *one,
        _ => pick("device", target, &candidates, remedy)?,
    };
    devices.into_iter().nth(at).ok_or_else(unknown)
}

fn unknown() -> Error {
    Error::new(Code::NotFound, "there is no such device", "list them with `studymesh device list`")
}
