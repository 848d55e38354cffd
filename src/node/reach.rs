//! How this node can be reached from elsewhere, in words for `doctor` and for `status`.

use serde_json::{Value, json};

use super::network::Network;
use super::service::check;
use crate::net::{Mapping, Nat, Relay, Upnp};

/// What `doctor` says of reachability, each trouble with its remedy.
#[must_use]
pub fn findings(network: &Network) -> Vec<Value> {
    let mut items = vec![nat(network)];
    let confirmed: Vec<String> = network.confirmed.iter().map(ToString::to_string).collect();
    if !confirmed.is_empty() {
        items.push(check("external", "ok", format!("others reach this node at {}", confirmed.join(" ")), ""));
    }
    items.extend(upnp(&network.upnp));
    for reservation in &network.reservations {
        let relay = reservation.relay;
        items.push(if reservation.accepted {
            check("reservation", "ok", format!("this node can be reached through the relay {relay}"), "")
        } else {
            let detail = format!("the relay {relay} was asked and has not said yes");
            check("reservation", "warning", detail, "see whether it runs and has room; another one is tried meanwhile")
        });
    }
    let is_private = matches!(network.nat, Nat::Private(_));
    if is_private && !network.reservations.iter().any(|r| r.accepted) {
        let remedy =
            "ask a member with a public address to run `studymesh up --role relay`, or name one with `--relay`";
        items.push(check("relay", "warning", "nobody can reach this node from outside, and no relay is known", remedy));
    }
    items.extend(relay(&network.relay));
    items
}

fn nat(network: &Network) -> Value {
    let seen: Vec<String> = network.observed.iter().map(|(address, by)| format!("{address} (by {by})")).collect();
    let seen = if seen.is_empty() { String::new() } else { format!("; seen from outside as {}", seen.join(", ")) };
    match network.nat {
        Nat::Unknown => {
            let detail = format!("nobody beyond the local network has told yet how this node looks from outside{seen}");
            check("nat", "note", detail, "nothing to do; it is known once a peer on the internet is connected")
        }
        Nat::Public => check("nat", "ok", format!("this node can be reached directly{seen}"), ""),
        Nat::Private(Mapping::EndpointIndependent) => {
            let detail = format!("behind a NAT that keeps one port for all (endpoint-independent){seen}");
            check("nat", "ok", format!("{detail}; others reach it through a relay first, then directly"), "")
        }
        Nat::Private(Mapping::AddressDependent) => {
            let detail = format!("behind a NAT that gives each peer another port (address-dependent){seen}");
            let remedy = "direct connections work only towards peers that are easier to reach; open a port on the router, or allow UPnP";
            check("nat", "note", detail, remedy)
        }
        Nat::Private(Mapping::Unknown) => {
            let detail = format!("behind a NAT or a firewall of a kind that is not known yet{seen}");
            check(
                "nat",
                "note",
                detail,
                "nothing to do; it is known once two peers at different addresses are connected",
            )
        }
    }
}

fn upnp(upnp: &Upnp) -> Option<Value> {
    Some(match upnp {
        Upnp::Off | Upnp::Searching => return None,
        Upnp::Mapped(addresses) => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            check("upnp", "ok", format!("the router forwards {}", addresses.join(" ")), "")
        }
        Upnp::Failed(why) => check(
            "upnp",
            "note",
            format!("the router opens no port: {why}"),
            "allow UPnP on the router, or forward a port by hand",
        ),
    })
}

fn relay(relay: &Relay) -> Option<Value> {
    Some(match relay {
        Relay::Off => return None,
        Relay::NotReady(why) => {
            let remedy =
                "give the address at which others reach this node with `--external-address /ip4/ADDRESS/tcp/PORT`";
            check("role", "error", format!("the relay is not ready: {why}"), remedy)
        }
        Relay::Ready { reservations, circuits } => {
            check("role", "ok", format!("the relay is ready: {reservations} reservations, {circuits} circuits"), "")
        }
    })
}

/// What `status` says of reachability.
#[must_use]
pub fn status(network: &Network) -> Value {
    let nat = match network.nat {
        Nat::Unknown => "unknown",
        Nat::Public => "public",
        Nat::Private(Mapping::EndpointIndependent) => "private-endpoint-independent",
        Nat::Private(Mapping::AddressDependent) => "private-address-dependent",
        Nat::Private(Mapping::Unknown) => "private",
    };
    let relay = match &network.relay {
        Relay::Off => json!({ "state": "off" }),
        Relay::NotReady(why) => json!({ "state": "not_ready", "why": why }),
        Relay::Ready { reservations, circuits } => {
            json!({ "state": "ready", "reservations": reservations, "circuits": circuits })
        }
    };
    let upnp = match &network.upnp {
        Upnp::Off => "off",
        Upnp::Searching => "searching",
        Upnp::Mapped(_) => "mapped",
        Upnp::Failed(_) => "failed",
    };
    let reservations: Vec<Value> = network
        .reservations
        .iter()
        .map(|r| json!({ "relay": r.relay.to_string(), "accepted": r.accepted, "age_ms": r.age.as_millis() as u64 }))
        .collect();
    json!({
        "nat": nat, "relay": relay, "upnp": upnp, "reservations": reservations, "roles": network.roles,
        "confirmed": network.confirmed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "dht_server": network.kad_server,
    })
}
