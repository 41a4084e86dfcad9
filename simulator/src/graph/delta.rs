//! Delta queries over people and groups.
//!
//! A round is `(since, until]` of the directory's log, or everything that there is where it starts
//! from nothing. Its token says all that the next page needs (options are pinned at the first
//! request), so nothing is kept between requests. What a page shows of an object is its state now:
//! a change that comes during a round shows in it or in the next one, possibly in both, never in none.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::{Answer, Failure};
use super::filter::Filter;
use super::page::{Page, check_options};
use super::request::Request;
use super::write::{self, Selection, Show};
use crate::directory::{Directory, Kind, Life, What};
use crate::world::Tenant;
use std::sync::atomic::Ordering;

/// Objects on a page.
const PAGE: usize = 200;
/// Members on a page, over all its groups; a larger group goes on on the next page.
const MEMBERS: usize = 2_000;

/// What a link carries from one request to the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Token {
    #[serde(rename = "i")]
    instance: u64,
    #[serde(rename = "e")]
    epoch: u64,
    #[serde(rename = "k")]
    kind: Kind,
    /// Where the round starts; without it, from nothing.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    /// Where the round ends: set on its first page.
    #[serde(rename = "u")]
    until: u64,
    /// The index that the page starts at, and the slot of the member that it goes on with.
    #[serde(rename = "p", default)]
    position: u32,
    #[serde(rename = "m", default)]
    members: usize,
    #[serde(rename = "q", skip_serializing_if = "Option::is_none")]
    select: Option<String>,
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    filter: Option<Vec<Uuid>>,
}

impl Token {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("a token serialises"))
    }

    fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

/// What happened to one object in a round.
#[derive(Default)]
struct Happened {
    created: bool,
    properties: BTreeSet<String>,
    joined: BTreeSet<Uuid>,
    left: BTreeSet<Uuid>,
    gone: bool,
}

/// `GET /users/delta` and `/groups/delta`, whatever its page.
pub fn delta(directory: &Directory, tenant: &Tenant, request: &Request, kind: Kind) -> Result<Answer, Failure> {
    check_options(request, &["select", "filter", "deltatoken", "skiptoken"])?;
    let token = token_of(directory, tenant, request, kind)?;
    let selection = Selection::parse(kind, token.select.as_deref())?
        .for_collection(kind)?
        .with_id();
    let name = if kind == Kind::Person { "users" } else { "groups" };
    let mut page = Page::new(request, &format!("{name}{}", selection.context()));
    page.open();
    let mut round = Round {
        directory,
        kind,
        selection: &selection,
        minimal: request.prefers("return=minimal"),
        left_on_page: PAGE,
        members_left: MEMBERS,
    };
    let stopped = match token.since {
        None => round.everything(&token, &mut page),
        Some(since) => round.changes(since, &token, &mut page),
    };
    let link = match stopped {
        Some((position, members)) => {
            let next = Token {
                position,
                members,
                ..token
            };
            (
                "@odata.nextLink",
                format!("{}{}?$skiptoken={}", request.origin, request.path, next.encode()),
            )
        }
        None => {
            let next = Token {
                since: Some(token.until),
                position: 0,
                members: 0,
                ..token
            };
            (
                "@odata.deltaLink",
                format!("{}{}?$deltatoken={}", request.origin, request.path, next.encode()),
            )
        }
    };
    Ok(page.close(Some(link)))
}

/// The token of a request: taken from its link, or made from the options of a first request.
fn token_of(directory: &Directory, tenant: &Tenant, request: &Request, kind: Kind) -> Result<Token, Failure> {
    let until = directory.sequence();
    let epoch = tenant.epoch.load(Ordering::SeqCst);
    if let Some(text) = request.option("$skiptoken") {
        if request.option("$select").is_some() {
            return Err(Failure::bad_request("$select cannot be combined with $skiptoken."));
        }
        let token = Token::decode(&text).ok_or_else(malformed)?;
        return if fits(&token, tenant, kind, epoch) {
            Ok(token)
        } else {
            Err(Failure::gone(request))
        };
    }
    let select = request.option("$select");
    match request.option("$deltatoken").filter(|text| !text.is_empty()) {
        None => {
            let filter = request.option("$filter").map(|text| ids_of(&text)).transpose()?;
            Ok(Token {
                instance: tenant.instance,
                epoch,
                kind,
                since: None,
                until,
                position: 0,
                members: 0,
                select,
                filter,
            })
        }
        Some(latest) if latest == "latest" => {
            let filter = request.option("$filter").map(|text| ids_of(&text)).transpose()?;
            Ok(Token {
                instance: tenant.instance,
                epoch,
                kind,
                since: Some(until),
                until,
                position: 0,
                members: 0,
                select,
                filter,
            })
        }
        Some(text) => {
            let token = Token::decode(&text).ok_or_else(malformed)?;
            if !fits(&token, tenant, kind, epoch) {
                return Err(Failure::gone(request));
            }
            // A new $select may be given with an existing delta token.
            Ok(Token {
                until,
                select: select.or(token.select),
                ..token
            })
        }
    }
}

fn fits(token: &Token, tenant: &Tenant, kind: Kind, epoch: u64) -> bool {
    token.instance == tenant.instance && token.kind == kind && token.epoch == epoch
}

fn malformed() -> Failure {
    Failure::new(400, "BadRequest", "Badly formed token.")
}

fn ids_of(filter: &str) -> Result<Vec<Uuid>, Failure> {
    let ids = Filter::parse(filter)?
        .only_equals("id")
        .and_then(|ids| ids.iter().map(|id| id.parse().ok()).collect::<Option<Vec<Uuid>>>());
    match ids {
        Some(ids) if ids.len() <= 50 => Ok(ids),
        _ => Err(Failure::new(
            400,
            "Request_UnsupportedQuery",
            "Delta queries can be filtered by at most 50 ids only.",
        )),
    }
}

/// Where a page stopped: an index, and the slot of its next member.
type Stopped = Option<(u32, usize)>;

struct Round<'a> {
    directory: &'a Directory,
    kind: Kind,
    selection: &'a Selection,
    minimal: bool,
    left_on_page: usize,
    members_left: usize,
}

impl Round<'_> {
    fn everything(&mut self, token: &Token, page: &mut Page) -> Stopped {
        let directory = self.directory;
        let mut slot = token.members;
        for index in token.position..directory.end(self.kind) {
            if !wanted(token, directory.id(self.kind, index)) {
                continue;
            }
            match directory.life(self.kind, index) {
                Life::Purged => continue,
                _ if self.left_on_page == 0 => return Some((index, 0)),
                Life::Deleted => self.removed(index, page),
                Life::Live => {
                    if let Some(members) = self.whole(index, slot, page) {
                        return Some((index, members));
                    }
                }
            }
            slot = 0;
        }
        None
    }

    fn changes(&mut self, since: u64, token: &Token, page: &mut Page) -> Stopped {
        let directory = self.directory;
        let mut slot = token.members;
        for (index, happened) in self.happened(since, token.until).range(token.position..) {
            if !wanted(token, directory.id(self.kind, *index)) || !self.concerns(happened) {
                continue;
            }
            if self.left_on_page == 0 {
                return Some((*index, 0));
            }
            let stopped = match directory.life(self.kind, *index) {
                Life::Live if happened.created => self.whole(*index, slot, page),
                Life::Live => {
                    self.changed(*index, happened, page);
                    None
                }
                Life::Deleted | Life::Purged => {
                    self.removed(*index, page);
                    None
                }
            };
            if let Some(members) = stopped {
                return Some((*index, members));
            }
            slot = 0;
        }
        None
    }

    /// The log of a round, object by object.
    fn happened(&self, since: u64, until: u64) -> BTreeMap<u32, Happened> {
        let mut all: BTreeMap<u32, Happened> = BTreeMap::new();
        let in_round = self
            .directory
            .changes_since(since)
            .iter()
            .take_while(|change| change.sequence <= until);
        for change in in_round.filter(|change| change.kind == self.kind) {
            let one = all.entry(change.index).or_default();
            match &change.what {
                What::Created => one.created = true,
                What::Updated(names) => one.properties.extend(names.iter().cloned()),
                What::Deleted | What::Purged => one.gone = true,
                What::Joined(id) => {
                    one.left.remove(id);
                    one.joined.insert(*id);
                }
                What::Left(id) => {
                    one.joined.remove(id);
                    one.left.insert(*id);
                }
            }
        }
        all
    }

    /// Whether what happened shows in what was selected.
    fn concerns(&self, happened: &Happened) -> bool {
        happened.created
            || happened.gone
            || happened.properties.iter().any(|name| self.selection.has(name))
            || (self.selection.members && !(happened.joined.is_empty() && happened.left.is_empty()))
    }

    fn removed(&mut self, index: u32, page: &mut Page) {
        self.left_on_page -= 1;
        let reason = if self.directory.life(self.kind, index) == Life::Purged {
            "deleted"
        } else {
            "changed"
        };
        let id = self.directory.id(self.kind, index);
        page.item()
            .extend_from_slice(format!("{{\"id\":\"{id}\",\"@removed\":{{\"reason\":\"{reason}\"}}}}").as_bytes());
    }

    /// An object with all that was ever set, and for a group its members from a slot on.
    /// Some: the page is full, and the group goes on at that slot.
    fn whole(&mut self, index: u32, slot: usize, page: &mut Page) -> Option<usize> {
        self.left_on_page -= 1;
        if !(self.kind == Kind::Group && self.selection.members) {
            write::object(
                self.directory,
                self.kind,
                index,
                self.selection,
                Show::EverSet,
                "",
                page.item(),
            );
            return None;
        }
        let mut members = self.directory.members_from(index, slot).peekable();
        let slice: Vec<String> = members
            .by_ref()
            .take(self.members_left)
            .map(|(_, kind, id)| member(kind, id))
            .collect();
        self.members_left -= slice.len();
        let extra = if slice.is_empty() {
            String::new()
        } else {
            format!("\"members@delta\":[{}]", slice.join(","))
        };
        write::object(
            self.directory,
            self.kind,
            index,
            self.selection,
            Show::EverSet,
            &extra,
            page.item(),
        );
        members.peek().map(|(slot, _, _)| *slot)
    }

    fn changed(&mut self, index: u32, happened: &Happened, page: &mut Page) {
        self.left_on_page -= 1;
        let mut members = Vec::new();
        if self.selection.members {
            members.extend(happened.joined.iter().map(|id| member(self.kind_of(*id), *id)));
            members.extend(happened.left.iter().map(|id| left(self.kind_of(*id), *id)));
        }
        let extra = if members.is_empty() {
            String::new()
        } else {
            format!("\"members@delta\":[{}]", members.join(","))
        };
        let names: Vec<String> = happened.properties.iter().cloned().collect();
        let show = if self.minimal {
            Show::Only(&names)
        } else {
            Show::EverSet
        };
        write::object(
            self.directory,
            self.kind,
            index,
            self.selection,
            show,
            &extra,
            page.item(),
        );
    }

    fn kind_of(&self, id: Uuid) -> Kind {
        if self.directory.index_of(Kind::Group, id).is_some() {
            Kind::Group
        } else {
            Kind::Person
        }
    }
}

fn wanted(token: &Token, id: Uuid) -> bool {
    token.filter.as_ref().is_none_or(|ids| ids.contains(&id))
}

fn member(kind: Kind, id: Uuid) -> String {
    format!("{{\"@odata.type\":\"#{}\",\"id\":\"{id}\"}}", kind.graph_type())
}

fn left(kind: Kind, id: Uuid) -> String {
    format!(
        "{{\"@odata.type\":\"#{}\",\"id\":\"{id}\",\"@removed\":{{\"reason\":\"deleted\"}}}}",
        kind.graph_type()
    )
}
