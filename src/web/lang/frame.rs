//! What stands around every page.

use std::fmt::Display;

words! {
    skip_to_content, "Skip to content", "跳到正文";
    groups, "Groups", "小组";
    this_group, "This group", "本小组";
    overview, "Overview", "概览";
    roadmaps, "Roadmaps", "路线图";
    group_settings, "Settings", "设置";
    your_node, "This node", "本节点";
    search, "Search", "搜索";
    feed, "Feed", "动态";
    me, "Me", "我";
    network, "Network", "网络";
    palette, "Go to or search", "跳转或搜索";
    palette_hint, "A page, a note, a link, a topic…", "页面、笔记、链接、主题……";
    palette_none, "Nothing found", "没有找到";
    new_group, "New or join", "新建或加入";
    language, "Language", "语言";
    theme, "Colours", "配色";
    theme_auto, "Auto", "自动";
    theme_light, "Light", "浅色";
    theme_dark, "Dark", "深色";
    apply, "Apply", "应用";
    api, "API", "接口";
    just_now, "just now", "刚刚";
    in_the_future, "in the future", "在未来";
    offline, "No member is connected. What you write is kept here and goes out by itself.", "没有已连接的成员。你写的内容先保存在本机，之后自动发出。";
    kept, "Kept here until this group can be reached.", "已保存在本机，连上小组后发出。";
    live, "Live", "实时";
    lost_node, "The node does not answer. Is it still running?", "节点没有响应。它还在运行吗？";
    saved, "Saved", "已保存";
    not_let_in, "This browser is not let in yet", "此浏览器尚未获准";
    how_in, "Run this in a terminal on this machine, and open the address that it prints:", "请在本机终端中运行以下命令，并打开它给出的地址：";
    used_up, "The address was used before, or is older than ten minutes. A fresh one:", "该地址已被使用，或已超过十分钟。获取新的地址：";
    not_found_title, "There is nothing here", "这里什么都没有";
    problem_title, "It did not work", "没有成功";
    to_start, "To the start", "回到首页";
    remedy, "What to do", "办法";
    api_title, "The API", "接口";
    one_moment, "One moment", "请稍候";
    go_on, "Go on", "继续";
}
sentences! {
    ago(span), "{span} ago", "{span}前";
    minutes(n), "{n} min", "{n} 分钟";
    hours(n), "{n} h", "{n} 小时";
    days(n), "{n} d", "{n} 天";
}
