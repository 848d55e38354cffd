//! The network: who is connected, over what, what each holds, and what to do when something is wrong.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::parts;
use crate::api::Command;
use crate::api::peek::Peek as _;
use crate::web::lang::Texts;
use crate::web::layout::{Frame, Page};
use crate::web::picture::network as picture;
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::when;

/// Digits from the end of a peer id that people see: its beginning is the same for all.
const ID_END: usize = 8;

/// `/network`.
pub async fn show(State(app): State<Arc<App>>, frame: Frame, RawQuery(query): RawQuery) -> Response {
    let thorough = query.as_deref() == Some("check=1");
    frame.show(page(&app, &frame, thorough).await)
}

/// What the page knows.
struct View<'a> {
    frame: &'a Frame,
    peers: Vec<&'a Value>,
    /// Each group with its state of sync.
    groups: Vec<(&'a Value, &'a Value)>,
}

async fn page(app: &App, frame: &Frame, thorough: bool) -> Result<Page, Problem> {
    let t = frame.texts;
    let peers = app.ask(Command::Peers { all: true }).await?;
    let mut syncs = vec![];
    for group in frame.groups() {
        syncs.push(app.ask_in(group.at("group_id"), Command::SyncStatus).await?);
    }
    let doctor = if thorough { Some(app.ask(Command::Doctor).await?) } else { None };
    let groups = frame.groups().iter().zip(&syncs).collect();
    let mut all: Vec<&Value> = peers.items().iter().collect();
    all.sort_by_key(|peer| (!peer.is("connected"), peer.at("member").is_empty(), peer.at("member")));
    let view = View { frame, peers: all, groups };
    let body = html! {
        h1 { (t.network_title()) }
        div.stackup #net-trouble data-live="" { (view.troubles()) }
        @if let Some(doctor) = &doctor { (findings(t, doctor)) }
        section.panel { h2 { (t.picture()) }
            div #net data-live="" { (view.picture()) }
            p.dim { (t.legend_direct()) }
        }
        section.panel #net-peers data-live="" { h2 { (t.more_in_table()) } (view.table()) }
        div.two.even {
            section.panel #net-groups data-live="" { h2 { (t.your_groups_sync()) } (view.sync()) }
            section.panel #net-reach data-live="" { h2 { (t.reach_title()) } (view.reach()) }
        }
        section.panel {
            h2 { (t.check_all()) }
            p.dim { (t.check_about()) }
            form method="get" action="/network" { button name="check" value="1" { (t.check_all()) } }
        }
        section.panel { h2 { (t.learn()) } (learn(t)) }
    };
    Ok(Page::new(t.network(), body))
}

fn id_end(peer: &Value) -> String {
    let id = peer.at("peer_id");
    id.get(id.len().saturating_sub(ID_END)..).unwrap_or(id).to_owned()
}

impl View<'_> {
    fn name(&self, peer: &Value) -> String {
        if peer.at("member").is_empty() { format!("…{}", id_end(peer)) } else { peer.at("member").to_owned() }
    }

    fn connected(&self) -> impl Iterator<Item = &Value> {
        self.peers.iter().filter(|peer| peer.is("connected")).copied()
    }

    /// How a peer compares over all groups: the worst that is known.
    fn relation(&self, peer: &Value) -> &'static str {
        let mut found = vec![];
        for (_, sync) in &self.groups {
            found.extend(
                sync.list("peers").iter().filter(|p| p.at("peer_id") == peer.at("peer_id")).map(|p| p.at("relation")),
            );
        }
        ["both", "ahead", "behind", "unknown", "equal"].into_iter().find(|one| found.contains(one)).unwrap_or("")
    }

    /// What is wrong, in plain words, each with its remedy.
    fn troubles(&self) -> Markup {
        let (t, status) = (self.frame.texts, &self.frame.status);
        let mut list: Vec<(String, &str)> = vec![];
        let listen = status.texts("listen");
        if listen.is_empty() {
            list.push((t.no_listen().to_owned(), t.no_listen_remedy()));
        } else if listen.iter().all(|at| at.starts_with("/ip4/127.") || at.starts_with("/ip6/::1/")) {
            list.push((t.loopback_only().to_owned(), t.loopback_remedy()));
        }
        let none = Value::Null;
        let reach = status.get("reach").unwrap_or(&none);
        if reach.at("nat").starts_with("private") && !reach.list("reservations").iter().any(|r| r.is("accepted")) {
            list.push((t.unreachable().to_owned(), t.unreachable_remedy()));
        }
        let direct = self.connected().filter(|peer| peer.at("path") == "direct").count();
        if self.connected().next().is_none() && self.groups.iter().any(|(group, _)| group.count("members") > 1) {
            list.push((t.you_are_alone().to_owned(), t.alone_remedy()));
        } else if direct == 0 && self.connected().next().is_some() {
            list.push((t.all_relayed().to_owned(), t.relayed_remedy()));
        }
        for (group, sync) in &self.groups {
            let name = self.frame.name(group);
            if !matches!(sync.at("standing"), "" | "in") {
                list.push((t.group_waits(&name), t.waits_remedy()));
            }
            if self.connected().next().is_some() && group.count("connected") == 0 && group.count("members") > 1 {
                list.push((t.group_alone(&name), t.alone_remedy()));
            }
            if sync.count("missing") > 0 {
                let more = sync.list("peers").iter().filter(|p| matches!(p.at("relation"), "ahead" | "both"));
                let who: Vec<&str> = more.map(|p| p.at("member")).filter(|name| !name.is_empty()).take(3).collect();
                let n = sync.count("missing");
                let text = if who.is_empty() { t.missing_in(&name, n) } else { t.missing_of(&name, n, who.join(", ")) };
                list.push((text, t.missing_remedy()));
            }
        }
        html! {
            @if list.is_empty() { p.notice.flat.good { "✓ " (t.all_well()) } }
            @else { section.panel {
                h2 { (t.trouble()) }
                ul.rows { @for (what, remedy) in list { li.trouble { strong { (what) } span.dim { (coded(remedy)) } } } }
            } }
        }
    }

    fn picture(&self) -> Markup {
        let t = self.frame.texts;
        let peers: Vec<picture::Peer> = self
            .connected()
            .map(|peer| {
                let name = self.name(peer);
                let transport = peer.at("transport").to_uppercase();
                let line = match peer.number("rtt_ms") {
                    Some(rtt) => format!("{transport} · {}", t.ms(rtt)),
                    None => transport,
                };
                picture::Peer {
                    initials: parts::initials(&name),
                    tint: parts::tint(peer.at("person_id")),
                    relayed: peer.at("path") == "relayed",
                    mesh: !peer.list("mesh").is_empty(),
                    line,
                    sign: sign(self.relation(peer)),
                    name,
                }
            })
            .collect();
        let relayed = peers.iter().filter(|peer| peer.relayed).count();
        let description = t.network_desc(peers.len(), peers.len() - relayed, relayed);
        html! {
            @if peers.is_empty() { p.dim { (t.you_are_alone()) } }
            (picture::draw(&peers, t.this_node(), t.picture(), &description))
        }
    }

    fn table(&self) -> Markup {
        let t = self.frame.texts;
        html! {
            @if self.peers.is_empty() { p.dim { (t.you_are_alone()) } }
            @else { div.scroll tabindex="0" role="region" aria-label=(t.more_in_table()) id="net-table" {
                table {
                    thead { tr { @for head in [t.peer(), t.path(), t.transport(), t.round_trip(), t.holds(), t.last_sync(), t.gossip_mesh()] { th scope="col" { (head) } } } }
                    tbody { @for peer in &self.peers {
                        @let relation = self.relation(peer);
                        tr {
                            th scope="row" { (self.name(peer)) @if peer.at("member").is_empty() { span.dim { " · " (t.stranger()) } } @else { " " code.dim { "…" (id_end(peer)) } } }
                            td { @match peer.at("path") {
                                "direct" => span.mark.s-done { "● " (t.direct()) },
                                "relayed" => span.mark.s-doing { "◌ " (t.relayed()) },
                                _ => span.dim { @if let Some(ms) = peer.number("last_seen_ms") { (t.last_seen()) " " (when::ago(t, self.frame.now, ms)) } },
                            } }
                            td { (peer.at("transport").to_uppercase()) }
                            td { @if let Some(rtt) = peer.number("rtt_ms") { (t.ms(rtt)) } }
                            td { @if !relation.is_empty() { span class={ "mark " (sign(relation).1) } { (sign(relation).0) " " (relation_word(t, relation)) } } }
                            td { @if let Some(ms) = peer.number("last_sync_ms") { (when::ago(t, self.frame.now, ms)) } }
                            td { @if peer.is("connected") { @if peer.list("mesh").is_empty() { span.dim { (t.no_mesh()) } } @else { (t.in_mesh()) } } }
                        }
                    } }
                }
            } }
        }
    }

    fn sync(&self) -> Markup {
        let t = self.frame.texts;
        html! {
            @if self.groups.is_empty() { p.dim { (t.none()) } }
            @else { div.scroll tabindex="0" role="region" aria-label=(t.your_groups_sync()) id="net-sync" { table {
                thead { tr { th scope="col" { (t.groups()) } @for head in [t.held(), t.missing(), t.pending(), t.only_here_short(), t.connected()] { th scope="col" { (head) } } } }
                tbody { @for (group, sync) in &self.groups {
                    tr {
                        th scope="row" { a href={ "/groups/" (group.at("group_id")) } { (self.frame.name(group)) } }
                        @for key in ["held", "missing", "pending", "only_here"] { td { (sync.count(key)) } }
                        td { (group.count("connected")) }
                    }
                } }
            } } }
        }
    }

    fn reach(&self) -> Markup {
        let (t, status, none) = (self.frame.texts, &self.frame.status, Value::Null);
        let reach = status.get("reach").unwrap_or(&none);
        let (dht, bootstrap) = (status.get("dht").unwrap_or(&none), status.get("bootstrap").unwrap_or(&none));
        let nat = match reach.at("nat") {
            "public" => t.nat_public(),
            nat if nat.starts_with("private") => t.nat_private(),
            _ => t.nat_unknown(),
        };
        let addresses = |key: &str| {
            html! { @for at in status.texts(key) { code.block { (at) } } @if status.texts(key).is_empty() { (t.none()) } }
        };
        html! { dl.facts {
            dt { (t.peer_id()) } dd { code { (status.at("peer_id")) } }
            dt { (t.listens()) } dd { (addresses("listen")) }
            dt { (t.seen_as()) } dd { (addresses("external")) }
            dt { (t.nat()) } dd { (nat) }
            dt { (t.reservations()) } dd {
                @if reach.list("reservations").is_empty() { (t.none()) }
                @for one in reach.list("reservations") { code.block { (one.at("relay")) " " @if one.is("accepted") { (t.relay_yes()) } @else { (t.relay_no()) } } }
            }
            dt { (t.dht()) } dd { (t.n_peers(dht.count("peers"))) " · " @if dht.is("server") { (t.dht_server()) } @else { (t.dht_client()) } }
            @if bootstrap.count("configured") > 0 { dt { (t.bootstrap()) } dd { (t.n_of_m(bootstrap.count("connected"), bootstrap.count("configured"))) } }
            dt { (t.connections()) } dd { (status.count("connections")) }
        } }
    }
}

/// The sign and the class of a relation.
fn sign(relation: &str) -> (&'static str, &'static str) {
    match relation {
        "equal" => ("=", "s-done"),
        "ahead" => (">", "s-doing"),
        "behind" => ("<", "s-doing"),
        "both" => ("≠", "s-doing"),
        _ => ("?", "s-todo"),
    }
}

fn relation_word(t: Texts, relation: &str) -> &'static str {
    match relation {
        "equal" => t.equal(),
        "ahead" => t.ahead(),
        "behind" => t.behind(),
        "both" => t.both(),
        _ => t.unknown(),
    }
}

/// A text of ours in which commands stand between backquotes.
fn coded(text: &str) -> Markup {
    html! { @for (n, piece) in text.split('`').enumerate() { @if n % 2 == 1 { code { (piece) } } @else { (piece) } } }
}

fn findings(t: Texts, doctor: &Value) -> Markup {
    html! {
        section.panel { h2 { (t.findings()) }
            ul.rows { @for item in doctor.items() {
                @let (sign, class) = match item.at("level") { "ok" => ("✓", "s-done"), "note" => ("·", "s-todo"), "warning" => ("!", "s-doing"), _ => ("✗", "s-bad") };
                li { span class={ "mark " (class) } { (sign) " " (item.at("check")) } span { (item.at("detail")) } @if !item.at("remedy").is_empty() { span.dim { (coded(item.at("remedy"))) } } }
            } }
        }
    }
}

fn learn(t: Texts) -> Markup {
    let chapters = [
        (t.learn_direct_title(), t.learn_direct()),
        (t.learn_mesh_title(), t.learn_mesh()),
        (t.learn_dht_title(), t.learn_dht()),
        (t.learn_sync_title(), t.learn_sync()),
    ];
    html! { div.two { @for (title, text) in chapters { div.stack { h3 { (title) } p.dim { (text) } } } } }
}
