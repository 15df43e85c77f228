//! Touches that name somebody who was erased.

use tributary_model::{Identifier, JourneyEvent};

use super::Timeline;
use crate::base::Base;
use crate::kept::Kept;
use crate::touch::{Touch, TouchKey};

impl Timeline<'_> {
    /// Corrects the statements of touches that name identifiers for which `is_unseen` holds: they are told without.
    pub fn unsee(&mut self, is_unseen: impl Fn(&Identifier, i64) -> bool, base: &Base) -> Vec<JourneyEvent> {
        let mut changes = Vec::new();
        let mut corrected: Vec<(TouchKey, Touch)> = Vec::new();
        let opened = self.opened();
        let kept: Vec<&Touch> = opened.iter().collect();
        for (index, touch) in kept.iter().enumerate() {
            let Some(mut without) = touch.without(&is_unseen) else { continue };
            let path = self.stated_path(&[], &kept, index, base);
            changes.push(JourneyEvent { retracted: true, path: path.clone(), ..touch.event.clone() });
            without.event.revision = without.event.revision.saturating_add(1);
            changes.push(JourneyEvent { path, ..without.event.clone() });
            corrected.push((without.key(), without));
        }
        for (key, mut touch) in corrected {
            self.touches.insert(&self.person_id, key, Kept::of(&mut touch));
        }
        changes
    }
}
