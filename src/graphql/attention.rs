//! What of a company wants a person.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::Context;
use uuid::Uuid;

use super::error::Answer;
use super::siblings::Siblings;
use super::{given, scope};
use crate::db::Pool;
use crate::model::attention::{self, Attention};

/// What one of several companies wants, read for all of them at once; none where the viewer may not see that.
pub async fn of_sibling(ctx: &Context<'_>, companies: &Arc<Siblings>, company_id: Uuid) -> Answer<Option<Attention>> {
    #[derive(PartialEq, Eq, Hash)]
    struct Wanted;
    let scope = scope(ctx)?;
    let wanted: Arc<HashMap<Uuid, Attention>> = companies
        .share(Wanted, || async {
            let ids: Vec<Uuid> = companies.owners().iter().map(|owner| owner.company_id).collect();
            given::<Pool>(ctx)?
                .read(&scope, async |conn| -> anyhow::Result<_> {
                    Ok(attention::load(conn, &scope, &ids).await?)
                })
                .await
        })
        .await?;
    Ok(wanted.get(&company_id).copied())
}
