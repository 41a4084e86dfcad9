//! Everything that Tenantry says to Microsoft: Entra for tokens, Graph for what a tenant holds.
//!
//! The danger: this floor holds the one credential that opens every client's tenant, and the tokens made with it. So a
//! token is attached in one place only ([`graph`]), to links that were checked ([`link`]), on a client that follows no
//! redirect; nothing here implements `Debug` on a secret, and no error or log line carries a body, a token or a link.
//!
//! In reading order: who we are ([`credential`]), how long we wait ([`patience`]), the one way out ([`door`]), tokens
//! ([`token`]), where a link may lead ([`link`]), who must be asked slowly ([`pace`]), the questions ([`graph`],
//! [`pages`], [`batch`]), what is noted of the answers ([`heard`]), Microsoft's shapes ([`wire`]) and what can go wrong ([`trouble`], [`graph_error`], [`aadsts`]).

mod aadsts;
mod batch;
mod collection;
mod credential;
mod door;
mod graph;
mod graph_error;
mod heard;
mod link;
mod pace;
mod pages;
mod patience;
mod token;
mod trouble;
pub mod wire;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use reqwest::{Method, Request};
use url::Url;
use uuid::Uuid;

pub use credential::{Credential, Secret};
pub use graph::{DeltaFrom, Graph};
pub use link::DeltaLink;
pub use pace::{Limit, Pace};
pub use pages::{Page, Pages};
pub use patience::Patience;
pub use trouble::{Refusal, Trouble};

// For sign-in, which talks to the same Entra through the same door.
pub(crate) use aadsts::{EntraError, explain};
pub(crate) use collection::Collection;
pub(crate) use collection::{GROUP as GROUP_SELECTION, USER as PERSON_SELECTION};
pub(crate) use credential::{JWT_BEARER, Proof};
pub(crate) use door::{Broken, now};
pub(crate) use heard::Heard;
pub(crate) use patience::{Passing, Tries, retry_after};
pub(crate) use token::unverified_claims;

use credential::SignedAs;
use door::{Door, Reply};

/// Global Administrator and Privileged Role Administrator: who may consent to what is asked for.
///
/// Source: <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>
pub const CONSENTING_ROLES: [Uuid; 2] = [
    uuid::uuid!("62e90394-69f5-4237-9190-012177145e10"),
    uuid::uuid!("e8611ab8-c189-46e8-94e1-60213ab1f814"),
];

/// The application permissions that are asked for. None of them can write.
pub const PERMISSIONS: [&str; 8] = [
    "User.Read.All",
    "GroupMember.Read.All",
    "DeviceManagementManagedDevices.Read.All",
    "DeviceManagementConfiguration.Read.All",
    "Policy.Read.All",
    "AuditLog.Read.All",
    "RoleManagement.Read.Directory",
    "Organization.Read.All",
];

/// Where Microsoft is and who we are there.
pub struct Settings {
    /// Entra's origin; see [`Cloud::login_url`].
    pub login_url: Url,
    /// Graph's origin, without the version; see [`Cloud::graph_url`].
    pub graph_url: Url,
    /// The application (client) id of our registration.
    pub client_id: String,
    /// What proves that we are that application.
    pub credential: Credential,
    /// How long to put up with Microsoft's bad moments before giving the worker's slot back.
    pub patience: Patience,
}

/// Microsoft's national clouds. Each needs a registration of its own.
///
/// Source: <https://learn.microsoft.com/graph/deployments>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// The worldwide cloud, GCC included.
    Global,
    /// US Government L4 (GCC High).
    UsGov,
    /// US Government L5 (DoD).
    UsGovDod,
    /// China, run by 21Vianet.
    China,
}

impl Cloud {
    /// The origin of Entra in this cloud.
    pub fn login_url(self) -> Url {
        origin(match self {
            Cloud::Global => "https://login.microsoftonline.com",
            Cloud::UsGov | Cloud::UsGovDod => "https://login.microsoftonline.us",
            Cloud::China => "https://login.partner.microsoftonline.cn",
        })
    }

    /// The origin of Graph in this cloud.
    pub fn graph_url(self) -> Url {
        origin(match self {
            Cloud::Global => "https://graph.microsoft.com",
            Cloud::UsGov => "https://graph.microsoft.us",
            Cloud::UsGovDod => "https://dod-graph.microsoft.us",
            Cloud::China => "https://microsoftgraph.chinacloudapi.cn",
        })
    }
}

fn dated(reply: Result<Reply, Broken>) -> Result<DateTime<Utc>, Trouble> {
    let reply = reply.map_err(|_| Trouble::Unavailable)?;
    let date = reply
        .headers
        .get(reqwest::header::DATE)
        .and_then(|date| date.to_str().ok());
    date.and_then(|date| DateTime::parse_from_rfc2822(date).ok())
        .map(|date| date.to_utc())
        .ok_or_else(|| Trouble::unexpected("an answer without its date"))
}

fn origin(url: &str) -> Url {
    Url::parse(url).expect("the origins above are written correctly")
}

/// Why [`Microsoft::new`] refused its settings: for the operator, at start.
#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    /// An address that is not a bare origin, or plain HTTP to another machine.
    #[error("{0} must be a bare origin such as https://graph.microsoft.com (plain http only on loopback)")]
    Origin(&'static str),
    /// The certificate setting does not hold what is needed.
    #[error("the certificate is unusable: {0}")]
    Certificate(&'static str),
    /// The HTTP client could not be built, for example without any root certificate on the machine.
    #[error("the HTTP client could not be built")]
    Client(#[source] reqwest::Error),
}

/// Our way to Microsoft: one HTTP client, one credential, the tokens of all tenants. Clones share everything.
#[derive(Clone)]
pub struct Microsoft {
    inner: Arc<Inner>,
}

struct Inner {
    door: Door,
    /// When our secret ends, as the operator says.
    secret_expires: Option<DateTime<Utc>>,
    signed_as: SignedAs,
    tokens: token::Tokens,
    paces: pace::Paces,
}

impl Microsoft {
    /// Checks the settings; makes no request.
    ///
    /// # Errors
    /// [`BadSettings`] says which setting, never its value.
    pub fn new(settings: Settings) -> Result<Self, BadSettings> {
        Self::with_secret_until(settings, None)
    }

    /// As [`Self::new`], with the end of our client secret as the operator states it: Entra tells it to nobody who has no
    /// permission to read applications, and none is asked for.
    ///
    /// # Errors
    /// [`BadSettings`] says which setting, never its value.
    pub fn with_secret_until(settings: Settings, secret_expires: Option<DateTime<Utc>>) -> Result<Self, BadSettings> {
        let signed_as = SignedAs::new(settings.client_id, settings.credential)?;
        let door = Door::new(settings.login_url, settings.graph_url, settings.patience)?;
        Ok(Self {
            inner: Arc::new(Inner {
                door,
                secret_expires,
                signed_as,
                tokens: token::Tokens::default(),
                paces: pace::Paces::default(),
            }),
        })
    }

    /// Graph as one tenant's data, with a request counter of its own.
    pub fn graph(&self, tenant: Uuid) -> Graph {
        Graph::new(self.clone(), tenant)
    }

    /// When the credential runs out that proves who we are, where that is known: a certificate says so itself.
    pub fn credential_expires(&self) -> Option<DateTime<Utc>> {
        self.inner.signed_as.expires().or(self.inner.secret_expires)
    }

    /// The SHA-256 thumbprint of our certificate, in base64url; none where a client secret proves who we are.
    pub fn certificate_thumbprint(&self) -> Option<&str> {
        self.inner.signed_as.thumbprint()
    }

    /// What Entra's and Graph's clocks show, as their answers are dated: also whether they can be reached. Neither is asked
    /// for anything that needs a token.
    pub async fn clocks(&self) -> (Result<DateTime<Utc>, Trouble>, Result<DateTime<Utc>, Trouble>) {
        let door = self.door();
        let entra = Request::new(
            Method::GET,
            self.login_path("common/v2.0/.well-known/openid-configuration"),
        );
        let graph = self
            .graph_url()
            .join("v1.0/organization")
            .expect("fixed words make a path");
        let graph = Request::new(Method::GET, graph);
        let (entra, graph) = tokio::join!(door.ask_entra(entra), door.ask_graph(graph));
        (dated(entra), dated(graph))
    }

    /// Whether Entra would send people of `tenant` back to this address. It is asked to sign somebody in without showing a
    /// page, which nobody's session allows: where the address is registered, it says so by a redirect to it
    /// (`login_required`), and otherwise it shows a page of its own, for it sends nobody to a stranger. None where what it
    /// answered is neither.
    ///
    /// Sources: <https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest> (`prompt=none`), RFC 6749 4.1.2.1;
    /// AADSTS50011 and AADSTS50058 in <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.
    ///
    /// # Errors
    /// When Entra cannot be reached.
    pub async fn returns_to(&self, tenant: Uuid, redirect_uri: &Url) -> Result<Option<bool>, Trouble> {
        let mut url = self.login_path(&format!("{tenant}/oauth2/v2.0/authorize"));
        url.query_pairs_mut()
            .append_pair("client_id", self.client_id())
            .append_pair("response_type", "code")
            .append_pair("response_mode", "query")
            .append_pair("scope", "openid")
            .append_pair("prompt", "none")
            .append_pair("redirect_uri", redirect_uri.as_str());
        let reply = self.door().ask_entra(Request::new(Method::GET, url)).await;
        let reply = reply.map_err(|_| Trouble::Unavailable)?;
        let there = reply.headers.get(reqwest::header::LOCATION);
        let there = there.and_then(|there| Url::parse(there.to_str().ok()?).ok());
        Ok(match there {
            Some(mut there) if reply.status.is_redirection() => {
                there.set_query(None);
                there.set_fragment(None);
                (there == *redirect_uri).then_some(true)
            }
            _ if String::from_utf8_lossy(&reply.body).contains("AADSTS50011") => Some(false),
            _ => None,
        })
    }

    /// Drops the cached token of a tenant, so that the next question asks for a new one: a token keeps the permissions
    /// it was born with, so one from before a consent does not learn of it.
    pub fn forget_token(&self, tenant: Uuid) {
        self.inner.tokens.forget(tenant);
    }

    /// Where an administrator of `tenant` grants our application's permissions.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>
    pub fn admin_consent_url(&self, tenant: Uuid, redirect_uri: &Url, state: &str) -> Url {
        let mut url = self.login_path(&format!("{tenant}/v2.0/adminconsent"));
        url.query_pairs_mut()
            .append_pair("client_id", self.client_id())
            .append_pair("scope", &self.inner.door.graph_scope())
            .append_pair("redirect_uri", redirect_uri.as_str())
            .append_pair("state", state);
        url
    }

    /// The application (client) id that Microsoft knows us by.
    pub fn client_id(&self) -> &str {
        self.inner.signed_as.client_id()
    }

    /// Entra's origin.
    pub fn login_url(&self) -> &Url {
        self.inner.door.login()
    }

    /// Graph's origin, without the version.
    pub fn graph_url(&self) -> &Url {
        self.inner.door.graph()
    }

    /// A path under Entra's origin.
    pub(crate) fn login_path(&self, path: &str) -> Url {
        self.login_url()
            .join(path)
            .expect("a tenant id and fixed words make a path")
    }

    pub(crate) fn door(&self) -> &Door {
        &self.inner.door
    }

    pub(crate) fn signed_as(&self) -> &SignedAs {
        &self.inner.signed_as
    }

    /// Says which part, 0 to 1, of the application's limits over all tenants this process may use from now on: all of it
    /// unless somebody says so, and with none, whoever asks waits.
    pub fn set_share(&self, share: f64) {
        self.inner.paces.set_share(share);
    }

    pub(crate) fn paces(&self) -> &pace::Paces {
        &self.inner.paces
    }

    pub(crate) fn tokens(&self) -> &token::Tokens {
        &self.inner.tokens
    }
}
