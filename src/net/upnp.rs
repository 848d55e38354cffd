//! Asking the local router for a port.

use std::time::Duration;

use libp2p::upnp::{self, Event as Told};
use tokio::time::Instant;

use super::guard::{Guarded, Out, Rules};
use super::shell::Shell;
use super::{Config, Event, Upnp};

/// How long after a failure, at least, a router is looked for again when this machine's addresses change.
pub const SEARCH_AGAIN: Duration = Duration::from_secs(60);

/// UPnP where it is wanted and of use.
pub(super) fn behaviour(config: &Config) -> Option<Guarded<upnp::tokio::Behaviour>> {
    let useful = config.upnp && config.reaches_beyond_loopback();
    useful.then(|| Guarded::new(upnp::tokio::Behaviour::default(), Rules { only_direct: true, ..Rules::default() }))
}

/// What the router said.
#[derive(Debug, Default)]
pub(super) struct Router {
    state: Upnp,
    searched: Option<Instant>,
}

impl Router {
    /// At start; `asked` is whether there is anything to ask with.
    pub fn new(now: Instant, asked: bool) -> Self {
        Self { state: if asked { Upnp::Searching } else { Upnp::Off }, searched: Some(now) }
    }

    /// What it said last.
    pub fn state(&self) -> &Upnp {
        &self.state
    }
}

impl Shell {
    pub(super) fn router_told(&mut self, event: Out<Told>) {
        let state = match event {
            Out::Confirmed(address) => {
                self.reach.map(&address);
                self.swarm.behaviour_mut().dcutr.candidate(&address);
                Upnp::Mapped(self.reach.mapped().cloned().collect())
            }
            Out::Expired(address) => {
                self.reach.unmap(&address);
                match self.reach.mapped().cloned().collect::<Vec<_>>() {
                    none if none.is_empty() => Upnp::Failed("the router does not forward the port any more".to_owned()),
                    mapped => Upnp::Mapped(mapped),
                }
            }
            Out::Event(Told::GatewayNotFound) => {
                Upnp::Failed("no router answers, or UPnP is turned off there".to_owned())
            }
            Out::Event(Told::NonRoutableGateway) => {
                Upnp::Failed("the router has no public address itself: there is another NAT behind it".to_owned())
            }
            // The same as the two above.
            Out::Event(Told::NewExternalAddr { .. } | Told::ExpiredExternalAddr { .. }) => return,
        };
        self.router_is(state);
        self.reconcile();
    }

    fn router_is(&mut self, state: Upnp) {
        if self.router.state != state {
            self.router.state = state.clone();
            self.tell(Event::Upnp(state));
        }
    }

    /// This machine's addresses have changed: there may be another router now.
    pub(super) fn search_router(&mut self, now: Instant) {
        let failed = matches!(self.router.state, Upnp::Failed(_));
        let rested = self.router.searched.is_none_or(|at| now.saturating_duration_since(at) >= SEARCH_AGAIN);
        if let Some(guard) = self.swarm.behaviour_mut().upnp.as_mut().filter(|_| failed && rested) {
            guard.replace(upnp::tokio::Behaviour::default());
            self.router.searched = Some(now);
            self.router_is(Upnp::Searching);
        }
    }
}
