//! Finding the group when nobody's address is known.

use crate::harness::{Home, converge, eventually};

#[test]
fn a_newcomer_who_knows_only_a_bootstrap_node_outside_the_group_finds_the_members_through_the_dht() {
    let (boot, ada, bo, cy) = (Home::new(), Home::new(), Home::new(), Home::new());
    let meeting_point = boot.up(&["--name", "Boot"]);
    let address = meeting_point.address();
    let _a = ada.up(&["--name", "Ada", "--bootstrap", &address]);
    let _b = bo.up(&["--name", "Bo", "--bootstrap", &address]);
    ada.create("group");
    ada.note("hello", "from Ada");
    bo.json(&["join", ada.json(&["invite", "--no-addresses"])["ticket"].as_str().unwrap(), "--wait", "60"]);
    converge(&[&ada, &bo]);

    let _c = cy.up(&["--name", "Cy", "--bootstrap", &address]);
    let bare = ada.json(&["invite", "--no-addresses"])["ticket"].as_str().unwrap().to_owned();
    let inside = cy.json(&["ticket", "inspect", &bare]);
    assert_eq!(inside["peers"].as_array().unwrap().len(), 0, "the ticket names nobody: {inside}");
    cy.json(&["join", &bare, "--wait", "60"]);
    converge(&[&ada, &bo, &cy]);
    let peers = eventually("Cy is connected to both members", || {
        let peers = cy.json(&["peers"]);
        let members = peers["items"].as_array().unwrap().iter().filter(|p| !p["member"].is_null()).count();
        (members >= 2).then_some(peers)
    });
    assert!(boot.json(&["group", "list"])["items"].as_array().unwrap().is_empty(), "the bootstrap node is in no group");
    drop(peers);
}
