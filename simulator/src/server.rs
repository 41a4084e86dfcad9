//! The listeners: plain HTTP for people, TLS for Microsoft's own clients, the same routes on both.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts};
use axum::http::request::Parts;
use axum::routing::any;
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::world::World;
use crate::{control, entra, graph};

/// Bytes of a request body that are read.
pub const MAX_BODY: usize = 4 * 1024 * 1024;

/// Whether a listener speaks TLS: links in answers repeat it.
#[derive(Clone, Copy)]
pub enum Scheme {
    Http,
    Https,
}

/// Scheme and host that a request came in on, such as `http://127.0.0.1:8090`.
#[derive(Clone, Debug)]
pub struct Origin(pub String);

impl Origin {
    pub fn of(parts: &Parts) -> Self {
        let scheme = match parts.extensions.get::<Scheme>() {
            Some(Scheme::Https) => "https",
            _ => "http",
        };
        let host = parts.headers.get("host").and_then(|host| host.to_str().ok());
        Self(format!("{scheme}://{}", host.unwrap_or("localhost")))
    }
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

pub fn router(world: Arc<World>, scheme: Scheme) -> Router {
    Router::new()
        .route("/v1.0/{*path}", any(graph::serve))
        .merge(entra::routes())
        .merge(control::router())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(axum::Extension(scheme))
        .with_state(world)
}

/// Serves until the world stops.
pub fn serve<L>(listener: L, world: Arc<World>, scheme: Scheme)
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    let mut stopping = world.stopping.subscribe();
    let router = router(world, scheme);
    tokio::spawn(async move {
        let stopped = async move {
            // An error says that the world is gone, and that is a stop as well.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
            tracing::error!(%error, "a listener failed");
        }
    });
}

/// Connections whose handshake is done. A slow handshake holds up nobody else.
pub struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    pub fn new(listener: TcpListener, acceptor: TlsAcceptor) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let (done, ready) = mpsc::channel(64);
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = done.closed() => return,
                };
                let Ok((stream, peer)) = accepted else {
                    continue;
                };
                let (acceptor, done) = (acceptor.clone(), done.clone());
                tokio::spawn(async move {
                    match acceptor.accept(stream).await {
                        // The receiver is gone only when the simulator stops.
                        Ok(stream) => drop(done.send((stream, peer)).await),
                        Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
                    }
                });
            }
        });
        Ok(Self { ready, address })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The accepting task lives as long as this listener; were it gone, nobody would come any more.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}
