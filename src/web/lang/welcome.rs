//! The first run, and the list of groups.

use std::fmt::Display;

words! {
    welcome, "Study together, without a server", "一起学习，无需服务器";
    welcome_about, "Everything stays on your machine and goes straight to the members of your group. Two minutes, and you are in.",
        "所有内容都在你自己的电脑上，直接传给小组成员。两分钟即可开始。";
    step_name, "Who are you?", "你是谁？";
    step_name_about, "Your groups see this name. You can change it at any time.", "小组成员会看到这个名字，随时可以更改。";
    your_name, "Your name", "你的名字";
    continue_, "Continue", "继续";
    step_group, "Your group", "你的小组";
    join_title, "Join a group", "加入小组";
    join_about, "Paste the ticket that a member sent you.", "粘贴成员发给你的邀请码。";
    ticket, "Ticket", "邀请码";
    join, "Join", "加入";
    create_title, "Found a group", "创建小组";
    create_about, "You invite others afterwards.", "创建后再邀请其他人。";
    group_name, "Name of the group", "小组名称";
    kind, "Who may come in", "谁可以加入";
    kind_closed, "Closed: members let others in, and can remove them", "封闭：由成员准入，也可移除";
    kind_open, "Open: whoever has the ticket is in", "开放：有邀请码即可加入";
    first_roadmap, "Begin with a roadmap", "从一份路线图开始";
    no_roadmap, "None yet", "暂不选择";
    create, "Found it", "创建";
    your_groups, "Your groups", "你的小组";
    complete, "up to date", "已同步";
    syncing, "syncing", "同步中";
    alone, "nobody connected", "无人在线";
    waiting, "waiting to be let in", "等待获准加入";
    path_title, "The path to cloud native", "云原生学习路径";
}
sentences! {
    hello(name), "Hello, {name}", "你好，{name}";
    n_members(n), "{n} members", "{n} 位成员";
    n_connected(n), "{n} connected", "{n} 个在线";
    n_entries(n), "{n} entries", "{n} 个条目";
}
