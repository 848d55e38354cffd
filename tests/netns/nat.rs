//! The kinds of access, and the nftables rules that make a router one of them. `docs/nat.md` says what each rule really models.

use std::net::Ipv4Addr;

/// How a member is attached to the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A public address, no router of its own.
    Open,
    /// Endpoint-independent mapping, address-and-port-dependent filtering.
    Eim,
    /// Address-and-port-dependent mapping and filtering.
    Apdm,
    /// [`Kind::Eim`] behind [`Kind::Eim`].
    Double,
    /// No UDP, no way in, and out only to the meeting point by TCP.
    RelayOnly,
    /// No UDP, no TCP in; TCP out to anywhere.
    OutboundOnly,
    /// Endpoint-independent mapping and filtering.
    Cone,
}

impl Kind {
    /// The kinds of the matrix.
    pub const MATRIX: [Self; 5] = [Self::Open, Self::Eim, Self::Apdm, Self::Double, Self::RelayOnly];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Eim => "eim",
            Self::Apdm => "apdm",
            Self::Double => "double",
            Self::RelayOnly => "relay-only",
            Self::OutboundOnly => "outbound-only",
            Self::Cone => "cone",
        }
    }

    /// Whether UDP goes nowhere from here.
    pub fn lacks_udp(self) -> bool {
        matches!(self, Self::RelayOnly | Self::OutboundOnly)
    }

    /// Whether every router on the way keeps one mapping for all destinations.
    fn maps_once(self) -> bool {
        matches!(self, Self::Eim | Self::Double | Self::Cone)
    }
}

/// What theory (RFC 4787, RFC 5128) and the rules say about a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theory {
    /// A direct connection has to come about; asserted.
    Direct,
    /// A direct connection is possible with good timing; reported.
    Possible,
    /// A direct connection could only come from guessing ports; reported.
    Unlikely,
    /// A direct connection would show that the rules leak; asserted.
    Never,
}

impl Theory {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Possible => "possible",
            Self::Unlikely => "unlikely",
            Self::Never => "never",
        }
    }
}

/// What to expect of a pair; `quic` when both listen by QUIC only.
pub fn theory(a: Kind, b: Kind, quic: bool) -> Theory {
    use Kind::{Apdm, Cone, Double, Eim, Open, OutboundOnly, RelayOnly};
    match (a, b) {
        (RelayOnly, _) | (_, RelayOnly) => Theory::Never,
        // Who has no UDP can not reach a QUIC listener, and nobody reaches it.
        (OutboundOnly, _) | (_, OutboundOnly) if quic => Theory::Never,
        (Open, _) | (_, Open) => Theory::Direct,
        (OutboundOnly, OutboundOnly) => Theory::Never,
        // A mapping behind a mapping, both for all destinations, is one for all destinations.
        (Eim | Double, Eim | Double) => Theory::Direct,
        (Cone, Cone | Eim | Apdm) | (Eim | Apdm, Cone) if quic => Theory::Direct,
        _ if a.maps_once() && b.maps_once() => Theory::Possible,
        (OutboundOnly, x) | (x, OutboundOnly) if x.maps_once() => Theory::Possible,
        (Cone, _) | (_, Cone) => Theory::Possible,
        _ => Theory::Unlikely,
    }
}

/// The rules of a router of this kind: `wan` is its interface to the internet, `lan` the one to its hosts. `meeting` is
/// where the meeting point is. None for [`Kind::Open`], which has no router; of [`Kind::Double`] both routers get these.
pub fn rules(kind: Kind, meeting: (Ipv4Addr, u16)) -> Option<String> {
    let (ip, port) = meeting;
    let nat = match kind {
        Kind::Open => return None,
        Kind::Apdm => {
            "chain post { type nat hook postrouting priority srcnat; oifname \"wan\" masquerade fully-random\n}"
                .to_owned()
        }
        Kind::Cone => CONE_NAT.to_owned(),
        _ => "chain post { type nat hook postrouting priority srcnat; oifname \"wan\" masquerade persistent\n}"
            .to_owned(),
    };
    let forward = match kind {
        Kind::RelayOnly => format!(
            "meta l4proto udp drop
             iifname \"wan\" tcp flags & (syn | ack) == syn drop
             iifname \"lan\" oifname \"wan\" ip daddr {ip} tcp dport {port} accept"
        ),
        Kind::OutboundOnly => "meta l4proto udp drop
             iifname \"wan\" tcp flags & (syn | ack) == syn drop
             iifname \"lan\" oifname \"wan\" accept"
            .to_owned(),
        Kind::Cone => format!(
            "{CONE_LEARN}\n             iifname \"lan\" oifname \"wan\" accept\n             ct status dnat accept"
        ),
        _ => "iifname \"lan\" oifname \"wan\" accept".to_owned(),
    };
    Some(format!(
        "table ip net {{
           map inside {{ type inet_proto . inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; size 4096; }}
           {nat}
           chain forward {{
             type filter hook forward priority filter; policy drop;
             {forward}
             ct state established,related accept
           }}
           chain input {{
             type filter hook input priority filter; policy drop;
             iifname != \"wan\" accept
             ct state established,related accept
           }}
         }}"
    ))
}

/// A full cone: what a host sends from is what is forwarded to it, whoever knocks.
const CONE_NAT: &str = "chain post { type nat hook postrouting priority srcnat; oifname \"wan\" masquerade persistent
 }
           chain pre { type nat hook prerouting priority dstnat; iifname \"wan\" dnat ip to meta l4proto . th dport map @inside
 }";
const CONE_LEARN: &str =
    "iifname \"lan\" oifname \"wan\" update @inside { meta l4proto . th sport : ip saddr . th sport }";

/// Drops this share of what a host receives, in percent.
pub fn loss(percent: u8) -> String {
    on_arrival("loss", &format!("numgen random mod 100 < {percent} drop"))
}

/// Lets a host receive this many KiB a second and not more.
pub fn throttle(kib: u32) -> String {
    on_arrival("slow", &format!("limit rate over {kib} kbytes/second burst 64 kbytes drop"))
}

/// A table with one rule for what arrives at a host. What it sends is left alone: a packet that is dropped on its way out
/// is an error to the program that sends it, and no router does that.
fn on_arrival(table: &str, rule: &str) -> String {
    format!(
        "table ip {table} {{
           chain input {{
             type filter hook input priority -300
             iifname != \"lo\" {rule}
           }}
         }}"
    )
}
