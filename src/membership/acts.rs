//! The control entries of a group, each with what was checked of it once: signatures, chains, proofs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::fold::Fold;
use super::graph::Graph;
use super::members::Members;
use crate::log::{keys, person};
use crate::model::action::{Action, GroupKind, Redeemed, Request};
use crate::model::id::{EntryId, GroupId, InviteId, LogId, PersonId};

/// A control entry as the fold looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The entry.
    pub id: EntryId,
    /// The log that it stands in.
    pub log: LogId,
    /// What it says; `None` when it does not read here: then it only carries causality.
    pub action: Option<Action>,
    /// For an admission or a request: whether the proof that it brings is the invite key's, over the person's first log;
    /// for a request, if the log that it stands in is that.
    pub proven: bool,
    /// For an endorsement: the person that it proves.
    pub person: Option<PersonId>,
}

impl Act {
    /// Checks the signatures that a control entry of an authentic log brings.
    #[must_use]
    pub fn checked(group: GroupId, id: EntryId, log: LogId, action: Option<&Action>) -> Self {
        let (mut proven, mut person) = (false, None);
        match action {
            Some(Action::Endorse(endorse)) => person = Some(person::person_of(group, log, endorse)),
            Some(Action::Request(request)) => proven = proves(group, request.invite, log.into(), &request.proof),
            Some(Action::Admit(admit)) => {
                let by_invite = |r: &Redeemed| proves(group, r.invite, admit.person, &r.proof);
                proven = admit.invite.as_ref().is_none_or(by_invite);
            }
            _ => {}
        }
        Self { id, log, action: action.cloned(), proven, person }
    }
}

fn proves(group: GroupId, invite: InviteId, person: PersonId, proof: &[u8; 64]) -> bool {
    keys::verify_invite(invite, group, LogId(person.0), proof).is_ok()
}

/// A log as its endorsement introduces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endorsed {
    /// The number of the endorsement.
    pub act: usize,
    pub person: PersonId,
    /// The logs of the chain that leads to it.
    pub via: Vec<LogId>,
}

/// All control entries of a group that are known.
#[derive(Debug, Clone)]
pub struct Acts {
    pub(super) group: GroupId,
    pub(super) graph: Graph,
    pub(super) acts: Vec<Act>,
    /// The endorsements of each log: nearly always one.
    pub(super) endorsed: BTreeMap<LogId, Vec<Endorsed>>,
    pub(super) kind: Option<GroupKind>,
    /// The founder, and people that an admission or a role of somebody mentioned names, whether that counts or not.
    mentioned: BTreeSet<PersonId>,
    /// Whom people that nobody mentioned name, by who names them: they are mentioned once the author is.
    unheard: BTreeMap<PersonId, BTreeSet<PersonId>>,
    /// Invites that an entry makes, whether that counts or not.
    invites: BTreeSet<InviteId>,
    /// Logs that ask to be let in.
    asking: BTreeSet<LogId>,
    /// Whether requests in logs that are not their person's first bring its proof; each is checked once.
    linked: RefCell<BTreeMap<(EntryId, PersonId), bool>>,
}

impl Acts {
    /// None yet.
    #[must_use]
    pub fn new(group: GroupId) -> Self {
        Self {
            group,
            graph: Graph::default(),
            acts: vec![],
            endorsed: BTreeMap::new(),
            kind: None,
            mentioned: BTreeSet::new(),
            unheard: BTreeMap::new(),
            invites: BTreeSet::new(),
            asking: BTreeSet::new(),
            linked: RefCell::default(),
        }
    }

    /// Adds a control entry of an authentic log, read by `log::keys`, which reads one founding of a group only. True when it may change who belongs; false when it only introduces a
    /// log, carries keys, or was here before.
    pub fn add(&mut self, id: EntryId, log: LogId, names: &[EntryId], action: Option<&Action>) -> bool {
        !self.has(id) && self.add_checked(names, Act::checked(self.group, id, log, action))
    }

    /// As [`Acts::add`], with what was checked before, under this group's id.
    pub fn add_checked(&mut self, names: &[EntryId], act: Act) -> bool {
        let Some(number) = self.graph.add(act.id, names) else { return false };
        let log = act.log;
        match &act.action {
            Some(Action::Genesis(genesis)) => {
                self.kind = Some(genesis.kind);
                self.mention(log.into());
            }
            Some(Action::Invite(invite)) => drop(self.invites.insert(invite.invite)),
            Some(Action::SetRole(set)) => self.name(log, set.person),
            Some(Action::Endorse(endorse)) => {
                let person = act.person.unwrap_or(log.into());
                let holds = person != PersonId::from(log);
                let via = if holds { endorse.person.iter().map(|l| l.log).collect() } else { vec![] };
                self.endorsed.entry(log).or_default().push(Endorsed { act: number, person, via });
                // What came of this log before it was known whose it is.
                for named in self.unheard.get(&log.into()).cloned().unwrap_or_default() {
                    self.name(log, named);
                }
            }
            Some(Action::Request(_)) => drop(self.asking.insert(log)),
            Some(Action::Admit(admit)) => self.name(log, admit.person),
            _ => {}
        }
        let decides = !matches!(act.action, Some(Action::Seals(_) | Action::AskKeys(_)));
        self.acts.push(act);
        decides
    }

    /// Somebody names a person. It is heard when its author is mentioned: whoever was never let in must not get everything
    /// stored that it or its friends write. What is mentioned at last does not depend on the order.
    fn name(&mut self, by: LogId, named: PersonId) {
        let holders = self.endorsed.get(&by).into_iter().flatten().map(|e| e.person);
        let authors: BTreeSet<PersonId> = holders.chain([by.into()]).collect();
        if authors.iter().any(|author| self.mentioned.contains(author)) {
            return self.mention(named);
        }
        for author in authors {
            self.unheard.entry(author).or_default().insert(named);
        }
    }

    fn mention(&mut self, person: PersonId) {
        let mut next = vec![person];
        while let Some(person) = next.pop() {
            if self.mentioned.insert(person) {
                next.extend(self.unheard.remove(&person).unwrap_or_default());
            }
        }
    }

    /// Whether an admission or a role of somebody mentioned names a person, rightly or not. It never becomes false again.
    #[must_use]
    pub fn mentions(&self, person: PersonId) -> bool {
        self.mentioned.contains(&person)
    }

    /// Whether a request of this person brings the proof of an invite that somebody made, taken back or not.
    #[must_use]
    pub fn is_asked_well(&self, person: PersonId, request: &Request) -> bool {
        self.invites.contains(&request.invite) && proves(self.group, request.invite, person, &request.proof)
    }

    /// Whether a request brings the proof for a person.
    pub(super) fn is_proven_for(&self, act: &Act, request: &Request, person: PersonId) -> bool {
        if person == PersonId::from(act.log) {
            return act.proven;
        }
        let check = || proves(self.group, request.invite, person, &request.proof);
        *self.linked.borrow_mut().entry((act.id, person)).or_insert_with(check)
    }

    /// How many logs ask, or asked, to be let in and are not mentioned by anybody.
    #[must_use]
    pub fn asking(&self) -> usize {
        self.asking.iter().filter(|log| !self.mentioned.contains(&PersonId::from(**log))).count()
    }

    /// What all of them mean together.
    #[must_use]
    pub fn fold(&self) -> Members {
        Fold::run(self)
    }

    /// The heads that a new entry names.
    #[must_use]
    pub fn to_name(&self) -> Vec<EntryId> {
        self.graph.to_name()
    }

    /// The transport key that a log's endorsement proves; `None` when it proves none.
    #[must_use]
    pub fn transport_of(&self, log: LogId) -> Option<[u8; 32]> {
        let proven = |e: &Endorsed| match &self.acts[e.act].action {
            Some(Action::Endorse(endorse)) => person::transport_of(self.group, log, endorse),
            _ => None,
        };
        self.endorsed.get(&log)?.iter().find_map(proven)
    }

    /// How many entries nothing names.
    #[must_use]
    pub fn heads(&self) -> usize {
        self.graph.heads()
    }

    /// Whether everything that is named has come.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.graph.is_complete()
    }

    /// Open or closed; `None` while the genesis entry has not come.
    #[must_use]
    pub fn kind(&self) -> Option<GroupKind> {
        self.kind
    }

    /// Whether this entry is among them.
    #[must_use]
    pub fn has(&self, id: EntryId) -> bool {
        self.graph.number(id).is_some()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.acts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.acts.is_empty()
    }
}
