//! Every question that the schema allows, made of the schema itself: each field of each type once, by the shortest way
//! from a root, and once more with every id that it can be asked with. A field, an argument or an input that is added is
//! asked without anybody having thought of it; one that nobody can say a value for stops the test.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, InputValueDefinition, Type, TypeKind, TypeSystemDefinition};
use tenantry::graphql::id::IdOf;
use tenantry::graphql::sdl;
use uuid::Uuid;

use crate::evidence::kept::CHECK;

/// Arguments that name nothing of anybody's: which stretch of a list, what something is to be called, and what Microsoft says of
/// a record.
const NAMES_NOTHING: [&str; 31] = [
    "first",
    "after",
    "last",
    "before",
    "name",
    "expiresInDays",
    "returnTo",
    "expectedDomain",
    "userType",
    "complianceState",
    "operatingSystem",
    "onlyGroups",
    "excludePatterns",
    "area",
    "asOf",
    "changedAt",
    "checkId",
    "expiresAt",
    "framework",
    "from",
    "notComplianceState",
    "owner",
    "reason",
    "reference",
    "to",
    "resource",
    "state",
    "atLeast",
    "atMost",
    "everyHours",
    "percent",
];

/// The ids of somebody's things, to ask for.
#[derive(Clone, Debug)]
pub struct Things {
    pub whose: &'static str,
    pub company: Uuid,
    pub contact: Uuid,
    pub group: Uuid,
    pub asset: Uuid,
    pub run: Uuid,
    pub token: Uuid,
    pub session: Uuid,
    pub event: Uuid,
    pub declaration: Uuid,
}

impl Things {
    /// Ids that nothing has yet.
    pub fn unheard_of(whose: &'static str) -> Self {
        let [company, contact, group, asset, run, token, session, event, declaration] =
            std::array::from_fn(|_| Uuid::now_v7());
        Self {
            whose,
            company,
            contact,
            group,
            asset,
            run,
            token,
            session,
            event,
            declaration,
        }
    }

    fn nodes(&self) -> [(IdOf, Uuid); 9] {
        [
            (IdOf::Company, self.company),
            (IdOf::Contact, self.contact),
            (IdOf::ContactGroup, self.group),
            (IdOf::Asset, self.asset),
            (IdOf::SyncRun, self.run),
            (IdOf::ServiceToken, self.token),
            (IdOf::Session, self.session),
            (IdOf::AuditEvent, self.event),
            (IdOf::EvidenceDeclaration, self.declaration),
        ]
    }

    /// What to write for an argument or for a field of an input, in every way that names something of theirs, and what to
    /// call it.
    fn literals(&self, field: &str, name: &str) -> Vec<(String, String)> {
        let show = |(of, id): (IdOf, Uuid)| format!("\"{}\"", of.show(id).0);
        let one = |of, id| vec![(name.to_owned(), show((of, id)))];
        match (field, name) {
            ("node", "id") => {
                let called = |node: (IdOf, Uuid)| (format!("{} {name}", node.0.words()), show(node));
                self.nodes().map(called).to_vec()
            }
            ("nodes", "ids") => vec![(name.to_owned(), format!("[{}]", self.nodes().map(show).join(", ")))],
            ("company", "id") | (_, "companyId") => one(IdOf::Company, self.company),
            (_, "companyIds") => vec![(name.to_owned(), format!("[{}]", show((IdOf::Company, self.company))))],
            (_, "externalId") => vec![(name.to_owned(), format!("\"{}\"", self.company))],
            (_, "contactId") => one(IdOf::Contact, self.contact),
            (_, "groupId") => one(IdOf::ContactGroup, self.group),
            (_, "recordId") => one(IdOf::Contact, self.contact),
            (_, "syncRunId") => one(IdOf::SyncRun, self.run),
            (_, "sessionId") => one(IdOf::Session, self.session),
            (_, "serviceTokenId") => one(IdOf::ServiceToken, self.token),
            (_, "declarationId") => one(IdOf::EvidenceDeclaration, self.declaration),
            (_, "objectId") => vec![(name.to_owned(), format!("\"{}\"", self.whose))],
            (_, "search") => vec![(name.to_owned(), format!("\"{}\"", self.whose))],
            _ => Vec::new(),
        }
    }
}

/// One question.
#[derive(Clone, Debug)]
pub struct Document {
    /// The type and the field that it is about, and what it was asked with.
    pub about: String,
    /// Whether the field is one of a root.
    pub root: bool,
    /// Whether it is a subscription, of which the first answer counts.
    pub watches: bool,
    pub text: String,
}

struct Argument {
    name: String,
    of: Type,
    required: bool,
}

struct Field {
    name: String,
    of: String,
    nullable: bool,
    arguments: Vec<Argument>,
}

impl Field {
    /// Whether it moves with the clock, and so differs between two answers for no other reason.
    fn moves(&self) -> bool {
        ["nextSyncAt", "asOf", "ageSeconds"].contains(&self.name.as_str())
    }

    fn needs_something(&self) -> bool {
        self.arguments.iter().any(|argument| argument.required)
    }
}

/// The schema, as far as it matters to somebody who asks.
pub struct Shape {
    objects: BTreeMap<String, Vec<Field>>,
    /// The objects that an interface or a union may be.
    kinds: BTreeMap<String, Vec<String>>,
    inputs: BTreeMap<String, Vec<Argument>>,
    enums: BTreeSet<String>,
}

impl Shape {
    pub fn read() -> Self {
        let document = parse_schema(sdl()).expect("the schema is a schema");
        let mut shape = Self {
            objects: BTreeMap::new(),
            kinds: BTreeMap::new(),
            inputs: BTreeMap::new(),
            enums: BTreeSet::new(),
        };
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let (name, kind) = (definition.node.name.to_string(), definition.node.kind);
            match kind {
                TypeKind::Object(object) => {
                    for interface in object.implements {
                        let kinds = shape.kinds.entry(interface.to_string()).or_default();
                        kinds.push(name.clone());
                    }
                    let fields = object.fields.into_iter().map(|field| Field {
                        name: field.node.name.to_string(),
                        of: innermost(&field.node.ty.node),
                        nullable: field.node.ty.node.nullable,
                        arguments: field.node.arguments.iter().map(argument).collect(),
                    });
                    shape.objects.insert(name, fields.collect());
                }
                TypeKind::Union(union) => {
                    let members = union.members.iter().map(ToString::to_string);
                    shape.kinds.entry(name).or_default().extend(members);
                }
                TypeKind::InputObject(input) => {
                    shape.inputs.insert(name, input.fields.iter().map(argument).collect());
                }
                TypeKind::Enum(_) => {
                    shape.enums.insert(name);
                }
                TypeKind::Scalar | TypeKind::Interface(_) => {}
            }
        }
        shape
    }

    /// The types that have fields.
    pub fn objects(&self) -> impl Iterator<Item = &str> {
        self.objects.keys().map(String::as_str)
    }

    fn is_leaf(&self, of: &str) -> bool {
        !self.objects.contains_key(of) && !self.kinds.contains_key(of)
    }

    /// What is selected of a type: its leaves, through a page's edges to the leaves of its nodes.
    fn selection(&self, of: &str) -> String {
        if let Some(kinds) = self.kinds.get(of) {
            let parts = kinds
                .iter()
                .map(|kind| format!("... on {kind} {{ {} }}", self.selection(kind)));
            return format!("__typename {}", parts.collect::<Vec<_>>().join(" "));
        }
        let mut parts = vec!["__typename".to_owned()];
        for field in &self.objects[of] {
            let through = of.ends_with("Connection") || of.ends_with("Edge") || field.name == "userErrors";
            if field.moves() || field.needs_something() {
                continue;
            }
            if self.is_leaf(&field.of) {
                parts.push(field.name.clone());
            } else if through {
                parts.push(format!("{} {{ {} }}", field.name, self.selection(&field.of)));
            }
        }
        parts.join(" ")
    }

    /// How a field can be asked: with nothing that is not needed, and with each thing of each owner.
    fn calls(&self, field: &Field, owners: &[&Things]) -> Vec<(String, String)> {
        let needed = |owner: &Things, but: &str| -> Vec<String> {
            let needed = field.arguments.iter().filter(|argument| argument.required);
            needed
                .filter(|argument| argument.name != but)
                .map(|argument| format!("{}: {}", argument.name, self.value(owner, &field.name, argument)))
                .collect()
        };
        let mut calls = Vec::new();
        for owner in owners {
            for argument in &field.arguments {
                self.require_known(owner, &field.name, argument);
                for (called, literal) in owner.literals(&field.name, &argument.name) {
                    let mut all = needed(owner, &argument.name);
                    all.push(format!("{}: {literal}", argument.name));
                    calls.push((
                        format!("{} {called}", owner.whose),
                        format!("{}({})", field.name, all.join(", ")),
                    ));
                }
            }
        }
        if calls.is_empty() || !field.needs_something() {
            let all = needed(owners[0], "");
            let arguments = if all.is_empty() {
                String::new()
            } else {
                format!("({})", all.join(", "))
            };
            calls.push((String::new(), format!("{}{arguments}", field.name)));
        }
        calls
    }

    /// An argument that nobody has thought of might name something of somebody's, and would never be asked with: it has to have a
    /// literal, or to be known for one that names nothing.
    fn require_known(&self, owner: &Things, field: &str, argument: &Argument) {
        let of = innermost(&argument.of);
        let input = self.inputs.get(&of);
        for part in input.into_iter().flatten() {
            self.require_known(owner, field, part);
        }
        let known = input.is_some()
            || self.enums.contains(&of)
            || of == "Boolean"
            || NAMES_NOTHING.contains(&argument.name.as_str())
            || (field, argument.name.as_str()) == ("framework", "id")
            || !owner.literals(field, &argument.name).is_empty();
        assert!(
            known,
            "{field}: say in Things::literals what to ask with for {}, or in NAMES_NOTHING that it names nothing",
            argument.name
        );
    }

    /// A value that names something of theirs where it can.
    fn value(&self, owner: &Things, field: &str, argument: &Argument) -> String {
        if let Some((_, literal)) = owner.literals(field, &argument.name).into_iter().next() {
            return literal;
        }
        if let Some(input) = self.inputs.get(&innermost(&argument.of)) {
            let fields = input.iter().filter(|part| {
                part.required || !owner.literals(field, &part.name).is_empty() && part.name != "externalId"
            });
            let fields = fields.map(|part| format!("{}: {}", part.name, self.value(owner, field, part)));
            return format!("{{{}}}", fields.collect::<Vec<_>>().join(", "));
        }
        match (argument.name.as_str(), innermost(&argument.of).as_str()) {
            ("name", "String") => format!("\"{}\"", owner.whose),
            ("expiresInDays", "Int") => "1".to_owned(),
            ("first" | "last", "Int") => "5".to_owned(),
            ("checkId", "String") => format!("\"{CHECK}\""),
            ("id", "String") if field == "framework" => "\"soc2_2017_rev2022\"".to_owned(),
            ("from", "DateTime") => "\"2026-01-01T00:00:00Z\"".to_owned(),
            ("to", "DateTime") => "\"2026-02-01T00:00:00Z\"".to_owned(),
            ("kind", "DeclarationKind") => "EMERGENCY_ACCOUNT".to_owned(),
            ("owner" | "reason", "String") => format!("\"{}\"", owner.whose),
            (name, of) => panic!("{field}: say in Things::literals what to ask with for {name}, which is {of}"),
        }
    }

    /// Every question about every field that can be reached from the roots of queries and subscriptions.
    pub fn questions(&self, owners: &[&Things]) -> Vec<Document> {
        let mut documents = Vec::new();
        let mut reached = BTreeSet::new();
        for root in ["Query", "Subscription"] {
            for (of, way) in self.ways(root, owners[0]) {
                for field in self.objects[&of].iter().filter(|field| !field.moves()) {
                    documents.extend(self.calls(field, owners).into_iter().map(|(with, call)| Document {
                        about: format!("{of}.{} {with}", field.name).trim_end().to_owned(),
                        root: of == root,
                        watches: root == "Subscription",
                        text: self.document(root, &way, &call, &field.of),
                    }));
                }
                reached.insert(of);
            }
        }
        let of_mutations = |of: &&String| of.ends_with("Payload") || ["Mutation", "UserError"].contains(&of.as_str());
        let missed: Vec<_> = self
            .objects
            .keys()
            .filter(|of| !reached.contains(*of) && !of_mutations(of))
            .collect();
        assert!(missed.is_empty(), "no way leads to {missed:?}");
        documents
    }

    /// The shortest way from a root to each type, over what is always there where there is such a way, and never over a
    /// look-up by id, which leads to one thing alone.
    fn ways(&self, root: &str, owner: &Things) -> Vec<(String, Vec<String>)> {
        let mut ways = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = VecDeque::from([(root.to_owned(), Vec::new())]);
        let mut later = VecDeque::new();
        while let Some((of, way)) = next.pop_front().or_else(|| later.pop_front()) {
            if !seen.insert(of.clone()) {
                continue;
            }
            for field in &self.objects[&of] {
                let calls = self.calls(field, &[owner]);
                let Some((_, call)) = calls.into_iter().find(|(with, _)| with.is_empty()) else {
                    continue;
                };
                if of == root && field.nullable && !field.arguments.is_empty() {
                    continue;
                }
                let abstracts = self.kinds.get(&field.of);
                for kind in abstracts.map_or(std::slice::from_ref(&field.of), Vec::as_slice) {
                    let mut further = way.clone();
                    further.push(call.clone());
                    further.extend(abstracts.map(|_| format!("... on {kind}")));
                    let queue = if field.nullable { &mut later } else { &mut next };
                    if !self.is_leaf(kind) {
                        queue.push_back((kind.clone(), further));
                    }
                }
            }
            ways.push((of, way));
        }
        ways
    }

    /// Every mutation, about something of theirs.
    pub fn mutations(&self, owner: &Things) -> Vec<Document> {
        let ask = |field: &Field| Document {
            about: format!("Mutation.{}", field.name),
            root: true,
            watches: false,
            text: self.document("Mutation", &[], &self.calls(field, &[owner])[0].1, &field.of),
        };
        self.objects["Mutation"].iter().map(ask).collect()
    }

    fn document(&self, root: &str, way: &[String], call: &str, of: &str) -> String {
        let mut text = root.to_lowercase();
        for step in way {
            text += &format!(" {{ {step}");
        }
        text += &format!(" {{ {call}");
        if !self.is_leaf(of) {
            text += &format!(" {{ {} }}", self.selection(of));
        }
        text + &" }".repeat(way.len() + 1)
    }
}

fn argument(definition: &Positioned<InputValueDefinition>) -> Argument {
    let definition = &definition.node;
    Argument {
        name: definition.name.to_string(),
        of: definition.ty.node.clone(),
        required: !definition.ty.node.nullable && definition.default_value.is_none(),
    }
}

fn innermost(of: &Type) -> String {
    match &of.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(of) => innermost(of),
    }
}
