//! Everything that people read, in English and Chinese: one function per text, so that a missing one does not compile.
//!
//! JSON keys, error codes and the causes that a node gives are never translated.

use std::fmt::Display;

use super::args::LangChoice;
use crate::model::roadmap::Lang;

/// The texts in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Texts {
    /// The language.
    pub lang: Lang,
}

impl Texts {
    /// The texts in a language.
    pub fn new(lang: Lang) -> Self {
        Self { lang }
    }
}

/// The language that is asked for, or that the environment speaks: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set.
pub fn choose(choice: LangChoice, env: &dyn Fn(&str) -> Option<String>) -> Lang {
    match choice {
        LangChoice::En => Lang::En,
        LangChoice::Zh => Lang::Zh,
        LangChoice::Auto => {
            let spoken =
                ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| env(name).filter(|v| !v.is_empty()));
            let spoken = spoken.unwrap_or_default().to_ascii_lowercase();
            let is_chinese =
                spoken.strip_prefix("zh").is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
            if is_chinese { Lang::Zh } else { Lang::En }
        }
    }
}

/// Words: `name, English, Chinese;`.
macro_rules! words {
    ($($name:ident, $en:literal, $zh:literal;)*) => {
        impl Texts {
            $(
                pub fn $name(self) -> &'static str {
                    match self.lang {
                        Lang::En => $en,
                        Lang::Zh => $zh,
                    }
                }
            )*
        }
    };
}

/// Sentences with values in them: `name(values), English, Chinese;`.
macro_rules! sentences {
    ($($name:ident($($value:ident),+), $en:literal, $zh:literal;)*) => {
        impl Texts {
            $(
                pub fn $name(self, $($value: impl Display),+) -> String {
                    match self.lang {
                        Lang::En => format!($en),
                        Lang::Zh => format!($zh),
                    }
                }
            )*
        }
    };
}

mod backup;
mod device;
mod membership;

// Bundles.
words! {
    bundle_empty, "The other side lacks nothing that is here; the bundle is empty.", "对方什么都不缺；导出包是空的。";
}
sentences! {
    bundle_exported(entries, kib, file), "{entries} entries ({kib} KiB) are in {file}; on the other side: studymesh bundle import",
        "{file} 中有 {entries} 个条目（{kib} KiB）；在另一台机器上运行：studymesh bundle import";
    bundle_have_written(file), "What is held here stands in {file}; on the other side: studymesh bundle export FILE --have",
        "本机已有的内容清单在 {file} 中；在另一台机器上运行：studymesh bundle export 文件 --have";
    bundle_imported(new, held), "{new} new entries; {held} were here already.", "新增 {new} 个条目；{held} 个原本已有。";
    bundle_refused(n), "{n} entries were refused: of people who are not in, or beyond a limit.", "{n} 个条目被拒绝：作者不在小组内，或超出限制。";
}

// Time.
words! {
    just_now, "just now", "刚刚";
    in_the_future, "in the future", "在未来";
    never, "never", "从未";
}
sentences! {
    ago(span), "{span} ago", "{span}前";
    seconds(n), "{n} s", "{n} 秒";
    minutes(n), "{n} min", "{n} 分钟";
    hours(n), "{n} h", "{n} 小时";
    days(n), "{n} d", "{n} 天";
    ms(n), "{n} ms", "{n} 毫秒";
}

// Errors.
words! {
    error, "error", "错误";
    remedy, "what to do", "办法";
    failed, "it did not work", "没有成功";
    not_running, "no node is running", "节点没有运行";
    usage, "the command line is wrong", "命令行有误";
    not_found, "not found", "没有找到";
    ambiguous, "more than one match", "匹配不唯一";
    bad_input, "bad input", "输入有误";
    bad_ticket, "the ticket can not be used", "邀请码不能用";
    locked, "in use by another process", "被另一个进程占用";
    timeout, "time is over", "超时";
    incomplete, "not complete", "尚未完成";
    not_permitted, "not permitted", "不允许";
    store_damaged, "the store is damaged", "数据库已损坏";
    store_newer, "the store is from a newer version", "数据库来自更新的版本";
}

// Headings and labels.
words! {
    id, "ID", "编号";
    name, "NAME", "名称";
    kind, "KIND", "类型";
    members, "MEMBERS", "成员";
    entries, "ENTRIES", "条目";
    state, "STATE", "状态";
    title, "TITLE", "标题";
    topic, "TOPIC", "主题";
    topics, "TOPICS", "主题数";
    tags, "TAGS", "标签";
    updated, "UPDATED", "更新";
    authors, "AUTHORS", "作者";
    author, "AUTHOR", "作者";
    version, "VERSION", "版本";
    when, "WHEN", "时间";
    added_chars, "ADDED", "增加";
    removed_chars, "REMOVED", "删除";
    votes, "VOTES", "票数";
    added_by, "ADDED BY", "添加者";
    url, "ADDRESS", "网址";
    person, "PERSON", "成员";
    minutes_head, "MINUTES", "分钟";
    evidence, "EVIDENCE", "成果";
    remark, "NOTE", "备注";
    peer, "PEER", "节点";
    member, "MEMBER", "成员";
    path, "PATH", "连接";
    transport, "TRANSPORT", "传输";
    rtt, "RTT", "往返";
    last_sync, "LAST SYNC", "上次同步";
    last_seen, "LAST SEEN", "上次在线";
    last_entry, "LAST ENTRY", "上次写入";
    connected_head, "CONNECTED", "已连接";
    sync_head, "SYNC", "同步";
    relation, "COMPARED", "比较";
    checked, "CHECKED", "检查时间";
    key, "SETTING", "设置";
    value, "VALUE", "值";
    source, "FROM", "来源";
    file, "FILE", "文件";
    what, "WHAT", "结果";
}

// Labels of single values, lower case in English.
words! {
    l_person, "you", "我";
    l_peer, "peer id", "节点 ID";
    l_home, "directory", "目录";
    l_listen, "listening on", "监听";
    l_external, "reachable at", "外部地址";
    l_connections, "connections", "连接数";
    l_version, "version", "版本";
    l_group, "group", "小组";
    l_kind, "kind", "类型";
    l_entries, "entries", "条目";
    l_logs, "logs", "日志";
    l_joined, "joined", "加入";
    l_fingerprint, "fingerprint", "指纹";
    l_views, "views digest", "视图摘要";
    l_held, "held", "已有";
    l_missing, "missing", "缺少";
    l_pending, "pending", "待处理";
    l_quarantined, "quarantined", "隔离";
    l_forked, "forked logs", "分叉日志";
    l_expires, "expires", "过期";
    l_size, "size", "大小";
    l_member, "member", "成员";
    l_complete, "complete", "完整";
    yes, "yes", "是";
    no, "no", "否";
}

// States.
words! {
    open, "open", "开放";
    closed, "closed", "封闭";
    todo, "to do", "未开始";
    doing, "doing", "进行中";
    done, "done", "完成";
    skip, "skipped", "跳过";
    ready, "ready", "就绪";
    waiting, "waiting", "等待中";
    syncing, "syncing", "同步中";
    complete, "complete", "完整";
    alone, "nobody here", "无人在线";
    incomplete_word, "incomplete", "不完整";
    direct, "direct", "直连";
    relayed, "relayed", "中继";
    equal, "equal", "一致";
    ahead, "has more", "对方更多";
    behind, "has less", "对方更少";
    both, "each has more", "各有不同";
    unknown, "unknown", "未知";
    expired, "expired", "已过期";
    builtin, "built in", "内置";
    added, "added", "已添加";
    removed, "removed", "已移除";
    unread, "unread", "未读";
    voted, "voted", "已投票";
    you, "you", "我";
    online, "online", "在线";
    created, "created", "已创建";
    edited, "edited", "已修改";
    unchanged, "unchanged", "未变";
    failed_word, "failed", "失败";
    written, "written", "已写入";
    kept, "kept, it was changed by hand", "已保留（被手工改过）";
    kind_note, "note", "笔记";
    kind_link, "link", "链接";
    kind_topic, "topic", "主题";
    origin_flag, "flag", "命令行";
    origin_env, "environment", "环境变量";
    origin_file, "file", "文件";
    origin_default, "default", "默认";
    check_ok, "ok", "正常";
    check_note, "note", "提示";
    check_warning, "warning", "警告";
    check_error, "error", "错误";
}

// What a command says.
words! {
    not_running_status, "no node is running here; `studymesh up` starts one", "节点没有运行；用 `studymesh up` 启动";
    stopped, "stopped", "已停止";
    was_not_running, "no node was running", "节点本来就没有运行";
    no_groups, "no group yet: `studymesh group create NAME`, or `studymesh join TICKET`",
        "还没有小组：`studymesh group create 名称`，或 `studymesh join 邀请码`";
    no_notes, "no notes: `studymesh note new --title TITLE`", "没有笔记：`studymesh note new --title 标题`";
    no_links, "no links: `studymesh link add URL`", "没有链接：`studymesh link add 网址`";
    no_roadmaps, "no roadmaps", "没有路线图";
    no_progress, "no progress yet: `studymesh progress set TOPIC doing`", "还没有进度：`studymesh progress set 主题 doing`";
    no_peers, "no peers connected; `studymesh doctor` looks for the reason", "没有已连接的节点；用 `studymesh doctor` 查找原因";
    no_results, "nothing found", "没有找到";
    no_events, "no events", "没有事件";
    no_member, "nobody to compare with is connected", "没有可以比较的已连接成员";
    up_next, "Next, in another terminal: `studymesh group create NAME`, then `studymesh invite`; or `studymesh join TICKET`.\n\
              Ctrl-C ends the node.",
        "接下来，在另一个终端：`studymesh group create 名称`，再 `studymesh invite`；或 `studymesh join 邀请码`。\n按 Ctrl-C 结束节点。";
    up_detached, "It runs in the background; `studymesh stop` ends it, and node.log in its directory has its log.",
        "节点在后台运行；`studymesh stop` 结束它，日志在其目录的 node.log 中。";
    up_ready, "the node is running", "节点已启动";
    web_once, "Open it in a browser on this machine; it is good for one use within ten minutes.", "请在本机浏览器中打开；该地址十分钟内有效，只能用一次。";
    up_ended, "the node has ended", "节点已结束";
    doubtful, "times with ? are ahead of this clock", "带 ? 的时间比本机时钟超前";
    orphaned, "in no roadmap any more", "已不在任何路线图中";
    answer_yes, "yes", "是";
    cancelled, "not done", "已取消";
    text_unchanged, "nothing changed", "没有变化";
    already_there, "Somebody had added it before; it is the same link.", "已经有人添加过；这是同一个链接。";
    warn_licence, "This roadmap belongs to its authors; their licence may forbid sharing it with others.",
        "这份路线图属于其作者；其许可可能禁止与他人分享。";
    db_rebuilt, "All views were folded anew.", "所有视图已重建。";
    db_ok, "The store is in order.", "数据库完好。";
    config_shadowed, "The environment sets this too, and wins over the file.", "环境变量也设置了该项，并且优先于文件。";
    restart_needed, "A running node reads this when it starts again.", "正在运行的节点重启后才会读取。";
    deleted_hint, "`studymesh note restore` brings it back.", "用 `studymesh note restore` 可以恢复。";
    undo_hint, "`studymesh link remove --undo` brings it back.", "用 `studymesh link remove --undo` 可以恢复。";
    progress_stays, "Everybody's progress stays.", "所有人的进度都会保留。";
    legend, "✓ done   ◐ doing   · to do   – skipped", "✓ 完成   ◐ 进行中   · 未开始   – 跳过";
}
sentences! {
    running(span, pid), "running for {span} (process {pid})", "已运行 {span}（进程 {pid}）";
    web_at(url), "The web page: {url}\n(good for one use within ten minutes; `studymesh web` prints a fresh one)", "网页：{url}\n（十分钟内有效，只能用一次；`studymesh web` 给出新的地址）";
    months(from, to), "months {from} to {to}", "第 {from} 至 {to} 个月";
    months_open(from), "month {from} and on", "第 {from} 个月起";
    more_members(n), "{n} more members: `studymesh progress group --json` has them all", "还有 {n} 位成员：`studymesh progress group --json` 列出全部";
    search_pending(n), "{n} documents are still to be indexed and may be missing here", "还有 {n} 篇尚未建立索引，结果可能不全";
    more_events(id), "there are more: `studymesh events --since {id}`", "还有更多：`studymesh events --since {id}`";
    group_created(name), "Group \"{name}\" is founded. `studymesh invite` makes a ticket for others.",
        "小组“{name}”已创建。用 `studymesh invite` 生成邀请码。";
    group_renamed(name), "The group is now called \"{name}\".", "小组现在叫“{name}”。";
    group_left(name), "This node has left \"{name}\"; its entries here are gone.", "本节点已离开“{name}”，本地条目已删除。";
    confirm_leave(name, entries), "Leave \"{name}\" and delete its {entries} entries on this node? Type yes: ",
        "离开“{name}”并删除本节点上的 {entries} 个条目？输入 yes 确认：";
    invite_how(name), "Send this to whom you want in the group; they run: studymesh join {name}", "把它发给要邀请的人；对方运行：studymesh join {name}";
    invite_expires(when), "It works until {when}.", "有效期至 {when}。";
    joined_group(name), "You are in \"{name}\", and nothing is missing.", "已加入“{name}”，内容齐全。";
    joining_syncing(name), "You are in \"{name}\"; its entries are coming. `studymesh sync wait` waits for them.",
        "已加入“{name}”，正在接收条目。用 `studymesh sync wait` 等待完成。";
    joining_waiting(name), "\"{name}\" is noted; no member has been met yet. Keep `studymesh up` running; `studymesh doctor` looks for troubles.",
        "已记下“{name}”，还没有遇到成员。让 `studymesh up` 保持运行；用 `studymesh doctor` 查找问题。";
    named(name), "Your name is now {name}.", "你的名字现在是 {name}。";
    name_shadowed(variable), "{variable} is set and gives another name at the next start.", "{variable} 已设置，下次启动时会使用另一个名字。";
    note_created(title), "Note \"{title}\" is written.", "笔记“{title}”已写入。";
    note_edited(id), "Note {id} is changed.", "笔记 {id} 已修改。";
    note_deleted(id), "Note {id} is deleted.", "笔记 {id} 已删除。";
    note_restored(id), "Note {id} is restored.", "笔记 {id} 已恢复。";
    link_added(url), "{url} is in the list.", "{url} 已在列表中。";
    link_changed(id), "Link {id} is changed.", "链接 {id} 已修改。";
    link_removed(id), "Link {id} is removed.", "链接 {id} 已移除。";
    link_back(id), "Link {id} is back.", "链接 {id} 已恢复。";
    link_votes(id, votes), "Link {id} has {votes} vote(s).", "链接 {id} 有 {votes} 票。";
    link_read(id), "Link {id} is read.", "链接 {id} 已读。";
    link_unread(id), "Link {id} is unread.", "链接 {id} 未读。";
    roadmap_added(id, topics), "Roadmap {id} with {topics} topics is in the group.", "路线图 {id}（{topics} 个主题）已加入小组。";
    roadmap_edited(id), "Roadmap {id} is changed.", "路线图 {id} 已修改。";
    roadmap_removed(id), "Roadmap {id} is off the list.", "路线图 {id} 已移出列表。";
    progress_is(topic, state), "{topic}: {state}", "{topic}：{state}";
    progress_imported(n), "{n} topics are set.", "已设置 {n} 个主题。";
    progress_unknown(n), "{n} are in no roadmap of this group:", "{n} 个不在本组的路线图中：";
    total(topics, minutes), "{topics} topics done, {minutes} minutes", "完成 {topics} 个主题，共 {minutes} 分钟";
    pong(peer, ms), "{peer}: {ms} ms", "{peer}：{ms} 毫秒";
    exported(files, dir), "{files} files in {dir}", "{dir} 中有 {files} 个文件";
    export_kept(n), "{n} files were changed by hand and are kept; `studymesh import` brings them in.", "{n} 个文件被手工改过，已保留；用 `studymesh import` 导入。";
    config_set(key, path), "{key} is set in {path}.", "{key} 已写入 {path}。";
    config_unset(key, path), "{key} is taken out of {path}.", "{key} 已从 {path} 删除。";
    pages_written(n, dir), "{n} pages in {dir}", "{dir} 中有 {n} 页手册";
    db_problems(n), "{n} problems:", "{n} 个问题：";
    near_limit(name, used, max), "{name}: {used} of {max}", "{name}：{used} / {max}";
    entries_of(n, groups), "{n} entries in {groups} group(s).", "{groups} 个小组共 {n} 个条目。";
}

impl Texts {
    /// What a word of the contract is called; a word that this version does not know is shown as it is.
    pub fn word(self, word: &str) -> &str {
        match word {
            "open" => self.open(),
            "roadmap" => self.kind_roadmap(),
            "name" => self.kind_name(),
            "membership" => self.kind_membership(),
            "unreadable" => self.kind_unreadable(),
            "closed" => self.closed(),
            "keeper" => self.keeper(),
            "reader" => self.reader(),
            "member" => self.member_word(),
            "admin" => self.admin(),
            "owner" => self.owner(),
            "removed" => self.removed_word(),
            "refused" => self.refused_word(),
            "revoked" => self.revoked_word(),
            "over" => self.over_word(),
            "hidden" => self.hidden_word(),
            "todo" => self.todo(),
            "doing" => self.doing(),
            "done" => self.done(),
            "skip" => self.skip(),
            "ready" | "joined" => self.ready(),
            "waiting" => self.waiting(),
            "syncing" => self.syncing(),
            "direct" => self.direct(),
            "relayed" => self.relayed(),
            "equal" => self.equal(),
            "ahead" => self.ahead(),
            "behind" => self.behind(),
            "both" => self.both(),
            "unknown" => self.unknown(),
            "note" => self.kind_note(),
            "link" => self.kind_link(),
            "topic" => self.kind_topic(),
            "created" => self.created(),
            "edited" => self.edited(),
            "unchanged" => self.unchanged(),
            "failed" => self.failed_word(),
            "written" => self.written(),
            "kept" => self.kept(),
            "flag" => self.origin_flag(),
            "env" => self.origin_env(),
            "file" => self.origin_file(),
            "default" => self.origin_default(),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_asked_for_or_read_from_the_environment_in_its_order() {
        let choose_with = |pairs: &'static [(&str, &str)]| {
            choose(LangChoice::Auto, &|name| pairs.iter().find(|(k, _)| *k == name).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(choose_with(&[]), Lang::En);
        assert_eq!(choose_with(&[("LANG", "zh_CN.UTF-8")]), Lang::Zh);
        assert_eq!(choose_with(&[("LANG", "zh")]), Lang::Zh);
        assert_eq!(choose_with(&[("LANG", "zh-Hans")]), Lang::Zh);
        assert_eq!(choose_with(&[("LANG", "zhx_XX")]), Lang::En);
        assert_eq!(choose_with(&[("LC_ALL", "en_GB.UTF-8"), ("LANG", "zh_CN.UTF-8")]), Lang::En);
        assert_eq!(choose_with(&[("LC_ALL", ""), ("LC_MESSAGES", "zh_TW"), ("LANG", "C")]), Lang::Zh);
        assert_eq!(choose(LangChoice::Zh, &|_| Some("en".into())), Lang::Zh);
        assert_eq!(choose(LangChoice::En, &|_| Some("zh_CN".into())), Lang::En);
    }

    #[test]
    fn values_stand_in_the_sentences_of_both_languages() {
        assert_eq!(Texts::new(Lang::En).months(1, 3), "months 1 to 3");
        assert_eq!(Texts::new(Lang::Zh).months(1, 3), "第 1 至 3 个月");
        assert_eq!(Texts::new(Lang::Zh).word("doing"), "进行中");
        assert_eq!(Texts::new(Lang::Zh).word("something-newer"), "something-newer");
    }
}
