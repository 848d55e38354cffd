//! Gossipsub alone between two processes.

use std::time::Duration;

use futures::StreamExt as _;
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, MessageId, PublishError, ValidationMode};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, Swarm, SwarmBuilder, noise, tcp, yamux};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::nodes::orders;
use crate::{Options, Result, WARM_UP, Worker, now_us, percentiles};

/// Bytes of a message: what an entry with a note of 500 bytes is.
const MESSAGE_BYTES: usize = 600;
/// The first byte of a message.
const LATENCY: u8 = 1;
const BURST: u8 = 2;
const OTHER: u8 = 0;
/// How long after the last message of a burst the rest counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(2);

fn swarm(signed: bool) -> Result<Swarm<gossipsub::Behaviour>> {
    let swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|key| -> std::result::Result<_, Box<dyn std::error::Error + Send + Sync>> {
            let (mode, author) = if signed {
                (ValidationMode::Strict, MessageAuthenticity::Signed(key.clone()))
            } else {
                (ValidationMode::Anonymous, MessageAuthenticity::Anonymous)
            };
            let config = gossipsub::ConfigBuilder::default()
                .validation_mode(mode)
                .message_id_fn(|message| MessageId::from(blake3::hash(&message.data).as_bytes().to_vec()))
                .build()?;
            Ok(gossipsub::Behaviour::new(author, config)?)
        })?
        .build();
    Ok(swarm)
}

fn topic() -> IdentTopic {
    IdentTopic::new("raw")
}

/// Receives, and tells at the end what came.
pub fn read(signed: bool) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut swarm = swarm(signed)?;
        swarm.behaviour_mut().subscribe(&topic())?;
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
        let mut orders = orders();
        let (mut latencies, mut burst, mut last, mut other) = (vec![], 0u64, 0, 0u64);
        let mut order: Option<(String, u64)> = None;
        let mut moved = Instant::now();
        loop {
            tokio::select! {
                event = swarm.select_next_some() => match event {
                    SwarmEvent::NewListenAddr { address, .. } => println!("{}", json!({ "at": address.to_string() })),
                    SwarmEvent::Behaviour(gossipsub::Event::Message { message, .. }) => {
                        let now = now_us();
                        moved = Instant::now();
                        let sent = message.data.get(1..9).and_then(|b| b.try_into().ok()).map_or(now, u64::from_le_bytes);
                        match message.data.first() {
                            Some(&LATENCY) => latencies.push(now.saturating_sub(sent)),
                            Some(&BURST) => (burst, last) = (burst + 1, now),
                            _ => other += 1,
                        }
                    }
                    _ => {}
                },
                line = orders.recv() => match line {
                    None => return Ok(()),
                    Some(line) => {
                        let (what, count) = line.split_once(' ').ok_or("what, and how many?")?;
                        moved = Instant::now();
                        order = Some((what.to_owned(), count.parse()?));
                    }
                },
                () = tokio::time::sleep(Duration::from_millis(20)), if order.is_some() => {}
            }
            if let Some((what, wanted)) = &order {
                let have = match what.as_str() {
                    "latency" => latencies.len() as u64,
                    "burst" => burst,
                    _ => other,
                };
                if have >= *wanted || moved.elapsed() > LOST_AFTER {
                    println!("{}", json!({ "live": percentiles(latencies.clone()), "have": have, "last": last }));
                    order = None;
                }
            }
        }
    })
}

/// Sends as told.
pub fn write(signed: bool, to: &str, pause_ms: &str) -> Result<()> {
    let pause = Duration::from_millis(pause_ms.parse()?);
    let to: Multiaddr = to.parse()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut swarm = swarm(signed)?;
        let hash = topic().hash();
        swarm.behaviour_mut().subscribe(&topic())?;
        swarm.dial(to)?;
        while swarm.behaviour().mesh_peers(&hash).next().is_none() {
            drive(&mut swarm, Duration::from_millis(20)).await;
        }
        println!("{}", json!({ "ready": true }));
        let mut orders = orders();
        let mut number = 0u64;
        loop {
            let line = tokio::select! {
                line = orders.recv() => line,
                _ = swarm.select_next_some() => continue,
            };
            let Some(line) = line else { return Ok(()) };
            let (what, count) = line.split_once(' ').ok_or("what, and how many?")?;
            let (kind, pause) = match what {
                "latency" => (LATENCY, pause),
                "burst" => (BURST, Duration::ZERO),
                _ => (OTHER, pause),
            };
            let began = now_us();
            for _ in 0..count.parse::<u64>()? {
                number += 1;
                send(&mut swarm, kind, number).await?;
                // Not in step with anybody's timer.
                drive(&mut swarm, pause + Duration::from_micros(if pause.is_zero() { 0 } else { number * 37 % 1_000 }))
                    .await;
            }
            println!("{}", json!({ "began": began, "ended": now_us() }));
        }
    })
}

async fn send(swarm: &mut Swarm<gossipsub::Behaviour>, kind: u8, number: u64) -> Result<()> {
    let mut data = vec![0; MESSAGE_BYTES];
    data[0] = kind;
    data[9..17].copy_from_slice(&number.to_le_bytes());
    loop {
        data[1..9].copy_from_slice(&now_us().to_le_bytes());
        match swarm.behaviour_mut().publish(topic(), data.clone()) {
            Ok(_) => return Ok(()),
            // As fast as it goes, and no faster.
            Err(PublishError::AllQueuesFull(_)) => drive(swarm, Duration::from_micros(200)).await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Lets the network work for a while; with no time at all, does what is ready.
async fn drive(swarm: &mut Swarm<gossipsub::Behaviour>, time: Duration) {
    let until = Instant::now() + time;
    if time.is_zero() {
        while futures::FutureExt::now_or_never(swarm.select_next_some()).is_some() {}
        return;
    }
    while tokio::time::timeout_at(until, swarm.select_next_some()).await.is_ok() {}
}

/// One trial.
pub fn pair(options: &Options, mode: &str) -> Result<Value> {
    let mut reader = Worker::start(&["--raw-reader", mode])?;
    let at = reader.hear()?["at"].as_str().unwrap_or_default().to_owned();
    let mut writer = Worker::start(&["--raw-writer", mode, &at, &options.pause_ms.to_string()])?;
    writer.hear()?;
    writer.ask(&format!("other {WARM_UP}"))?;
    reader.ask(&format!("other {WARM_UP}"))?;
    writer.ask(&format!("latency {}", options.notes))?;
    let came = reader.ask(&format!("latency {}", options.notes))?;
    let burst = writer.ask(&format!("burst {}", options.burst))?;
    let all = reader.ask(&format!("burst {}", options.burst))?;
    let have = all["have"].as_u64().unwrap_or(0);
    let micros = all["last"].as_u64().unwrap_or(0).saturating_sub(burst["began"].as_u64().unwrap_or(0)).max(1);
    writer.end()?;
    reader.end()?;
    Ok(json!({
        "live": came["live"], "rate": have as f64 / (micros as f64 / 1e6), "lost": options.burst as u64 - have.min(options.burst as u64),
    }))
}
