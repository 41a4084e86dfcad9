//! What a run changed, and what it held.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::connection::Listed;
use super::error::{Answer, Fault};
use super::id::IdOf;
use super::siblings::Kin;
use super::sync_run::SyncRun;
use crate::model::held_change::{self, Decision};
use crate::model::sync_change::{self, ChangeAction};
use crate::model::{DeactivatedBecause, Noun};

/// A change among those it was read with.
#[derive(Clone)]
pub struct SyncChange(Kin<sync_change::SyncChange>);

impl Listed for SyncChange {
    type Row = sync_change::SyncChange;
    async fn of(_: &Context<'_>, row: Kin<sync_change::SyncChange>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// What kind of record this is the id of, and our id.
///
/// # Errors
/// `BAD_INPUT` for the id of anything else.
pub fn read_record_id(argument: &str, id: &ID) -> Answer<(Noun, Uuid)> {
    let nouns = [
        (IdOf::Contact, Noun::Contact),
        (IdOf::ContactGroup, Noun::ContactGroup),
        (IdOf::Asset, Noun::Asset),
    ];
    nouns
        .into_iter()
        .find_map(|(of, noun)| Some((noun, of.read(id)?)))
        .ok_or_else(|| {
            Fault::bad_input(
                argument,
                "This is not the id of a contact, a contact group or an asset.",
            )
        })
}

fn record_id(kind: Noun, id: Uuid) -> ID {
    let of = match kind {
        Noun::Contact => IdOf::Contact,
        Noun::ContactGroup => IdOf::ContactGroup,
        Noun::Asset => IdOf::Asset,
    };
    of.show(id)
}

/// What a run changed in one record.
#[Object]
impl SyncChange {
    /// The run that changed it, or in a dry run would have.
    async fn sync_run(&self, ctx: &Context<'_>) -> Answer<SyncRun> {
        SyncRun::of_change(ctx, self.0.siblings(), self.0.run_id).await
    }

    /// The kind of record.
    async fn kind(&self) -> Noun {
        self.0.noun
    }

    /// What happened to it.
    async fn action(&self) -> ChangeAction {
        self.0.action
    }

    /// The id of the contact, contact group or asset. What a dry run would create is not there yet.
    async fn record_id(&self) -> ID {
        record_id(self.0.noun, self.0.record_id)
    }

    /// The name of the record after the change.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// What changed from what to what; empty for a record that is new.
    async fn fields(&self) -> Vec<FieldChange> {
        let fields = self.0.fields.as_ref().and_then(Value::as_object);
        fields
            .into_iter()
            .flatten()
            .map(|(field, change)| FieldChange::new(field, change))
            .collect()
    }
}

/// What changed in one field of a record.
#[derive(SimpleObject)]
pub struct FieldChange {
    /// The name of the field.
    field: String,
    /// What it was; null for nothing.
    from: Option<String>,
    /// What it is now; null for nothing.
    to: Option<String>,
}

impl FieldChange {
    fn new(field: &str, change: &Value) -> Self {
        let words = |place: usize| change.get(place).and_then(words);
        Self {
            field: field.to_owned(),
            from: words(0),
            to: words(1),
        }
    }
}

/// A stored value in words: text as it is, a list with commas.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(values) => Some(values.iter().filter_map(words).collect::<Vec<_>>().join(", ")),
        other => Some(other.to_string()),
    }
}

/// A held change among those it was read with.
#[derive(Clone)]
pub struct HeldChange(Kin<held_change::HeldChange>);

impl Listed for HeldChange {
    type Row = held_change::HeldChange;
    async fn of(_: &Context<'_>, row: Kin<held_change::HeldChange>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// A deactivation that was not made, because there were suspiciously many, and that waits, or waited, for a person.
#[Object]
impl HeldChange {
    /// The kind of record.
    async fn kind(&self) -> Noun {
        self.0.noun
    }

    /// The id of the contact, contact group or asset.
    async fn record_id(&self) -> ID {
        record_id(self.0.noun, self.0.record_id)
    }

    /// The name of the record when it was held.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Why it would be deactivated.
    async fn because(&self) -> DeactivatedBecause {
        self.0.because
    }

    /// What became of it.
    async fn decision(&self) -> Decision {
        self.0.decision
    }

    /// Who decided, by name.
    async fn decided_by(&self) -> Option<&str> {
        self.0.decided_by.as_deref()
    }

    /// When it was decided.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::FieldChange;

    #[test]
    fn a_field_change_is_told_in_words() {
        let change = FieldChange::new("businessPhones", &json!([["+1 2", "+3 4"], null]));
        assert_eq!(change.from.as_deref(), Some("+1 2, +3 4"));
        assert_eq!(change.to, None);
        let change = FieldChange::new("accountEnabled", &json!([true, false]));
        assert_eq!(
            (change.from.as_deref(), change.to.as_deref()),
            (Some("true"), Some("false"))
        );
    }
}
