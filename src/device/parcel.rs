//! What two devices of one person say on their channel, and its bytes. Every count is checked before anything is allocated for it.

use super::Failed;
use crate::engine::{Handed, MAX_HANDED_CHAIN, MAX_HANDED_KEYS};
use crate::log::seal::{FRAME_BYTES, MAX_PLAINTEXT_BYTES};
use crate::model::action::{GroupKind, PersonLink};
use crate::model::id::{GroupId, LogId};
use crate::model::limits::{MAX_GROUPS, MAX_NAME_CHARS};
use crate::model::wire::{Reader, WireError, put_count};
use crate::sync::message::{MAX_ADDRESS_BYTES, MAX_ADDRESSES, MAX_PEERS, Told, put_told, read_told};

/// Most bytes of a name, in UTF-8.
const MAX_NAME_BYTES: usize = 4 * MAX_NAME_CHARS;
/// Most bytes of told peers in a parcel.
const MAX_TOLD_BYTES: usize = 2 + MAX_PEERS * (2 + 64 + 2 + MAX_ADDRESSES * (2 + MAX_ADDRESS_BYTES));
/// Most bytes of one parcel.
const MAX_PARCEL_BYTES: usize = 32
    + 16
    + 1
    + (2 + MAX_HANDED_CHAIN * 96)
    + (2 + MAX_HANDED_KEYS * 32)
    + (2 + MAX_NAME_BYTES)
    + (2 + MAX_TOLD_BYTES);
/// Bytes of parcels that go into one message, unless one alone is longer.
const PACK_BYTES: usize = 24 * 1024;

const _: () = assert!(1 + 2 + PACK_BYTES + MAX_PARCEL_BYTES + FRAME_BYTES <= MAX_PLAINTEXT_BYTES, "parcels fit a body");
const _: () = assert!(1 + 2 * (2 + MAX_NAME_BYTES) + 33 + 2 + MAX_GROUPS * 33 < PACK_BYTES, "a hello fits a body");

/// A group on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// What makes the other device a member.
    pub handed: Handed,
    /// The group's name, to show before its entries have come; at most [`MAX_NAME_CHARS`] characters.
    pub name: String,
    /// Where members are.
    pub told: Vec<Told>,
}

/// What the device that hands over says of itself first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hello {
    /// What the device is called; at most [`MAX_NAME_CHARS`] characters.
    pub label: String,
    /// What the person is called; at most [`MAX_NAME_CHARS`] characters, or empty.
    pub person: String,
    /// The secret of the person's devices, the first time.
    pub secret: Option<[u8; 32]>,
    /// Its groups, at most [`MAX_GROUPS`].
    pub groups: Vec<GroupId>,
}

/// Why a device wants no groups at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is linked with other devices, of another person.
    Others = 1,
    /// It could not keep what came.
    Failed = 2,
}

/// What is said on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// A log that this side writes in a group that both are in, and its signature over the transcript.
    Proof {
        /// The group.
        group: GroupId,
        /// The log.
        log: LogId,
        /// Its signature.
        signature: [u8; 64],
    },
    /// The groups of the device that hands over.
    Hello(Hello),
    /// What the other device is called, and the log that it will write in each of the groups; none where it is a member or does not want to be.
    Logs {
        /// What the device is called.
        label: String,
        /// In the order of the groups.
        logs: Vec<Option<LogId>>,
    },
    /// Groups.
    Parcels(Vec<Parcel>),
    /// There are no more.
    End,
    /// Everything is stored: how many groups are new.
    Done(u16),
    /// It wants none.
    Refused(Refusal),
}

impl Say {
    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![];
        match self {
            Self::Proof { group, log, signature } => {
                out.push(1);
                out.extend_from_slice(&group.0);
                out.extend_from_slice(&log.0);
                out.extend_from_slice(signature);
            }
            Self::Hello(hello) => {
                out.push(2);
                put_name(&mut out, &hello.label);
                put_name(&mut out, &hello.person);
                out.push(u8::from(hello.secret.is_some()));
                hello.secret.iter().for_each(|secret| out.extend_from_slice(secret));
                put_count(&mut out, hello.groups.len());
                hello.groups.iter().for_each(|group| out.extend_from_slice(&group.0));
            }
            Self::Logs { label, logs } => {
                out.push(3);
                put_name(&mut out, label);
                put_count(&mut out, logs.len());
                for log in logs {
                    out.push(u8::from(log.is_some()));
                    log.iter().for_each(|log| out.extend_from_slice(&log.0));
                }
            }
            Self::Parcels(parcels) => {
                out.push(4);
                put_count(&mut out, parcels.len());
                parcels.iter().for_each(|parcel| parcel.encode_into(&mut out));
            }
            Self::End => out.push(5),
            Self::Done(groups) => {
                out.push(6);
                out.extend_from_slice(&groups.to_le_bytes());
            }
            Self::Refused(why) => out.extend_from_slice(&[7, *why as u8]),
        }
        out
    }

    /// Reads what fills `bytes` exactly.
    ///
    /// # Errors
    /// When the bytes do not follow the layout, or something is over its bound.
    pub fn decode(bytes: &[u8]) -> Result<Self, Failed> {
        let mut r = Reader::new(bytes);
        let said = Self::read(&mut r).map_err(|_| Failed)?;
        r.finish().map_err(|_| Failed)?;
        Ok(said)
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match r.u8()? {
            1 => Self::Proof { group: GroupId(r.array()?), log: LogId(r.array()?), signature: r.array()? },
            2 => {
                let (label, person) = (read_name(r)?, read_name(r)?);
                let secret = if read_flag(r)? { Some(r.array()?) } else { None };
                let groups = r.count(MAX_GROUPS, "groups")?;
                let groups = (0..groups).map(|_| Ok(GroupId(r.array()?))).collect::<Result<_, _>>()?;
                Self::Hello(Hello { label, person, secret, groups })
            }
            3 => {
                let label = read_name(r)?;
                let logs = r.count(MAX_GROUPS, "logs")?;
                let log = |_| Ok(if read_flag(r)? { Some(LogId(r.array()?)) } else { None });
                Self::Logs { label, logs: (0..logs).map(log).collect::<Result<_, _>>()? }
            }
            4 => {
                let parcels = r.count(MAX_GROUPS, "parcels")?;
                let mut read = vec![];
                for _ in 0..parcels {
                    read.push(Parcel::read(r)?);
                }
                Self::Parcels(read)
            }
            5 => Self::End,
            6 => Self::Done(r.u16()?),
            7 => Self::Refused(match r.u8()? {
                1 => Refusal::Others,
                2 => Refusal::Failed,
                _ => return Err(WireError::Bounds("refusal")),
            }),
            _ => return Err(WireError::Bounds("type")),
        })
    }
}

impl Parcel {
    fn encode_into(&self, out: &mut Vec<u8>) {
        let Handed { group, seed, kind, chain, keys } = &self.handed;
        out.extend_from_slice(&group.0);
        out.extend_from_slice(seed);
        out.push(match kind {
            None => 0,
            Some(GroupKind::Open) => 1,
            Some(GroupKind::Closed) => 2,
        });
        put_count(out, chain.len());
        for link in chain {
            out.extend_from_slice(&link.log.0);
            out.extend_from_slice(&link.signature);
        }
        put_count(out, keys.len());
        keys.iter().for_each(|key| out.extend_from_slice(key));
        put_name(out, &self.name);
        let mut told = vec![];
        put_told(&mut told, &self.told);
        put_count(out, told.len());
        out.extend_from_slice(&told);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let (group, seed) = (GroupId(r.array()?), r.array()?);
        let kind = match r.u8()? {
            0 => None,
            1 => Some(GroupKind::Open),
            2 => Some(GroupKind::Closed),
            _ => return Err(WireError::Bounds("kind")),
        };
        let links = r.count(MAX_HANDED_CHAIN, "chain")?;
        let link = |_| Ok(PersonLink { log: LogId(r.array()?), signature: r.array()? });
        let chain = (0..links).map(link).collect::<Result<_, _>>()?;
        let keys = r.count(MAX_HANDED_KEYS, "keys")?;
        let keys = (0..keys).map(|_| r.array()).collect::<Result<_, _>>()?;
        let name = read_name(r)?;
        let told = r.count(MAX_TOLD_BYTES, "told")?;
        let told = read_told(r.bytes(told)?)?;
        Ok(Self { handed: Handed { group, seed, kind, chain, keys }, name, told })
    }

    fn encoded_len(&self) -> usize {
        let mut out = vec![];
        self.encode_into(&mut out);
        out.len()
    }
}

/// Parcels in as few messages as they fit in.
#[must_use]
pub fn pack(parcels: Vec<Parcel>) -> Vec<Say> {
    let (mut packs, mut pack, mut bytes) = (vec![], vec![], 0);
    for parcel in parcels {
        let len = parcel.encoded_len();
        if bytes + len > PACK_BYTES && !pack.is_empty() {
            packs.push(Say::Parcels(std::mem::take(&mut pack)));
            bytes = 0;
        }
        bytes += len;
        pack.push(parcel);
    }
    if !pack.is_empty() {
        packs.push(Say::Parcels(pack));
    }
    packs
}

/// A name as it may be said: one line of at most [`MAX_NAME_CHARS`] characters.
#[must_use]
pub fn fit_name(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect()
}

fn put_name(out: &mut Vec<u8>, name: &str) {
    let name = fit_name(name);
    put_count(out, name.len());
    out.extend_from_slice(name.as_bytes());
}

fn read_name(r: &mut Reader<'_>) -> Result<String, WireError> {
    let len = r.count(MAX_NAME_BYTES, "name")?;
    let name = std::str::from_utf8(r.bytes(len)?).map_err(|_| WireError::Bounds("name"))?;
    if fit_name(name) == name { Ok(name.to_owned()) } else { Err(WireError::Bounds("name")) }
}

fn read_flag(r: &mut Reader<'_>) -> Result<bool, WireError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(WireError::Bounds("flag")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parcel(n: u8, links: usize, keys: usize) -> Parcel {
        let handed = Handed {
            group: GroupId([n; 32]),
            seed: [n; 16],
            kind: [None, Some(GroupKind::Open), Some(GroupKind::Closed)][usize::from(n % 3)],
            chain: vec![PersonLink { log: LogId([n; 32]), signature: [n; 64] }; links],
            keys: vec![[n; 32]; keys],
        };
        let told = vec![Told { peer: vec![n; 38], addresses: vec![vec![n; 100]; MAX_ADDRESSES] }; MAX_PEERS];
        Parcel { handed, name: "读书会".into(), told }
    }

    fn all() -> Vec<Say> {
        vec![
            Say::Proof { group: GroupId([1; 32]), log: LogId([2; 32]), signature: [3; 64] },
            Say::Hello(Hello {
                label: "laptop".into(),
                person: "小明".into(),
                secret: Some([4; 32]),
                groups: vec![GroupId([1; 32]); 3],
            }),
            Say::Hello(Hello::default()),
            Say::Logs { label: "手机".into(), logs: vec![Some(LogId([1; 32])), None] },
            Say::Parcels(vec![parcel(1, 2, 3), parcel(2, 0, 0)]),
            Say::End,
            Say::Done(7),
            Say::Refused(Refusal::Others),
        ]
    }

    #[test]
    fn everything_reads_back_and_nothing_shorter_or_longer_does() {
        for say in all() {
            let bytes = say.encode();
            assert_eq!(Say::decode(&bytes), Ok(say));
            (0..bytes.len()).for_each(|cut| assert!(Say::decode(&bytes[..cut]).is_err()));
            assert!(Say::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
    }

    #[test]
    fn a_name_of_several_lines_or_too_long_is_refused() {
        for name in ["a\nb".to_owned(), "x".repeat(MAX_NAME_CHARS + 1)] {
            let mut bytes = vec![3];
            put_count(&mut bytes, name.len());
            bytes.extend_from_slice(name.as_bytes());
            put_count(&mut bytes, 0);
            assert!(Say::decode(&bytes).is_err(), "{name}");
        }
        assert_eq!(fit_name(&"长\n".repeat(100)), "长".repeat(MAX_NAME_CHARS));
    }

    #[test]
    fn the_largest_parcels_of_all_groups_fit_the_queue_of_a_stream() {
        let parcels: Vec<Parcel> =
            (0..MAX_GROUPS).map(|n| parcel(n as u8, MAX_HANDED_CHAIN, MAX_HANDED_KEYS)).collect();
        let packs = pack(parcels.clone());
        assert!(packs.len() < 32, "{} messages", packs.len());
        assert!(packs.iter().all(|p| p.encode().len() + FRAME_BYTES <= MAX_PLAINTEXT_BYTES));
        let unpacked = packs.iter().flat_map(|p| match Say::decode(&p.encode()) {
            Ok(Say::Parcels(parcels)) => parcels,
            _ => unreachable!(),
        });
        assert_eq!(unpacked.collect::<Vec<_>>(), parcels);
        assert!(pack(vec![]).is_empty());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_have_one_reading(kind in 0u8..9, rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let bytes = [&[kind][..], &rest].concat();
            if let Ok(say) = Say::decode(&bytes) {
                prop_assert_eq!(say.encode(), bytes);
            }
        }
    }
}
