//! A group at a glance.

use std::fmt::Display;

words! {
    who_is_where, "Who is where", "谁学到哪里";
    member, "Member", "成员";
    topic, "Topic", "主题";
    moved, "Moved this week", "本周动态";
    nothing_moved, "Nobody marked anything in the last seven days. Open a roadmap and set your first topic to “doing”.",
        "最近七天没有人更新进度。打开一份路线图，把第一个主题设为“进行中”。";
    resting, "Untouched for a week or more", "一周以上没有进展";
    nobody_rests, "Nobody has let a topic lie.", "没有搁置的主题。";
    can_help, "can help", "可以帮忙";
    no_progress, "Nobody has marked a topic yet.", "还没有人标记主题。";
    no_roadmaps, "This group has no roadmap yet.", "这个小组还没有路线图。";
    choose_roadmap, "Choose a roadmap", "选择路线图";
    you, "you", "你";
    todo, "To do", "未开始";
    doing, "Doing", "进行中";
    done, "Done", "完成";
    skip, "Skipped", "跳过";
    all_topics, "All topics", "全部主题";
    invite, "Invite", "邀请";
    connected, "connected", "在线";
    legend_title, "Legend", "图例";
    left_roadmaps, "Topics of no roadmap of this group", "不在本组路线图中的主题";
    stage_empty, "nobody yet", "还没有人";
}
sentences! {
    n_of_done(done, all), "{done} of {all} done", "已完成 {done}/{all}";
    n_doing(n), "{n} doing", "{n} 个进行中";
    n_done(n), "{n} done", "{n} 个完成";
    is_on(person, topic), "{person} on {topic}", "{person}：{topic}";
}
