//! What is fetched: short texts of Chinese and English with a digest now and then.

use std::path::{Path, PathBuf};

use crate::{ITEM_BYTES, Result};

const WORDS: &[&str] = &[
    "云原生", "容器", "调度", "服务", "网关", "共识", "节点", "区块链", "打洞", "日志", "笔记", "路线图", "Kubernetes", "Docker",
    "Helm", "gossip", "stream", "channel", "goroutine", "trait", "borrow", "pod", "volume", "metric", "entry", "hash",
];

/// Items of [`ITEM_BYTES`] each in one file, one after the other.
pub struct Items {
    pub path: PathBuf,
    pub count: usize,
}

impl Items {
    pub fn make(path: &Path, count: usize) -> Result<Self> {
        let mut state = 0x5eed_u64;
        let mut number = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z ^ (z >> 31)
        };
        let mut all = String::with_capacity(count * ITEM_BYTES);
        for n in 0..count {
            let mut text = format!("# {n}\n\n");
            while text.len() < ITEM_BYTES {
                text.push_str(WORDS[number() as usize % WORDS.len()]);
                if number() % 12 == 0 {
                    text.push_str(&format!(" `{:016x}`", number()));
                }
                text.push(' ');
            }
            while text.len() > ITEM_BYTES {
                text.pop();
            }
            text.push_str(&"~".repeat(ITEM_BYTES - text.len()));
            all.push_str(&text);
        }
        std::fs::write(path, all)?;
        Ok(Self { path: path.to_owned(), count })
    }

    pub fn read(&self) -> Result<Vec<u8>> {
        Ok(std::fs::read(&self.path)?)
    }
}
