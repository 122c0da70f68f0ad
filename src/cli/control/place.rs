//! Purpose: where the feed is and with which token, from the command line, the environment, or the default. Owns: nothing.
//! Thread: main. Takes and gives: arguments in, a place out. Never: takes a token from anywhere but a private file; sends one
//! in the clear to another machine.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::super::exit::{Cause, Failed};
use super::words::PlaceArgs;
use crate::http::{SECRET_BYTES_MAX, Secret, is_local, read_private};

/// Where a feed listens unless it is configured otherwise.
const DEFAULT: &str = "http://127.0.0.1:6358";

/// The way to a feed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// `http://…` or `https://…`, without a slash at its end.
    Tcp(String),
    Unix(PathBuf),
}

/// Where a feed is, and what opens it.
pub(super) struct Place {
    pub(super) way: Way,
    pub(super) token: Option<Secret>,
    pub(super) ca_file: Option<PathBuf>,
}

impl Place {
    /// # Errors
    /// A place that is no URL, a token file that cannot be read or that others may read.
    pub(super) fn find(arguments: &PlaceArgs) -> Result<Place, Failed> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let at = match (&arguments.at, variable("MELTICA_AT")) {
            (Some(at), _) => at.clone(),
            (None, Some(at)) => at.to_string_lossy().into_owned(),
            (None, None) => DEFAULT.to_owned(),
        };
        let file = |given: &Option<PathBuf>, name| given.clone().or_else(|| variable(name).map(PathBuf::from));
        let token = file(&arguments.token_file, "MELTICA_TOKEN_FILE").map(|path| token(&path)).transpose()?;
        let way = way(&at)?;
        if let (Way::Tcp(url), Some(_)) = (&way, &token)
            && !goes_safely(url)
        {
            let message = format!("{at} is another machine in the clear: a token goes there over https only");
            return Err(Failed::new(Cause::Usage, message));
        }
        Ok(Place { way, token, ca_file: file(&arguments.ca_file, "MELTICA_CA_FILE") })
    }
}

fn way(at: &str) -> Result<Way, Failed> {
    if let Some(path) = at.strip_prefix("unix:") {
        return Ok(Way::Unix(PathBuf::from(path.strip_prefix("//").unwrap_or(path))));
    }
    let bare = at.trim_end_matches('/');
    let host = bare.strip_prefix("http://").or_else(|| bare.strip_prefix("https://"));
    if host.is_none_or(|host| host.is_empty() || host.contains(['/', '@', '?', '#', ' '])) {
        let message =
            format!("{at:?} is no place of a feed: expected http://ADDR:PORT, https://ADDR:PORT or unix:PATH");
        return Err(Failed::new(Cause::Usage, message));
    }
    Ok(Way::Tcp(bare.to_owned()))
}

fn goes_safely(url: &str) -> bool {
    let Some(authority) = url.strip_prefix("http://") else { return true };
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => authority.split(':').next(),
    };
    let host = host.unwrap_or_default();
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(is_local)
}

fn token(path: &Path) -> Result<Secret, Failed> {
    let refused = |message: String| Failed::new(Cause::NoInput, message);
    let bytes = read_private(path, SECRET_BYTES_MAX + 2).map_err(|fault| refused(fault.to_string()))?;
    let secret = Secret::new(bytes.trim_ascii());
    secret.ok_or_else(|| refused(format!("{}: holds no token: expected one line with the token alone", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_or_refused() {
        let tcp = |text: &str| Some(Way::Tcp(text.to_owned()));
        let unix = |text: &str| Some(Way::Unix(PathBuf::from(text)));
        let table = [
            ("http://127.0.0.1:6358", tcp("http://127.0.0.1:6358")),
            ("https://feed.example:6358/", tcp("https://feed.example:6358")),
            ("unix:/run/m.sock", unix("/run/m.sock")),
            ("unix:///run/m.sock", unix("/run/m.sock")),
            ("127.0.0.1:6358", None),
            ("ftp://x", None),
            ("http://", None),
            ("http://user:secret@x", None),
            ("http://x/path", None),
        ];
        for (text, expected) in table {
            assert_eq!(way(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_token_leaves_the_machine_under_tls_only() {
        for (url, safe) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("https://feed.example", true),
            ("http://feed.example", false),
            ("http://192.0.2.1:1", false),
            ("http://localhost.example", false),
        ] {
            assert_eq!(goes_safely(url), safe, "{url}");
        }
    }
}
