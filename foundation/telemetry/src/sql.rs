//! Values as SQL literals, for the queries that Mainstay writes itself.

use kernel::Timestamp;

/// `'it''s'`
pub fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// An instant, to the nanosecond.
pub fn timestamp(value: Timestamp) -> String {
    format!("TIMESTAMP '{value}'")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_quote_cannot_leave_its_literal() {
        assert_eq!(super::text("'; DROP"), "'''; DROP'");
    }
}
