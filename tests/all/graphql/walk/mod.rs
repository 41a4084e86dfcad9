//! A walk through the whole schema as everybody there is: what somebody may not see changes nothing of what they are
//! answered, and nothing of what the database is asked for it.

mod documents;
mod things;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use async_graphql::Response;
use diesel::connection::InstrumentationEvent;
use diesel_async::AsyncConnection;
use serde_json::Value;
use tenantry::auth::viewer::{PortalUser, Service, Staff};
use tenantry::auth::{Action, Viewer};
use tenantry::model::Scope;
use tenantry::model::portal::{Entry, PortalRole};
use tenantry::model::session::StaffRole;
use uuid::Uuid;

pub use self::documents::Document;
use self::documents::{Shape, Things};
use super::world::World;

/// What was answered to each question, and with which statements.
type Answers = BTreeMap<(String, String), (Value, Vec<String>)>;

struct Walk {
    world: World,
    statements: Arc<Mutex<Vec<String>>>,
    shape: Shape,
    ours: Things,
    /// Of our company, and nothing that a USER sees.
    colleague: Things,
    /// Of another company.
    theirs: Things,
}

impl Walk {
    /// Our company is there with one person; everybody else is yet to come, though our tenant knows their ids already: they
    /// are members of our group, and one of our devices is theirs.
    async fn begin() -> Self {
        let world = World::start().await;
        let ours = Things::unheard_of("Ours");
        let mut colleague = Things::unheard_of("Colleague");
        colleague.company = ours.company;
        let theirs = Things::unheard_of("Canary");
        ours.come_into_being(&world).await;
        ours.let_in(&world, ours.group, "USER").await;
        for person in [colleague.contact, theirs.contact] {
            ours.add_member(&world, ours.group, person).await;
            world.asset(ours.company, "Shared", Some(person)).await;
        }
        let statements = record(&world).await;
        Self {
            world,
            statements,
            shape: Shape::read(),
            ours,
            colleague,
            theirs,
        }
    }

    fn portal_user(&self, role: PortalRole) -> Viewer {
        Viewer::PortalUser(PortalUser {
            session_id: self.ours.session,
            tid: self.ours.session,
            oid: self.ours.contact,
            name: "Ours".to_owned(),
            entry: Entry {
                company_id: self.ours.company,
                contact_id: self.ours.contact,
                contact_name: Some("Ours".to_owned()),
                group_ids: vec![self.ours.group],
                role,
            },
        })
    }

    /// For every action that a token can be made for.
    fn token(&self) -> Viewer {
        Viewer::Service(Service {
            token_id: self.ours.token,
            name: "Ours".to_owned(),
            scope: Scope::Companies(vec![self.ours.company]),
            actions: Action::ALL
                .iter()
                .copied()
                .filter(|action| action.is_for_tokens())
                .collect(),
        })
    }

    fn questions(&self) -> Vec<Document> {
        self.shape.questions(&[&self.ours, &self.theirs, &self.colleague])
    }

    /// Of what another company has and of what nobody has: for those who may not, nothing is done.
    fn mutations(&self) -> Vec<Document> {
        self.shape.mutations(&self.theirs)
    }

    async fn ask(&self, viewer: Option<Viewer>, document: &Document) -> (Value, Vec<String>) {
        self.statements.lock().expect("no panic").clear();
        let response = self.world.first_answer(viewer, document).await;
        let statements = std::mem::take(&mut *self.statements.lock().expect("no panic"));
        let answer = answer(&response);
        assert!(!outcome(&answer).contains("INTERNAL"), "{}: {answer}", document.about);
        (answer, statements)
    }

    async fn ask_all(&self, viewers: &[(&str, Option<Viewer>)], documents: &[Document]) -> Answers {
        let mut answers = Answers::new();
        for (name, viewer) in viewers {
            for document in documents {
                let answer = self.ask(viewer.clone(), document).await;
                answers.insert(((*name).to_owned(), document.about.clone()), answer);
            }
        }
        answers
    }

    /// Every row of every table, but for the trail of what was refused.
    async fn contents(&self) -> BTreeMap<String, String> {
        let tables = self
            .world
            .texts(
                "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
                    and relname <> 'audit_event'",
            )
            .await;
        let mut contents = BTreeMap::new();
        for table in tables {
            let rows = format!("select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t");
            contents.insert(table, self.world.texts(&rows).await.remove(0));
        }
        contents
    }
}

/// Writes down what the world's only connection runs, without the values, the pool's own check of it left out.
async fn record(world: &World) -> Arc<Mutex<Vec<String>>> {
    let statements = Arc::new(Mutex::new(Vec::new()));
    let recorded = statements.clone();
    let mut conn = world.pool.get().await.expect("a connection");
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        let InstrumentationEvent::StartQuery { query, .. } = event else {
            return;
        };
        let query = query.to_string();
        let statement = query.split(" -- binds:").next().unwrap_or_default();
        if !query.starts_with("SELECT $1 --") {
            recorded.lock().expect("no panic").push(statement.to_owned());
        }
    });
    statements
}

fn answer(response: &Response) -> Value {
    serde_json::to_value(response).expect("an answer is JSON")
}

/// How a question was answered, in a word.
fn outcome(answer: &Value) -> String {
    let codes: Vec<&str> = answer["errors"].as_array().map_or(Vec::new(), |errors| {
        let codes = errors
            .iter()
            .map(|error| error["extensions"]["code"].as_str().unwrap_or("?"));
        codes.collect()
    });
    if !codes.is_empty() {
        return codes.join("+");
    }
    let payload = answer["data"].as_object().and_then(|data| data.values().next());
    if let Some(refusals) = payload.and_then(|payload| payload["userErrors"].as_array()) {
        let code = refusals.first().map(|refusal| refusal["code"].as_str().unwrap_or("?"));
        return code.unwrap_or("done").to_owned();
    }
    match answer.to_string() {
        shown if shown.contains("Canary") => "shown".to_owned(),
        _ => "hidden".to_owned(),
    }
}

/// No answer differs, and none costs other statements.
fn same(before: &Answers, after: &Answers, because: &str) {
    assert_eq!(before.len(), after.len());
    for (question, (answer, statements)) in before {
        let (now, statements_now) = &after[question];
        assert_eq!(answer, now, "{because}: {question:?}");
        assert_eq!(statements, statements_now, "{because}: {question:?}");
    }
}

#[tokio::test]
async fn another_company_changes_no_answer_to_those_of_one_and_no_statement_behind_it() {
    let walk = Walk::begin().await;
    let viewers = [
        ("USER", Some(walk.portal_user(PortalRole::User))),
        ("MANAGER", Some(walk.portal_user(PortalRole::Manager))),
        ("TOKEN", Some(walk.token())),
    ];
    let documents = [walk.questions(), walk.mutations()].concat();
    let before = walk.ask_all(&viewers, &documents).await;
    walk.theirs.come_into_being(&walk.world).await;
    walk.theirs.let_in(&walk.world, walk.theirs.group, "MANAGER").await;
    let contents = walk.contents().await;
    let after = walk.ask_all(&viewers, &documents).await;
    same(&before, &after, "another company is there");
    assert!(
        after.values().any(|(_, statements)| !statements.is_empty()),
        "statements are seen"
    );
    assert_eq!(contents, walk.contents().await, "nothing was changed");
    for (question, (answer, _)) in &after {
        assert!(
            !answer["data"].to_string().contains("Canary"),
            "{question:?} shows what is another company's: {answer}"
        );
    }
}

#[tokio::test]
async fn a_colleague_changes_no_answer_to_a_user_and_no_statement_behind_it() {
    let walk = Walk::begin().await;
    let viewers = [("USER", Some(walk.portal_user(PortalRole::User)))];
    let before = walk.ask_all(&viewers, &walk.questions()).await;
    walk.colleague.come_into_being(&walk.world).await;
    let after = walk.ask_all(&viewers, &walk.questions()).await;
    same(&before, &after, "a colleague is there");
}

#[tokio::test]
async fn the_walk_would_see_what_is_hidden_if_it_were_shown() {
    let walk = Walk::begin().await;
    walk.theirs.come_into_being(&walk.world).await;
    walk.theirs.let_in(&walk.world, walk.theirs.group, "MANAGER").await;
    let shown = walk
        .ask_all(&[("ADMIN", Some(staff(StaffRole::Admin)))], &walk.questions())
        .await;
    let types: BTreeSet<&str> = shown
        .iter()
        .filter(|(_, (answer, _))| answer["data"].to_string().contains("Canary"))
        .filter_map(|((_, about), _)| about.split(['.', ' ']).next())
        .collect();
    let objects = walk.shape.objects().filter(|of| !of.ends_with("Payload"));
    let unseen: Vec<&str> = objects.filter(|of| !types.contains(of)).collect();
    assert_eq!(unseen, NAMELESS);
}

/// Types that name nobody by themselves, what only mutations answer, and a session, which the shortest way leads to as
/// one's own: everybody's come with `SessionConnection`.
const NAMELESS: [&str; 37] = [
    "Check",
    "CheckCounts",
    "CompanyCheckResultConnection",
    "CompanyCheckResultEdge",
    "ConsentNeed",
    "Control",
    "ControlEvidence",
    "ControlMapping",
    "EvidenceFault",
    "EvidenceLink",
    "EvidenceLinkConnection",
    "EvidenceLinkEdge",
    "EvidencePeriod",
    "EvidenceSlot",
    "EvidenceTombstone",
    "EvidenceTombstoneConnection",
    "EvidenceTombstoneEdge",
    "EvidenceVerification",
    "FieldChange",
    "Framework",
    "FrameworkEvidence",
    "LastGood",
    "MissingReading",
    "Mutation",
    "PageInfo",
    "PathChange",
    "Population",
    "Reading",
    "Session",
    "StaleReading",
    "SyncCounts",
    "SyncFailure",
    "SyncGuard",
    "SyncSchedule",
    "SyncStage",
    "TenantConsent",
    "UserError",
];

#[tokio::test]
async fn nobody_is_answered_nothing() {
    let walk = Walk::begin().await;
    for document in [walk.questions(), walk.mutations()].concat() {
        let (answer, statements) = walk.ask(None, &document).await;
        assert_eq!(outcome(&answer), "UNAUTHENTICATED", "{}: {answer}", document.about);
        assert_eq!(answer["data"], Value::Null, "{}", document.about);
        assert_eq!(statements, [""; 0], "{}: the database is not asked", document.about);
    }
}

/// Somebody of the MSP.
fn staff(role: StaffRole) -> Viewer {
    Viewer::Staff(Staff {
        session_id: Uuid::nil(),
        tid: Uuid::nil(),
        oid: Uuid::nil(),
        name: "Robin of the MSP".to_owned(),
        role,
    })
}

/// Every root field, asked about another company's things by everybody there is. Those who may change something come last,
/// and what ends the company at the very end.
#[tokio::test]
async fn what_everybody_is_answered_at_each_root_field_is_the_table_that_is_checked_in() {
    let walk = Walk::begin().await;
    walk.theirs.come_into_being(&walk.world).await;
    walk.theirs.let_in(&walk.world, walk.theirs.group, "MANAGER").await;
    let viewers = [
        ("NOBODY", None),
        ("USER", Some(walk.portal_user(PortalRole::User))),
        ("MANAGER", Some(walk.portal_user(PortalRole::Manager))),
        ("TOKEN", Some(walk.token())),
        ("AUDITOR", Some(staff(StaffRole::Auditor))),
        ("TECHNICIAN", Some(staff(StaffRole::Technician))),
        ("ADMIN", Some(staff(StaffRole::Admin))),
    ];
    let mut questions = walk.shape.questions(&[&walk.theirs]);
    questions.retain(|document| document.root);
    let (ending, mutations): (Vec<_>, Vec<_>) = walk
        .mutations()
        .into_iter()
        .partition(|document| document.about == "Mutation.deleteCompany");
    let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for documents in [&questions, &mutations, &ending] {
        for (_, viewer) in &viewers {
            for document in documents {
                // A question before may have ended it.
                walk.theirs.sign_in_again(&walk.world).await;
                let (answer, _) = walk.ask(viewer.clone(), document).await;
                rows.entry(&document.about).or_default().push(outcome(&answer));
            }
        }
    }
    let mut table = format!("{:<45}", "field, and what of another company's it names");
    for (name, _) in &viewers {
        let _ = write!(table, " {name:<15}");
    }
    for (about, outcomes) in rows {
        let _ = write!(table, "\n{about:<45}");
        for outcome in outcomes {
            let _ = write!(table, " {outcome:<15}");
        }
    }
    let table: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    if table != include_str!("roots.txt") {
        let refreshed = concat!(env!("CARGO_MANIFEST_DIR"), "/target/roots.txt");
        std::fs::write(refreshed, &table).expect("the table is written");
        panic!("The table is another one. Where that is meant: cp target/roots.txt tests/all/graphql/walk/");
    }
}
