//! What licences give to people.

use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::tally::Tally;
use crate::evidence::judge::wire::Sku;
use crate::evidence::snapshot::{Indeterminate, Resource};

/// How the names of plans begin that give a mailbox, files or Office.
pub(super) const DENIED: &[&str] = &["EXCHANGE", "SHAREPOINT", "OFFICESUBSCRIPTION", "TEAMS1"];

/// Comes with nearly every licence, those for Entra ID P1 and P2 among them, and gives no mailbox.
///
/// Source: <https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference>
pub(super) const ALLOWED: &[&str] = &["EXCHANGE_S_FOUNDATION"];

fn denied(sku: &Sku) -> Vec<&str> {
    let names = sku.service_plans.iter().map(|plan| plan.service_plan_name.as_str());
    let is_denied = |name: &&str| !ALLOWED.contains(name) && DENIED.iter().any(|prefix| name.starts_with(prefix));
    names.filter(is_denied).collect()
}

/// Administrators read no mail where they administer.
pub(super) fn admins_reduced(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let skus: Vec<Sku> = bench.read(Resource::Skus)?;
    for user in tally.admins()? {
        let Some(licences) = &user.assigned_licenses else {
            tally.review(user, "which licences the account has is not said", json!({}));
            continue;
        };
        let (mut productive, mut unknown) = (Vec::<Value>::new(), Vec::new());
        for licence in licences.iter() {
            let sold = skus.iter().find(|sku| sku.sku_id.eq_ignore_ascii_case(&licence.sku_id));
            match sold.map(|sku| (sku, denied(sku))) {
                None => unknown.push(licence.sku_id.as_str()),
                Some((_, plans)) if plans.is_empty() => {}
                Some((sku, plans)) => productive.push(json!({
                    "skuId": sku.sku_id,
                    "skuPartNumber": sku.sku_part_number,
                    "plans": plans,
                    "disabledPlans": *licence.disabled_plans,
                })),
            }
        }
        let lineage = json!({"productive": productive, "unknownSkus": unknown});
        if !productive.is_empty() {
            tally.failed(user, "an account with power has a licence for mail or Office", lineage);
        } else if !unknown.is_empty() {
            let because = "the account has a licence that is not among those of the tenant";
            tally.review(user, because, lineage);
        } else {
            tally.passed();
        }
    }
    Ok(())
}
