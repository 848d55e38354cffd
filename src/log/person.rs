//! Whose log it is: a pure function of the log's own first entries.

use super::keys::{LogKey, verify_next_log, verify_transport};
use crate::model::action::{Endorse, PersonLink};
use crate::model::id::{GroupId, LogId, PersonId};

/// The log that continues a person, with the chain of keys that leads to it.
///
/// # Errors
/// Never; the chain is bounded by whoever extends it.
#[must_use]
pub fn endorse(group: GroupId, log: &LogKey, transport: &LogKey, before: &[LogKey]) -> Endorse {
    let nexts = before.iter().skip(1).map(LogKey::id).chain([log.id()]);
    let person = before
        .iter()
        .zip(nexts)
        .map(|(key, next)| PersonLink { log: key.id(), signature: key.sign_next_log(group, next) })
        .collect();
    Endorse { transport: transport.id().0, transport_sig: transport.sign_transport(group, log.id()), person }
}

/// An endorsement by this transport key with a chain that was made before.
#[must_use]
pub fn endorse_with(group: GroupId, log: LogId, transport: &LogKey, chain: Vec<PersonLink>) -> Endorse {
    Endorse { transport: transport.id().0, transport_sig: transport.sign_transport(group, log), person: chain }
}

/// A chain that goes one log further: `by`, to which `chain` leads, names `next`.
#[must_use]
pub fn extend(group: GroupId, chain: &[PersonLink], by: &LogKey, next: LogId) -> Vec<PersonLink> {
    let link = PersonLink { log: by.id(), signature: by.sign_next_log(group, next) };
    chain.iter().cloned().chain([link]).collect()
}

/// The person that a chain proves for `log`; `None` when it is empty or does not hold.
#[must_use]
pub fn person_by(group: GroupId, log: LogId, chain: &[PersonLink]) -> Option<PersonId> {
    let nexts = chain.iter().skip(1).map(|l| l.log).chain([log]);
    let holds =
        chain.iter().zip(nexts).all(|(link, next)| verify_next_log(link.log, group, next, &link.signature).is_ok());
    chain.first().filter(|_| holds).map(|first| PersonId::from(first.log))
}

/// The person that an endorsement proves for `log`; the log's own when the chain is empty or does not hold.
#[must_use]
pub fn person_of(group: GroupId, log: LogId, endorse: &Endorse) -> PersonId {
    person_by(group, log, &endorse.person).unwrap_or(PersonId::from(log))
}

/// The transport key that an endorsement proves for `log`, if it does.
#[must_use]
pub fn transport_of(group: GroupId, log: LogId, endorse: &Endorse) -> Option<[u8; 32]> {
    verify_transport(endorse.transport, group, log, &endorse.transport_sig).ok().map(|()| endorse.transport)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_logs_leads_to_the_first_and_a_forged_one_to_nobody_else() {
        let group = GroupId([1; 32]);
        let keys: Vec<_> = (0..4).map(|n| LogKey::from_seed(&[n; 32])).collect();
        let good = endorse(group, &keys[2], &keys[3], &keys[..2]);
        assert_eq!(person_of(group, keys[2].id(), &good), PersonId::from(keys[0].id()));
        assert_eq!(transport_of(group, keys[2].id(), &good), Some(keys[3].id().0));
        // A chain grows link by link, and the last one is needed.
        let chain = extend(group, &extend(group, &[], &keys[0], keys[1].id()), &keys[1], keys[2].id());
        assert_eq!(endorse_with(group, keys[2].id(), &keys[3], chain.clone()), good);
        assert_eq!(person_by(group, keys[2].id(), &chain), Some(PersonId::from(keys[0].id())));
        assert_eq!(person_by(group, keys[2].id(), &chain[..1]), None);
        assert_eq!(person_by(group, keys[0].id(), &[]), None);
        // Another log can not take the chain over, nor can it be replayed in another group.
        assert_eq!(person_of(group, keys[3].id(), &good), PersonId::from(keys[3].id()));
        assert_eq!(person_of(GroupId([2; 32]), keys[2].id(), &good), PersonId::from(keys[2].id()));
        assert_eq!(transport_of(group, keys[1].id(), &good), None);
    }
}
