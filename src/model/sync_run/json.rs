//! JSON columns as the types that they hold.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{Jsonb, Nullable};
use serde::de::DeserializeOwned;

/// A JSON column.
#[derive(Debug, FromSqlRow)]
pub struct Json<T>(T);

/// A JSON column that may be null.
#[derive(Debug, FromSqlRow)]
pub struct JsonOption<T>(Option<T>);

impl<T: DeserializeOwned> FromSql<Jsonb, Pg> for Json<T> {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let value = <serde_json::Value as FromSql<Jsonb, Pg>>::from_sql(bytes)?;
        Ok(Self(serde_json::from_value(value)?))
    }
}

impl<T: DeserializeOwned> FromSql<Nullable<Jsonb>, Pg> for JsonOption<T> {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let Json(value) = Json::from_sql(bytes)?;
        Ok(Self(Some(value)))
    }

    fn from_nullable_sql(bytes: Option<PgValue<'_>>) -> deserialize::Result<Self> {
        bytes.map_or(Ok(Self(None)), Self::from_sql)
    }
}

impl<T> From<Json<Vec<T>>> for Vec<T> {
    fn from(json: Json<Vec<T>>) -> Self {
        json.0
    }
}

impl<T> From<JsonOption<T>> for Option<T> {
    fn from(json: JsonOption<T>) -> Self {
        json.0
    }
}
