//! The way out by mail, against a mail server that speaks the protocol.

use crate::post::Post;
use identity::mailer::{Letter, MailOptions, Mailer};

fn letter() -> Letter {
    Letter {
        to: "ada@canary.test".into(),
        subject: "Été".into(),
        text: "Une première ligne.\n.\nhttps://vigie.test/a?b=c\n".into(),
        stop: Some("https://vigie.test/stop".into()),
    }
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_written_with_the_headers_of_one_click() {
    let mut post = Post::open();
    let mailer = Mailer::new(&post.options()).unwrap().unwrap();
    mailer.send(&letter()).await.unwrap();
    let got = post.next().await;
    assert_eq!(got.to, ["ada@canary.test"]);
    assert_eq!(got.body().replace("\r\n", "\n").trim_end(), letter().text.trim_end());
    assert_eq!(got.header("List-Unsubscribe"), "<https://vigie.test/stop>");
    assert_eq!(got.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(got.header("Auto-Submitted"), "auto-generated");
    assert!(got.header("Message-ID").ends_with("@vigie.test>"), "{}", got.header("Message-ID"));
    assert!(got.header("Subject").starts_with("=?utf-8?"), "{}", got.header("Subject"));
    assert!(post.is_empty());
}

#[tokio::test]
async fn the_login_of_the_mail_server_is_used_and_never_shown() {
    let mut post = Post::guarded("vigie", "secret-canary");
    let file = std::env::temp_dir().join(format!("vigie-smtp-{}", post.address.port()));
    std::fs::write(&file, "user = \"vigie\"\npassword = \"secret-canary\"\n").unwrap();
    let options = MailOptions { login: Some(file.clone()), ..post.options() };
    let mailer = Mailer::new(&options).unwrap().unwrap();
    mailer.send(&letter()).await.unwrap();
    post.next().await;
    let shown = format!("{mailer:?} {options:?}");
    assert!(!shown.contains("secret-canary"), "{shown}");
    std::fs::write(&file, "user = \"vigie\"\npassword = \"wrong-canary\"\n").unwrap();
    let error = Mailer::new(&options).unwrap().unwrap().send(&letter()).await.unwrap_err();
    assert_eq!(error.to_string(), "the mail server says 535");
    std::fs::write(&file, "user = \"vigie\"\npassword = secret-canary\n").unwrap();
    let error = format!("{:#}", Mailer::new(&options).unwrap_err());
    assert!(error.contains("VIGIE_SMTP_LOGIN") && !error.contains("secret-canary"), "{error}");
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn what_a_server_says_of_an_address_is_not_repeated() {
    let post = Post::full();
    let error = Mailer::new(&post.options()).unwrap().unwrap().send(&letter()).await.unwrap_err();
    assert_eq!(error.to_string(), "the mail server says 550");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[test]
fn a_server_elsewhere_is_spoken_to_over_tls_only_and_a_login_stands_in_no_address() {
    let with = |server: &str| {
        let from = Some("Vigie <vigie@vigie.test>".into());
        Mailer::new(&MailOptions { server: Some(server.parse().unwrap()), from, ..MailOptions::default() })
    };
    assert!(with("smtps://mail.vigie.test").is_ok());
    assert!(with("smtp://mail.vigie.test:587").is_ok());
    for bad in ["http://mail.vigie.test", "smtp://user:secret-canary@mail.vigie.test"] {
        let error = format!("{:#}", with(bad).unwrap_err());
        assert!(error.contains("VIGIE_SMTP") && !error.contains("secret-canary"), "{error}");
    }
    assert!(Mailer::new(&MailOptions::default()).unwrap().is_none());
}

#[tokio::test]
async fn a_server_elsewhere_that_offers_no_tls_gets_nothing() {
    let mut post = Post::open();
    // An address of this machine that does not say so.
    let elsewhere = format!("smtp://[::ffff:127.0.0.1]:{}", post.address.port());
    let options = MailOptions { server: Some(elsewhere.parse().unwrap()), ..post.options() };
    let error = Mailer::new(&options).unwrap().unwrap().send(&letter()).await.unwrap_err();
    assert!(error.to_string().contains("it offers no TLS"), "{error}");
    assert!(post.is_empty());
}

#[tokio::test]
async fn a_login_goes_over_tls_to_a_server_whose_authority_is_known_and_to_no_other_one() {
    let (mut post, pem) = Post::over_tls("vigie", "secret-canary");
    let folder = std::env::temp_dir();
    let (login, authority) = (
        folder.join(format!("vigie-l-{}", post.address.port())),
        folder.join(format!("vigie-a-{}", post.address.port())),
    );
    std::fs::write(&login, "user = \"vigie\"\npassword = \"secret-canary\"\n").unwrap();
    std::fs::write(&authority, pem).unwrap();
    let server = Some(format!("smtp://localhost:{}", post.address.port()).parse().unwrap());
    let options = MailOptions { server, login: Some(login.clone()), ..post.options() };
    let known = MailOptions { authority: Some(authority.clone()), ..options.clone() };
    Mailer::new(&known).unwrap().unwrap().send(&letter()).await.unwrap();
    assert_eq!(post.next().await.to, ["ada@canary.test"]);
    // Another authority's certificate.
    std::fs::write(&authority, Post::over_tls("", "").1).unwrap();
    let error = Mailer::new(&known).unwrap().unwrap().send(&letter()).await.unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert!(post.is_empty());
    for file in [login, authority] {
        std::fs::remove_file(file).unwrap();
    }
}
