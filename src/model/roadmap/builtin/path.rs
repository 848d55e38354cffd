//! The path to cloud native: three stages, each ending in something built.

use super::super::{OPEN_MONTH, Roadmap, TopicKind};
use super::{PATH_ID, ROW, Row, roadmap};

/// The built-in roadmap, for developers who come from Go, blockchain and peer-to-peer networks.
#[must_use]
pub fn path() -> Roadmap {
    roadmap(
        PATH_ID,
        ("The path to cloud native", "云原生学习路径"),
        (
            "For developers with a background in Go, blockchain or P2P who learn cloud native together. Every stage ends \
             with a practice task, done with evidence that other members can review. Keep a pace you can keep: rest days \
             are part of the plan.",
            "面向有 Go、区块链或 P2P 背景、想一起学习云原生的开发者。每个阶段以一个实践任务收尾，并用可供组员评审的成果证明完成。\
             保持能长期坚持的节奏，休息日也是计划的一部分。",
        ),
        ROWS,
    )
}

const ROWS: &[Row] = &[
    Row {
        id: "foundations",
        kind: TopicKind::Stage,
        title: ("Foundations", "第一阶段：打基础"),
        about: (
            "Package a program, run it on a cluster, and describe the whole deployment as text.",
            "学会打包程序、在集群上运行，并把整个部署写成文本。",
        ),
        months: Some((1, 3)),
        ..ROW
    },
    Row {
        id: "docker",
        parent: "foundations",
        title: ("Docker", "Docker 容器"),
        about: (
            "Images and layers, a small multi-stage Dockerfile for a Go program, volumes, networks and Compose. You are \
             done when you can explain what a container isolates and what it does not.",
            "镜像与分层、为 Go 程序写精简的多阶段 Dockerfile、卷、网络与 Compose。能讲清容器隔离了什么、没有隔离什么，就算学会。",
        ),
        links: &["https://docs.docker.com/get-started/", "https://docs.docker.com/build/building/multi-stage/"],
        ..ROW
    },
    Row {
        id: "kubernetes-basics",
        parent: "foundations",
        title: ("Kubernetes basics", "Kubernetes 基础"),
        about: (
            "Pods, Deployments, StatefulSets, Services, ConfigMaps, Secrets, probes and persistent volumes, on a local \
             cluster. You are done when you can find out why a Pod does not start.",
            "在本地集群上使用 Pod、Deployment、StatefulSet、Service、ConfigMap、Secret、探针与持久卷。\
             能查出一个 Pod 为什么起不来，就算学会。",
        ),
        after: &["docker"],
        links: &["https://kubernetes.io/docs/tutorials/kubernetes-basics/", "https://kubernetes.io/docs/concepts/"],
        ..ROW
    },
    Row {
        id: "helm",
        parent: "foundations",
        title: ("Helm", "Helm 包管理"),
        about: (
            "Charts, templates, values, releases and rollback. You are done when one chart installs your program in two \
             environments that differ only in their values.",
            "Chart、模板、values、发布与回滚。能用同一个 Chart 在只有 values 不同的两个环境里装好你的程序，就算学会。",
        ),
        after: &["kubernetes-basics"],
        links: &["https://helm.sh/docs/"],
        ..ROW
    },
    Row {
        id: "practice-ethereum-light-node",
        kind: TopicKind::Practice,
        parent: "foundations",
        title: ("Practice: an Ethereum light node on Kubernetes", "实践：在 Kubernetes 上部署以太坊轻节点"),
        about: (
            "Deploy an Ethereum light node with your own chart: a StatefulSet, storage that survives a restart, probes, \
             limits. Evidence: the repository or the manifests, and a short note on what went wrong.",
            "用自己写的 Chart 部署一个以太坊轻节点：StatefulSet、重启不丢的存储、探针与资源限制。\
             成果：仓库或清单文件，以及一篇踩坑小记。",
        ),
        after: &["helm"],
        links: &["https://ethereum.org/en/developers/docs/nodes-and-clients/light-clients/"],
        ..ROW
    },
    Row {
        id: "advanced",
        kind: TopicKind::Stage,
        title: ("Advanced", "第二阶段：进阶"),
        about: (
            "Teach the cluster to run your software by itself, and see what it does.",
            "让集群学会自己运维你的软件，并看清它在做什么。",
        ),
        months: Some((3, 6)),
        ..ROW
    },
    Row {
        id: "kubernetes-operators",
        parent: "advanced",
        title: ("Kubernetes Operators in Go", "用 Go 开发 Kubernetes Operator"),
        about: (
            "Custom resources, controllers and the reconcile loop, owner references, finalizers and status conditions, \
             tested with envtest. You are done when your controller repairs what you break by hand.",
            "自定义资源、控制器与调谐循环、属主引用、Finalizer 与状态条件，并用 envtest 测试。\
             手动弄坏资源后控制器能自己修好，就算学会。",
        ),
        after: &["helm"],
        links: &[
            "https://book.kubebuilder.io/",
            "https://sdk.operatorframework.io/docs/",
            "https://kubernetes.io/docs/concepts/extend-kubernetes/operator/",
        ],
        ..ROW
    },
    Row {
        id: "prometheus",
        parent: "advanced",
        title: ("Prometheus monitoring", "Prometheus 监控"),
        about: (
            "Metric types, instrumenting a Go program, scraping, PromQL, recording and alerting rules. You are done when \
             an alert of yours tells of a problem before a user does.",
            "指标类型、为 Go 程序埋点、抓取、PromQL、记录规则与告警规则。你的告警能先于用户发现问题，就算学会。",
        ),
        after: &["kubernetes-operators"],
        links: &[
            "https://prometheus.io/docs/introduction/overview/",
            "https://prometheus.io/docs/guides/go-application/",
        ],
        ..ROW
    },
    Row {
        id: "practice-node-operator",
        kind: TopicKind::Practice,
        parent: "advanced",
        title: ("Practice: an Operator for a blockchain node", "实践：为区块链节点编写 Operator"),
        about: (
            "Write an Operator that creates, upgrades and repairs a blockchain node from one custom resource, and exports \
             its metrics. Evidence: a repository with tests and a recorded or written demonstration.",
            "编写一个 Operator：由一个自定义资源创建、升级并修复区块链节点，同时导出指标。\
             成果：带测试的仓库，以及录屏或文字演示。",
        ),
        after: &["kubernetes-operators", "prometheus"],
        links: &["https://book.kubebuilder.io/quick-start"],
        ..ROW
    },
    Row {
        id: "combining",
        kind: TopicKind::Stage,
        title: ("Combining both", "第三阶段：融合"),
        about: ("Bring cloud native and blockchain together, in public.", "把云原生与区块链结合起来，并公开分享。"),
        months: Some((6, OPEN_MONTH)),
        ..ROW
    },
    Row {
        id: "cloud-native-blockchain",
        parent: "combining",
        title: ("Cloud-native blockchain projects", "云原生区块链项目研究"),
        about: (
            "Read how real projects run chains on clusters, for instance Cosmos validators on Kubernetes: keys and remote \
             signing, sentries, upgrades, snapshots, and why two running copies of one validator are dangerous.",
            "研究真实项目如何在集群上运行区块链，例如在 Kubernetes 上部署 Cosmos 验证者：密钥与远程签名、哨兵节点、升级、快照，\
             以及为什么同一验证者不能同时跑两份。",
        ),
        after: &["kubernetes-operators", "prometheus"],
        links: &["https://docs.cosmos.network/", "https://docs.cometbft.com/"],
        ..ROW
    },
    Row {
        id: "practice-cosmos-validator",
        kind: TopicKind::Practice,
        parent: "combining",
        title: ("Practice: a Cosmos validator on Kubernetes", "实践：在 Kubernetes 上部署 Cosmos 验证者"),
        about: (
            "On a test network, run a validator behind sentries, with alerts and a rehearsed upgrade. Evidence: the \
             manifests and the record of the upgrade.",
            "在测试网上运行带哨兵节点的验证者，配好告警并演练一次升级。成果：清单文件与升级记录。",
        ),
        after: &["cloud-native-blockchain"],
        links: &["https://docs.cosmos.network/"],
        ..ROW
    },
    Row {
        id: "practice-blog",
        kind: TopicKind::Practice,
        parent: "combining",
        title: ("Practice: technical blog posts", "实践：撰写技术博客"),
        about: (
            "Write about one thing that you built or understood, so that someone a stage behind you can follow. Evidence: \
             the published post.",
            "写一件你做出来或弄明白的事，让比你晚一个阶段的人也能看懂。成果：已发布的文章。",
        ),
        links: &["https://kubernetes.io/docs/contribute/"],
        ..ROW
    },
    Row {
        id: "practice-open-source",
        kind: TopicKind::Practice,
        parent: "combining",
        title: ("Practice: open-source work", "实践：参与开源"),
        about: (
            "Take part in a project that you use: a documented bug, a test, a fix, a review. Evidence: the issue or the \
             pull request.",
            "参与一个你在用的项目：一个写清楚的 bug、一个测试、一处修复或一次评审。成果：issue 或 pull request。",
        ),
        links: &["https://contribute.cncf.io/"],
        ..ROW
    },
];
