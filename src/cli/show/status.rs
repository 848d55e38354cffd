//! `status`, `doctor`, `peers`, `ping`, `events`, `db`.

use serde_json::Value;

use super::peek::Peek as _;
use super::{Fields, View, group, or_nothing};
use crate::cli::paint::{Style, clean};
use crate::cli::table::{Cell, Table};
use crate::cli::time;

/// A limit is worth a line from this share of it on, in percent.
const NEAR_PERCENT: u64 = 80;
/// Columns for what an event carries.
const DATA_COLUMNS: usize = 80;

/// The node and its groups.
pub fn status(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut out = if answer.is("running") {
        let span = time::span(texts, answer.count("uptime_ms"));
        format!("{} {}\n", view.paint.paint(Style::Green, "●"), texts.running(span, answer.count("pid")))
    } else {
        format!("○ {}\n", texts.not_running_status())
    };
    let mut fields = Fields::new();
    fields.put(texts.l_person(), answer.at("person"));
    fields.put(texts.l_peer(), answer.at("peer_id"));
    fields.put(texts.l_home(), answer.at("home"));
    fields.list(texts.l_listen(), &answer.texts("listen"));
    fields.list(texts.l_external(), &answer.texts("external"));
    if let Some(connections) = answer.number("connections") {
        fields.put(texts.l_connections(), connections);
    }
    fields.put(texts.l_version(), answer.at("version"));
    out.push_str(&fields.render(view));
    out.push('\n');
    out.push_str(&group::list(view, answer.list("groups")));
    for (name, limit) in answer.get("limits").and_then(Value::as_object).into_iter().flatten() {
        let (used, max) = (limit.count("used"), limit.count("max"));
        if max > 0 && used.saturating_mul(100) >= max.saturating_mul(NEAR_PERCENT) {
            let line = texts.near_limit(clean(name), used, max);
            out.push_str(&format!("{}\n", view.paint.paint(Style::Yellow, &line)));
        }
    }
    out
}

/// What a node says once it runs.
pub fn ready(view: &View, home: &str, peer_id: &str, listen: &[String]) -> String {
    let mut fields = Fields::new();
    fields.put(view.texts.l_peer(), peer_id);
    fields.put(view.texts.l_home(), home);
    fields.list(view.texts.l_listen(), &listen.iter().map(String::as_str).collect::<Vec<_>>());
    fields.render(view)
}

/// What `doctor` found.
pub fn doctor(view: &View, answer: &Value) -> String {
    let mut out = String::new();
    for item in answer.items() {
        let (sign, style, word) = match item.at("level") {
            "ok" => ("✓", Style::Green, view.texts.check_ok()),
            "note" => ("·", Style::Plain, view.texts.check_note()),
            "warning" => ("!", Style::Yellow, view.texts.check_warning()),
            _ => ("✗", Style::Red, view.texts.check_error()),
        };
        let head = format!("{sign} {} ({word})", clean(item.at("check")));
        out.push_str(&format!("{}: {}\n", view.paint.paint(style, &head), clean(item.at("detail"))));
        if !item.at("remedy").is_empty() {
            out.push_str(&format!("    {}: {}\n", view.texts.remedy(), clean(item.at("remedy"))));
        }
    }
    out
}

/// Peers and how they are connected.
pub fn peers(view: &View, answer: &Value) -> String {
    let texts = view.texts;
    let mut table =
        Table::new().left(texts.member()).at_most(view.names()).left(texts.peer()).at_most(view.cut.then_some(20));
    table = table.left(texts.path()).left(texts.transport()).right(texts.rtt());
    table = table.left(texts.last_sync()).left(texts.last_seen());
    for item in answer.items() {
        let connected = item.is("connected");
        let style = if connected { Style::Plain } else { Style::Dim };
        let rtt = item.number("rtt_ms").map_or_else(|| "-".to_owned(), |ms| texts.ms(ms));
        let seen = if connected { texts.online().into() } else { view.ago(item.number("last_seen_ms"), false) };
        let member = if item.at("member").is_empty() { "-" } else { item.at("member") };
        // The beginnings of peer ids are all alike; their ends tell them apart.
        let peer = if view.cut { tail(item.at("peer_id")) } else { item.at("peer_id").to_owned() };
        table.row(vec![
            Cell::new(style, member),
            Cell::new(style, &peer),
            texts.word(item.at("path")).into(),
            item.at("transport").into(),
            rtt.into(),
            view.ago(item.number("last_sync_ms"), false),
            seen,
        ]);
    }
    or_nothing(view, &table, texts.no_peers())
}

fn tail(peer: &str) -> String {
    let skip = peer.chars().count().saturating_sub(12);
    if skip == 0 { peer.to_owned() } else { format!("…{}", peer.chars().skip(skip).collect::<String>()) }
}

/// The answer to `ping`.
pub fn ping(view: &View, answer: &Value) -> String {
    let how = [view.texts.word(answer.at("path")), answer.at("transport"), answer.at("address")];
    let how: Vec<String> = how.into_iter().filter(|part| !part.is_empty()).map(clean).collect();
    format!("{}  {}\n", view.texts.pong(clean(answer.at("peer_id")), answer.count("rtt_ms")), view.dim(&how.join("  ")))
}

/// One event on one line.
pub fn event(view: &View, event: &Value) -> String {
    let data = told(view, event).unwrap_or_else(|| event.get("data").map(Value::to_string).unwrap_or_default());
    let data = if view.cut { crate::cli::table::fit(&clean(&data), DATA_COLUMNS) } else { clean(&data) };
    let when = event.number("time_ms").map_or_else(String::new, time::stamp);
    let kind = view.bold(&clean(event.at("type")));
    format!("{:>6}  {when}  {kind}  {}  {data}\n", event.count("id"), event.short("group_id"))
}

/// What an event about membership means; none: it is shown as it is.
fn told(view: &View, event: &Value) -> Option<String> {
    let texts = view.texts;
    let data = event.get("data").unwrap_or(&Value::Null);
    match (event.at("type"), data.at("standing")) {
        ("members", _) => Some(texts.who_belongs_changed().to_owned()),
        ("requested", _) => Some(texts.somebody_asks().to_owned()),
        ("standing", "in") => Some(texts.are_in().to_owned()),
        ("standing", standing) => texts.why_waiting(standing).map(ToOwned::to_owned),
        ("sent", _) => Some(texts.was_sent(data.count("entries"))),
        _ => None,
    }
}

/// Events so far.
pub fn events(view: &View, answer: &Value) -> String {
    let mut out: String = answer.items().iter().map(|item| event(view, item)).collect();
    if out.is_empty() {
        out = format!("{}\n", view.dim(view.texts.no_events()));
    }
    out
}

/// What two nodes compare.
pub fn digest(view: &View, answer: &Value) -> String {
    let mut fields = Fields::new();
    fields.put(view.texts.l_group(), answer.at("group_id"));
    fields.put(view.texts.l_fingerprint(), answer.at("fingerprint"));
    fields.put(view.texts.l_views(), answer.at("views_digest"));
    fields.put(view.texts.l_entries(), answer.count("entries"));
    fields.render(view)
}

/// What a check of the store found.
pub fn check(view: &View, answer: &Value) -> String {
    let problems = answer.texts("problems");
    if answer.is("ok") {
        return format!("{} ({} {})\n", view.texts.db_ok(), answer.count("entries"), view.texts.l_entries());
    }
    let mut out = format!("{}\n", view.paint.paint(Style::Red, &view.texts.db_problems(problems.len())));
    problems.iter().for_each(|problem| out.push_str(&format!("  {}\n", clean(problem))));
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plain;
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn a_status_says_who_where_and_which_groups() {
        let answer = json!({
            "running": true, "peer_id": "12D3KooW", "person": "爱达", "version": "0.1.0", "listen": ["/ip4/1.2.3.4/tcp/1", "/ip4/1.2.3.4/udp/1/quic-v1"],
            "home": "/h", "pid": 7, "uptime_ms": 7_200_000, "external": [], "connections": 2,
            "limits": {"groups": {"used": 63, "max": 64}, "streams": {"used": 1, "max": 64}},
            "groups": [{"group_id": "ab".repeat(32), "name": "云原生学习", "kind": "open", "members": 3, "entries": 120, "connected": 2, "complete": true}],
        });
        let shown = status(&plain(Lang::En), &answer);
        assert!(shown.starts_with("● running for 2 h (process 7)\nyou           爱达\n"), "{shown}");
        assert!(
            shown.contains("\nlistening on  /ip4/1.2.3.4/tcp/1\n              /ip4/1.2.3.4/udp/1/quic-v1\n"),
            "{shown}"
        );
        assert!(shown.contains("abababab  云原生学习"), "{shown}");
        assert!(shown.contains("groups: 63 of 64") && !shown.contains("streams"), "{shown}");
        assert!(status(&plain(Lang::Zh), &json!({"running": false})).starts_with("○ 节点没有运行"));
    }

    #[test]
    fn an_event_about_membership_is_a_sentence_and_others_are_shown_as_they_are() {
        let show = |lang, kind: &str, data: Value| {
            event(
                &plain(lang),
                &json!({"id": 7, "time_ms": 0, "type": kind, "group_id": "ab".repeat(32), "data": data}),
            )
        };
        let shown = show(Lang::En, "standing", json!({"standing": "needs-approval"}));
        assert!(shown.starts_with("     7  1970-01-01 00:00  standing  abababab  Waiting for an admin"), "{shown}");
        assert!(show(Lang::En, "standing", json!({"standing": "in"})).ends_with("  you are in\n"));
        assert!(show(Lang::En, "standing", json!({"standing": "newer"})).ends_with("{\"standing\":\"newer\"}\n"));
        assert!(show(Lang::En, "sent", json!({"entries": 3})).ends_with("3 entries that were kept are sent\n"));
        assert!(show(Lang::Zh, "requested", json!({})).contains("有人申请加入"));
        assert!(show(Lang::Zh, "members", json!({})).contains("studymesh member list"));
        assert!(show(Lang::En, "entries", json!({"count": 2})).ends_with("{\"count\":2}\n"));
    }

    #[test]
    fn a_finding_stands_with_its_remedy() {
        let answer = json!({"items": [
            {"check": "store", "ok": true, "level": "ok", "detail": "fine", "remedy": ""},
            {"check": "clock", "ok": false, "level": "warning", "detail": "an hour ahead\x1b[2J", "remedy": "set it"},
        ]});
        assert_eq!(
            doctor(&plain(Lang::En), &answer),
            "✓ store (ok): fine\n! clock (warning): an hour ahead\u{fffd}[2J\n    what to do: set it\n"
        );
    }

    #[test]
    fn a_peer_that_is_away_says_when_it_was_seen() {
        let view = plain(Lang::En);
        let answer = json!({"items": [
            {"peer_id": "12D3KooWAbcdefghijklmnop", "member": "Bo", "path": "direct", "transport": "quic", "rtt_ms": 12, "connected": true},
            {"peer_id": "12D3KooWZbcdefghijklmnoq", "member": null, "path": null, "connected": false, "last_seen_ms": view.now - 3_600_000},
        ]});
        let shown = peers(&view, &answer);
        assert!(shown.contains("Bo      …efghijklmnop  direct  quic       12 ms  -          online\n"), "{shown}");
        assert!(shown.ends_with("1 h ago\n"), "{shown}");
    }
}
