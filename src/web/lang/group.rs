//! A group at a glance.

use std::fmt::Display;

words! {
    who_is_where, "Who is where", "谁学到哪里";
    topic, "Topic", "主题";
    moved, "Moved this week", "本周动态";
    nothing_moved, "Nobody marked anything in the last seven days. Open a roadmap and set your first topic to “doing”.",
        "最近七天没有人更新进度。打开一份路线图，把第一个主题设为“进行中”。";
    resting, "Untouched for a week or more", "一周以上没有进展";
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
    legend_title, "Legend", "图例";
}
sentences! {
    n_of_done(done, all), "{done} of {all} done", "已完成 {done}/{all}";
}
