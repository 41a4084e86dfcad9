//! A viewer's scope holds at the queries themselves, whatever a resolver forgets.

use tenantry::model::page::{self, Direction, Listing, Owner, Row, Slice};
use tenantry::model::{Asset, Company, Contact, ContactGroup, Scope, SyncRun};
use tenantry::model::{asset, company, contact, contact_group, sync_run};
use uuid::Uuid;

use super::world::World;

async fn length<T: Row>(world: &World, scope: &Scope, owner: Owner, listing: &Listing) -> (usize, i64) {
    let mut conn = world.pool.get().await.expect("a connection");
    let slice = Slice {
        most: 100,
        ..Slice::ONE
    };
    let pages = page::list::<T>(&mut conn, scope, &[owner], listing, &slice)
        .await
        .expect("a page");
    let count = page::count(&mut conn, scope, &[owner], listing).await.expect("a count");
    let rows = pages.get(&owner).map_or(0, |page| page.rows.len());
    (rows, count.get(&owner).copied().unwrap_or_default())
}

struct Two {
    world: World,
    ours: Scope,
    theirs: Uuid,
    their_person: Uuid,
    their_group: Uuid,
    their_asset: Uuid,
}

async fn two_companies() -> Two {
    let world = World::start().await;
    let ours = world.company_of(&["Adele"]).await;
    let theirs = world.connected_company("Fabrikam").await;
    let their_person = world.contact(theirs, "Canary").await;
    let their_group = world.group(theirs, "Canary", &[their_person], &[]).await;
    let their_asset = world.asset(theirs, "CANARY", Some(their_person)).await;
    let run = "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by, queued_at, not_before)
         values ($1, $1, 'IDENTITY', 'MANUAL', 'AUTO', false, 'QUEUED', 'Canary', 'Canary', now(), now())";
    world.sql(run, &[&theirs]).await;
    Two {
        world,
        ours: Scope::Companies(vec![ours]),
        theirs,
        their_person,
        their_group,
        their_asset,
    }
}

#[tokio::test]
async fn a_list_of_everything_is_a_list_of_everything_in_the_scope() {
    let Two { world, ours, .. } = two_companies().await;
    let by_name = contact::OrderField::Name.order(Direction::Asc);
    let contacts = contact::list_everywhere(&ours, contact::Filter::default(), by_name);
    assert_eq!(length::<Contact>(&world, &ours, Owner::NOBODY, &contacts).await, (1, 1));
    let companies = company::list(
        &ours,
        company::Filter::default(),
        company::OrderField::Name.order(Direction::Asc),
    );
    assert_eq!(
        length::<Company>(&world, &ours, Owner::NOBODY, &companies).await,
        (1, 1)
    );
    let by_name = contact_group::OrderField::Name.order(Direction::Asc);
    let groups = contact_group::list_everywhere(&ours, contact_group::Filter::default(), by_name);
    assert_eq!(
        length::<ContactGroup>(&world, &ours, Owner::NOBODY, &groups).await,
        (0, 0)
    );
    let by_name = asset::OrderField::Name.order(Direction::Asc);
    let assets = asset::list_everywhere(&ours, asset::Filter::default(), by_name);
    assert_eq!(length::<Asset>(&world, &ours, Owner::NOBODY, &assets).await, (0, 0));
    let runs = sync_run::list_everywhere(&ours, &sync_run::Filter::default());
    assert_eq!(length::<SyncRun>(&world, &ours, Owner::NOBODY, &runs).await, (0, 0));
}

#[tokio::test]
async fn how_a_company_stands_tells_old_news_of_earlier_runs_from_new() {
    let world = World::start().await;
    let company = world.connected_company("Contoso").await;
    let mut runs = Vec::new();
    for (status, dry_run) in [("SUCCEEDED", false), ("QUEUED", false), ("CANCELLED", true)] {
        let id = Uuid::now_v7();
        let run = "insert into sync_run (id, company_id, kind, trigger, mode, dry_run, status, message, requested_by,
                                         queued_at, not_before, revision, finished_at)
             values ($1, $2, 'IDENTITY', 'MANUAL', 'AUTO', $4, $3, 'As told', 'Robin', now(), now(), 3,
                     case when $3 <> 'QUEUED' then now() end)";
        world.sql(run, &[&id, &company, &status, &dry_run]).await;
        runs.push(id);
    }
    let mut conn = world.pool.get().await.expect("a connection");
    let standing = sync_run::standing(&mut conn, &Scope::All, company, sync_run::SyncKind::Identity).await;
    let standing = standing.expect("a standing");
    assert_eq!(
        standing.current.map(|run| run.id),
        Some(runs[1]),
        "the run under way, not the newest"
    );
    let told: Vec<Uuid> = standing.revisions.iter().map(|(id, _)| *id).collect();
    assert!(
        runs.iter().all(|run| told.contains(run)),
        "what was said of each so far is old news"
    );
}

#[tokio::test]
async fn the_lists_of_another_company_are_empty() {
    let Two {
        world, ours, theirs, ..
    } = two_companies().await;
    let owner = Owner::company(theirs);
    let by_name = contact::OrderField::Name.order(Direction::Asc);
    let contacts = contact::list_of_company(&ours, contact::Filter::default(), by_name);
    assert_eq!(length::<Contact>(&world, &ours, owner, &contacts).await, (0, 0));
    assert_eq!(length::<Contact>(&world, &Scope::All, owner, &contacts).await, (1, 1));
    let runs = sync_run::list_of_company(&ours, &sync_run::Filter::default());
    assert_eq!(length::<SyncRun>(&world, &ours, owner, &runs).await, (0, 0));
}

#[tokio::test]
async fn the_records_of_another_company_cannot_be_loaded_by_id() {
    let two = two_companies().await;
    let mut conn = two.world.pool.get().await.expect("a connection");
    for (scope, found) in [(&two.ours, 0), (&Scope::All, 1)] {
        let people = contact::load(&mut conn, scope, &[two.their_person])
            .await
            .expect("contacts");
        let by_entra_id = contact::load_by_entra_id(&mut conn, scope, &[two.theirs], &[two.their_person]).await;
        let groups = contact_group::load(&mut conn, scope, &[two.their_group])
            .await
            .expect("groups");
        let assets = asset::load(&mut conn, scope, &[two.their_asset]).await.expect("assets");
        let companies = company::load(&mut conn, scope, &[two.theirs]).await.expect("companies");
        let runs = sync_run::load(&mut conn, scope, &[two.theirs]).await.expect("runs");
        let by_entra_id = by_entra_id.expect("contacts").len();
        let lengths = [
            people.len(),
            by_entra_id,
            groups.len(),
            assets.len(),
            companies.len(),
            runs.len(),
        ];
        assert_eq!(lengths, [found; 6], "{scope:?}");
    }
}
