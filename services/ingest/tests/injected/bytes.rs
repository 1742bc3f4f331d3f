//! Encodings, archives and what is no table at all.

use crate::common::{payload, shared};
use crate::table::{NO_HISTORY, Table, flu, tables};
use ingest::body;
use std::io::Write as _;

#[test]
fn another_encoding_is_read_the_same_or_refused() {
    let Some(shared) = shared("another_encoding_is_read_the_same_or_refused") else { return };
    for table in tables(&shared) {
        let good = table.good();
        let units = || table.text.encode_utf16();
        let little: Vec<u8> = [0xff, 0xfe].into_iter().chain(units().flat_map(u16::to_le_bytes)).collect();
        let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(units().flat_map(u16::to_be_bytes)).collect();
        let latin: Option<Vec<u8>> = table.text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        let marked = format!("\u{feff}{}", table.text).into_bytes();
        let windows = table.text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
        for bytes in
            [Some(little.clone()), Some(big), latin, Some(marked), Some(windows)].into_iter().flatten()
        {
            assert_eq!(table.bytes(&bytes, &NO_HISTORY).unwrap().rows, good, "{}", table.source);
        }
        assert!(table.bytes(&little[2..], &NO_HISTORY).is_err(), "UTF-16 that does not say so");
        assert!(table.bytes(&little[..little.len() - 1], &NO_HISTORY).is_err(), "half a character");
    }
}

#[test]
fn what_breaks_the_format_is_refused() {
    let Some(shared) = shared("what_breaks_the_format_is_refused") else { return };
    let table = flu(&shared);
    let lines: Vec<&str> = table.text.lines().collect();
    let joined = |head: &str, middle: &str| format!("{head}\n{middle}\n{}\n", lines[2..].join("\n"));
    let wide = vec!["x"; 1_000_000].join(",");
    for (what, text) in [
        ("NUL", joined(lines[0], &lines[1].replace(',', "\0,"))),
        ("a quotation mark never closed", joined(lines[0], &format!("\"{}", lines[1]))),
        ("a cell too many", joined(lines[0], &format!("{},", lines[1]))),
        ("a million columns", joined(&wide, lines[1])),
        ("a million columns, all rows", format!("{wide}\n{wide}\n")),
        ("a mark of order in the middle", joined(lines[0], &lines[1].replacen(',', ",\u{feff}", 5))),
        ("two tables", format!("{}{}", table.text, table.text)),
        ("another delimiter", table.text.replace(',', ";")),
    ] {
        assert!(table.bytes(text.as_bytes(), &NO_HISTORY).is_err(), "{what}");
    }
}

#[test]
fn json_that_is_no_table_is_refused() {
    let Some(shared) = shared("json_that_is_no_table_is_refused") else { return };
    let text = String::from_utf8(payload(&shared, "data/us/cdc-nhsn/ua7e-t2fy_page.json")).unwrap();
    let table = Table { source: "cdc-nhsn", feed: "ua7e-t2fy", text, at: "2025-02-14T23:59:59Z" };
    let deep = "[".repeat(10_000);
    for (what, text) in [
        ("cut", table.text[..table.text.len() / 2].to_owned()),
        ("an empty page", "[]".to_owned()),
        ("an error in a page", "[{\"message\":\"x\"}]".to_owned()),
        ("a renamed field", table.text.replace("totalconfflunewadm\"", "totalflu\"")),
        (
            "a value below zero",
            table.text.replacen("\"totalconfc19newadm\": \"", "\"totalconfc19newadm\": \"-", 1),
        ),
        ("a list for a number", table.text.replacen("\"852.0\"", "[1]", 1)),
        ("nested", deep),
    ] {
        assert!(table.bytes(text.as_bytes(), &NO_HISTORY).is_err(), "{what}");
    }
    // Numbers as numbers say the same as numbers as texts.
    let numbers = table.text.replacen("\"852.0\"", "852.0", 1);
    assert_eq!(table.bytes(numbers.as_bytes(), &NO_HISTORY).unwrap().rows, table.good());
}

#[test]
fn bombs_are_refused_before_they_fill_the_memory() {
    let table =
        Table { source: "cdc-fluview", feed: "ILINet.csv", text: String::new(), at: "2025-04-16T00:00:00Z" };
    let member = body::pack(&vec![b' '; 32 << 20]);
    let bomb = member.repeat(9);
    assert!(bomb.len() < 400_000, "{} bytes that unpack to 288 MiB", bomb.len());
    let reason = table.bytes(&bomb, &NO_HISTORY).unwrap_err().to_string();
    assert!(reason.contains("more than 256 MiB"), "{reason}");
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..257 {
        packer.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let reason =
        table.bytes(&zip("ILINet.csv", &packer.finish().unwrap(), 0), &NO_HISTORY).unwrap_err().to_string();
    assert!(reason.contains("more than 256 MiB"), "{reason}");
}

/// A zip archive of one member, as it is packed already.
fn zip(name: &str, packed: &[u8], crc: u32) -> Vec<u8> {
    let (size, length) = ((packed.len() as u32).to_le_bytes(), (name.len() as u16).to_le_bytes());
    let common =
        [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..], &crc.to_le_bytes(), &size, &[0; 4], &length, &[0; 2]].concat();
    let local = [b"PK\x03\x04", &common[..], name.as_bytes(), packed].concat();
    let central = [b"PK\x01\x02", &[20, 0][..], &common, &[0; 14], name.as_bytes()].concat();
    let counts = [
        &[0; 4][..],
        &[1, 0, 1, 0],
        &(central.len() as u32).to_le_bytes(),
        &(local.len() as u32).to_le_bytes(),
        &[0; 2],
    ];
    [&local[..], &central, b"PK\x05\x06", &counts.concat()].concat()
}

#[test]
fn a_zip_is_read_by_the_name_of_its_table_alone() {
    let Some(shared) = shared("a_zip_is_read_by_the_name_of_its_table_alone") else { return };
    let path = "data/us/cdc-fluview/ILINet_national_2024-40_2025-13.csv";
    let table = Table {
        source: "cdc-fluview",
        feed: "ILINet.csv",
        text: String::from_utf8(payload(&shared, path)).unwrap(),
        at: "2025-04-16T00:00:00Z",
    };
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(table.text.as_bytes()).unwrap();
    let packed = packer.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(table.text.as_bytes());
    let good = zip("ILINet.csv", &packed, crc.sum());
    assert_eq!(table.bytes(&good, &NO_HISTORY).unwrap().rows, table.good());
    for (name, crc, sentence) in [
        ("WHO_NREVSS.csv", crc.sum(), "no member `ILINet.csv` but: WHO_NREVSS.csv"),
        ("../../ILINet.csv", crc.sum(), "outside the archive"),
        ("/etc/passwd", crc.sum(), "outside the archive"),
        ("C:\\ILINet.csv", crc.sum(), "outside the archive"),
        ("ILINet.csv", 7, "checksum"),
    ] {
        let reason = table.bytes(&zip(name, &packed, crc), &NO_HISTORY).unwrap_err().to_string();
        assert!(reason.contains(sentence), "{reason}");
    }
    for cut in 0..good.len() {
        assert!(table.bytes(&good[..cut], &NO_HISTORY).is_err(), "cut at {cut}");
    }
}
