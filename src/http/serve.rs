//! The doors open: connections are taken, served, and let go when the server stops.
//!
//! The danger: waiting for strangers. `axum::serve` waits without an end for a header that does not come, and when it
//! stops, for every connection that somebody holds open; hence this loop.

use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::router;
use super::state::{State, Timing};

/// Serves until the state's `stop` is cancelled, and for [`Timing::linger`] after it; then requests under way may end, for as
/// long as [`Timing::drain`] says, and every other connection is closed.
///
/// [`Timing::linger`]: super::Timing::linger
/// [`Timing::drain`]: super::Timing::drain
pub async fn serve(listener: TcpListener, state: State) {
    attend(listener, router(state.clone()), state.timing, state.stop.clone()).await;
}

/// As [`serve`], for any routes.
pub(super) async fn attend(mut listener: TcpListener, router: Router, timing: Timing, stop: CancellationToken) {
    let service = TowerToHyperService::new(router);
    let mut connections = JoinSet::new();
    let closing = CancellationToken::new();
    let mut lingered = pin!(async {
        stop.cancelled().await;
        sleep(timing.linger).await;
    });
    loop {
        tokio::select! {
            (stream, peer) = Listener::accept(&mut listener) => {
                connections.spawn(converse(stream, peer, service.clone(), timing, closing.clone()));
            }
            Some(_) = connections.join_next() => {}
            () = &mut lingered => break,
        }
    }
    drop(listener);
    closing.cancel();
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(timing.drain, ended).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "cut what was still open when the server stopped"
        );
    }
}

async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    service: TowerToHyperService<Router>,
    timing: Timing,
    closing: CancellationToken,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timing.header)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
