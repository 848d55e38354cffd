//! The network.

use std::fmt::Display;

words! {
    network_title, "The network, as this node sees it", "本节点看到的网络";
    all_well, "All is well: whatever the connected members hold is here.", "一切正常：已连接成员持有的内容这里都有。";
    trouble, "What needs attention", "需要注意";
    you_are_alone, "No peer is connected.", "没有连接任何节点。";
    alone_remedy, "Ask a member to run `studymesh up`. If you are in different networks, give both a `--bootstrap` address. What you write is kept here and goes out by itself.",
        "请一位成员运行 `studymesh up`。若不在同一网络，请给双方设置 `--bootstrap` 地址。你写的内容先保存在本机，之后自动发出。";
    no_listen, "This node listens nowhere: nobody can connect to it.", "本节点没有监听任何地址，别人无法连接。";
    no_listen_remedy, "Give an address with `--listen /ip4/0.0.0.0/tcp/0`.", "用 `--listen /ip4/0.0.0.0/tcp/0` 指定地址。";
    loopback_only, "This node listens on this machine only: others can not reach it, it can reach them.", "本节点只监听本机地址：别人连不到它，它可以连别人。";
    loopback_remedy, "Listen on `/ip4/0.0.0.0/tcp/0` when others are to reach it.", "如需别人连接，请监听 `/ip4/0.0.0.0/tcp/0`。";
    all_relayed, "Every connection goes through a relay: slower, and cut when much is sent at once.", "所有连接都经过中继：较慢，大量发送时会被切断。";
    relayed_remedy, "Direct connections are tried all the time. A port opened on the router, or UPnP, helps.", "程序会不断尝试直连。在路由器上开放端口或启用 UPnP 会有帮助。";
    unreachable, "This node is behind a NAT, and no relay has taken it in: nobody can call it from outside.", "本节点在 NAT 后，且没有中继接纳：外部无法呼叫它。";
    unreachable_remedy, "Ask a member with a public address to run `studymesh up --role relay`, or name one with `--relay`.", "请有公网地址的成员运行 `studymesh up --role relay`，或用 `--relay` 指定中继。";
    waits_remedy, "Leave the node running until a member is online.", "保持节点运行，直到有成员在线。";
    missing_remedy, "They are fetched by themselves while a member that holds them is connected.", "只要持有者在线，就会自动获取。";
    picture, "This node and its peers", "本节点与其他节点";
    this_node, "this node", "本节点";
    direct, "direct", "直连";
    relayed, "relayed", "中继";
    transport, "Transport", "传输";
    path, "Path", "路径";
    round_trip, "Round trip", "往返";
    last_sync, "Last compared", "上次比对";
    peer, "Peer", "节点";
    holds, "What it holds", "持有情况";
    gossip_mesh, "Gossip mesh", "传播网格";
    in_mesh, "neighbour", "邻居";
    no_mesh, "not a neighbour", "非邻居";
    stranger, "not a member", "非成员";
    equal, "the same as here", "与本机相同";
    ahead, "more than here", "比本机多";
    behind, "less than here", "比本机少";
    both, "each lacks something", "互有缺少";
    unknown, "not compared yet", "尚未比对";
    legend_direct, "Full line: direct. Dashed: through a relay. Thick: a neighbour in the gossip mesh.", "实线：直连。虚线：经中继。粗线：传播网格中的邻居。";
    your_groups_sync, "Your groups", "你的小组";
    held, "Held", "持有";
    missing, "Missing", "缺少";
    pending, "Waiting", "等待";
    connected, "Connected", "已连接";
    only_here_short, "Only here", "仅在本机";
    reach_title, "How this node can be reached", "本节点如何被连接";
    listens, "Listens at", "监听地址";
    seen_as, "Others reach it at", "他人可用地址";
    nat, "NAT", "NAT";
    nat_unknown, "not known yet: nobody beyond the local network has told", "未知：本地网络之外尚无人告知";
    nat_public, "none in the way: it can be reached directly", "无阻碍：可直接连接";
    nat_private, "in the way: direct calls from outside do not come through", "有阻碍：外部无法直接呼入";
    reservations, "Relays", "中继";
    relay_yes, "took it in", "已接纳";
    relay_no, "was asked", "已询问";
    none, "none", "无";
    dht, "DHT table", "DHT 路由表";
    dht_server, "answers others", "为他人应答";
    dht_client, "asks only", "仅查询";
    bootstrap, "Bootstrap", "引导节点";
    connections, "Connections", "连接数";
    peer_id, "Peer id", "节点编号";
    check_all, "Examine everything", "全面检查";
    check_about, "Reads every entry and checks every hash chain; takes a moment in a large group.", "读取全部条目并检查每条哈希链；大型小组需要一些时间。";
    findings, "What the examination found", "检查结果";
    learn, "How this works", "工作原理";
    learn_direct_title, "Direct and relayed", "直连与中继";
    learn_direct, "libp2p first tries to connect two nodes directly, over QUIC or TCP. When both are behind a NAT, they meet at a relay, which passes on what it can not read; then both call each other at the same moment through it (DCUtR, hole punching), and the line becomes direct when that works.",
        "libp2p 先尝试用 QUIC 或 TCP 直接连接两个节点。若双方都在 NAT 之后，就先通过中继会面（中继无法读取内容），再借中继约定同时互相呼叫（DCUtR 打洞），成功后变为直连。";
    learn_mesh_title, "The gossip mesh", "传播网格";
    learn_mesh, "What is new travels by gossipsub: each node hands it to a few neighbours, its mesh, and they to theirs. Others only hear what there is, and ask for what they lack. So nobody has to be connected to everybody.",
        "新内容通过 gossipsub 传播：每个节点交给少数邻居（即网格），邻居再往外传。其余节点只收到摘要，缺什么再要。因此不必人人相连。";
    learn_dht_title, "The DHT", "分布式哈希表（DHT）";
    learn_dht, "Kademlia is a table of contents without a keeper: every node remembers some others, near and far by the distance of their ids. Members leave their address there under a secret key of the group, so that whoever knows the key finds them. It is a hint, never trusted.",
        "Kademlia 是没有管理者的目录：每个节点按编号距离记住若干远近节点。成员在小组密钥对应的位置留下地址，知道密钥者即可找到。它只是线索，不作为信任依据。";
    learn_sync_title, "Sync", "同步";
    learn_sync, "Two members compare fingerprints of what they hold. Equal ones are done in one round trip of under 1 KB; else the range is halved until the difference is found, and only that is sent. “The same as here” was checked in this way, and names the moment.",
        "两个成员比对所持内容的指纹。相同则一次往返（不到 1 KB）即结束；不同则不断二分范围找到差异，只传差异部分。“与本机相同”正是这样核对得出的，并标明时间。";
    more_in_table, "All peers as a table", "全部节点列表";
}
sentences! {
    missing_in(group, n), "{group}: {n} entries are missing.", "{group}：缺少 {n} 条。";
    missing_of(group, n, who), "{group}: {n} entries are missing; {who} holds more.", "{group}：缺少 {n} 条；{who} 持有更多。";
    group_alone(group), "{group}: no member is connected.", "{group}：没有成员在线。";
    group_waits(group), "{group}: not let in yet.", "{group}：尚未获准加入。";
    ms(n), "{n} ms", "{n} 毫秒";
    n_peers(n), "{n} peers", "{n} 个节点";
    n_of_m(n, m), "{n} of {m} connected", "已连接 {n}/{m}";
    network_desc(peers, direct, relayed), "{peers} peers are connected: {direct} directly, {relayed} through a relay. The table below says the same.",
        "已连接 {peers} 个节点：{direct} 个直连，{relayed} 个经中继。下方表格内容相同。";
}
