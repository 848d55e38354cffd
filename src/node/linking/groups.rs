//! What linking reads from the store and writes to it: the secret of the person's devices, and the groups.

use std::collections::BTreeMap;

use crate::device::parcel::{Hello, Parcel, fit_name};
use crate::engine::{MAX_MEMBERS, Taken};
use crate::log::keys::LogKey;
use crate::model::fold::{Register, Value as Folded};
use crate::model::id::{GroupId, LogId, Peer};
use crate::node::core::random;
use crate::node::fail::Fail;
use crate::node::service::{self, NodeEngine};
use crate::store::{self, PeerRow, SqliteStore};
use crate::sync::message::{MAX_ADDRESS_BYTES, MAX_ADDRESSES, MAX_PEERS, Told};

/// Where the store keeps the secret that all devices of the person hold.
const SECRET: &str = "device.secret";
/// The mark of a group that was left here: it does not come back by itself.
const LEFT: &str = "device.left.";

/// A peer that writes a log of this person, in one of the groups in which it proved that.
pub type Kin = (Peer, GroupId);

/// The secret of the person's devices, if this device was ever linked.
pub fn secret(store: &SqliteStore) -> Result<Option<[u8; 32]>, store::Error> {
    let text = store.meta_get(SECRET)?.unwrap_or_default();
    Ok(data_encoding::HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()))
}

fn keep_secret(store: &mut SqliteStore, secret: &[u8; 32]) -> Result<(), store::Error> {
    store.meta_set(SECRET, &data_encoding::HEXLOWER.encode(secret))
}

/// Remembers that a group was left here, when devices could bring it back.
pub fn left(store: &mut SqliteStore, group: GroupId) -> Result<(), store::Error> {
    if secret(store)?.is_some() { store.meta_set(&format!("{LEFT}{group}"), "1") } else { Ok(()) }
}

/// What this device says first when it hands its groups over; with the secret, which is made where there is none, the first time.
pub fn hello(engine: &mut NodeEngine, now: u64, first: bool) -> Result<Hello, store::Error> {
    let label = service::device_label(engine, now)?;
    let secret = match (first, secret(engine.store())?) {
        (false, _) => None,
        (true, Some(secret)) => Some(secret),
        (true, None) => {
            let secret = random();
            keep_secret(engine.store(), &secret)?;
            Some(secret)
        }
    };
    let person = fit_name(&engine.identity().name);
    Ok(Hello { label: fit_name(&label), person, secret, groups: engine.groups().collect() })
}

/// Parcels for the logs that another device will write. `here` is where this device can be reached.
pub fn parcels(
    engine: &mut NodeEngine,
    logs: &[(GroupId, LogId)],
    here: &[Vec<u8>],
) -> Result<Vec<Parcel>, store::Error> {
    let mut parcels = vec![];
    for (group, log) in logs {
        let Some(handed) = engine.hand_over(*group, *log) else {
            tracing::warn!(%group, "a group is not handed over: link the new device with one of the first devices instead");
            continue;
        };
        let name = match engine.store().register(*group, &Register::GroupName)?.map(|c| c.value) {
            Some(Folded::Text(name)) => fit_name(&name),
            _ => String::new(),
        };
        let own = engine.identity().peer.clone();
        let mut told: Vec<Told> = told(&own, here).into_iter().collect();
        for row in engine.store().peers(*group)?.iter().filter(|row| row.peer != own) {
            if told.len() < MAX_PEERS {
                told.extend(self::told(&row.peer, &row.addresses));
            }
        }
        parcels.push(Parcel { handed, name, told });
    }
    Ok(parcels)
}

fn told(peer: &Peer, addresses: &[Vec<u8>]) -> Option<Told> {
    let fitting = addresses.iter().filter(|a| a.len() <= MAX_ADDRESS_BYTES).take(MAX_ADDRESSES);
    let addresses: Vec<Vec<u8>> = fitting.cloned().collect();
    (!addresses.is_empty()).then(|| Told { peer: peer.as_bytes().to_vec(), addresses })
}

/// What this device wants of what it is offered.
#[derive(Debug)]
pub enum Choice {
    /// The log that it will write in each of the groups; none where it is in already, or left the group by itself.
    Logs(String, Vec<(GroupId, Option<LogKey>)>),
    /// Nothing: it is linked with devices of somebody else.
    Others,
}

/// Chooses from an offer. What was left here comes back only when devices are linked anew.
pub fn choose(engine: &mut NodeEngine, now: u64, hello: &Hello) -> Result<Choice, store::Error> {
    let known = secret(engine.store())?;
    if let (Some(offered), Some(known)) = (hello.secret, known)
        && offered != known
    {
        return Ok(Choice::Others);
    }
    let anew = hello.secret.is_some();
    let mut wanted = vec![];
    for group in &hello.groups {
        let inside = engine.groups().any(|g| g == *group);
        let left = engine.store().meta_get(&format!("{LEFT}{group}"))?.is_some_and(|mark| !mark.is_empty());
        let log = (!inside && (anew || !left)).then(|| LogKey::from_seed(&random()));
        wanted.push((*group, log));
    }
    let label = service::device_label(engine, now)?;
    Ok(Choice::Logs(fit_name(&label), wanted))
}

/// Takes over what came: the groups that are new here, with their names.
pub fn take(
    engine: &mut NodeEngine,
    now: u64,
    hello: &Hello,
    parcels: &[Parcel],
    logs: &BTreeMap<GroupId, LogKey>,
) -> Result<Vec<(GroupId, String)>, store::Error> {
    if let Some(secret) = &hello.secret {
        keep_secret(engine.store(), secret)?;
    }
    if engine.identity().name.is_empty() && !hello.person.is_empty() {
        engine.store().meta_set("name", &hello.person)?;
        engine.set_name(hello.person.clone());
    }
    let mut new = vec![];
    for parcel in parcels {
        let group = parcel.handed.group;
        let Some(log) = logs.get(&group) else { continue };
        match engine.take_over(now, &parcel.handed, log).map_err(Fail::from) {
            Ok(Taken::New) => {}
            Ok(other) => {
                tracing::warn!(%group, ?other, "a group was not taken over from another device");
                continue;
            }
            Err(Fail::Store(error)) => return Err(error),
            Err(Fail::Command(error)) => {
                tracing::warn!(%group, %error, "a group was not taken over from another device");
                continue;
            }
        }
        for told in &parcel.told {
            let Some(peer) = Peer::new(&told.peer) else { continue };
            let row = PeerRow {
                peer,
                addresses: told.addresses.clone(),
                log: None,
                last_seen_ms: now,
                last_sync_ms: None,
                source: "device".into(),
            };
            engine.store().peer_seen(group, &row)?;
        }
        engine.store().meta_set(&format!("{LEFT}{group}"), "")?;
        new.push((group, parcel.name.clone()));
    }
    Ok(new)
}

/// Connected peers that proved a log of this person which was not removed, each in one group.
pub fn kin(engine: &mut NodeEngine, now: u64) -> Result<Vec<Kin>, store::Error> {
    let mut kin: BTreeMap<Peer, GroupId> = BTreeMap::new();
    let groups: Vec<GroupId> = engine.groups().collect();
    for group in groups {
        let Some(status) = engine.status(now, group) else { continue };
        let own: Vec<Peer> =
            status.members.iter().filter(|m| m.person == Some(status.person)).map(|m| m.peer.clone()).collect();
        debug_assert!(own.len() <= MAX_MEMBERS);
        for peer in own {
            kin.entry(peer).or_insert(group);
        }
    }
    Ok(kin.into_iter().collect())
}

/// Whether another device writes a log of this person, and was not removed.
pub fn is_kin(engine: &mut NodeEngine, now: u64, group: GroupId, log: LogId) -> Result<bool, store::Error> {
    Ok(engine.own_devices(now, group)?.iter().any(|own| own.log == log && !own.ended && !own.here))
}
