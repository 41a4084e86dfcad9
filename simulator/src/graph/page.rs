//! Plain listings, page by page.
//!
//! A skip token is a position. The danger is a listing that changes while it is read: positions are
//! indices of objects that never move, so nobody is shown twice or left out by somebody else's leaving.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, Failure};
use super::filter::Filter;
use super::permission::Granted;
use super::posture::value_of;
use super::request::Request;
use super::write::{self, Selection, Show};
use crate::directory::{Directory, Kind};
use crate::posture::Posture;

/// Default and largest page.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub default: usize,
    pub largest: usize,
}

/// Users, groups and members.
pub const DIRECTORY: Sizes = Sizes {
    default: 100,
    largest: 999,
};
/// Intune's lists.
pub const INTUNE: Sizes = Sizes {
    default: 1000,
    largest: 1000,
};

impl Sizes {
    /// `$top`, clamped.
    pub fn of(self, request: &Request) -> Result<usize, Failure> {
        match request.option("$top") {
            None => Ok(self.default),
            Some(top) => match top.parse::<usize>() {
                Ok(top) if top > 0 => Ok(top.min(self.largest)),
                _ => Err(Failure::new(
                    400,
                    "BadRequest",
                    &format!(
                        "Invalid value '{top}' for $top query option found. The $top query option requires a non-negative integer value."
                    ),
                )),
            },
        }
    }
}

pub(super) fn position(request: &Request) -> Result<u32, Failure> {
    let Some(token) = request.option("$skiptoken") else {
        return Ok(0);
    };
    let expired = || {
        Failure::new(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.",
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| expired())?;
    let text = bytes.strip_prefix(b"RFNwdAIAAQ:").ok_or_else(expired)?;
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(expired)
}

fn skip_token(position: u32) -> String {
    URL_SAFE_NO_PAD.encode(format!("RFNwdAIAAQ:{position}"))
}

/// The same request at another position.
pub(super) fn next_link(request: &Request, position: u32) -> String {
    let kept = request.query.split('&').filter(|pair| {
        let key = pair.split('=').next().unwrap_or_default();
        !pair.is_empty()
            && !key
                .trim_start_matches("%24")
                .trim_start_matches('$')
                .eq_ignore_ascii_case("skiptoken")
    });
    let query: Vec<String> = kept
        .map(str::to_owned)
        .chain([format!("$skiptoken={}", skip_token(position))])
        .collect();
    format!("{}{}?{}", request.origin, request.path, query.join("&"))
}

/// A page under construction: the items go in as they are written.
pub struct Page {
    body: Vec<u8>,
    first: bool,
}

impl Page {
    pub fn new(request: &Request, context: &str) -> Self {
        let mut body = Vec::with_capacity(64 * 1024);
        body.extend_from_slice(b"{\"@odata.context\":");
        write::string(&format!("{}/v1.0/$metadata#{context}", request.origin), &mut body);
        Self { body, first: true }
    }

    pub fn member(&mut self, name: &str, value: &Value) {
        self.body.extend_from_slice(format!(",\"{name}\":{value}").as_bytes());
    }

    pub fn open(&mut self) {
        self.body.extend_from_slice(b",\"value\":[");
    }

    pub fn item(&mut self) -> &mut Vec<u8> {
        if !self.first {
            self.body.push(b',');
        }
        self.first = false;
        &mut self.body
    }

    pub fn close(mut self, link: Option<(&str, String)>) -> Answer {
        self.body.push(b']');
        if let Some((name, url)) = link {
            self.member(name, &Value::String(url));
        }
        self.body.push(b'}');
        Answer::json(self.body)
    }
}

const LIST_OPTIONS: &[&str] = &[
    "select",
    "filter",
    "top",
    "count",
    "skiptoken",
    "orderby",
    "expand",
    "search",
];

/// Refuses options that the collection does not take, by Graph's message.
pub fn check_options(request: &Request, known: &[&str]) -> Result<(), Failure> {
    for option in request.options() {
        let bare = option.trim_start_matches('$').to_lowercase();
        if !known.contains(&bare.as_str())
            && (option.starts_with('$') || LIST_OPTIONS.contains(&bare.as_str()) || bare == "skip")
        {
            return Err(Failure::new(
                400,
                "Request_UnsupportedQuery",
                &format!("'{option}' is not supported by the service."),
            ));
        }
    }
    Ok(())
}

/// The filter of a request, refused where it needs more than was given.
pub fn filter_of(request: &Request) -> Result<Option<Filter>, Failure> {
    let Some(text) = request.option("$filter") else {
        return Ok(None);
    };
    let filter = Filter::parse(&text)?;
    let counted = request.option("$count").is_some_and(|count| count == "true");
    if filter.advanced() && !(request.eventual() && counted) {
        return Err(Failure::new(
            400,
            "Request_UnsupportedQuery",
            "Operator is not supported because the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more information",
        ));
    }
    Ok(Some(filter))
}

/// `GET /users`, `/groups`, `/deviceManagement/managedDevices`.
pub fn list(directory: &Directory, request: &Request, kind: Kind, posture: &Posture) -> Result<Answer, Failure> {
    check_options(request, &["select", "filter", "top", "count", "skiptoken"])?;
    let selection = Selection::parse(kind, request.option("$select").as_deref())?.for_collection(kind)?;
    let sizes = if kind == Kind::Device { INTUNE } else { DIRECTORY };
    let mut top = sizes.of(request)?;
    if request.asks_for_sign_ins() {
        top = top.min(500);
    }
    let filter = filter_of(request)?;
    let admitted = |index: &u32| {
        filter
            .as_ref()
            .is_none_or(|filter| filter.admits(&|name| value_of(directory, posture, kind, *index, name)))
    };
    let start = position(request)?;
    let name = match kind {
        Kind::Person => "users",
        Kind::Group => "groups",
        Kind::Device => "deviceManagement/managedDevices",
    };
    let mut page = Page::new(request, &format!("{name}{}", selection.context()));
    let wants_count = request.option("$count").is_some_and(|count| count == "true") && request.eventual();
    if kind == Kind::Device || (wants_count && start == 0) {
        let count = if filter.is_none() {
            directory.live_count(kind)
        } else {
            directory.live_from(kind, 0).filter(admitted).count()
        };
        page.member("@odata.count", &json!(count));
    }
    page.open();
    let mut found = directory.live_from(kind, start).filter(admitted);
    for index in found.by_ref().take(top) {
        person_or(directory, posture, kind, index, &selection, "", page.item());
    }
    let link = found.next().map(|index| ("@odata.nextLink", next_link(request, index)));
    Ok(page.close(link))
}

/// `GET /users/$count` and its like.
pub fn count(directory: &Directory, request: &Request, kind: Kind) -> Result<Answer, Failure> {
    if !request.eventual() {
        return Err(Failure::bad_request("$count is not currently supported."));
    }
    let filter = request.option("$filter").map(|text| Filter::parse(&text)).transpose()?;
    let count = match filter {
        None => directory.live_count(kind),
        Some(filter) => directory
            .live_from(kind, 0)
            .filter(|index| filter.admits(&|name| write::value_of(directory, kind, *index, name)))
            .count(),
    };
    Ok(Answer::text(count.to_string()))
}

/// `GET /groups/{id}/members` and `/transitiveMembers`, whole or cast to one type.
pub fn members(
    directory: &Directory,
    request: &Request,
    group: u32,
    transitive: bool,
    cast: Option<&str>,
    granted: &Granted,
) -> Result<Answer, Failure> {
    check_options(request, &["select", "top", "count", "skiptoken"])?;
    let kinds = match cast {
        None => vec![Kind::Person, Kind::Group],
        Some("microsoft.graph.user") => vec![Kind::Person],
        Some("microsoft.graph.group") => vec![Kind::Group],
        Some(other) => {
            return Err(Failure::bad_request(&format!(
                "Resource not found for the segment '{other}'."
            )));
        }
    };
    let start = position(request)? as usize;
    let top = DIRECTORY.of(request)?;
    let all: Box<dyn Iterator<Item = (usize, Kind, Uuid)>> = if transitive {
        let everybody = directory.transitive_members(group).into_iter().enumerate().skip(start);
        Box::new(everybody.map(|(slot, (kind, id))| (slot, kind, id)))
    } else {
        Box::new(directory.live_members_from(group, start))
    };
    let select = request.option("$select");
    let shown = |kind| member_selection(kind, select.as_deref());
    let (people, groups) = (shown(Kind::Person)?, shown(Kind::Group)?);
    let mut page = Page::new(request, "directoryObjects");
    if request.option("$count").is_some_and(|count| count == "true") && request.eventual() {
        let members = if transitive {
            directory.transitive_members(group)
        } else {
            directory.live_members(group).collect()
        };
        page.member(
            "@odata.count",
            &json!(members.iter().filter(|(kind, _)| kinds.contains(kind)).count()),
        );
    }
    page.open();
    let mut chosen = all.filter(|(_, kind, _)| kinds.contains(kind));
    for (_, kind, id) in chosen.by_ref().take(top) {
        let kind_of_type = format!("\"@odata.type\":\"#{}\"", kind.graph_type());
        let index = directory
            .index_of(kind, id)
            .expect("a listed member is in the directory");
        let selection = if kind == Kind::Person { &people } else { &groups };
        if kind == Kind::Person && !granted.reads_users() {
            write_bare(id, selection, &kind_of_type, page.item());
        } else {
            write::object(
                directory,
                kind,
                index,
                selection,
                Show::Everything,
                &kind_of_type,
                page.item(),
            );
        }
    }
    let link = chosen
        .next()
        .map(|(slot, _, _)| ("@odata.nextLink", next_link(request, slot as u32)));
    Ok(page.close(link))
}

/// A member list mixes types: a property that one of them lacks is left out there.
fn member_selection(kind: Kind, select: Option<&str>) -> Result<Selection, Failure> {
    let known = select.map(|select| {
        let known: Vec<&str> = select
            .split(',')
            .map(str::trim)
            .filter(|name| kind.properties().contains(name))
            .collect();
        if known.is_empty() {
            "id".to_owned()
        } else {
            known.join(",")
        }
    });
    Selection::parse(kind, known.as_deref())
}

/// A member that the application may not read: its type and id, and null for all the rest.
pub(super) fn write_bare(id: Uuid, selection: &Selection, kind_of_type: &str, out: &mut Vec<u8>) {
    let rest: String = selection
        .names()
        .iter()
        .filter(|name| **name != "id")
        .map(|name| format!(",\"{name}\":{}", if *name == "businessPhones" { "[]" } else { "null" }))
        .collect();
    out.extend_from_slice(format!("{{{kind_of_type},\"id\":\"{id}\"{rest}}}").as_bytes());
}

/// One object by its id.
pub fn single(
    directory: &Directory,
    request: &Request,
    kind: Kind,
    index: u32,
    posture: &Posture,
) -> Result<Answer, Failure> {
    check_options(request, &["select", "expand"])?;
    let selection = Selection::parse(kind, request.option("$select").as_deref())?;
    let name = match kind {
        Kind::Person => "users",
        Kind::Group => "groups",
        Kind::Device => "deviceManagement/managedDevices",
    };
    let mut context = Vec::new();
    write::string(
        &format!(
            "{}/v1.0/$metadata#{name}{}/$entity",
            request.origin,
            selection.context()
        ),
        &mut context,
    );
    let extra = format!("\"@odata.context\":{}", String::from_utf8_lossy(&context));
    let mut body = Vec::new();
    person_or(directory, posture, kind, index, &selection, &extra, &mut body);
    Ok(Answer::json(body))
}

/// Writes an object; a person's sign-ins, where they are selected, come from outside the directory.
fn person_or(
    directory: &Directory,
    posture: &Posture,
    kind: Kind,
    index: u32,
    selection: &Selection,
    extra: &str,
    out: &mut Vec<u8>,
) {
    if kind != Kind::Person || !selection.has("signInActivity") {
        return write::object(directory, kind, index, selection, Show::Everything, extra, out);
    }
    let comma = if extra.is_empty() { "" } else { "," };
    let extra = format!("{extra}{comma}\"signInActivity\":{}", posture.sign_in(directory, index));
    let rest = selection.clone().without("signInActivity");
    write::object(directory, kind, index, &rest, Show::Everything, &extra, out);
}
