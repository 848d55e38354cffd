//! Texts about the devices of one person.

use std::fmt::Display;

use super::Texts;
use crate::model::roadmap::Lang;

words! {
    device_head, "DEVICE", "设备";
    groups_head, "GROUPS", "小组";
    this_device, "this device", "本机";
    no_devices, "No device is known here.", "没有已知的设备。";
}

sentences! {
    device_code(code), "Code: {code}", "配对码：{code}";
    device_code_how(code), "On the new device, with `studymesh up` running there: studymesh device join {code}\nIt is good once and for ten minutes at most. Whoever types it first is you: show it to nobody else.",
        "在新设备上先运行 `studymesh up`，再运行：studymesh device join {code}\n只能用一次，最多十分钟有效。先输入它的人就成为你：不要给别人看。";
    device_linked(name, groups), "Linked with \"{name}\": {groups} group(s) are new there. It is you in all of them.",
        "已与“{name}”配对，向其移交了 {groups} 个小组；它在所有小组中都是你。";
    device_joined(name, person), "Linked with \"{name}\". This device is now {person} in:", "已与“{name}”配对。本机现在是 {person}，所在小组：";
    device_held(n), "{n} group(s) were here already.", "{n} 个小组本来就在本机。";
    device_named(name), "The device is now called \"{name}\".", "设备现在叫“{name}”。";
    device_removed(name, groups), "\"{name}\" is removed from {groups} group(s). What it wrote before stays; what is written now does not reach it.",
        "“{name}”已从 {groups} 个小组移除。它之前写的内容保留；此后的内容不会再发给它。";
    device_not_everywhere(cause), "Not from all groups: {cause}", "未能从所有小组移除：{cause}";
    confirm_device_remove(name), "Remove the device \"{name}\" and change the keys? Type yes: ",
        "移除设备“{name}”并更换密钥？输入 yes 确认：";
}
