//! Purpose: what the configuration asks of the machine. Owns: nothing. Thread: main. Takes and gives: a configuration in,
//! a few numbers out. Never: carries the whole configuration to a judge.

use super::super::settings;
use super::core_set::CoreSet;
use super::layout::Layout;
use crate::config::{Config, Idle};
use crate::engine::Topology;

/// What is asked of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Cores named for io threads.
    pub(super) io: CoreSet,
    /// Cores named for shards.
    pub(super) shards: CoreSet,
    /// The topology; `None` leaves it to the number of cores.
    pub(super) topology: Option<Topology>,
    pub(super) io_threads: usize,
    pub(super) shard_count: usize,
    /// Whether idle threads spin, as they were told to.
    pub(super) spins: bool,
    pub(super) busy_poll: bool,
    /// Bytes of a socket's receive buffer; 0 leaves it to the system.
    pub(super) receive_buffer: u64,
    pub(super) connections: u64,
}

impl Plan {
    /// Of a configuration.
    pub(super) fn of(config: &Config) -> Plan {
        let set = |cores: &[u16]| cores.iter().map(|core| usize::from(*core)).collect();
        Plan {
            io: set(&config.cores.io),
            shards: set(&config.cores.shards),
            topology: settings::topology(config.topology),
            io_threads: usize::from(config.feed.io_threads),
            shard_count: usize::from(config.shards),
            spins: config.idle == Idle::BusySpin,
            busy_poll: config.feed.busy_poll,
            receive_buffer: config.feed.receive_buffer.0,
            connections: u64::from(config.feed.connections.max(config.feed.io_threads)),
        }
    }

    /// All cores that are named.
    pub(super) fn named(&self) -> CoreSet {
        self.io.or(&self.shards)
    }

    /// The same without cores that this machine has not online: no advice on them could be followed.
    pub(super) fn there(&self, layout: &Layout) -> Plan {
        let Ok(online) = &layout.online else { return self.clone() };
        Plan { io: self.io.and(online), shards: self.shards.and(online), ..self.clone() }
    }

    /// Threads that work, where so many cores may be used.
    pub(super) fn threads(&self, usable: usize) -> usize {
        let topology = self.topology.unwrap_or_else(|| Topology::for_cores(usable));
        topology.threads(self.io_threads, self.shard_count).max(1)
    }

    /// How cores for these threads are written into a configuration, io first.
    pub(super) fn words(&self, cores: &[usize]) -> String {
        let (io, shards) = cores.split_at(self.io_threads.min(cores.len()));
        let list = |cores: &[usize]| cores.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        format!("cores: {{ io: [{}], shards: [{}] }} in the configuration", list(io), list(shards))
    }
}

#[cfg(test)]
impl Default for Plan {
    fn default() -> Plan {
        Plan::of(&Config::default())
    }
}

#[cfg(test)]
impl Plan {
    /// With these cores named.
    pub(super) fn on(io: &str, shards: &str) -> Plan {
        let set = |text| CoreSet::parse(text).unwrap();
        Plan { io: set(io), shards: set(shards), ..Plan::default() }
    }
}
