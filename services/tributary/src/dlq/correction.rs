//! What is written back: the refused record as it was, or with a corrected body.

use tributary_model::RawEvent;
use tributary_normalizer::HEADER_SOURCE;
use tributary_rules::{Program, parse_json, to_json};
use tributary_schema::Contracts;

use super::letter::Letter;

/// How the bodies of raw events are corrected before they go back.
#[derive(Debug, Default)]
pub enum Correction {
    /// Not at all.
    #[default]
    None,
    /// Each becomes these bytes, which are JSON.
    With(Vec<u8>),
    /// Each goes through this program as `.`, and what `.` is then goes back.
    Map(Box<Program>),
}

impl Correction {
    /// The value that goes back for this letter.
    ///
    /// # Errors
    /// Why the letter cannot be corrected, and what to do.
    pub fn value(&self, letter: &Letter, contracts: &Contracts) -> Result<Option<Vec<u8>>, String> {
        let value = letter.letter.input.value.clone();
        if matches!(self, Self::None) {
            return Ok(value);
        }
        if !letter.is_raw() {
            return Err(format!(
                "only raw events can be corrected, and this is a record of {}: replay it as it is",
                letter.letter.input.topic
            ));
        }
        let value = value.ok_or_else(|| "it has no value: there is nothing to correct".to_owned())?;
        if letter.letter.input.header(HEADER_SOURCE).is_some() {
            return self.body(&value).map(Some);
        }
        let event: RawEvent = contracts
            .decode(&value)
            .map_err(|error| format!("its envelope cannot be read ({error}): it can only be replayed as it is"))?;
        let corrected = RawEvent { body: self.body(&event.body)?, ..event };
        let bytes = contracts.encode(&letter.letter.input.topic, &corrected);
        bytes.map(Some).map_err(|error| error.to_string())
    }

    fn body(&self, body: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::None => Ok(body.to_vec()),
            Self::With(bytes) => Ok(bytes.clone()),
            Self::Map(program) => {
                let why = |why| format!("its body {why}: correct this one letter with --with FILE");
                let mut event = parse_json(body).map_err(why)?;
                program.run_on(&mut event).map_err(|error| error.to_string())?;
                Ok(to_json(&event).to_string().into_bytes())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tributary_model::{Domain, topics};
    use tributary_stream::{Record, dead_letter};

    use super::*;

    fn letter(topic: &str, value: &[u8], headers: Vec<(String, Vec<u8>)>, contracts: &Contracts) -> Letter {
        let value = Some(value.to_vec());
        let input = Record {
            topic: topic.to_owned(),
            partition: 0,
            offset: 1,
            timestamp_ms: None,
            key: Vec::new(),
            value,
            headers,
        };
        let out = dead_letter(&input, "normalizer", "invalid_field", "m");
        let record = Record { topic: out.topic, key: out.key, value: out.value, headers: out.headers, ..input };
        Letter::read(&record, contracts).unwrap()
    }

    #[test]
    fn bodies_are_corrected_in_both_forms_of_a_raw_event_and_nowhere_else() {
        let contracts = Contracts::single_object().unwrap();
        let topic = topics::raw(Domain::Store);
        let program = Program::compile("fix.vrl", ".at = .when\ndel(.when)").unwrap();
        let map = Correction::Map(Box::new(program));
        let bare = vec![(HEADER_SOURCE.to_owned(), b"till".to_vec())];
        let body = br#"{"id":7,"when":"2026-03-01"}"#;
        let corrected = map.value(&letter(&topic, body, bare.clone(), &contracts), &contracts).unwrap().unwrap();
        assert_eq!(corrected, br#"{"at":"2026-03-01","id":7}"#);

        let event = RawEvent {
            source: "till".to_owned(),
            event_id: Some("7".to_owned()),
            received_at: 5,
            content_type: "application/json".to_owned(),
            body: body.to_vec(),
        };
        let bytes = contracts.encode(&topic, &event).unwrap();
        let of_gateway = letter(&topic, &bytes, Vec::new(), &contracts);
        assert_eq!(of_gateway.source.as_deref(), Some("till"));
        let corrected = map.value(&of_gateway, &contracts).unwrap().unwrap();
        let back: RawEvent = contracts.decode(&corrected).unwrap();
        assert_eq!(back, RawEvent { body: br#"{"at":"2026-03-01","id":7}"#.to_vec(), ..event });
        assert_eq!(Correction::None.value(&of_gateway, &contracts), Ok(Some(bytes.clone())));

        let broken = map.value(&letter(&topic, b"{", bare, &contracts), &contracts).unwrap_err();
        assert!(broken.contains("--with"), "{broken}");
        let elsewhere = letter(topics::TOUCHPOINTS, &bytes, Vec::new(), &contracts);
        let refused = map.value(&elsewhere, &contracts).unwrap_err();
        assert!(refused.contains(topics::TOUCHPOINTS), "{refused}");
    }
}
