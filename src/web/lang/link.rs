//! Links.

use std::fmt::Display;

words! {
    add_link, "Add a link", "添加链接";
    address, "Web address", "网址";
    link_title, "Title", "标题";
    tags, "Tags", "标签";
    tags_about, "Several with commas between them.", "多个标签用逗号分隔。";
    of_topic, "Topic", "主题";
    any_topic, "Any topic", "所有主题";
    no_topic, "No topic", "无主题";
    filter, "Filter", "筛选";
    words_in_it, "Words", "关键词";
    all_links, "All", "全部";
    unread_links, "Unread", "未读";
    removed_links, "Removed", "已删除";
    show, "Show", "显示";
    vote, "Vote", "投票";
    take_vote_back, "Take the vote back", "收回投票";
    mark_read, "Mark as read", "标为已读";
    mark_unread, "Read", "已读";
    edit, "Edit", "编辑";
    remove, "Remove", "删除";
    bring_back, "Bring back", "恢复";
    removed_about, "Removed for everybody. It can be brought back.", "已为所有人删除，可以恢复。";
    link_already, "This link was here already, in this or another spelling: it stays one. What you gave was added to it.",
        "这个链接已经存在（写法可能不同），仍是同一条，你填写的内容已合并进去。";
    library_empty, "No links yet. Add the first one: a page that helped you is worth sharing.",
        "还没有链接。添加第一条：对你有帮助的网页值得分享。";
    nothing_fits, "No link fits this filter.", "没有符合筛选条件的链接。";
    show_all, "Show all links", "显示全部链接";
    earlier_page, "Earlier", "上一页";
    later_page, "Later", "下一页";
    pages_nav, "Pages of the list", "列表分页";
    to_links, "All links", "全部链接";
    unsafe_link, "This address does not lead to the web; it is shown, not linked.", "这个地址不是网页地址，只显示，不做链接。";
}
sentences! {
    added_by(names), "added by {names}", "由 {names} 添加";
    n_links(n), "{n} links", "{n} 个链接";
    page_of(n, all), "Page {n} of {all}", "第 {n}/{all} 页";
    vote_for(title), "Vote for {title}", "为“{title}”投票";
}
