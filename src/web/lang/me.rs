//! One's own year.

use std::fmt::Display;

words! {
    your_year, "Your year", "你的一年";
    streak, "Streak", "连续学习";
    streak_about, "Up to two days of rest in a row do not break it.", "连续休息不超过两天不会中断。";
    longest, "Longest", "最长";
    this_week_min, "Last seven days", "最近七天";
    all_minutes, "In this year", "这一年";
    done_topics, "Done", "已完成";
    year_as_table, "The same as a table", "以表格显示";
    day, "Day", "日期";
    minutes_word, "Minutes", "分钟";
    marks_word, "Marks", "记录";
    next_title, "What to do next", "接下来做什么";
    go_on_with, "Go on with", "继续";
    begin_with, "Ready to begin", "可以开始";
    ready_why, "what comes before it is done", "前置内容已完成";
    nothing_next, "Nothing is left on the roadmaps of your groups. Add one, or help somebody.", "小组路线图上的内容都完成了。添加一份新的，或帮帮别人。";
    no_marks_yet, "You have marked nothing yet. Open a roadmap, set a topic to “doing”, and give the minutes you studied: they show here.",
        "你还没有任何记录。打开路线图，把一个主题设为“进行中”并填写学习分钟数，这里就会显示。";
    less, "Less", "少";
    more, "More", "多";
    time_zone, "Time zone", "时区";
    zone_about, "Days begin and end where you live. The browser says where; without it, choose.", "按你所在时区划分日期。浏览器会自动告知；否则请手动选择。";
    your_name_here, "Your name", "你的名字";
}
sentences! {
    n_days(n), "{n} days", "{n} 天";
    n_hours_min(h, m), "{h} h {m} min", "{h} 小时 {m} 分";
    day_said(date, minutes, marks), "{date}: {minutes} min, {marks} marks", "{date}：{minutes} 分钟，{marks} 次记录";
    year_desc(days, minutes), "In the last 53 weeks you studied on {days} days, {minutes} minutes in all. The table below says the same.",
        "最近 53 周你学习了 {days} 天，共 {minutes} 分钟。下方表格内容相同。";
}
