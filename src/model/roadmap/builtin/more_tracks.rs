//! The rest of the skill tracks; see [`super::tracks`].

use super::tracks::{Track, topic};

pub(super) const MORE_TRACKS: &[Track] = &[
    Track {
        id: "track-sre",
        title: ("Track: DevOps and SRE", "专项：DevOps 与 SRE"),
        about: ("From a commit to a service that someone answers for.", "从一次提交到一个有人负责的服务。"),
        rows: &[
            topic(
                "gitlab-ci",
                ("CI/CD: GitLab CI", "持续集成：GitLab CI"),
                (
                    "Pipelines, caches, artefacts, and a build that anyone can repeat.",
                    "流水线、缓存、产物，以及任何人都能重现的构建。",
                ),
                &[],
                &["https://docs.gitlab.com/ci/"],
            ),
            topic(
                "argocd",
                ("CI/CD: Argo CD", "持续交付：Argo CD"),
                (
                    "The repository as the source of what runs: sync, drift, rollback.",
                    "以仓库为运行状态的来源：同步、漂移与回滚。",
                ),
                &["gitlab-ci"],
                &["https://argo-cd.readthedocs.io/en/stable/"],
            ),
            topic(
                "prometheus-sre",
                ("Prometheus", "Prometheus 监控告警"),
                (
                    "Service levels as queries, alerts on symptoms rather than causes.",
                    "把服务等级写成查询，对症状而不是原因告警。",
                ),
                &[],
                &["https://prometheus.io/docs/introduction/overview/"],
            ),
            topic(
                "grafana",
                ("Grafana", "Grafana 可视化"),
                ("Dashboards that answer a question; delete those that do not.", "能回答问题的仪表盘；不能的就删掉。"),
                &["prometheus-sre"],
                &["https://grafana.com/docs/grafana/latest/"],
            ),
            topic(
                "terraform",
                ("Terraform", "Terraform 基础设施即代码"),
                (
                    "Infrastructure as declared text: state, plans, modules.",
                    "用声明式文本描述基础设施：状态、计划与模块。",
                ),
                &[],
                &["https://developer.hashicorp.com/terraform/docs"],
            ),
            topic(
                "pulumi",
                ("Pulumi", "Pulumi 基础设施即代码"),
                (
                    "Infrastructure in a programming language such as Go; compare its tests with Terraform's.",
                    "用 Go 这样的编程语言写基础设施；与 Terraform 比较如何测试。",
                ),
                &[],
                &["https://www.pulumi.com/docs/"],
            ),
        ],
    },
    Track {
        id: "track-ai",
        title: ("Track: AI and ML engineering", "专项：AI 与机器学习工程"),
        about: ("Getting models and their data into production.", "让模型和数据走进生产环境。"),
        rows: &[
            topic(
                "data-pipelines",
                ("Data pipelines", "数据流水线"),
                (
                    "Collecting, checking and versioning data; reruns that give the same result.",
                    "数据的采集、校验与版本管理；重跑能得到相同结果。",
                ),
                &[],
                &["https://airflow.apache.org/docs/"],
            ),
            topic(
                "model-serving",
                ("Model serving", "模型服务"),
                (
                    "Batching, accelerators, latency against throughput, rolling out a new model.",
                    "批处理、加速卡、延迟与吞吐的取舍、新模型上线。",
                ),
                &["data-pipelines"],
                &["https://kserve.github.io/website/"],
            ),
        ],
    },
    Track {
        id: "track-security",
        title: ("Track: security", "专项：安全"),
        about: (
            "How systems are attacked, how to show that they hold, and certificates that ask for it.",
            "系统如何被攻击、如何证明守得住，以及考察这些能力的认证。",
        ),
        rows: &[
            topic(
                "contract-auditing",
                ("Contract auditing", "智能合约审计"),
                (
                    "Read a contract as an attacker; write each finding with its cause, proof and remedy.",
                    "以攻击者的眼光读合约；每个发现都写清原因、证明与修复。",
                ),
                &[],
                &[
                    "https://docs.soliditylang.org/en/latest/security-considerations.html",
                    "https://docs.openzeppelin.com/contracts",
                ],
            ),
            topic(
                "reentrancy",
                ("Reentrancy", "重入攻击"),
                (
                    "Reproduce the attack in a test, then prevent it in two ways.",
                    "在测试里复现攻击，再用两种方法防住。",
                ),
                &["contract-auditing"],
                &["https://docs.soliditylang.org/en/latest/security-considerations.html"],
            ),
            topic(
                "majority-attack",
                ("Protocol security: the 51% attack", "协议安全：51% 攻击"),
                (
                    "What a majority can and cannot rewrite, and what finality costs.",
                    "多数算力能改写什么、不能改写什么，以及最终性的代价。",
                ),
                &[],
                &["https://ethereum.org/en/developers/docs/consensus-mechanisms/pos/attack-and-defense/"],
            ),
            topic(
                "zero-trust",
                ("Zero trust", "零信任"),
                (
                    "No trusted network: identity for every workload, least privilege, short-lived credentials.",
                    "没有可信网络：每个工作负载都有身份、最小权限与短期凭证。",
                ),
                &[],
                &["https://csrc.nist.gov/pubs/sp/800/207/final", "https://spiffe.io/docs/latest/"],
            ),
            topic(
                "cka",
                ("Certification: CKA", "认证：CKA"),
                (
                    "Certified Kubernetes Administrator: a practical examination in a terminal. Practise against the clock.",
                    "Kubernetes 管理员认证：在终端里上机考试，要计时练习。",
                ),
                &[],
                &["https://www.cncf.io/training/certification/cka/"],
            ),
            topic(
                "cbsp",
                ("Certification: CBSP", "认证：CBSP"),
                (
                    "A certificate for blockchain security professionals: consensus, keys, contracts, audits.",
                    "区块链安全专业认证：共识、密钥、合约与审计。",
                ),
                &["contract-auditing"],
                &[],
            ),
        ],
    },
    Track {
        id: "track-performance",
        title: ("Track: performance", "专项：性能优化"),
        about: (
            "Measure first; then divide the data, keep what is asked for often, and let work wait.",
            "先测量；再切分数据、缓存常用内容、让工作排队。",
        ),
        rows: &[
            topic(
                "sharding",
                ("Sharding", "分片"),
                (
                    "Choosing the key, moving data while serving, queries that cross shards.",
                    "选择分片键、在线迁移数据、跨分片查询。",
                ),
                &[],
                &["https://vitess.io/docs/"],
            ),
            topic(
                "caching-strategy",
                ("Caching strategy", "缓存策略"),
                (
                    "What to keep, for how long, who invalidates it, and what happens when it is cold.",
                    "缓存什么、保留多久、由谁失效，以及冷启动时会怎样。",
                ),
                &[],
                &["https://redis.io/docs/latest/"],
            ),
            topic(
                "message-queues",
                ("Message queues", "消息队列"),
                (
                    "Backpressure, retries, dead letters, order against parallel work.",
                    "背压、重试、死信，以及顺序与并行的取舍。",
                ),
                &[],
                &["https://docs.nats.io/", "https://kafka.apache.org/documentation/"],
            ),
        ],
    },
];
