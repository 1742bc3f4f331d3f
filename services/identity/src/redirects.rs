//! Where a browser may be sent: to a path of this site.

use url::{Position, Url};

/// The longest path that is kept for a login under way.
const LONGEST: usize = 512;

/// `path` as the address of a page of `origin`, written as a header carries it; anything that leads elsewhere, or might, becomes the
/// account page.
pub(crate) fn local(origin: &Url, path: Option<&str>) -> String {
    path.and_then(|path| own(origin, path)).unwrap_or_else(|| "/account".to_owned())
}

fn own(origin: &Url, path: &str) -> Option<String> {
    let plain = path.starts_with('/') && path.len() <= LONGEST;
    if !plain || path.contains('\\') || path.chars().any(char::is_control) {
        return None;
    }
    let there = origin.join(path).ok().filter(|url| url.origin() == origin.origin())?;
    let written = &there[Position::BeforePath..];
    // Two strokes begin another host's name, and dots can hide them: `/.//evil.test`.
    (!path.starts_with("//") && !written.starts_with("//")).then(|| written.to_owned())
}

/// `to` in the language `code`, where it is a page of accounts that names none.
pub(crate) fn in_language(to: &str, code: &str) -> String {
    let (rest, part) = to.split_at(to.find('#').unwrap_or(to.len()));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let ours = path == "/account" || path.starts_with("/account/");
    if !ours || form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "lang") {
        return to.to_owned();
    }
    let more = if rest.contains('?') { '&' } else { '?' };
    format!("{rest}{more}lang={code}{part}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn origin() -> Url {
        "https://vigie.test:8443".parse().unwrap()
    }

    #[test]
    fn only_a_path_of_this_site_is_gone_to() {
        let of = |path: &str| local(&origin(), Some(path));
        assert_eq!(local(&origin(), None), "/account");
        assert_eq!(of("/why/1?a=b#c"), "/why/1?a=b#c");
        assert_eq!(of("/départ?é=1"), "/d%C3%A9part?%C3%A9=1");
        for bad in [
            "",
            "account",
            "https://evil.test/",
            "//evil.test",
            "/\\evil.test",
            "\\/evil.test",
            "/\t/evil.test",
            "/\n/evil.test",
            "/.//evil.test",
            "/a/..//evil.test",
            "/%2e//evil.test",
            "javascript:alert(1)",
            &format!("/{}", "a".repeat(512)),
        ] {
            assert_eq!(of(bad), "/account", "{bad}");
        }
    }

    #[test]
    fn a_page_of_accounts_is_gone_to_in_the_language_that_was_chosen() {
        for (to, wanted) in [
            ("/account", "/account?lang=it"),
            ("/account?done=anew", "/account?done=anew&lang=it"),
            ("/account/rights?done=sent#requests", "/account/rights?done=sent&lang=it#requests"),
            ("/account?lang=de&done=out", "/account?lang=de&done=out"),
            ("/accounts", "/accounts"),
            ("/explore?a=b", "/explore?a=b"),
            ("https://provider.test/account", "https://provider.test/account"),
        ] {
            assert_eq!(in_language(to, "it"), wanted);
        }
    }

    proptest! {
        #[test]
        fn no_text_leads_a_browser_to_another_site(
            parts in proptest::collection::vec(
                prop_oneof![
                    ".{0,8}",
                    proptest::sample::select(vec![
                        "/", "//", "\\", ".", "..", "%2e", "%2f", "%5c", "@", ":", "?", "#", "\t", "\n", "\r", "\0", " ", "evil.test",
                        "https:", "javascript:", "data:", ":8443", "[::1]", "\u{2215}", "\u{ff0f}", "\u{feff}",
                    ]).prop_map(str::to_owned),
                ],
                0..8,
            ),
        ) {
            let text = parts.concat();
            let to = local(&origin(), Some(&text));
            prop_assert!(to.starts_with('/') && !to.starts_with("//"), "{text:?} leads to {to}");
            prop_assert!(to.bytes().all(|b| (0x21..0x7f).contains(&b)), "{to}");
            // As a browser reads it on any page of ours.
            let page = origin().join("/account/login/x?y").unwrap();
            prop_assert_eq!(page.join(&to).unwrap().origin(), origin().origin());
            prop_assert_eq!(local(&origin(), Some(&to)), to, "said twice it is the same, from {:?}", text);
        }
    }
}
