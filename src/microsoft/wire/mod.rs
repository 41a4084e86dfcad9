//! Microsoft's shapes, as they come over the wire: only what is selected, read straight from a page's bytes.
//!
//! The danger: what Microsoft leaves out is not what Microsoft clears. In a list an absent value and `null` are the same;
//! in a delta, absent means "not told" and `null` means "there is none any more" ([`Field`]). Lists of fixed words are
//! kept as text, because Microsoft adds words without notice. Unknown properties are ignored. An object without its id
//! makes its page unreadable: to skip it would be to lose it.

mod device;
mod field;
mod group;
mod organization;
mod user;

#[cfg(test)]
mod tests;

pub use device::ManagedDevice;
pub use field::{Field, Removed};
pub use group::{GroupChange, MemberChange, MemberKind};
pub use organization::{Organization, RoleAssignment, SubscribedSku, VerifiedDomain};
pub use user::{AssignedLicense, User, UserChange};

/// Text that is only kept: two words instead of a `String`'s three.
pub type Text = Box<str>;
