//! One act of membership of every kind, with the bytes that it is made of, for the frozen vectors.

use studymesh::log::keys::invite_key;
use studymesh::model::action::{
    Accept, Action, Admit, AskKeys, Cut, Epoch, Hide, Invite, Quota, Redeemed, Refuse, Remove, Request, Revoke, Role,
    Sealed, Seals, SetRole, Subject, Wrapped,
};
use studymesh::model::id::{EntryId, EpochId, GroupId, InviteId, LogId, PersonId};
use studymesh::model::limits::SEALED_TO_BYTES;

type Inputs = Vec<(String, Vec<u8>)>;

fn inputs(fields: &[(&str, &[u8])]) -> Inputs {
    fields.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect()
}

/// Every kind from 3 to 15: its name, the act, and its fields as bytes.
pub fn acts(group: GroupId) -> Vec<(&'static str, Action, Inputs)> {
    let secret = [0x51; 16];
    let key = invite_key(&secret);
    let invite = InviteId(key.id().0);
    let (person, log, epoch, earlier) =
        (PersonId([0x52; 32]), LogId([0x53; 32]), EpochId([0x54; 32]), EpochId([0x55; 32]));
    let proof = key.sign_invite(group, LogId(person.0));
    let entries = vec![EntryId([0x56; 32]), EntryId([0x57; 32])];
    let cut = vec![Cut { log, seq: 300, id: EntryId([0x58; 32]) }];
    let sealed = Sealed { epoch, log, key: vec![0x59; SEALED_TO_BYTES] };
    let (request_key, name, wrapped) = (vec![0x5a; 72], vec![0x5b; 40], vec![0x5c; 72]);
    let (uses, expires, seq) = (3u32.to_le_bytes(), 1_700_000_000_000u64.to_le_bytes(), 300u64.to_le_bytes());
    let of_invite: [(&str, &[u8]); 3] = [("group", &group.0), ("secret", &secret), ("person", &person.0)];
    let of_cut: [(&str, &[u8]); 3] = [("cut.0.log", &log.0), ("cut.0.seq", &seq), ("cut.0.id", &[0x58; 32])];
    let of_entries: [(&str, &[u8]); 2] = [("entries.0", &[0x56; 32]), ("entries.1", &[0x57; 32])];
    let of_seal: [(&str, &[u8]); 3] =
        [("seals.0.epoch", &epoch.0), ("seals.0.log", &log.0), ("seals.0.key", &[0x59; SEALED_TO_BYTES])];
    let with = |fields: &[(&str, &[u8])], more: &[(&str, &[u8])]| inputs(&[fields, more].concat());
    vec![
        (
            "Invite",
            Action::Invite(Invite {
                invite,
                role: Role::Member,
                uses: 3,
                expires_ms: 1_700_000_000_000,
                approve: true,
                epoch,
                request_key: request_key.clone(),
            }),
            inputs(&[
                ("secret", &secret),
                ("role", &[2]),
                ("uses", &uses),
                ("expires_ms", &expires),
                ("approve", &[1]),
                ("epoch", &epoch.0),
                ("request_key", &request_key),
            ]),
        ),
        ("Revoke", Action::Revoke(Revoke { invite }), inputs(&[("secret", &secret)])),
        (
            "Request",
            Action::Request(Request { invite, proof, name: name.clone() }),
            with(&of_invite, &[("name", &name)]),
        ),
        (
            "Admit",
            Action::Admit(Admit { person, role: Role::Reader, invite: Some(Redeemed { invite, proof }) }),
            with(&of_invite, &[("role", &[1])]),
        ),
        (
            "Admit without invite",
            Action::Admit(Admit { person, role: Role::Admin, invite: None }),
            inputs(&[("person", &person.0), ("role", &[3])]),
        ),
        ("Refuse", Action::Refuse(Refuse { person }), inputs(&[("person", &person.0)])),
        (
            "SetRole",
            Action::SetRole(SetRole { person, role: Role::Keeper, cut: cut.clone() }),
            with(&[("person", &person.0), ("role", &[0])], &of_cut),
        ),
        (
            "SetRole handing over",
            Action::SetRole(SetRole { person, role: Role::Owner, cut: vec![] }),
            inputs(&[("person", &person.0), ("role", &[4])]),
        ),
        (
            "Remove a person",
            Action::Remove(Remove { subject: Subject::Person(person), cut: cut.clone() }),
            with(&[("subject.person", &person.0)], &of_cut),
        ),
        (
            "Remove a device",
            Action::Remove(Remove { subject: Subject::Device(log), cut: vec![] }),
            inputs(&[("subject.device", &log.0)]),
        ),
        ("Accept", Action::Accept(Accept { entries: entries.clone() }), inputs(&of_entries)),
        (
            "Epoch",
            Action::Epoch(Epoch {
                epoch,
                parents: vec![Wrapped { epoch: earlier, key: wrapped.clone() }],
                seals: vec![sealed.clone()],
            }),
            with(&[("epoch", &epoch.0), ("parents.0.epoch", &earlier.0), ("parents.0.key", &wrapped)], &of_seal),
        ),
        ("Seals", Action::Seals(Seals { seals: vec![sealed] }), inputs(&of_seal)),
        (
            "AskKeys",
            Action::AskKeys(AskKeys { epochs: vec![epoch, earlier] }),
            inputs(&[("epochs.0", &epoch.0), ("epochs.1", &earlier.0)]),
        ),
        ("Hide", Action::Hide(Hide { entries, hidden: true }), with(&of_entries, &[("hidden", &[1])])),
        (
            "Quota",
            Action::Quota(Quota { entries: 300, bytes: 1_700_000_000_000 }),
            inputs(&[("entries", &seq), ("bytes", &expires)]),
        ),
    ]
}
