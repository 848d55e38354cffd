//! Points for breaking the protocol, and bans that end by themselves.
//!
//! A penalty weighs [`OFFENCE_POINTS`]; points fade by one every [`POINT_LIFE`]. Who reaches [`BAN_POINTS`] is banned for
//! a while ([`BAN`] unless set otherwise). A PeerId costs nothing, so this keeps a broken or clumsy peer away, and makes a hostile one begin anew; what
//! bounds the damage are the limits, not the bans.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::PeerId;
use tokio::time::Instant;

/// What one offence weighs.
pub const OFFENCE_POINTS: u32 = 10;
/// Who has this many points is banned.
pub const BAN_POINTS: u32 = 30;
/// How long it takes to lose one point.
pub const POINT_LIFE: Duration = Duration::from_secs(30);
/// How long a ban lasts, unless it is set otherwise.
pub const BAN: Duration = Duration::from_secs(15 * 60);
/// Most peers whose points are remembered; beyond that the lowest is forgotten.
pub const MAX_REMEMBERED: usize = 1_024;
/// Most bans at a time; beyond that the one that ends first is lifted.
pub const MAX_BANS: usize = 4_096;

const _: () = assert!(BAN_POINTS > OFFENCE_POINTS, "a single offence is no ban");

#[derive(Debug, Clone, Copy)]
struct Points {
    points: u32,
    /// Since when the points stand; a multiple of [`POINT_LIFE`] behind the last change.
    since: Instant,
}

/// Who misbehaved how often, and who is banned until when. It is told the time.
#[derive(Debug)]
pub(super) struct Penalties {
    ban: Duration,
    points: BTreeMap<PeerId, Points>,
    bans: BTreeMap<PeerId, Instant>,
}

/// What a penalty led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The peer is banned from now on.
    pub banned: bool,
    /// A ban that was lifted early to make room.
    pub lifted: Option<PeerId>,
}

impl Penalties {
    /// Nobody has points yet; a ban lasts for `ban`.
    pub fn new(ban: Duration) -> Self {
        Self { ban, points: BTreeMap::new(), bans: BTreeMap::new() }
    }

    /// Counts one offence.
    pub fn penalise(&mut self, now: Instant, peer: PeerId) -> Outcome {
        let points = self.points(now, &peer) + OFFENCE_POINTS;
        if points < BAN_POINTS {
            let since = self.points.get(&peer).map_or(now, |p| p.since);
            self.points.insert(peer, Points { points, since });
            if self.points.len() > MAX_REMEMBERED {
                // Not this one: else a full table would never get to ban anybody new.
                let others = self.points.iter().filter(|(other, _)| **other != peer);
                let lowest = others.min_by_key(|(_, p)| (p.points, p.since)).map(|(peer, _)| *peer);
                lowest.and_then(|peer| self.points.remove(&peer));
            }
            return Outcome::default();
        }
        self.points.remove(&peer);
        let banned = self.bans.insert(peer, now + self.ban).is_none();
        let first = self.bans.iter().min_by_key(|(_, until)| **until).map(|(peer, _)| *peer);
        let lifted = first.filter(|_| self.bans.len() > MAX_BANS);
        lifted.and_then(|peer| self.bans.remove(&peer));
        Outcome { banned, lifted }
    }

    /// The points that a peer has.
    pub fn points(&mut self, now: Instant, peer: &PeerId) -> u32 {
        let Some(entry) = self.points.get_mut(peer) else { return 0 };
        let life = u32::try_from(POINT_LIFE.as_secs()).unwrap_or(u32::MAX);
        let gone = u32::try_from(now.saturating_duration_since(entry.since).as_secs()).unwrap_or(u32::MAX) / life;
        if gone >= entry.points {
            self.points.remove(peer);
            return 0;
        }
        entry.points -= gone;
        entry.since += POINT_LIFE * gone;
        entry.points
    }

    /// Everybody who has points, and how many.
    pub fn all_points(&mut self, now: Instant) -> Vec<(PeerId, u32)> {
        let peers: Vec<PeerId> = self.points.keys().copied().collect();
        peers.into_iter().map(|peer| (peer, self.points(now, &peer))).filter(|(_, points)| *points > 0).collect()
    }

    /// Whose ban is over: each is returned once.
    pub fn lift(&mut self, now: Instant) -> Vec<PeerId> {
        let over: Vec<PeerId> = self.bans.iter().filter(|(_, until)| **until <= now).map(|(peer, _)| *peer).collect();
        over.iter().for_each(|peer| {
            self.bans.remove(peer);
        });
        over
    }

    /// Who is banned, and for how long still.
    pub fn bans(&self, now: Instant) -> impl Iterator<Item = (PeerId, Duration)> + '_ {
        self.bans.iter().map(move |(peer, until)| (*peer, until.saturating_duration_since(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_offences_ban_and_the_ban_ends() {
        let (mut penalties, peer, now) = (Penalties::new(BAN), PeerId::random(), Instant::now());
        assert!(!penalties.penalise(now, peer).banned);
        assert!(!penalties.penalise(now, peer).banned);
        assert!(penalties.penalise(now, peer).banned);
        assert_eq!(penalties.bans(now).collect::<Vec<_>>(), [(peer, BAN)]);
        assert_eq!(penalties.lift(now + BAN - Duration::from_millis(1)), []);
        assert_eq!(penalties.lift(now + BAN), [peer]);
        assert_eq!(penalties.bans(now + BAN).count(), 0);
        assert!(!penalties.penalise(now + BAN, peer).banned, "it begins with a clean slate");
    }

    #[test]
    fn offences_that_lie_far_apart_never_add_up_to_a_ban() {
        let (mut penalties, peer, mut now) = (Penalties::new(BAN), PeerId::random(), Instant::now());
        for _ in 0..100 {
            assert!(!penalties.penalise(now, peer).banned);
            now += POINT_LIFE * OFFENCE_POINTS;
        }
        assert_eq!(penalties.points(now, &peer), 0);
    }

    #[test]
    fn points_fade_one_by_one_however_often_one_looks() {
        let (mut penalties, peer, now) = (Penalties::new(BAN), PeerId::random(), Instant::now());
        penalties.penalise(now, peer);
        for seconds in 0..=POINT_LIFE.as_secs() * 4 {
            let expected = OFFENCE_POINTS - u32::try_from(seconds / POINT_LIFE.as_secs()).unwrap();
            assert_eq!(penalties.points(now + Duration::from_secs(seconds), &peer), expected);
        }
    }

    #[test]
    fn memory_stays_bounded_whoever_comes() {
        let (mut penalties, now) = (Penalties::new(BAN), Instant::now());
        for _ in 0..MAX_BANS + 10 {
            let peer = PeerId::random();
            penalties.penalise(now, PeerId::random());
            (0..3).for_each(|_| {
                penalties.penalise(now, peer);
            });
        }
        assert!(penalties.points.len() <= MAX_REMEMBERED);
        assert_eq!(penalties.bans.len(), MAX_BANS, "a full table does not keep anybody from being banned");
    }
}
