//! Graph as one tenant's data: the questions that the sync asks.
//!
//! The danger: this is the one place where a token meets a request. It is attached only to a [`TrustedLink`], and the
//! token is always that of the tenant which this `Graph` was made for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Request;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use serde_json::Value;
use tracing::Instrument as _;
use uuid::Uuid;

use super::collection::{self, Collection};
use super::graph_error::{self, Setback};
use super::link::{DeltaLink, TrustedLink};
use super::pace::Turn;
use super::pages::Pages;
use super::patience::{Passing, Patience, Tries};
use super::token::Token;
use super::{Broken, Heard, Microsoft, Trouble, wire};

/// Graph, bound to one tenant. Clones share the request counter.
#[derive(Clone)]
pub struct Graph {
    microsoft: Microsoft,
    tenant: Uuid,
    requests: Arc<AtomicU64>,
    heard: Option<Heard>,
}

/// From where changes are wanted.
#[derive(Clone)]
pub enum DeltaFrom {
    /// From now on: no items, only the link for later.
    Now,
    /// Everything there is, as changes.
    Beginning,
    /// What has changed since a link was given.
    Link(DeltaLink),
}

/// How the page or object in an answer is read; whatever it finds wrong decides whether asking again helps.
pub(crate) type ReadAnswer<T> = fn(&[u8]) -> Result<T, BadAnswer>;

/// What is wrong with a successful answer.
#[derive(Debug)]
pub(crate) enum BadAnswer {
    /// It ends too early or is no JSON: a proxy's page, a cut connection.
    Broken,
    /// It is JSON, but not what was agreed.
    Unexpected(Trouble),
}

impl Graph {
    pub(crate) fn new(microsoft: Microsoft, tenant: Uuid) -> Self {
        Self {
            microsoft,
            tenant,
            requests: Arc::default(),
            heard: None,
        }
    }

    /// The same with notes of its own, in which what is heard from now on is written down.
    pub(crate) fn listening(&self) -> (Self, Heard) {
        let heard = Heard::default();
        let graph = Self {
            heard: Some(heard.clone()),
            ..self.clone()
        };
        (graph, heard)
    }

    /// The tenant whose data this is.
    pub fn tenant(&self) -> Uuid {
        self.tenant
    }

    /// How many requests were made to Graph, retries included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The tenant as it describes itself.
    ///
    /// Source: <https://learn.microsoft.com/graph/api/organization-get>
    ///
    /// # Errors
    /// Any [`Trouble`]. That the answer is about this tenant is for the caller to check.
    pub async fn organization(&self) -> Result<wire::Organization, Trouble> {
        let mut pages = self.list::<wire::Organization>(Collection::Organization, &select(collection::ORGANIZATION));
        let page = pages.next().await?;
        page.and_then(|page| page.items.into_iter().next())
            .ok_or_else(|| Trouble::unexpected("Graph returned no organization"))
    }

    /// The application permissions that this tenant has granted, as the token lists them: for diagnostics only.
    ///
    /// # Errors
    /// Any [`Trouble`] of getting a token; [`Trouble::UnexpectedResponse`] if it cannot be read.
    pub async fn granted_permissions(&self) -> Result<Vec<String>, Trouble> {
        let token = self.microsoft.token(self.tenant).await?;
        token
            .roles()
            .ok_or_else(|| Trouble::unexpected("the access token cannot be read"))
    }

    /// Whether a fresh token shows that the tenant granted other permissions and not this one. When it cannot be told: no.
    pub async fn was_not_granted(&self, permission: &str) -> bool {
        self.microsoft.forget_token(self.tenant);
        match self.granted_permissions().await {
            Ok(granted) => !granted.is_empty() && granted.iter().all(|one| one != permission),
            Err(_) => false,
        }
    }

    /// The directory roles (`roleDefinitionId`) that a person holds directly and over the whole tenant. A role that
    /// comes through a group is not among them.
    ///
    /// Source: <https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments>
    ///
    /// # Errors
    /// Any [`Trouble`].
    pub async fn directory_roles_of(&self, person: Uuid) -> Result<Vec<Uuid>, Trouble> {
        let filter = format!("$filter=principalId eq '{person}'");
        let mut pages = self.list::<wire::RoleAssignment>(Collection::RoleAssignments, &filter);
        let mut roles = Vec::new();
        while let Some(page) = pages.next().await? {
            // A role over one administrative unit does not speak for the tenant.
            let whole_tenant = page
                .items
                .into_iter()
                .filter(|role| role.principal_id == person && &*role.directory_scope_id == "/");
            roles.extend(whole_tenant.map(|role| role.role_definition_id));
        }
        Ok(roles)
    }

    /// Everybody, in the largest pages there are.
    ///
    /// Source: <https://learn.microsoft.com/graph/api/user-list>
    pub fn users(&self) -> Pages<wire::User> {
        self.list(Collection::Users, &format!("{}&$top=999", select(collection::USER)))
    }

    /// The rest of [`users`](Self::users), from a place that was stored.
    pub fn users_from(&self, place: &DeltaLink) -> Pages<wire::User> {
        self.list_from(Collection::Users, place)
    }

    /// Changes to people.
    ///
    /// Source: <https://learn.microsoft.com/graph/api/user-delta>
    pub fn users_delta(&self, from: DeltaFrom) -> Pages<wire::UserChange> {
        self.delta(Collection::UsersDelta, collection::USER, from)
    }

    /// Changes to groups and their members. A large group comes in several pieces, to be merged by id.
    ///
    /// Source: <https://learn.microsoft.com/graph/api/group-delta>
    pub fn groups_delta(&self, from: DeltaFrom) -> Pages<wire::GroupChange> {
        self.delta(Collection::GroupsDelta, collection::GROUP, from)
    }

    /// Every device that Intune manages. There is no delta for them.
    ///
    /// Source: <https://learn.microsoft.com/graph/api/intune-devices-manageddevice-list>
    pub fn managed_devices(&self) -> Pages<wire::ManagedDevice> {
        self.list(Collection::ManagedDevices, &select(collection::MANAGED_DEVICE))
    }

    /// The rest of [`managed_devices`](Self::managed_devices), from a place that was stored.
    pub fn managed_devices_from(&self, place: &DeltaLink) -> Pages<wire::ManagedDevice> {
        self.list_from(Collection::ManagedDevices, place)
    }

    /// The products that the tenant has subscribed to.
    ///
    /// Source: <https://learn.microsoft.com/graph/api/subscribedsku-list>
    ///
    /// # Errors
    /// Any [`Trouble`].
    pub async fn subscribed_skus(&self) -> Result<Vec<wire::SubscribedSku>, Trouble> {
        let mut pages = self.list(Collection::SubscribedSkus, &select(collection::SUBSCRIBED_SKU));
        let mut skus = Vec::new();
        while let Some(page) = pages.next().await? {
            skus.extend(page.items);
        }
        Ok(skus)
    }

    /// Objects as Microsoft sends them.
    pub(crate) fn objects(&self, collection: Collection, query: &str) -> Pages<Value> {
        self.list(collection, query)
    }

    /// The only object there is of a kind, as Microsoft sends it.
    pub(crate) async fn object(&self, collection: Collection, query: &str) -> Result<Value, Trouble> {
        let link = TrustedLink::first(self.microsoft.graph_url(), collection, query);
        self.get(collection, &link, |bytes| read_json(bytes)).await
    }

    /// How many there are, as the directory counts them.
    ///
    /// Source: <https://learn.microsoft.com/graph/aad-advanced-queries>
    pub(crate) async fn count(&self, collection: Collection) -> Result<u64, Trouble> {
        let link = TrustedLink::first(self.microsoft.graph_url(), collection, "");
        self.get(collection, &link, read_count).await
    }

    /// Path and query of a question, exactly as they are sent.
    pub(crate) fn address(&self, collection: Collection, query: &str) -> String {
        let link = TrustedLink::first(self.microsoft.graph_url(), collection, query);
        link.url()[url::Position::BeforePath..].to_owned()
    }

    fn list<T>(&self, collection: Collection, query: &str) -> Pages<T> {
        let first = TrustedLink::first(self.microsoft.graph_url(), collection, query);
        Pages::new(self.clone(), collection, Ok(first))
    }

    fn list_from<T>(&self, collection: Collection, place: &DeltaLink) -> Pages<T> {
        let start = place.check(self.tenant, self.microsoft.graph_url(), collection);
        Pages::new(self.clone(), collection, start)
    }

    fn delta<T>(&self, collection: Collection, fields: &str, from: DeltaFrom) -> Pages<T> {
        let graph_url = self.microsoft.graph_url();
        let start = match from {
            DeltaFrom::Beginning => Ok(TrustedLink::first(graph_url, collection, &select(fields))),
            DeltaFrom::Now => {
                let query = format!("{}&$deltatoken=latest", select(fields));
                Ok(TrustedLink::first(graph_url, collection, &query))
            }
            DeltaFrom::Link(link) => link.check(self.tenant, graph_url, collection),
        };
        Pages::new(self.clone(), collection, start)
    }

    /// A link of an answer, if it may be followed.
    pub(crate) fn trust(&self, collection: Collection, link: &str) -> Result<TrustedLink, Trouble> {
        TrustedLink::from_answer(self.microsoft.graph_url(), collection, link)
    }

    /// A token keeps the permissions it was born with. One that lacks some is dropped, so that the next question, after the
    /// consent was given or has arrived, is not refused for an hour because of it.
    pub(crate) fn given_up(&self, trouble: Trouble) -> Trouble {
        if matches!(
            trouble,
            Trouble::PermissionMissing { .. } | Trouble::ConsentMissing | Trouble::TokenRefused
        ) {
            self.microsoft.forget_token(self.tenant);
        }
        trouble
    }

    pub(crate) fn tries(&self) -> Tries {
        Tries::new(self.patience())
    }

    /// How long Microsoft's bad moments are put up with.
    pub(crate) fn patience(&self) -> Patience {
        self.microsoft.door().patience()
    }

    pub(crate) async fn get<T>(
        &self,
        collection: Collection,
        link: &TrustedLink,
        read: ReadAnswer<T>,
    ) -> Result<T, Trouble> {
        self.ask(collection, link, None, read).await
    }

    pub(crate) async fn post<T>(
        &self,
        collection: Collection,
        body: Vec<u8>,
        read: ReadAnswer<T>,
    ) -> Result<T, Trouble> {
        let link = TrustedLink::first(self.microsoft.graph_url(), collection, "");
        self.ask(collection, &link, Some(body), read).await
    }

    /// Asks until there is an answer, a trouble that asking again does not cure, or no patience left.
    async fn ask<T>(
        &self,
        collection: Collection,
        link: &TrustedLink,
        body: Option<Vec<u8>>,
        read: ReadAnswer<T>,
    ) -> Result<T, Trouble> {
        let mut tries = self.tries();
        let mut renewed = false;
        loop {
            let token = self.microsoft.token(self.tenant).await?;
            let turn = self.turn(collection).await;
            let answer = self.ask_once(collection, link, body.clone(), &token, read).await;
            drop(turn);
            match answer {
                Ok(answer) => return Ok(answer),
                Err(Setback::Final(trouble)) => return Err(self.given_up(trouble)),
                Err(Setback::Passing(setback)) => tries.wait_after(setback).await?,
                Err(Setback::Token) if renewed => return Err(self.given_up(Trouble::TokenRefused)),
                Err(Setback::Token) => {
                    renewed = true;
                    self.microsoft.tokens().forget_this(self.tenant, &token).await;
                }
            }
        }
    }

    /// Waits until a service may be asked; while the turn lasts, nobody else asks one with a narrow limit.
    async fn turn(&self, collection: Collection) -> Option<Turn> {
        let (paces, pace) = (self.microsoft.paces(), self.patience().pace);
        paces.pay(&collection.costs(self.tenant), &pace).await;
        let service = collection.slow_service()?;
        Some(paces.turn(self.tenant, service, &pace).await)
    }

    async fn ask_once<T>(
        &self,
        collection: Collection,
        link: &TrustedLink,
        body: Option<Vec<u8>>,
        token: &Token,
        read: ReadAnswer<T>,
    ) -> Result<T, Setback> {
        let request = self.request(collection, link, body, token);
        self.requests.fetch_add(1, Ordering::Relaxed);
        let asking = tracing::debug_span!("graph", tenant = %self.tenant, collection = %collection.path());
        let reply = self
            .microsoft
            .door()
            .ask_graph(request)
            .instrument(asking)
            .await
            .map_err(|broken| match broken {
                Broken::Cut => Setback::Passing(Passing::unavailable()),
                Broken::TooLarge => Setback::Final(Trouble::TooLarge { what: "a page" }),
                Broken::Elsewhere => Setback::Final(Trouble::UntrustedLink),
            })?;
        if let Some(heard) = &self.heard {
            heard.note(&reply);
        }
        if !reply.status.is_success() {
            return Err(graph_error::read(collection, reply.status, &reply.headers, &reply.body));
        }
        read(&reply.body).map_err(|bad| match bad {
            BadAnswer::Broken => Setback::Passing(Passing::unavailable()),
            BadAnswer::Unexpected(trouble) => Setback::Final(trouble),
        })
    }

    fn request(&self, collection: Collection, link: &TrustedLink, body: Option<Vec<u8>>, token: &Token) -> Request {
        let method = if body.is_some() {
            reqwest::Method::POST
        } else {
            reqwest::Method::GET
        };
        let mut request = Request::new(method, link.url().clone());
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, token.header());
        if collection.is_count() {
            headers.insert(ACCEPT, HeaderValue::from_static("text/plain, application/json;q=0.9"));
            headers.insert("ConsistencyLevel", HeaderValue::from_static("eventual"));
        } else {
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        }
        if let Some(body) = body {
            headers.insert(
                reqwest::header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            *request.body_mut() = Some(body.into());
        }
        request
    }
}

fn select(fields: &str) -> String {
    format!("$select={fields}")
}

/// Reads the number that is all of the answer; a byte order mark may stand before it.
fn read_count(bytes: &[u8]) -> Result<u64, BadAnswer> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadAnswer::Broken)?;
    text.trim_start_matches('\u{feff}')
        .trim()
        .parse()
        .map_err(|_| BadAnswer::Unexpected(Trouble::unexpected("a count is no number")))
}

/// Reads JSON straight from the bytes. The error names the place, never what stands there: that may be a person's name.
pub(crate) fn read_json<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, BadAnswer> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => BadAnswer::Unexpected(Trouble::unexpected(format!(
            "a value is missing or of another kind at line {} column {}",
            error.line(),
            error.column()
        ))),
        _ => BadAnswer::Broken,
    })
}
