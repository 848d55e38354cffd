//! Frames on a stream: a `u32` length, little endian, and that many bytes (`docs/protocol.md`, section 6).

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest frame, bytes without its length.
pub const MAX_FRAME_BYTES: usize = 131_072;

/// Bytes of the length before a frame.
const LENGTH_BYTES: usize = size_of::<u32>();

const _: () = assert!(MAX_FRAME_BYTES <= u32::MAX as usize, "a length holds every frame");

/// Why no further frame can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The peer announced more than it may send. Nothing was allocated for it.
    #[error("a frame of {0} bytes was announced; at most {MAX_FRAME_BYTES} are allowed")]
    TooLong(u32),
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame")]
    Cut,
    /// The stream failed.
    #[error("the stream failed: {0}")]
    Io(#[from] std::io::Error),
}

/// Reads one frame; `None` when the peer closed the stream between frames.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<Vec<u8>>, ReadError> {
    let mut length = [0; LENGTH_BYTES];
    let mut have = 0;
    while have < LENGTH_BYTES {
        match stream.read(&mut length[have..]).await? {
            0 if have == 0 => return Ok(None),
            0 => return Err(ReadError::Cut),
            n => have += n,
        }
    }
    let length = u32::from_le_bytes(length);
    let size = usize::try_from(length).ok().filter(|size| *size <= MAX_FRAME_BYTES);
    let mut bytes = vec![0; size.ok_or(ReadError::TooLong(length))?];
    match stream.read_exact(&mut bytes).await {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(ReadError::Cut),
        Err(error) => Err(error.into()),
    }
}

/// Writes one frame of at most [`MAX_FRAME_BYTES`] and hands it to the transport.
pub(super) async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= MAX_FRAME_BYTES);
    let length = length.ok_or_else(|| std::io::Error::other("a frame over the limit"))?;
    stream.write_all(&length.to_le_bytes()).await?;
    stream.write_all(bytes).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;

    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in_up_to_the_largest() {
        let mut wire = vec![];
        let frames = [vec![], vec![7], vec![3; MAX_FRAME_BYTES]];
        for frame in &frames {
            block_on(write(&mut wire, frame)).unwrap();
        }
        assert_eq!(wire[..9], [0, 0, 0, 0, 1, 0, 0, 0, 7], "the length is little endian");
        let mut wire = Cursor::new(wire);
        for frame in frames {
            assert_eq!(block_on(read(&mut wire)).unwrap(), Some(frame));
        }
        assert_eq!(block_on(read(&mut wire)).unwrap(), None);
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_anything_is_allocated_for_it() {
        let over = u32::try_from(MAX_FRAME_BYTES + 1).unwrap();
        for length in [over, u32::MAX] {
            let mut wire = Cursor::new(length.to_le_bytes());
            assert!(matches!(block_on(read(&mut wire)), Err(ReadError::TooLong(l)) if l == length));
        }
        assert!(block_on(write(&mut vec![], &vec![0; MAX_FRAME_BYTES + 1])).is_err());
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_is_no_clean_end() {
        for cut in [1, 3, 4, 6] {
            let whole = [3, 0, 0, 0, 1, 2, 3];
            let mut wire = Cursor::new(&whole[..cut]);
            assert!(matches!(block_on(read(&mut wire)), Err(ReadError::Cut)), "cut at {cut}");
        }
    }
}
