//! Who is signed in, and the authorization codes that wait to be redeemed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

/// How long a code can be redeemed, as with Entra.
const CODE_LIFE: Duration = Duration::from_secs(600);

/// One browser's sign-in.
#[derive(Clone, Debug)]
pub struct Session {
    pub tenant: Uuid,
    pub oid: Uuid,
    /// The applications that were signed in to: each hears of the sign-out.
    pub clients: Vec<String>,
}

/// What a code stands for.
#[derive(Clone, Debug)]
pub struct Grant {
    pub client_id: String,
    pub redirect_uri: String,
    pub tenant: Uuid,
    pub oid: Uuid,
    pub sid: Uuid,
    pub nonce: Option<String>,
    pub scope: String,
    pub challenge: Option<(String, String)>,
    expires: Instant,
    used: bool,
}

impl Grant {
    #[expect(
        clippy::too_many_arguments,
        reason = "a grant is what the request asked for and who answered it; both ends name every part"
    )]
    pub fn new(
        client_id: String,
        redirect_uri: String,
        tenant: Uuid,
        oid: Uuid,
        sid: Uuid,
        nonce: Option<String>,
        scope: String,
        challenge: Option<(String, String)>,
    ) -> Self {
        Self {
            client_id,
            redirect_uri,
            tenant,
            oid,
            sid,
            nonce,
            scope,
            challenge,
            expires: Instant::now() + CODE_LIFE,
            used: false,
        }
    }
}

#[derive(Default)]
pub struct Sessions {
    open: HashMap<Uuid, Session>,
    codes: HashMap<String, Grant>,
}

/// Why a code was not redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoGrant {
    Unknown,
    Used,
    Expired,
}

impl Sessions {
    /// Signs somebody in: in the browser's session where it is the same person's, else in a new one.
    pub fn open(&mut self, cookie: Option<Uuid>, tenant: Uuid, oid: Uuid, client_id: &str) -> Uuid {
        let same = cookie.filter(|sid| {
            self.open
                .get(sid)
                .is_some_and(|session| session.tenant == tenant && session.oid == oid)
        });
        let sid = same.unwrap_or_else(Uuid::new_v4);
        let session = self.open.entry(sid).or_insert_with(|| Session {
            tenant,
            oid,
            clients: Vec::new(),
        });
        if !session.clients.iter().any(|client| client == client_id) {
            session.clients.push(client_id.to_owned());
        }
        sid
    }

    pub fn find(&self, sid: Uuid) -> Option<&Session> {
        self.open.get(&sid)
    }

    pub fn close(&mut self, sid: Uuid) -> Option<Session> {
        self.open.remove(&sid)
    }

    pub fn issue_code(&mut self, grant: Grant) -> String {
        let code = format!("0.{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        self.codes.insert(code.clone(), grant);
        code
    }

    /// Redeems a code, once.
    pub fn redeem(&mut self, code: &str) -> Result<Grant, NoGrant> {
        let grant = self.codes.get_mut(code).ok_or(NoGrant::Unknown)?;
        if grant.used {
            return Err(NoGrant::Used);
        }
        if grant.expires <= Instant::now() {
            return Err(NoGrant::Expired);
        }
        grant.used = true;
        Ok(grant.clone())
    }
}
