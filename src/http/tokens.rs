//! Purpose: who may do what: tokens, each with a name and a role, read from a file. Owns: the secrets.
//! Thread: any. Takes and gives: a file in; a presented token in, its holder out.
//! Never: quotes a token; ends a comparison early.

use std::path::Path;

use serde::Serialize;
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::private_file::{FileFault, read_private};
use super::secret::{Secret, no_core_dumps};
use crate::schema::command::ConsumerName;

/// What a request may do. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See: status, routes, subscriptions, events.
    Read,
    /// Change what the consumer of the token's own name wants, and those whose names begin with it and a dot.
    Operate,
    /// Change what any consumer wants.
    Admin,
}

impl Role {
    const ALL: [Role; 3] = [Role::Read, Role::Operate, Role::Admin];

    /// The name, as in the file of tokens.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Operate => "operate",
            Role::Admin => "admin",
        }
    }
}

/// The shortest token, in characters: 32 hex digits are 128 bits.
pub const TOKEN_CHARS_MIN: usize = 32;
const TOKENS_MAX: usize = 64;
const FILE_BYTES_MAX: usize = 16 << 10;

/// One token.
struct Entry {
    name: ConsumerName,
    role: Role,
    secret: Secret,
}

/// The tokens that are accepted.
pub struct Tokens {
    entries: Vec<Entry>,
}

/// Names and roles, and not one secret.
impl core::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let shown = self.entries.iter().map(|entry| (entry.name.as_str(), entry.role.name()));
        f.debug_map().entries(shown).finish()
    }
}

impl Tokens {
    /// Reads a file of lines `role name token`, with `#` before a comment. From then on this process writes no core dumps.
    ///
    /// # Errors
    /// [`FileFault`], with the line's number.
    pub fn read(path: &Path) -> Result<Tokens, FileFault> {
        let bytes = read_private(path, FILE_BYTES_MAX)?;
        no_core_dumps();
        let mut entries: Vec<Entry> = Vec::new();
        for (at, line) in bytes.split(|b| *b == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let fault = |reason: &str| FileFault::new(path, format!("line {}: {reason}", at + 1));
            let entry = entry(line).map_err(fault)?;
            if entries.iter().any(|known| known.name == entry.name) {
                return Err(fault("the name stands twice"));
            }
            if entries.iter().any(|known| known.secret.is(&entry.secret).into()) {
                return Err(fault("the token stands twice"));
            }
            if entries.len() == TOKENS_MAX {
                return Err(fault(&format!("more than {TOKENS_MAX} tokens")));
            }
            entries.push(entry);
        }
        if entries.is_empty() {
            return Err(FileFault::new(path, "holds no token: expected lines `role name token`"));
        }
        Ok(Tokens { entries })
    }

    /// The holder of a token. Looks at every entry, whatever it finds.
    pub(super) fn holder(&self, presented: &Secret) -> Option<(&ConsumerName, Role)> {
        let mut found = u8::MAX;
        for (at, entry) in self.entries.iter().enumerate() {
            // There are at most 64.
            found.conditional_assign(&(at as u8), entry.secret.is(presented));
        }
        if found.ct_eq(&u8::MAX).into() {
            return None;
        }
        self.entries.get(usize::from(found)).map(|entry| (&entry.name, entry.role))
    }
}

fn entry(line: &[u8]) -> Result<Entry, &'static str> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (Some(role), Some(name), Some(token), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err("expected `role name token`");
    };
    let role = Role::ALL.into_iter().find(|known| known.name().as_bytes() == role);
    let name = core::str::from_utf8(name).ok().and_then(|name| ConsumerName::parse(name).ok());
    Ok(Entry {
        role: role.ok_or("the role is not one of read, operate, admin")?,
        name: name.ok_or("the name is not 1 to 32 of A-Z a-z 0-9 . _ -, or it is `config`")?,
        secret: Some(token)
            .filter(|token| token.len() >= TOKEN_CHARS_MIN)
            .and_then(Secret::new)
            .ok_or("the token is not 32 to 128 visible ASCII characters; `openssl rand -hex 32` makes one")?,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn read(text: &str) -> Result<Tokens, FileFault> {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("tokens");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        Tokens::read(&path)
    }

    #[test]
    fn a_token_names_its_holder_and_role() {
        let (a, b, c) = ("a".repeat(32), "b".repeat(32), "c".repeat(128));
        let tokens = read(&format!("# who\n\nread eyes {a}\noperate\tdesk  {b}\r\nadmin root {c}\n")).unwrap();
        let holder = |text: &str| tokens.holder(&Secret::new(text.as_bytes()).unwrap()).map(|(n, r)| (n.as_str(), r));
        assert_eq!(holder(&a), Some(("eyes", Role::Read)));
        assert_eq!(holder(&b), Some(("desk", Role::Operate)));
        assert_eq!(holder(&c), Some(("root", Role::Admin)));
        for wrong in ["a", &"a".repeat(31), &"a".repeat(33), &"d".repeat(32)] {
            assert_eq!(holder(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{tokens:?}"), r#"{"eyes": "read", "desk": "operate", "root": "admin"}"#);
    }

    #[test]
    fn a_faulty_file_is_refused_with_its_line_and_without_its_tokens() {
        let token = "s3cr3t".repeat(6);
        let table = [
            (String::new(), "holds no token"),
            (format!("reed eyes {token}"), "line 1: the role"),
            (format!("# x\nread a/b {token}"), "line 2: the name"),
            (format!("read config {token}"), "line 1: the name"),
            (format!("read eyes {}", &token[..31]), "line 1: the token is not"),
            (format!("read eyes {token} more"), "line 1: expected `role name token`"),
            (format!("read {token}"), "line 1: expected `role name token`"),
            (format!("read a {token}\nread a {}", "x".repeat(32)), "line 2: the name stands twice"),
            (format!("read a {token}\nread b {token}"), "line 2: the token stands twice"),
        ];
        for (text, expected) in table {
            let told = read(&text).unwrap_err().to_string();
            assert!(told.contains(expected), "{text}: {told}");
            assert!(!told.contains("s3cr3t"), "{told}");
        }
    }
}
