//! What a document may ask for, judged before anything else looks at it.
//!
//! The danger: a document that asks for much more than its size tells. Here the document is read first, and its
//! **expanded** selection is walked with a budget: whatever is beyond it is refused unread. The walk holds for every door, for it is an extension of the
//! schema; the doors call [`read`] themselves where they have to know the operation before it runs.

use std::convert::Infallible;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest};
use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, FragmentDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Pos, Positioned, Request, ServerError, ServerResult, Value, Variables};

/// Brackets within brackets, counted in the text: the parser recurses.
const BRACKETS: usize = 64;
/// Fields within fields. Introspection by GraphiQL takes 15.
const DEPTH: usize = 20;
/// Selections within selections, fragments included.
const NESTING: usize = 32;
/// Selections in the whole document with every fragment written out where it is spread.
const SELECTIONS: usize = 5_000;
/// Fields of one operation that are given another name.
const ALIASES: usize = 30;
/// Fields at the root of one operation.
const ROOT_FIELDS: usize = 20;
/// Directives on one place.
const DIRECTIVES: usize = 5;
/// Values that the answer may have to hold when every page is full.
const ANSWER: u64 = 250_000;
/// The page that is served where none is asked for, and the largest.
const PAGE: (u64, u64) = (25, 100);

/// The extension that holds every request to the limits.
pub struct Limits;

impl ExtensionFactory for Limits {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Limits)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Limits {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        read(&mut request)?;
        next.run(ctx, request).await
    }
}

/// Parses the request's document, once, and refuses what is beyond the limits.
///
/// # Errors
/// What the parser says, code `LIMIT` with the limit by name, or code `BAD_INPUT` for what would not be answered.
pub fn read(request: &mut Request) -> ServerResult<&ExecutableDocument> {
    few_brackets(&request.query)?;
    let variables = request.variables.clone();
    let document = request.parsed_query()?;
    judge(document, &variables)?;
    Ok(document)
}

fn refused(limit: &str, most: impl std::fmt::Display, at: Option<Pos>) -> ServerError {
    let message = format!("The document is beyond the limit of {most} {limit}. Ask for less at once.");
    coded("LIMIT", message, at)
}

fn coded(code: &str, message: impl Into<String>, at: Option<Pos>) -> ServerError {
    let mut error = ServerError::new(message, at);
    error.extensions.get_or_insert_default().set("code", code);
    error
}

/// The text is not parsed yet, so brackets in strings and comments count too. Nobody needs 64 of them.
fn few_brackets(query: &str) -> ServerResult<()> {
    let mut open: usize = 0;
    for byte in query.bytes() {
        match byte {
            b'{' | b'[' | b'(' => open += 1,
            b'}' | b']' | b')' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > BRACKETS {
            return Err(refused("brackets within brackets", BRACKETS, None));
        }
    }
    Ok(())
}

fn judge(document: &ExecutableDocument, variables: &Variables) -> ServerResult<()> {
    let mut walk = Walk {
        document,
        variables,
        selections: 0,
        aliases: 0,
        root_fields: 0,
    };
    for (_, operation) in document.operations.iter() {
        few_directives(&operation.node.directives)?;
        for variable in &operation.node.variable_definitions {
            few_directives(&variable.node.directives)?;
        }
        (walk.aliases, walk.root_fields) = (0, 0);
        if operation.node.ty == OperationType::Subscription {
            plain_root(&operation.node.selection_set)?;
        }
        let answer = walk.set(&operation.node.selection_set, 0, 0)?.answer;
        if answer > ANSWER {
            return Err(refused(
                "values in an answer, with every page full",
                ANSWER,
                Some(operation.pos),
            ));
        }
    }
    // Validation reads them whether or not they are spread.
    for fragment in document.fragments.values() {
        few_directives(&fragment.node.directives)?;
        (walk.aliases, walk.root_fields) = (0, 0);
        walk.set(&fragment.node.selection_set, 1, 1)?;
    }
    Ok(())
}

/// Streams begin for the fields that are written at the root itself: whoever watched through a fragment would hear nothing.
fn plain_root(root: &Positioned<SelectionSet>) -> ServerResult<()> {
    let fragment = |item: &&Positioned<Selection>| !matches!(item.node, Selection::Field(_));
    match root.node.items.iter().find(fragment) {
        Some(fragment) => Err(coded(
            "BAD_INPUT",
            "Write the field of a subscription at its root, not in a fragment.",
            Some(fragment.pos),
        )),
        None => Ok(()),
    }
}

fn few_directives(directives: &[Positioned<Directive>]) -> ServerResult<()> {
    match directives.get(DIRECTIVES) {
        Some(one_more) => Err(refused("directives in one place", DIRECTIVES, Some(one_more.pos))),
        None => Ok(()),
    }
}

struct Walk<'d> {
    document: &'d ExecutableDocument,
    variables: &'d Variables,
    selections: usize,
    aliases: usize,
    root_fields: usize,
}

/// What a selection may come to.
#[derive(Default)]
struct Extent {
    /// Values that its answer may hold.
    answer: u64,
    /// Whether it asks for `edges`, here or in a fragment that belongs here: then it is of a connection.
    edges: bool,
}

impl<'d> Walk<'d> {
    fn set(&mut self, set: &'d Positioned<SelectionSet>, depth: usize, nesting: usize) -> ServerResult<Extent> {
        if nesting > NESTING {
            return Err(refused("selections within selections", NESTING, Some(set.pos)));
        }
        let mut extent = Extent::default();
        for selection in &set.node.items {
            self.selections += 1;
            if self.selections > SELECTIONS {
                return Err(refused(
                    "fields, fragments written out",
                    SELECTIONS,
                    Some(selection.pos),
                ));
            }
            let more = match &selection.node {
                Selection::Field(field) => Extent {
                    answer: self.field(field, depth, nesting)?,
                    edges: field.node.name.node == "edges",
                },
                Selection::InlineFragment(fragment) => {
                    few_directives(&fragment.node.directives)?;
                    self.set(&fragment.node.selection_set, depth, nesting + 1)?
                }
                Selection::FragmentSpread(spread) => {
                    few_directives(&spread.node.directives)?;
                    match self.fragment(&spread.node.fragment_name.node) {
                        Some(fragment) => self.set(&fragment.node.selection_set, depth, nesting + 1)?,
                        None => Extent::default(), // validation says which is missing
                    }
                }
            };
            extent.answer = extent.answer.saturating_add(more.answer);
            extent.edges |= more.edges;
        }
        Ok(extent)
    }

    fn fragment(&self, name: &Name) -> Option<&'d Positioned<FragmentDefinition>> {
        self.document.fragments.get(name)
    }

    fn field(&mut self, field: &'d Positioned<Field>, depth: usize, nesting: usize) -> ServerResult<u64> {
        few_directives(&field.node.directives)?;
        if depth >= DEPTH {
            return Err(refused("fields within fields", DEPTH, Some(field.pos)));
        }
        self.aliases += usize::from(field.node.alias.is_some());
        if self.aliases > ALIASES {
            return Err(refused("aliases in an operation", ALIASES, Some(field.pos)));
        }
        self.root_fields += usize::from(depth == 0);
        if self.root_fields > ROOT_FIELDS {
            return Err(refused(
                "fields at the root of an operation",
                ROOT_FIELDS,
                Some(field.pos),
            ));
        }
        let below = self.set(&field.node.selection_set, depth + 1, nesting + 1)?;
        let times = self.times(&field.node, below.edges);
        Ok(below.answer.saturating_mul(times).saturating_add(1))
    }

    /// How many times the selection below a field may be answered.
    fn times(&self, field: &Field, is_connection: bool) -> u64 {
        let asked = ["first", "last", "ids"]
            .iter()
            .filter_map(|name| {
                count(field.get_argument(name)?.node.clone().into_const_with(|variable| {
                    // A default that is not seen here may be anything.
                    Ok::<_, Infallible>(self.variables.get(&variable).cloned().unwrap_or_else(|| PAGE.1.into()))
                }))
            })
            .max();
        match asked {
            Some(asked) => asked.clamp(1, PAGE.1),
            None if is_connection => PAGE.0,
            None => 1,
        }
    }
}

/// How many a number, or a list, asks for.
fn count(value: Result<Value, Infallible>) -> Option<u64> {
    match value {
        Ok(Value::Number(number)) => number.as_u64(),
        Ok(Value::List(items)) => items.len().try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(query: impl Into<String>) -> Option<String> {
        code_of(Request::new(query))
    }

    fn code_of(mut request: Request) -> Option<String> {
        let error = read(&mut request).err()?;
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        Some(
            match code {
                Some(Value::String(code)) => format!("{code}: {}", error.message),
                _ => panic!("refused by the parser: {}", error.message),
            }
            .split(". ")
            .next()
            .unwrap_or_default()
            .to_owned(),
        )
    }

    fn nested(levels: usize) -> String {
        format!("{}{}", "{a".repeat(levels), "}".repeat(levels))
    }

    #[test]
    fn what_people_ask_is_within_the_limits() {
        assert_eq!(
            code(
                "{ viewer { name } companies(first: 100) { edges { node { id contacts { edges { node { id } } } } } } }"
            ),
            None
        );
        assert_eq!(code(nested(DEPTH)), None);
    }

    #[test]
    fn fields_within_fields_are_limited() {
        assert_eq!(
            code(nested(DEPTH + 1)).unwrap(),
            "LIMIT: The document is beyond the limit of 20 fields within fields"
        );
    }

    #[test]
    fn brackets_are_counted_before_the_parser_recurses() {
        let limit = "LIMIT: The document is beyond the limit of 64 brackets within brackets";
        assert_eq!(code(nested(100_000)).unwrap(), limit);
        assert_eq!(code(format!("{{a(b: {}", "[".repeat(100_000))).unwrap(), limit);
    }

    #[test]
    fn fragments_count_wherever_they_are_spread() {
        let mut document = String::from("{ a { ...F0 } }");
        for level in 0..12 {
            document += &format!(
                " fragment F{level} on T {{ x{} }}",
                format!(" ...F{}", level + 1).repeat(4)
            );
        }
        document += " fragment F12 on T { __typename }";
        assert_eq!(
            code(document).unwrap(),
            "LIMIT: The document is beyond the limit of 5000 fields, fragments written out"
        );
    }

    #[test]
    fn a_fragment_that_spreads_itself_ends() {
        assert!(code("{ ...F } fragment F on T { ...F }").unwrap().starts_with("LIMIT"));
        assert!(
            code("{ a } fragment F on T { ...F }").unwrap().starts_with("LIMIT"),
            "also one that nothing spreads"
        );
    }

    #[test]
    fn aliases_are_limited() {
        let aliases: String = (0..=ALIASES).map(|n| format!("a{n}: b ")).collect();
        assert_eq!(
            code(format!("{{ x {{ {aliases} }} }}")).unwrap(),
            "LIMIT: The document is beyond the limit of 30 aliases in an operation"
        );
    }

    #[test]
    fn fields_at_the_root_are_limited_through_fragments_too() {
        let fields = "a ".repeat(ROOT_FIELDS);
        assert_eq!(code(format!("{{ {fields} }}")), None);
        assert!(
            code(format!("{{ {fields} ...F }} fragment F on Query {{ b }}"))
                .unwrap()
                .contains("at the root")
        );
    }

    #[test]
    fn directives_are_limited_in_every_place() {
        let many = " @a".repeat(DIRECTIVES + 1);
        for document in [
            format!("{{ x{many} }}"),
            format!("query{many} {{ x }}"),
            format!("query($v: Int{many}) {{ x }}"),
            format!("{{ ...{many} {{ x }} }}"),
            format!("{{ ...F{many} }} fragment F on T {{ x }}"),
            format!("{{ ...F }} fragment F on T{many} {{ x }}"),
        ] {
            assert!(
                code(&document).is_some_and(|said| said.contains("directives in one place")),
                "{document}"
            );
        }
    }

    #[test]
    fn pages_within_pages_multiply() {
        let page = |inner: &str| format!("a(first: 100) {{ edges {{ node {{ {inner} }} }} }}");
        assert_eq!(code(format!("{{ {} }}", page(&page("id")))), None);
        let three = format!("{{ {} }}", page(&page(&page("id"))));
        assert!(code(three).unwrap().contains("values in an answer"));
        let by_variable = format!(
            "query($n: Int!) {{ {} }}",
            page(&page(&page("id"))).replace("100", "$n")
        );
        assert!(code(by_variable).unwrap().contains("values in an answer"));
    }

    #[test]
    fn a_connection_counts_wherever_its_edges_are_written() {
        let direct = |inner: &str| format!("a {{ edges {{ node {{ {inner} }} }} }}");
        let inline = |inner: &str| format!("a {{ ... {{ ... on C {{ edges {{ node {{ {inner} }} }} }} }} }}");
        let four = |page: &dyn Fn(&str) -> String| format!("{{ {} }}", page(&page(&page(&page("id")))));
        let spread = "{ a { ...F4 } } fragment F4 on C { edges { node { a { ...F3 } } } }
            fragment F3 on C { edges { node { a { ...F2 } } } } fragment F2 on C { edges { node { a { ...F1 } } } }
            fragment F1 on C { ...F0 } fragment F0 on C { edges { node { id } } }";
        for document in [four(&direct), four(&inline), spread.to_owned()] {
            assert!(
                code(&document).is_some_and(|said| said.contains("values in an answer")),
                "{document}"
            );
        }
    }

    #[test]
    fn nodes_count_their_ids() {
        let inner = "a(first: 100) { edges { node { a(first: 25) { edges { node { id } } } } } }";
        let ids = |ids: &str| format!("query($ids: [ID!]!, $id: ID!) {{ nodes(ids: {ids}) {{ {inner} }} }}");
        let given = |count: usize| {
            let variables = serde_json::json!({"ids": vec!["x"; count]});
            code_of(Request::new(ids("$ids")).variables(async_graphql::Variables::from_json(variables)))
        };
        let literal = |count: usize| code(ids(&format!("[{}]", "\"x\" ".repeat(count))));
        assert_eq!(given(2), None);
        assert_eq!(literal(2), None);
        assert!(given(50).unwrap().contains("values in an answer"));
        assert!(literal(50).unwrap().contains("values in an answer"));
        assert!(
            code(ids("$ids")).unwrap().contains("values in an answer"),
            "what is not known may be all that is allowed"
        );
    }

    #[test]
    fn a_subscription_names_its_field_at_the_root() {
        assert_eq!(code("subscription { a }"), None);
        for document in [
            "subscription { ...F } fragment F on Subscription { a }",
            "subscription { ... on Subscription { a } }",
            "query Q { a } subscription S { b ... { a } }",
        ] {
            assert!(code(document).unwrap().starts_with("BAD_INPUT"), "{document}");
        }
        assert_eq!(code("subscription { a { ...F } } fragment F on T { b }"), None);
    }
}
