//! One cell of the matrix: two fresh members meet and sync, and what happened is measured.

use std::time::Duration;

use serde_json::{Value, json};

use crate::gate::Features;
use crate::lab::Lab;
use crate::meeting::{self, Meeting, Transport};
use crate::nat::{self, Kind, Theory};
use crate::node::{Home, Node};
use crate::wait::{Since, within};

/// How long two members may take to hold the same.
const SYNC: Duration = Duration::from_secs(120);
/// How long a direct connection is waited for: where theory demands it, where it is possible, and where it is unlikely.
const DIRECT: [Duration; 3] = [Duration::from_secs(90), Duration::from_secs(60), Duration::from_secs(20)];
/// How long the inviting member may take to learn how it is reached before it makes the ticket.
const SETTLE: Duration = Duration::from_secs(15);

/// Who meets whom and how.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    pub transport: Transport,
    pub inviter: Kind,
    pub joiner: Kind,
    /// Percent of packets that each of the two loses of what it receives.
    pub loss: u8,
}

/// What was seen.
#[derive(Debug, Clone)]
pub struct Measured {
    pub cell: Cell,
    /// Whether there was a relay.
    pub relay: bool,
    /// Seconds from the beginning of the join, all of them.
    pub connected: Option<f64>,
    pub direct: Option<f64>,
    pub synced: Option<f64>,
    /// How the two were connected at first, and at last.
    pub first_path: Option<String>,
    pub path: Option<String>,
    /// Which transport carries the connection at last.
    pub carried_by: Option<String>,
    /// What `ping --until-direct` said at the end, where the program has it.
    pub ping: Value,
}

impl Cell {
    pub fn name(&self) -> String {
        let loss = if self.loss > 0 { format!("-loss{}", self.loss) } else { String::new() };
        format!("{}-{}-{}{loss}", self.transport.as_str(), self.inviter.as_str(), self.joiner.as_str())
    }

    pub fn theory(&self) -> Theory {
        nat::theory(self.inviter, self.joiner, self.transport == Transport::Quic)
    }

    /// How long to wait for a direct connection.
    fn patience(&self) -> Duration {
        match self.theory() {
            Theory::Direct => DIRECT[0],
            Theory::Possible => DIRECT[1],
            Theory::Unlikely | Theory::Never => DIRECT[2],
        }
    }

    /// Builds the networks, lets the two meet, and measures.
    pub fn measure(&self, features: Features) -> Measured {
        let lab = Lab::new(&self.name());
        let meeting = Meeting::up(&lab, features);
        let (a, b) = (lab.place("a", self.inviter), lab.place("b", self.joiner));
        if self.loss > 0 {
            [&a, &b].into_iter().for_each(|host| host.rules(&nat::loss(self.loss)));
        }
        let (ada, bo) = (Home::new("Ada", &a), Home::new("Bo", &b));
        let ada_node = meeting::start(&ada, &meeting.member(self.inviter, self.transport));
        ada.json(&["group", "create", "cell", "--open"]);
        ada.note("first", "from Ada");
        settle(&ada, &meeting);
        let ticket = ada.json(&["invite"])["ticket"].as_str().unwrap().to_owned();

        let bo_node = meeting::start(&bo, &meeting.member(self.joiner, self.transport));
        let mut seen = Measured {
            cell: *self,
            relay: meeting.is_relay,
            connected: None,
            direct: None,
            synced: None,
            first_path: None,
            path: None,
            carried_by: None,
            ping: Value::Null,
        };
        let since = Since::now();
        let join = bo.start(&["join", &ticket, "--wait", "120"]);
        self.watch(since, (&ada, &ada_node), &bo, &mut seen);
        join.end();
        // Relayed or direct, the two go on together.
        bo.note("second", "from Bo");
        let equal = within(SYNC, || same(&ada, &bo).filter(|d| d["entries"].as_u64() >= Some(4)));
        if equal.is_none() {
            seen.synced = None;
        }
        if features.until_direct {
            seen.ping = ping(&bo, &ada_node.peer_id);
        }
        if let Some(peer) = bo.peer(&ada_node.peer_id) {
            seen.path = peer["path"].as_str().map(str::to_owned);
            seen.carried_by = peer["transport"].as_str().map(str::to_owned);
        }
        keep_logs(self, &[&meeting.home, &ada, &bo]);
        drop((bo_node, ada_node));
        seen
    }

    /// Looks until the two are in sync and, if it comes in time, directly connected.
    fn watch(&self, since: Since, (ada, ada_node): (&Home, &Node), bo: &Home, seen: &mut Measured) {
        within(SYNC.max(self.patience()), || {
            if let Some(peer) = bo.peer(&ada_node.peer_id) {
                seen.connected.get_or_insert_with(|| since.seconds());
                let path = peer["path"].as_str().unwrap_or_default();
                seen.first_path.get_or_insert_with(|| path.to_owned());
                if path == "direct" {
                    seen.direct.get_or_insert_with(|| since.seconds());
                }
            }
            if seen.synced.is_none() && same(ada, bo).is_some() {
                seen.synced = Some(since.seconds());
            }
            let waited = since.elapsed() >= self.patience();
            (seen.synced.is_some() && (seen.direct.is_some() || waited)).then_some(())
        });
    }
}

impl Measured {
    /// What is wrong with it, as far as theory says.
    pub fn faults(&self) -> Vec<String> {
        let name = self.cell.name();
        let mut faults = vec![];
        let theory = self.cell.theory();
        // Without a relay only those can meet whose connection needs no help.
        let dialled = self.cell.inviter == Kind::Open || self.cell.joiner == Kind::Open;
        let must_meet = self.relay || (dialled && theory == Theory::Direct);
        if must_meet && self.synced.is_none() {
            faults.push(format!("{name}: the two did not come to hold the same"));
        }
        if must_meet && theory == Theory::Direct && self.direct.is_none() {
            faults.push(format!("{name}: no direct connection came about"));
        }
        if theory == Theory::Never && self.direct.is_some() {
            faults.push(format!("{name}: a direct connection where none can be: the rules leak"));
        }
        if self.path.as_deref() == Some("relayed") && self.ping["path"] == "direct" {
            faults.push(format!("{name}: `ping` says direct, `peers` says relayed"));
        }
        faults
    }

    /// One JSON line.
    pub fn json(&self) -> Value {
        let round = |s: Option<f64>| s.map(|s| (s * 100.0).round() / 100.0);
        json!({
            "v": 1, "transport": self.cell.transport.as_str(), "inviter": self.cell.inviter.as_str(),
            "joiner": self.cell.joiner.as_str(), "loss_percent": self.cell.loss, "relay": self.relay,
            "theory": self.cell.theory().as_str(), "connected_s": round(self.connected),
            "first_path": self.first_path, "direct_s": round(self.direct), "path": self.path,
            "carried_by": self.carried_by, "synced_s": round(self.synced), "ping": self.ping,
        })
    }
}

/// Waits until the inviting member knows how it is reached, as a person does who looks at `status` first. Whoever is not
/// reachable at all goes on.
fn settle(home: &Home, meeting: &Meeting) {
    within(SETTLE, || {
        let status = home.ask(&["status"])?;
        let external = status["external"].as_array()?;
        let reached = |a: &Value| {
            let text = a.as_str().unwrap_or_default();
            text.contains("p2p-circuit") || text.starts_with("/ip4/5.9.")
        };
        let met = status["connections"].as_u64() >= Some(1);
        (met && (external.iter().any(reached) || !meeting.is_relay)).then_some(())
    });
}

fn ping(home: &Home, peer: &str) -> Value {
    let output = home.run(&["ping", peer, "--until-direct", "--timeout", "5"]);
    let bytes = if output.status.success() { output.stdout } else { output.stderr };
    let last = String::from_utf8_lossy(&bytes).lines().last().unwrap_or_default().to_owned();
    serde_json::from_str(&last).unwrap_or_default()
}

/// The digest of both, if it is one.
fn same(a: &Home, b: &Home) -> Option<Value> {
    let digest = a.digest()?;
    (b.digest()? == digest).then_some(digest)
}

fn keep_logs(cell: &Cell, homes: &[&Home]) {
    for home in homes {
        let name = format!("{}-{}.log", cell.name(), home.name.replace(' ', "-"));
        crate::report::keep(&name, &home.log());
    }
}
