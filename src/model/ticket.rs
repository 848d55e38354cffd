//! A ticket: what somebody needs to find and join a group, as text that survives chat, paper and a QR code.
//!
//! `studymesh` followed by base32 (RFC 4648, lower case, no padding; read in any case, blanks ignored) of
//! `version | expiry | group id | seed | invite | peers | checksum`, without the invite in version 1. The layout is in `docs/protocol.md`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::id::GroupId;
use super::wire::{Reader, WireError};

/// What every ticket begins with.
pub const PREFIX: &str = "studymesh";
/// The version of a ticket to an open group.
pub const VERSION: u8 = 1;
/// The version of a ticket to a closed group: it carries the secret of an invite.
pub const VERSION_INVITE: u8 = 2;
/// Most bytes of a ticket before base32.
pub const MAX_BYTES: usize = 1024;
/// Most characters of a ticket as text.
pub const MAX_CHARS: usize = 2048;
/// Most bytes of a ticket that is shown as a QR code.
pub const QR_BYTES: usize = 160;
/// Most peers in a ticket.
pub const MAX_PEERS: usize = 8;
/// Most addresses of one peer in a ticket.
pub const MAX_ADDRESSES: usize = 8;
/// Bytes of the checksum.
const CHECKSUM_BYTES: usize = 4;

/// Where a peer listens, in compact form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// TCP over IPv4.
    Tcp4(Ipv4Addr, u16),
    /// QUIC over IPv4.
    Quic4(Ipv4Addr, u16),
    /// TCP over IPv6.
    Tcp6(Ipv6Addr, u16),
    /// QUIC over IPv6.
    Quic6(Ipv6Addr, u16),
    /// Any other binary multiaddr, at most 255 bytes.
    Other(Vec<u8>),
}

/// A peer in a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketPeer {
    /// The Ed25519 public key of its peer id.
    pub key: [u8; 32],
    /// Where it listens; at most [`MAX_ADDRESSES`].
    pub addresses: Vec<Address>,
}

/// What somebody needs to find and join a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// When the ticket stops working, Unix milliseconds; 0 for never. Kept in whole seconds.
    pub expires_ms: u64,
    /// The group.
    pub group: GroupId,
    /// The seed that the group's keys derive from. Whoever holds it can read an open group.
    pub seed: [u8; 16],
    /// The secret of an invite, in a ticket to a closed group: it is proved to members and never sent.
    pub invite: Option<[u8; 16]>,
    /// Members that may be reached directly; at most [`MAX_PEERS`].
    pub peers: Vec<TicketPeer>,
}

/// Why a text is not a ticket that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// It does not begin with the prefix.
    #[error("this is not a studymesh ticket: it must begin with \"{PREFIX}\"")]
    Prefix,
    /// It has a character that base32 does not use.
    #[error("the ticket has a character that no ticket contains; copy it again, whole")]
    Alphabet,
    /// It is too long to be a ticket.
    #[error("the ticket is longer than {MAX_CHARS} characters; copy only the ticket")]
    TooLong,
    /// It ends too early.
    #[error("the ticket is cut off; copy it again, whole")]
    Truncated,
    /// The checksum does not match.
    #[error("the ticket's checksum does not match: a character is wrong or missing; copy it again, whole")]
    Checksum,
    /// It is of a newer version.
    #[error("the ticket is of version {0}, this program knows up to version {VERSION_INVITE}; update studymesh")]
    Version(u8),
    /// The content breaks its layout although the checksum matches.
    #[error("the ticket's content is malformed ({0}); ask for a new one")]
    Content(WireError),
}

impl Ticket {
    /// The ticket as text.
    #[must_use]
    pub fn encode(&self) -> String {
        self.encode_as(if self.invite.is_some() { VERSION_INVITE } else { VERSION })
    }

    /// The ticket under another version number: for tests of what a newer program may send.
    #[doc(hidden)]
    #[must_use]
    pub fn encode_as(&self, version: u8) -> String {
        let mut out = vec![version];
        out.extend_from_slice(&(self.expires_ms / 1000).to_le_bytes()[..5]);
        out.extend_from_slice(&self.group.0);
        out.extend_from_slice(&self.seed);
        self.invite.iter().for_each(|secret| out.extend_from_slice(secret));
        out.push(self.peers.len().min(MAX_PEERS) as u8);
        for peer in self.peers.iter().take(MAX_PEERS) {
            out.extend_from_slice(&peer.key);
            out.push(peer.addresses.len().min(MAX_ADDRESSES) as u8);
            peer.addresses.iter().take(MAX_ADDRESSES).for_each(|a| a.encode_into(&mut out));
        }
        out.extend_from_slice(&checksum(&out));
        let mut text = data_encoding::BASE32_NOPAD.encode(&out);
        text.make_ascii_lowercase();
        format!("{PREFIX}{text}")
    }

    /// Reads a ticket from text, in any case, with blanks and line breaks in it. Expiry is not looked at.
    ///
    /// # Errors
    /// When the text is not a whole and known ticket.
    pub fn decode(text: &str) -> Result<Self, TicketError> {
        if text.len() > MAX_CHARS {
            return Err(TicketError::TooLong);
        }
        let text: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
        let text = text.strip_prefix(PREFIX).ok_or(TicketError::Prefix)?.to_ascii_uppercase();
        if !text.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)) {
            return Err(TicketError::Alphabet);
        }
        // A cut can leave a number of characters that no encoding has.
        let bytes = data_encoding::BASE32_NOPAD.decode(text.as_bytes()).map_err(|_| TicketError::Truncated)?;
        let &version = bytes.first().ok_or(TicketError::Truncated)?;
        let (content, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(TicketError::Truncated)?;
        if *sum != checksum(content) {
            return Err(if is_cut_off(&bytes) { TicketError::Truncated } else { TicketError::Checksum });
        }
        if version != VERSION && version != VERSION_INVITE {
            return Err(TicketError::Version(version));
        }
        Self::read(content).map_err(TicketError::Content)
    }

    fn read(content: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(content);
        let version = r.u8()?;
        let mut seconds = [0; 8];
        seconds[..5].copy_from_slice(r.bytes(5)?);
        let expires_ms = u64::from_le_bytes(seconds) * 1000;
        let (group, seed) = (GroupId(r.array()?), r.array()?);
        let invite = if version == VERSION_INVITE { Some(r.array()?) } else { None };
        let count = usize::from(r.u8()?);
        if count > MAX_PEERS {
            return Err(WireError::Bounds("peers"));
        }
        let mut peers = vec![];
        for _ in 0..count {
            let key = r.array()?;
            let count = usize::from(r.u8()?);
            if count > MAX_ADDRESSES {
                return Err(WireError::Bounds("addresses"));
            }
            let addresses = (0..count).map(|_| Address::read(&mut r)).collect::<Result<_, _>>()?;
            peers.push(TicketPeer { key, addresses });
        }
        r.finish()?;
        Ok(Self { expires_ms, group, seed, invite, peers })
    }

    /// Whether the ticket has stopped working.
    #[must_use]
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_ms != 0 && self.expires_ms <= now_ms
    }

    /// Bytes before base32.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        (self.encode().len() - PREFIX.len()) * 5 / 8
    }
}

impl Address {
    fn encode_into(&self, out: &mut Vec<u8>) {
        let mut put = |kind: u8, ip: &[u8], port: u16| {
            out.push(kind);
            out.extend_from_slice(ip);
            out.extend_from_slice(&port.to_le_bytes());
        };
        match self {
            Self::Tcp4(ip, port) => put(1, &ip.octets(), *port),
            Self::Quic4(ip, port) => put(2, &ip.octets(), *port),
            Self::Tcp6(ip, port) => put(3, &ip.octets(), *port),
            Self::Quic6(ip, port) => put(4, &ip.octets(), *port),
            Self::Other(bytes) => {
                let len = u8::try_from(bytes.len()).expect("callers bound other addresses to 255 bytes");
                out.extend_from_slice(&[0, len]);
                out.extend_from_slice(bytes);
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match r.u8()? {
            0 => {
                let len = usize::from(r.u8()?);
                Self::Other(r.bytes(len)?.to_vec())
            }
            1 => Self::Tcp4(r.array::<4>()?.into(), r.u16()?),
            2 => Self::Quic4(r.array::<4>()?.into(), r.u16()?),
            3 => Self::Tcp6(r.array::<16>()?.into(), r.u16()?),
            4 => Self::Quic6(r.array::<16>()?.into(), r.u16()?),
            _ => return Err(WireError::Bounds("address kind")),
        })
    }
}

fn checksum(content: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = blake3::derive_key("studymesh 2026 v1 ticket checksum", content);
    *hash.first_chunk().expect("a hash is longer")
}

/// Whether the bytes of a known version end before their own counts say: then a cut is likelier than a typing error.
fn is_cut_off(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|version| [VERSION, VERSION_INVITE].contains(version))
        && matches!(Ticket::read(&bytes[..bytes.len().saturating_sub(CHECKSUM_BYTES)]), Err(WireError::Truncated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Ticket {
        Ticket {
            expires_ms: 1_700_000_000_000,
            group: GroupId([3; 32]),
            seed: [4; 16],
            invite: None,
            peers: vec![TicketPeer {
                key: [5; 32],
                addresses: vec![
                    Address::Tcp4([192, 168, 1, 7].into(), 4001),
                    Address::Quic4([192, 168, 1, 7].into(), 4001),
                    Address::Tcp6(Ipv6Addr::LOCALHOST, 4001),
                ],
            }],
        }
    }

    #[test]
    fn a_ticket_survives_upper_case_and_line_breaks_and_fits_a_qr_code() {
        let ticket = sample();
        assert!(ticket.byte_len() <= QR_BYTES, "{} bytes", ticket.byte_len());
        let text = ticket.encode();
        let broken: String = text
            .chars()
            .enumerate()
            .map(|(i, c)| if i % 20 == 19 { format!("{c}\n ") } else { c.to_string() })
            .collect();
        assert_eq!(Ticket::decode(&broken.to_uppercase()), Ok(ticket.clone()));
        let closed = Ticket { invite: Some([8; 16]), ..ticket };
        assert!(closed.byte_len() <= QR_BYTES, "{} bytes", closed.byte_len());
        assert_eq!(Ticket::decode(&closed.encode()), Ok(closed));
    }

    #[test]
    fn each_kind_of_damage_has_its_own_message() {
        let text = sample().encode();
        assert_eq!(Ticket::decode("hello"), Err(TicketError::Prefix));
        assert_eq!(Ticket::decode(&text[..text.len() - 9]), Err(TicketError::Truncated));
        assert_eq!(Ticket::decode(PREFIX), Err(TicketError::Truncated));
        let mut typo = text.clone().into_bytes();
        typo[60] = if typo[60] == b'a' { b'b' } else { b'a' };
        assert_eq!(Ticket::decode(std::str::from_utf8(&typo).unwrap()), Err(TicketError::Checksum));
        assert_eq!(Ticket::decode(&format!("{text}!")), Err(TicketError::Alphabet));
        assert_eq!(Ticket::decode(&"studymesh".repeat(999)), Err(TicketError::TooLong));
        let mut newer = vec![9u8; 40];
        newer.extend_from_slice(&checksum(&newer));
        let newer = format!("{PREFIX}{}", data_encoding::BASE32_NOPAD.encode(&newer));
        assert_eq!(Ticket::decode(&newer), Err(TicketError::Version(9)));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".{0,200}", base in "[a-z2-7]{0,300}") {
            let _ = Ticket::decode(&text);
            let made_up = format!("{PREFIX}{base}");
            prop_assert!(Ticket::decode(&made_up).is_err());
        }
    }
}
