//! The acts of membership: what control entries say. They name keys, roles and entries, never names or texts.
//!
//! What they mean together is `membership`; `docs/membership.md` has the rules as a table.

use bincode::{Decode, Encode};

use super::ReadError;
use crate::model::id::{EntryId, EpochId, InviteId, LogId, PersonId};
use crate::model::limits;

/// Whether a group is open to whoever holds the ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupKind {
    /// Whoever has the ticket may join and write.
    Open,
    /// Membership is decided by admins.
    Closed,
}

/// The genesis entry: never a name, only what membership needs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Genesis {
    /// Open or closed.
    pub kind: GroupKind,
    /// Random bytes: two groups made by one key in one millisecond differ.
    pub salt: [u8; 16],
}

/// The first entry of a log in a group.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Endorse {
    /// The Ed25519 public key of the installation's libp2p identity.
    pub transport: [u8; 32],
    /// The transport key's signature over the group and this log.
    pub transport_sig: [u8; 64],
    /// The chain of logs from the person's first log to this one, each with its signature over the next; empty when
    /// this log is the person's first. At most [`limits::MAX_PERSON_CHAIN`].
    pub person: Vec<PersonLink>,
}

/// One log of a person's chain.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PersonLink {
    /// A log of the person.
    pub log: LogId,
    /// Its signature over the group and the next log of the chain (the last signs the entry's own log).
    pub signature: [u8; 64],
}

/// What somebody may do in a group, from least to most.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Stores and serves what it can not read.
    Keeper,
    /// Reads.
    Reader,
    /// Reads and writes, and lets in whoever brings a good invite.
    Member,
    /// Decides who belongs, as far as those are junior.
    Admin,
    /// The most senior: there is exactly one.
    Owner,
}

impl Role {
    /// The word that the command line and the API use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keeper => "keeper",
            Self::Reader => "reader",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Whether what it writes counts.
    #[must_use]
    pub fn writes(self) -> bool {
        self >= Self::Member
    }

    /// Whether it holds the keys of what is written.
    #[must_use]
    pub fn reads(self) -> bool {
        self >= Self::Reader
    }

    /// Whether it decides who belongs.
    #[must_use]
    pub fn decides(self) -> bool {
        self >= Self::Admin
    }
}

/// An invite that whoever holds its secret may redeem.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Invite {
    /// The Ed25519 public key whose secret the ticket carries.
    pub invite: InviteId,
    /// What it makes of whoever redeems it; below [`Role::Owner`].
    pub role: Role,
    /// How many people it lets in; 0 for any number.
    pub uses: u32,
    /// When members stop honouring it, Unix milliseconds; 0 for never. Their clocks decide, not the fold.
    pub expires_ms: u64,
    /// Whether an admin has to accept each request.
    pub approve: bool,
    /// The epoch that `request_key` is sealed under.
    pub epoch: EpochId,
    /// The key that requests seal a name under, itself sealed: at most [`limits::MAX_SEALED_KEY_BYTES`].
    pub request_key: Vec<u8>,
}

/// Takes an invite back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Revoke {
    /// The invite.
    pub invite: InviteId,
}

/// Asks to be let in. It stands in the log of whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Request {
    /// The invite.
    pub invite: InviteId,
    /// The invite key's signature over the group and the log that asks.
    pub proof: [u8; 64],
    /// A name, sealed under a key that the invite's secret gives: at most [`limits::MAX_SEALED_NAME_BYTES`].
    pub name: Vec<u8>,
}

/// Lets a person in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Admit {
    /// The person: the first log of whoever asked.
    pub person: PersonId,
    /// As what; below [`Role::Owner`].
    pub role: Role,
    /// The invite that it honours; none when an admin admits on authority alone.
    pub invite: Option<Redeemed>,
}

/// The proof that a person holds an invite.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Redeemed {
    /// The invite.
    pub invite: InviteId,
    /// The invite key's signature over the group and the person's first log.
    pub proof: [u8; 64],
}

/// Turns a request down.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Refuse {
    /// Whose request.
    pub person: PersonId,
}

/// How much of a log is accepted: everything up to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Cut {
    /// The log.
    pub log: LogId,
    /// The seq of the last accepted entry.
    pub seq: u64,
    /// Its id.
    pub id: EntryId,
}

/// Gives a person another role. The role of an owner hands the group over.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SetRole {
    /// The person.
    pub person: PersonId,
    /// The new role.
    pub role: Role,
    /// The accepted tips of the person's logs, where the role takes the right to write: at most [`limits::MAX_CUT`].
    pub cut: Vec<Cut>,
}

/// Whom a removal removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Subject {
    /// A person with all devices.
    Person(PersonId),
    /// One device, by its log, and whatever it links later.
    Device(LogId),
}

/// Removes a person or a device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Remove {
    /// Whom.
    pub subject: Subject,
    /// The accepted tips of the removed logs: at most [`limits::MAX_CUT`].
    pub cut: Vec<Cut>,
}

/// Accepts entries that lie beyond a cut. Without entries it says nothing, and only merges control heads.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Accept {
    /// The entries: at most [`limits::MAX_NAMED`].
    pub entries: Vec<EntryId>,
}

/// The key of one epoch wrapped under the key of a later one.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Wrapped {
    /// The earlier epoch.
    pub epoch: EpochId,
    /// Its key, sealed: at most [`limits::MAX_SEALED_KEY_BYTES`].
    pub key: Vec<u8>,
}

/// A key sealed to one device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Sealed {
    /// The epoch.
    pub epoch: EpochId,
    /// The device's log.
    pub log: LogId,
    /// HPKE: the encapsulated key and the ciphertext, exactly [`limits::SEALED_TO_BYTES`].
    pub key: Vec<u8>,
}

/// Begins an epoch: a commitment to its key, and the ways back to the keys before it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Epoch {
    /// The commitment to the key.
    pub epoch: EpochId,
    /// The keys of the epochs that it follows: at most [`limits::MAX_PARENTS`].
    pub parents: Vec<Wrapped>,
    /// The key, sealed to the first devices: at most [`limits::MAX_SEALS`]. More follow in [`Seals`].
    pub seals: Vec<Sealed>,
}

/// Keys sealed to more devices.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Seals {
    /// At most [`limits::MAX_SEALS`].
    pub seals: Vec<Sealed>,
}

/// Asks for keys that the author's device lacks, or got wrong.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AskKeys {
    /// The epochs: at most [`limits::MAX_PARENTS`].
    pub epochs: Vec<EpochId>,
}

/// Hides entries from everybody's views, or shows them again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Hide {
    /// The entries: at most [`limits::MAX_NAMED`].
    pub entries: Vec<EntryId>,
    /// Hidden, or shown again.
    pub hidden: bool,
}

/// How much each log may hold; what goes beyond does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Quota {
    /// Most entries of a log; 0 for no limit.
    pub entries: u64,
    /// Most bytes of all bodies of a log; 0 for no limit.
    pub bytes: u64,
}

type Checked = Result<(), ReadError>;

fn bound(field: &'static str, holds: bool) -> Checked {
    if holds { Ok(()) } else { Err(ReadError::Bounds(field)) }
}

fn seals(seals: &[Sealed]) -> Checked {
    bound("seals", seals.len() <= limits::MAX_SEALS)?;
    bound("seals", seals.iter().all(|s| s.key.len() == limits::SEALED_TO_BYTES))
}

pub(super) fn invite(a: &Invite) -> Checked {
    bound("role", a.role < Role::Owner)?;
    bound("request_key", a.request_key.len() <= limits::MAX_SEALED_KEY_BYTES)
}

pub(super) fn request(a: &Request) -> Checked {
    bound("name", a.name.len() <= limits::MAX_SEALED_NAME_BYTES)
}

pub(super) fn admit(a: &Admit) -> Checked {
    bound("role", a.role < Role::Owner)
}

pub(super) fn role(a: &SetRole) -> Checked {
    bound("cut", a.cut.len() <= limits::MAX_CUT)
}

pub(super) fn remove(a: &Remove) -> Checked {
    bound("cut", a.cut.len() <= limits::MAX_CUT)
}

pub(super) fn named(entries: &[EntryId]) -> Checked {
    bound("entries", entries.len() <= limits::MAX_NAMED)
}

pub(super) fn epoch(a: &Epoch) -> Checked {
    bound("parents", a.parents.len() <= limits::MAX_PARENTS)?;
    bound("parents", a.parents.iter().all(|p| p.key.len() <= limits::MAX_SEALED_KEY_BYTES))?;
    seals(&a.seals)
}

pub(super) fn more_seals(a: &Seals) -> Checked {
    seals(&a.seals)
}

pub(super) fn ask(a: &AskKeys) -> Checked {
    bound("epochs", a.epochs.len() <= limits::MAX_PARENTS)
}
