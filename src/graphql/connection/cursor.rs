//! Cursors: where a row stands, bound to the ordering that it was read in.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::graphql::error::{Answer, Fault};
use crate::model::page::{Compared, Direction, Mark, Order};

/// The cursor of a row that stands at `mark`.
pub fn show(order: Order, mark: &Mark) -> String {
    let told = (order.name, descends(order), &mark.key, mark.id);
    let json = serde_json::to_vec(&told).expect("strings, a bool and an id are always JSON");
    URL_SAFE_NO_PAD.encode(json)
}

/// Where the row of this cursor stands.
///
/// # Errors
/// `BAD_INPUT` for a cursor that is not ours, or of another ordering.
pub fn read(argument: &str, cursor: &str, order: Order) -> Answer<Mark> {
    let (name, descending, mark) = parse(cursor)
        .ok_or_else(|| Fault::bad_input(argument, "This is not a cursor. Use one that this list has given."))?;
    let comparable = match order.compared {
        Compared::Text => !mark.key.contains('\0'),
        Compared::Time => mark.key.parse::<DateTime<Utc>>().is_ok(),
    };
    if name != order.name || descending != descends(order) || !comparable {
        return Err(Fault::bad_input(
            argument,
            "This cursor is of another list or another ordering. Start again without it.",
        ));
    }
    Ok(mark)
}

fn descends(order: Order) -> bool {
    order.direction == Direction::Desc
}

fn parse(cursor: &str) -> Option<(String, bool, Mark)> {
    let json = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (name, descending, key, id): (String, bool, String, Uuid) = serde_json::from_slice(&json).ok()?;
    Some((name, descending, Mark { key, id }))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{read, show};
    use crate::model::contact::OrderField;
    use crate::model::page::{Direction, Mark};

    fn mark(key: &str) -> Mark {
        Mark {
            key: key.to_owned(),
            id: Uuid::now_v7(),
        }
    }

    #[test]
    fn a_cursor_leads_back_to_its_row() {
        let order = OrderField::Name.order(Direction::Asc);
        let mark = mark("zoë \"quoted\"");
        assert_eq!(read("after", &show(order, &mark), order).ok(), Some(mark));
    }

    #[test]
    fn a_cursor_is_refused_in_another_ordering() {
        let cursor = show(OrderField::Name.order(Direction::Asc), &mark("a"));
        for other in [
            OrderField::Name.order(Direction::Desc),
            OrderField::Created.order(Direction::Asc),
        ] {
            assert!(read("after", &cursor, other).is_err());
        }
    }

    #[test]
    fn a_cursor_that_was_made_up_is_refused() {
        let by_time = OrderField::Created.order(Direction::Asc);
        let by_name = OrderField::Name.order(Direction::Asc);
        assert!(read("after", "", by_name).is_err());
        assert!(read("after", "bm8", by_name).is_err());
        assert!(read("after", &show(by_time, &mark("soon")), by_time).is_err());
        assert!(read("after", &show(by_name, &mark("a\0")), by_name).is_err());
    }
}
