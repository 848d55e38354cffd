//! `Idempotency-Key`: a write that is sent again, because its answer was lost, is answered from memory and not done twice.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::Made;
use crate::web::problem::Problem;

/// Most answers that are kept, and most bytes of all of them; the oldest go first.
const MAX_ANSWERS: usize = 1_000;
/// As [`MAX_ANSWERS`].
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// How long an answer is kept, milliseconds: a day.
const KEPT_MS: u64 = 24 * 3_600_000;
/// Longest key.
const MAX_KEY: usize = 128;

/// The key of a request.
///
/// # Errors
/// When it is empty, too long or not plain text.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() || text.len() > MAX_KEY {
        let cause = format!("an idempotency key has 1 to {MAX_KEY} visible characters");
        return Err(Problem::http("bad_parameter", cause, "send a random one, such as a UUID"));
    }
    Ok(Some(text.to_owned()))
}

/// The answers to writes that carried a key.
#[derive(Debug, Clone, Default)]
pub struct Answers(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    known: BTreeMap<String, Known>,
    /// Keys, oldest first.
    order: VecDeque<String>,
    bytes: usize,
}

#[derive(Debug)]
struct Known {
    request: blake3::Hash,
    at_ms: u64,
    /// None while it is at work.
    answer: Option<Made>,
}

/// What a key means.
pub enum Begun {
    /// It came before: this was the answer.
    Before(Response),
    /// It is new: [`AtWork::end`] gives the answer.
    First(AtWork),
}

/// A write at work. When it comes to no end, its key is forgotten.
#[derive(Debug)]
pub struct AtWork {
    answers: Answers,
    key: Option<String>,
}

impl Answers {
    /// Looks a key up, and keeps it when it is new.
    ///
    /// # Errors
    /// When it came with another request, or its request is still at work.
    pub fn begin(&self, key: &str, target: &str, body: &[u8], now_ms: u64) -> Result<Begun, Problem> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(target.as_bytes()).update(&[0]).update(body);
        let request = hasher.finalize();
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.forget(now_ms);
        match memory.known.get(key) {
            Some(known) if known.request != request => Err(Problem::http(
                "idempotency_mismatch",
                "this idempotency key came before with another request",
                "send a fresh key with every new request",
            )),
            Some(Known { answer: None, .. }) => {
                Err(Problem::http("in_progress", "this request is still at work", "ask again in a moment"))
            }
            Some(Known { answer: Some(made), .. }) => {
                let mut response = made.clone().into_response();
                response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
                Ok(Begun::Before(response))
            }
            None => {
                memory.known.insert(key.to_owned(), Known { request, at_ms: now_ms, answer: None });
                memory.order.push_back(key.to_owned());
                Ok(Begun::First(AtWork { answers: self.clone(), key: Some(key.to_owned()) }))
            }
        }
    }
}

impl Memory {
    /// Makes room for one more.
    fn forget(&mut self, now_ms: u64) {
        while let Some(oldest) = self.order.front() {
            let is_old = self.known.get(oldest).is_none_or(|known| known.at_ms.saturating_add(KEPT_MS) <= now_ms);
            if !is_old && self.order.len() < MAX_ANSWERS && self.bytes <= MAX_BYTES {
                return;
            }
            let oldest = oldest.clone();
            self.order.pop_front();
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &str) {
        if let Some(Known { answer: Some(made), .. }) = self.known.remove(key) {
            self.bytes -= made.body.len();
        }
    }
}

impl AtWork {
    /// Keeps the answer. A node's own failure is not kept: sent again, the write may succeed.
    pub fn end(mut self, made: &Made) {
        if made.status.is_server_error() {
            return;
        }
        let mut memory = self.answers.0.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have been forgotten meanwhile, for lack of room.
        if let Some(known) = self.key.take().and_then(|key| memory.known.get_mut(&key)) {
            known.answer = Some(made.clone());
            memory.bytes += made.body.len();
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            let mut memory = self.answers.0.lock().unwrap_or_else(PoisonError::into_inner);
            memory.remove(&key);
            memory.order.retain(|other| *other != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    fn made(status: StatusCode, bytes: usize) -> Made {
        Made { status, media: "application/json", body: vec![b'x'; bytes].into() }
    }

    fn first(begun: Result<Begun, Problem>) -> AtWork {
        match begun.unwrap() {
            Begun::First(at_work) => at_work,
            Begun::Before(_) => panic!("the key is new"),
        }
    }

    fn code(begun: Result<Begun, Problem>) -> &'static str {
        begun.map(|_| ()).unwrap_err().code
    }

    #[test]
    fn a_request_is_done_once_and_answered_again_and_a_key_means_one_request() {
        let answers = Answers::default();
        let at_work = first(answers.begin("k", "POST /a", b"1", 0));
        assert_eq!(code(answers.begin("k", "POST /a", b"1", 1)), "in_progress");
        at_work.end(&made(StatusCode::CREATED, 3));
        let Begun::Before(again) = answers.begin("k", "POST /a", b"1", 2).unwrap() else { panic!("it was answered") };
        assert_eq!(
            (again.status(), &again.headers()["idempotency-replayed"]),
            (StatusCode::CREATED, &"true".parse().unwrap())
        );
        assert_eq!(code(answers.begin("k", "POST /a", b"2", 2)), "idempotency_mismatch");
        assert_eq!(code(answers.begin("k", "POST /b", b"1", 2)), "idempotency_mismatch");
        first(answers.begin("k", "POST /b", b"1", KEPT_MS));
    }

    #[test]
    fn what_failed_here_or_was_given_up_may_be_tried_again() {
        let answers = Answers::default();
        first(answers.begin("k", "POST /a", b"1", 0)).end(&made(StatusCode::INTERNAL_SERVER_ERROR, 3));
        drop(first(answers.begin("k", "POST /a", b"1", 0)));
        first(answers.begin("k", "POST /a", b"1", 0)).end(&made(StatusCode::UNPROCESSABLE_ENTITY, 3));
        assert!(matches!(answers.begin("k", "POST /a", b"1", 0), Ok(Begun::Before(_))));
    }

    #[test]
    fn the_memory_is_bounded_in_number_and_bytes() {
        let answers = Answers::default();
        for n in 0..2 * MAX_ANSWERS {
            first(answers.begin(&n.to_string(), "POST /a", b"", 0)).end(&made(StatusCode::OK, 64 * 1024));
        }
        let memory = answers.0.lock().unwrap();
        assert_eq!(memory.known.len(), memory.order.len());
        assert!(memory.known.len() <= MAX_ANSWERS && memory.bytes <= MAX_BYTES + 64 * 1024, "{}", memory.bytes);
        assert_eq!(
            memory.bytes,
            memory.known.values().filter_map(|k| Some(k.answer.as_ref()?.body.len())).sum::<usize>()
        );
    }
}
