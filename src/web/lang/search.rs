//! Search over everything.

use std::fmt::Display;

words! {
    search_title, "Search everything", "搜索全部内容";
    search_for, "Search for", "搜索";
    search_hint, "Notes, links and topics, in any language", "笔记、链接、主题，中英文皆可";
    in_all_groups, "All groups", "所有小组";
    in_group, "In", "范围";
    search_start, "Type a word. Notes, links and topics of all your groups are searched here on this machine; nothing is sent anywhere.",
        "输入关键词。将在本机搜索所有小组的笔记、链接和主题，不会向外发送任何内容。";
    search_keys, "Ctrl-K or ⌘K opens this from any page.", "在任何页面按 Ctrl-K 或 ⌘K 即可打开搜索。";
    search_none, "Nothing has these words. Try fewer or other ones.", "没有找到。试试更少或别的关键词。";
    kind_note, "Note", "笔记";
    kind_link, "Link", "链接";
    kind_topic, "Topic", "主题";
}
sentences! {
    n_found(n), "{n} found", "找到 {n} 条";
    n_or_more_found(n), "The best {n}", "最相关的 {n} 条";
    to_be_indexed(n), "{n} documents are still to be indexed; they may be missing here.", "还有 {n} 篇文档待索引，结果可能不全。";
}
