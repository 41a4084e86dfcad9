//! Ids as clients see them: opaque, and telling what they are the id of.
//!
//! An id of another type is no id. Where a look-up hides what exists, an id that cannot be read is the same as one
//! that nobody has.

use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::error::UserError;

/// What an id is the id of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdOf {
    Company,
    Contact,
    ContactGroup,
    Asset,
    SyncRun,
    ServiceToken,
    Session,
    AuditEvent,
    EvidenceDeclaration,
    Alarm,
}

impl IdOf {
    const ALL: [Self; 10] = [
        Self::Company,
        Self::Contact,
        Self::ContactGroup,
        Self::Asset,
        Self::SyncRun,
        Self::ServiceToken,
        Self::Session,
        Self::AuditEvent,
        Self::EvidenceDeclaration,
        Self::Alarm,
    ];

    const fn tag(self) -> &'static str {
        match self {
            Self::Company => "Company",
            Self::Contact => "Contact",
            Self::ContactGroup => "ContactGroup",
            Self::Asset => "Asset",
            Self::SyncRun => "SyncRun",
            Self::ServiceToken => "ServiceToken",
            Self::Session => "Session",
            Self::AuditEvent => "AuditEvent",
            Self::EvidenceDeclaration => "EvidenceDeclaration",
            Self::Alarm => "Alarm",
        }
    }

    /// The id to show for our `id`.
    pub fn show(self, id: Uuid) -> ID {
        ID(URL_SAFE_NO_PAD.encode(format!("{}:{}", self.tag(), id.simple())))
    }

    /// Our id, if this is an id of this type.
    pub fn read(self, id: &ID) -> Option<Uuid> {
        read(id).filter(|(of, _)| *of == self).map(|(_, id)| id)
    }

    /// Our id, from a mutation's input.
    ///
    /// # Errors
    /// `BAD_INPUT` for what is not an id of this type.
    pub fn read_input(self, id: &ID, field: &'static str) -> Result<Uuid, UserError> {
        self.read(id).ok_or_else(|| {
            UserError::at(
                "BAD_INPUT",
                &[field],
                format!("This is not the id of a {}.", self.words()),
            )
        })
    }

    /// The name to use in a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Contact => "contact",
            Self::ContactGroup => "contact group",
            Self::Asset => "asset",
            Self::SyncRun => "sync run",
            Self::ServiceToken => "service token",
            Self::Session => "session",
            Self::AuditEvent => "audit event",
            Self::EvidenceDeclaration => "declaration",
            Self::Alarm => "alarm",
        }
    }
}

/// What an id is the id of, and our id.
pub fn read(id: &ID) -> Option<(IdOf, Uuid)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id.as_str()).ok()?).ok()?;
    let (tag, number) = text.split_once(':')?;
    let of = IdOf::ALL.into_iter().find(|of| of.tag() == tag)?;
    let number = Uuid::try_parse(number).ok()?;
    // One spelling alone: two ids that differ are never the same thing.
    (of.show(number) == *id).then_some((of, number))
}

#[cfg(test)]
mod tests {
    use async_graphql::ID;
    use uuid::Uuid;

    use super::{IdOf, read};

    #[test]
    fn an_id_comes_back_as_what_it_was() {
        let id = Uuid::now_v7();
        for of in IdOf::ALL {
            assert_eq!(read(&of.show(id)), Some((of, id)));
        }
    }

    #[test]
    fn an_id_of_another_type_is_no_id() {
        assert_eq!(IdOf::Contact.read(&IdOf::Company.show(Uuid::now_v7())), None);
    }

    #[test]
    fn what_cannot_be_read_is_no_id() {
        let id = Uuid::now_v7();
        let bare = ID(id.to_string());
        let padded = ID(format!("{}=", IdOf::Asset.show(id).as_str()));
        for unreadable in [ID(String::new()), ID("%%%".into()), bare, padded] {
            assert_eq!(read(&unreadable), None, "{unreadable:?}");
        }
    }
}
