//! Who belongs: the texts of `member`, `requests`, `invite`, `keeper`, `join`, and of what is kept and what does not count.

use std::fmt::Display;

use super::Texts;
use crate::model::roadmap::Lang;

words! {
    keeper, "keeper", "保管者";
    reader, "reader", "读者";
    member_word, "member", "成员";
    admin, "admin", "管理员";
    owner, "owner", "所有者";
    removed_word, "removed", "已移除";
    refused_word, "refused", "已拒绝";
    revoked_word, "taken back", "已收回";
    over_word, "over", "已失效";
    valid_word, "works", "有效";
    hidden_word, "hidden", "已隐藏";
    muted_word, "muted", "已静音";
    needs_approval, "with approval", "需批准";
    asks_admin, "waits for an admin", "等待管理员批准";
    waits_for_approval, "An admin has to accept each request.", "每个申请都须经管理员批准。";
    kind_roadmap, "roadmap", "路线图";
    kind_progress, "progress", "进度";
    kind_name, "name", "名字";
    kind_membership, "membership", "成员关系";
    kind_unreadable, "not readable here", "此处不可读";
    role_head, "ROLE", "角色";
    used_head, "USED", "已用";
    used_by_head, "USED BY", "使用者";
    made_by_head, "MADE BY", "创建者";
    expires_head, "EXPIRES", "过期";
    devices_head, "DEVICES", "设备";
    size_head, "SIZE", "大小";
    l_role, "role", "角色";
    nobody_here, "Nobody is known here yet.", "这里还没有已知的成员。";
    nobody_asks, "Nobody asks to be let in.", "没有人申请加入。";
    no_keepers, "No keepers yet: `studymesh keeper add` makes a ticket for one.", "还没有保管者：用 `studymesh keeper add` 为其生成邀请码。";
    no_invites, "No invites yet: `studymesh invite` makes one.", "还没有邀请：用 `studymesh invite` 生成。";
    nothing_quarantined, "Every entry counts.", "所有条目都已被接受。";
    waits_for_member, "Waiting for a member who can let you in; keep `studymesh up` running.",
        "正在等待能让你加入的成员；请让 `studymesh up` 保持运行。";
    waits_for_admin, "Waiting for an admin, who has to accept you; they see you in `studymesh requests list`.",
        "正在等待管理员批准；他们在 `studymesh requests list` 中能看到你。";
    invite_is_over, "The invite is used up, expired or taken back: ask for a new one, or for an admin to accept your request.",
        "邀请已用完、过期或被收回：请索取新的邀请，或请管理员批准你的申请。";
    was_refused, "An admin turned you down.", "管理员拒绝了你的申请。";
    was_removed, "You were removed from this group. What you have here stays; what is written since does not reach you.",
        "你已被移出该小组。本地内容保留；此后的内容不会再发给你。";
    kept_here, "Kept here; it is sent once you are let in and have the group's key.", "已保存在本机；获准加入并取得小组密钥后自动发送。";
    who_belongs_changed, "who belongs, or what they may do, has changed: `studymesh member list`", "成员或其权限有变化：`studymesh member list`";
    somebody_asks, "somebody asks to be let in: `studymesh requests list`", "有人申请加入：`studymesh requests list`";
    are_in, "you are in", "你已加入";
    keeper_how, "On the always-on machine: studymesh join TICKET, then studymesh up --role keeper",
        "在常开的机器上：先 studymesh join 邀请码，再 studymesh up --role keeper";
    closed_how, "It is closed: each ticket is an invite, and you decide who belongs (`studymesh member list`).",
        "这是封闭小组：每个邀请码是一份邀请，由你决定谁能加入（`studymesh member list`）。";
    open_how, "It is open: whoever gets hold of a ticket is a member, and reads everything.",
        "这是开放小组：任何拿到邀请码的人都是成员，能读到全部内容。";
    open_ticket, "The group is open: the ticket works for everybody who gets hold of it.", "小组是开放的：任何拿到邀请码的人都能用它加入。";
    invite_revoked, "The invite is taken back. Who came in by it stays.", "邀请已收回。已凭它加入的人不受影响。";
    keys_renewed, "What is written from now on is under new keys.", "此后的内容使用新的密钥。";
    no_keys_in_open, "An open group has no keys to renew: whoever holds the ticket reads it.",
        "开放小组没有可更换的密钥：持有邀请码的人都能读。";
    you_left, "You have left the group, and the others are told. `studymesh group leave` also deletes what is here.",
        "你已退出小组，其他成员会得知。用 `studymesh group leave` 可再删除本地内容。";
    confirm_leaving, "Leave the group, so that what is written from now on does not reach you? Type yes: ",
        "退出小组，此后的内容不再发给你？输入 yes 确认：";
}

sentences! {
    role_given(name, role), "{name} is now {role}.", "{name} 现在是{role}。";
    let_in(name, role), "{name} is in, as {role}.", "{name} 已加入，身份是{role}。";
    muted(name), "What {name} writes is hidden on this node; nobody else learns of it.", "{name} 的内容在本节点上隐藏，其他人不会得知。";
    unmuted(name), "What {name} writes is shown again.", "{name} 的内容恢复显示。";
    member_removed(name), "{name} is out. What is written from now on is under new keys.", "{name} 已被移出。此后的内容使用新的密钥。";
    member_removed_open(name), "{name} is out: what they write from now on does not count. They keep the ticket, so they still can read.",
        "{name} 已被移出：其此后的内容不再被接受。邀请码仍在其手中，因此仍能阅读。";
    confirm_remove(name, id), "Remove {name} ({id}) from the group? Type yes: ", "将 {name}（{id}）移出小组？输入 yes 确认：";
    request_refused(name), "{name} is turned down.", "已拒绝 {name}。";
    hidden_for_all(what), "\"{what}\" is hidden for everybody. `studymesh group quarantine` lists it; `studymesh group hide ID --undo` shows it again.",
        "“{what}”已对所有人隐藏。`studymesh group quarantine` 会列出它；用 `studymesh group hide 编号 --undo` 恢复显示。";
    shown_for_all(what), "\"{what}\" is shown again.", "“{what}”恢复显示。";
    joining_closed(name), "\"{name}\" is noted; waiting for a member who can let you in. Keep `studymesh up` running; `studymesh doctor` looks for troubles.",
        "已记下“{name}”，正在等待能让你加入的成员。让 `studymesh up` 保持运行；用 `studymesh doctor` 查找问题。";
    limits(entries, bytes), "Each log may hold {entries} entries and {bytes} bytes.", "每个日志的上限：条目 {entries}，字节 {bytes}。";
    invite_for(people, role), "It lets in {people} as {role}.", "可让{people}以{role}身份加入。";
}

/// Sentences that count: `name(n), English for one, English for more, Chinese;`.
macro_rules! counts {
    ($($name:ident($n:ident), $one:literal, $more:literal, $zh:literal;)*) => {
        impl Texts {
            $(
                pub fn $name(self, $n: u64) -> String {
                    match (self.lang, $n) {
                        (Lang::En, 1) => $one.to_owned(),
                        (Lang::En, _) => format!($more),
                        (Lang::Zh, _) => format!($zh),
                    }
                }
            )*
        }
    };
}

counts! {
    asking(n), "1 person asks to be let in: `studymesh requests list`", "{n} ask to be let in: `studymesh requests list`",
        "有 {n} 人申请加入：`studymesh requests list`";
    quarantined(n), "1 entry does not count: `studymesh group quarantine`", "{n} entries do not count: `studymesh group quarantine`",
        "{n} 个条目未被接受：`studymesh group quarantine`";
    quarantined_elsewhere(n), "1 entry of yours does not count at the others: an admin can let it count",
        "{n} entries of yours do not count at the others: an admin can let them count", "你有 {n} 个条目未被其他成员接受：管理员可以接受它们";
    waits_to_go(n), "1 entry waits until you are let in", "{n} entries wait until you are let in", "{n} 个条目等你获准加入后发送";
    waits_for_key(n), "1 entry waits for the group's key; a member who has it sends it", "{n} entries wait for the group's key; a member who has it sends it",
        "{n} 个条目在等小组密钥；持有密钥的成员会发来";
    waits_for_role(n), "1 entry waits until you may write: you are let in to read", "{n} entries wait until you may write: you are let in to read",
        "{n} 个条目等你获得写入权限后发送：你目前只能阅读";
    was_sent(n), "1 entry that was kept is sent", "{n} entries that were kept are sent", "已发送 {n} 个先前保存的条目";
    accepted(n), "1 entry counts now.", "{n} entries count now.", "{n} 个条目已被接受。";
    people(n), "one person", "{n} people", " {n} 人";
}

impl Texts {
    /// Why one waits for a closed group, in one sentence; none when there is nothing to say.
    pub fn why_waiting(self, standing: &str) -> Option<&'static str> {
        Some(match standing {
            "unknown" | "asked" => self.waits_for_member(),
            "needs-approval" => self.waits_for_admin(),
            "invite-over" => self.invite_is_over(),
            "refused" => self.was_refused(),
            "removed" => self.was_removed(),
            _ => return None,
        })
    }

    /// So many people; none: any number.
    pub fn so_many_people(self, n: Option<u64>) -> String {
        match (n, self.lang) {
            (Some(n), _) => self.people(n),
            (None, Lang::En) => "any number of people".to_owned(),
            (None, Lang::Zh) => "任意多人".to_owned(),
        }
    }

    /// A limit, where 0 is none.
    pub fn at_most(self, n: u64) -> String {
        match (n, self.lang) {
            (0, Lang::En) => "any number of".to_owned(),
            (0, Lang::Zh) => "不限".to_owned(),
            _ => n.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standing_that_keeps_somebody_out_has_a_sentence_of_its_own_and_being_in_has_none() {
        for lang in [Lang::En, Lang::Zh] {
            let texts = Texts::new(lang);
            let why = ["asked", "needs-approval", "invite-over", "refused", "removed"].map(|s| texts.why_waiting(s));
            assert!(
                why.iter().all(Option::is_some) && why.iter().collect::<std::collections::BTreeSet<_>>().len() == 5
            );
            assert_eq!((texts.why_waiting("in"), texts.why_waiting("")), (None, None));
        }
        assert!(
            Texts::new(Lang::En).why_waiting("unknown").unwrap().contains("aiting for a member who can let you in")
        );
    }

    #[test]
    fn one_and_many_are_told_apart() {
        let (en, zh) = (Texts::new(Lang::En), Texts::new(Lang::Zh));
        assert_eq!(en.asking(2), "2 ask to be let in: `studymesh requests list`");
        assert!(en.asking(1).starts_with("1 person asks"));
        assert_eq!(en.so_many_people(None), "any number of people");
        assert_eq!(zh.invite_for(zh.so_many_people(Some(3)), zh.reader()), "可让 3 人以读者身份加入。");
        assert_eq!(en.limits(en.at_most(0), en.at_most(5)), "Each log may hold any number of entries and 5 bytes.");
        assert_eq!(zh.limits(zh.at_most(0), zh.at_most(5)), "每个日志的上限：条目 不限，字节 5。");
    }
}
