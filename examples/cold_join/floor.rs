//! The floor: what somebody would pay who sends items over TCP, verifies each and inserts it, with no protocol at all.
//!
//! One thread reads, hashes, verifies and inserts; signatures are verified in batches of 256, which is the fastest way there
//! is to check each; a transaction holds 256 items, and is durable when it ends. Nothing is encrypted, chained, folded
//! or compared, and no other peer could be asked for the rest.

use std::io::{BufReader, BufWriter, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use ed25519_zebra::{Signature, SigningKey, VerificationKeyBytes, batch};
use rusqlite::{Connection, params};
use tokio::time::Instant;

use crate::{BATCH, NOTE_BYTES, Result};

/// Bytes of an item: author, signature, length, text.
const ITEM_BYTES: usize = 32 + 64 + 2 + NOTE_BYTES;

/// What is signed of an item: its id.
fn id_of(author: &[u8], text: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(author).update(text).finalize().as_bytes()
}

/// Writes the items, by these many authors in turn, to a file.
pub fn make(path: &Path, texts: &[String], authors: usize) -> Result<()> {
    let keys: Vec<SigningKey> =
        (0..authors).map(|n| SigningKey::from(*blake3::hash(&n.to_le_bytes()).as_bytes())).collect();
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    for (n, text) in texts.iter().enumerate() {
        let key = &keys[n % authors];
        let author: [u8; 32] = VerificationKeyBytes::from(key).into();
        let signature: [u8; 64] = key.sign(&id_of(&author, text.as_bytes())).into();
        file.write_all(&author)?;
        file.write_all(&signature)?;
        file.write_all(&u16::try_from(text.len())?.to_le_bytes())?;
        file.write_all(text.as_bytes())?;
    }
    Ok(file.flush()?)
}

/// Sends the file to whoever connects, one after the other, until the parent closes our input.
pub fn serve(path: &Path) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let path = path.to_owned();
    std::thread::spawn(move || -> std::io::Result<()> {
        for stream in listener.incoming() {
            std::io::copy(&mut std::fs::File::open(&path)?, &mut BufWriter::with_capacity(1 << 16, stream?))?;
        }
        Ok(())
    });
    std::io::stdin().read_to_end(&mut vec![])?;
    Ok(())
}

/// Fetches all items; gives their number and the seconds until the last was durable.
pub fn fetch(db: &Path, address: &str) -> Result<(usize, f64)> {
    let mut db = Connection::open(db)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE items (id BLOB NOT NULL UNIQUE, author BLOB NOT NULL, signature BLOB NOT NULL, text BLOB NOT NULL);",
    )?;
    let began = Instant::now();
    let mut stream = BufReader::with_capacity(1 << 16, TcpStream::connect(address)?);
    let mut count = 0;
    let mut item = [0; ITEM_BYTES];
    loop {
        let mut batch = vec![];
        while batch.len() < BATCH && read_item(&mut stream, &mut item)? {
            let length = usize::from(u16::from_le_bytes([item[96], item[97]]));
            let text = item[98..].get(..length).ok_or("an item is too long")?.to_vec();
            let (author, signature): ([u8; 32], [u8; 64]) = (item[..32].try_into()?, item[32..96].try_into()?);
            batch.push((id_of(&author, &text), author, signature, text));
        }
        if batch.is_empty() {
            break;
        }
        let mut verifier = batch::Verifier::new();
        for (id, author, signature, _) in &batch {
            verifier.queue((VerificationKeyBytes::from(*author), Signature::from(*signature), id));
        }
        verifier.verify(rand::rng()).map_err(|e| format!("a signature is wrong: {e}"))?;
        let transaction = db.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO items VALUES (?1, ?2, ?3, ?4)")?;
            for (id, author, signature, text) in &batch {
                insert.execute(params![id, author, signature, text])?;
            }
        }
        transaction.commit()?;
        count += batch.len();
    }
    Ok((count, began.elapsed().as_secs_f64()))
}

/// Reads one item; false at the end.
fn read_item(stream: &mut impl Read, item: &mut [u8; ITEM_BYTES]) -> Result<bool> {
    let first = stream.read(&mut item[..1])?;
    if first == 0 {
        return Ok(false);
    }
    stream.read_exact(&mut item[1..])?;
    Ok(true)
}
