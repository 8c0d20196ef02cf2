//! Tells once when a runway is shorter than the workload wants it.

use std::time::Duration;

use async_trait::async_trait;
use kernel::task::{Pass, Task, TaskError};
use ledger::{Batch, NewEvent, types};
use serde_json::json;

use super::known::{KnownScalePoint, ScalePoints};
use super::runway::Projection;

/// Traffic of months does not change within the hour.
const INTERVAL: Duration = Duration::from_secs(3600);
const SOURCE: &str = "/evolve/scale-points";

pub struct RunwayTask {
    scale_points: ScalePoints,
}

impl RunwayTask {
    pub fn new(scale_points: ScalePoints) -> Self {
        Self { scale_points }
    }

    /// The event of a runway that is too short. Its key changes when the scale point is found anew or is reached.
    fn event(&self, point: &KnownScalePoint) -> Option<NewEvent> {
        let runway = point.runway.as_ref()?;
        let (how, date) = match runway.projection {
            Projection::Reached => ("reached", None),
            Projection::On { date, .. } if date.duration_since(self.scale_points.now()) < self.scale_points.wanted() => ("near", Some(date)),
            Projection::On { .. } | Projection::NotInSight | Projection::TooFewDays { .. } => return None,
        };
        let data = json!({
            "scenario": point.scenario,
            "component": point.component,
            "scale_point": point.requests_rate,
            "peak": runway.peak,
            "used": runway.used,
            "date": date,
            "run": point.run,
        });
        let event = NewEvent::new(SOURCE, types::RUNWAY_SHORT, data).subject(point.scenario.clone());
        Some(event.key(format!("runway:{}:{how}", point.run)))
    }
}

#[async_trait]
impl Task for RunwayTask {
    fn name(&self) -> &'static str {
        "runways"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        let points = self.scale_points.all().await?;
        let short: Vec<NewEvent> = points.iter().filter_map(|point| self.event(point)).collect();
        let summary = format!("{} scale points, {} with a short runway", points.len(), short.len());
        for event in short {
            self.scale_points.ledger().commit(Batch::new().event(event)).await?;
        }
        Ok(Pass { summary, next: None })
    }
}
