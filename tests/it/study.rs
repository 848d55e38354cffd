//! What a group does: roadmap, progress, links, history, search.

use crate::harness::{Home, converge};

#[test]
fn progress_survives_renaming_moving_and_removing_topics() {
    let home = Home::new();
    home.create("group");
    home.json(&["roadmap", "add", "cloud-native-path"]);
    home.json(&["progress", "set", "docker", "done", "--minutes", "60", "--evidence", "https://example.org/image"]);
    let toml = home.json(&["roadmap", "export", "cloud-native-path"])["text"].as_str().unwrap().to_owned();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("path.toml");
    std::fs::write(&file, toml.replace("Docker", "Containers")).unwrap();
    home.json(&["roadmap", "edit", "cloud-native-path", "--file", file.to_str().unwrap()]);
    let shown = home.json(&["progress", "show"]);
    let docker = shown["items"].as_array().unwrap().iter().find(|i| i["topic_id"] == "docker").unwrap().clone();
    assert_eq!(docker["state"], "done");
    assert_eq!(docker["orphaned"], false);
    home.json(&["roadmap", "edit", "cloud-native-path", "--remove", "docker"]);
    let shown = home.json(&["progress", "show"]);
    let docker = shown["items"].as_array().unwrap().iter().find(|i| i["topic_id"] == "docker").unwrap().clone();
    assert_eq!((docker["state"].as_str(), docker["orphaned"].as_bool()), (Some("done"), Some(true)));
}

#[test]
fn one_page_added_by_two_people_is_one_link_with_both_names_and_one_vote_each() {
    let (ada, bo) = (Home::new(), Home::new());
    let _a = ada.up(&["--name", "Ada"]);
    let _b = bo.up(&["--name", "Bo"]);
    ada.create("group");
    bo.json(&["join", &ada.ticket(), "--wait", "60"]);
    ada.json(&["link", "add", "https://helm.sh/docs/", "--title", "Helm", "--tag", "helm"]);
    bo.json(&["link", "add", "HTTPS://HELM.sh:443/docs/?utm_campaign=y"]);
    converge(&[&ada, &bo]);
    for _ in 0..2 {
        ada.json(&["link", "vote", "https://helm.sh/docs/"]);
    }
    bo.json(&["link", "vote", "https://helm.sh/docs/"]);
    converge(&[&ada, &bo]);
    let links = bo.json(&["link", "list"]);
    assert_eq!(links["items"].as_array().unwrap().len(), 1, "{links}");
    assert_eq!(links["items"][0]["votes"], 2);
    let mut names: Vec<&str> =
        links["items"][0]["added_by"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Ada", "Bo"]);
    let (status, _) = ada.error(&["link", "add", "ftp://example.org/"]);
    assert_eq!(status, 4);
}

#[test]
fn any_version_of_a_note_can_be_restored_and_a_deleted_one_comes_back() {
    let home = Home::new();
    home.create("group");
    let note = home.note("n", "version one");
    home.json_with(&["note", "edit", &note, "--file", "-"], "version two, longer");
    home.json_with(&["note", "edit", &note, "--file", "-"], "three");
    let history = home.json(&["note", "history", &note]);
    assert_eq!(history["items"].as_array().unwrap().len(), 3);
    home.json(&["note", "restore", &note, "--version", "2"]);
    assert_eq!(home.body(&note), "version two, longer");
    home.json(&["note", "delete", &note]);
    assert!(home.titles().is_empty());
    home.json(&["note", "restore", &note]);
    assert_eq!(home.titles(), ["n"]);
    assert_eq!(home.body(&note), "version two, longer");
}
