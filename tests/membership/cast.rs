//! Who plays in the histories: people with real log keys, their devices, invites, and what those sign.
//!
//! Signing and checking are slow beside the fold, and a small cast signs the same things again and again: each signature is
//! made once, and each is checked once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use studymesh::log::keys::{self, LogKey};
use studymesh::log::person;
use studymesh::membership::Act;
use studymesh::model::action::{Action, Endorse};
use studymesh::model::id::{EntryId, GroupId, InviteId, LogId, PersonId};

/// What was checked before, since checking signatures is slow.
type Proofs = BTreeMap<(InviteId, LogId, [u8; 64]), bool>;
type Chains = BTreeMap<(LogId, Vec<(LogId, [u8; 64])>), PersonId>;
type Checked = BTreeMap<(LogId, u16, Vec<u8>), Act>;

/// The group in which everything plays.
pub const GROUP: GroupId = GroupId([7; 32]);
pub const NAMES: [&str; 8] = ["Ann", "Bo", "Cy", "Di", "Ed", "Fay", "Gus", "Hal"];
pub const DEVICES: usize = 3;
pub const INVITES: usize = 5;

pub struct Invite {
    pub id: InviteId,
    /// The proof for each person's first log.
    pub proofs: Vec<[u8; 64]>,
}

pub struct Cast {
    /// The logs of each person; the first one is the person's.
    pub logs: Vec<[LogId; DEVICES]>,
    /// How each log may introduce itself; the first way is the honest one.
    pub endorsements: BTreeMap<LogId, Vec<Endorse>>,
    pub invites: Vec<Invite>,
}

pub fn cast() -> &'static Cast {
    static CAST: OnceLock<Cast> = OnceLock::new();
    CAST.get_or_init(Cast::new)
}

impl Cast {
    fn new() -> Self {
        let byte = |n: usize| u8::try_from(n).expect("the cast is small");
        let key = |p: usize, d: usize| LogKey::from_seed(&[1 + byte(p * DEVICES + d); 32]);
        let transport = LogKey::from_seed(&[200; 32]);
        let mut logs = vec![];
        let mut endorsements = BTreeMap::new();
        for p in 0..NAMES.len() {
            let keys: Vec<LogKey> = (0..DEVICES).map(|d| key(p, d)).collect();
            let endorse = |d: usize, before: &[usize]| {
                let before: Vec<LogKey> = before.iter().map(|b| keys[*b].clone()).collect();
                person::endorse(GROUP, &keys[d], &transport, &before)
            };
            // A chain that claims another person, with signatures for another log.
            let other = key((p + 1) % NAMES.len(), 0);
            let forged = person::endorse(GROUP, &key(p, 0), &transport, &[other]);
            logs.push(std::array::from_fn(|d| keys[d].id()));
            endorsements.insert(keys[0].id(), vec![endorse(0, &[]), endorse(0, &[2])]);
            endorsements.insert(keys[1].id(), vec![endorse(1, &[0]), endorse(1, &[]), forged]);
            endorsements.insert(keys[2].id(), vec![endorse(2, &[0, 1]), endorse(2, &[0]), endorse(2, &[])]);
        }
        let invites = (0..INVITES).map(|n| {
            let key = keys::invite_key(&[byte(n); 16]);
            let proofs = logs.iter().map(|l: &[LogId; DEVICES]| key.sign_invite(GROUP, l[0])).collect();
            Invite { id: InviteId(key.id().0), proofs }
        });
        let invites = invites.collect();
        Self { logs, endorsements, invites }
    }

    pub fn person(&self, p: usize) -> PersonId {
        self.logs[p][0].into()
    }

    /// Like `Bo/2`.
    pub fn name_of(&self, log: LogId) -> Option<String> {
        let find = |logs: &[LogId; DEVICES]| logs.iter().position(|l| *l == log);
        self.logs.iter().enumerate().find_map(|(p, logs)| Some(format!("{}/{}", NAMES[p], find(logs)? + 1)))
    }
}

/// Whether a signature is the invite key's over a log; checked once.
pub fn proves(invite: InviteId, log: LogId, proof: &[u8; 64]) -> bool {
    thread_local!(static KNOWN: RefCell<Proofs> = RefCell::default());
    KNOWN.with_borrow_mut(|known| {
        let check = || keys::verify_invite(invite, GROUP, log, proof).is_ok();
        *known.entry((invite, log, *proof)).or_insert_with(check)
    })
}

/// The person that an endorsement proves; checked once.
pub fn proven_person(log: LogId, endorse: &Endorse) -> PersonId {
    thread_local!(static KNOWN: RefCell<Chains> = RefCell::default());
    let chain: Vec<(LogId, [u8; 64])> = endorse.person.iter().map(|l| (l.log, l.signature)).collect();
    KNOWN.with_borrow_mut(|known| *known.entry((log, chain)).or_insert_with(|| person::person_of(GROUP, log, endorse)))
}

/// An entry as the fold takes it, with its signatures checked; each action of each log once.
pub fn act(id: EntryId, log: LogId, action: Option<&Action>) -> Act {
    thread_local!(static KNOWN: RefCell<Checked> = RefCell::default());
    let Some(action @ (Action::Endorse(_) | Action::Admit(_) | Action::Request(_))) = action else {
        return Act::checked(GROUP, id, log, action);
    };
    let key = (log, action.kind().0, action.encode());
    let known = KNOWN.with_borrow_mut(|known| {
        known.entry(key).or_insert_with(|| Act::checked(GROUP, id, log, Some(action))).clone()
    });
    Act { id, ..known }
}
