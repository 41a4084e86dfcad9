//! What a tenant has granted, held against what is needed.

use async_graphql::{Object, SimpleObject};
use chrono::{DateTime, Utc};

use crate::model::consent::ConsentFeature;
use crate::model::{self, TenantStatus};

/// The grants of a tenant.
pub struct TenantConsent(pub model::Tenant);

/// What a tenant has granted us, held against what each feature needs. A permission that is missing stops its own features
/// and no others.
#[Object]
impl TenantConsent {
    /// The application permissions in the last token that the tenant gave us; null while none was read.
    async fn granted_roles(&self) -> Option<&[String]> {
        self.0.granted_roles.as_deref()
    }

    /// When these were last seen to be others.
    async fn granted_at(&self) -> Option<DateTime<Utc>> {
        self.0.granted_at
    }

    /// Whether everything works that needs a permission; null while that is not known.
    async fn complete(&self) -> Option<bool> {
        let granted = self.0.granted_roles.as_ref()?;
        Some(
            ConsentFeature::ALL
                .iter()
                .all(|feature| feature.missing(granted).is_empty()),
        )
    }

    /// Feature by feature.
    async fn features(&self) -> Vec<ConsentNeed> {
        let granted = self.0.granted_roles.as_ref();
        ConsentFeature::ALL
            .iter()
            .map(|feature| ConsentNeed::of(*feature, granted))
            .collect()
    }

    /// The one thing to do where something is missing; null where nothing is, or where it is not known.
    async fn repair(&self) -> Option<&'static str> {
        let granted = self.0.granted_roles.as_ref()?;
        let lacks = ConsentFeature::ALL
            .iter()
            .any(|feature| !feature.missing(granted).is_empty());
        let reconnect = self.0.status == TenantStatus::ReconnectNeeded;
        (lacks || reconnect).then_some(
            "Run the mutation `connect` for this company and have a Global Administrator or Privileged Role Administrator of the tenant \
             open the link. What is still missing then is missing in the application's registration: the operator adds it there first.",
        )
    }
}

/// A feature, and whether it has what it needs.
#[derive(SimpleObject)]
pub struct ConsentNeed {
    /// The feature.
    feature: ConsentFeature,
    /// The application permissions that it takes.
    needed_roles: Vec<&'static str>,
    /// Those of them that were not granted; null while that is not known.
    missing_roles: Option<Vec<&'static str>>,
    /// Whether all of them were granted; null while that is not known.
    works: Option<bool>,
    /// What stops without them; null where nothing is missing, or where it is not known.
    stops: Option<&'static str>,
}

impl ConsentNeed {
    fn of(feature: ConsentFeature, granted: Option<&Vec<String>>) -> Self {
        let missing_roles = granted.map(|granted| feature.missing(granted));
        let works = missing_roles.as_ref().map(Vec::is_empty);
        Self {
            feature,
            needed_roles: feature.needs().to_vec(),
            missing_roles,
            works,
            stops: (works == Some(false)).then(|| feature.stops()),
        }
    }
}
