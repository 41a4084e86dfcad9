//! How findings open, go unseen and close.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use tenantry::evidence::judge::{Counts, Status, Verdict};
use tenantry::evidence::keep::{self, DeclarationKind, FindingFilter, FindingRow, FindingState, Statement};
use tenantry::evidence::snapshot::{Gap, Indeterminate, Outcome, Resource};
use tenantry::model::Scope;
use tenantry::model::page::{self, Owner, Slice};

use super::{Keeper, monday, pull, read, verdict};

const CHECK: &str = "entra.ca.mfa_all_users";

fn unseen() -> Verdict {
    Verdict {
        status: Status::Indeterminate,
        indeterminate: Some(Indeterminate {
            resource: Resource::Users,
            gap: Gap::ThrottledIncomplete,
            detail: "users: no more".into(),
        }),
        counts: Counts::default(),
        populations: Vec::new(),
        ..verdict(CHECK, &[], &[])
    }
}

fn users() -> std::collections::BTreeMap<Resource, tenantry::evidence::snapshot::Pull> {
    read([(Resource::Users, vec![json!({"id": "u"}), json!({"id": "v"})])])
}

impl Keeper {
    /// The findings as they stood after a run.
    async fn findings(&self, seq: i64) -> Vec<(String, FindingState, DateTime<Utc>)> {
        let mut conn = self.conn().await;
        let slice = Slice {
            most: 100,
            ..Slice::ONE
        };
        let owner = Owner::company(self.company);
        let listing = keep::list_findings(&Scope::All, seq, &FindingFilter::default());
        let mut pages = page::list::<FindingRow>(&mut conn, &Scope::All, &[owner], &listing, &slice)
            .await
            .expect("a page");
        let rows = pages.remove(&owner).unwrap_or_default().rows.into_iter();
        rows.map(|placed| (placed.row.object_id, placed.row.state, placed.row.opened_at))
            .collect()
    }
}

#[tokio::test]
async fn a_finding_that_nobody_could_look_at_is_neither_confirmed_nor_closed() {
    let mut keeper = Keeper::start().await;
    let (first, last) = (monday(), monday() + Duration::hours(24));
    keeper.keep(users(), &[verdict(CHECK, &["u", "v"], &["u"])]).await;
    keeper
        .keep(
            [(Resource::Users, pull(Outcome::Throttled, vec![]))].into(),
            &[unseen()],
        )
        .await;
    keeper
        .keep(
            [(Resource::Users, pull(Outcome::Throttled, vec![]))].into(),
            &[unseen()],
        )
        .await;
    keeper.keep(users(), &[verdict(CHECK, &["u", "v"], &["u"])]).await;
    keeper.keep(users(), &[verdict(CHECK, &["u", "v"], &["v"])]).await;

    let open = |id: &str, since| vec![(id.to_owned(), FindingState::Open, since)];
    assert_eq!(keeper.findings(1).await, open("u", first));
    assert_eq!(
        keeper.findings(2).await,
        [("u".to_owned(), FindingState::NotEvaluated, first)]
    );
    assert_eq!(keeper.findings(3).await, keeper.findings(2).await);
    assert_eq!(
        keeper.findings(4).await,
        open("u", first),
        "it has been there since, and is not opened anew"
    );
    assert_eq!(
        keeper.findings(5).await,
        open("v", last),
        "one was closed, another opened"
    );
    assert_eq!(
        keeper.number("select count(*) from evidence_finding").await,
        5,
        "a row only where something happened"
    );
}

#[tokio::test]
async fn a_verdict_that_fails_on_an_unfinished_reading_closes_nothing() {
    let mut keeper = Keeper::start().await;
    keeper.keep(users(), &[verdict(CHECK, &["u", "v"], &["u"])]).await;
    let unfinished = [(Resource::Users, pull(Outcome::Partial, vec![]))].into();
    keeper.keep(unfinished, &[verdict(CHECK, &["v"], &["v"])]).await;
    let states: Vec<FindingState> = keeper
        .findings(2)
        .await
        .into_iter()
        .map(|(_, state, _)| state)
        .collect();
    assert_eq!(states, [FindingState::NotEvaluated, FindingState::Open]);
}

#[tokio::test]
async fn a_check_that_is_no_longer_asked_closes_nothing() {
    let mut keeper = Keeper::start().await;
    keeper.keep(users(), &[verdict(CHECK, &["u"], &["u"])]).await;
    keeper.keep(users(), &[]).await;
    assert_eq!(
        keeper.findings(2).await,
        [("u".to_owned(), FindingState::NotEvaluated, monday())]
    );
}

#[tokio::test]
async fn the_last_good_value_stays_visible_with_its_age() {
    let mut keeper = Keeper::start().await;
    keeper.keep(users(), &[verdict(CHECK, &["u"], &[])]).await;
    keeper
        .keep(
            [(Resource::Users, pull(Outcome::Throttled, vec![]))].into(),
            &[unseen()],
        )
        .await;

    let mut conn = keeper.conn().await;
    let standing = keep::results(&mut conn, &Scope::All, keeper.company, 2)
        .await
        .expect("results");

    assert_eq!(standing[0].result.status, Status::Indeterminate);
    let good = standing[0].last_good.as_ref().expect("there was a good one");
    assert_eq!((good.status, good.at), (Status::Pass, monday()));
    let ids = keep::population(&mut conn, &Scope::All, keeper.company, &good.populations[0])
        .await
        .expect("an answer");
    assert_eq!(ids, Some(vec!["u".to_owned()]));
}

const CHANGED: &str = "entra.ca.policy_changed";

impl Keeper {
    /// A policy was changed since the run before.
    fn changed(&self) -> Verdict {
        let mut verdict = verdict(CHANGED, &["p"], &["p"]);
        verdict.findings[0].lineage = json!({"between": [self.next - Duration::hours(6), self.next]});
        verdict
    }

    /// There is a ticket for a change of the policy at this moment.
    async fn ticket(&self, at: DateTime<Utc>) {
        let statement = Statement {
            kind: DeclarationKind::Change,
            check_id: None,
            object_id: Some("p".into()),
            owner: "Megan Bowen".into(),
            reason: "A new office".into(),
            reference: Some("T-1".into()),
            changed_at: Some(at),
            expires_at: None,
        };
        let now = self.next - Duration::hours(1);
        keep::declare(
            &mut *self.conn().await,
            now,
            &Scope::All,
            self.company,
            &statement,
            "a test",
        )
        .await
        .expect("declared");
    }
}

fn unchanged() -> Verdict {
    Verdict {
        status: Status::NotApplicable,
        reason: Some("no policy has changed".into()),
        counts: Counts::default(),
        populations: Vec::new(),
        ..verdict(CHANGED, &[], &[])
    }
}

#[tokio::test]
async fn a_change_that_nobody_explains_does_not_close_itself() {
    let mut keeper = Keeper::start().await;
    let open = [("p".to_owned(), FindingState::Open, monday())];
    let change = keeper.changed();
    keeper.keep(users(), &[change]).await;
    keeper.keep(users(), &[unchanged()]).await;
    assert_eq!(keeper.findings(2).await, open, "nothing has moved since");
    let unseen = Verdict {
        check: CHANGED.into(),
        ..unseen()
    };
    keeper.keep(users(), &[unseen]).await;
    assert_eq!(keeper.findings(3).await, open, "nobody could look");
    keeper.ticket(monday() + Duration::hours(1)).await;
    keeper.keep(users(), &[unchanged()]).await;
    assert_eq!(keeper.findings(4).await, open, "the ticket is for another time");

    keeper.ticket(monday() - Duration::hours(1)).await;
    keeper.keep(users(), &[unchanged()]).await;
    assert_eq!(keeper.findings(5).await, [], "explained");
}

#[tokio::test]
async fn a_second_change_does_not_hide_the_first() {
    let mut keeper = Keeper::start().await;
    for _ in 0..2 {
        let change = keeper.changed();
        keeper.keep(users(), &[change]).await;
    }
    keeper.ticket(monday() + Duration::hours(5)).await;
    keeper.keep(users(), &[unchanged()]).await;
    let open = [("p".to_owned(), FindingState::Open, monday())];
    assert_eq!(keeper.findings(3).await, open, "one of the two is explained");

    keeper.ticket(monday() - Duration::hours(1)).await;
    keeper.keep(users(), &[unchanged()]).await;
    assert_eq!(keeper.findings(4).await, []);
}
