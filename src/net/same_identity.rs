//! Noticing that another node has our PeerId: the data directory was copied.
//!
//! A dial that ends at our own PeerId may also just have come back to ourselves: an old address of ours in a ticket, or
//! the outside of our own router. Then the same connection arrives here, too, and fails here, too. So what goes out and what
//! comes in cancel each other, and only what stays alone for [`GRACE`] is told.
//!
//! Over QUIC both sides learn whom they met. Over TCP the dialling side hangs up so early that the other one only sees a
//! handshake that broke off: there only the one that dials notices, which is enough.

use std::time::Duration;

use libp2p::Multiaddr;
use tokio::time::Instant;

/// How long the other end of a connection to ourselves may take to show.
pub const GRACE: Duration = Duration::from_secs(3);
/// Most sightings of one kind that wait; more at a time say nothing new.
const MAX_WAITING: usize = 16;

/// Connections whose other end had our PeerId, not told yet.
#[derive(Debug, Default)]
pub(super) struct SameIdentity {
    dialled: Vec<(Instant, Multiaddr)>,
    accepted: Vec<(Instant, Multiaddr)>,
    broken: Vec<Instant>,
}

impl SameIdentity {
    /// A connection that we dialled ended at our own PeerId.
    pub fn dialled(&mut self, now: Instant, address: Multiaddr) {
        self.forget_broken(now);
        let own = oldest(&mut self.accepted).is_some() || oldest(&mut self.broken).is_some();
        if !own && self.dialled.len() < MAX_WAITING {
            self.dialled.push((now, address));
        }
    }

    /// A connection that came in was from our own PeerId.
    pub fn accepted(&mut self, now: Instant, address: Multiaddr) {
        if oldest(&mut self.dialled).is_none() && self.accepted.len() < MAX_WAITING {
            self.accepted.push((now, address));
        }
    }

    /// A connection that came in broke off before we knew from whom it was.
    pub fn broken(&mut self, now: Instant) {
        self.forget_broken(now);
        if oldest(&mut self.dialled).is_none() && self.broken.len() < MAX_WAITING {
            self.broken.push(now);
        }
    }

    /// What has stayed alone: somebody else has our PeerId.
    pub fn alone(&mut self, now: Instant) -> Vec<Multiaddr> {
        let mut alone = vec![];
        for side in [&mut self.dialled, &mut self.accepted] {
            side.retain(|(since, address)| {
                let waits = now.saturating_duration_since(*since) < GRACE;
                if !waits {
                    alone.push(address.clone());
                }
                waits
            });
        }
        alone
    }

    fn forget_broken(&mut self, now: Instant) {
        self.broken.retain(|since| now.saturating_duration_since(*since) < GRACE);
    }
}

/// Takes the oldest out: both ends of a connection show in the order of the connections.
fn oldest<T>(waiting: &mut Vec<T>) -> Option<T> {
    (!waiting.is_empty()).then(|| waiting.remove(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_to_ourselves_is_not_taken_for_a_copy() {
        let (mut same, now) = (SameIdentity::default(), Instant::now());
        let (address, soon): (Multiaddr, _) = ("/ip4/1.2.3.4/tcp/5".parse().unwrap(), now + GRACE / 2);
        same.dialled(now, address.clone());
        same.accepted(soon, address.clone());
        same.accepted(now, address.clone());
        same.dialled(soon, address.clone());
        same.dialled(now, address.clone());
        same.broken(soon);
        same.broken(now);
        same.dialled(soon, address);
        assert_eq!(same.alone(now + 9 * GRACE), []);
    }

    #[test]
    fn of_a_copy_and_a_connection_to_ourselves_at_once_the_copy_is_told() {
        let (mut same, now) = (SameIdentity::default(), Instant::now());
        let [own, copy] = ["/ip4/1.2.3.4/tcp/5", "/ip4/1.2.3.4/tcp/6"].map(|a| a.parse::<Multiaddr>().unwrap());
        same.dialled(now, own);
        same.dialled(now, copy.clone());
        same.broken(now);
        assert_eq!(same.alone(now + GRACE), [copy]);
    }

    #[test]
    fn what_stays_alone_is_a_copy_and_is_told_once() {
        let (mut same, now) = (SameIdentity::default(), Instant::now());
        let address: Multiaddr = "/ip4/1.2.3.4/tcp/5".parse().unwrap();
        same.broken(now);
        let now = now + GRACE;
        same.dialled(now, address.clone());
        assert_eq!(same.alone(now + GRACE / 2), []);
        assert_eq!(same.alone(now + GRACE), std::slice::from_ref(&address));
        assert_eq!(same.alone(now + GRACE), []);
        same.accepted(now, address.clone());
        assert_eq!(same.alone(now + GRACE), [address]);
        same.broken(now);
        assert_eq!(same.alone(now + GRACE), [], "somebody who hung up is no copy");
    }
}
