//! Decides only: no clock, no socket.

use crate::config::HealthCheck;

/// A backend's standing, and what speaks against it lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub healthy: bool,
    /// Checks in a row that say the opposite.
    against: u32,
}

impl Default for Standing {
    fn default() -> Self {
        Self { healthy: true, against: 0 }
    }
}

impl Standing {
    pub fn after(self, passed: bool, settings: &HealthCheck) -> Self {
        if passed == self.healthy {
            return Self { against: 0, ..self };
        }
        let needed = if self.healthy { settings.unhealthy_after } else { settings.healthy_after };
        let against = self.against + 1;
        if against >= needed { Self { healthy: passed, against: 0 } } else { Self { against, ..self } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_checks_in_a_row_change_the_standing() {
        let settings = HealthCheck { unhealthy_after: 3, healthy_after: 2, ..HealthCheck::default() };
        let mut standing = Standing::default();
        let seen: Vec<bool> = [false, false, true, false, false, false, true, false, true, true]
            .into_iter()
            .map(|passed| {
                standing = standing.after(passed, &settings);
                standing.healthy
            })
            .collect();
        assert_eq!(seen, [true, true, true, true, true, false, false, false, false, true]);
    }
}
