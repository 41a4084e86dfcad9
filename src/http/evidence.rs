//! Evidence to take away: `/evidence/{companyId}/bundle` and `/evidence/{companyId}/oscal`.
//!
//! The danger: what leaves here is everything that is known of a company, in one file. So whoever may not see it is told
//! what they are told where there is no such company; who took what is recorded before it leaves; and each takes a desk
//! for as long as it is made.

use std::io::Read;

use anyhow::Context;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State as Extract};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::caller::Address;
use super::guard;
use super::refusal::Refusal;
use super::state::State;
use crate::auth::{Action, Resource, Viewer, allow};
use crate::evidence::desks::Desk;
use crate::evidence::export::{self, Format, Made, Wanted};
use crate::graphql::error::RequestId;
use crate::graphql::id::IdOf;
use crate::model::audit::{self, AuditAction, Deed};
use crate::model::{Company, company};

/// How much of a file is sent in one piece.
const PIECE: usize = 256 * 1024;

#[derive(Deserialize)]
pub(super) struct Period {
    from: String,
    to: String,
}

/// Makes it in the route's format, and sends it.
pub(super) async fn take_away(
    Extract(state): Extract<State>,
    Extension(address): Extension<Address>,
    Extension(id): Extension<RequestId>,
    Extension(format): Extension<Format>,
    Path(company): Path<String>,
    period: Result<Query<Period>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let admitted = guard::admit(&state, address, &Method::GET, &headers).await?;
        let viewer = admitted.viewer;
        let company = visible(&state, &viewer, &company).await?;
        let wanted = wanted(company, period)?;
        let desk = state.desks.take(wanted.company.id).ok_or(Refusal::TOO_MANY_EXPORTS)?;
        let names = Names::of(&wanted, format);
        // Whoever goes away meanwhile leaves their desk only when the work on it has ended.
        let work = tokio::spawn(make(state.clone(), viewer, id, wanted, format, desk));
        let made = work.await.context("making evidence panicked")??;
        Ok(send(made, &names)?)
    };
    answer.await.unwrap_or_else(|refusal: Refusal| refusal.in_media(None))
}

/// The company, if the viewer may see its evidence: hidden and missing are the same.
async fn visible(state: &State, viewer: &Viewer, named: &str) -> Result<Company, Refusal> {
    let id = IdOf::Company.read(&named.into());
    let id = id.filter(|id| allow(viewer, Action::ViewEvidence, Resource::Company(*id)));
    let id = id.ok_or(Refusal::NO_COMPANY)?;
    let scope = viewer.scope();
    let found = state
        .pool
        .read(&scope, async |conn| {
            Ok::<_, anyhow::Error>(company::find(conn, &scope, id).await?)
        })
        .await?;
    found.ok_or(Refusal::NO_COMPANY)
}

fn wanted(company: Company, period: Result<Query<Period>, QueryRejection>) -> Result<Wanted, Refusal> {
    let moments = |Query(period): Query<Period>| -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        Some((export::moment(&period.from)?, export::moment(&period.to)?))
    };
    let (from, to) = period.ok().and_then(moments).ok_or(Refusal::bad(
        "Say from when and to before when: ?from=2026-01-01&to=2026-02-01, or with times as in 2026-01-01T12:00:00Z.",
    ))?;
    Wanted::new(company, from, to).map_err(Refusal::from)
}

/// Makes it, and records it before anybody has it.
async fn make(
    state: State,
    viewer: Viewer,
    id: RequestId,
    wanted: Wanted,
    format: Format,
    _desk: Desk,
) -> anyhow::Result<Made> {
    let deed = Deed {
        actor: viewer.actor(),
        action: AuditAction::ExportEvidence,
        company_id: Some(wanted.company.id),
        subject: Some(wanted.to_string()),
        refused_because: None,
        details: None,
        request_id: Some(id.0),
    };
    let made = export::export(&state.pool, &viewer.scope(), wanted, state.now(), format).await?;
    let mut conn = state.pool.get().await?;
    audit::record(&mut conn, state.now(), &deed).await?;
    Ok(made)
}

/// What a browser calls the file, and what it is.
struct Names {
    file: String,
    kind: &'static str,
}

impl Names {
    fn of(wanted: &Wanted, format: Format) -> Self {
        let (from, to) = (wanted.from.date_naive(), wanted.to.date_naive());
        let (kind, ending) = match format {
            Format::Bundle => ("application/zip", "zip"),
            Format::Oscal => ("application/json", "oscal.json"),
        };
        Self {
            file: format!("evidence-{}-{from}-{to}.{ending}", wanted.company.id),
            kind,
        }
    }
}

fn send(made: Made, names: &Names) -> anyhow::Result<Response> {
    let disposition = format!("attachment; filename=\"{}\"", names.file);
    let size = made.size()?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(names.kind)),
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(disposition)?),
        (header::CONTENT_LENGTH, size.into()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::OK, headers, Body::from_stream(pieces(made))).into_response())
}

/// The file, read on threads that may wait for the disk.
fn pieces(made: Made) -> impl futures::Stream<Item = std::io::Result<Bytes>> + Send {
    let reader: Box<dyn Read + Send> = Box::new(made.reader());
    futures::stream::try_unfold(reader, async |mut reader| {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            let read = reader.read(&mut piece)?;
            piece.truncate(read);
            Ok::<_, std::io::Error>((piece, reader))
        });
        let (piece, reader) = read.await.map_err(std::io::Error::other)??;
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), reader)))
    })
}
