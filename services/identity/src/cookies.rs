//! The three cookies of the platform. `__Host-`: of this origin only, never over a plain connection, for every path; no
//! script reads them, and another site's form does not send them.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};

/// The session's token.
pub(crate) const SESSION: &str = "__Host-vigie-session";
/// What a link in a mail opened.
pub(crate) const VISIT: &str = "__Host-vigie-visit";
/// What ties logins under way to this browser.
pub(crate) const LOGIN: &str = "__Host-vigie-login";

/// The value of a cookie; `None` when it is absent, or there twice: then one of them is not ours.
pub(crate) fn get<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut values = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(n, value)| (n == name).then_some(value));
    match (values.next(), values.next()) {
        (Some(value), None) if !value.is_empty() => Some(value),
        _ => None,
    }
}

/// A `Set-Cookie` value that lasts `seconds`; 0 removes it.
///
/// # Errors
/// When `value` is none that a header carries.
pub(crate) fn set(name: &str, value: &str, seconds: i64) -> anyhow::Result<HeaderValue> {
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    Ok(HeaderValue::from_str(&text)?)
}

/// Makes the browser forget a session: its cookie, and whatever page of it the browser keeps. Of `Clear-Site-Data` only
/// `cache`: `cookies` would take those of an authority's other sites under the same name, `storage` what the public pages
/// keep to be read without a network.
///
/// # Errors
/// As [`set`].
pub(crate) fn forget(headers: &mut HeaderMap, names: &[&str]) -> anyhow::Result<()> {
    for name in names {
        headers.append(SET_COOKIE, set(name, "", 0)?);
    }
    headers.insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn a_cookie_that_is_there_twice_is_none() {
        let of = |line: &'static str| {
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(line))]);
            get(&headers, SESSION).map(str::to_owned)
        };
        assert_eq!(of("a=b; __Host-vigie-session=abc; c=d").as_deref(), Some("abc"));
        for other in [
            "",
            "__Host-vigie-session=",
            "__host-vigie-session=a",
            "__Host-vigie-session=a; __Host-vigie-session=b",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_cookie_header_falls_over_and_ours_is_found_among_any_others(
            lines in vec(vec(any::<u8>(), 0..60), 0..4),
            others in vec(("[!#-+\\--:A-Z^-z|~]{1,12}", "[!-+\\--:<-~]{0,12}"), 0..6),
            value in "[A-Za-z0-9_-]{1,43}",
            place in 0..6usize,
        ) {
            let mut headers = HeaderMap::new();
            for line in &lines {
                if let Ok(line) = HeaderValue::from_bytes(line) {
                    headers.append(COOKIE, line);
                }
            }
            let _ = get(&headers, SESSION);
            let mut pairs: Vec<String> = others.iter().map(|(n, v)| format!("{n}={v}")).collect();
            pairs.insert(place.min(pairs.len()), format!("{SESSION}={value}"));
            let line = HeaderValue::from_str(&pairs.join("; ")).unwrap();
            let headers = HeaderMap::from_iter([(COOKIE, line)]);
            prop_assert_eq!(get(&headers, SESSION), Some(value.as_str()));
        }

        #[test]
        fn a_cookie_that_is_set_is_read_again(value in "[A-Za-z0-9_-]{1,43}") {
            let set = set(LOGIN, &value, 60).unwrap();
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(pair).unwrap())]);
            prop_assert_eq!(get(&headers, LOGIN), Some(value.as_str()));
        }
    }
}
