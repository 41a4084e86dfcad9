//! Writes directory objects as JSON, property by property, as `$select` chose them.

use serde_json::Value;

use super::answer::Failure;
use crate::directory::{Datum, Directory, Found, Kind, Sink};

/// The properties that an answer shows.
#[derive(Clone, Debug)]
pub struct Selection {
    names: Vec<&'static str>,
    /// Whether `$select` was given at all.
    pub chosen: bool,
    /// Whether `members` was among the chosen.
    pub members: bool,
}

/// What Graph shows of a user without `$select`.
const USER_DEFAULT: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

const GROUP_DEFAULT: &[&str] = &[
    "id",
    "deletedDateTime",
    "classification",
    "createdDateTime",
    "description",
    "displayName",
    "expirationDateTime",
    "groupTypes",
    "isAssignableToRole",
    "mail",
    "mailEnabled",
    "mailNickname",
    "membershipRule",
    "membershipRuleProcessingState",
    "onPremisesLastSyncDateTime",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "preferredDataLocation",
    "preferredLanguage",
    "proxyAddresses",
    "renewedDateTime",
    "resourceBehaviorOptions",
    "resourceProvisioningOptions",
    "securityEnabled",
    "securityIdentifier",
    "theme",
    "visibility",
    "onPremisesProvisioningErrors",
];

/// Properties that only the read of a single user gives: 501 in a collection.
const SINGLE_READ_ONLY: &[&str] = &[
    "aboutMe",
    "birthday",
    "hireDate",
    "interests",
    "mailboxSettings",
    "mySite",
    "pastProjects",
    "preferredName",
    "responsibilities",
    "schools",
    "skills",
];

impl Selection {
    /// From the text of `$select`, in Graph's own spelling of the names.
    pub fn parse(kind: Kind, select: Option<&str>) -> Result<Self, Failure> {
        let Some(select) = select.filter(|select| !select.is_empty()) else {
            let names = match kind {
                Kind::Person => USER_DEFAULT.to_vec(),
                Kind::Group => GROUP_DEFAULT.to_vec(),
                Kind::Device => kind.properties().to_vec(),
            };
            return Ok(Self {
                names,
                chosen: false,
                members: true,
            });
        };
        let mut selection = Self {
            names: Vec::new(),
            chosen: true,
            members: false,
        };
        for wanted in select.split(',').map(str::trim) {
            if kind == Kind::Group && ["members", "owners"].contains(&wanted) {
                selection.members |= wanted == "members";
                continue;
            }
            let name = kind.properties().iter().find(|name| name.eq_ignore_ascii_case(wanted)).ok_or_else(|| {
                Failure::new(400, "BadRequest", &format!("Parsing OData Select and Expand failed: Could not find a property named '{wanted}' on type '{}'.", kind.graph_type()))
            })?;
            if !selection.names.contains(name) {
                selection.names.push(name);
            }
        }
        Ok(selection)
    }

    /// Refuses what a collection does not give.
    pub fn for_collection(self, kind: Kind) -> Result<Self, Failure> {
        match self
            .names
            .iter()
            .find(|name| kind == Kind::Person && SINGLE_READ_ONLY.contains(name))
        {
            Some(name) => Err(Failure::new(
                501,
                "NotImplemented",
                &format!("The property '{name}' is not supported in a collection."),
            )),
            None => Ok(self),
        }
    }

    /// Delta answers always carry the id.
    pub fn with_id(mut self) -> Self {
        if !self.names.contains(&"id") {
            self.names.push("id");
        }
        self
    }

    /// Without one property, which is written in another way.
    pub fn without(mut self, name: &str) -> Self {
        self.names.retain(|selected| *selected != name);
        self
    }

    pub fn has(&self, name: &str) -> bool {
        self.names.contains(&name)
    }

    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// As it stands in `@odata.context`.
    pub fn context(&self) -> String {
        if self.chosen {
            format!("({})", self.names.join(","))
        } else {
            String::new()
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|selected| *selected == name)
    }
}

/// Which properties of an object are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Show<'a> {
    /// All selected, `null` where nothing was ever set.
    Everything,
    /// Those that were ever set.
    EverSet,
    /// Those named, beside the id.
    Only(&'a [String]),
}

/// Writes one object into `out`. `extra` is written first, and is JSON members without braces.
pub fn object(
    directory: &Directory,
    kind: Kind,
    index: u32,
    selection: &Selection,
    show: Show<'_>,
    extra: &str,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    out.extend_from_slice(extra.as_bytes());
    let mut writer = Writer {
        out,
        selection,
        show,
        first: extra.is_empty(),
        seen: 0,
    };
    match directory.found(kind, index) {
        Found::Base => directory.compute(kind, index, &mut writer),
        Found::Overlay(object) => {
            for (name, value) in object {
                writer.json(name, |out| {
                    serde_json::to_writer(out, value).expect("a JSON value serialises")
                });
            }
        }
    }
    writer.finish(kind);
    out.push(b'}');
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    selection: &'a Selection,
    show: Show<'a>,
    first: bool,
    /// A bit for each selected name that has been dealt with.
    seen: u128,
}

impl Writer<'_> {
    fn json(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(position) = self.selection.position(name) else {
            return;
        };
        self.seen |= 1 << position;
        if let Show::Only(names) = self.show
            && name != "id"
            && !names.iter().any(|shown| shown == name)
        {
            return;
        }
        self.name(name);
        write(self.out);
    }

    fn name(&mut self, name: &str) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn finish(mut self, kind: Kind) {
        if self.show != Show::Everything {
            return;
        }
        for (position, name) in self.selection.names.iter().enumerate() {
            if self.seen & (1 << position) == 0 {
                self.name(name);
                self.out.extend_from_slice(never_set(kind, name).as_bytes());
            }
        }
    }
}

impl Sink for Writer<'_> {
    fn put(&mut self, name: &'static str, datum: Datum<'_>) {
        match datum {
            Datum::Null => {}
            Datum::Flag(flag) => self.json(name, |out| out.extend_from_slice(if flag { b"true" } else { b"false" })),
            Datum::Json(json) => self.json(name, |out| out.extend_from_slice(json.as_bytes())),
            Datum::Text(text) => self.json(name, |out| string(text, out)),
            Datum::Texts(texts) => self.json(name, |out| {
                out.push(b'[');
                for (position, text) in texts.iter().enumerate() {
                    if position > 0 {
                        out.push(b',');
                    }
                    string(text, out);
                }
                out.push(b']');
            }),
        }
    }
}

/// Writes a JSON string.
pub fn string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a string serialises into memory");
}

/// What Graph writes for a property that nobody set: most are nullable, these are not.
fn never_set(kind: Kind, name: &str) -> &'static str {
    match (kind, name) {
        (
            Kind::Person,
            "assignedLicenses" | "assignedPlans" | "businessPhones" | "otherMails" | "provisionedPlans"
            | "proxyAddresses",
        )
        | (
            Kind::Group,
            "groupTypes"
            | "infoCatalogs"
            | "proxyAddresses"
            | "resourceBehaviorOptions"
            | "resourceProvisioningOptions",
        )
        | (_, "onPremisesProvisioningErrors" | "serviceProvisioningErrors" | "deviceActionResults" | "imAddresses") => {
            "[]"
        }
        (Kind::Person, "deviceEnrollmentLimit") => "5",
        (Kind::Device, name) => device_never_set(name),
        _ => "null",
    }
}

fn device_never_set(name: &str) -> &'static str {
    match name {
        "easActivated" | "isSupervised" | "isEncrypted" => "false",
        "freeStorageSpaceInBytes" | "totalStorageSpaceInBytes" | "physicalMemoryInBytes" => "0",
        "complianceState"
        | "deviceRegistrationState"
        | "deviceEnrollmentType"
        | "managedDeviceOwnerType"
        | "managementAgent"
        | "partnerReportedThreatState"
        | "exchangeAccessStateReason" => "\"unknown\"",
        "exchangeAccessState" => "\"none\"",
        "managementState" => "\"managed\"",
        "deviceCategoryDisplayName"
        | "emailAddress"
        | "userDisplayName"
        | "imei"
        | "meid"
        | "subscriberCarrier"
        | "udid"
        | "iccid" => "\"\"",
        "jailBroken" => "\"Unknown\"",
        name if name.ends_with("DateTime") || name == "managementCertificateExpirationDate" => {
            "\"0001-01-01T00:00:00Z\""
        }
        _ => "null",
    }
}

/// A value of an object, for filters.
pub fn value_of(directory: &Directory, kind: Kind, index: u32, name: &str) -> Value {
    match directory.found(kind, index) {
        Found::Overlay(object) => object.get(name).cloned().unwrap_or_default(),
        Found::Base => directory.object(kind, index).remove(name).unwrap_or_default(),
    }
}
