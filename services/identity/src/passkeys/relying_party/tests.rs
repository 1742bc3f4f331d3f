//! Whatever a browser sends in an authenticator's place: refused, never a fault of ours.

use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::sync::OnceLock;
use webauthn_authenticator_rs::WebauthnAuthenticator as _;
use webauthn_authenticator_rs::softpasskey::SoftPasskey;

/// A party, a good answer to each of two challenges, and what was kept of these.
struct Bench {
    party: RelyingParty,
    made: (Value, Value),
    signed: (Value, Value),
}

fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(|| {
        let origin: Url = "https://vigie.test".parse().unwrap();
        let party = RelyingParty::new(&origin, Duration::from_secs(60)).unwrap().unwrap();
        let mut key = SoftPasskey::new(true);
        let (options, kept) = party.register(&URL_SAFE_NO_PAD.encode([7; 16]), &[]).unwrap();
        let options = serde_json::from_value(options).unwrap();
        let made = (json!(key.do_registration(origin.clone(), options).unwrap()), kept);
        let passkey = party.registered(made.0.clone(), made.1.clone()).unwrap();
        let (options, kept) = party.confirm(&[passkey]).unwrap();
        let options = serde_json::from_value(options).unwrap();
        let signed = (json!(key.do_authentication(origin, options).unwrap()), kept);
        assert!(party.confirmed(signed.0.clone(), signed.1.clone()).is_ok());
        Bench { party, made, signed }
    })
}

/// Neither may be a fault of ours, which would be answered with 500.
fn refused_or_taken(made: Value, signed: Value) -> (bool, bool) {
    let bench = bench();
    let one = bench.party.registered(made, bench.made.1.clone());
    assert!(!matches!(one, Err(Failure::Internal(_))), "{:?}", one.err());
    let two = bench.party.confirmed(signed, bench.signed.1.clone());
    assert!(!matches!(two, Err((_, Failure::Internal(_)))), "{:?}", two.err());
    (one.is_ok(), two.is_ok())
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = proptest::sample::select(vec![
        "id",
        "rawId",
        "type",
        "response",
        "clientDataJSON",
        "attestationObject",
        "authenticatorData",
        "signature",
        "userHandle",
        "transports",
        "extensions",
        "public-key",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,30}".prop_map(Value::from),
        word.clone().prop_map(Value::from),
        proptest::collection::vec(any::<u8>(), 0..80).prop_map(|b| Value::from(URL_SAFE_NO_PAD.encode(b))),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::hash_map(word.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Each text of a value, in order.
fn texts<'v>(value: &'v mut Value, into: &mut Vec<&'v mut String>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(items) => items.iter_mut().for_each(|v| texts(v, into)),
        Value::Object(pairs) => pairs.values_mut().for_each(|v| texts(v, into)),
        _ => {}
    }
}

/// A good answer with one of its texts changed in some bytes, or cut, or made longer.
fn spoilt(good: &Value, which: usize, change: &(usize, u8, usize)) -> Value {
    let mut value = good.clone();
    let mut all = Vec::new();
    texts(&mut value, &mut all);
    let n = which % all.len();
    let text: &mut String = all[n];
    if let Ok(mut bytes) = URL_SAFE_NO_PAD.decode(text.as_str()) {
        let at = change.0 % bytes.len().max(1);
        match change.2 % 3 {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|b| *b ^= change.1.max(1)),
            1 => bytes.truncate(at),
            _ => bytes.splice(at..at, std::iter::repeat_n(change.1, change.2)).for_each(drop),
        }
        *text = URL_SAFE_NO_PAD.encode(bytes);
    } else {
        text.push(char::from(change.1));
    }
    value
}

proptest! {
    #[test]
    fn no_json_is_an_answer_of_an_authenticator(one in any_json(), two in any_json()) {
        prop_assert_eq!(refused_or_taken(one.clone(), two.clone()), (false, false));
        // As one part of a good answer.
        for part in ["id", "rawId", "response", "type"] {
            let (mut made, mut signed) = (bench().made.0.clone(), bench().signed.0.clone());
            (made[part], signed[part]) = (one.clone(), two.clone());
            refused_or_taken(made, signed);
        }
        for part in ["clientDataJSON", "attestationObject", "authenticatorData", "signature"] {
            let (mut made, mut signed) = (bench().made.0.clone(), bench().signed.0.clone());
            (made["response"][part], signed["response"][part]) = (one.clone(), two.clone());
            let taken = refused_or_taken(made, signed);
            prop_assert!(!taken.1 || part == "attestationObject", "{}", part);
        }
    }

    #[test]
    fn an_answer_that_was_spoilt_anywhere_is_no_fault_of_ours(
        which in 0..20usize, change in (0..600usize, any::<u8>(), 0..40usize),
    ) {
        refused_or_taken(spoilt(&bench().made.0, which, &change), spoilt(&bench().signed.0, which, &change));
    }
}
