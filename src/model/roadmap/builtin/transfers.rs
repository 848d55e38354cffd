//! What one's experience leads to: the first step from what one knows to what one could do next.

use super::super::Localized;
use super::{PATH_ID, Text, localized};

/// A topic of a built-in roadmap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRef {
    /// Id of a roadmap of [`super::all`].
    pub roadmap: String,
    /// Id of a topic in it.
    pub topic: String,
}

/// One row of the transfer table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What one brings; both languages.
    pub have: Localized,
    /// Where it leads; both languages.
    pub toward: Localized,
    /// What to learn next; both languages.
    pub next: Localized,
    /// The topics where that is studied, in order; at least one.
    pub topics: Vec<TopicRef>,
}

/// The transfer table.
#[must_use]
pub fn transfers() -> Vec<Transfer> {
    let topic = |(roadmap, topic): &(&str, &str)| TopicRef { roadmap: (*roadmap).into(), topic: (*topic).into() };
    let transfer = |row: &Row| Transfer {
        have: localized(row.have),
        toward: localized(row.toward),
        next: localized(row.next),
        topics: row.topics.iter().map(topic).collect(),
    };
    ROWS.iter().map(transfer).collect()
}

struct Row {
    have: Text,
    toward: Text,
    next: Text,
    /// (roadmap, topic)
    topics: &'static [(&'static str, &'static str)],
}

const ROWS: &[Row] = &[
    Row {
        have: ("Solidity", "Solidity 合约开发"),
        toward: ("Web3 back end", "Web3 后端"),
        next: ("The Graph, IPFS", "The Graph、IPFS"),
        topics: &[("track-web3", "the-graph"), ("track-web3", "decentralised-storage")],
    },
    Row {
        have: ("Node operations", "节点运维"),
        toward: ("DevOps and SRE", "DevOps 与 SRE"),
        next: ("CKA, Prometheus", "CKA 认证、Prometheus"),
        topics: &[("track-security", "cka"), (PATH_ID, "prometheus")],
    },
    Row {
        have: ("P2P networking in Go", "Go 语言 P2P 网络"),
        toward: ("Edge and IoT with libp2p", "基于 libp2p 的边缘计算与物联网"),
        next: ("IoT protocols", "物联网协议"),
        topics: &[("track-storage-p2p", "iot-protocols"), ("track-storage-p2p", "libp2p-edge")],
    },
    Row {
        have: ("Cryptography and security", "密码学与安全"),
        toward: ("Auditing or cloud security", "合约审计或云安全"),
        next: ("CBSP, zero trust", "CBSP 认证、零信任"),
        topics: &[("track-security", "cbsp"), ("track-security", "zero-trust")],
    },
];
