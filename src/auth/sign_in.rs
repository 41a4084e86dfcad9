//! The way of a person through Entra and back: staff who sign in, and the administrator who connects a tenant.
//!
//! The danger: whatever comes back through the browser can be made up. A person is only what a validated id token says,
//! and is named by tenant and object id (`tid`, `oid`), never by an address: any tenant's administrator can give an account
//! somebody else's e-mail. What is checked, and why openidconnect's own discovery cannot be used, is in [`id_token`].
//!
//! The caller keeps [`Pending`] on the server, bound to the browser that began, and takes it out once.

mod authority;
mod error;
mod id_token;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreResponseType, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AsyncHttpClient, AuthType, AuthUrl, AuthenticationFlow, AuthorizationCode, Client, ClientId, ClientSecret,
    CsrfToken, EmptyExtraTokenFields, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields, IssuerUrl,
    JsonWebKeySet, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    StandardErrorResponse, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::microsoft::{Broken, JWT_BEARER, Microsoft, Proof};

pub use authority::Authority;
pub use error::SignInError;

use authority::{Authorities, Metadata};
use id_token::{EntraClaims, Expected};

/// Signs people in. One for the process: it remembers Entra's metadata and keys.
pub struct SignIn {
    microsoft: Microsoft,
    authorities: Authorities,
    clock: fn() -> DateTime<Utc>,
}

/// What Entra should ask of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Show the accounts, also to somebody who has a session.
    SelectAccount,
    /// Ask for the credentials again.
    Login,
    /// Ask nothing: succeed silently or fail.
    None,
}

/// A sign-in that has begun.
pub struct Begun {
    /// Where to send the browser.
    pub authorize_url: Url,
    /// What to keep until it comes back.
    pub pending: Pending,
}

/// The half of a sign-in that stays on the server. It holds secrets of this one sign-in: no `Debug`, not for logs.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pending {
    /// Comes back in the redirect: finds this again.
    pub state: String,
    nonce: String,
    pkce_verifier: String,
}

/// Somebody who signed in, as the validated token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The tenant. With [`oid`](Self::oid) the identity, for ever the same.
    pub tid: Uuid,
    /// The person's object in that tenant: Graph's user id.
    pub oid: Uuid,
    /// The name. For display only.
    pub name: Option<String>,
    /// The sign-in name. For display only: it changes, and can be given to somebody else.
    pub username: Option<String>,
    /// Entra's session, which front-channel sign-out names (optional claim).
    pub sid: Option<String>,
    /// What [`SignIn::sign_out_url`] takes (optional claim).
    pub login_hint: Option<String>,
    /// Directory roles (role template ids); `None` where the registration does not emit them.
    pub wids: Option<Vec<Uuid>>,
    /// Whether the person is a guest in the tenant; `None` where the token does not tell.
    pub guest: Option<bool>,
    /// Roles of our application that the tenant's administrator has assigned: good within that tenant only.
    pub roles: Vec<String>,
    /// Groups of the tenant that the person is in, as far as the token tells: Entra leaves them out beyond 200, and where
    /// the registration does not emit them.
    pub groups: Vec<Uuid>,
}

type EntraTokenResponse = StandardTokenResponse<
    IdTokenFields<
        EntraClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type EntraClient = Client<
    EntraClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    EntraTokenResponse,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
>;

impl SignIn {
    /// `clock` judges the times in tokens.
    pub fn new(microsoft: Microsoft, clock: fn() -> DateTime<Utc>) -> Self {
        Self {
            authorities: Authorities::new(microsoft.clone()),
            microsoft,
            clock,
        }
    }

    /// Begins a sign-in: code flow with PKCE, a nonce and a state.
    ///
    /// # Errors
    /// When Entra's metadata cannot be had or is not what it must be.
    pub async fn begin(&self, authority: Authority, redirect_uri: &Url, prompt: Prompt) -> Result<Begun, SignInError> {
        let client = self.client(&self.authorities.metadata(authority).await?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let prompt = match prompt {
            Prompt::SelectAccount => CoreAuthPrompt::SelectAccount,
            Prompt::Login => CoreAuthPrompt::Login,
            Prompt::None => CoreAuthPrompt::None,
        };
        let (authorize_url, state, nonce) = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                || CsrfToken::new_random_len(32),
                || Nonce::new_random_len(32),
            )
            .set_redirect_uri(std::borrow::Cow::Owned(RedirectUrl::from_url(redirect_uri.clone())))
            // `oid` comes with `profile` only.
            .add_scope(Scope::new("profile".into()))
            .add_prompt(prompt)
            .set_pkce_challenge(challenge)
            // A form post would come across sites, without the cookie that the sign-in is bound to.
            .add_extra_param("response_mode", "query")
            .url();
        let pending = Pending {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            pkce_verifier: verifier.into_secret(),
        };
        Ok(Begun { authorize_url, pending })
    }

    /// Exchanges the code that came back and validates who it is. `authority` and `redirect_uri` are those of
    /// [`begin`](Self::begin), from the server's memory. A pending sign-in is good for one call, whatever its outcome.
    ///
    /// # Errors
    /// [`SignInError`] says why there is nobody.
    pub async fn finish(
        &self,
        pending: Pending,
        authority: Authority,
        redirect_uri: &Url,
        code: &str,
    ) -> Result<Person, SignInError> {
        let metadata = self.authorities.metadata(authority).await?;
        let answer = self.exchange(&metadata, &pending, redirect_uri, code).await?;
        let token = answer.id_token().ok_or(SignInError::token("it is missing"))?;
        let expected = Expected {
            client_id: self.microsoft.client_id(),
            login: self.microsoft.login_url(),
            authority,
            nonce: Nonce::new(pending.nonce),
            now: (self.clock)(),
        };
        let key_id = id_token::key_id(token)?;
        let keys = self.authorities.keys(authority, &key_id).await?;
        id_token::check(token, &keys, &expected)
    }

    /// Where to send the browser so that Entra ends its session too. End ours first.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#send-a-sign-out-request>
    pub fn sign_out_url(&self, tenant: Uuid, logout_hint: Option<&str>, post_logout_redirect: &Url) -> Url {
        let mut url = self.microsoft.login_path(&format!("{tenant}/oauth2/v2.0/logout"));
        url.query_pairs_mut()
            .append_pair("post_logout_redirect_uri", post_logout_redirect.as_str());
        if let Some(hint) = logout_hint {
            url.query_pairs_mut().append_pair("logout_hint", hint);
        }
        url
    }

    async fn exchange(
        &self,
        metadata: &Metadata,
        pending: &Pending,
        redirect_uri: &Url,
        code: &str,
    ) -> Result<EntraTokenResponse, SignInError> {
        let mut client = self.client(metadata).set_auth_type(AuthType::RequestBody);
        let proof = self
            .microsoft
            .signed_as()
            .prove(&metadata.token_endpoint, (self.clock)());
        let assertion = match proof.expect("the key has signed at start") {
            Proof::Secret(secret) => {
                client = client.set_client_secret(ClientSecret::new(secret));
                None
            }
            Proof::Assertion(assertion) => Some(assertion),
        };
        let mut request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(pending.pkce_verifier.clone()))
            .set_redirect_uri(std::borrow::Cow::Owned(RedirectUrl::from_url(redirect_uri.clone())));
        if let Some(assertion) = assertion {
            request = request
                .add_extra_param("client_assertion_type", JWT_BEARER)
                .add_extra_param("client_assertion", assertion);
        }
        // One try: a code is good for one use, and a second attempt would look like theft to Entra.
        request
            .request_async(&ToEntra(&self.microsoft))
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(refusal) => {
                    let description = refusal.error_description().map_or("", String::as_str);
                    SignInError::from_redirect(refusal.error().as_ref(), description)
                }
                RequestTokenError::Request(_) => SignInError::Unavailable,
                // The text of these quotes the answer, tokens included.
                RequestTokenError::Parse(..) | RequestTokenError::Other(_) => SignInError::token("it cannot be read"),
            })
    }

    /// The issuer and keys given here are not used: they are known only when the token is ([`id_token::check`]).
    fn client(&self, metadata: &Metadata) -> EntraClient {
        let client_id = ClientId::new(self.microsoft.client_id().to_owned());
        let issuer = IssuerUrl::from_url(self.microsoft.login_url().clone());
        Client::new(client_id, issuer, JsonWebKeySet::new(Vec::new()))
            .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.clone()))
            .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
    }
}

/// openidconnect's way out: our own client, to Entra's origin only.
struct ToEntra<'a>(&'a Microsoft);

impl<'c> AsyncHttpClient<'c> for ToEntra<'_> {
    type Error = Broken;
    type Future = BoxFuture<'c, Result<HttpResponse, Broken>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async {
            let request = reqwest::Request::try_from(request).map_err(|_| Broken::Elsewhere)?;
            let reply = self.0.door().ask_entra(request).await?;
            if reply.status.is_server_error() || reply.status == reqwest::StatusCode::TOO_MANY_REQUESTS {
                return Err(Broken::Cut);
            }
            let mut response = HttpResponse::new(reply.body);
            *response.status_mut() = reply.status;
            *response.headers_mut() = reply.headers;
            Ok(response)
        })
    }
}
