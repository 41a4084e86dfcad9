//! App roles: what an application declares, and a tenant's administrators assign to their people.
//!
//! They are only words here. What a role allows is for the application to know.

use uuid::Uuid;

use crate::application::ApplicationSpec;
use crate::directory::Kind;
use crate::world::{Tenant, World, lock, read};

/// Why roles were not assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unassignable {
    NoSuchPerson,
    NoSuchApplication,
    /// No application was named, and so many are registered.
    WhichApplication(usize),
    /// The application declares its roles, and not this one.
    Undeclared(String),
}

impl std::fmt::Display for Unassignable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unassignable::NoSuchPerson => f.write_str("there is no such person"),
            Unassignable::NoSuchApplication => f.write_str("there is no such application"),
            Unassignable::WhichApplication(count) => {
                write!(f, "{count} applications are registered: name one by its client id")
            }
            Unassignable::Undeclared(role) => write!(f, "the application declares no app role '{role}'"),
        }
    }
}

impl std::error::Error for Unassignable {}

/// Assigns app roles to a person, instead of those so far, and says of which application. Without a
/// client id it is the one that is registered.
pub fn assign(
    world: &World,
    tenant: &Tenant,
    person: Uuid,
    client_id: Option<&str>,
    roles: Vec<String>,
) -> Result<String, Unassignable> {
    let application = match client_id {
        Some(client_id) => world.application(client_id).ok_or(Unassignable::NoSuchApplication)?,
        None => only_application(world)?,
    };
    let declared = &application.app_roles;
    if let Some(role) = roles
        .iter()
        .find(|role| !declared.is_empty() && !declared.contains(role))
    {
        return Err(Unassignable::Undeclared(role.clone()));
    }
    read(&tenant.directory)
        .find_live(Kind::Person, person)
        .ok_or(Unassignable::NoSuchPerson)?;
    lock(&tenant.app_roles).insert((application.client_id.clone(), person), roles);
    Ok(application.client_id)
}

fn only_application(world: &World) -> Result<ApplicationSpec, Unassignable> {
    let applications = read(&world.applications);
    let mut all = applications.values();
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => Err(Unassignable::WhichApplication(applications.len())),
    }
}

/// What is assigned to a person, of one application.
pub fn assigned(tenant: &Tenant, person: Uuid, client_id: &str) -> Vec<String> {
    lock(&tenant.app_roles)
        .get(&(client_id.to_owned(), person))
        .cloned()
        .unwrap_or_default()
}
