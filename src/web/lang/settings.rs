//! The settings of a group.

use std::fmt::Display;

words! {
    settings_parts, "Parts of the settings", "设置分区";
    invite, "Invite", "邀请";
    invite_about_closed, "A ticket lets one person in within a week, unless you say otherwise. Whoever holds it can use it: send it privately.",
        "默认一张邀请码一周内可让一人加入。持有者即可使用，请私下发送。";
    invite_about_open, "This group is open: whoever has the ticket is in, and reads everything.", "本小组是开放的：持有邀请码者即可加入并阅读全部内容。";
    make_invite, "Make a ticket", "生成邀请码";
    invite_role, "It makes of people", "加入后的角色";
    uses, "How many people", "可用人数";
    uses_any, "0: any number.", "0 表示不限。";
    expires, "Good for", "有效期";
    a_day, "a day", "一天";
    a_week, "a week", "一周";
    a_month, "a month", "一个月";
    for_ever, "for ever", "永久";
    approve, "An admin accepts each request", "需管理员逐个批准";
    with_addresses, "With addresses of this node, so that it is found faster", "附带本节点地址，便于更快找到";
    ticket_ready, "The ticket", "邀请码";
    ticket_once, "It is shown once. Scan it with the other device, or copy the text.", "只显示这一次。用另一台设备扫描，或复制文本。";
    qr_title, "The ticket as a QR code", "邀请码二维码";
    ticket_use, "The other one pastes it under “Join a group”, or runs:", "对方在“加入小组”中粘贴，或运行：";
    back_to_settings, "Back to the settings", "返回设置";
    invites, "Invites", "已发出的邀请";
    no_invites, "No invite was made yet.", "还没有发出邀请。";
    revoke, "Take back", "收回";
    invite_open, "open", "有效";
    invite_revoked, "taken back", "已收回";
    invite_over, "over", "已失效";
    members, "Members", "成员";
    role, "Role", "角色";
    role_keeper, "Keeper: holds a copy, reads nothing", "保管：存一份副本，不能阅读";
    role_reader, "Reader: reads only", "读者：只读";
    role_member, "Member", "成员";
    role_admin, "Admin: lets in and removes", "管理员：可准入和移除";
    role_owner, "Owner", "所有者";
    change_role, "Change", "更改";
    remove_member, "Remove", "移除";
    leave_membership, "Leave as a member", "退出成员身份";
    mute, "Mute here", "在本机屏蔽";
    unmute, "Unmute", "取消屏蔽";
    removed, "removed", "已移除";
    muted, "muted here", "已在本机屏蔽";
    online, "connected", "在线";
    manage, "Manage", "管理";
    sure, "Yes, I am sure", "我确定";
    requests, "Requests", "加入申请";
    no_requests, "Nobody asks to be let in.", "没有人申请加入。";
    accept, "Let in", "准入";
    refuse, "Refuse", "拒绝";
    unnamed, "without a name yet", "尚无名字";
    devices, "Your devices", "你的设备";
    this_device, "this device", "本设备";
    rename, "Rename", "重命名";
    device_name, "Name of the device", "设备名称";
    link_device, "Link another device", "关联另一台设备";
    link_device_about, "Makes a code that is good for five minutes. The other device types it, and takes all your groups over.",
        "生成五分钟内有效的代码。在另一台设备输入后，它会接收你的全部小组。";
    make_code, "Make a code", "生成代码";
    device_code, "The code for the other device", "另一台设备的代码";
    device_code_use, "On the other device run:", "在另一台设备上运行：";
    keepers, "Keepers", "保管节点";
    keepers_about, "A keeper holds the group for everybody while nobody is online, and can not read it. Make a ticket for one, and join with it on a machine that stays on.",
        "保管节点在无人在线时为大家保存小组内容，但无法阅读。为它生成邀请码，在一台常开的机器上加入即可。";
    keepers_open, "Keepers exist in closed groups only: in an open one every node that joined already holds everything.", "只有封闭小组才有保管节点：开放小组中每个加入的节点都保存全部内容。";
    no_keepers, "No keeper yet.", "还没有保管节点。";
    invite_keeper, "Make a ticket for a keeper", "为保管节点生成邀请码";
    quarantine, "Quarantine", "隔离区";
    quarantine_about, "Entries of removed people that came after their removal, or beyond a limit. They do not count, and are kept.",
        "被移除者在移除之后的条目，或超出限额的条目。它们不生效，但仍保留。";
    quarantine_empty, "Nothing is in quarantine.", "隔离区为空。";
    admit, "Let it count", "使其生效";
    admit_all, "Let all count", "全部生效";
    unreadable, "unreadable", "无法读取";
    only_here, "Only on this machine", "仅在本机";
    only_here_none, "Everything that you wrote is known to be with somebody else, too.", "你写的内容已确认至少还有一个成员持有。";
    only_here_about, "Nobody else is known to hold these yet. They go out when a member is connected.", "尚未确认有其他成员持有这些内容，连上成员后会自动发出。";
    backup, "Backup and files", "备份与文件";
    backup_about, "A backup holds everything in this node's directory, sealed with a passphrase. Without the passphrase nobody can open it, not even you.",
        "备份包含本节点目录的全部内容，用口令加密。没有口令谁也打不开，包括你自己。";
    passphrase, "Passphrase", "口令";
    passphrase_again, "The same again", "再次输入";
    keys_only, "Only keys and groups; members bring the entries back", "只备份密钥和小组；内容由成员补回";
    download_backup, "Download a backup", "下载备份";
    bundle, "Download all entries of this group as a file, to carry them by hand", "把本小组全部条目下载为文件，手动传递";
    have_file, "Download what this node holds as a small list", "下载本节点持有内容的清单";
    export_json, "The whole group as JSON", "整个小组导出为 JSON";
    about_group, "This group", "关于本小组";
    rename_group, "Rename the group", "重命名小组";
    limits, "Limits", "限额";
    limits_about, "How much each log may hold; 0 is without limit. What goes beyond waits in quarantine.", "每个日志可容纳的数量；0 表示不限。超出部分进入隔离区。";
    most_entries, "Entries", "条目数";
    most_bytes, "Bytes", "字节数";
    rotate, "Begin a new key epoch", "开始新的密钥周期";
    rotate_about, "New entries are sealed with a fresh key from now on. This happens by itself when somebody is removed.", "今后的新条目使用新密钥加密。移除成员时会自动进行。";
    leave, "Leave this group", "离开小组";
    leave_about, "Forgets the group and its entries on this machine. What is only here would be lost.", "在本机忘记该小组及其内容，仅存于本机的内容会丢失。";
    leave_force, "Even what is only here, and even as the owner", "即使有仅存于本机的内容，或自己是所有者";
    only_admins, "Admins can change this.", "仅管理员可更改。";
    open_kind, "open", "开放";
    closed_kind, "closed", "封闭";
    id, "Id", "编号";
    kind_word, "Kind", "类型";
    entries, "Entries", "条目";
    last_seen, "last seen", "最近在线";
    wanted_sure, "tick the box that says that you are sure", "请勾选“我确定”";
}
sentences! {
    until(when), "until {when}", "有效至 {when}";
    used_of(used, uses), "{used} of {uses} used", "已用 {used}/{uses}";
    used_any(used), "{used} used", "已用 {used}";
    n_bytes(n), "{n} bytes", "{n} 字节";
    n_devices(n), "{n} devices", "{n} 台设备";
    code_minutes(n), "Good for {n} minutes, once.", "{n} 分钟内有效，仅限一次。";
}
