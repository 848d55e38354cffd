//! Roadmaps and their topics.

use std::fmt::Display;

words! {
    roadmap, "Roadmap", "路线图";
    practice, "Practice", "实践";
    as_table, "The same as a table", "以表格显示";
    your_state, "Your state", "你的状态";
    state, "State", "状态";
    people, "People", "成员";
    builtin, "built in", "内置";
    add, "Add to this group", "添加到本小组";
    group_roadmaps, "Roadmaps of this group", "本小组的路线图";
    more_roadmaps, "Ready to add", "可以添加";
    import_title, "Import a roadmap", "导入路线图";
    import_about, "A Markdown outline, a TOML file, or a roadmap.sh file. Drop a file here, or paste its text.",
        "Markdown 大纲、TOML 文件或 roadmap.sh 文件。把文件拖到这里，或粘贴其内容。";
    import_licence, "A roadmap belongs to its authors; their licence may forbid sharing it.", "路线图属于其作者；其许可可能禁止分享。";
    file_name, "Name of the file", "文件名";
    file_text, "Text of the file", "文件内容";
    import, "Import", "导入";
    edit_title, "Edit this roadmap", "编辑此路线图";
    edit_about, "One topic a line, indented by what holds it. Topics keep their ids, so nobody's progress is lost.",
        "每行一个主题，缩进表示从属。主题保留其编号，任何人的进度都不会丢失。";
    save, "Save", "保存";
    description, "About", "说明";
    read_first, "Before this", "先学这些";
    leads_to, "Leads to", "之后可学";
    where_to_read, "Where to read", "阅读资料";
    who_is_on_it, "Who is on it", "谁在学";
    finished_it, "Finished it, and can help", "已完成，可以帮忙";
    nobody_yet, "Nobody yet. Be the first.", "还没有人。你来第一个。";
    nobody_finished, "Nobody has finished it yet.", "还没有人完成。";
    notes, "Notes", "笔记";
    links, "Links", "链接";
    no_notes, "No notes on this topic yet.", "还没有这个主题的笔记。";
    no_links, "No links on this topic yet.", "还没有这个主题的链接。";
    evidence, "Evidence", "成果";
    evidence_about, "Where the work can be seen: a web address.", "在哪里能看到成果：一个网址。";
    minutes_label, "Minutes studied", "学习分钟数";
    remark, "Remark", "备注";
    details, "With minutes, evidence, a remark", "填写分钟数、成果、备注";
    your_history, "Your marks", "你的记录";
    not_added, "This roadmap is not in the group yet.", "这份路线图尚未添加到小组。";
}
sentences! {
    months(from, to), "months {from} to {to}", "第 {from} 至 {to} 个月";
    months_open(from), "month {from} and on", "第 {from} 个月起";
    n_topics(n), "{n} topics", "{n} 个主题";
    topics_of(roadmap), "Topics of {roadmap}", "{roadmap} 的主题";
    picture_desc(stages, topics, done), "{stages} stages with {topics} topics; you have done {done}. The table below says the same.",
        "{stages} 个阶段，{topics} 个主题；你已完成 {done} 个。下方表格内容相同。";
    and_more(n), "and {n} more", "另有 {n} 位";
    n_minutes(n), "{n} min", "{n} 分钟";
}
