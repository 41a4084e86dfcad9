//! What one test's thread logs.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;

/// A log that is written on as long as it is kept.
pub struct Log {
    paper: Paper,
    // While there is but one subscriber, tracing lets whichever thread meets a log line first decide whether it is
    // wanted, and other tests' threads do not want any. With two it asks both.
    _second: Dispatch,
    _until_dropped: DefaultGuard,
}

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Begins to write what matches a filter such as `warn`.
    pub fn begin(filter: &str) -> Self {
        let paper = Paper::default();
        let copy = paper.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(move || copy.clone())
            .finish();
        let second = Dispatch::new(tracing_subscriber::registry());
        Self {
            paper,
            _second: second,
            _until_dropped: tracing::subscriber::set_default(subscriber),
        }
    }

    /// What was written so far.
    pub fn text(&self) -> String {
        let bytes = self.paper.0.lock().expect("no panic").clone();
        String::from_utf8(bytes).expect("a log is text")
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
