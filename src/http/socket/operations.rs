//! The operations that run on one socket, and their answers in the order in which they are ready.

use std::collections::HashMap;

use futures::stream::{AbortHandle, Abortable, BoxStream, SelectAll};
use futures::{Stream, StreamExt};

use super::super::answer::Answer;

/// The most that may run at once on one socket.
const MOST: usize = 20;

/// What an operation has to say.
pub(super) enum Said {
    /// An answer.
    Next(Answer),
    /// It was refused before it ran.
    Refused(Answer),
    /// There is no more.
    Complete,
}

/// An operation's word, by its id and the serial number of its run: an id may be used again.
struct Word {
    id: String,
    serial: u64,
    said: Said,
}

/// The running operations of a socket.
pub(super) struct Operations {
    streams: SelectAll<BoxStream<'static, Word>>,
    running: HashMap<String, (u64, AbortHandle)>,
    begun: u64,
}

impl Operations {
    pub(super) fn new() -> Self {
        Self {
            streams: SelectAll::new(),
            running: HashMap::new(),
            begun: 0,
        }
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.running.contains_key(id)
    }

    pub(super) fn is_full(&self) -> bool {
        self.running.len() >= MOST
    }

    /// Begins one whose answers are these.
    pub(super) fn begin(&mut self, id: String, responses: BoxStream<'static, async_graphql::Response>) {
        self.begun += 1;
        let serial = self.begun;
        let (handle, registration) = AbortHandle::new_pair();
        self.running.insert(id.clone(), (serial, handle));
        let words = said(responses).map(move |said| Word {
            id: id.clone(),
            serial,
            said,
        });
        self.streams.push(Abortable::new(words, registration).boxed());
    }

    /// Ends one on the client's wish: nothing more is said of it, not even that it is complete.
    pub(super) fn end(&mut self, id: &str) {
        if let Some((_, handle)) = self.running.remove(id) {
            handle.abort();
        }
    }

    /// The next thing to tell the client, with the id of its operation. Waits for ever while nothing runs.
    pub(super) async fn next(&mut self) -> (String, Said) {
        loop {
            let Some(word) = self.streams.next().await else {
                // `select!` drops this wait when something else happens, such as the next operation.
                std::future::pending::<()>().await;
                continue;
            };
            if self
                .running
                .get(&word.id)
                .is_some_and(|(serial, _)| *serial == word.serial)
            {
                if !matches!(word.said, Said::Next(_)) {
                    self.end(&word.id);
                }
                return (word.id, word.said);
            }
        }
    }
}

/// An operation that is refused says so and no more; any other says that it is complete.
fn said(mut responses: BoxStream<'static, async_graphql::Response>) -> impl Stream<Item = Said> {
    async_stream::stream! {
        while let Some(response) = responses.next().await {
            let answer = Answer::new(response);
            if answer.is_refusal() {
                yield Said::Refused(answer);
                return;
            }
            yield Said::Next(answer);
        }
        yield Said::Complete;
    }
}
