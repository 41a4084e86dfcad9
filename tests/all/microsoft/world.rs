//! A simulated Microsoft 365 with one tenant that has consented, and the product's way to it.

use m365_simulator::{ApplicationSpec, Options, Simulator, TenantSpec, TenantSummary};
use serde_json::Value;
use tenantry::microsoft::{Credential, DeltaLink, Graph, Microsoft, Pages, Patience, Secret, Settings, Trouble};
use url::Url;
use uuid::Uuid;

use super::little_patience;

pub const CLIENT: &str = "5e1c6f0a-70e3-4a6b-9d41-6a2e4a0c9b11";
pub const REDIRECT_URI: &str = "https://tenantry.example/auth/callback";
pub const PERMISSIONS: [&str; 5] = [
    "User.Read.All",
    "GroupMember.Read.All",
    "DeviceManagementManagedDevices.Read.All",
    "RoleManagement.Read.Directory",
    "Organization.Read.All",
];

/// A simulator with one tenant that has consented, and the product's way to it.
pub struct World {
    pub simulator: Simulator,
    pub tenant: TenantSummary,
    pub graph: Graph,
    pub http: reqwest::Client,
}

impl World {
    pub async fn start(people: u32) -> Self {
        Self::with(TenantSpec {
            people,
            seed: 7,
            ..TenantSpec::named("Contoso", "contoso.example")
        })
        .await
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the tests' own client, for the simulator's pages and control interface"
    )]
    pub async fn with(spec: TenantSpec) -> Self {
        let simulator = Simulator::start(Options::default()).await.unwrap();
        let tenant = simulator.add_tenant(spec).unwrap();
        simulator.add_application(application(tenant.id));
        simulator.grant_consent(tenant.id, CLIENT).unwrap();
        let graph = way_to(&simulator, secret("right")).graph(tenant.id);
        let browser = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Self {
            simulator,
            tenant,
            graph,
            http: browser.build().unwrap(),
        }
    }

    pub async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let url = self
            .simulator
            .url()
            .join(&format!("_control/tenants/{}/{path}", self.tenant.id))
            .unwrap();
        let reply = self
            .http
            .request(method.parse().unwrap(), url)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert!(
            reply.status().is_success(),
            "{method} {path}: {}",
            reply.text().await.unwrap()
        );
        serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap_or(Value::Null)
    }

    /// Everything of a kind, as the simulator knows it.
    pub async fn truth(&self, kind: &str) -> Vec<Value> {
        self.control("GET", kind, Value::Null).await["value"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// Posts a form of Entra's pages and returns where the browser is sent.
    pub async fn choose(&self, page: &Url, field: &str, choice: &str) -> Url {
        let reply = self
            .http
            .post(page.clone())
            .form(&[(field, choice)])
            .send()
            .await
            .unwrap();
        let location = reply
            .headers()
            .get("location")
            .unwrap_or_else(|| panic!("{page} sent nobody anywhere"));
        Url::parse(location.to_str().unwrap()).unwrap()
    }

    pub async fn fault(&self, fault: Value) {
        self.control("POST", "faults", fault).await;
    }
}

pub fn application(home_tenant: Uuid) -> ApplicationSpec {
    ApplicationSpec {
        client_secret: Some("right".into()),
        redirect_uris: vec![REDIRECT_URI.into()],
        app_roles: vec!["ADMIN".into()],
        permissions: PERMISSIONS.map(str::to_owned).to_vec(),
        ..ApplicationSpec::new(CLIENT, home_tenant)
    }
}

pub fn secret(text: &str) -> Credential {
    Credential::Secret(Secret::new(text))
}

pub fn way_to(simulator: &Simulator, credential: Credential) -> Microsoft {
    Microsoft::new(Settings {
        login_url: simulator.url().clone(),
        graph_url: simulator.url().clone(),
        client_id: CLIENT.into(),
        credential,
        patience: Patience {
            tries: 3,
            ..little_patience()
        },
    })
    .unwrap_or_else(|error| panic!("{error}"))
}

/// Everything in a chain, and the delta link at its end.
pub async fn all<T: serde::de::DeserializeOwned + Send + 'static>(
    mut pages: Pages<T>,
) -> Result<(Vec<T>, Option<DeltaLink>), Trouble> {
    let (mut items, mut link) = (Vec::new(), None);
    while let Some(page) = pages.next().await? {
        items.extend(page.items);
        link = page.delta_link;
    }
    Ok((items, link))
}

pub fn id(object: &Value) -> Uuid {
    object["id"].as_str().unwrap().parse().unwrap()
}

pub fn text(object: &Value, name: &str) -> Option<String> {
    object[name].as_str().map(str::to_owned)
}
