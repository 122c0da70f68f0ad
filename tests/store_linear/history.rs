//! Recorded histories of one key of a snapshot store, and the check that they are linearisable.
//!
//! Every write of a key makes a version of its own, so a history needs no search for an order: version decides. Each
//! event gets a rank: 4v for the write of version v, 4v+1 for seeing v as the latest, 4v+2 for the expiry of v, 4v+3 for
//! finding no record after that (3: before any). A history is linearisable if and only if each answer fits what was
//! written, and no event that had returned before another was called ranks above it, or level with it unless both only
//! looked.

use std::collections::{BTreeMap, BTreeSet};

/// What an operation did, as its answer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Did {
    /// A put made `version` from `data`.
    Put { version: u64, data: Vec<u64> },
    /// A swap from `previous` (0: from no record) made `version` from `data`.
    Swap { previous: u64, version: u64, data: Vec<u64> },
    /// A get gave `version` with `data`.
    Get { version: u64, data: Vec<u64> },
    /// A swap from `previous` lost against `actual`.
    Conflict { previous: u64, actual: u64 },
    /// A get or swap found no record.
    Absent,
    /// The sweeper took `version` away.
    Expire { version: u64 },
}

/// One operation: called at `called`, returned at `returned`, on the history's one clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) called: u64,
    pub(crate) returned: u64,
    pub(crate) did: Did,
}

/// Checks one key's history; gives how many versions it has.
pub(crate) fn check(history: &[Event]) -> Result<u64, String> {
    let written = versions(history)?;
    let expired = expiries(history, &written)?;
    for event in history {
        check_answer(event, &written, &expired)?;
    }
    check_order(history, &expired)?;
    Ok(written.len() as u64)
}

/// The data of each version: each made once, none left out.
fn versions(history: &[Event]) -> Result<BTreeMap<u64, &[u64]>, String> {
    let mut written = BTreeMap::new();
    for event in history {
        if let Did::Put { version, data } | Did::Swap { version, data, .. } = &event.did
            && written.insert(*version, data.as_slice()).is_some()
        {
            return Err(format!("version {version} was made twice"));
        }
    }
    match written.keys().zip(1..).find(|(version, expected)| *version != expected) {
        Some((version, expected)) => Err(format!("version {expected} is missing, the next is {version}")),
        None => Ok(written),
    }
}

fn expiries(history: &[Event], written: &BTreeMap<u64, &[u64]>) -> Result<BTreeSet<u64>, String> {
    let mut expired = BTreeSet::new();
    for event in history {
        if let Did::Expire { version } = event.did {
            if !expired.insert(version) {
                return Err(format!("version {version} expired twice"));
            }
            if !written.contains_key(&version) {
                return Err(format!("version {version} expired and was never made"));
            }
        }
    }
    Ok(expired)
}

/// Whether an answer fits what was written, whatever the order.
fn check_answer(event: &Event, written: &BTreeMap<u64, &[u64]>, expired: &BTreeSet<u64>) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("{why}: {event:?}"));
    match &event.did {
        Did::Get { version, data } => match written.get(version) {
            None => wrong("a version that nobody made"),
            Some(made) if made != data => wrong("data that are not this version's"),
            Some(_) => Ok(()),
        },
        Did::Swap { previous: 0, version, .. } if *version > 1 && !expired.contains(&(version - 1)) => {
            wrong("created over a live record")
        }
        Did::Swap { previous, version, .. } if *previous != 0 && previous + 1 != *version => {
            wrong("a swap won from a version that was not the latest")
        }
        Did::Swap { previous, .. } if *previous != 0 && expired.contains(previous) => {
            wrong("a swap won from a record that had expired")
        }
        Did::Conflict { previous, actual } if previous == actual => wrong("lost though it named the latest version"),
        Did::Conflict { actual, .. } if !written.contains_key(actual) => wrong("lost to a version that nobody made"),
        _ => Ok(()),
    }
}

/// Whether ranks agree with the order in which calls followed returns.
fn check_order(history: &[Event], expired: &BTreeSet<u64>) -> Result<(), String> {
    let mut by_call: Vec<&Event> = history.iter().collect();
    by_call.sort_by_key(|event| event.called);
    // Events still to be overtaken, by return; and the highest rank among those that had returned.
    let mut open: BTreeMap<u64, u64> = BTreeMap::new();
    let mut floor = 0;
    for event in by_call {
        while let Some(first) = open.first_entry().filter(|first| *first.key() < event.called) {
            floor = floor.max(first.remove());
        }
        let rank = match event.did {
            // Which absence it saw is not told: the earliest that fits leaves the most room to those after it.
            Did::Absent => absence_from(floor, expired).ok_or_else(|| format!("not found, yet alive: {event:?}"))?,
            _ => rank(&event.did),
        };
        let only_looked = rank % 2 == 1;
        if rank < floor || (rank == floor && !only_looked) {
            return Err(format!("older than what had returned before it was called (rank {floor}): {event:?}"));
        }
        if open.insert(event.returned, rank).is_some() {
            return Err(format!("two events returned at {}", event.returned));
        }
    }
    Ok(())
}

fn rank(did: &Did) -> u64 {
    match did {
        Did::Put { version, .. } | Did::Swap { version, .. } => 4 * version,
        Did::Get { version, .. } | Did::Conflict { actual: version, .. } => 4 * version + 1,
        Did::Expire { version } => 4 * version + 2,
        Did::Absent => 3,
    }
}

/// The lowest rank of an absence that is not below `floor`.
fn absence_from(floor: u64, expired: &BTreeSet<u64>) -> Option<u64> {
    if floor <= 3 {
        return Some(3);
    }
    let version = expired.range(floor.saturating_sub(3).div_ceil(4)..).next()?;
    Some(4 * version + 3)
}
