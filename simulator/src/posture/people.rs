//! What reports say of people: the methods that they registered, and when they last signed in.
//!
//! Both are computed from the object id, so that a million people cost nothing, and both lie outside
//! the directory: they never make a person appear in a delta round. The times are counted back from
//! the day on which the tenant was made, because "not for 90 days" means nothing in a fixed calendar.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Posture, settings};
use crate::directory::cipher::mix;
use crate::directory::seed::timestamp;
use crate::directory::{Directory, Kind, Object};

const DAY: u64 = 86_400;

fn draw(id: Uuid, salt: u64) -> u64 {
    let bits = id.as_u128();
    mix(bits as u64 ^ mix((bits >> 64) as u64 ^ salt))
}

/// The properties of `userRegistrationDetails` that may be set; the others follow from them or from the person.
pub const SETTABLE: [&str; 6] = [
    "isSsprEnabled",
    "isSsprRegistered",
    "isSystemPreferredAuthenticationMethodEnabled",
    "lastUpdatedDateTime",
    "methodsRegistered",
    "userPreferredMethodForSecondaryAuthentication",
];

/// Methods that count as a second factor.
const STRONG: [&str; 12] = [
    "microsoftAuthenticatorPush",
    "microsoftAuthenticatorPasswordless",
    "softwareOneTimePasscode",
    "hardwareOneTimePasscode",
    "mobilePhone",
    "alternateMobilePhone",
    "officePhone",
    "fido2SecurityKey",
    "windowsHelloForBusiness",
    "passKeyDeviceBound",
    "passKeyDeviceBoundAuthenticator",
    "passKeyDeviceBoundWindowsHello",
];
const PASSWORDLESS: [&str; 4] = [
    "microsoftAuthenticatorPasswordless",
    "fido2SecurityKey",
    "windowsHelloForBusiness",
    "passKeyDeviceBoundAuthenticator",
];

impl Posture {
    /// A row of `userRegistrationDetails`.
    pub fn registration(&self, directory: &Directory, person: u32, administrators: &[Uuid]) -> Value {
        let id = directory.id(Kind::Person, person);
        let facts = directory.object(Kind::Person, person);
        let given = self.registrations.get(&id);
        let set = |name: &str| given.and_then(|given| given.get(name)).cloned();
        let guest = facts.get("userType").is_some_and(|kind| kind == "Guest");
        let methods = set("methodsRegistered").unwrap_or_else(|| {
            json!(if directory.seeded(Kind::Person, person) {
                usual_methods(id, guest, person)
            } else {
                &[]
            })
        });
        let has = |wanted: &[&str]| {
            let methods = methods.as_array();
            methods.is_some_and(|all| all.iter().filter_map(Value::as_str).any(|one| wanted.contains(&one)))
        };
        let allowed = settings::allowed(self.setting("authenticationMethodsPolicy").unwrap_or(&Object::new()));
        let usable: Vec<&str> = STRONG
            .iter()
            .copied()
            .filter(|method| allowed.contains(method))
            .collect();
        let (registered, capable) = (has(&STRONG), has(&usable));
        let preferred = if has(&["microsoftAuthenticatorPush"]) {
            "push"
        } else if has(&["mobilePhone"]) {
            "sms"
        } else if has(&["softwareOneTimePasscode"]) {
            "oath"
        } else {
            "none"
        };
        let (sspr, sspr_on) = (
            set("isSsprRegistered").unwrap_or(json!(registered && !guest)),
            set("isSsprEnabled").unwrap_or(json!(!guest)),
        );
        let updated = || json!(timestamp(self.today - (draw(id, 3) % (2 * DAY)) as i64).to_string());
        json!({
            "id": id,
            "userPrincipalName": facts.get("userPrincipalName"),
            "userDisplayName": facts.get("displayName"),
            "userType": if guest { "guest" } else { "member" },
            "isAdmin": administrators.contains(&id),
            "isSsprRegistered": sspr, "isSsprEnabled": sspr_on, "isSsprCapable": sspr == true && sspr_on == true,
            "isMfaRegistered": registered, "isMfaCapable": capable, "isPasswordlessCapable": has(&PASSWORDLESS) && capable,
            "lastUpdatedDateTime": set("lastUpdatedDateTime").unwrap_or_else(updated),
            "methodsRegistered": methods,
            "isSystemPreferredAuthenticationMethodEnabled": set("isSystemPreferredAuthenticationMethodEnabled").unwrap_or(json!(true)),
            "systemPreferredAuthenticationMethods": if has(&["microsoftAuthenticatorPush"]) { json!(["push"]) } else { json!([]) },
            "userPreferredMethodForSecondaryAuthentication":
                set("userPreferredMethodForSecondaryAuthentication").unwrap_or(json!(preferred)),
        })
    }

    /// Sets what a person registered. Errors: a name that cannot be set.
    pub fn register(&mut self, person: Uuid, given: Object) -> Result<(), String> {
        if let Some(name) = given.keys().find(|name| !SETTABLE.contains(&name.as_str())) {
            return Err(format!(
                "'{name}' is no property that can be set; these are: {}",
                SETTABLE.join(", ")
            ));
        }
        self.registrations.entry(person).or_default().extend(given);
        Ok(())
    }

    /// A person's `signInActivity`: what was set, or what their id says; `null` for who never signed in.
    pub fn sign_in(&self, directory: &Directory, person: u32) -> Value {
        let object = directory.object(Kind::Person, person);
        if let Some(set) = object.get("signInActivity") {
            return set.clone();
        }
        let id = directory.id(Kind::Person, person);
        if !directory.seeded(Kind::Person, person) {
            return Value::Null;
        }
        let ago = match draw(id, 1) % 100 {
            0..=2 if person > 1 => return Value::Null,
            3..=10 if person > 1 => 100 * DAY + draw(id, 2) % (300 * DAY),
            _ => draw(id, 2) % (20 * DAY),
        };
        let at = |back: u64| timestamp(self.today - back as i64).to_string();
        let request = |salt: u64| Uuid::from_u64_pair(draw(id, salt), draw(id, salt + 1)).to_string();
        json!({
            "lastSignInDateTime": at(ago), "lastSignInRequestId": request(10),
            "lastSuccessfulSignInDateTime": at(ago + draw(id, 4) % 600), "lastSuccessfulSignInRequestId": request(12),
            "lastNonInteractiveSignInDateTime": at(ago / 2), "lastNonInteractiveSignInRequestId": request(14),
        })
    }
}

fn usual_methods(id: Uuid, guest: bool, person: u32) -> &'static [&'static str] {
    match (draw(id, 5) % 100, guest) {
        _ if person == 0 => &["fido2SecurityKey", "microsoftAuthenticatorPush"],
        (0..=39, true) | (0..=4, false) if person > 1 => &[],
        (5..=14, false) => &["mobilePhone"],
        (15..=17, false) => &["officePhone"],
        (18..=29, false) => &["windowsHelloForBusiness", "microsoftAuthenticatorPush"],
        (30..=34, false) => &["mobilePhone", "softwareOneTimePasscode"],
        _ => &["mobilePhone", "microsoftAuthenticatorPush"],
    }
}
