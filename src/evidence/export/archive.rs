//! Reading a bundle, which may come from anybody.
//!
//! The danger: an archive that swells when it is opened, that shows one program another file than the next, or that names
//! a path of ours. Nothing is ever written to a path from here; names are of few letters; sizes are bounded by what was
//! really inflated, not by what the archive claims; and an archive that can be read in two ways is refused.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use serde_json::Value;
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

/// The most files in a bundle: some years of a large company.
const MOST_FILES: usize = 4_000_000;
/// The largest file that is read as a whole.
pub(super) const LARGEST: u64 = 64 << 20;
/// The largest file that is read as a stream.
const LARGEST_STREAM: u64 = 8 << 30;
/// The largest bundle, inflated.
const LARGEST_BUNDLE: u128 = 256 << 30;
/// The longest line of a list, and the most of them.
const LONGEST_LINE: u64 = 16 << 20;
const MOST_LINES: u32 = 20_000_000;

/// Why a bundle cannot be read. In words for whoever holds it.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not an archive of ours.
    #[error("this is not a bundle: {0}")]
    NoBundle(String),
    /// A file in it is larger than is read.
    #[error("{0} is larger than is read")]
    TooLarge(String),
    /// The disk, or the inflating.
    #[error("{0} cannot be read: {1}")]
    Broken(String, io::Error),
}

/// How much is read ahead: the index of an archive is read in very small pieces.
const AHEAD: usize = 8 * 1024;

/// A file that several readers have open, each at its own place.
#[derive(Clone)]
pub(super) struct Handle {
    file: Arc<File>,
    at: u64,
    /// What was read ahead, and where that begins.
    ahead: (u64, Vec<u8>),
}

impl Handle {
    pub(super) fn new(file: File) -> Self {
        Self {
            file: Arc::new(file),
            at: 0,
            ahead: (0, Vec::new()),
        }
    }

    pub(super) fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// What lies at the place; nothing at the end.
    fn read_ahead(&mut self) -> io::Result<&[u8]> {
        let (start, bytes) = &mut self.ahead;
        let within = self.at.checked_sub(*start).and_then(|by| usize::try_from(by).ok());
        let mut skip = within.unwrap_or(usize::MAX);
        if skip >= bytes.len() {
            bytes.resize(AHEAD, 0);
            let read = self.file.read_at(bytes, self.at)?;
            bytes.truncate(read);
            (*start, skip) = (self.at, 0);
        }
        Ok(&bytes[skip..])
    }
}

impl Read for Handle {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = if into.len() >= AHEAD {
            self.file.read_at(into, self.at)?
        } else {
            let mut there = self.read_ahead()?;
            there.read(into)?
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Handle {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// An archive whose names and entries can be trusted to be what they seem, though not to be true.
#[derive(Clone)]
pub(super) struct Archive(ZipArchive<Handle>);

impl Archive {
    pub(super) fn open(handle: Handle) -> Result<Self, Unreadable> {
        let no = |error: ZipError| Unreadable::NoBundle(error.to_string());
        let mut archive = ZipArchive::new(handle).map_err(no)?;
        let refused = |why: &str| Err(Unreadable::NoBundle(why.to_owned()));
        if archive.len() > MOST_FILES {
            return refused("it has too many files");
        }
        if archive.decompressed_size().is_none_or(|size| size > LARGEST_BUNDLE) {
            return refused("it is larger than is read");
        }
        if archive.offset() != 0 || !archive.comment().is_empty() {
            return refused("there is something before or behind the archive");
        }
        if archive.has_duplicate_names() || archive.has_overlapping_files().map_err(no)? {
            return refused("several of its files have one name or one place");
        }
        archive.validate_header_consistency().map_err(no)?;
        if let Some(name) = archive.file_names_raw().find(|name| !is_plain(name)) {
            return refused(&format!("{:?} is no name of ours", String::from_utf8_lossy(name)));
        }
        Ok(Self(archive))
    }

    /// The names, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.0.file_names_raw();
        let mut names: Vec<String> = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.index_for_name(name).is_some()
    }

    /// The file as it lies in the archive.
    pub(super) fn raw_file(&mut self, name: &str) -> Result<ZipFile<'_, Handle>, ZipError> {
        let index = self.0.index_for_name(name).ok_or(ZipError::FileNotFound)?;
        self.0.by_index_raw(index)
    }

    /// The file, as a stream that ends with an error where it is larger than is read.
    pub(super) fn stream(&mut self, name: &str) -> Result<Option<impl Read>, Unreadable> {
        match self.0.by_name(name) {
            Ok(file) => {
                // What the archive says of the size, and one more: whoever inflates that has been lied to.
                let most = file.size().saturating_add(1).min(LARGEST_STREAM);
                Ok(Some(Bounded(file.take(most))))
            }
            Err(ZipError::FileNotFound) => Ok(None),
            Err(error) => Err(Unreadable::Broken(name.to_owned(), error.into())),
        }
    }

    /// The whole file, if there is one.
    pub(super) fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let Some(file) = self.stream(name)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Unreadable::Broken(name.to_owned(), error))?;
        if bytes.len() as u64 > LARGEST {
            return Err(Unreadable::TooLarge(name.to_owned()));
        }
        Ok(Some(bytes))
    }

    /// The lines of a list, each as what JSON it is; a line that is none is null. No lines where there is no such file.
    pub(super) fn lines(&mut self, name: &str) -> Result<Lines<impl BufRead>, Unreadable> {
        Ok(Lines {
            name: name.to_owned(),
            reader: self.stream(name)?.map(BufReader::new),
            left: MOST_LINES,
        })
    }
}

/// Letters, digits and few signs, in folders of the same; nothing that leads anywhere else.
fn is_plain(name: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(byte);
    name.split(|byte| *byte == b'/')
        .all(|part| part.first().is_some_and(u8::is_ascii_alphanumeric) && part.iter().all(plain))
}

struct Bounded<R>(io::Take<R>);

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.0.limit() == 0 && !into.is_empty() {
            return Err(io::Error::other("it is larger than is read"));
        }
        self.0.read(into)
    }
}

pub(super) struct Lines<R> {
    name: String,
    reader: Option<R>,
    left: u32,
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Value, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let mut line = Vec::new();
        match reader.take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Err(error) => {
                self.reader = None;
                Some(Err(Unreadable::Broken(self.name.clone(), error)))
            }
            Ok(0) => None,
            Ok(_) if line.len() as u64 >= LONGEST_LINE || self.left == 0 => {
                self.reader = None;
                Some(Err(Unreadable::TooLarge(self.name.clone())))
            }
            Ok(_) => {
                self.left -= 1;
                Some(Ok(serde_json::from_slice(&line).unwrap_or_default()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for plain in ["HASHES.txt", "raw/00ff.json", "checks/a.b@1.json"] {
            assert!(is_plain(plain.as_bytes()), "{plain}");
        }
        for other in [
            "", "/etc", "../x", "a/../b", "a//b", "a\\b", "C:x", "a/", ".hidden", "é",
        ] {
            assert!(!is_plain(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_list_of_too_many_lines_ends_with_an_error() {
        let mut lines = Lines {
            name: "rows/x.ndjson".into(),
            reader: Some(io::Cursor::new("1\n2\n3\n")),
            left: 2,
        };
        assert!(matches!(lines.next(), Some(Ok(one)) if one == 1));
        assert!(lines.next().is_some_and(|two| two.is_ok()));
        assert!(matches!(lines.next(), Some(Err(Unreadable::TooLarge(_)))));
        assert!(lines.next().is_none());
    }

    #[test]
    fn a_stream_that_swells_ends_with_an_error() {
        let mut swollen = Bounded(io::repeat(0).take(10));
        assert!(swollen.read_to_end(&mut Vec::new()).is_err());
    }
}
