//! Handing groups over, on a channel: the giver lists its groups, the taker draws a log for each that it lacks, the giver signs them.

use super::parcel::{Hello, Parcel, Refusal, Say, pack};
use super::{Channel, Failed};
use crate::model::id::{GroupId, LogId};

/// The device that hands its groups over.
#[derive(Debug)]
pub struct Giver {
    channel: Channel,
    groups: Vec<GroupId>,
    logs_came: bool,
}

/// What the giver has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToGive {
    /// Make a parcel for each of these groups and the log that the taker will write in it, and call [`Giver::parcels`].
    Parcels {
        /// What the taker is called.
        label: String,
        /// Groups that were offered, each with the new log.
        logs: Vec<(GroupId, LogId)>,
    },
    /// The taker has stored what it got: so many groups are new to it.
    Done(u16),
    /// The taker wants nothing.
    Refused(Refusal),
}

impl Giver {
    /// Begins; the frame is to be sent.
    #[must_use]
    pub fn begin(mut channel: Channel, hello: Hello) -> (Self, Vec<u8>) {
        let groups = hello.groups.clone();
        let frame = channel.seal(&Say::Hello(hello).encode());
        (Self { channel, groups, logs_came: false }, frame)
    }

    /// Takes a frame of the taker.
    ///
    /// # Errors
    /// When it is out of its turn, or names what was not offered.
    pub fn handle(&mut self, frame: &[u8]) -> Result<ToGive, Failed> {
        match Say::decode(&self.channel.open(frame)?)? {
            Say::Refused(why) => Ok(ToGive::Refused(why)),
            Say::Logs { label, logs } if !self.logs_came && logs.len() == self.groups.len() => {
                self.logs_came = true;
                let wanted = self.groups.iter().zip(logs).filter_map(|(group, log)| Some((*group, log?)));
                Ok(ToGive::Parcels { label, logs: wanted.collect() })
            }
            Say::Done(groups) if self.logs_came => Ok(ToGive::Done(groups)),
            _ => Err(Failed),
        }
    }

    /// The frames with these parcels, and that there are no more.
    #[must_use]
    pub fn parcels(&mut self, parcels: Vec<Parcel>) -> Vec<Vec<u8>> {
        let all = pack(parcels).into_iter().chain([Say::End]);
        all.map(|say| self.channel.seal(&say.encode())).collect()
    }
}

/// The device that takes groups over.
#[derive(Debug)]
pub struct Taker {
    channel: Channel,
    /// The groups that were asked for and have not come; none before the giver said what there is.
    lacking: Option<Vec<GroupId>>,
    parcels: Vec<Parcel>,
}

/// What the taker has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToTake {
    /// Say what is wanted: call [`Taker::want`], or [`Taker::refuse`].
    Choose(Hello),
    /// Nothing, more is to come.
    Wait,
    /// Store these, then call [`Taker::done`].
    Take(Vec<Parcel>),
}

impl Taker {
    /// Waits for the giver.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self { channel, lacking: None, parcels: vec![] }
    }

    /// Takes a frame of the giver.
    ///
    /// # Errors
    /// When it is out of its turn, or brings what was not asked for.
    pub fn handle(&mut self, frame: &[u8]) -> Result<ToTake, Failed> {
        let said = Say::decode(&self.channel.open(frame)?)?;
        match (said, &mut self.lacking) {
            (Say::Hello(hello), None) => Ok(ToTake::Choose(hello)),
            (Say::Parcels(parcels), Some(lacking)) => {
                for parcel in parcels {
                    let at = lacking.iter().position(|group| *group == parcel.handed.group).ok_or(Failed)?;
                    lacking.swap_remove(at);
                    self.parcels.push(parcel);
                }
                Ok(ToTake::Wait)
            }
            (Say::End, Some(_)) => Ok(ToTake::Take(std::mem::take(&mut self.parcels))),
            _ => Err(Failed),
        }
    }

    /// Says what this device is called, and which groups are wanted, each with the log that will be written; in the order of the offer.
    #[must_use]
    pub fn want(&mut self, label: String, wanted: &[(GroupId, Option<LogId>)]) -> Vec<u8> {
        self.lacking = Some(wanted.iter().filter(|(_, log)| log.is_some()).map(|(group, _)| *group).collect());
        let logs = wanted.iter().map(|(_, log)| *log).collect();
        self.channel.seal(&Say::Logs { label, logs }.encode())
    }

    /// Says that everything is stored.
    #[must_use]
    pub fn done(&mut self, groups: u16) -> Vec<u8> {
        self.channel.seal(&Say::Done(groups).encode())
    }

    /// Says that nothing is wanted.
    #[must_use]
    pub fn refuse(&mut self, why: Refusal) -> Vec<u8> {
        self.channel.seal(&Say::Refused(why).encode())
    }
}

#[cfg(test)]
mod tests {
    use super::super::channel::Side;
    use super::*;
    use crate::engine::Handed;

    fn channels() -> (Channel, Channel) {
        (Channel::new(&[1; 32], [2; 32], Side::Opener), Channel::new(&[1; 32], [2; 32], Side::Answerer))
    }

    fn groups() -> Vec<GroupId> {
        (1..4).map(|n| GroupId([n; 32])).collect()
    }

    fn parcel(group: GroupId) -> Parcel {
        let handed = Handed { group, seed: [1; 16], kind: None, chain: vec![], keys: vec![] };
        Parcel { handed, name: "g".into(), told: vec![] }
    }

    fn begun() -> (Giver, Taker) {
        let (a, b) = channels();
        let hello = Hello { label: "old".into(), groups: groups(), ..Hello::default() };
        let (giver, frame) = Giver::begin(a, hello.clone());
        let mut taker = Taker::new(b);
        assert_eq!(taker.handle(&frame), Ok(ToTake::Choose(hello)));
        (giver, taker)
    }

    fn wanted(taker: &mut Taker) -> Vec<u8> {
        let wanted: Vec<_> = groups().into_iter().zip([Some(LogId([7; 32])), None, Some(LogId([9; 32]))]).collect();
        taker.want("new".into(), &wanted)
    }

    #[test]
    fn what_is_lacking_is_asked_for_brought_and_acknowledged() {
        let (mut giver, mut taker) = begun();
        let logs = wanted(&mut taker);
        let [one, _, three] = groups()[..] else { unreachable!() };
        let expected =
            ToGive::Parcels { label: "new".into(), logs: vec![(one, LogId([7; 32])), (three, LogId([9; 32]))] };
        assert_eq!(giver.handle(&logs), Ok(expected));
        let frames = giver.parcels(vec![parcel(one), parcel(three)]);
        let steps: Vec<_> = frames.iter().map(|f| taker.handle(f).unwrap()).collect();
        assert_eq!(steps, [ToTake::Wait, ToTake::Take(vec![parcel(one), parcel(three)])]);
        assert_eq!(giver.handle(&taker.done(2)), Ok(ToGive::Done(2)));
    }

    #[test]
    fn a_group_that_was_not_asked_for_or_comes_twice_is_refused() {
        for bad in [vec![parcel(groups()[1])], vec![parcel(groups()[0]); 2], vec![parcel(GroupId([99; 32]))]] {
            let (mut giver, mut taker) = begun();
            giver.handle(&wanted(&mut taker)).unwrap();
            let frames = giver.parcels(bad);
            assert_eq!(taker.handle(&frames[0]), Err(Failed));
        }
    }

    #[test]
    fn nothing_is_taken_out_of_its_turn() {
        let (mut giver, mut taker) = begun();
        // Done before anything was asked for, and a second choice.
        assert_eq!(giver.handle(&taker.done(1)), Err(Failed));
        let (mut giver, mut taker) = begun();
        giver.handle(&wanted(&mut taker)).unwrap();
        assert_eq!(giver.handle(&wanted(&mut taker)), Err(Failed));
        // As many logs as groups were offered.
        let (mut giver, mut taker) = begun();
        assert_eq!(giver.handle(&taker.want("x".into(), &[(groups()[0], None)])), Err(Failed));
        // Parcels before anything was chosen.
        let (mut giver, mut taker) = begun();
        assert_eq!(taker.handle(&giver.parcels(vec![])[0]), Err(Failed));
        let (mut giver, mut taker) = begun();
        assert_eq!(giver.handle(&taker.refuse(Refusal::Others)), Ok(ToGive::Refused(Refusal::Others)));
    }
}
