//! What is promised of the schema as a whole, checked on its text.

use std::collections::HashMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
};

fn types() -> HashMap<String, TypeDefinition> {
    let document = parse_schema(tenantry::graphql::sdl()).expect("the schema is GraphQL");
    let definitions = document.definitions.into_iter();
    definitions
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some((definition.node.name.node.to_string(), definition.node)),
            _ => None,
        })
        .collect()
}

fn fields(definition: &TypeDefinition) -> Vec<&FieldDefinition> {
    let fields = match &definition.kind {
        TypeKind::Object(object) => &object.fields,
        TypeKind::Interface(interface) => &interface.fields,
        _ => return Vec::new(),
    };
    fields.iter().map(|field| &field.node).collect()
}

/// The types of a type's fields, by name, as the schema spells them.
fn shape(definition: &TypeDefinition) -> HashMap<String, String> {
    fields(definition)
        .into_iter()
        .map(|field| (field.name.node.to_string(), field.ty.node.to_string()))
        .collect()
}

fn arguments(field: &FieldDefinition) -> Vec<&InputValueDefinition> {
    field.arguments.iter().map(|argument| &argument.node).collect()
}

#[test]
fn the_schema_file_is_what_the_server_speaks() {
    let kept = include_str!("../../schema.graphql");
    assert!(
        kept == tenantry::graphql::sdl(),
        "schema.graphql is out of date: cargo run --locked -- schema > schema.graphql"
    );
}

#[test]
fn everything_in_the_schema_says_what_it_is() {
    let mut mute = Vec::new();
    for (name, definition) in types() {
        if definition.description.is_none() {
            mute.push(name.clone());
        }
        for field in fields(&definition) {
            if field.description.is_none() {
                mute.push(format!("{name}.{}", field.name.node));
            }
            for argument in arguments(field)
                .into_iter()
                .filter(|argument| argument.description.is_none())
            {
                mute.push(format!("{name}.{}({})", field.name.node, argument.name.node));
            }
        }
        match &definition.kind {
            TypeKind::Enum(kind) => {
                let values = kind.values.iter().filter(|value| value.node.description.is_none());
                mute.extend(values.map(|value| format!("{name}.{}", value.node.value.node)));
            }
            TypeKind::InputObject(kind) => {
                let inputs = kind.fields.iter().filter(|field| field.node.description.is_none());
                mute.extend(inputs.map(|field| format!("{name}.{}", field.node.name.node)));
            }
            _ => {}
        }
    }
    mute.sort();
    assert_eq!(mute, Vec::<String>::new(), "these have no description");
}

#[test]
fn connections_are_relay_connections() {
    let types = types();
    let connections: Vec<&String> = types.keys().filter(|name| name.ends_with("Connection")).collect();
    assert!(connections.len() >= 8, "{connections:?}");
    for connection in connections {
        let node = connection.trim_end_matches("Connection");
        let expected = HashMap::from([
            ("edges".to_owned(), format!("[{node}Edge!]!")),
            ("pageInfo".to_owned(), "PageInfo!".to_owned()),
            ("totalCount".to_owned(), "Int!".to_owned()),
        ]);
        assert_eq!(shape(&types[connection]), expected, "{connection}");
        let expected = HashMap::from([
            ("cursor".to_owned(), "String!".to_owned()),
            ("node".to_owned(), format!("{node}!")),
        ]);
        assert_eq!(shape(&types[&format!("{node}Edge")]), expected, "{node}Edge");
    }
    let expected = [
        ("hasNextPage", "Boolean!"),
        ("hasPreviousPage", "Boolean!"),
        ("startCursor", "String"),
        ("endCursor", "String"),
    ];
    let expected = expected.map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    assert_eq!(shape(&types["PageInfo"]), HashMap::from(expected));
}

#[test]
fn a_field_that_answers_a_connection_takes_the_arguments_of_one() {
    for (name, definition) in types() {
        for field in fields(&definition) {
            if !field.ty.node.to_string().ends_with("Connection!") {
                continue;
            }
            let taken: HashMap<String, String> = arguments(field)
                .into_iter()
                .map(|argument| (argument.name.node.to_string(), argument.ty.node.to_string()))
                .collect();
            for (argument, kind) in [
                ("first", "Int"),
                ("after", "String"),
                ("last", "Int"),
                ("before", "String"),
            ] {
                assert_eq!(
                    taken.get(argument).map(String::as_str),
                    Some(kind),
                    "{name}.{}",
                    field.name.node
                );
            }
        }
    }
}

#[test]
fn whatever_is_a_node_has_an_id() {
    for (name, definition) in types() {
        if let TypeKind::Object(object) = &definition.kind
            && object.implements.iter().any(|interface| interface.node == "Node")
        {
            assert_eq!(shape(&definition)["id"], "ID!", "{name}");
        }
    }
}

#[test]
fn a_mutation_takes_one_input_and_answers_one_payload() {
    let types = types();
    for field in fields(&types["Mutation"]) {
        let name = field.name.node.as_str();
        let taken: Vec<&str> = arguments(field)
            .iter()
            .map(|argument| argument.name.node.as_str())
            .collect();
        assert_eq!(taken, ["input"], "{name}");
        let payload = field.ty.node.to_string();
        assert!(payload.ends_with("Payload!"), "{name} answers {payload}");
        let payload = shape(&types[payload.trim_end_matches('!')]);
        assert_eq!(payload["userErrors"], "[UserError!]!", "{name}");
    }
}

#[test]
fn the_names_that_outside_programs_rely_on_are_there() {
    let types = types();
    for (owner, names) in [
        (
            "Query",
            "viewer node nodes company companies contacts assets groups syncRuns",
        ),
        (
            "Mutation",
            "createCompany deleteCompany connect disconnect syncCompany releaseHeldChanges",
        ),
        (
            "Mutation",
            "discardHeldChanges updateSyncRules createServiceToken revokeServiceToken",
        ),
        ("Subscription", "syncStatus"),
        (
            "Company",
            "id name externalId tenant contacts assets groups syncRuns latestSync nextSyncAt",
        ),
        ("Tenant", "status"),
        ("Contact", "state accountEnabled company groups assets"),
        (
            "SyncRun",
            "id kind trigger mode dryRun status message stage progress counts stages requests changes",
        ),
        (
            "SyncRun",
            "heldChanges failure queuedAt startedAt finishedAt requestedBy",
        ),
        (
            "SyncCounts",
            "kind read created updated unchanged deactivated held skipped",
        ),
        ("SyncFailure", "code message remedy"),
        ("UserError", "code message path"),
        ("SyncCompanyPayload", "syncRun joined"),
        ("ConnectPayload", "consentUrl"),
    ] {
        let shape = shape(&types[owner]);
        for name in names.split(' ') {
            assert!(shape.contains_key(name), "{owner}.{name}");
        }
    }
}
