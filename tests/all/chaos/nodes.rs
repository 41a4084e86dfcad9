//! The five processes, and the one who starts them again: what a service manager does.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::node::{Node, Role};

/// A process that is asked to end has this long: ten seconds for its runs, and as much again for a slow machine.
const FAREWELL: Duration = Duration::from_secs(60);

/// One that comes up while Postgres is away gives up, and is started again.
const COMING_UP: Duration = Duration::from_secs(30);

enum State {
    Up(Node),
    /// Until then.
    Frozen(Node, Instant),
    /// Since then.
    Leaving(Node, Instant),
    /// Until then.
    Away(Instant),
}

/// A place that has a process, most of the time.
pub struct Seat {
    pub role: Role,
    state: State,
    pub starts: usize,
}

impl Seat {
    pub fn new(role: Role) -> Self {
        let node = role.start();
        Self {
            role,
            state: State::Up(node),
            starts: 1,
        }
    }

    /// kill -9.
    pub fn kill(&mut self, away: Duration) {
        if let State::Up(node) | State::Frozen(node, _) = &self.state {
            node.signal(Signal::KILL);
            self.state = State::Away(Instant::now() + away);
        }
    }

    pub fn terminate(&mut self) {
        self.change(|state| match state {
            State::Up(node) => {
                node.signal(Signal::TERM);
                State::Leaving(node, Instant::now())
            }
            other => other,
        });
    }

    pub fn freeze(&mut self, away: Duration) {
        self.change(|state| match state {
            State::Up(node) => {
                node.signal(Signal::STOP);
                State::Frozen(node, Instant::now() + away)
            }
            other => other,
        });
    }

    pub fn thaw(&mut self) {
        self.change(|state| match state {
            State::Frozen(node, _) => {
                node.signal(Signal::CONT);
                State::Up(node)
            }
            other => other,
        });
    }

    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// Does what is due: thaws, starts again; and fails where a process did what no process may.
    pub fn look(&mut self, postgres_fell: Option<Instant>) {
        let role = self.role.clone();
        let now = Instant::now();
        let mut started = 0;
        let mut start = || {
            started += 1;
            State::Up(role.start())
        };
        self.change(|state| match state {
            State::Up(mut node) => match node.ended() {
                None => State::Up(node),
                Some(how) => {
                    let is_excused = postgres_fell.is_some_and(|fell| fell + COMING_UP > node.started)
                        && node.started.elapsed() < COMING_UP;
                    assert!(
                        is_excused,
                        "{} ended by itself: {how}\n{}",
                        role.name,
                        role.last_words()
                    );
                    start()
                }
            },
            State::Frozen(node, until) if until <= now => {
                node.signal(Signal::CONT);
                State::Up(node)
            }
            State::Leaving(mut node, since) => match node.ended() {
                Some(how) => {
                    // One that had only just begun to start had not learnt to say farewell.
                    let young = node.started + COMING_UP > since;
                    assert!(
                        how.success() || young,
                        "{} left badly: {how}\n{}",
                        role.name,
                        role.last_words()
                    );
                    start()
                }
                None => {
                    let late = since.elapsed() > FAREWELL;
                    assert!(!late, "{} does not leave\n{}", role.name, role.last_words());
                    State::Leaving(node, since)
                }
            },
            State::Away(until) if until <= now => start(),
            other => other,
        });
        self.starts += started;
    }

    /// Asks it to end, and waits until it has.
    pub async fn dismiss(self) {
        let role = self.role;
        match self.state {
            State::Up(node) => {
                let how = node.stop().await;
                assert!(how.success(), "{} left badly: {how}\n{}", role.name, role.last_words());
            }
            _ => panic!("{} is not up at the end", role.name),
        }
    }

    fn change(&mut self, to: impl FnOnce(State) -> State) {
        let before = std::mem::replace(&mut self.state, State::Away(Instant::now()));
        self.state = to(before);
    }
}
