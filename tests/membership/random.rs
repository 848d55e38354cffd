//! Random histories: several people with several devices each, every one acting on what it happens to have seen.

use studymesh::model::action::{
    Accept, Action, Admit, AskKeys, Cut, Epoch, Genesis, GroupKind, Hide, Invite, Quota, Redeemed, Refuse, Remove,
    Request, Revoke, Role, Sealed, Seals, SetRole, Subject, Wrapped,
};
use studymesh::model::id::{EntryId, EpochId, LogId, PersonId};

use crate::cast::{self, DEVICES, INVITES, NAMES, cast};
use crate::story::{Entry, History};

/// Numbers from a seed (SplitMix64).
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.number() % n.max(1) as u64).expect("below a usize")
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }
}

/// Where someone writes: a log, and what of the history was seen there.
struct Replica {
    person: usize,
    device: usize,
    seen: Vec<bool>,
    introduced: bool,
}

struct Stage {
    dice: Dice,
    history: History,
    replicas: Vec<Replica>,
    /// How many people take part.
    people: usize,
    /// How often somebody names other heads than those it has, in percent.
    ill: usize,
    epochs: u8,
    /// What people do most, as numbers that `action` draws.
    theme: &'static [usize],
}

/// Handing over and giving up; devices; invites; removals and roles; keys; nothing in particular.
const THEMES: [&[usize]; 6] = [
    &[50, 51, 52, 53, 68, 56, 38],
    &[71, 72, 75, 76, 77, 96, 56, 50],
    &[0, 8, 12, 18, 19, 20, 21, 68],
    &[38, 56, 30],
    &[56, 86, 91, 94],
    &[],
];

/// A history from a seed.
pub fn history(seed: u64) -> History {
    let mut dice = Dice::new(seed);
    let people = 3 + dice.below(NAMES.len() - 2);
    let replicas = (0..people).flat_map(|person| (0..DEVICES).map(move |device| (person, device)));
    let replicas =
        replicas.map(|(person, device)| Replica { person, device, seen: vec![], introduced: false }).collect();
    let ill = dice.pick(&[0, 0, 5, 15, 40]);
    let theme = dice.pick(&THEMES);
    let mut stage = Stage { dice, history: vec![], replicas, people, ill, epochs: 0, theme };
    stage.found();
    stage.begin();
    let acts = match stage.dice.below(10) {
        0..5 => 3 + stage.dice.below(8),
        5..9 => 6 + stage.dice.below(14),
        _ => 12 + stage.dice.below(22),
    };
    for _ in 0..acts {
        stage.step();
    }
    stage.history
}

impl Stage {
    fn found(&mut self) {
        let kind = if self.dice.percent(25) { GroupKind::Open } else { GroupKind::Closed };
        self.write_as(0, vec![], Some(Action::Genesis(Genesis { kind, salt: [0; 16] })));
        self.introduce(0);
    }

    /// A quiet beginning that everybody sees: most interesting quarrels need people with rights.
    fn begin(&mut self) {
        for _ in 0..self.dice.below(7) {
            let person = cast().person(1 + self.dice.below(self.people - 1));
            let role =
                self.dice.pick(&[Role::Admin, Role::Admin, Role::Member, Role::Member, Role::Reader, Role::Keeper]);
            let action = match self.dice.below(6) {
                0 => self.invite(),
                1 => Action::SetRole(SetRole { person, role, cut: vec![] }),
                _ => Action::Admit(Admit { person, role, invite: None }),
            };
            self.write_as(0, self.heads_of(0), Some(action));
        }
        let all = vec![true; self.history.len()];
        self.replicas.iter_mut().for_each(|r| r.seen.clone_from(&all));
    }

    fn step(&mut self) {
        let actor = self.actor();
        for _ in 0..self.dice.pick(&[0, 0, 1, 1, 2, 4]) {
            self.merge(actor);
        }
        if !self.replicas[actor].introduced && self.dice.percent(95) {
            self.introduce(actor);
            if self.dice.percent(60) {
                return;
            }
        }
        let names = if self.dice.percent(self.ill) { self.wild_heads(actor) } else { self.heads_of(actor) };
        let action = self.action(actor);
        self.write_as(actor, names, action);
    }

    /// First devices act most.
    fn actor(&mut self) -> usize {
        let person = if self.dice.percent(15) { 0 } else { self.dice.below(self.people) };
        let device = self.dice.pick(&[0, 0, 0, 1, 1, 2]);
        person * DEVICES + device
    }

    fn merge(&mut self, into: usize) {
        let from = self.dice.below(self.replicas.len());
        if from == into {
            return;
        }
        let seen = self.replicas[from].seen.clone();
        for (at, seen) in seen.into_iter().enumerate() {
            let own = &mut self.replicas[into].seen;
            if own.len() <= at {
                own.resize(at + 1, false);
            }
            own[at] |= seen;
        }
    }

    fn has_seen(&self, replica: usize, at: usize) -> bool {
        self.replicas[replica].seen.get(at).copied().unwrap_or(false)
    }

    fn heads_of(&self, replica: usize) -> Vec<EntryId> {
        let seen: Vec<&Entry> =
            self.history.iter().enumerate().filter(|(at, _)| self.has_seen(replica, *at)).map(|(_, e)| e).collect();
        let named = |id: EntryId| seen.iter().any(|e| e.names.contains(&id));
        seen.iter().map(|e| e.id).filter(|id| !named(*id)).collect()
    }

    /// What somebody may claim to have seen: old heads, few of them, or some that nobody knows.
    fn wild_heads(&mut self, replica: usize) -> Vec<EntryId> {
        let mut names = vec![];
        for _ in 0..self.dice.below(3) {
            let at = self.dice.below(self.history.len());
            if self.has_seen(replica, at) {
                names.push(self.history[at].id);
            }
        }
        if self.dice.percent(5) {
            names.push(EntryId([9; 32]));
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    fn write_as(&mut self, replica: usize, names: Vec<EntryId>, action: Option<Action>) {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&self.dice.number().to_be_bytes());
        let log = self.log(replica);
        self.history.push(Entry { id: EntryId(id), log, names, action });
        let seen = &mut self.replicas[replica].seen;
        seen.resize(self.history.len(), false);
        seen[self.history.len() - 1] = true;
    }

    fn log(&self, replica: usize) -> LogId {
        let Replica { person, device, .. } = self.replicas[replica];
        cast().logs[person][device]
    }

    fn introduce(&mut self, replica: usize) {
        self.replicas[replica].introduced = true;
        let ways = &cast().endorsements[&self.log(replica)];
        let way = if self.dice.percent(85) { 0 } else { self.dice.below(ways.len()) };
        let names = if self.dice.percent(self.ill) { self.wild_heads(replica) } else { self.heads_of(replica) };
        self.write_as(replica, names, Some(Action::Endorse(ways[way].clone())));
    }

    fn someone(&mut self) -> PersonId {
        if self.dice.percent(2) {
            return cast().logs[self.dice.below(self.people)][1].into();
        }
        cast().person(self.dice.below(self.people))
    }

    fn any_log(&mut self) -> LogId {
        let device = self.dice.pick(&[0, 0, 1, 1, 2]);
        cast().logs[self.dice.below(self.people)][device]
    }

    fn role(&mut self) -> Role {
        self.dice.pick(&[Role::Keeper, Role::Reader, Role::Member, Role::Member, Role::Admin, Role::Admin])
    }

    fn cut(&mut self) -> Vec<Cut> {
        let cut = |dice: &mut Dice, log| {
            let seq = u8::try_from(dice.below(4)).expect("small");
            Cut { log, seq: seq.into(), id: EntryId([seq; 32]) }
        };
        (0..self.dice.below(3))
            .map(|_| {
                let log = self.any_log();
                cut(&mut self.dice, log)
            })
            .collect()
    }

    fn contents(&mut self) -> Vec<EntryId> {
        (0..self.dice.below(3)).map(|_| EntryId([100 + u8::try_from(self.dice.below(3)).expect("small"); 32])).collect()
    }

    fn invite(&mut self) -> Action {
        let invite = cast().invites[self.dice.below(INVITES)].id;
        let role = self.role();
        let uses = self.dice.pick(&[0, 1, 1, 1, 2]);
        let approve = self.dice.percent(20);
        let request_key = vec![];
        Action::Invite(Invite { invite, role, uses, expires_ms: 0, approve, epoch: EpochId::ZERO, request_key })
    }

    /// An invite that was seen to be made, or any.
    fn known_invite(&mut self, replica: usize) -> (usize, Role) {
        let made = self.history.iter().enumerate().filter(|(at, _)| self.has_seen(replica, *at));
        let made: Vec<(usize, Role)> = made
            .filter_map(|(_, e)| match &e.action {
                Some(Action::Invite(i)) => Some((cast().invites.iter().position(|c| c.id == i.invite)?, i.role)),
                _ => None,
            })
            .collect();
        if made.is_empty() || self.dice.percent(4) {
            return (self.dice.below(INVITES), self.role());
        }
        self.dice.pick(&made)
    }

    fn known_epoch(&mut self) -> EpochId {
        EpochId([u8::try_from(self.dice.below(usize::from(self.epochs) + 1)).expect("few"); 32])
    }

    fn seals(&mut self, epoch: Option<EpochId>) -> Vec<Sealed> {
        (0..self.dice.below(4))
            .map(|_| {
                let epoch = epoch.unwrap_or_else(|| self.known_epoch());
                Sealed { epoch, log: self.any_log(), key: vec![0; 80] }
            })
            .collect()
    }

    fn themed(&mut self) -> usize {
        if self.theme.is_empty() { self.dice.below(100) } else { self.dice.pick(self.theme) }
    }

    /// What somebody does next; nothing that reads, now and then.
    fn action(&mut self, replica: usize) -> Option<Action> {
        let me = cast().person(self.replicas[replica].person);
        let what = if self.dice.percent(50) { self.dice.below(100) } else { self.themed() };
        Some(match what {
            0..8 => self.invite(),
            8..12 => Action::Revoke(Revoke { invite: cast().invites[self.known_invite(replica).0].id }),
            12..18 => {
                let (invite, _) = self.known_invite(replica);
                let good = self.dice.percent(95);
                let proof = if good { cast().invites[invite].proofs[self.replicas[replica].person] } else { [3; 64] };
                Action::Request(Request { invite: cast().invites[invite].id, proof, name: vec![] })
            }
            18..30 => {
                let (invite, role) = self.known_invite(replica);
                let person = self.dice.below(self.people);
                let role = if self.dice.percent(4) { self.role() } else { role };
                let whose = if self.dice.percent(4) { self.dice.below(self.people) } else { person };
                let redeemed =
                    Redeemed { invite: cast().invites[invite].id, proof: cast().invites[invite].proofs[whose] };
                Action::Admit(Admit { person: cast().person(person), role, invite: Some(redeemed) })
            }
            30..36 => Action::Admit(Admit { person: self.someone(), role: self.role(), invite: None }),
            36..38 => Action::Refuse(Refuse { person: self.someone() }),
            38..50 => {
                let person = if self.dice.percent(10) { me } else { self.someone() };
                let role = self.role();
                Action::SetRole(SetRole { person, role, cut: self.cut() })
            }
            50..56 => Action::SetRole(SetRole { person: self.someone(), role: Role::Owner, cut: vec![] }),
            56..68 => Action::Remove(Remove { subject: Subject::Person(self.someone()), cut: self.cut() }),
            68..71 => Action::Remove(Remove { subject: Subject::Person(me), cut: self.cut() }),
            71..75 => Action::Remove(Remove { subject: Subject::Device(self.any_log()), cut: self.cut() }),
            75..79 => {
                let own = cast().logs[self.replicas[replica].person][self.dice.below(DEVICES)];
                Action::Remove(Remove { subject: Subject::Device(own), cut: self.cut() })
            }
            79..81 => Action::Accept(Accept { entries: self.contents() }),
            81..84 => Action::Hide(Hide { entries: self.contents(), hidden: self.dice.percent(60) }),
            84..86 => {
                let mut limit = || u64::try_from(self.dice.below(4)).expect("small");
                Action::Quota(Quota { entries: limit(), bytes: limit() })
            }
            86..91 => {
                if self.dice.percent(90) {
                    self.epochs = self.epochs.saturating_add(1);
                }
                let epoch = EpochId([self.epochs; 32]);
                let parents =
                    (0..self.dice.below(2)).map(|_| Wrapped { epoch: self.known_epoch(), key: vec![] }).collect();
                Action::Epoch(Epoch { epoch, parents, seals: self.seals(Some(epoch)) })
            }
            91..94 => Action::Seals(Seals { seals: self.seals(None) }),
            94..96 => {
                let epochs = (0..self.dice.below(3)).map(|_| self.known_epoch()).collect();
                Action::AskKeys(AskKeys { epochs })
            }
            96..98 => {
                // The log says once more whose it is.
                let ways = &cast().endorsements[&self.log(replica)];
                Action::Endorse(self.dice.pick(ways))
            }
            98 => return None,
            _ => Action::Accept(Accept { entries: vec![] }),
        })
    }
}

/// The history, and a few more acts of somebody who names whatever pleases, though never what came after `before`.
pub fn continued(history: &[Entry], person: usize, seen: &[bool], seed: u64) -> History {
    let dice = Dice::new(seed ^ 0x5eed);
    let replicas = (0..DEVICES).map(|device| Replica { person, device, seen: seen.to_vec(), introduced: true });
    let epochs = history.iter().filter(|e| matches!(e.action, Some(Action::Epoch(_)))).count();
    let mut stage = Stage {
        dice,
        history: history.to_vec(),
        replicas: replicas.collect(),
        people: NAMES.len(),
        ill: 0,
        epochs: 100 + u8::try_from(epochs).expect("histories are short"),
        theme: &[],
    };
    for _ in 0..3 {
        let actor = stage.dice.below(DEVICES);
        let names = if stage.dice.percent(70) { stage.wild_heads(actor) } else { stage.heads_of(actor) };
        let action = stage.action(actor);
        stage.write_as(actor, names, action);
    }
    stage.history
}

/// The history without some entries: who named one of them names what it named.
pub fn without(history: &[Entry], drop: impl Fn(usize) -> bool) -> History {
    let mut out: History = vec![];
    let mut instead: std::collections::BTreeMap<EntryId, Vec<EntryId>> = std::collections::BTreeMap::new();
    for (at, entry) in history.iter().enumerate() {
        let mut names: Vec<EntryId> =
            entry.names.iter().flat_map(|n| instead.get(n).cloned().unwrap_or_else(|| vec![*n])).collect();
        names.sort_unstable();
        names.dedup();
        if drop(at) {
            instead.insert(entry.id, names);
        } else {
            out.push(Entry { names, ..entry.clone() });
        }
    }
    out
}

/// The entries in another order, as they may come from the network.
pub fn folded(history: &[Entry], order: &[usize]) -> studymesh::membership::Members {
    let mut acts = studymesh::membership::Acts::new(cast::GROUP);
    for at in order {
        let Entry { id, log, names, action } = &history[*at];
        acts.add_checked(names, cast::act(*id, *log, action.as_ref()));
    }
    acts.fold()
}
