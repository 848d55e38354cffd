//! A small internet of network namespaces: one bridge in the middle, routers around it, hosts behind them.
//!
//! Addresses of the middle are from 5.9.0.0/16. The ranges for documentation would be more polite, but libp2p (and every
//! address check worth its name) counts them as not global, and then nothing of what is to be tested would happen. No
//! packet leaves the namespaces, so nobody's address is used. All sites have 192.168.1.0/24 inside, as homes have: an
//! address from inside one of them means something else in another.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use crate::nat::{self, Kind};

/// Begins the name of every namespace of ours, and nothing else's.
const PREFIX: &str = "smnt-";
/// The internet's own address, where nothing answers.
const MIDDLE: &str = "5.9.0.1";
/// Where the meeting point is, with its port for TCP and for UDP.
pub const MEETING: (Ipv4Addr, u16) = (Ipv4Addr::new(5, 9, 0, 10), 4001);

/// The namespaces of one test, deleted when dropped.
pub struct Lab {
    tag: String,
    namespaces: RefCell<Vec<String>>,
    next_public: Cell<u8>,
    next_port: Cell<u16>,
}

/// Where hosts live: behind a router.
pub struct Site {
    /// The router that the hosts know.
    router: String,
    next_host: Cell<u8>,
}

/// Where a node lives.
#[derive(Debug, Clone)]
pub struct Host {
    /// The namespace.
    pub namespace: String,
}

impl Lab {
    pub fn new(name: &str) -> Self {
        let lab = Self {
            tag: format!("{PREFIX}{}-{name}", std::process::id()),
            namespaces: RefCell::default(),
            next_public: Cell::new(20),
            next_port: Cell::new(0),
        };
        let middle = lab.namespace("middle");
        bridge(&middle, "net0", &format!("{MIDDLE}/16"));
        lab
    }

    /// A host with the public address of the meeting point.
    pub fn meeting_point(&self) -> Host {
        let namespace = self.namespace("meet");
        self.attach_public(&namespace, "eth0", MEETING.0);
        Host { namespace }
    }

    /// A host that is attached in this way, behind a router of its own where there is one.
    pub fn place(&self, name: &str, kind: Kind) -> Host {
        if kind == Kind::Open {
            let (namespace, address) = (self.namespace(name), self.public_address());
            self.attach_public(&namespace, "eth0", address);
            return Host { namespace };
        }
        let site = self.site(&format!("{name}-r"), kind);
        self.host_at(name, &site)
    }

    /// A router of this kind, with room for hosts behind it.
    pub fn site(&self, name: &str, kind: Kind) -> Site {
        let outer = self.namespace(name);
        let public = self.public_address();
        self.attach_public(&outer, "wan", public);
        let rules = nat::rules(kind, MEETING).expect("a kind with a router");
        let router = if kind == Kind::Double {
            make_router(&outer, "100.64.0.1/24", &rules);
            let inner = self.namespace(&format!("{name}i"));
            let port = self.port();
            self.veth(&inner, "wan", &outer, &port);
            ip(&["-n", &outer, "link", "set", &port, "master", "lan", "up"]);
            address(&inner, "wan", "100.64.0.2/24", "100.64.0.1");
            inner
        } else {
            outer
        };
        make_router(&router, "192.168.1.1/24", &rules);
        Site { router, next_host: Cell::new(10) }
    }

    /// One more host behind a router.
    pub fn host_at(&self, name: &str, site: &Site) -> Host {
        let namespace = self.namespace(name);
        let host = Host { namespace };
        self.plug_in(&host, "eth0", site);
        host
    }

    /// Gives a host an interface behind this router.
    pub fn plug_in(&self, host: &Host, interface: &str, site: &Site) {
        let number = site.next_host.replace(site.next_host.get() + 1);
        let new = Ipv4Addr::new(192, 168, 1, number);
        let port = self.port();
        self.veth(&host.namespace, interface, &site.router, &port);
        ip(&["-n", &site.router, "link", "set", &port, "master", "lan", "up"]);
        address(&host.namespace, interface, &format!("{new}/24"), "192.168.1.1");
    }

    fn public_address(&self) -> Ipv4Addr {
        let number = self.next_public.replace(self.next_public.get() + 1);
        // A third byte of its own for each: members are not each other's neighbours.
        Ipv4Addr::new(5, 9, number, number)
    }

    fn attach_public(&self, namespace: &str, interface: &str, at: Ipv4Addr) {
        let (middle, port) = (self.name("middle"), self.port());
        self.veth(namespace, interface, &middle, &port);
        ip(&["-n", &middle, "link", "set", &port, "master", "net0", "up"]);
        address(namespace, interface, &format!("{at}/16"), MIDDLE);
    }

    fn veth(&self, namespace: &str, interface: &str, to: &str, port: &str) {
        ip(&["link", "add", interface, "netns", namespace, "type", "veth", "peer", "name", port, "netns", to]);
    }

    fn port(&self) -> String {
        format!("p{}", self.next_port.replace(self.next_port.get() + 1))
    }

    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.tag)
    }

    fn namespace(&self, name: &str) -> String {
        let name = self.name(name);
        ip(&["netns", "add", &name]);
        self.namespaces.borrow_mut().push(name.clone());
        ip(&["-n", &name, "link", "set", "lo", "up"]);
        name
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for name in self.namespaces.get_mut().drain(..) {
            delete(&name);
        }
    }
}

impl Host {
    /// Takes the interface down and forgets its address.
    pub fn unplug(&self, interface: &str) {
        ip(&["-n", &self.namespace, "link", "set", interface, "down"]);
        ip(&["-n", &self.namespace, "addr", "flush", "dev", interface]);
    }

    /// Brings the interface up again with another address.
    pub fn plug_in_as(&self, interface: &str, new: Ipv4Addr, length: u8, gateway: &str) {
        address(&self.namespace, interface, &format!("{new}/{length}"), gateway);
    }

    /// Adds nftables rules.
    pub fn rules(&self, script: &str) {
        nft(&self.namespace, script);
    }

    /// Forgets a table of rules.
    pub fn forget_rules(&self, table: &str) {
        nft(&self.namespace, &format!("delete table ip {table}"));
    }
}

/// Whether namespaces and rules can be made here at all.
pub fn probe() -> Result<(), String> {
    let name = format!("{PREFIX}{}-probe", std::process::id());
    let made = attempt(&["netns", "add", &name]);
    // Only whether it can be done. Rules that are wrong must fail the tests, not skip them.
    let works = made.and_then(|()| feed(&name, "table ip probe {\n}\n"));
    delete(&name);
    works.map_err(|e| format!("network namespaces with nftables can not be made here: {e}"))
}

/// Removes what earlier runs left behind that were ended by force. Namespaces of runs that go on stay.
pub fn sweep() {
    let list = Command::new("ip").args(["netns", "list"]).output().unwrap();
    for line in String::from_utf8_lossy(&list.stdout).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let owner = rest.split('-').next().unwrap_or_default();
        let alive = std::path::Path::new("/proc").join(owner).exists();
        if !owner.is_empty() && !alive {
            delete(name);
        }
    }
}

/// Ends what runs in a namespace of ours, and deletes it.
fn delete(name: &str) {
    assert!(name.starts_with(PREFIX));
    let pids = Command::new("ip").args(["netns", "pids", name]).stderr(Stdio::null()).output();
    for pid in pids.iter().flat_map(|o| std::str::from_utf8(&o.stdout)).flat_map(str::lines) {
        let pid = pid.trim().parse().ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    let _ = Command::new("ip").args(["netns", "del", name]).stderr(Stdio::null()).status();
}

fn make_router(namespace: &str, lan: &str, rules: &str) {
    bridge(namespace, "lan", lan);
    // Where the kernel filters bridged packets as if they were routed, hosts of one network could not see each other.
    let kernel = "echo 1 > /proc/sys/net/ipv4/ip_forward
        [ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables";
    ip(&["netns", "exec", namespace, "sh", "-c", kernel]);
    nft(namespace, rules);
}

fn bridge(namespace: &str, name: &str, at: &str) {
    // Without multicast snooping a bridge passes mDNS on at once, as a cheap switch does.
    ip(&["-n", namespace, "link", "add", name, "type", "bridge", "mcast_snooping", "0"]);
    ip(&["-n", namespace, "addr", "add", at, "dev", name]);
    ip(&["-n", namespace, "link", "set", name, "up"]);
}

fn address(namespace: &str, interface: &str, at: &str, gateway: &str) {
    ip(&["-n", namespace, "addr", "add", at, "dev", interface]);
    ip(&["-n", namespace, "link", "set", interface, "up"]);
    ip(&["-n", namespace, "route", "replace", "default", "via", gateway, "dev", interface]);
}

#[track_caller]
fn ip(args: &[&str]) {
    if let Err(error) = attempt(args) {
        panic!("ip {}: {error}", args.join(" "));
    }
}

fn attempt(args: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(args).output().map_err(|e| e.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}

#[track_caller]
fn nft(namespace: &str, script: &str) {
    if let Err(error) = feed(namespace, script) {
        panic!("nft: {error}\n{script}");
    }
}

fn feed(namespace: &str, script: &str) -> Result<(), String> {
    let mut child = Command::new("ip")
        .args(["netns", "exec", namespace, "nft", "-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    child.stdin.take().expect("piped").write_all(script.as_bytes()).map_err(|e| e.to_string())?;
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}
