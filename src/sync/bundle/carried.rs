//! A run that a bundle carries, before and after it is checked.

use std::collections::VecDeque;

use crate::log::entry::check_body;
use crate::log::run::{Authentic, Run, RunError};
use crate::model::id::GroupId;
use crate::model::wire::WireError;

/// A run of headers and the bodies that came with it, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    pub(super) run: Run,
    pub(super) bodies: Vec<Vec<u8>>,
}

/// A run whose signature and bodies were checked: each entry is authentic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    entries: Vec<(Authentic, Vec<u8>)>,
    tail: VecDeque<Authentic>,
    signature: [u8; 64],
    spoiled: u64,
}

impl Carried {
    /// How many entries it brings: headers with their bodies.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.bodies.len() as u64
    }

    /// Checks the signature and the bodies. From the first body that is not its header's on, only headers are left.
    ///
    /// # Errors
    /// When the run does not verify.
    pub fn check(self, group: GroupId) -> Result<Checked, RunError> {
        if self.run.crosses_signature_point() {
            return Err(WireError::Bounds("a run beyond a signature point").into());
        }
        let headers = self.run.verify(group)?;
        let brought = self.bodies.len();
        let good = headers.iter().zip(&self.bodies).take_while(|(a, body)| check_body(&a.header, body).is_ok()).count();
        let mut headers = headers.into_iter();
        let entries: Vec<_> = headers.by_ref().take(good).zip(self.bodies).collect();
        let spoiled = (brought - good) as u64;
        Ok(Checked { entries, tail: headers.collect(), signature: self.run.signature, spoiled })
    }
}

impl Checked {
    /// The entries, in order.
    #[must_use]
    pub fn entries(&self) -> &[(Authentic, Vec<u8>)] {
        &self.entries
    }

    /// The headers after the entries, up to the one that the signature is over.
    #[must_use]
    pub fn tail(&self) -> &VecDeque<Authentic> {
        &self.tail
    }

    /// The signature over the last header of all.
    #[must_use]
    pub fn signature(&self) -> [u8; 64] {
        self.signature
    }

    /// How many more bodies came, the first of which is not its header's: it is invalid, and the others hang on it.
    #[must_use]
    pub fn spoiled(&self) -> u64 {
        self.spoiled
    }

    /// Bytes of all bodies.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.entries.iter().map(|(_, body)| body.len()).sum()
    }
}
