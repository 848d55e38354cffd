//! A history of control entries, and how it reads to a person.

use std::fmt::Write as _;

use studymesh::model::action::{Action, Role, Subject};
use studymesh::model::id::{EntryId, EpochId, InviteId, LogId, PersonId};

use crate::cast::cast;

/// A control entry: who wrote it, what it names, what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: EntryId,
    pub log: LogId,
    pub names: Vec<EntryId>,
    pub action: Option<Action>,
}

/// Entries in the order in which they were written.
pub type History = Vec<Entry>;

/// A log by its name on the stage, like `Bo/2`.
pub fn log_name(log: LogId) -> String {
    cast().name_of(log).unwrap_or_else(|| format!("log {}", log.short()))
}

/// A person by the name of its first log, like `Bo`.
pub fn person_name(person: PersonId) -> String {
    let name = log_name(LogId(person.0));
    name.strip_suffix("/1").map_or(name.clone(), str::to_owned)
}

/// An invite by its letter.
pub fn invite_name(invite: InviteId) -> String {
    match cast().invites.iter().position(|i| i.id == invite) {
        Some(at) => format!("invite {}", char::from(b'A' + u8::try_from(at).expect("there are few"))),
        None => format!("invite {}", invite.short()),
    }
}

fn epoch_name(epoch: EpochId) -> String {
    format!("epoch {}", epoch.0[0])
}

/// The whole history, one entry a line.
pub fn tell(history: &[Entry]) -> String {
    let mut out = String::new();
    for (at, entry) in history.iter().enumerate() {
        let number = |id: &EntryId| history.iter().position(|e| e.id == *id).map_or("?".into(), |n| n.to_string());
        let names: Vec<String> = entry.names.iter().map(number).collect();
        let says = entry.action.as_ref().map_or("(does not read)".to_owned(), says);
        let _ = writeln!(
            out,
            "{at:>3} [{}] after {:<9} {:<6} {says}",
            entry.id.short(),
            names.join(","),
            log_name(entry.log)
        );
    }
    out
}

fn role(role: Role) -> &'static str {
    role.as_str()
}

fn says(action: &Action) -> String {
    match action {
        Action::Genesis(a) => format!("founds a group, {:?}", a.kind),
        Action::Endorse(a) if a.person.is_empty() => "introduces itself".into(),
        Action::Endorse(a) => {
            let chain: Vec<String> = a.person.iter().map(|l| log_name(l.log)).collect();
            format!("introduces itself, linked by {}", chain.join(" > "))
        }
        Action::Invite(a) => format!(
            "makes {} to {}, {} uses{}",
            invite_name(a.invite),
            role(a.role),
            a.uses,
            if a.approve { ", to be approved" } else { "" }
        ),
        Action::Revoke(a) => format!("takes {} back", invite_name(a.invite)),
        Action::Request(a) => format!("asks with {}", invite_name(a.invite)),
        Action::Admit(a) => match &a.invite {
            Some(r) => format!("admits {} as {} by {}", person_name(a.person), role(a.role), invite_name(r.invite)),
            None => format!("admits {} as {}", person_name(a.person), role(a.role)),
        },
        Action::Refuse(a) => format!("refuses {}", person_name(a.person)),
        Action::SetRole(a) => format!("makes {} {}, {} cuts", person_name(a.person), role(a.role), a.cut.len()),
        Action::Remove(a) => match a.subject {
            Subject::Person(p) => format!("removes {}, {} cuts", person_name(p), a.cut.len()),
            Subject::Device(l) => format!("removes the device {}, {} cuts", log_name(l), a.cut.len()),
        },
        Action::Accept(a) => format!("accepts {:?}", a.entries),
        Action::Hide(a) => format!("{} {:?}", if a.hidden { "hides" } else { "shows" }, a.entries),
        Action::Quota(a) => format!("sets the quota to {} entries, {} bytes", a.entries, a.bytes),
        Action::Epoch(a) => {
            let to: Vec<String> = a.seals.iter().map(|s| log_name(s.log)).collect();
            let after: Vec<String> = a.parents.iter().map(|p| epoch_name(p.epoch)).collect();
            format!("begins {} after {after:?}, sealed to {to:?}", epoch_name(a.epoch))
        }
        Action::Seals(a) => {
            let to: Vec<String> =
                a.seals.iter().map(|s| format!("{} to {}", epoch_name(s.epoch), log_name(s.log))).collect();
            format!("seals {to:?}")
        }
        Action::AskKeys(a) => format!("asks for {:?}", a.epochs.iter().map(|e| epoch_name(*e)).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}
