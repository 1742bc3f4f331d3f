//! A browser without windows: cookies, redirects, forms.

use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};
use std::collections::BTreeMap;
use url::Url;

/// A client that follows nothing and keeps nothing.
pub(crate) fn client() -> Client {
    // A second call keeps the first provider of cryptography.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// One browser. Cookies know no ports, so those of this machine's servers lie together.
#[derive(Clone)]
pub(crate) struct Browser {
    client: Client,
    origin: Url,
    pub(crate) cookies: BTreeMap<String, String>,
    /// What every cookie of the service was set with.
    pub(crate) set: Vec<String>,
    pub(crate) language: String,
    /// The page that it shows: what is used on it says so to its own origin, as our pages ask for.
    at: Option<Url>,
}

/// Where it arrived.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

impl Browser {
    pub(crate) fn new(origin: &str) -> Self {
        let origin = origin.parse().unwrap();
        Self {
            client: client(),
            origin,
            cookies: BTreeMap::new(),
            set: Vec::new(),
            language: "en".into(),
            at: None,
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.cookies.insert(name.into(), value.into());
        self
    }

    pub(crate) fn session(&self) -> Option<&String> {
        self.cookies.get("__Host-vigie-session")
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let url = self.origin.join(path).unwrap();
        self.follow(Method::GET, url, &[], true).await
    }

    /// One answer, whatever it is.
    pub(crate) async fn get_once(&mut self, path: &str) -> Page {
        let url = self.origin.join(path).unwrap();
        self.follow(Method::GET, url, &[], false).await
    }

    /// Sends a form from a page of the same origin.
    pub(crate) async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let url = self.origin.join(path).unwrap();
        self.follow(Method::POST, url, fields, true).await
    }

    /// The answer itself, wherever it leads.
    pub(crate) async fn send_once(&mut self, path: &str) -> Page {
        let url = self.origin.join(path).unwrap();
        self.follow(Method::POST, url, &[], false).await
    }

    /// Sends the form of a page that lies at `page`.
    pub(crate) async fn send_from(&mut self, page: &Url, action: &str, fields: &[(&str, &str)]) -> Page {
        self.follow(Method::POST, page.join(action).unwrap(), fields, true).await
    }

    /// Sends JSON as the script of a page of the same origin does.
    pub(crate) async fn json(&mut self, path: &str, body: &serde_json::Value) -> Page {
        let url = self.origin.join(path).unwrap();
        let cookies: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let request = self.client.post(url.clone()).header("accept", "application/json");
        let request = request.header("cookie", cookies.join("; "));
        let request = request.header("origin", self.origin.origin().ascii_serialization());
        let request = request.header("content-type", "application/json").body(body.to_string());
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Page { status, url, headers, body: response.text().await.unwrap() }
    }

    /// Logs in at the provider `id` as `user`, from our page to wherever it ends.
    pub(crate) async fn log_in(&mut self, id: &str, user: &str, return_to: &str) -> Page {
        let page = self.get(&format!("/account/login/{id}?return_to={return_to}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(page.body.contains("A stand-in for"), "{}", page.body);
        let action = page.url.path().to_owned();
        self.send_from(&page.url, &action, &[("user", user), ("password", "vigie")]).await
    }

    async fn follow(&mut self, mut method: Method, mut url: Url, fields: &[(&str, &str)], on: bool) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut from = self.at.take();
        for _ in 0..12 {
            let cookies: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            let mut request = self
                .client
                .request(method.clone(), url.clone())
                .header("accept", "text/html")
                .header("accept-language", &self.language)
                .header("cookie", cookies.join("; "));
            if let Some(from) = from.as_ref().filter(|from| from.origin() == url.origin()) {
                request = request.header("referer", from.as_str());
            }
            if method == Method::POST {
                request = request
                    .header("origin", url.origin().ascii_serialization())
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(body.clone());
            }
            let response = request.send().await.unwrap();
            for line in response.headers().get_all(SET_COOKIE) {
                self.keep(line.to_str().unwrap(), url.origin() == self.origin.origin());
            }
            if response.headers().get("referrer-policy").is_some_and(|policy| policy == "no-referrer") {
                from = None;
            }
            let to = response.headers().get(LOCATION).map(|l| url.join(l.to_str().unwrap()).unwrap());
            match to {
                Some(to) if on => (method, url) = (Method::GET, to),
                _ => {
                    self.at = Some(url.clone());
                    let (status, headers) = (response.status(), response.headers().clone());
                    return Page { status, url, headers, body: response.text().await.unwrap() };
                }
            }
        }
        panic!("redirected in circles");
    }

    fn keep(&mut self, line: &str, ours: bool) {
        if ours {
            self.set.push(line.to_owned());
        }
        let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
        let gone = line.contains("Max-Age=0") || line.contains("01 Jan 1970") || value.is_empty();
        match gone {
            true => self.cookies.remove(name),
            false => self.cookies.insert(name.to_owned(), value.to_owned()),
        };
    }
}
