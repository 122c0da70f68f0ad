//! Purpose: sets of ways in which something goes wrong, each with the word that a script calls it by.
//! Owns: how such a set is written down. Thread: any. Takes and gives: words. Never: does anything.

/// Writes an enum whose variants have words: `ALL`, `word` and `of` come with it.
macro_rules! ways {
    ($(#[$about:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $way:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[$doc])* $way,)* }

        impl $name {
            /// All of them, in order.
            $vis const ALL: &'static [$name] = &[$($name::$way),*];

            /// The word that a script calls it by.
            $vis const fn word(self) -> &'static str {
                match self { $($name::$way => $word,)* }
            }

            /// The way that a script calls so.
            $vis fn of(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|way| way.word() == word)
            }
        }
    };
}

pub(super) use ways;
