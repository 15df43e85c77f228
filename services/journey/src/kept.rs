//! A touch as it is kept: in one piece of bytes, a sixth of what the same touch takes up in the types of the domain.
//!
//! What every later touch of the person looks at stands at the front and is read where it lies; what the next touch goes on
//! from stands behind it; the rest is read only when somebody asks for the whole touch. What the key of the store says is
//! not repeated.
//!
//! `flags · told's flags, if it told something · texts · length of the running part · running part · number of properties ·
//! their names and values · rest`, running part and rest in MessagePack; a text is its length as a varint, and UTF-8.

use std::fmt;

use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tributary_model::journey::{ExposureContext, JourneyEvent, PlanContext, SessionContext, StoryContext, Totals};
use tributary_model::past::Packed;
use tributary_model::{AccountId, Direction, Glimpse, Identifier, Past, PersonId, Touchpoint};

use crate::context::PathLimits;
use crate::touch::{Counts, Heard, Offer, Told, Touch, TouchKey};

const OUTBOUND: u8 = 1;
const EXPOSURE: u8 = 2;
const CONVERSION: u8 = 4;
const SALE: u8 = 8;
const TOLD: u8 = 16;

const BRAND: u8 = 1;
const APPROVED: u8 = 2;
const ACQUISITION: u8 = 4;
const PUSH: u8 = 8;
const NARRATIVE: u8 = 16;
const OFFER: u8 = 32;

/// A packed touch.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept(Box<[u8]>);

/// What later touches look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'a> {
    flags: u8,
    pub(crate) event_type: &'a str,
    pub(crate) channel: &'a str,
    /// What it told.
    pub(crate) told: Option<Heard<'a>>,
    /// The parts behind.
    behind: &'a [u8],
}

/// The parts behind the front.
struct Parts<'a> {
    running: &'a [u8],
    /// Behind them is the rest.
    properties: Properties<'a>,
}

/// Names and values, read one after the other.
struct Properties<'a> {
    left: usize,
    input: Input<'a>,
}

/// What the next touch goes on from.
#[derive(Debug, Deserialize)]
pub(crate) struct Running<'a> {
    pub(crate) started_at: i64,
    pub(crate) position: i32,
    pub(crate) stage: &'a str,
    pub(crate) totals: Totals,
    pub(crate) counts: Counts,
}

/// The rest, read.
type Rest = (
    Option<Box<Identifier>>,
    Vec<AccountId>,
    i32,
    String,
    Touchpoint,
    Option<String>,
    ExposureContext,
    StoryContext,
    Option<Box<PlanContext>>,
    PathLimits,
);

impl Kept {
    /// Packs a touch; its path is not kept. What the front says is taken out of the touch while the rest is written, and put
    /// back.
    pub(crate) fn of(touch: &mut Touch) -> Self {
        let mut bytes = Vec::with_capacity(512);
        write_head(touch, &mut bytes);
        let event = &mut touch.event;
        let running = (event.session.started_at, event.session.position, &*event.stage, &event.totals, touch.counts);
        let part = written(&running);
        write_length(part.len(), &mut bytes);
        bytes.extend_from_slice(&part);
        let touchpoint = &mut event.touchpoint;
        let properties = std::mem::take(&mut touchpoint.properties);
        write_length(properties.len(), &mut bytes);
        for (name, value) in &properties {
            write_text(name, &mut bytes);
            write_text(value, &mut bytes);
        }
        let id = std::mem::take(&mut touchpoint.touchpoint_id);
        let at = std::mem::take(&mut touchpoint.occurred_at);
        let event_type = std::mem::take(&mut touchpoint.event_type);
        let channel = std::mem::take(&mut touchpoint.channel);
        write(
            &(
                &touch.via,
                &event.account_ids,
                event.revision,
                &event.team_id,
                &event.touchpoint,
                &event.previous_stage,
                &event.exposure,
                &event.story,
                &event.plan,
                &touch.path_limits,
            ),
            &mut bytes,
        );
        let touchpoint = &mut touch.event.touchpoint;
        touchpoint.touchpoint_id = id;
        touchpoint.occurred_at = at;
        touchpoint.event_type = event_type;
        touchpoint.channel = channel;
        touchpoint.properties = properties;
        Self(bytes.into_boxed_slice())
    }

    /// What later touches look at.
    pub(crate) fn head(&self) -> Head<'_> {
        read_head(&self.0).unwrap_or_else(|| damaged("the front"))
    }

    /// What the next touch goes on from.
    pub(crate) fn running(&self) -> Running<'_> {
        rmp_serde::from_slice(self.parts().running).unwrap_or_else(|error| damaged(error))
    }

    /// The touch, which is this person's, in its place.
    pub(crate) fn open(&self, person_id: PersonId, (occurred_at, touchpoint_id): (i64, &str)) -> Touch {
        let (head, mut parts) = (self.head(), self.parts());
        let running: Running<'_> = rmp_serde::from_slice(parts.running).unwrap_or_else(|error| damaged(error));
        let properties = parts.properties.by_ref().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let rest: Rest = rmp_serde::from_slice(parts.properties.rest()).unwrap_or_else(|error| damaged(error));
        let (via, account_ids, revision, team_id, mut touchpoint, previous_stage, exposure, story, plan, path_limits) =
            rest;
        touchpoint.touchpoint_id = touchpoint_id.to_owned();
        touchpoint.occurred_at = occurred_at;
        touchpoint.event_type = head.event_type.to_owned();
        touchpoint.channel = head.channel.to_owned();
        touchpoint.properties = properties;
        let event = JourneyEvent {
            person_id,
            account_ids,
            revision,
            retracted: false,
            team_id,
            touchpoint,
            session: SessionContext::of(person_id, running.started_at, running.position),
            stage: running.stage.to_owned(),
            previous_stage,
            exposure,
            totals: running.totals,
            story,
            path: Vec::new(),
            plan,
        };
        Touch { via, event, told: head.told.map(|told| Box::new(told.to_owned())), counts: running.counts, path_limits }
    }

    fn parts(&self) -> Parts<'_> {
        read_parts(self.head().behind).unwrap_or_else(|| damaged("the running part"))
    }

    /// As chained steps look at it.
    pub(crate) fn past<'a>(&'a self, person_id: PersonId, key: &'a TouchKey) -> Past<'a> {
        let head = self.head();
        let glimpse = Glimpse {
            occurred_at: key.0,
            touchpoint_id: &key.1,
            event_type: head.event_type,
            channel: head.channel,
            direction: if head.flags & OUTBOUND == 0 { Direction::Inbound } else { Direction::Outbound },
        };
        Past::packed(person_id, glimpse, self)
    }
}

impl Packed for Kept {
    fn open(&self, person_id: PersonId, glimpse: &Glimpse<'_>) -> JourneyEvent {
        self.open(person_id, (glimpse.occurred_at, glimpse.touchpoint_id)).event
    }

    fn property(&self, name: &str) -> Option<&str> {
        self.parts().properties.find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl Head<'_> {
    pub(crate) fn is_exposure(&self) -> bool {
        self.flags & EXPOSURE != 0
    }

    pub(crate) fn is_conversion(&self) -> bool {
        self.flags & CONVERSION != 0
    }

    pub(crate) fn is_sale(&self) -> bool {
        self.flags & SALE != 0
    }
}

impl<'a> Properties<'a> {
    /// What is behind those that are left.
    fn rest(mut self) -> &'a [u8] {
        self.by_ref().for_each(drop);
        self.input.0
    }
}

impl<'a> Iterator for Properties<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some((self.input.text()?, self.input.text()?))
    }
}

fn write_head(touch: &Touch, bytes: &mut Vec<u8>) {
    let touchpoint = &touch.event.touchpoint;
    let told = touch.told.as_deref();
    let if_so = |is_so: bool, flag: u8| if is_so { flag } else { 0 };
    bytes.push(
        if_so(touchpoint.direction == Direction::Outbound, OUTBOUND)
            | if_so(touchpoint.is_exposure(), EXPOSURE)
            | if_so(touchpoint.is_conversion(), CONVERSION)
            | if_so(touchpoint.is_sale(), SALE)
            | if_so(told.is_some(), TOLD),
    );
    if let Some(told) = told {
        bytes.push(
            if_so(told.is_brand, BRAND)
                | if_so(told.is_approved, APPROVED)
                | if_so(told.is_acquisition, ACQUISITION)
                | if_so(told.is_push, PUSH)
                | if_so(told.narrative_id.is_some(), NARRATIVE)
                | if_so(told.offer.is_some(), OFFER),
        );
        told.narrative_id.iter().for_each(|narrative| write_text(narrative, bytes));
        if let Some(offer) = &told.offer {
            write_text(&offer.subject, bytes);
            write_text(&offer.claim, bytes);
        }
    }
    write_text(&touchpoint.event_type, bytes);
    write_text(&touchpoint.channel, bytes);
}

fn read_head(bytes: &[u8]) -> Option<Head<'_>> {
    let mut input = Input(bytes);
    let flags = input.byte()?;
    let told = if flags & TOLD == 0 {
        None
    } else {
        let told = input.byte()?;
        let narrative_id = if told & NARRATIVE == 0 { None } else { Some(input.text()?) };
        let offer = if told & OFFER == 0 { None } else { Some((input.text()?, input.text()?)) };
        Some(Heard {
            narrative_id,
            is_brand: told & BRAND != 0,
            is_approved: told & APPROVED != 0,
            is_acquisition: told & ACQUISITION != 0,
            is_push: told & PUSH != 0,
            offer,
        })
    };
    Some(Head { flags, told, event_type: input.text()?, channel: input.text()?, behind: input.0 })
}

fn read_parts(bytes: &[u8]) -> Option<Parts<'_>> {
    let mut input = Input(bytes);
    let length = input.length()?;
    let (running, behind) = input.0.split_at_checked(length)?;
    let mut input = Input(behind);
    let left = input.length()?;
    Some(Parts { running, properties: Properties { left, input } })
}

/// Bytes, read from the front.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn length(&mut self) -> Option<usize> {
        let mut length = 0;
        for place in 0..5 {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Some(length);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

fn write_length(mut length: usize, bytes: &mut Vec<u8>) {
    while length >= 0x80 {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}

fn write_text(text: &str, bytes: &mut Vec<u8>) {
    write_length(text.len(), bytes);
    bytes.extend_from_slice(text.as_bytes());
}

fn write<T: Serialize>(value: &T, bytes: &mut Vec<u8>) {
    // Writing plain data to a vector cannot fail; a type that can would show in its first test.
    if let Err(error) = rmp_serde::encode::write(bytes, value) {
        tracing::error!(%error, "a touch cannot be packed");
    }
}

fn written<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    write(value, &mut bytes);
    bytes
}

/// Bytes are looked through when they come from outside, so here they are as this build has written them, or as one that
/// forgot to raise the version of its stores. Nothing true can be said of the person then.
fn damaged(what: impl fmt::Display) -> ! {
    panic!("a touch that is kept cannot be read: {what}; the journey's stores were written by a build of another shape")
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Head { event_type, channel, .. } = self.head();
        f.debug_struct("Kept").field("event_type", &event_type).field("channel", &channel).finish_non_exhaustive()
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Kept {
    /// Looks through the bytes without building what they say.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?.into_vec();
        let parts = read_head(&bytes).and_then(|head| read_parts(head.behind));
        let Parts { running, mut properties } = parts.ok_or_else(|| D::Error::custom("a touch is cut short"))?;
        let announced = properties.left;
        if properties.by_ref().count() < announced {
            return Err(D::Error::custom("the properties of a touch are cut short"));
        }
        for part in [running, properties.rest()] {
            let _: IgnoredAny = rmp_serde::from_slice(part).map_err(D::Error::custom)?;
        }
        Ok(Self(bytes.into_boxed_slice()))
    }
}

impl Heard<'_> {
    fn to_owned(self) -> Told {
        let offer = |(subject, claim): (&str, &str)| Offer { subject: subject.to_owned(), claim: claim.to_owned() };
        Told {
            narrative_id: self.narrative_id.map(str::to_owned),
            is_brand: self.is_brand,
            is_approved: self.is_approved,
            is_acquisition: self.is_acquisition,
            is_push: self.is_push,
            offer: self.offer.map(offer),
        }
    }
}

#[cfg(test)]
mod tests;
