//! The base directory: a pure function of a tenant, a seed and an index.
//!
//! Nothing here is stored. A directory of a million people costs nothing until a page of it is
//! asked for, and the same seed gives the same people in every process. The danger is exactly that
//! property: whatever is computed here must depend on `(tenant, seed, kind, index)` alone, never on
//! the clock, on a global, or on what was asked before. Changes live beside it, in the overlay.

use uuid::Uuid;

use super::cipher::{mix, scramble, unscramble};
use super::names;
use super::{Datum, Kind, Sink};

/// What the base directory is computed from.
#[derive(Clone, Debug)]
pub struct Seed {
    tenant: Uuid,
    seed: u64,
    domain: String,
    pub(super) people: u32,
    groups: u32,
    devices: u32,
}

/// The people of a base group: every `step`-th person from `first` on, `count` of them.
///
/// An arithmetic progression, so that "is this person in it?" and "list them" are both cheap,
/// however large the group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stride {
    pub first: u32,
    pub step: u32,
    pub count: u32,
}

impl Stride {
    const EMPTY: Stride = Stride {
        first: 0,
        step: 1,
        count: 0,
    };

    pub fn contains(&self, person: u32) -> bool {
        person >= self.first
            && (person - self.first).is_multiple_of(self.step)
            && (person - self.first) / self.step < self.count
    }

    pub fn nth(&self, n: u32) -> Option<u32> {
        (n < self.count).then(|| self.first + n * self.step)
    }
}

/// Seconds of 2024-01-01T00:00:00Z: the made-up dates lie in the two years after it.
const CALENDAR_START: i64 = 1_704_067_200;
const TWO_YEARS: u64 = 2 * 365 * 24 * 3600;

/// One group of everybody, then one group for each department, then all the others.
const DEPARTMENT_GROUPS: u32 = names::DEPARTMENTS.len() as u32;

impl Seed {
    pub fn new(tenant: Uuid, seed: u64, domain: &str, people: u32, groups: u32, devices: u32) -> Self {
        Self {
            tenant,
            seed,
            domain: domain.to_owned(),
            people,
            groups,
            devices,
        }
    }

    pub fn domain(&self) -> &str {
        &self.domain
    }

    pub fn count(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Person => self.people,
            Kind::Group => self.groups,
            Kind::Device => self.devices,
        }
    }

    /// The object id at an index. It carries the index, enciphered, so that `index_of` needs no table.
    pub fn id(&self, kind: Kind, index: u32) -> Uuid {
        let key = self.key(kind);
        let low = scramble(index ^ key as u32);
        let high = mix(key ^ u64::from(low));
        let rest = mix(high ^ key) as u32;
        let bits = (u128::from(high) << 64) | (u128::from(rest) << 32) | u128::from(low);
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    /// The index that an object id of the base directory stands for.
    pub fn index_of(&self, kind: Kind, id: Uuid) -> Option<u32> {
        let index = unscramble(id.as_u128() as u32) ^ self.key(kind) as u32;
        (index < self.count(kind) && self.id(kind, index) == id).then_some(index)
    }

    fn key(&self, kind: Kind) -> u64 {
        let tenant = self.tenant.as_u128();
        mix(self.seed ^ mix(tenant as u64 ^ (tenant >> 64) as u64 ^ (kind as u64 + 1)))
    }

    /// A deterministic draw: `salt` tells the draws for one object apart.
    pub(super) fn draw(&self, kind: Kind, index: u32, salt: u64) -> u64 {
        mix(self.key(kind) ^ mix((u64::from(index) << 8) ^ salt))
    }

    pub(super) fn chance(&self, kind: Kind, index: u32, salt: u64, percent: u64) -> bool {
        self.draw(kind, index, salt) % 100 < percent
    }

    pub(super) fn pick<'a, T>(&self, kind: Kind, index: u32, salt: u64, from: &'a [T]) -> &'a T {
        &from[(self.draw(kind, index, salt) % from.len() as u64) as usize]
    }

    /// As `pick`, of texts.
    pub(super) fn choose(&self, kind: Kind, index: u32, salt: u64, from: &[&'static str]) -> &'static str {
        from[(self.draw(kind, index, salt) % from.len() as u64) as usize]
    }

    pub(super) fn moment(&self, kind: Kind, index: u32, salt: u64) -> String {
        let draw = self.draw(kind, index, salt);
        timestamp(CALENDAR_START + (draw % TWO_YEARS) as i64).to_string()
    }

    /// Writes the person at an index, one property after the other.
    pub fn person(&self, index: u32, sink: &mut impl Sink) {
        const K: Kind = Kind::Person;
        let signs_in = index < 2;
        let (given, surname) = self.name(index);
        let guest = !signs_in && self.chance(K, index, 3, 4);
        let enabled = signs_in || !self.chance(K, index, 4, 4);
        let mailbox = signs_in || !self.chance(K, index, 5, 6);
        let login = format!("{}.{}{}", given.latin, surname.latin, number(index)).to_lowercase();
        let home = self.pick(K, index, 6, names::GUEST_DOMAINS);
        let principal = if guest {
            format!("{}_{home}#EXT#@{}", login, self.domain)
        } else {
            format!("{login}@{}", self.domain)
        };
        let mail = if guest {
            format!("{login}@{home}")
        } else {
            principal.clone()
        };

        sink.put("id", Datum::Text(&self.id(K, index).to_string()));
        sink.put(
            "displayName",
            Datum::Text(&format!("{} {}", given.native, surname.native)),
        );
        sink.put("givenName", Datum::Text(given.native));
        sink.put("surname", Datum::Text(surname.native));
        sink.put("userPrincipalName", Datum::Text(&principal));
        sink.put("mail", if mailbox { Datum::Text(&mail) } else { Datum::Null });
        sink.put("mailNickname", Datum::Text(&login));
        sink.put("accountEnabled", Datum::Flag(enabled));
        sink.put("userType", Datum::Text(if guest { "Guest" } else { "Member" }));
        sink.put(
            "externalUserState",
            if guest { Datum::Text("Accepted") } else { Datum::Null },
        );
        if guest {
            for name in [
                "department",
                "jobTitle",
                "officeLocation",
                "employeeId",
                "mobilePhone",
                "usageLocation",
            ] {
                sink.put(name, Datum::Null);
            }
            sink.put("businessPhones", Datum::Texts(&[]));
            sink.put("assignedLicenses", Datum::Json("[]"));
        } else {
            self.employment(index, enabled, sink);
        }
        let language = names::locale(given).map_or(Datum::Null, Datum::Text);
        sink.put("preferredLanguage", language);
        sink.put("createdDateTime", Datum::Text(&self.moment(K, index, 7)));
        sink.put("companyName", Datum::Null);
    }

    fn employment(&self, index: u32, enabled: bool, sink: &mut impl Sink) {
        const K: Kind = Kind::Person;
        let department = names::DEPARTMENTS[(index % DEPARTMENT_GROUPS) as usize];
        let telephone = format!("+1 425 555 {:04}", self.draw(K, index, 8) % 10_000);
        let mobile = format!("+1 206 555 {:04}", self.draw(K, index, 9) % 10_000);
        let licensed = enabled && !self.chance(K, index, 10, 8);
        sink.put("department", Datum::Text(department.0));
        sink.put("jobTitle", Datum::Text(self.choose(K, index, 11, department.1)));
        sink.put("officeLocation", Datum::Text(self.choose(K, index, 12, names::OFFICES)));
        sink.put("employeeId", Datum::Text(&format!("{:06}", index + 1)));
        let desk = self.chance(K, index, 13, 60);
        let telephones: &[&str] = if desk { &[&telephone] } else { &[] };
        sink.put("businessPhones", Datum::Texts(telephones));
        let carries = self.chance(K, index, 14, 50);
        sink.put("mobilePhone", if carries { Datum::Text(&mobile) } else { Datum::Null });
        sink.put("usageLocation", Datum::Text("US"));
        sink.put(
            "assignedLicenses",
            Datum::Json(if licensed { names::LICENSED } else { "[]" }),
        );
    }

    fn name(&self, index: u32) -> (&'static names::Name, &'static names::Name) {
        const K: Kind = Kind::Person;
        if index < 2 {
            let plain = &names::LOCALES[0];
            let given = self.pick(K, index, 1, plain.given);
            return (given, self.pick(K, index, 2, plain.surnames));
        }
        let locale = self.pick(K, index, 0, names::LOCALES);
        (
            self.pick(K, index, 1, locale.given),
            self.pick(K, index, 2, locale.surnames),
        )
    }

    /// Writes the group at an index, without its members.
    pub fn group(&self, index: u32, sink: &mut impl Sink) {
        const K: Kind = Kind::Group;
        let unified = index == 0 || (index > DEPARTMENT_GROUPS && self.chance(K, index, 1, 40));
        let mailed = unified || self.chance(K, index, 2, 15);
        let (name, described) = self.group_name(index);
        let nickname: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_lowercase();
        let mail = format!("{nickname}@{}", self.domain);
        sink.put("id", Datum::Text(&self.id(K, index).to_string()));
        sink.put("displayName", Datum::Text(&name));
        sink.put(
            "description",
            if described {
                Datum::Text("Kept by the service desk")
            } else {
                Datum::Null
            },
        );
        sink.put("mail", if mailed { Datum::Text(&mail) } else { Datum::Null });
        sink.put("mailEnabled", Datum::Flag(mailed));
        sink.put("mailNickname", Datum::Text(&nickname));
        sink.put("securityEnabled", Datum::Flag(!mailed || index.is_multiple_of(3)));
        sink.put("groupTypes", Datum::Texts(if unified { &["Unified"] } else { &[] }));
        sink.put("visibility", if unified { Datum::Text("Private") } else { Datum::Null });
        sink.put("createdDateTime", Datum::Text(&self.moment(K, index, 3)));
    }

    fn group_name(&self, index: u32) -> (String, bool) {
        const K: Kind = Kind::Group;
        match index {
            0 => ("All Company".to_owned(), true),
            i if i <= DEPARTMENT_GROUPS => (format!("Department {}", names::DEPARTMENTS[(i - 1) as usize].0), true),
            i => {
                let topic = self.pick(K, i, 4, names::TOPICS);
                (format!("{topic} {i}"), self.chance(K, i, 5, 50))
            }
        }
    }

    /// The people directly in a base group.
    pub fn people_in(&self, group: u32) -> Stride {
        if self.people == 0 || group >= self.groups {
            return Stride::EMPTY;
        }
        let department = group.wrapping_sub(1);
        let (first, step, wanted) = match group {
            0 => (0, 1, self.people),
            _ if department < DEPARTMENT_GROUPS => (department, DEPARTMENT_GROUPS, self.people),
            _ => {
                let draw = self.draw(Kind::Group, group, 6);
                let step = [1, 3, 7, 11, 29, 101][(draw % 6) as usize];
                let wanted = match draw / 8 % 20 {
                    0 => 0,
                    1 => self.people / 4,
                    n => n as u32 * 2,
                };
                ((draw / 256 % u64::from(self.people)) as u32, step, wanted)
            }
        };
        if first >= self.people {
            return Stride::EMPTY;
        }
        Stride {
            first,
            step,
            count: wanted.min((self.people - 1 - first) / step + 1),
        }
    }

    /// The groups directly in a base group: always later ones, so that nesting has no cycle.
    pub fn groups_in(&self, group: u32) -> std::ops::Range<u32> {
        if group > DEPARTMENT_GROUPS && group % 10 == 5 {
            group + 1..(group + 3).min(self.groups)
        } else {
            0..0
        }
    }
}

/// The two people one signs in as have plain addresses; everybody else carries a number.
fn number(index: u32) -> String {
    if index < 2 { String::new() } else { index.to_string() }
}

/// An instant (seconds since 1970) as Graph writes it.
pub fn timestamp(seconds: i64) -> impl std::fmt::Display {
    chrono::DateTime::from_timestamp(seconds, 0)
        .expect("the simulator's calendar lies within chrono's range")
        .format("%Y-%m-%dT%H:%M:%SZ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Object;

    fn seed() -> Seed {
        Seed::new(Uuid::from_u128(7), 42, "contoso.example", 5_000, 200, 900)
    }

    #[test]
    fn every_id_leads_back_to_its_index_and_to_no_other() {
        let seed = seed();
        for kind in [Kind::Person, Kind::Group, Kind::Device] {
            for index in 0..seed.count(kind) {
                let id = seed.id(kind, index);
                assert_eq!(id.get_version_num(), 4);
                assert_eq!(seed.index_of(kind, id), Some(index));
            }
        }
        assert_eq!(seed.index_of(Kind::Group, seed.id(Kind::Person, 0)), None);
    }

    #[test]
    fn the_same_seed_gives_the_same_people_and_another_tenant_gives_others() {
        let (mut one, mut same, mut other) = (Object::new(), Object::new(), Object::new());
        seed().person(99, &mut one);
        seed().person(99, &mut same);
        Seed::new(Uuid::from_u128(8), 42, "contoso.example", 5_000, 200, 900).person(99, &mut other);
        assert_eq!(one, same);
        assert_ne!(one["id"], other["id"]);
    }

    #[test]
    fn a_stride_lists_exactly_the_people_that_it_contains() {
        let seed = seed();
        for group in 0..seed.count(Kind::Group) {
            let stride = seed.people_in(group);
            let listed: Vec<u32> = (0..).map_while(|n| stride.nth(n)).collect();
            let contained: Vec<u32> = (0..5_000).filter(|person| stride.contains(*person)).collect();
            assert_eq!(listed, contained, "group {group}");
        }
    }
}
