//! A touch as it is kept: in one piece of bytes, a sixth of what the same touch takes up in the types of the domain.
//!
//! What every later touch of the person looks at stands at the front and is read where it lies; what the next touch goes on
//! from stands behind it; the rest is read only when somebody asks for the whole touch. What the key of the store says is
//! not repeated.
//!
//! `flags · type · channel · if it told something: told's flags · its texts · length of the running part · running part ·
//! number of properties · their names and values · rest`, running part and rest in MessagePack; a text is its length as a
//! varint, and UTF-8.

use std::cell::Cell;
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

thread_local! {
    /// Where touches are written before they are kept.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A packed touch.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept(Box<[u8]>);

/// What every later touch looks at, in the order of the bytes. Texts are taken for such when they are asked for.
struct Front<'a> {
    flags: u8,
    event_type: &'a [u8],
    channel: &'a [u8],
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
        // Written elsewhere and copied, so that it takes no more memory than it has bytes.
        let mut bytes = SCRATCH.take();
        Self::write(touch, &mut bytes);
        let kept = Self(bytes.as_slice().into());
        bytes.clear();
        SCRATCH.set(bytes);
        kept
    }

    fn write(touch: &mut Touch, bytes: &mut Vec<u8>) {
        write_front(touch, bytes);
        let event = &mut touch.event;
        let running = (event.session.started_at, event.session.position, &*event.stage, &event.totals, touch.counts);
        let begin = bytes.len();
        write(&running, bytes);
        insert_length(begin, bytes);
        let touchpoint = &mut event.touchpoint;
        let properties = std::mem::take(&mut touchpoint.properties);
        write_length(properties.len(), bytes);
        for (name, value) in &properties {
            write_text(name, bytes);
            write_text(value, bytes);
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
            bytes,
        );
        let touchpoint = &mut touch.event.touchpoint;
        touchpoint.touchpoint_id = id;
        touchpoint.occurred_at = at;
        touchpoint.event_type = event_type;
        touchpoint.channel = channel;
        touchpoint.properties = properties;
    }

    fn front(&self) -> Front<'_> {
        read_front(&self.0).unwrap_or_else(|| damaged("the front"))
    }

    fn has(&self, flag: u8) -> bool {
        self.0.first().is_some_and(|flags| flags & flag != 0)
    }

    /// The length of its type in bytes.
    pub(crate) fn type_length(&self) -> usize {
        self.front().event_type.len()
    }

    pub(crate) fn is_exposure(&self) -> bool {
        self.has(EXPOSURE)
    }

    pub(crate) fn is_conversion(&self) -> bool {
        self.has(CONVERSION)
    }

    pub(crate) fn is_sale(&self) -> bool {
        self.has(SALE)
    }

    /// What happened.
    pub(crate) fn event_type(&self) -> &str {
        text(self.front().event_type)
    }

    /// Where.
    pub(crate) fn channel(&self) -> &str {
        text(self.front().channel)
    }

    /// What it told.
    pub(crate) fn told(&self) -> Option<Heard<'_>> {
        let Front { flags, behind, .. } = self.front();
        read_told(flags, behind).unwrap_or_else(|| damaged("what it told")).0
    }

    /// What the next touch goes on from.
    pub(crate) fn running(&self) -> Running<'_> {
        rmp_serde::from_slice(self.parts().running).unwrap_or_else(|error| damaged(error))
    }

    /// The touch, which is this person's, in its place.
    pub(crate) fn open(&self, person_id: PersonId, (occurred_at, touchpoint_id): (i64, &str)) -> Touch {
        let (front, told, mut parts) = self.pieces();
        let running: Running<'_> = rmp_serde::from_slice(parts.running).unwrap_or_else(|error| damaged(error));
        let properties = parts.properties.by_ref().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let rest: Rest = rmp_serde::from_slice(parts.properties.rest()).unwrap_or_else(|error| damaged(error));
        let (via, account_ids, revision, team_id, mut touchpoint, previous_stage, exposure, story, plan, path_limits) =
            rest;
        touchpoint.touchpoint_id = touchpoint_id.to_owned();
        touchpoint.occurred_at = occurred_at;
        touchpoint.event_type = text(front.event_type).to_owned();
        touchpoint.channel = text(front.channel).to_owned();
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
        let told = told.map(|told| Box::new(told.to_owned()));
        Touch { via, event, told, counts: running.counts, path_limits }
    }

    /// The front, what it told, and the parts behind that.
    fn pieces(&self) -> (Front<'_>, Option<Heard<'_>>, Parts<'_>) {
        let front = self.front();
        let (told, behind) = read_told(front.flags, front.behind).unwrap_or_else(|| damaged("what it told"));
        (front, told, read_parts(behind).unwrap_or_else(|| damaged("the running part")))
    }

    fn parts(&self) -> Parts<'_> {
        self.pieces().2
    }

    /// As chained steps look at it.
    pub(crate) fn past<'a>(&'a self, person_id: PersonId, key: &'a TouchKey) -> Past<'a> {
        let Front { flags, event_type, channel, .. } = self.front();
        let glimpse = Glimpse {
            occurred_at: key.0,
            touchpoint_id: &key.1,
            event_type: text(event_type),
            channel: text(channel),
            direction: if flags & OUTBOUND == 0 { Direction::Inbound } else { Direction::Outbound },
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

fn write_front(touch: &Touch, bytes: &mut Vec<u8>) {
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
    write_text(&touchpoint.event_type, bytes);
    write_text(&touchpoint.channel, bytes);
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
}

fn read_front(bytes: &[u8]) -> Option<Front<'_>> {
    let mut input = Input(bytes);
    let flags = input.byte()?;
    Some(Front { flags, event_type: input.bytes()?, channel: input.bytes()?, behind: input.0 })
}

/// What stands behind the front of a touch with these flags: what it told, and the parts behind that.
fn read_told(flags: u8, bytes: &[u8]) -> Option<(Option<Heard<'_>>, &[u8])> {
    if flags & TOLD == 0 {
        return Some((None, bytes));
    }
    let mut input = Input(bytes);
    let told = input.byte()?;
    let narrative_id = if told & NARRATIVE == 0 { None } else { Some(input.text()?) };
    let offer = if told & OFFER == 0 { None } else { Some((input.text()?, input.text()?)) };
    let heard = Heard {
        narrative_id,
        is_brand: told & BRAND != 0,
        is_approved: told & APPROVED != 0,
        is_acquisition: told & ACQUISITION != 0,
        is_push: told & PUSH != 0,
        offer,
    };
    Some((Some(heard), input.0))
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

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_else(|error| damaged(error))
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

/// Puts the length of what stands from `begin` on before it.
fn insert_length(begin: usize, bytes: &mut Vec<u8>) {
    let end = bytes.len();
    write_length(end - begin, bytes);
    let length = bytes.len() - end;
    bytes[begin..].rotate_right(length);
}

/// Bytes are looked through when they come from outside, so here they are as this build has written them, or as one that
/// forgot to raise the version of its stores. Nothing true can be said of the person then.
fn damaged(what: impl fmt::Display) -> ! {
    panic!("a touch that is kept cannot be read: {what}; the journey's stores were written by a build of another shape")
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (event_type, channel) = (self.event_type(), self.channel());
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
        let cut = || D::Error::custom("a touch is cut short");
        let Front { flags, event_type, channel, behind } = read_front(&bytes).ok_or_else(cut)?;
        [event_type, channel]
            .into_iter()
            .try_for_each(|text| std::str::from_utf8(text).map(drop))
            .map_err(D::Error::custom)?;
        let parts = read_told(flags, behind).and_then(|(_, behind)| read_parts(behind));
        let Parts { running, mut properties } = parts.ok_or_else(cut)?;
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
