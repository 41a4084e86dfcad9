//! The Intune devices of a seeded directory: makes that exist, owners who mostly do, and the serial
//! numbers and dates that real inventories are full of and that mean nothing.

use uuid::Uuid;

use super::seed::Seed;
use super::{Datum, Kind, Object, Sink, names};

impl Seed {
    /// Writes the Intune device at an index.
    pub fn device(&self, index: u32, sink: &mut impl Sink) {
        const K: Kind = Kind::Device;
        let make = self.pick(K, index, 1, names::MAKES);
        let draw = self.draw(K, index, 2);
        let owner =
            (self.people > 0 && !self.chance(K, index, 3, 5)).then(|| (draw % u64::from(self.people.max(1))) as u32);
        let serial = if self.chance(K, index, 4, 3) {
            (*self.pick(K, index, 5, names::JUNK_SERIALS)).to_owned()
        } else {
            format!("{}{:07X}{:03}", make.serial_prefix, draw >> 36, index % 1000)
        };
        let state = match draw / 128 % 20 {
            0..=14 => "compliant",
            15 | 16 => "noncompliant",
            17 => "inGracePeriod",
            18 => "unknown",
            _ => "error",
        };
        let azure = if self.chance(K, index, 6, 2) {
            Uuid::nil()
        } else {
            Uuid::from_u128(self.id(K, index).as_u128().rotate_left(17))
        };
        let seen = if self.chance(K, index, 7, 1) {
            "0001-01-01T00:00:00Z".to_owned()
        } else {
            format!(
                "{}.{:07}Z",
                self.moment(K, index, 8).trim_end_matches('Z'),
                draw % 10_000_000
            )
        };
        sink.put("id", Datum::Text(&self.id(K, index).to_string()));
        sink.put("deviceName", Datum::Text(&format!("{}-{:05}", make.name_prefix, index)));
        sink.put(
            "managedDeviceName",
            Datum::Text(&format!("{}_{}", make.name_prefix, self.moment(K, index, 9))),
        );
        sink.put("operatingSystem", Datum::Text(make.system));
        sink.put("osVersion", Datum::Text(self.choose(K, index, 10, make.versions)));
        sink.put("serialNumber", Datum::Text(&serial));
        sink.put("complianceState", Datum::Text(state));
        sink.put("isEncrypted", Datum::Flag(!self.chance(K, index, 11, 10)));
        sink.put(
            "managedDeviceOwnerType",
            Datum::Text(if self.chance(K, index, 12, 80) {
                "company"
            } else {
                "personal"
            }),
        );
        sink.put("manufacturer", Datum::Text(make.manufacturer));
        sink.put("model", Datum::Text(self.choose(K, index, 13, make.models)));
        sink.put("enrolledDateTime", Datum::Text(&self.moment(K, index, 9)));
        sink.put("lastSyncDateTime", Datum::Text(&seen));
        sink.put("azureADDeviceId", Datum::Text(&azure.to_string()));
        sink.put("azureADRegistered", Datum::Flag(true));
        sink.put("deviceRegistrationState", Datum::Text("registered"));
        sink.put("managementAgent", Datum::Text("mdm"));
        self.owner(owner, sink);
    }

    fn owner(&self, owner: Option<u32>, sink: &mut impl Sink) {
        let Some(person) = owner else {
            for name in ["userId", "userPrincipalName", "userDisplayName", "emailAddress"] {
                sink.put(name, Datum::Text(""));
            }
            return;
        };
        let mut facts = Object::new();
        self.person(person, &mut facts);
        let text = |name: &str| facts.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        sink.put("userId", Datum::Text(&text("id")));
        sink.put("userPrincipalName", Datum::Text(&text("userPrincipalName")));
        sink.put("userDisplayName", Datum::Text(&text("displayName")));
        sink.put("emailAddress", Datum::Text(&text("mail")));
    }
}
