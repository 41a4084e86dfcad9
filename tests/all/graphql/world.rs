//! A small world to ask about, made row by row.

use async_graphql::{Request, Response, Variables};
use serde_json::{Value, json};
use tenantry::auth::return_to::Allowed;
use tenantry::auth::viewer::{Service, Staff};
use tenantry::auth::{Action, Viewer};
use tenantry::db::Pool;
use tenantry::db::events::Events;
use tenantry::graphql::id::IdOf;
use tenantry::graphql::{PublicUrl, TenantrySchema, schema};
use tenantry::jobs::Doorbell;
use tenantry::model::Scope;
use tenantry::model::session::StaffRole;
use tokio_postgres::types::ToSql;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use uuid::Uuid;

use crate::support::postgres::{TestDatabase, database};

/// A database, and the schema that answers from it over a single connection: a resolver that held it while it waits
/// for another would wait for ever.
pub struct World {
    pub pool: Pool,
    schema: TenantrySchema,
    client: tokio_postgres::Client,
    _stop: DropGuard,
    _database: TestDatabase,
}

impl World {
    pub async fn start() -> Self {
        let database = database().await;
        let pool = Pool::new(&database.url, 1).expect("a pool");
        let stop = CancellationToken::new();
        let events = Events::start(&pool, stop.clone()).await.expect("events");
        let doorbell = Doorbell::open(&pool).await.expect("a doorbell");
        let public: Url = "https://tenantry.example".parse().expect("an address");
        let allowed = Allowed::new(public.clone(), Vec::new());
        Self {
            schema: schema(pool.clone(), events, doorbell, PublicUrl(public), allowed),
            client: pool.raw().await.expect("a connection"),
            pool,
            _stop: stop.drop_guard(),
            _database: database,
        }
    }

    /// Asks as a person of the MSP; panics when there are errors.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let response = self.execute(staff(), query, variables).await;
        assert!(response.errors.is_empty(), "{:#?}", response.errors);
        response.data.into_json().expect("data is JSON")
    }

    /// The code and the message of the only error.
    pub async fn refusal(&self, query: &str, variables: Value) -> (String, String) {
        refusal(self.execute(staff(), query, variables).await)
    }

    pub async fn execute(&self, viewer: Viewer, query: &str, variables: Value) -> Response {
        self.schema.execute(request(query, variables).data(viewer)).await
    }

    pub async fn execute_as_nobody(&self, query: &str) -> Response {
        self.schema.execute(Request::new(query)).await
    }

    pub fn subscribe(&self, query: &str, variables: Value) -> futures::stream::BoxStream<'static, Response> {
        self.schema.execute_stream(request(query, variables).data(staff()))
    }

    pub async fn sql(&self, statement: &str, values: &[&(dyn ToSql + Sync)]) {
        self.client
            .execute(statement, values)
            .await
            .expect("the statement runs");
    }

    pub async fn number(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> i64 {
        self.client
            .query_one(query, values)
            .await
            .expect("the query runs")
            .get(0)
    }

    pub async fn company(&self, name: &str) -> Uuid {
        let id = Uuid::now_v7();
        self.sql("insert into company (id, name) values ($1, $2)", &[&id, &name])
            .await;
        id
    }

    pub async fn connected_company(&self, name: &str) -> Uuid {
        let id = self.company(name).await;
        self.sql(
            "insert into tenant (company_id, entra_tenant_id, status) values ($1, gen_random_uuid(), 'CONNECTED')",
            &[&id],
        )
        .await;
        id
    }

    /// A contact; its Entra id is its id.
    pub async fn contact(&self, company: Uuid, name: &str) -> Uuid {
        let id = Uuid::now_v7();
        self.sql(
            "insert into contact (id, company_id, entra_id, state, display_name, mail, user_type, account_enabled,
                                  business_phones, licensed, created_at, updated_at)
             values ($1, $2, $1, 'ACTIVE', $3, $4, 'Member', true, '{}', true, now(), now())",
            &[
                &id,
                &company,
                &name,
                &format!("{}@contoso.example", name.to_lowercase()),
            ],
        )
        .await;
        id
    }

    /// A group with these members; its Entra id is its id.
    pub async fn group(&self, company: Uuid, name: &str, people: &[Uuid], groups: &[Uuid]) -> Uuid {
        let id = Uuid::now_v7();
        self.sql(
            "insert into contact_group (id, company_id, entra_id, state, display_name, mail_enabled, security_enabled,
                                        microsoft_365, created_at, updated_at)
             values ($1, $2, $1, 'ACTIVE', $3, false, true, false, now(), now())",
            &[&id, &company, &name],
        )
        .await;
        for (kind, members) in [("USER", people), ("GROUP", groups)] {
            self.sql(
                "insert into contact_group_member (company_id, group_entra_id, member_entra_id, member_kind)
                 select $1, $2, unnest($3::uuid[]), $4",
                &[&company, &id, &members, &kind],
            )
            .await;
        }
        id
    }

    /// A device of this person.
    pub async fn asset(&self, company: Uuid, hostname: &str, person: Option<Uuid>) -> Uuid {
        let id = Uuid::now_v7();
        self.sql(
            "insert into asset (id, company_id, entra_id, state, hostname, serial_number, compliance_state, user_entra_id,
                                created_at, updated_at)
             values ($1, $2, $1, 'ACTIVE', $3, $4, 'compliant', $5, now(), now())",
            &[&id, &company, &hostname, &format!("SN-{hostname}"), &person],
        )
        .await;
        id
    }

    /// A company with these people.
    pub async fn company_of(&self, people: &[&str]) -> Uuid {
        let company = self.connected_company("Contoso").await;
        for name in people {
            self.contact(company, name).await;
        }
        company
    }
}

pub fn staff() -> Viewer {
    Viewer::Staff(Staff {
        session_id: Uuid::nil(),
        tid: Uuid::nil(),
        oid: Uuid::nil(),
        name: "Robin of the MSP".to_owned(),
        role: StaffRole::Admin,
    })
}

pub fn service() -> Viewer {
    Viewer::Service(Service {
        token_id: Uuid::nil(),
        name: "The PSA".to_owned(),
        scope: Scope::All,
        actions: Action::ALL.to_vec(),
    })
}

/// The id of a company, as clients send it.
pub fn company_id(id: Uuid) -> Value {
    json!(IdOf::Company.show(id).0)
}

pub fn refusal(response: Response) -> (String, String) {
    assert_eq!(response.errors.len(), 1, "{:#?}", response.errors);
    let error = serde_json::to_value(&response.errors[0]).expect("an error is JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&error["extensions"]["code"]), text(&error["message"]))
}

fn request(query: &str, variables: Value) -> Request {
    Request::new(query).variables(Variables::from_json(variables))
}
