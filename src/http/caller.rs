//! Who is at the door, before anybody is known: the address that a request comes from, and the name that it gets.
//!
//! The danger: both can be claimed. A request's id is always made here, and of the addresses that a request says it has
//! passed, only those are read that proxies of our own have written.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State as Extract};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, field};

use super::state::State;
use crate::graphql::error::RequestId;
use crate::telemetry::{TraceParent, metrics};

/// The header that names the request in its answer.
pub(super) const ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The header that tells whoever keeps traces where this answer is in ours.
///
/// Source: <https://w3c.github.io/trace-context/#traceresponse-header>
pub(super) const TRACE_HEADER: HeaderName = HeaderName::from_static("traceresponse");

/// Where a request comes from, as far as addresses are counted: of IPv6, which gives one customer a network of them, the
/// network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address(IpAddr);

impl Address {
    fn new(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            address @ IpAddr::V4(_) => address,
        })
    }

    /// Behind so many proxies, each of which appends where it was called from.
    ///
    /// Source: <https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For>
    fn of(peer: IpAddr, hops: usize, headers: &HeaderMap) -> Self {
        let passed: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .flat_map(|line| line.to_str().unwrap_or_default().split(','))
            .collect();
        // Fewer than there are proxies: it has not come through all of them. What there is, one of them has written.
        let written = &passed[passed.len().saturating_sub(hops)..];
        Self::new(written.first().and_then(|text| read(text)).unwrap_or(peer))
    }
}

/// An address, also as some proxies write it: with a port.
fn read(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
}

/// Names the request, in its answer and in the log, and notes its address.
pub(super) async fn receive(Extract(state): Extract<State>, mut request: Request, next: Next) -> Response {
    let span = tracing::error_span!("request", request_id = field::Empty, trace_id = field::Empty);
    // The trace and the request have one name.
    let trace = TraceParent::of(&span).unwrap_or_else(|| TraceParent::named(RequestId::fresh().0));
    let id = RequestId(trace.name());
    span.record("request_id", field::display(id.0));
    span.record("trace_id", trace.trace_id());
    let ConnectInfo(peer) = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .expect("the server notes the peer in every request");
    let address = Address::of(peer.ip(), state.proxy_hops, request.headers());
    let name = HeaderValue::try_from(id.0.to_string()).expect("a UUID is visible ASCII");
    request.extensions_mut().insert(address);
    request.extensions_mut().insert(id);
    let mut response = trace.within(next.run(request)).instrument(span).await;
    metrics::http_answered(response.status().as_u16());
    response.headers_mut().insert(ID_HEADER, name);
    let place = HeaderValue::try_from(trace.to_string()).expect("a traceparent is visible ASCII");
    response.headers_mut().insert(TRACE_HEADER, place);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(hops: usize, lines: &[&str]) -> String {
        let headers = lines
            .iter()
            .map(|line| (HeaderName::from_static("x-forwarded-for"), line.parse().unwrap()))
            .collect();
        Address::of([10, 0, 0, 1].into(), hops, &headers).0.to_string()
    }

    #[test]
    fn without_proxies_of_ours_nobody_says_where_they_come_from() {
        assert_eq!(address(0, &["192.0.2.1"]), "10.0.0.1");
    }

    #[test]
    fn only_what_our_proxies_wrote_is_read() {
        assert_eq!(address(1, &["192.0.2.66, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(address(1, &["192.0.2.66", "192.0.2.1"]), "192.0.2.1");
        assert_eq!(address(2, &["192.0.2.66, 192.0.2.1, 192.0.2.2"]), "192.0.2.1");
        assert_eq!(address(2, &["192.0.2.2"]), "192.0.2.2", "past the first proxy");
        assert_eq!(address(1, &[]), "10.0.0.1");
        assert_eq!(address(1, &["192.0.2.66, unknown"]), "10.0.0.1");
    }

    #[test]
    fn an_address_may_have_a_port() {
        assert_eq!(address(1, &["192.0.2.1:4711"]), "192.0.2.1");
        assert_eq!(address(1, &["[2001:db8::1]:4711"]), "2001:db8::");
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        assert_eq!(address(1, &["2001:db8:0:1:2:3:4:5"]), "2001:db8:0:1::");
        assert_eq!(address(1, &["::ffff:192.0.2.1"]), "192.0.2.1");
    }
}
