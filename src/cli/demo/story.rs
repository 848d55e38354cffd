//! What happens in the demo, step by step.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::process::Person;
use super::{Outcome, Telling};
use crate::api::{Command, Error, GroupKind, TopicState};
use crate::model::roadmap::{Lang, builtin};
use crate::node::core::now_ms;

/// How long any step may take on a busy machine, milliseconds.
const PATIENCE_MS: u64 = 60_000;
/// How often the views are compared while they differ.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub(super) struct Story {
    lang: Lang,
    json: bool,
    dir: PathBuf,
    began: u64,
    /// Knows everybody's address and is in no group.
    signpost: Person,
    people: Vec<Person>,
}

impl Story {
    pub fn new(telling: Telling, dir: PathBuf) -> Self {
        let person = |name: &'static str| Person::new(name, dir.join(name));
        Self {
            lang: telling.lang,
            json: telling.json,
            began: now_ms(),
            signpost: person("Signpost"),
            people: ["Ada", "Bo", "Chen"].map(person).into(),
            dir,
        }
    }

    /// Prints a line of the story.
    pub fn say(&self, line: &str) {
        if self.json { eprintln!("{line}") } else { println!("{line}") }
    }

    fn tell_one(&self, en: &str, zh: &str) {
        let seconds = (now_ms() - self.began) as f64 / 1000.0;
        self.say(&format!("[{seconds:5.1} s] {}", if self.lang == Lang::En { en } else { zh }));
    }

    /// The whole story.
    pub fn tell(&mut self) -> Result<Outcome, Error> {
        self.start_everybody()?;
        let note = self.found_and_join()?;
        self.write_at_once()?;
        self.part_and_meet_again(&note)?;
        let late_joiner_complete = self.join_late(&note)?;
        self.compare(late_joiner_complete)
    }

    fn start_everybody(&mut self) -> Result<(), Error> {
        self.signpost.start(None)?;
        let signpost = self.signpost.listen.first().cloned();
        for person in &mut self.people {
            person.start(signpost.as_deref())?;
        }
        self.tell_one(
            "Three nodes run, each a process with a directory of its own (and a signpost that is in no group).",
            "三个节点已启动，各有自己的进程和目录（另有一个不属于任何小组的路标节点）。",
        );
        for person in &self.people {
            self.say(&format!("          {:<5} {}", person.name, person.listen.join("  ")));
        }
        Ok(())
    }

    /// Ada founds the group with the built-in roadmap and a first note; the others join. The note's id.
    fn found_and_join(&mut self) -> Result<String, Error> {
        let ada = &self.people[0];
        ada.call(Command::GroupCreate {
            name: "云原生学习小组 cloud native".into(),
            kind: GroupKind::Open,
            roadmap: Some(builtin::PATH_ID.into()),
        })?;
        let note = ada.text(new_note("学习计划 plan", "# 学习计划\n\n- Ada: Docker\n", Some("docker")), "note_id")?;
        let ticket = ada.text(
            Command::Invite { expires_hours: Some(1), addresses: true, role: None, uses: None, approve: false },
            "ticket",
        )?;
        self.tell_one(
            "Ada founds a group with the built-in roadmap, writes a note, and hands out a ticket:",
            "Ada 用内置路线图创建小组，写下一篇笔记，并发出邀请票：",
        );
        self.say(&format!("          {}…", &ticket[..ticket.len().min(72)]));
        for person in &self.people[1..] {
            let began = now_ms();
            let joined = person.call(Command::Join { ticket: ticket.clone(), wait_ms: PATIENCE_MS })?;
            let (name, state, ms) = (person.name, joined["state"].as_str().unwrap_or("?"), now_ms() - began);
            self.tell_one(
                &format!("{name} joins with the ticket: {state} after {ms} ms."),
                &format!("{name} 凭票加入：{ms} 毫秒后状态为 {state}。"),
            );
        }
        self.settle()?;
        Ok(note)
    }

    /// Everybody writes at the same time.
    fn write_at_once(&mut self) -> Result<(), Error> {
        let work: [(&str, &str, TopicState, &str, &str); 3] = [
            (
                "docker",
                "https://docs.docker.com/get-started/",
                TopicState::Done,
                "镜像与容器 images and containers",
                "多阶段构建能让镜像小很多。A multi-stage build keeps an image small.\n",
            ),
            (
                "kubernetes-basics",
                "https://kubernetes.io/docs/home/?utm_source=demo",
                TopicState::Doing,
                "Pod 与 Service",
                "Pod 是最小的调度单位。Services find pods by label.\n",
            ),
            (
                "helm",
                "https://KUBERNETES.io:443/docs/home/",
                TopicState::Doing,
                "libp2p 打洞 hole punching",
                "DCUtR 先经中继再直连。First relayed, then direct.\n",
            ),
        ];
        std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .people
                .iter()
                .zip(&work)
                .map(|(person, (topic, url, state, title, text))| {
                    let topic = (*topic).to_owned();
                    scope.spawn(move || {
                        person.call(new_note(title, text, Some(&topic)))?;
                        person.call(Command::LinkAdd {
                            url: (*url).into(),
                            title: String::new(),
                            tags: vec![],
                            topic: Some(topic.clone()),
                        })?;
                        let (evidence, remark) = (None, None);
                        person
                            .call(Command::ProgressSet { topic, state: *state, minutes: 45, evidence, remark })
                            .map(drop)
                    })
                })
                .collect();
            threads.into_iter().try_for_each(|t| t.join().unwrap_or(Ok(())))
        })?;
        let ms = self.settle()?;
        let links = count(&self.people[2].call(list_links())?);
        self.tell_one(
            &format!("All three write notes, links and progress at once: everything is everywhere after {ms} ms. Two of them added one page in two spellings: {links} links."),
            &format!("三人同时写笔记、链接和进度：{ms} 毫秒后各处齐全。其中两人用不同写法添加了同一网页：共 {links} 个链接。"),
        );
        Ok(())
    }

    /// Chen's machine loses power; everybody writes on; Chen comes back.
    fn part_and_meet_again(&mut self, note: &str) -> Result<(), Error> {
        self.people[2].kill();
        self.tell_one(
            "Chen's node is killed (kill -9). Everybody writes on, Chen on the directory itself, offline:",
            "Chen 的节点被强行终止（kill -9）。大家继续写，Chen 离线直接写本地目录：",
        );
        for person in &self.people {
            let shown = person.call(Command::NoteShow { note: note.into(), version: None })?;
            let text =
                format!("{}- {}: 写于分离时 written apart\n", shown["body"].as_str().unwrap_or_default(), person.name);
            // What somebody else writes meanwhile is merged, since the edit says what it was made from.
            let base =
                shown["heads"].as_array().map(|h| h.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect());
            person.call(Command::NoteEdit { note: note.into(), base, text })?;
        }
        self.people[2].call(new_note("离线笔记 offline", "没有网络也能写。Written without a network.\n", None))?;
        let signpost = self.signpost.listen.first().cloned();
        self.people[2].start(signpost.as_deref())?;
        let ms = self.settle()?;
        self.tell_one(
            &format!("Chen is back: all are equal again after {ms} ms. The note that all three edited has every word:"),
            &format!("Chen 回来了：{ms} 毫秒后全部一致。三人都改过的笔记一个字也没丢："),
        );
        let body = self.people[0].text(Command::NoteShow { note: note.into(), version: None }, "body")?;
        for line in body.lines() {
            self.say(&format!("          | {line}"));
        }
        Ok(())
    }

    /// Dee knows the ticket and the signpost, and nobody's address. Whether she got everything while Ada was away.
    fn join_late(&mut self, note: &str) -> Result<bool, Error> {
        let ticket = self.people[0].text(
            Command::Invite { expires_hours: None, addresses: false, role: None, uses: None, approve: false },
            "ticket",
        )?;
        let expected = self.people[0].call(Command::DbDigest)?;
        self.people[0].kill();
        let mut dee = Person::new("Dee", self.dir.join("Dee"));
        let signpost = self.signpost.listen.first().cloned();
        dee.start(signpost.as_deref())?;
        let began = now_ms();
        let joined = dee.call(Command::Join { ticket, wait_ms: PATIENCE_MS })?;
        let ms = now_ms() - began;
        let entries = dee.call(Command::DbDigest)?["entries"].as_u64().unwrap_or(0);
        let body = dee.text(Command::NoteShow { note: note.into(), version: None }, "body")?;
        // Dee's own first entries come on top of what was there.
        let complete = joined["state"] == "joined"
            && body.contains("Ada")
            && entries >= expected["entries"].as_u64().unwrap_or(u64::MAX);
        self.tell_one(
            &format!("Ada's node is down. Dee joins late, with a ticket that holds no address, and finds the others by the DHT: {} entries after {ms} ms, Ada's among them.", entries),
            &format!("Ada 的节点已停。Dee 最后加入，票里没有任何地址，经 DHT 找到其他人：{ms} 毫秒后得到 {entries} 条记录，其中有 Ada 写的。"),
        );
        self.people.push(dee);
        self.people[0].start(signpost.as_deref())?;
        Ok(complete)
    }

    /// Compares what the processes answer.
    fn compare(&mut self, late_joiner_complete: bool) -> Result<Outcome, Error> {
        let settled = self.settle();
        let digests = self.digests()?;
        let converged = settled.is_ok() && digests.windows(2).all(|w| w[0] == w[1]);
        self.tell_one(
            "What each process says it has (entries, fingerprint of the entries, digest of the views):",
            "各进程所报告的内容（条数、记录指纹、视图摘要）：",
        );
        let text = |d: &Value, key: &str| d[key].as_str().unwrap_or_default().to_owned();
        for (person, digest) in self.people.iter().zip(&digests) {
            let (fingerprint, views) = (text(digest, "fingerprint"), text(digest, "views_digest"));
            self.say(&format!(
                "          {:<5} {:>4}  {:.16}…  {:.16}…",
                person.name, digest["entries"], fingerprint, views
            ));
        }
        Ok(Outcome {
            nodes: self.people.len(),
            entries: digests[0]["entries"].as_u64().unwrap_or(0),
            converged,
            late_joiner_complete,
            seconds: (now_ms() - self.began) as f64 / 1000.0,
            fingerprint: text(&digests[0], "fingerprint"),
            views_digest: text(&digests[0], "views_digest"),
        })
    }

    fn digests(&self) -> Result<Vec<Value>, Error> {
        self.people.iter().map(|p| p.call(Command::DbDigest)).collect()
    }

    /// Waits until all processes answer with the same views; the milliseconds it took. It is an error when they never do.
    fn settle(&self) -> Result<u64, Error> {
        let began = now_ms();
        loop {
            let digests = self.digests()?;
            let took = now_ms() - began;
            if digests.windows(2).all(|w| w[0] == w[1]) {
                return Ok(took);
            }
            if took > PATIENCE_MS {
                return Err(super::not_converged());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Tells how to look at what still runs.
    pub fn look_around(&self) {
        self.tell_one(
            "The nodes go on until Ctrl-C. Look around from another terminal:",
            "节点会一直运行到 Ctrl-C。可在另一个终端里查看：",
        );
        let program = std::env::current_exe().map(|p| p.display().to_string()).unwrap_or_else(|_| "studymesh".into());
        for command in ["note list", "progress group", "link list", "search 云原生", "peers", "sync status"] {
            self.say(&format!("          {program} --home {} {command}", self.people[0].home.dir().display()));
        }
    }

    /// Ends every process.
    pub fn end(&mut self) {
        self.people.iter_mut().for_each(Person::stop);
        self.signpost.stop();
    }
}

fn new_note(title: &str, text: &str, topic: Option<&str>) -> Command {
    Command::NoteNew {
        title: title.into(),
        topic: topic.map(str::to_owned),
        tags: vec!["demo".into()],
        text: text.into(),
    }
}

fn list_links() -> Command {
    Command::LinkList { tag: None, topic: None, unread: false, removed: false }
}

fn count(list: &Value) -> usize {
    list["items"].as_array().map_or(0, Vec::len)
}
