//! Texts about backups, the device key, and what is held by nobody else.

use std::fmt::Display;

use super::Texts;
use crate::model::roadmap::Lang;

words! {
    nothing_only_here, "Everything here is known to be held by somebody else, too.", "本机的所有内容都已知有其他人持有。";
    l_only_here, "only here", "仅在本机";
    l_made, "made", "创建时间";
    keys_alone, "none, keys only", "无，只有密钥";
    backup_keep_passphrase, "Nobody can open it without the passphrase, you neither: keep that somewhere else.",
        "没有口令谁也打不开，包括你自己：请把口令另外保管好。";
    backup_without_entries, "It has no entries: after a restore the other members have to bring them. What only you hold is not in it.",
        "其中没有条目：恢复后由其他成员提供。只有你持有的内容不在其中。";
    restored_fresh, "At its first start it takes fresh keys and goes on as a device of the same person; the original may go on, too.",
        "首次启动时它会换用新的密钥，作为同一个人的设备继续；原来的节点也可以继续使用。";
    restored_same_peer, "It keeps its peer id: the original must not run any more. If both do, the one that notices takes a fresh key.",
        "它保留原来的节点 ID：原来的节点不能再运行。如果两者都在运行，先发现的一方会换用新的密钥。";
    the_device_key, "the key of this installation", "本机密钥";
    ask_again, "The same again: ", "再输入一次：";
    key_is_protected, "A passphrase protects the key of this installation.", "本机密钥受口令保护。";
    key_is_plain, "The key of this installation is stored in plain.", "本机密钥未受口令保护。";
    key_now_protected, "The key of this installation is under the passphrase now; `up` asks for it. The store beside it is not sealed.",
        "本机密钥已受口令保护，`up` 启动时会询问。旁边的数据库并未加密。";
    key_now_plain, "The key of this installation is stored in plain now.", "本机密钥现在不再受口令保护。";
    key_once, "Run one node with this key, not two. If two run, the one that notices takes a fresh key.",
        "只能有一个节点使用这个密钥。如果有两个在运行，先发现的一方会换用新的密钥。";
}

sentences! {
    only_here(n, span), "{n} entries are known to be on this node only, the oldest for {span}: run `studymesh up` while a member does, or `studymesh backup create`.",
        "有 {n} 个条目已知仅存在于本机，最早的已有 {span}：请在有成员在线时运行 `studymesh up`，或用 `studymesh backup create` 备份。";
    backup_created(groups, entries, kib, file), "{groups} group(s) with {entries} entries are in {file} ({kib} KiB).",
        "{file} 中有 {groups} 个小组、{entries} 个条目（{kib} KiB）。";
    backup_of_keys(groups, file), "The keys of {groups} group(s) are in {file}.", "{file} 中有 {groups} 个小组的密钥。";
    backup_restored(groups, entries, home), "{groups} group(s) with {entries} entries are in {home}; `studymesh up` starts the node.",
        "{home} 中已恢复 {groups} 个小组、{entries} 个条目；用 `studymesh up` 启动节点。";
    ask_passphrase(what), "Passphrase of {what}: ", "{what} 的口令：";
    ask_new_passphrase(what, min), "A new passphrase for {what}, {min} characters at least: ", "为 {what} 设置新口令，至少 {min} 个字符：";
    key_exported(file), "The key is in {file}.", "密钥已写入 {file}。";
    key_imported(peer), "This directory has the key of {peer} now, under the same passphrase.", "本目录现在使用 {peer} 的密钥，口令不变。";
}
