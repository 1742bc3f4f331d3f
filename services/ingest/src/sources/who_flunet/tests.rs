//! Of the interface's table, which was never recorded.

use super::*;

/// Written for this test by the documented columns: not a payload of the publisher.
const TABLE: &str = "COUNTRY_CODE,COUNTRY_AREA_TERRITORY,ISO_WEEKSTARTDATE,ISO_YEAR,ISO_WEEK,ORIGIN_SOURCE,SPEC_PROCESSED_NB,SPEC_RECEIVED_NB,INF_A,INF_B,INF_ALL
CHE,Switzerland,2025-01-27,2025,5,SENTINEL,92,95,30,21,51
CHE,Switzerland,2025-01-27,2025,5,NONSENTINEL,4100,,900,400,1300
CHE,Switzerland,2025-02-03,2025,6,SENTINEL,88,90,,,
XKX,Kosovo,2025-02-03,2025,6,SENTINEL,1,1,1,0,1
";

fn read(text: &str) -> Result<Parsed, Refusal> {
    let context = Context { issued_at: "2025-02-12T10:00:00Z".parse().unwrap(), file: "" };
    today(text.as_bytes(), &context)
}

#[test]
fn origins_are_never_summed_and_an_empty_cell_is_no_zero() {
    let parsed = read(TABLE).unwrap();
    let shown: Vec<_> = parsed.rows.iter().map(|r| (r.reference_date.to_string(), r.value)).collect();
    let row = |day: &str, value| (day.to_owned(), value);
    assert_eq!(shown[..2], [row("2025-02-02", Some(92.0)), row("2025-02-02", Some(51.0))]);
    assert_eq!(shown[2..], [row("2025-02-09", Some(88.0)), row("2025-02-09", None)]);
    assert_eq!(parsed.skipped.len(), 2);
    let refused = read(&TABLE.replace("2025-02-03,2025,6", "2025-02-02,2025,6")).unwrap_err().to_string();
    assert!(refused.contains("the Monday of the ISO week"), "{refused}");
}
