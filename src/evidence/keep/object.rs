//! What a run saw of a resource that was new: held against what the history says, object by object.

use std::collections::{BTreeMap, HashMap};

use diesel::sql_types::{Array, Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName};
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::blob::Blobs;
use super::canonical::{Manner, Parts, canonical, sha256, split};
use super::row::{ObjectChange, ObjectRow};
use super::seal::Sealed;
use super::store::Place;
use crate::db::Connection;
use crate::evidence::snapshot::{Complete, Object, Resource};

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Text)]
    object_id: String,
    #[diesel(sql_type = Bytea)]
    content_sha256: Vec<u8>,
}

/// What of a whole reading is to be kept.
pub(super) struct Seen {
    /// Over the id and the content hash of every object, by id.
    pub state_sha256: Vec<u8>,
    /// The blob with what changes at every reading.
    pub volatile_sha256: Option<Vec<u8>>,
    /// The differences to the history.
    pub rows: Vec<ObjectRow>,
}

/// Holds a whole reading against the history.
pub(super) async fn see(
    conn: &mut Connection,
    place: Place,
    complete: Complete<'_>,
    blobs: &mut Blobs,
) -> QueryResult<Seen> {
    let resource = complete.resource();
    // Pages shift while they are read, so that an object may come twice; the later one is the newer.
    let objects: BTreeMap<&str, &Object> = complete.objects().iter().map(|object| (&*object.id, object)).collect();
    let mut known = known(conn, place, resource).await?;
    let mut root = StateRoot::default();
    let mut volatile = Map::new();
    let mut rows = Vec::new();
    for (id, object) in objects {
        let Parts {
            lasting,
            volatile: fleeting,
            state,
        } = split(resource, object);
        if !fleeting.is_null() {
            volatile.insert(id.to_owned(), fleeting);
        }
        let Some(content) = lasting else { continue };
        let hash = sha256(&content);
        root.add(id, &hash);
        let before = known.remove(id);
        if before.as_ref() == Some(&hash) {
            continue;
        }
        let change = if before.is_some() {
            ObjectChange::Changed
        } else {
            ObjectChange::Added
        };
        blobs.add_hashed(hash.clone(), content);
        rows.push(place.object(resource, id, change, Some(hash), state));
    }
    if Manner::of(resource) == Manner::Lasting {
        let mut gone: Vec<String> = known.into_keys().collect();
        gone.sort_unstable();
        rows.extend(
            gone.iter()
                .map(|id| place.object(resource, id, ObjectChange::Removed, None, None)),
        );
    }
    let volatile = (!volatile.is_empty()).then(|| blobs.add(canonical(&Value::Object(volatile))));
    Ok(Seen {
        state_sha256: root.finish(),
        volatile_sha256: volatile,
        rows,
    })
}

/// The state of a resource as one hash: over each object's id, a zero byte and its content's hash, by id.
#[derive(Default)]
pub(in crate::evidence) struct StateRoot(Sha256);

impl StateRoot {
    pub(in crate::evidence) fn add(&mut self, id: &str, hash: &[u8]) {
        self.0.update(id.as_bytes());
        self.0.update([0]);
        self.0.update(hash);
    }

    pub(in crate::evidence) fn finish(self) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

/// Every object that is there by the history, with the hash of its content.
async fn known(conn: &mut Connection, place: Place, resource: Resource) -> QueryResult<HashMap<String, Vec<u8>>> {
    let known: Vec<Known> = diesel::sql_query(
        "select object_id, content_sha256
         from (select distinct on (object_id) object_id, content_sha256
               from evidence_object where company_id = $1 and resource = $2
               order by object_id, seq desc) last
         where content_sha256 is not null",
    )
    .bind::<SqlUuid, _>(place.company_id)
    .bind::<Text, _>(resource)
    .load(conn)
    .await?;
    Ok(known
        .into_iter()
        .map(|known| (known.object_id, known.content_sha256))
        .collect())
}

impl Place {
    fn object(
        self,
        resource: Resource,
        id: &str,
        change: ObjectChange,
        content_sha256: Option<Vec<u8>>,
        state: Option<String>,
    ) -> ObjectRow {
        let mut row = ObjectRow {
            company_id: self.company_id,
            resource,
            object_id: id.to_owned(),
            seq: self.seq,
            at: self.at,
            change,
            content_sha256,
            state,
            sha256: Vec::new(),
        };
        row.sha256 = row.seal();
        row
    }
}

/// Adds the rows, many in a statement.
pub(super) async fn insert(conn: &mut Connection, place: Place, rows: &[ObjectRow]) -> QueryResult<()> {
    for rows in rows.chunks(5_000) {
        let of = |text: fn(&ObjectRow) -> &str| rows.iter().map(text).collect::<Vec<_>>();
        diesel::sql_query(
            "insert into evidence_object (company_id, seq, at, resource, object_id, change, content_sha256, state, sha256)
             select $1, $2, $3, new.* from unnest($4, $5, $6, $7, $8, $9) as new",
        )
        .bind::<SqlUuid, _>(place.company_id)
        .bind::<diesel::sql_types::BigInt, _>(place.seq)
        .bind::<Timestamptz, _>(place.at)
        .bind::<Array<Text>, _>(of(|row| row.resource.as_str()))
        .bind::<Array<Text>, _>(of(|row| &row.object_id))
        .bind::<Array<Text>, _>(of(|row| row.change.as_str()))
        .bind::<Array<Nullable<Bytea>>, _>(rows.iter().map(|row| row.content_sha256.as_deref()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.state.as_deref()).collect::<Vec<_>>())
        .bind::<Array<Bytea>, _>(rows.iter().map(|row| &*row.sha256).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    }
    Ok(())
}
