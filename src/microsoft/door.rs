//! The one way out: an HTTP client that talks to Entra's and Graph's origins and to nobody else.
//!
//! The danger: a redirect, a look-alike host or a proxy of the wrong kind would carry a token away. The client follows no
//! redirect, and every request is compared with the configured origin right before it is sent, whatever built its URL.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use reqwest::{Client, Request, StatusCode, redirect, retry};
use url::Url;
use uuid::Uuid;

use super::{BadSettings, Patience};
use crate::config::is_loopback;
use crate::telemetry::metrics;

/// How we introduce ourselves.
const USER_AGENT: &str = concat!("Tenantry/", env!("CARGO_PKG_VERSION"));

/// The most bytes of one answer that we read, after decompression. A page of 999 people is about 0.8 MB.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The one place on this floor that reads the clock: for signed assertions and for waits that Microsoft names as dates.
#[expect(
    clippy::disallowed_methods,
    reason = "Microsoft's clock is the wall clock; what judges tokens takes the time as an argument"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

pub(crate) struct Door {
    client: Client,
    login: Url,
    graph: Url,
    patience: Patience,
}

/// A whole answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the connection failed or the answer was cut")]
    Cut,
    #[error("the answer is larger than we read")]
    TooLarge,
    #[error("the address is not Microsoft's")]
    Elsewhere,
}

impl Door {
    #[expect(clippy::disallowed_methods, reason = "this is the client that the ban points to")]
    pub(crate) fn new(login: Url, graph: Url, patience: Patience) -> Result<Self, BadSettings> {
        let login = bare_origin(login).ok_or(BadSettings::Origin("Entra's address"))?;
        let graph = bare_origin(graph).ok_or(BadSettings::Origin("Graph's address"))?;
        let mut client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .gzip(true)
            .connect_timeout(patience.connect)
            .read_timeout(patience.silence)
            .timeout(patience.whole)
            .pool_idle_timeout(Duration::from_secs(60));
        if is_loopback(&login) && is_loopback(&graph) {
            // A proxy that the environment names is for the world, not for a simulator on this machine.
            client = client.no_proxy();
        }
        Ok(Self {
            client: client.build().map_err(BadSettings::Client)?,
            login,
            graph,
            patience,
        })
    }

    pub(crate) fn login(&self) -> &Url {
        &self.login
    }

    pub(crate) fn graph(&self) -> &Url {
        &self.graph
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// What an app-only token is asked for: everything that was consented to, in this cloud's Graph.
    pub(crate) fn graph_scope(&self) -> String {
        format!("{}.default", self.graph)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// One try at Entra.
    pub(crate) async fn ask_entra(&self, request: Request) -> Result<Reply, Broken> {
        counted("entra", self.ask(&self.login, request).await)
    }

    /// One try at Graph.
    pub(crate) async fn ask_graph(&self, request: Request) -> Result<Reply, Broken> {
        counted("graph", self.ask(&self.graph, request).await)
    }

    async fn ask(&self, origin: &Url, mut request: Request) -> Result<Reply, Broken> {
        if request.url().origin() != origin.origin() {
            return Err(Broken::Elsewhere);
        }
        let client_request_id = Uuid::new_v4().to_string();
        request.headers_mut().insert(
            "client-request-id",
            client_request_id.parse().expect("a GUID is a header value"),
        );
        let method = request.method().clone();
        let host = origin.host_str().unwrap_or_default();

        let mut response = self.client.execute(request).await.map_err(|error| {
            tracing::debug!(%method, host, client_request_id, timeout = error.is_timeout(), "no answer from Microsoft");
            Broken::Cut
        })?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let request_id = header(&headers, "request-id").or_else(|| header(&headers, "x-ms-request-id"));
        tracing::debug!(%method, host, status = status.as_u16(), client_request_id, request_id, "Microsoft answered");

        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|_| Broken::Cut)? {
            if body.len() + piece.len() > MOST_BYTES {
                return Err(Broken::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        Ok(Reply { status, headers, body })
    }
}

fn counted(service: &'static str, reply: Result<Reply, Broken>) -> Result<Reply, Broken> {
    let status = reply.as_ref().ok().map(|reply| reply.status.as_u16());
    metrics::microsoft_answered(service, status);
    reply
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn bare_origin(url: Url) -> Option<Url> {
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    let safe = match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url),
        _ => false,
    };
    (bare && safe).then_some(url)
}
