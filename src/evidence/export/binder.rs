//! Writing a bundle: files with their hashes, the same bytes for the same content.
//!
//! The danger: what nobody said gets into the archive, such as the time of day. Every file has the same date and the same
//! rights, and is deflated by one method.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use anyhow::Context;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::archive::{Archive, Handle};
use crate::evidence::keep::hex;

/// The list of hashes, as `sha256sum` reads and writes it, and the hash of that list.
pub(super) const HASHES: &str = "HASHES.txt";
pub(super) const HASH_OF_HASHES: &str = "HASHES.txt.sha256";

/// How much is sent to the press at once, and how many such pieces may wait.
const PIECE: usize = 64 * 1024;
const WAITING: usize = 8;

pub(super) fn options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
}

/// An archive in the making.
pub(super) struct Binder {
    zip: ZipWriter<BufWriter<File>>,
    hashes: BTreeMap<String, String>,
    open: Option<(String, Sha256)>,
}

/// An archive, and the hash of each of its files.
pub(super) struct Bound {
    pub handle: Handle,
    pub hashes: BTreeMap<String, String>,
}

impl Binder {
    /// In a file without a name, which is gone with its last reader.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            zip: ZipWriter::new(BufWriter::new(tempfile::tempfile()?)).set_auto_large_file(),
            hashes: BTreeMap::new(),
            open: None,
        })
    }

    /// Begins the next file, and ends the one before.
    pub(super) fn begin(&mut self, name: &str) -> io::Result<()> {
        self.end();
        self.zip.start_file(name, options())?;
        self.open = Some((name.to_owned(), Sha256::new()));
        Ok(())
    }

    fn end(&mut self) {
        if let Some((name, hash)) = self.open.take() {
            self.hashes.insert(name, hex(&hash.finalize()));
        }
    }

    pub(super) fn finish(mut self) -> io::Result<Bound> {
        self.end();
        let file = self
            .zip
            .finish()?
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        Ok(Bound {
            handle: Handle::new(file),
            hashes: self.hashes,
        })
    }
}

impl Write for Binder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some((_, hash)) = &mut self.open {
            hash.update(bytes);
        }
        self.zip.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
}

enum Piece {
    File(String),
    Bytes(Vec<u8>),
    End,
}

/// A binder on a thread of its own: deflating keeps nobody else waiting.
pub(super) struct Press {
    pieces: mpsc::Sender<Piece>,
    bound: JoinHandle<io::Result<Option<Bound>>>,
    waiting: Vec<u8>,
}

impl Press {
    pub(super) fn start() -> Self {
        let (pieces, mut coming) = mpsc::channel(WAITING);
        let bound = tokio::task::spawn_blocking(move || {
            let mut binder = Binder::new()?;
            while let Some(piece) = coming.blocking_recv() {
                match piece {
                    Piece::File(name) => binder.begin(&name)?,
                    Piece::Bytes(bytes) => binder.write_all(&bytes)?,
                    Piece::End => return binder.finish().map(Some),
                }
            }
            // Whoever wanted it has gone away.
            Ok(None)
        });
        Self {
            pieces,
            bound,
            waiting: Vec::new(),
        }
    }

    pub(super) async fn file(&mut self, name: &str) {
        self.send_waiting().await;
        self.send(Piece::File(name.to_owned())).await;
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= PIECE {
            self.send_waiting().await;
        }
    }

    async fn send_waiting(&mut self) {
        if !self.waiting.is_empty() {
            let bytes = std::mem::take(&mut self.waiting);
            self.send(Piece::Bytes(bytes)).await;
        }
    }

    /// A press that has broken takes no more; [`Self::finish`] says why.
    async fn send(&self, piece: Piece) {
        let _ = self.pieces.send(piece).await;
    }

    pub(super) async fn finish(mut self) -> anyhow::Result<Bound> {
        self.send_waiting().await;
        self.send(Piece::End).await;
        let bound = self.bound.await.context("the press panicked")?;
        bound.context("writing a bundle")?.context("the press stopped")
    }
}

/// Puts archives together in one, sorted by name, with the list of all hashes. Answers the hash of that list, too.
pub(super) fn put_together(parts: Vec<Bound>) -> anyhow::Result<(Bound, String)> {
    let mut from = Vec::new();
    let mut hashes = BTreeMap::new();
    for (at, part) in parts.into_iter().enumerate() {
        from.push(Archive::open(part.handle)?);
        hashes.extend(part.hashes.into_iter().map(|(name, hash)| (name, (hash, at))));
    }
    let mut whole = Binder::new()?;
    let list: String = hashes
        .iter()
        .map(|(name, (hash, _))| format!("{hash}  {name}\n"))
        .collect();
    let hash = hex(&Sha256::digest(&list));
    let lists = [(HASHES, list), (HASH_OF_HASHES, format!("{hash}  {HASHES}\n"))];
    let mut lists = lists.into_iter().peekable();
    for (name, (_, at)) in &hashes {
        while let Some((list, text)) = lists.next_if(|(list, _)| *list < name.as_str()) {
            whole.begin(list)?;
            whole.write_all(text.as_bytes())?;
        }
        whole.zip.raw_copy_file(from[*at].raw_file(name)?)?;
    }
    for (list, text) in lists {
        whole.begin(list)?;
        whole.write_all(text.as_bytes())?;
    }
    Ok((whole.finish()?, hash))
}
