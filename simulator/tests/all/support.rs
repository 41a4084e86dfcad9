//! A simulator with one tenant and one consented application, and the few calls that tests make.

use std::io::Write as _;

use m365_simulator::{ApplicationSpec, Options, Simulator, TenantSpec, TenantSummary};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode, redirect};
use serde_json::{Value, json};
use uuid::Uuid;

pub const CLIENT: &str = "11111111-aaaa-4bbb-8ccc-222222222222";
pub const SECRET: &str = "a secret/with+signs";
pub const CALLBACK: &str = "http://localhost:3000/callback";
pub const PERMISSIONS: &[&str] = &[
    "User.Read.All",
    "GroupMember.Read.All",
    "DeviceManagementManagedDevices.Read.All",
    "DeviceManagementConfiguration.Read.All",
    "Policy.Read.All",
    "AuditLog.Read.All",
    "RoleManagement.Read.Directory",
    "Organization.Read.All",
];

pub struct World {
    pub simulator: Simulator,
    pub http: Client,
    pub tenant: TenantSummary,
    token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn items(&self) -> Vec<Value> {
        self.json()["value"].as_array().cloned().unwrap_or_default()
    }

    pub fn location(&self) -> url::Url {
        self.headers["location"].to_str().unwrap().parse().unwrap()
    }
}

pub fn spec(people: u32) -> TenantSpec {
    TenantSpec {
        seed: 5,
        people,
        ..TenantSpec::named("Contoso", "contoso.example")
    }
}

pub fn application(home: Uuid) -> ApplicationSpec {
    ApplicationSpec {
        client_secret: Some(SECRET.to_owned()),
        redirect_uris: vec![CALLBACK.to_owned()],
        permissions: PERMISSIONS.iter().map(|name| (*name).to_owned()).collect(),
        ..ApplicationSpec::new(CLIENT, home)
    }
}

impl World {
    pub async fn with_people(people: u32) -> Self {
        Self::of(spec(people), Options::default()).await
    }

    pub async fn of(spec: TenantSpec, options: Options) -> Self {
        let simulator = Simulator::start(options).await.unwrap();
        let tenant = simulator.add_tenant(spec).unwrap();
        simulator.add_application(application(Uuid::from_u128(1)));
        simulator.grant_consent(tenant.id, CLIENT).unwrap();
        let http = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        let mut world = Self {
            simulator,
            http,
            tenant,
            token: String::new(),
        };
        world.renew_token().await;
        world
    }

    pub async fn renew_token(&mut self) {
        let reply = self.ask_token(&self.tenant.id.to_string(), &[]).await;
        self.token = reply.json()["access_token"].as_str().unwrap_or_default().to_owned();
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.url())
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Reply {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    /// A token request by secret; `more` replaces or adds form fields.
    pub async fn ask_token(&self, tenant: &str, more: &[(&str, &str)]) -> Reply {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT),
            ("client_secret", SECRET),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        form.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        form.extend_from_slice(more);
        form.retain(|(_, value)| !value.is_empty());
        self.send(
            self.http
                .post(self.url(&format!("{tenant}/oauth2/v2.0/token")))
                .form(&form),
        )
        .await
    }

    /// `path` follows `/v1.0/`, or is a whole link.
    pub async fn graph(&self, path: &str) -> Reply {
        self.graph_with(path, &[]).await
    }

    pub async fn graph_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            self.url(&format!("v1.0/{path}"))
        };
        let mut request = self.http.get(url).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    pub async fn batch(&self, requests: Value) -> Reply {
        let request = self.http.post(self.url("v1.0/$batch")).bearer_auth(&self.token);
        self.send(request.json(&json!({ "requests": requests }))).await
    }

    /// Every page from a first request on: the items, and the delta link if there is one.
    pub async fn whole(&self, path: &str) -> (Vec<Value>, Option<String>) {
        let (mut items, mut next) = (Vec::new(), path.to_owned());
        loop {
            let reply = self.graph(&next).await;
            assert_eq!(reply.status, 200, "{next}: {}", reply.text);
            items.extend(reply.items());
            let page = reply.json();
            match page["@odata.nextLink"].as_str() {
                Some(link) => next = link.to_owned(),
                None => return (items, page["@odata.deltaLink"].as_str().map(str::to_owned)),
            }
        }
    }

    /// A call of the control interface for the tenant; `path` follows the tenant's id.
    pub async fn control(&self, method: Method, path: &str, body: Value) -> Reply {
        self.control_at(method, &format!("tenants/{}/{path}", self.tenant.id), body)
            .await
    }

    pub async fn control_at(&self, method: Method, path: &str, body: Value) -> Reply {
        let mut request = self.http.request(method, self.url(&format!("_control/{path}")));
        if !body.is_null() {
            request = request.json(&body);
        }
        self.send(request).await
    }

    pub async fn people(&self) -> Vec<Value> {
        self.control(Method::GET, "people", Value::Null).await.items()
    }

    pub async fn groups(&self) -> Vec<Value> {
        self.control(Method::GET, "groups", Value::Null).await.items()
    }

    pub async fn fault(&self, fault: Value) -> Value {
        let reply = self.control(Method::POST, "faults", fault).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.json()
    }

    pub async fn get(&self, path: &str) -> Reply {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            self.url(path)
        };
        self.send(self.http.get(url)).await
    }

    pub async fn post_form(&self, path: &str, form: &[(&str, &str)], cookie: Option<&str>) -> Reply {
        let mut request = self.http.post(self.url(path)).form(form);
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        self.send(request).await
    }
}

pub fn id(object: &Value) -> String {
    object["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {object}"))
        .to_owned()
}

/// Says what was not tried, past the capture of what tests print: that hides the words of those that pass.
pub fn skipped(what: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {what}").expect("it can be said");
}
