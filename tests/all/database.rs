//! The database that the migrations make, and what the sources say of it.

use std::collections::BTreeMap;

use tenantry::db::Pool;

use crate::support::log::Log;
use crate::support::postgres;

/// Columns by table, each as `name -> Type`.
type Tables = BTreeMap<String, Vec<String>>;

/// What `src/db/schema.rs` declares.
fn declared() -> Tables {
    let source = include_str!("../../src/db/schema.rs");
    let mut tables = Tables::new();
    for block in source.split("diesel::table! {").skip(1) {
        let mut lines = block.lines().map(str::trim).filter(|line| !line.is_empty());
        let name = lines
            .next()
            .and_then(|head| head.split(' ').next())
            .expect("a table's name");
        let columns = lines
            .take_while(|line| *line != "}")
            .map(|line| line.trim_end_matches(',').to_owned());
        tables.insert(name.to_owned(), columns.collect());
    }
    tables
}

/// What a migrated database has, apart from the staging tables, which diesel never touches.
async fn migrated() -> Tables {
    let database = postgres::database().await;
    let (client, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls)
        .await
        .expect("a connection");
    let connection = tokio::spawn(connection);
    let rows = client
        .query(
            "select c.table_name::text, c.column_name::text, c.udt_name::text, c.is_nullable = 'YES'
             from information_schema.columns c
             join pg_class t on t.oid = format('public.%I', c.table_name)::regclass
             where c.table_schema = 'public' and t.relpersistence = 'p' and c.table_name not like '\\_\\_diesel%'
             order by c.table_name, c.ordinal_position",
            &[],
        )
        .await
        .expect("the columns");
    let mut tables = Tables::new();
    for row in rows {
        let (table, column, of, nullable): (String, String, String, bool) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let of = diesel_type(&of);
        let of = if nullable { format!("Nullable<{of}>") } else { of };
        tables.entry(table).or_default().push(format!("{column} -> {of}"));
    }
    drop(client);
    connection.await.expect("no panic").expect("the connection ends well");
    tables
}

fn diesel_type(postgres: &str) -> String {
    let plain = |name: &str| match name {
        "uuid" => "Uuid",
        "text" => "Text",
        "timestamptz" => "Timestamptz",
        "bytea" => "Bytea",
        "jsonb" => "Jsonb",
        "bool" => "Bool",
        "int4" => "Integer",
        "int8" => "BigInt",
        other => panic!("a type that src/db/schema.rs has no word for: {other}"),
    };
    match postgres.strip_prefix('_') {
        Some(element) => format!("Array<{}>", plain(element)),
        None => plain(postgres).to_owned(),
    }
}

#[tokio::test]
async fn the_declared_tables_are_those_that_the_migrations_make() {
    let (declared, migrated) = (declared(), migrated().await);
    assert_eq!(
        declared.keys().collect::<Vec<_>>(),
        migrated.keys().collect::<Vec<_>>(),
        "src/db/schema.rs is refreshed with `diesel print-schema`"
    );
    for (table, columns) in &migrated {
        assert_eq!(&declared[table], columns, "{table} in src/db/schema.rs");
    }
}

/// An empty database of a user who is no superuser, and that user's address of it.
async fn of_a_plain_user(admin: &tokio_postgres::Client, url: &str, name: &str, rights: &str) -> String {
    for statement in [
        format!("create role {name} login {rights}"),
        format!("create database {name} owner {name} template template0"),
    ] {
        admin.simple_query(&statement).await.expect("the statement runs");
    }
    let (_, rest) = url.split_once('?').expect("where the server is");
    format!(
        "postgresql:///{name}?{}",
        rest.replace("user=tenantry", &format!("user={name}"))
    )
}

#[tokio::test]
async fn a_user_who_may_make_roles_brings_the_schema_up_to_date_and_reads_for_viewers() {
    let database = postgres::database().await;
    let admin = Pool::new(&database.url, 1)
        .expect("a pool")
        .raw()
        .await
        .expect("a connection");
    let name = format!("maker_{}", uuid::Uuid::new_v4().simple());
    let url = of_a_plain_user(&admin, &database.url, &name, "createrole").await;
    if let Err(refused) = tenantry::db::migrate(&url).await {
        // Since PostgreSQL 16, where somebody else has made the roles before.
        let told = format!("{refused:#}");
        let (_, remedy) = told.split_once("as an administrator, run: ").expect("a remedy");
        admin.simple_query(remedy).await.expect("the remedy runs");
        tenantry::db::migrate(&url).await.expect("the migrations run");
    }
    let client = Pool::new(&url, 1).expect("a pool").raw().await.expect("a connection");
    client
        .simple_query("set role tenantry_viewer; select from company")
        .await
        .expect("the role can be taken");
    drop(client);
    let gone = format!("drop database {name} with (force)");
    admin.simple_query(&gone).await.expect("the database goes");
}

#[tokio::test]
async fn a_user_who_may_not_read_for_viewers_is_told_what_an_administrator_has_to_run() {
    let database = postgres::database().await;
    let admin = Pool::new(&database.url, 1)
        .expect("a pool")
        .raw()
        .await
        .expect("a connection");
    let name = format!("plain_{}", uuid::Uuid::new_v4().simple());
    let url = of_a_plain_user(&admin, &database.url, &name, "").await;
    let refused = tenantry::db::migrate(&url).await.expect_err("it may not");
    let told = format!("{refused:#}");
    let grant = format!("grant tenantry_viewer to \"{name}\"");
    assert!(
        told.contains("as an administrator, run: ") && told.contains(&grant),
        "{told}"
    );

    let (_, remedy) = told.split_once("run: ").expect("a remedy");
    admin.simple_query(remedy).await.expect("the remedy runs");
    tenantry::db::migrate(&url).await.expect("the migrations run");
    let taken_back = format!("revoke tenantry_retention from {name}");
    admin.simple_query(&taken_back).await.expect("it may be taken back");
    tenantry::db::migrate(&url).await.expect("and is not missed");
    let gone = format!("drop database {name} with (force)");
    admin.simple_query(&gone).await.expect("the database goes");
}

#[tokio::test]
async fn the_migrations_can_be_taken_back() {
    let database = postgres::database().await;
    let (client, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls)
        .await
        .expect("a connection");
    let connection = tokio::spawn(connection);
    for way_back in [
        include_str!("../../migrations/2026-11-24-000012_alarm_look/down.sql"),
        include_str!("../../migrations/2026-11-23-000011_growth/down.sql"),
        include_str!("../../migrations/2026-11-23-000010_outages/down.sql"),
        include_str!("../../migrations/2026-11-23-000009_verdicts/down.sql"),
        include_str!("../../migrations/2026-11-23-000008_processes/down.sql"),
        include_str!("../../migrations/2026-11-23-000007_standing/down.sql"),
        include_str!("../../migrations/2026-11-23-000006_alarms/down.sql"),
        include_str!("../../migrations/2026-11-23-000005_running/down.sql"),
        include_str!("../../migrations/2026-11-23-000004_access/down.sql"),
        include_str!("../../migrations/2026-11-23-000003_evidence/down.sql"),
        include_str!("../../migrations/2026-11-23-000002_access/down.sql"),
        include_str!("../../migrations/2026-11-23-000001_main/down.sql"),
    ] {
        client.simple_query(way_back).await.expect("every table goes");
    }
    let left = client
        .query(
            "select tablename::text from pg_tables where schemaname = 'public' and tablename not like '\\_\\_diesel%'",
            &[],
        )
        .await
        .expect("the tables");
    assert!(left.is_empty(), "{} tables are left", left.len());
    drop(client);
    connection.await.expect("no panic").expect("the connection ends well");
}

#[tokio::test]
async fn a_migration_lets_others_pass_while_a_dump_holds_its_table_and_says_who_is_in_the_way() {
    let log = Log::begin("tenantry=warn");
    let database = postgres::database().await;
    let client = async |name: &str| {
        let pool = Pool::new(&format!("{}&application_name={name}", database.url), 1).expect("a pool");
        pool.raw().await.expect("a connection")
    };
    let (reader, dump) = (client("reader").await, client("pg_dump").await);
    for statement in [
        include_str!("../../migrations/2026-11-23-000007_standing/down.sql"),
        "delete from __diesel_schema_migrations where version = '20261123000007'",
    ] {
        reader.simple_query(statement).await.expect("the last migration goes");
    }
    let hold = "begin; lock table evidence_run in access share mode";
    dump.simple_query(hold).await.expect("the table is held");

    let url = database.url.clone();
    let migrating = tokio::spawn(async move { tenantry::db::migrate(&url).await });
    while !log.text().contains("held by pg_dump (process ") {
        assert!(!migrating.is_finished(), "it waits");
        // Others pass, though perhaps behind a try.
        reader
            .simple_query("select from evidence_run; select pg_sleep(0.05)")
            .await
            .expect("an answer");
    }
    dump.simple_query("commit").await.expect("the table is free");
    let migrated = migrating.await.expect("no panic");
    migrated.expect("then it runs");
    reader
        .simple_query("select standing_sha256 from evidence_run")
        .await
        .expect("the column is there");
}

#[tokio::test]
async fn a_binary_that_is_older_than_the_schema_goes_on() {
    let database = postgres::database().await;
    let newer = Pool::new(&database.url, 1)
        .expect("a pool")
        .raw()
        .await
        .expect("a connection");
    for statement in [
        "insert into __diesel_schema_migrations (version) values ('99991231000001')",
        "alter table company add column added_later text",
        "create table added_later (id uuid primary key)",
    ] {
        newer.execute(statement, &[]).await.expect("the statement runs");
    }

    tenantry::db::migrate(&database.url).await.expect("it starts");

    let pool = Pool::new(&database.url, 1).expect("a pool");
    let mut conn = pool.get().await.expect("a connection");
    let company = tenantry::model::company::insert(&mut conn, crate::support::house::now(), "Contoso", None).await;
    assert!(company.is_ok(), "and works: {company:?}");
}

/// What the version before still names, and what would stop it: migrations/README.md.
const TAKES_AWAY: &[&str] = &[
    "drop table",
    "drop column",
    "rename",
    "set not null",
    "alter column",
    "drop function",
    "drop view",
    "create or replace function",
];

/// The first migration that has to leave the version before it running. Nobody ran a version before those that came earlier.
const FIRST_RELEASE: &str = "2026-11-23-000005";

/// What landed all the same, and why it stops nobody.
const BORNE: &[(&str, &str, &str)] = &[
    (
        "2026-11-23-000005_running",
        "create index",
        "sync_slot had ten rows a company and day, and nobody waits for a slot",
    ),
    (
        "2026-11-23-000007_standing",
        "create or replace function",
        "retire_evidence refuses only what the version before never asks of it: a horizon before the runs that go",
    ),
    (
        "2026-11-23-000008_processes",
        "add constraint",
        "alarm_event has some hundred rows, and the constraint allows one word more",
    ),
    (
        "2026-11-23-000009_verdicts",
        "create trigger",
        "it notes what the version before keeps, and refuses nothing",
    ),
    (
        "2026-11-23-000009_verdicts",
        "add constraint",
        "alarm has some hundred rows, and whoever reads them passes over kinds that they do not know",
    ),
    (
        "2026-11-23-000010_outages",
        "add constraint",
        "alarm has some hundred rows, and whoever reads them passes over kinds that they do not know",
    ),
    (
        "2026-11-23-000011_growth",
        "create trigger",
        "it takes the place of one that refused more, in one statement",
    ),
];

/// The statements of a migration in small letters, each on one line; what is between dollars stays together.
fn statements(up: &str) -> Vec<String> {
    let lines = up.lines().filter(|line| !line.trim_start().starts_with("--"));
    let text = lines.collect::<Vec<_>>().join(" ").to_lowercase();
    let mut statements = vec![String::new()];
    for (place, part) in text.split("$$").enumerate() {
        let is_quoted = place % 2 == 1;
        let mut pieces = if is_quoted {
            vec![part]
        } else {
            part.split(';').collect()
        }
        .into_iter();
        let open = statements.last_mut().expect("there is always one");
        open.push_str(pieces.next().unwrap_or_default());
        statements.extend(pieces.map(str::to_owned));
    }
    let spaced = |statement: String| statement.split_whitespace().collect::<Vec<_>>().join(" ");
    statements.into_iter().map(spaced).collect()
}

/// What comes after the first of these words: the name of a table, where they end before one.
fn named_after<'s>(statement: &'s str, words: &[&str]) -> Option<&'s str> {
    let rest = words.iter().find_map(|word| Some(statement.split_once(word)?.1))?;
    rest.split([' ', '(']).next()
}

fn breaking(up: &str) -> Vec<&'static str> {
    let statements = statements(up);
    let made: Vec<&str> = statements
        .iter()
        .filter(|statement| statement.starts_with("create"))
        .filter_map(|statement| named_after(statement, &[" table if not exists ", " table "]))
        .collect();
    let mut found = Vec::new();
    for statement in &statements {
        let is_new = |table: Option<&str>| table.is_some_and(|table| made.contains(&table));
        let is_index = statement.starts_with("create index ") || statement.starts_with("create unique index ");
        let is_trigger = statement.starts_with("create")
            && statement
                .split(" on ")
                .next()
                .is_some_and(|head| head.contains(" trigger "));
        if statement.starts_with("drop table") && is_new(named_after(statement, &["drop table "]))
            || statement.starts_with("alter table")
                && is_new(named_after(statement, &["alter table only ", "alter table "]))
            || (is_index || is_trigger) && is_new(named_after(statement, &[" on "]))
        {
            continue;
        }
        found.extend(TAKES_AWAY.iter().copied().filter(|word| statement.contains(word)));
        let mut added = statement.split("add column ").skip(1);
        if added.any(|column| column.replace("is not null", "").contains("not null") && !column.contains("default")) {
            found.push("not null");
        }
        if statement
            .split("add constraint ")
            .skip(1)
            .any(|rule| !rule.contains("not valid"))
        {
            found.push("add constraint");
        }
        if is_index && !statement.contains(" concurrently ") {
            found.push("create index");
        }
        if is_trigger {
            found.push("create trigger");
        }
    }
    found
}

#[test]
fn every_migration_leaves_the_version_before_it_running() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut held = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the migrations").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        let Ok(up) = std::fs::read_to_string(entry.path().join("up.sql")) else {
            continue;
        };
        let is_contraction = up.lines().next().is_some_and(|line| line.starts_with("-- contract:"));
        if *name < *FIRST_RELEASE || is_contraction {
            continue;
        }
        let is_borne = |word: &&str| BORNE.iter().any(|(of, borne, _)| *of == name && borne == word);
        let found: Vec<_> = breaking(&up).into_iter().filter(|word| !is_borne(word)).collect();
        assert_eq!(
            found,
            Vec::<&str>::new(),
            "{name}: expand now, contract a release later"
        );
        held.push(name);
    }
    assert!(held.len() >= 6, "{held:?}");
}

#[test]
fn a_migration_that_takes_something_away_is_noticed() {
    for (up, noticed) in [
        ("alter table contact\n  DROP COLUMN mail;", "drop column"),
        ("drop table contact", "drop table"),
        ("alter table contact rename column mail to address", "rename"),
        ("alter table contact alter column mail set not null", "set not null"),
        ("alter table contact alter column mail type varchar(9)", "alter column"),
        ("drop function portal_entry", "drop function"),
        ("drop view people", "drop view"),
        (
            "create or replace function f() returns int language sql as $$ select 1; select 2 $$",
            "create or replace function",
        ),
        ("alter table contact add column pronouns text not null", "not null"),
        (
            "alter table contact add column a text not null, add column b text default ''",
            "not null",
        ),
        (
            "alter table contact add constraint contact_mail check (mail <> '')",
            "add constraint",
        ),
        (
            "create table other (id uuid); create index contact_by_mail on contact (mail)",
            "create index",
        ),
        ("create unique index contact_by_mail on contact (mail)", "create index"),
        (
            "create trigger t before insert on contact for each row execute function f()",
            "create trigger",
        ),
        (
            "create or replace trigger t before insert on contact for each row execute function f()",
            "create trigger",
        ),
        (
            "create constraint trigger t after insert on contact for each row execute function f()",
            "create trigger",
        ),
    ] {
        assert!(breaking(up).contains(&noticed), "{up}: {:?}", breaking(up));
    }
    for harmless in [
        "-- drop table\nalter table contact add column pronouns text;",
        "alter table contact add column a int not null default 0, add column b text check (b is not null)",
        "alter table contact add constraint contact_mail check (mail <> '') not valid",
        "create table other (id uuid not null); create index other_by_id on other (id); drop table other",
        "create table other (id uuid); create trigger t before insert on other for each row execute function f();
         alter table other add constraint other_pkey primary key (id)",
        "create index concurrently contact_by_mail on contact (mail)",
        "create function f() returns int language sql as $$ select 1; select 2 $$",
    ] {
        assert_eq!(breaking(harmless), Vec::<&str>::new(), "{harmless}");
    }
}
