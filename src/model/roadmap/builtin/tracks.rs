//! Skill tracks that a group may add beside the path: each a roadmap of its own, in no particular order of months.

use super::super::Roadmap;
use super::more_tracks::MORE_TRACKS;
use super::{ROW, Row, Text, roadmap};

/// The tracks, as optional roadmaps.
#[must_use]
pub fn tracks() -> Vec<Roadmap> {
    TRACKS.iter().chain(MORE_TRACKS).map(|track| roadmap(track.id, track.title, track.about, track.rows)).collect()
}

pub(super) struct Track {
    pub id: &'static str,
    pub title: Text,
    pub about: Text,
    pub rows: &'static [Row],
}

/// A row that is a topic of no stage: id, title, description, prerequisites, links.
pub(super) const fn topic(id: &'static str, title: Text, about: Text, after: List, links: List) -> Row {
    Row { id, title, about, after, links, ..ROW }
}

pub(super) type List = &'static [&'static str];

const TRACKS: &[Track] = &[
    Track {
        id: "track-cloud-native",
        title: ("Track: cloud native and microservices", "专项：云原生与微服务"),
        about: (
            "Running many services on a cluster, and the theory that says what they can promise.",
            "在集群上运行众多服务，以及说明它们能保证什么的理论。",
        ),
        rows: &[
            topic(
                "docker",
                ("Docker", "Docker 容器"),
                (
                    "Images, layers and isolation: what every later topic runs on.",
                    "镜像、分层与隔离：后面所有主题的运行基础。",
                ),
                &[],
                &["https://docs.docker.com/get-started/"],
            ),
            topic(
                "kubernetes",
                ("Kubernetes", "Kubernetes 编排"),
                (
                    "Workloads, networking, storage and scheduling, beyond the basics: quotas, affinity, autoscaling.",
                    "超越基础的工作负载、网络、存储与调度：配额、亲和性、自动伸缩。",
                ),
                &["docker"],
                &["https://kubernetes.io/docs/home/"],
            ),
            topic(
                "istio",
                ("Service mesh: Istio", "服务网格：Istio"),
                (
                    "Traffic rules, mutual TLS and telemetry without changing the services; know what the proxies cost.",
                    "不改服务代码就获得流量规则、双向 TLS 与遥测；也要清楚代理的代价。",
                ),
                &["kubernetes"],
                &["https://istio.io/latest/docs/"],
            ),
            topic(
                "linkerd",
                ("Service mesh: Linkerd", "服务网格：Linkerd"),
                (
                    "The lighter mesh: install it, break a service, and compare with Istio.",
                    "更轻量的网格：装上它，弄坏一个服务，再与 Istio 比较。",
                ),
                &["kubernetes"],
                &["https://linkerd.io/2/overview/"],
            ),
            topic(
                "operators",
                ("Operators", "Operator 模式"),
                (
                    "Operational knowledge written as a controller that keeps reconciling.",
                    "把运维知识写成不断调谐的控制器。",
                ),
                &["kubernetes"],
                &["https://kubernetes.io/docs/concepts/extend-kubernetes/operator/", "https://book.kubebuilder.io/"],
            ),
            topic(
                "cap",
                ("Distributed systems: CAP and consistency", "分布式系统：CAP 与一致性"),
                (
                    "What a system gives up when the network splits, and the consistency models between the extremes.",
                    "网络分区时系统要放弃什么，以及两个极端之间的各种一致性模型。",
                ),
                &[],
                &["https://jepsen.io/consistency"],
            ),
            topic(
                "raft",
                ("Consensus: Raft", "共识算法：Raft"),
                (
                    "Leader election, log replication, membership changes. Build a small one and crash it.",
                    "选主、日志复制、成员变更。自己实现一个小的，再让它崩溃试试。",
                ),
                &["cap"],
                &["https://raft.github.io/", "https://etcd.io/docs/"],
            ),
            topic(
                "serverless",
                ("Serverless", "无服务器计算"),
                (
                    "Functions that scale to zero: cold starts, events, limits, and when a plain service is simpler.",
                    "可缩到零的函数：冷启动、事件、限制，以及什么时候普通服务更简单。",
                ),
                &["kubernetes"],
                &["https://knative.dev/docs/"],
            ),
        ],
    },
    Track {
        id: "track-middleware",
        title: ("Track: high-performance middleware", "专项：高性能中间件"),
        about: (
            "The queues, caches, gateways and databases between services, and how they fail.",
            "服务之间的队列、缓存、网关与数据库，以及它们如何出错。",
        ),
        rows: &[
            topic(
                "nats",
                ("Message queues: NATS", "消息队列：NATS"),
                (
                    "Subjects, request and reply, JetStream: what is delivered once, at least once, or never.",
                    "主题、请求应答与 JetStream：哪些消息恰好一次、至少一次，或可能丢失。",
                ),
                &[],
                &["https://docs.nats.io/"],
            ),
            topic(
                "redis",
                ("Caches: Redis", "缓存：Redis"),
                (
                    "Data types, expiry, persistence, and the stampede when a hot key expires.",
                    "数据类型、过期、持久化，以及热点键过期引发的惊群。",
                ),
                &[],
                &["https://redis.io/docs/latest/"],
            ),
            topic(
                "envoy-filters",
                ("Gateways: Envoy filters", "网关：Envoy 过滤器"),
                (
                    "Listeners, routes, filter chains; write a filter and measure what it adds.",
                    "监听器、路由与过滤器链；写一个过滤器并测出它的开销。",
                ),
                &[],
                &["https://www.envoyproxy.io/docs/envoy/latest/"],
            ),
            topic(
                "tidb",
                ("TiDB", "TiDB 数据库"),
                (
                    "Distributed SQL in layers: computing, placement, and key-value storage over Raft.",
                    "分层的分布式 SQL：计算、调度，以及基于 Raft 的键值存储。",
                ),
                &[],
                &["https://docs.pingcap.com/tidb/stable/"],
            ),
            topic(
                "cockroachdb",
                ("CockroachDB", "CockroachDB 数据库"),
                (
                    "Serialisable transactions over ranges, clocks and their uncertainty; compare with TiDB.",
                    "基于 Range 的可串行化事务、时钟与不确定区间；与 TiDB 比较。",
                ),
                &[],
                &["https://www.cockroachlabs.com/docs/"],
            ),
        ],
    },
    Track {
        id: "track-web3",
        title: ("Track: blockchain and Web3", "专项：区块链与 Web3"),
        about: ("Contracts, chains, clients, and where their data lives.", "合约、链、客户端，以及数据存放在哪里。"),
        rows: &[
            topic(
                "solidity",
                ("Solidity", "Solidity 智能合约"),
                (
                    "Storage layout, calls, gas, tests; small contracts that fail safely.",
                    "存储布局、调用、Gas 与测试；写出会安全失败的小合约。",
                ),
                &[],
                &["https://docs.soliditylang.org/en/latest/"],
            ),
            topic(
                "cosmos-sdk",
                ("Tendermint and the Cosmos SDK", "Tendermint 与 Cosmos SDK"),
                (
                    "Modules, keepers, messages, and the interface between application and consensus.",
                    "模块、Keeper、消息，以及应用与共识之间的接口。",
                ),
                &[],
                &["https://docs.cosmos.network/", "https://docs.cometbft.com/"],
            ),
            topic(
                "geth",
                ("Geth", "Geth 客户端"),
                (
                    "Run and read an Ethereum client in Go: sync modes, state, peers, the RPC interface.",
                    "运行并阅读 Go 语言的以太坊客户端：同步模式、状态、对等节点与 RPC 接口。",
                ),
                &[],
                &["https://geth.ethereum.org/docs"],
            ),
            topic(
                "layer-2",
                ("Layer 2", "二层网络 Layer 2"),
                (
                    "Optimistic and validity rollups, data availability, bridges and whom they trust.",
                    "乐观与有效性 Rollup、数据可用性、跨链桥及其信任对象。",
                ),
                &["solidity"],
                &["https://ethereum.org/en/layer-2/", "https://docs.optimism.io/"],
            ),
            topic(
                "the-graph",
                ("The Graph", "The Graph 索引"),
                (
                    "Index the events of a contract with a subgraph and query them.",
                    "用 Subgraph 为合约事件建索引并查询。",
                ),
                &["solidity"],
                &["https://thegraph.com/docs/en/"],
            ),
            topic(
                "decentralised-storage",
                ("IPFS, Filecoin and Arweave", "IPFS、Filecoin 与 Arweave"),
                (
                    "Addressing by content, who keeps the bytes and why, and what permanent means in each.",
                    "内容寻址、谁为什么保存数据，以及“永久”在三者中各指什么。",
                ),
                &[],
                &["https://docs.ipfs.tech/", "https://docs.filecoin.io/", "https://www.arweave.org/"],
            ),
        ],
    },
    Track {
        id: "track-storage-p2p",
        title: ("Track: distributed storage and P2P", "专项：分布式存储与 P2P"),
        about: ("Moving and keeping data among machines that nobody commands.", "在无人统管的机器之间传输与保存数据。"),
        rows: &[
            topic(
                "libp2p",
                ("Storage protocols and libp2p", "存储协议与 libp2p"),
                (
                    "Transports, identities, multiplexing, discovery, gossip and traversal of NATs.",
                    "传输、身份、多路复用、节点发现、Gossip 与 NAT 穿透。",
                ),
                &[],
                &["https://docs.libp2p.io/", "https://github.com/libp2p/specs"],
            ),
            topic(
                "s3",
                ("Object stores: S3", "对象存储：S3"),
                (
                    "Buckets, consistency, multipart uploads, lifecycle, and costs per request.",
                    "桶、一致性、分段上传、生命周期与按请求计费。",
                ),
                &[],
                &["https://docs.aws.amazon.com/s3/"],
            ),
            topic(
                "ceph",
                ("Object stores: Ceph", "对象存储：Ceph"),
                (
                    "Placement without a table, replication and erasure codes, recovery after losing a disk.",
                    "无需查表的数据放置、副本与纠删码、丢盘后的恢复。",
                ),
                &["s3"],
                &["https://docs.ceph.com/en/latest/"],
            ),
            topic(
                "libp2p-edge",
                ("libp2p at the edge", "libp2p 在边缘侧"),
                (
                    "Small devices behind NATs: power, relays, and data that waits for a connection.",
                    "NAT 后面的小设备：功耗、中继，以及等待联网的数据。",
                ),
                &["libp2p"],
                &["https://docs.libp2p.io/"],
            ),
            topic(
                "iot-protocols",
                ("IoT protocols", "物联网协议"),
                (
                    "MQTT and CoAP: what they assume of the network, and how they meet a P2P overlay.",
                    "MQTT 与 CoAP：它们对网络的假设，以及如何与 P2P 覆盖网对接。",
                ),
                &[],
                &["https://mqtt.org/", "https://www.rfc-editor.org/rfc/rfc7252"],
            ),
        ],
    },
];
