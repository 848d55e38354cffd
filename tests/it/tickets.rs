//! Bad tickets: each damage has its own message, and status 4.

use crate::harness::Home;

#[test]
fn truncated_mistyped_expired_and_newer_tickets_are_told_apart() {
    let (ada, bo) = (Home::new(), Home::new());
    ada.create("group");
    let good = ada.ticket();

    let (status, error) = bo.error(&["join", &good[..good.len() - 10]]);
    assert_eq!((status, error["code"].as_str().unwrap()), (4, "bad_ticket"), "{error}");
    assert!(error["message"].as_str().unwrap().contains("cut off"), "{error}");
    assert!(!error["remedy"].as_str().unwrap().is_empty());

    let flipped = if &good[40..41] == "a" { "b" } else { "a" };
    let typo = format!("{}{flipped}{}", &good[..40], &good[41..]);
    let (status, error) = bo.error(&["join", &typo]);
    assert_eq!(status, 4);
    assert!(error["message"].as_str().unwrap().contains("checksum"), "{error}");

    let (status, error) = bo.error(&["join", "hello"]);
    assert_eq!(status, 4);
    assert!(error["message"].as_str().unwrap().contains("not a studymesh ticket"), "{error}");

    let mut expired = studymesh::model::ticket::Ticket::decode(&good).unwrap();
    expired.expires_ms = 1_000;
    let (status, error) = bo.error(&["join", &expired.encode()]);
    assert_eq!(status, 4);
    assert!(error["message"].as_str().unwrap().contains("expired"), "{error}");

    let newer = studymesh::model::ticket::Ticket { peers: vec![], ..expired }.encode_as(3);
    let (status, error) = bo.error(&["join", &newer]);
    assert_eq!(status, 4);
    assert!(error["message"].as_str().unwrap().contains("version 2"), "{error}");

    assert!(bo.json(&["group", "list"])["items"].as_array().unwrap().is_empty(), "nothing was joined");
    let joined = bo.json(&["join", &good.to_uppercase()]);
    assert_eq!(joined["state"], "waiting", "offline, the join waits: {joined}");
}
