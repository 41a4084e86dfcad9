//! Evidence over simulated days, asked for through GraphQL as people ask.

mod bundle;
mod declared;
mod faults;
mod weakened;

use std::sync::{Arc, Mutex};

use async_graphql::{Request, Response, Variables};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tenantry::auth::Viewer;
use tenantry::auth::return_to::Allowed;
use tenantry::auth::viewer::{PortalUser, Staff};
use tenantry::db::events::Events;
use tenantry::evidence;
use tenantry::graphql::id::IdOf;
use tenantry::graphql::{PublicUrl, TenantrySchema, schema};
use tenantry::jobs::{Doorbell, clock};
use tenantry::model::SyncRun;
use tenantry::model::portal::{Entry, PortalRole};
use tenantry::model::session::StaffRole;
use tenantry::model::sync_run::SyncKind;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use uuid::Uuid;

use crate::support::world::{Client, World};

/// A healthy company, a clock that is moved by hand, and the schema that answers.
struct Story {
    world: World,
    client: Client,
    /// The policy that asks everybody for a second factor but those in `outer`.
    everybody: Uuid,
    /// The group that the policy excludes; `inner` is in it, and nobody else.
    outer: String,
    inner: String,
    clock: Arc<Mutex<DateTime<Utc>>>,
    schema: TenantrySchema,
    _stop: DropGuard,
}

/// A moment of the week of the story.
fn moment(day: u8, time: &str) -> DateTime<Utc> {
    format!("2026-03-{day:02}T{time}:00Z").parse().expect("a time")
}

/// A moment as answers show it.
fn shown(at: DateTime<Utc>) -> Value {
    json!(at.to_rfc3339())
}

impl Story {
    async fn begin() -> Self {
        let world = World::start().await;
        let client = world.connected_company(12, 4).await;
        let mut story = Self::of(world, client).await;
        story.make_healthy().await;
        story
    }

    async fn of(mut world: World, client: Client) -> Self {
        let stop = CancellationToken::new();
        let events = Events::start(&world.pool, stop.clone()).await.expect("events start");
        let doorbell = Doorbell::open(&world.pool).await.expect("a doorbell");
        let public: Url = "https://tenantry.example".parse().expect("an address");
        let allowed = Allowed::new(public.clone(), Vec::new());
        let schema = schema(world.pool.clone(), events.clone(), doorbell, PublicUrl(public), allowed);
        let clock = Arc::new(Mutex::new(moment(2, "00:00")));
        let told = clock.clone();
        let tell = Arc::new(move || *told.lock().expect("a clock"));
        world.evidence = evidence::Engine::new(world.pool.clone(), world.microsoft.clone(), events, tell);
        Self {
            world,
            client,
            everybody: Uuid::nil(),
            outer: String::new(),
            inner: String::new(),
            clock,
            schema,
            _stop: stop.drop_guard(),
        }
    }

    async fn make_healthy(&mut self) {
        self.inner = self.world.group(self.client, "Shift phones", &[]).await;
        self.outer = self.world.group(self.client, "Exempt", &[&self.inner]).await;
        self.everybody = self.policy("Require multifactor authentication for everybody").await["id"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .expect("the policy is there");
        self.ask_everybody("enabled").await;
        for device in self.list("devices").await {
            self.set_device(&device, "compliant").await;
            self.speak(&device, moment(1, "12:00")).await;
        }
    }

    /// The policy that asks everybody for a second factor, in this state.
    async fn ask_everybody(&self, state: &str) {
        let mut policy = super::collect::excluding(&[&self.outer]);
        policy["state"] = json!(state);
        let path = self.path(&format!("policies/{}", self.everybody));
        self.world.request("PUT", &path, Some(policy)).await;
    }

    /// Puts a policy into another state.
    async fn set_policy(&self, name: &str, state: &str) {
        let mut policy = self.policy(name).await;
        policy["state"] = json!(state);
        let path = self.path(&format!("policies/{}", policy["id"].as_str().expect("an id")));
        policy.as_object_mut().expect("a policy").remove("modifiedDateTime");
        self.world.request("PUT", &path, Some(policy)).await;
    }

    async fn policy(&self, name: &str) -> Value {
        let policies = self.list("policies").await;
        let named = policies.into_iter().find(|policy| policy["displayName"] == name);
        named.unwrap_or_else(|| panic!("there is no policy {name}"))
    }

    async fn set_device(&self, device: &Value, state: &str) {
        let path = self.path(&format!("devices/{}", device["id"].as_str().expect("an id")));
        self.world.patch(&path, json!({"complianceState": state})).await;
    }

    /// The device is in touch with Intune.
    async fn speak(&self, device: &Value, at: DateTime<Utc>) {
        let path = self.path(&format!("devices/{}", device["id"].as_str().expect("an id")));
        self.world.patch(&path, json!({"lastSyncDateTime": at})).await;
    }

    fn path(&self, below: &str) -> String {
        format!("tenants/{}/{below}", self.client.tenant_id)
    }

    async fn list(&self, what: &str) -> Vec<Value> {
        let all = self.world.get(&self.path(what)).await;
        all["value"].as_array().expect("a list").clone()
    }

    /// Somebody who works there, is no administrator and no guest.
    async fn employee(&self) -> Value {
        let people = self.list("people").await;
        let works = |person: &&Value| person["userType"] == "Member" && person["accountEnabled"] == true;
        people.iter().rfind(works).expect("somebody works there").clone()
    }

    /// The slot comes, and its run is performed.
    async fn strike(&self, at: DateTime<Utc>) -> SyncRun {
        *self.clock.lock().expect("a clock") = at;
        let mut conn = self.world.pool.get().await.expect("a connection");
        let taken = clock::strike(&mut conn, SyncKind::Evidence, at)
            .await
            .expect("it strikes");
        drop(conn);
        assert_eq!(taken, 1, "the slot was free");
        let queued = self
            .world
            .rows("select id from sync_run where finished_at is null")
            .await;
        self.world
            .perform(queued[0]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id"))
            .await
    }

    /// Somebody asks for a run at the present.
    async fn collect_now(&self) -> SyncRun {
        *self.clock.lock().expect("a clock") = self.world.now().await;
        self.world.collect_evidence(self.client).await
    }

    async fn execute(&self, viewer: Viewer, query: &str, mut variables: Value) -> Response {
        variables["company"] = json!(IdOf::Company.show(self.client.company_id).0);
        let request = Request::new(query).variables(Variables::from_json(variables));
        self.schema.execute(request.data(viewer)).await
    }

    /// What is answered of the company; panics when there are errors.
    async fn ask(&self, viewer: Viewer, query: &str, variables: Value) -> Value {
        let response = self.execute(viewer, query, variables).await;
        assert!(response.errors.is_empty(), "{:#?}", response.errors);
        let mut data = response.data.into_json().expect("data is JSON");
        data["company"].take()
    }

    fn portal(&self, role: PortalRole) -> Viewer {
        let oid = Uuid::new_v4();
        Viewer::PortalUser(PortalUser {
            session_id: Uuid::nil(),
            tid: self.client.tenant_id,
            oid,
            name: "Adele Vance".to_owned(),
            entry: Entry {
                company_id: self.client.company_id,
                contact_id: Uuid::nil(),
                contact_name: None,
                group_ids: Vec::new(),
                role,
            },
        })
    }
}

fn staff(role: StaffRole) -> Viewer {
    Viewer::Staff(Staff {
        session_id: Uuid::nil(),
        tid: Uuid::nil(),
        oid: Uuid::nil(),
        name: "Robin of the MSP".to_owned(),
        role,
    })
}

/// The nodes of a connection.
fn nodes(connection: &Value) -> Vec<&Value> {
    let edges = connection["edges"]
        .as_array()
        .unwrap_or_else(|| panic!("no connection: {connection}"));
    edges.iter().map(|edge| &edge["node"]).collect()
}

/// One text of each node of a connection.
fn texts<'a>(connection: &'a Value, field: &str) -> Vec<&'a str> {
    nodes(connection)
        .iter()
        .map(|node| node[field].as_str().unwrap_or_default())
        .collect()
}
