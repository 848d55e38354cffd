//! Randomness as an argument: a stream of bytes expanded from a seed that the shell drew.

/// An endless stream of bytes from a 32-byte seed (BLAKE3 in extended output mode). Equal seeds, equal streams: the
/// simulator replays from one number, and the node draws its seed from the operating system at every start.
#[derive(Clone)]
pub struct Entropy(blake3::OutputReader);

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy(..)")
    }
}

impl Entropy {
    /// From a seed.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("studymesh 2026 entropy");
        hasher.update(&seed);
        Self(hasher.finalize_xof())
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.0.fill(&mut out);
        out
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    /// A number below `bound`, which must not be zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }
}
