//! The doors of a house of one test's own, on a port of their own: a database, a simulated Microsoft, and browsers.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use m365_simulator::{Options, Simulator};
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tenantry::auth::Action;
use tenantry::auth::return_to::Allowed;
use tenantry::auth::sign_in::SignIn;
use tenantry::db::Pool;
use tenantry::db::events::Events;
use tenantry::graphql::{PublicUrl, TenantrySchema};
use tenantry::http::{Build, Executor, Parts, Rates, State, Switches, Timing, serve};
use tenantry::jobs::Doorbell;
use tenantry::microsoft::{Credential, Microsoft, Secret, Settings};
use tenantry::model::connect_ticket::{self, Invitation};
use tenantry::model::service_token::{self, NewToken};
use tenantry::model::session::StaffRole;
use tenantry::model::{Company, company, secret};
use tenantry::sync::Engine;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::postgres::{self, TestDatabase};
use super::toys::toys;
use super::world::{CLIENT_ID, CLIENT_SECRET, PERMISSIONS, impatient};

/// The origin of a PSA that may use the API.
pub const PSA: &str = "https://psa.example";

/// What a scraper shows.
pub const SCRAPE_TOKEN: &str = "a token that nobody guesses: 7f3a91";

/// A house with its doors open.
pub struct House {
    pub url: Url,
    pub pool: Pool,
    pub simulator: Simulator,
    pub staff_tenant: Uuid,
    /// A service token.
    pub token: String,
    pub ready: watch::Sender<bool>,
    pub stop: CancellationToken,
    pub http: reqwest::Client,
    /// Ends when nobody is served any more.
    pub served: Option<JoinHandle<()>>,
    _stop: tokio_util::sync::DropGuard,
    _database: TestDatabase,
}

/// How a test wants its house.
pub struct Plan {
    /// In place of the real schema.
    pub executor: Option<Executor>,
    pub timing: Timing,
    pub rates: Rates,
    pub switches: Switches,
    /// The company page; none, unless told.
    pub build: Build,
    pub proxy_hops: usize,
    pub emit_wids: bool,
    pub staff_groups: Vec<(StaffRole, Uuid)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            executor: None,
            timing: Timing::default(),
            rates: Rates::default(),
            switches: Switches::default(),
            build: Build::new(|_| None),
            proxy_hops: 0,
            emit_wids: true,
            staff_groups: Vec::new(),
        }
    }
}

pub fn now() -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "the doors of most tests live in the present")]
    Utc::now()
}

impl House {
    pub async fn open() -> Self {
        Self::built(Plan::default()).await
    }

    /// With a small schema whose subscriptions do as they are told.
    pub async fn toys() -> Self {
        Self::built(Plan {
            executor: Some(Executor::new(toys())),
            ..Plan::default()
        })
        .await
    }

    pub async fn built(plan: Plan) -> Self {
        let database = postgres::database().await;
        let pool = Pool::new(&database.url, 8).expect("a pool");
        let options = Options {
            listen: ([127, 0, 0, 1], 0).into(),
            tls_listen: None,
            tls_dir: None,
        };
        let simulator = Simulator::start(options).await.expect("the simulator starts");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = Url::parse(&format!("http://{}", listener.local_addr().expect("an address"))).expect("a URL");
        let stop = CancellationToken::new();
        let microsoft = microsoft(&simulator);
        let doorbell = Doorbell::open(&pool).await.expect("a doorbell");
        let allowed = Allowed::new(url.clone(), vec![PSA.parse().expect("a URL")]);
        let executor = match plan.executor {
            Some(executor) => executor,
            None => Executor::new(schema(&pool, &doorbell, &url, &allowed, &stop).await),
        };
        let (ready, is_ready) = watch::channel(true);
        let http = browsing();
        let mut house = Self {
            url: url.clone(),
            pool: pool.clone(),
            simulator,
            staff_tenant: Uuid::nil(),
            token: String::new(),
            ready,
            stop: stop.clone(),
            http,
            served: None,
            _stop: stop.clone().drop_guard(),
            _database: database,
        };
        house.staff_tenant = house.add_tenant(3).await;
        house.register(plan.emit_wids).await;
        house.give_staff_roles();
        house.token = house.service_token(30).await;
        let state = State::new(Parts {
            executor,
            pool,
            sign_in: SignIn::new(microsoft.clone(), now),
            microsoft,
            doorbell,
            allowed,
            staff_tenant: house.staff_tenant,
            staff_groups: plan.staff_groups,
            clock: now,
            timing: plan.timing,
            rates: plan.rates,
            switches: plan.switches,
            build: plan.build,
            proxy_hops: plan.proxy_hops,
            scrape_token: Some(secret::hash(SCRAPE_TOKEN)),
            ready: is_ready,
            stop: stop.clone(),
        });
        house.served = Some(tokio::spawn(serve(listener, state)));
        house
    }

    /// A tenant with so many people; the first administrators are told by [`Self::administrator`].
    pub async fn add_tenant(&self, people: u32) -> Uuid {
        let domain = format!("{}.example", &Uuid::new_v4().simple().to_string()[..12]);
        let made = self
            .control(
                "POST",
                "tenants",
                json!({"seed": 7, "people": people, "displayName": "Contoso", "domain": domain}),
            )
            .await;
        made["id"].as_str().and_then(|id| id.parse().ok()).expect("a tenant id")
    }

    /// Everybody of the staff's tenant is an administrator here, until a test says otherwise.
    fn give_staff_roles(&self) {
        for tenant in self.simulator.tenants() {
            for account in tenant.accounts.iter().filter(|_| tenant.id == self.staff_tenant) {
                self.give_app_roles(tenant.id, account.oid, &["Tenantry.Admin"]);
            }
        }
    }

    pub fn give_app_roles(&self, tenant: Uuid, person: Uuid, roles: &[&str]) {
        self.simulator
            .assign_app_roles(tenant, person, roles)
            .expect("the simulator knows the person");
    }

    async fn register(&self, emit_wids: bool) {
        let application = json!({
            "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "permissions": PERMISSIONS,
            "homeTenant": self.staff_tenant, "emitWids": emit_wids,
            "redirectUris": [self.at("/auth/callback"), self.at("/connect/callback"), self.at("/")],
        });
        self.control("POST", "applications", application).await;
    }

    /// Asks the simulator's control interface.
    pub async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let url = self
            .simulator
            .url()
            .join("/_control/")
            .expect("a base")
            .join(path)
            .expect("a path");
        let mut request = self.http.request(method.parse().expect("a method"), url);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.expect("the simulator answers");
        assert!(response.status().is_success(), "{path}: {}", response.status());
        serde_json::from_str(&response.text().await.expect("a body")).unwrap_or(Value::Null)
    }

    pub fn at(&self, path: &str) -> Url {
        self.url.join(path).expect("a path")
    }

    /// Somebody of the tenant: an administrator or not.
    pub fn somebody(&self, tenant: Uuid, administrator: bool) -> Uuid {
        let tenants = self.simulator.tenants();
        let tenant = tenants
            .iter()
            .find(|known| known.id == tenant)
            .expect("the tenant is there");
        let account = tenant
            .accounts
            .iter()
            .find(|account| account.administrator == administrator);
        account.expect("there is such an account").oid
    }

    pub fn domain(&self, tenant: Uuid) -> String {
        self.simulator
            .tenants()
            .into_iter()
            .find(|known| known.id == tenant)
            .expect("the tenant is there")
            .domain
    }

    pub async fn company(&self, name: &str) -> Company {
        let mut conn = self.pool.get().await.expect("a connection");
        company::insert(&mut conn, now(), name, None).await.expect("a company")
    }

    /// A link that connects the company.
    pub async fn ticket(&self, company: &Company, return_to: &str, expected_domain: Option<&str>) -> Url {
        let mut conn = self.pool.get().await.expect("a connection");
        let invitation = Invitation {
            company_id: company.id,
            requested_by: "Megan Bowen",
            service_token_id: None,
            return_to,
            expected_domain,
        };
        let ticket = connect_ticket::issue(&mut conn, now(), &invitation)
            .await
            .expect("a ticket");
        self.at(&format!("/connect/start?ticket={ticket}"))
    }

    pub async fn service_token(&self, days: i32) -> String {
        let mut conn = self.pool.get().await.expect("a connection");
        let new = NewToken {
            name: "The tests",
            by: "A test",
            days,
            company_ids: None,
            actions: Action::of_tokens(),
        };
        service_token::issue(&mut conn, now(), &new).await.expect("a token").1
    }

    pub async fn sql(&self, statement: &str) -> u64 {
        let client = self.pool.raw().await.expect("a connection");
        client.execute(statement, &[]).await.expect("the statement runs")
    }

    pub async fn rows(&self, query: &str) -> Vec<Value> {
        let client = self.pool.raw().await.expect("a connection");
        let rows = client
            .query(&format!("select to_jsonb(q) from ({query}) q"), &[])
            .await
            .expect("the query runs");
        rows.into_iter().map(|row| row.get(0)).collect()
    }

    /// A POST to `/graphql` with the service token.
    pub fn post(&self, document: &str) -> RequestBuilder {
        self.http
            .post(self.at("/graphql"))
            .bearer_auth(&self.token)
            .json(&json!({"query": document}))
    }

    /// What a worker of this house performs runs with.
    pub async fn engine(&self) -> Engine {
        let events = Events::start(&self.pool, self.stop.clone())
            .await
            .expect("events start");
        Engine::new(self.pool.clone(), microsoft(&self.simulator), events)
    }

    pub fn browser(&self) -> Browser {
        Browser::of(self.url.clone())
    }

    /// A browser in which a member of staff has signed in.
    pub async fn staff(&self) -> Browser {
        let mut browser = self.browser();
        let response = browser
            .sign_in(self.at("/auth/sign-in"), self.somebody(self.staff_tenant, false))
            .await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "signed in");
        browser
    }
}

pub fn microsoft(simulator: &Simulator) -> Microsoft {
    Microsoft::new(Settings {
        login_url: simulator.url().clone(),
        graph_url: simulator.url().clone(),
        client_id: CLIENT_ID.into(),
        credential: Credential::Secret(Secret::new(CLIENT_SECRET)),
        patience: impatient(),
    })
    .expect("the settings are good")
}

async fn schema(
    pool: &Pool,
    doorbell: &Doorbell,
    url: &Url,
    allowed: &Allowed,
    stop: &CancellationToken,
) -> TenantrySchema {
    let events = Events::start(pool, stop.clone()).await.expect("events start");
    tenantry::graphql::schema(
        pool.clone(),
        events,
        doorbell.clone(),
        PublicUrl(url.clone()),
        allowed.clone(),
    )
}

/// A client that follows no redirect by itself.
fn browsing() -> reqwest::Client {
    #[expect(
        clippy::disallowed_methods,
        reason = "the tests' own client, which plays browsers and programs"
    )]
    let builder = reqwest::Client::builder();
    builder
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client")
}

/// A browser: it keeps cookies for our origin, and follows a redirect when it is told to.
pub struct Browser {
    http: reqwest::Client,
    ours: Url,
    pub cookies: HashMap<String, String>,
}

impl Browser {
    /// A browser that keeps the cookies of `ours` alone.
    pub fn of(ours: Url) -> Self {
        Self {
            http: browsing(),
            ours,
            cookies: HashMap::new(),
        }
    }

    /// A navigation.
    pub async fn get(&mut self, url: Url) -> Response {
        let request = self.http.get(url.clone());
        self.send(url, request).await
    }

    /// A form of one of our own pages.
    pub async fn post(&mut self, url: Url, fields: &[(&str, &str)]) -> Response {
        let request = self.http.post(url.clone()).header(ORIGIN, self.origin()).form(fields);
        self.send(url, request).await
    }

    pub fn origin(&self) -> String {
        self.ours.origin().ascii_serialization()
    }

    /// The `Cookie` header for our origin.
    pub fn cookie(&self) -> String {
        self.cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("; ")
    }

    async fn send(&mut self, url: Url, request: RequestBuilder) -> Response {
        let ours = url.origin() == self.ours.origin();
        let request = if ours && !self.cookies.is_empty() {
            request.header(COOKIE, self.cookie())
        } else {
            request
        };
        let response = request.send().await.expect("an answer");
        if ours {
            for cookie in response.headers().get_all(SET_COOKIE) {
                let (pair, attributes) = cookie.to_str().expect("ASCII").split_once("; ").expect("attributes");
                let (name, value) = pair.split_once('=').expect("a pair");
                if attributes.contains("Max-Age=0") {
                    self.cookies.remove(name);
                } else {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        response
    }

    /// From one of our links to Entra's account picker, where `account` is picked; the answer of our callback.
    pub async fn sign_in(&mut self, link: Url, account: Uuid) -> Response {
        let back = self.pick(link, account).await;
        self.get(back).await
    }

    /// As [`Self::sign_in`], but stops with the callback's address in hand.
    pub async fn pick(&mut self, link: Url, account: Uuid) -> Url {
        let authorize = location(&self.get(link).await);
        self.choose(authorize, &[("account", &account.to_string())]).await
    }

    /// Answers a page of Entra's: its form goes to where the page is, with the query as its fields.
    pub async fn choose(&mut self, page: Url, fields: &[(&str, &str)]) -> Url {
        let query: Vec<(String, String)> = page.query_pairs().into_owned().collect();
        let mut form: Vec<(&str, &str)> = query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        form.extend_from_slice(fields);
        let mut target = page.clone();
        target.set_query(None);
        let response = self.http.post(target).form(&form).send().await.expect("Entra answers");
        assert!(
            response.status().is_redirection(),
            "Entra says {}: {}",
            response.status(),
            response.text().await.unwrap_or_default()
        );
        location(&response)
    }
}

/// Where a redirect leads.
pub fn location(response: &Response) -> Url {
    let to = response
        .headers()
        .get(LOCATION)
        .unwrap_or_else(|| panic!("{} has no location", response.status()));
    response.url().join(to.to_str().expect("ASCII")).expect("a URL")
}
