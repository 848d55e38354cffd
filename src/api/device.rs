//! The commands for the devices of one person.

use serde::{Deserialize, Serialize};

/// Longest life of a code, milliseconds: ten minutes.
pub const MAX_OFFER_MS: u64 = 600_000;

/// What to do with devices, and what the answer holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "device", rename_all = "kebab-case")]
pub enum Device {
    /// Offers all groups to a new device. Two answers, one after the other: `{code, expires_ms}` at once, and `{linked:true, peer_id,
    /// name, groups}` when the new device has them, where `groups` is how many. The offer ends with the command. Only with a
    /// running node.
    Link {
        /// How long the code is good, milliseconds; at most [`MAX_OFFER_MS`].
        timeout_ms: u64,
    },
    /// Takes the groups of an old device over: `{linked:true, peer_id, name, person, groups:[{group_id, name}], held}`; `held` is how
    /// many groups this device was in already. Only with a running node.
    Join {
        /// The code, as the old device shows it.
        code: String,
        /// Where the old device is, a multiaddr; with a peer id at its end nobody else is asked.
        at: Option<String>,
        /// How long to look for it, milliseconds.
        timeout_ms: u64,
    },
    /// Items: `{device_id, name, peer_id, this, connected, last_seen_ms, ended, groups:[{group_id, name, log, ended}]}`: the devices of
    /// this person, in the group of the request or in all; this one first. `ended`: removed in each of them.
    List,
    /// Names a device: `{device_id, name, entry_ids:[], durable:true}`.
    Rename {
        /// Peer id, log id, prefix or name; none: this one.
        target: Option<String>,
        /// 1 to 64 characters on one line.
        name: String,
    },
    /// Removes a device from all groups, or from the group of the request: `{device_id, name, groups:[{group_id, entry_id}],
    /// durable:true}`. An admin removes somebody else's by the id of its log, in one group.
    Remove {
        /// Peer id, log id, prefix or name.
        target: String,
    },
}
