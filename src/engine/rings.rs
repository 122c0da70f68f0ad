//! Purpose: how full the rings are, by name. Owns: a look at each. Thread: any. Takes and gives: rings in, views out.
//! Never: touches what the halves of a ring do.

use crate::ring::broadcast::Tap;
use crate::ring::spsc::Gauge;
use crate::schema::latency::RingView;

/// A ring that can be looked at.
#[derive(Clone, Debug)]
pub(super) struct RingGauge {
    name: String,
    ring: Ring,
}

#[derive(Clone, Debug)]
enum Ring {
    One(Gauge),
    Many(Tap),
}

impl RingGauge {
    /// From one thread to one.
    pub(super) const fn one(name: String, ring: Gauge) -> RingGauge {
        RingGauge { name, ring: Ring::One(ring) }
    }

    /// From one thread to any number.
    pub(super) const fn many(name: String, ring: Tap) -> RingGauge {
        RingGauge { name, ring: Ring::Many(ring) }
    }

    /// How full it is.
    pub(super) fn view(&self) -> RingView {
        let (capacity, used) = match &self.ring {
            Ring::One(ring) => (ring.capacity_words(), ring.used_words()),
            Ring::Many(tap) => (tap.capacity_words(), tap.held_words()),
        };
        RingView { name: self.name.clone(), capacity_words: capacity as u64, used_words: used as u64 }
    }
}
