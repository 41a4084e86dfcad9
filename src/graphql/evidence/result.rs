//! What checks said.

use std::sync::Arc;

use async_graphql::{Context, Json, Object, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Place;
use super::catalogue::Check;
use super::finding::EvidenceFinding;
use super::run::{self, Reading};
use super::words::{CheckStatus, EvidenceGap};
use crate::db::{Connection as Database, Pool};
use crate::evidence::catalogue::Catalogue;
use crate::evidence::judge::FindingKind;
use crate::evidence::keep::{self, FindingFilter, FindingState, ResultDetail, ResultRow, Standing, hex};
use crate::graphql::connection::{Connection, Paging};
use crate::graphql::error::Answer;
use crate::graphql::{given, scope};
use crate::model::Scope;

/// What a check said of a company in a run.
#[derive(Clone)]
pub struct CheckResult {
    pub row: Arc<ResultRow>,
    detail: Arc<ResultDetail>,
    last_good: Option<Arc<ResultRow>>,
}

/// What every check said in a run, by check.
pub(super) async fn results(ctx: &Context<'_>, place: Place) -> Answer<Vec<CheckResult>> {
    let scope = scope(ctx)?;
    let results = given::<Pool>(ctx)?
        .read(&scope, async |conn| -> anyhow::Result<_> {
            let standing = keep::results(conn, &scope, place.company_id, place.seq).await?;
            opened(conn, &scope, place, standing).await
        })
        .await?;
    Ok(results)
}

async fn opened(
    conn: &mut Database,
    scope: &Scope,
    place: Place,
    standing: Vec<Standing>,
) -> anyhow::Result<Vec<CheckResult>> {
    let hashes: Vec<Vec<u8>> = standing.iter().map(|one| one.result.detail_sha256.clone()).collect();
    let details = keep::contents(conn, scope, place.company_id, &hashes).await?;
    standing
        .into_iter()
        .map(|one| {
            let detail = details.get(&one.result.detail_sha256);
            CheckResult::new(one.result, detail.cloned(), one.last_good)
        })
        .collect()
}

impl CheckResult {
    /// A result with what lies behind its hash.
    pub fn new(row: ResultRow, detail: Option<Value>, last_good: Option<ResultRow>) -> anyhow::Result<Self> {
        let detail = detail.ok_or_else(|| anyhow::anyhow!("the detail of a result is not kept"))?;
        Ok(Self {
            row: Arc::new(row),
            detail: Arc::new(serde_json::from_value(detail)?),
            last_good: last_good.map(Arc::new),
        })
    }

    fn place(&self) -> Place {
        Place {
            company_id: self.row.company_id,
            seq: self.row.seq,
        }
    }
}

/// What a check said of a company in a run.
#[Object]
impl CheckResult {
    /// The check's id.
    async fn check_id(&self) -> &str {
        &self.row.check_id
    }

    /// The check as this version of Tenantry words it; null when it no longer has it.
    async fn check(&self) -> Option<Check> {
        Catalogue::get().check(&self.row.check_id).map(Check)
    }

    /// The version of the check that was used.
    async fn version(&self) -> i32 {
        self.row.version
    }

    /// SHA-256 over the words that decided, in hexadecimal.
    async fn logic_sha256(&self) -> &str {
        &self.row.logic_sha256
    }

    /// What it says.
    async fn status(&self) -> CheckStatus {
        self.row.status.into()
    }

    /// Why, where the findings do not say it.
    async fn reason(&self) -> Option<&str> {
        self.detail.reason.as_deref()
    }

    /// What could not be looked at; null unless the status is INDETERMINATE.
    async fn indeterminate(&self) -> Option<MissingReading> {
        let missing = self.detail.indeterminate.as_ref()?;
        Some(MissingReading {
            resource: missing.resource.as_str(),
            gap: missing.gap.into(),
            detail: missing.detail.clone(),
        })
    }

    /// When the run that it is of began to read.
    async fn at(&self) -> DateTime<Utc> {
        self.row.at
    }

    /// How many objects were evaluated, and how.
    async fn counts(&self) -> CheckCounts {
        CheckCounts::of(&self.row)
    }

    /// The parameters that were used.
    async fn parameters(&self) -> Json<&Value> {
        Json(&self.detail.parameters)
    }

    /// Numbers and lists that do not decide.
    async fn facts(&self) -> Json<&Value> {
        Json(&self.detail.facts)
    }

    /// Who was judged, and how we know that these are all.
    async fn populations(&self) -> Vec<Population> {
        let of = |population: &keep::PopulationDetail| Population {
            name: population.name.clone(),
            size: population.size,
            sha256: population.sha256.clone(),
            completeness: population.completeness.clone(),
        };
        self.detail.populations.iter().map(of).collect()
    }

    /// The readings that it rests on.
    async fn inputs(&self, ctx: &Context<'_>) -> Answer<Vec<Reading>> {
        let readings = run::readings(ctx, self.place()).await?;
        let inputs = &self.detail.inputs;
        Ok(readings
            .into_iter()
            .filter(|reading| inputs.contains(&reading.0.resource))
            .collect())
    }

    /// The objects that do not simply meet the rule, as it stood after the run.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn findings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only findings in this state.")] state: Option<FindingState>,
        #[graphql(desc = "Only findings that say this.")] kind: Option<FindingKind>,
        #[graphql(desc = "At most this many, from the start: 0 to 100; 25 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most this many, from the end: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Answer<Connection<EvidenceFinding>> {
        let filter = FindingFilter {
            check_id: Some(self.row.check_id.clone()),
            state,
            kind,
            ..FindingFilter::default()
        };
        let listing = keep::list_findings(&scope(ctx)?, self.row.seq, &filter);
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        self.place().list(ctx, listing, paging).await
    }

    /// Where the status is INDETERMINATE: what the check last said when it could look.
    async fn last_good(&self) -> Option<LastGood> {
        self.last_good.as_ref().map(|row| LastGood {
            status: row.status.into(),
            at: row.at,
            age_seconds: (self.row.at - row.at).num_seconds(),
            counts: CheckCounts::of(row),
        })
    }

    /// SHA-256 of the result, in hexadecimal.
    async fn sha256(&self) -> String {
        hex(&self.row.sha256)
    }
}

/// What a check last said when it could look.
#[derive(SimpleObject)]
struct LastGood {
    /// What it said.
    status: CheckStatus,
    /// When the run that it is of began to read.
    at: DateTime<Utc>,
    /// How much older it is than the result beside it, in seconds.
    age_seconds: i64,
    /// How many objects were evaluated, and how.
    counts: CheckCounts,
}

/// What could not be looked at.
#[derive(SimpleObject)]
struct MissingReading {
    /// What was to be read.
    resource: &'static str,
    /// Why it was not.
    gap: EvidenceGap,
    /// A sentence for people.
    detail: String,
}

/// How many objects were evaluated, and how. The parts add up to the population.
#[derive(SimpleObject)]
pub struct CheckCounts {
    /// All that the rule is about.
    population: i64,
    /// Met the rule.
    passed: i64,
    /// Did not.
    failed: i64,
    /// Did not, with a declared exception.
    excepted: i64,
    /// A person has to decide.
    review: i64,
    /// Could not be evaluated.
    not_evaluated: i64,
}

impl CheckCounts {
    fn of(row: &ResultRow) -> Self {
        Self {
            population: row.population,
            passed: row.passed,
            failed: row.failed,
            excepted: row.excepted,
            review: row.review,
            not_evaluated: row.not_evaluated,
        }
    }
}

/// Who was judged.
#[derive(SimpleObject)]
struct Population {
    /// Its name in the catalogue, such as `MEMBERS`.
    name: String,
    /// How many.
    size: u64,
    /// SHA-256 of the sorted list of ids, in hexadecimal; the export has the list.
    sha256: String,
    /// The sentence about completeness, with the second number where there is one.
    completeness: String,
}
