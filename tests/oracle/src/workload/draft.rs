//! A raw event on its way: the source's words and their truth, before it is known when it is received.

use std::sync::LazyLock;

use serde_json::Value;
use tributary_model::{Domain, RawEvent};
use tributary_schema::Contracts;

use crate::names::digest;
use crate::workload::spec::{Spec, domain};
use crate::workload::{Event, Truth};

static CONTRACTS: LazyLock<std::sync::Arc<Contracts>> =
    LazyLock::new(|| Contracts::single_object().expect("the embedded schemas are good"));

/// What is to become of a draft.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    Touches(Vec<Spec>),
    DeadLetter(&'static str),
    Dropped(&'static str),
}

/// How it goes on its raw topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the gateway writes it.
    Gateway,
    /// As an own producer writes it: bare JSON and a header.
    Bare,
    /// Bytes that are neither.
    Garbage,
}

/// A raw event without its receive time.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) at: i64,
    pub(crate) source: String,
    pub(crate) domain: Domain,
    /// The source's own id, when the gateway finds one.
    pub(crate) event_id: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) fate: Fate,
    pub(crate) form: Form,
}

impl Draft {
    /// Touchpoints in a source's own words.
    pub(crate) fn of(event_id: Option<String>, body: &Value, specs: Vec<Spec>) -> Self {
        let first = &specs[0];
        Self {
            at: first.at,
            source: first.source.to_owned(),
            domain: domain(first.source),
            event_id,
            body: body.to_string().into_bytes(),
            fate: Fate::Touches(specs),
            form: Form::Gateway,
        }
    }

    /// A touchpoint in the plain words of the sources `events-*`.
    pub(crate) fn plain(spec: Spec) -> Self {
        let body = spec.plain();
        Self::of(Some(spec.id.clone()), &body, vec![spec])
    }

    /// The same as a record of an own producer.
    pub(crate) fn bare(mut self) -> Self {
        self.form = Form::Bare;
        self
    }

    /// An event that does not become a touchpoint.
    pub(crate) fn fated(source: &str, at: i64, event_id: Option<&str>, body: &str, fate: Fate) -> Self {
        Self {
            at,
            source: source.to_owned(),
            domain: domain(source),
            event_id: event_id.map(str::to_owned),
            body: body.as_bytes().to_vec(),
            fate,
            form: Form::Gateway,
        }
    }

    /// Another event under the same id, of the sources that speak plainly.
    pub(crate) fn edited(&self) -> Option<Self> {
        let Fate::Touches(specs) = &self.fate else { return None };
        let [spec] = specs.as_slice() else { return None };
        if !spec.source.starts_with("events-") {
            return None;
        }
        let mut other = spec.clone().with("edited", "yes");
        other.value = spec.value.map(|(currency, minor)| (currency, minor + 100));
        Some(Self { form: self.form, ..Self::plain(other) })
    }

    /// Whether it becomes one touchpoint whose id begins so.
    pub(crate) fn is_touch_of(&self, prefix: &str) -> bool {
        matches!(&self.fate, Fate::Touches(specs) if matches!(&specs[..], [spec] if spec.id.starts_with(prefix)))
    }

    /// The record, received at this instant.
    pub(crate) fn event(self, received_at: i64) -> Event {
        let topic = format!("tributary.raw.{}", domain_name(self.domain));
        let fingerprint = digest(&self.body);
        let key = format!("{}:{}", self.source, self.event_id.as_deref().unwrap_or(&fingerprint)).into_bytes();
        let truth = match self.fate {
            Fate::Touches(specs) => Truth::Touches(specs.iter().map(|spec| spec.touch(received_at)).collect()),
            Fate::DeadLetter(code) => Truth::DeadLetter(code),
            Fate::Dropped(reason) => Truth::Dropped(reason),
        };
        let (value, headers) = match self.form {
            Form::Garbage => (self.body, Vec::new()),
            Form::Bare => (self.body, vec![("tributary.source".to_owned(), self.source.clone().into_bytes())]),
            Form::Gateway => {
                let raw = RawEvent {
                    source: self.source.clone(),
                    event_id: self.event_id,
                    received_at,
                    content_type: "application/json".to_owned(),
                    body: self.body,
                };
                (CONTRACTS.encode(&topic, &raw).expect("a raw event fits its schema"), Vec::new())
            }
        };
        Event {
            topic,
            key,
            value,
            headers,
            timestamp_ms: received_at,
            source: self.source,
            truth,
            fingerprint,
            is_bare: self.form == Form::Bare,
        }
    }
}

fn domain_name(domain: Domain) -> &'static str {
    match domain {
        Domain::Channel => "channel",
        Domain::Crm => "crm",
        Domain::Store => "store",
        Domain::Ecommerce => "ecommerce",
    }
}
