//! Notes: the list, one note, the editor, history.

use std::fmt::Display;

words! {
    notes_title, "Notes", "笔记";
    note_new, "New note", "新建笔记";
    note_search, "Search the notes", "搜索笔记";
    note_find, "Search", "搜索";
    notes_none, "No notes yet. Write the first: what you learned today, in your own words.", "还没有笔记。写下第一篇：用自己的话记录今天学到的内容。";
    notes_none_found, "Nothing fits. Try fewer words, or take a filter away.", "没有匹配的笔记。减少关键词，或去掉筛选条件。";
    notes_none_deleted, "Nothing was deleted.", "没有已删除的笔记。";
    notes_deleted, "Deleted", "已删除";
    note_filter, "Filter", "筛选";
    note_without_title, "Without a title", "无标题";
    note_title_label, "Title", "标题";
    note_topic_label, "Topic", "主题";
    note_no_topic, "No topic", "无主题";
    note_tags_label, "Tags", "标签";
    note_tags_about, "With commas between them.", "用逗号分隔。";
    note_text_label, "Text (Markdown)", "正文（Markdown）";
    note_create, "Create the note", "创建笔记";
    note_edit, "Edit", "编辑";
    note_done, "Done", "完成";
    note_save, "Save", "保存";
    note_history_title, "History", "历史";
    note_details, "Title, topic, tags", "标题、主题、标签";
    note_delete, "Delete", "删除";
    note_delete_about, "It can be restored at any time.", "可随时恢复。";
    note_was_deleted, "This note was deleted.", "这篇笔记已被删除。";
    note_restore, "Restore", "恢复";
    note_backlinks, "Notes that link here", "链接到此处的笔记";
    note_no_backlinks, "None yet. Write [[its title]] in another note.", "还没有。在其他笔记中写 [[标题]] 即可。";
    note_saved_here, "Saved here", "已保存在本机";
    note_on_nobody, "on no other device yet", "尚未同步到其他设备";
    note_empty, "Nothing is written yet.", "还没有内容。";
    note_preview, "Preview", "预览";
    note_write_about, "Everyone in the group can write here at the same time. Link another note with [[its title]].",
        "小组成员可以同时在这里编辑。用 [[标题]] 链接其他笔记。";
    note_is_saved, "Saved", "已保存";
    note_is_saving, "Saving…", "保存中…";
    note_is_offline, "The node does not answer: what you write is kept in this browser and sent when it is back.",
        "节点没有响应：你写的内容暂存在此浏览器中，恢复后自动发送。";
    note_is_refused, "This can not be saved now: copy what you wrote before you leave.", "暂时无法保存：离开前请复制你写的内容。";
    note_is_restored, "What was not sent last time was sent now.", "上次未发送的内容已发送。";
    note_here_now, "Here now", "正在编辑";
    note_only_you, "Only you", "只有你";
    note_difference, "What changed", "变更内容";
    note_no_difference, "No visible difference.", "没有可见的差异。";
    note_versions, "Versions", "版本";
    note_restore_this, "Make this text the present one", "将此版本设为当前内容";
    note_at_version, "The text at this version", "此版本的正文";
    note_added, "added", "新增";
    note_removed, "removed", "删除";
    note_back, "Back to the note", "返回笔记";
    notes_more, "More", "更多";
}
sentences! {
    note_on_peers(n), "on {n} connected devices", "已同步到 {n} 台在线设备";
    note_on_one(n), "on {n} connected device", "已同步到 {n} 台在线设备";
    note_version(n), "Version {n}", "版本 {n}";
    notes_count(n), "{n} notes", "{n} 篇笔记";
}
