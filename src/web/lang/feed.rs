//! What happened.

use std::fmt::Display;

words! {
    feed_title, "What happened", "最近动态";
    mark_seen, "Mark all as seen", "全部标为已看";
    new_here, "new", "新";
    mentions_you, "speaks to you", "提到了你";
    feed_all, "Everything", "全部";
    feed_mentions, "Where I am spoken to", "提到我的";
    feed_unread, "New to me", "未看的";
    feed_empty, "Nothing has happened yet. Write a note, add a link, or mark a topic: it shows here, and at everybody else's.",
        "还没有动态。写一篇笔记、添加一个链接或标记一个主题，就会显示在这里和其他成员那里。";
    feed_none, "Nothing of this kind among the latest.", "最近没有这类动态。";
    earlier, "Earlier", "更早";
    today, "Today", "今天";
    yesterday, "Yesterday", "昨天";
    did_note_new, "wrote the note", "写了笔记";
    did_note_edited, "edited the note", "编辑了笔记";
    did_note_changed, "changed the note", "更改了笔记";
    did_link_new, "added the link", "添加了链接";
    did_link_changed, "changed the link", "更改了链接";
    did_link_voted, "voted for the link", "给链接投票";
    did_topic_doing, "is on the topic", "正在学习";
    did_topic_done, "finished the topic", "学完了";
    did_topic_skip, "skips the topic", "跳过了";
    did_topic_todo, "has still to do the topic", "还未学习";
    did_roadmap, "changed a roadmap", "更改了路线图";
    did_group, "named the group", "将小组命名为";
    did_person, "goes by the name", "使用名字";
    did_else, "did something that a newer version understands", "做了新版本才能识别的操作";
}
sentences! {
    times(n), "{n} times", "{n} 次";
    n_new(n), "{n} new", "{n} 条新动态";
}
