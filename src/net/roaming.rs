//! This machine's addresses change: an interface goes down, another network comes up.
//!
//! Connections over an address that is gone are closed at once instead of being waited for, what was found out about the
//! way from the internet is found out anew, and a moment later, when all changes have come in, everybody who could not be
//! reached before is tried again.

use std::time::Duration;

use libp2p::Multiaddr;
use tokio::time::Instant;

use super::address;
use super::shell::Shell;

/// How long after the first change of an address the others are waited for.
pub const SETTLE: Duration = Duration::from_secs(1);

impl Shell {
    /// An address was added or is gone.
    pub(super) fn address_changed(&mut self, now: Instant) {
        self.settled.get_or_insert(now + SETTLE);
    }

    /// An address that was listened on is gone. Without its like, connections over it are dead.
    pub(super) fn address_gone(&mut self, now: Instant, gone: &Multiaddr) {
        self.address_changed(now);
        let Some(ip) = address::ip(gone) else { return };
        if self.reach.listen().iter().any(|other| address::ip(other) == Some(ip)) {
            return;
        }
        let dead = self.connections.at_local(ip);
        if !dead.is_empty() {
            tracing::info!(%ip, connections = dead.len(), "an address of this machine is gone");
            self.reach.forget_tested();
        }
        for id in dead {
            self.drop_connection(id);
        }
    }

    /// Tries everything again once the changes are in.
    pub(super) fn settle(&mut self, now: Instant) {
        if self.settled.take_if(|at| *at <= now).is_none() {
            return;
        }
        self.bootstrap.retry(now);
        self.relays.retry(now);
        self.upgrades.retry(now);
        self.tests.soon(now);
        self.provided.moved(now);
        self.search_router(now);
    }
}
