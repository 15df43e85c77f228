
impl From<&LogEntry> for DeliveryLogEntry {
    fn from(entry: &LogEntry) -> Self {
        match entry {
            LogEntry::Delivery(event) => Self {
                at: event.at,
                destination: event.destination.to_string(),
                step: event.step.name().to_owned(),
                decision_id: Some(event.decision_id.to_string()),
                trigger_id: Some(event.trigger_id.clone()),
                team_id: Some(event.team_id.clone()),
                attempt: i32::try_from(event.attempt).unwrap_or(i32::MAX),
                status: event.result.and_then(|result| result.status).map(i32::from),
                failure: event.result.and_then(|result| result.failure).map(|class| class.name().to_owned()),
                duration_ms: event.result.map(|result| i64::try_from(result.duration_ms).unwrap_or(i64::MAX)),
                next_at: event.next_attempt_at,
                detail: event.detail.clone(),
            },
            LogEntry::Destination(event) => Self {
                at: event.at,
                destination: event.destination.to_string(),
                step: event.step.name().to_owned(),
                decision_id: None,
                trigger_id: None,
                team_id: None,
                attempt: 0,
                status: None,
                failure: None,
                duration_ms: None,
                next_at: event.until_at,
                detail: event.detail.clone(),
            },
        }
    }
}
