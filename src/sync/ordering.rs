//! Names for orderings: each site stronger than `Relaxed` has an id, which its room's table of orderings explains.
//!
//! Owns: the macros `ordering!` and `fence_at!` and, under loom only, which site is weakened in this process.
//! Thread: any. Takes and gives: an id and an ordering in; the ordering out, a constant in every build but loom's.
//! Never: a choice at run time outside loom: the macros are then the plain ordering and the plain fence.
//!
//! Under loom the variable `MELTICA_MUTANT` names one id. That site becomes `Relaxed`, or its fence vanishes, and the
//! models must fail: one build of the models serves all mutants, and a model that never reaches the site is told apart.

/// `ordering!("id", Release)`: the ordering of the site `id`.
#[cfg(not(loom))]
macro_rules! ordering {
    ($id:literal, $strong:ident) => {
        $crate::sync::Ordering::$strong
    };
}

/// `fence_at!("id", Acquire)`: the fence of the site `id`.
#[cfg(not(loom))]
macro_rules! fence_at {
    ($id:literal, $strong:ident) => {
        $crate::sync::fence($crate::sync::Ordering::$strong)
    };
}

#[cfg(loom)]
macro_rules! ordering {
    ($id:literal, $strong:ident) => {
        if $crate::sync::weakened($id) { $crate::sync::Ordering::Relaxed } else { $crate::sync::Ordering::$strong }
    };
}

#[cfg(loom)]
macro_rules! fence_at {
    ($id:literal, $strong:ident) => {
        if !$crate::sync::weakened($id) {
            $crate::sync::fence($crate::sync::Ordering::$strong)
        }
    };
}

pub(crate) use {fence_at, ordering};

/// Whether this process runs with the site `id` weakened.
#[cfg(loom)]
pub(crate) fn weakened(id: &str) -> bool {
    static MUTANT: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    MUTANT.get_or_init(|| std::env::var("MELTICA_MUTANT").ok()).as_deref() == Some(id)
}
