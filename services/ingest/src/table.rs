//! Delimited text as publishers write it: with a byte-order mark, in Latin-1, quoted or bare, columns in any order.

use crate::Refusal;
use chrono::NaiveDate;
use csv::StringRecord;
use std::borrow::Cow;

mod json;

/// More lines than any publisher writes before the header.
const MOST_PROSE: usize = 20;
/// More columns than any table of a publisher has; beyond it a header is made to hurt.
const MOST_COLUMNS: usize = 10_000;

/// How a publisher writes its tables.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// Between cells.
    pub delimiter: u8,
    /// Words that stand for "no value", besides the empty cell.
    pub missing: &'static [&'static str],
    /// Begins a line that is not part of the table.
    pub comment: Option<u8>,
}

/// Comma, `NA`.
pub const COMMA: Dialect = Dialect { delimiter: b',', missing: &["NA"], comment: None };

/// A table in memory.
#[derive(Debug)]
pub struct Table {
    header: StringRecord,
    rows: Vec<(u64, StringRecord)>,
    missing: &'static [&'static str],
}

/// The place of a column in its table.
#[derive(Debug, Clone, Copy)]
pub struct Column<'t> {
    index: usize,
    name: &'t str,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Line<'t> {
    number: u64,
    record: &'t StringRecord,
    missing: &'static [&'static str],
}

impl Table {
    /// Reads the whole table; every line must have as many cells as the header.
    ///
    /// # Errors
    /// [`Refusal`] when it is not data, or a line is broken (it names the line).
    pub fn read(bytes: &[u8], dialect: &Dialect) -> Result<Self, Refusal> {
        crate::body::sniff(bytes)?;
        let text = crate::body::text(bytes)?;
        let bad = |e: csv::Error| broken(e.to_string());
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(dialect.delimiter)
            .comment(dialect.comment)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let header = reader.headers().map_err(bad)?.clone();
        if header.len() > MOST_COLUMNS {
            return Err(broken(format!("its header has {} columns", header.len())));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(bad)?;
            rows.push((record.position().map_or(0, csv::Position::line), record));
        }
        unclosed(&text, &rows)?;
        Ok(Self { header, rows, missing: dialect.missing })
    }

    /// Reads a table below lines of prose: it begins with the line that begins with `header`.
    ///
    /// # Errors
    /// As [`Table::read`]; also when no line begins so within the first kilobytes.
    pub fn below(bytes: &[u8], header: &str, dialect: &Dialect) -> Result<Self, Refusal> {
        crate::body::sniff(bytes)?;
        let text = crate::body::text(bytes)?;
        let mut at = 0;
        for line in text.split_inclusive('\n').take(MOST_PROSE) {
            if line.trim_start_matches('"').starts_with(header) {
                return Self::read(text[at..].as_bytes(), dialect);
            }
            at += line.len();
        }
        let header = text.lines().next().unwrap_or("").chars().take(200).collect();
        Err(Refusal::MissingColumn { column: "the line of the header".to_owned(), header })
    }

    /// Reads CSV or JSON, whichever it is: some publishers offer one table as both.
    ///
    /// # Errors
    /// As [`Table::read`] and [`Table::json`].
    pub fn any(bytes: &[u8], dialect: &Dialect) -> Result<Self, Refusal> {
        match bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start().first() {
            Some(b'[' | b'{') => Self::json(bytes),
            _ => Self::read(bytes, dialect),
        }
    }

    /// The column that bears one of `names`: publishers rename them.
    ///
    /// # Errors
    /// [`Refusal::MissingColumn`] with what is there instead.
    pub fn column<'t>(&'t self, names: &[&'t str]) -> Result<Column<'t>, Refusal> {
        let column = names.iter().find_map(|name| self.find(name)).ok_or_else(|| Refusal::MissingColumn {
            column: names.join("` or `"),
            header: self.header.iter().take(30).collect::<Vec<_>>().join(", "),
        })?;
        // Which of the two is meant is not for us to guess.
        match self.header.iter().filter(|h| *h == column.name).count() {
            1 => Ok(column),
            _ => Err(broken(format!("the column `{}` stands twice in its header", column.name))),
        }
    }

    /// The column named `name`, if there is one.
    #[must_use]
    pub fn find<'t>(&'t self, name: &'t str) -> Option<Column<'t>> {
        self.header.iter().position(|h| h == name).map(|index| Column { index, name })
    }

    /// The header's cells with their columns.
    pub fn columns(&self) -> impl Iterator<Item = Column<'_>> {
        self.header.iter().enumerate().map(|(index, name)| Column { index, name })
    }

    /// The rows.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let missing = self.missing;
        self.rows.iter().map(move |(number, record)| Line { number: *number, record, missing })
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Has it no row?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl<'t> Column<'t> {
    /// Its name in the header.
    #[must_use]
    pub fn name(self) -> &'t str {
        self.name
    }
}

impl<'t> Line<'t> {
    /// A cell's text, without blanks around it.
    #[must_use]
    pub fn text(&self, column: Column<'_>) -> &'t str {
        self.record.get(column.index).unwrap_or("")
    }

    /// A number, or `None` for the publisher's words for "no value". `1,234` is read as a spreadsheet writes it.
    ///
    /// # Errors
    /// [`Refusal::Cell`] for anything else, also for `NaN` and infinities.
    pub fn number(&self, column: Column<'_>) -> Result<Option<f64>, Refusal> {
        let text = self.text(column);
        if text.is_empty() || self.missing.contains(&text) {
            return Ok(None);
        }
        let plain: Cow<'_, str> = if grouped(text) { text.replace(',', "").into() } else { text.into() };
        match plain.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => Err(self.refuse(column, "a finite number")),
        }
    }

    /// A date in one of the given `chrono` formats.
    ///
    /// # Errors
    /// [`Refusal::Cell`] when it is in none, or no such day exists.
    pub fn date(&self, column: Column<'_>, formats: &[&str]) -> Result<NaiveDate, Refusal> {
        let text = self.text(column);
        let read = formats.iter().find_map(|f| NaiveDate::parse_from_str(text, f).ok());
        read.ok_or_else(|| self.refuse(column, "a date"))
    }

    /// A refusal that names this cell.
    #[must_use]
    pub fn refuse(&self, column: Column<'_>, expected: &'static str) -> Refusal {
        let text = self.text(column).chars().take(40).collect();
        Refusal::Cell { line: self.number, column: column.name.to_owned(), text, expected }
    }
}

fn broken(why: String) -> Refusal {
    Refusal::Unreadable { format: "CSV", why }
}

/// A quotation mark that is never closed makes one cell of all that follows it: the end of the table would be lost
/// without a word.
fn unclosed(text: &str, rows: &[(u64, StringRecord)]) -> Result<(), Refusal> {
    let odd = text.bytes().filter(|b| *b == b'"').count() % 2 == 1;
    let swallowed = rows.last().is_some_and(|(_, r)| r.iter().any(|cell| cell.contains('\n')));
    if odd && (swallowed || !text.ends_with('\n')) {
        return Err(broken("a quotation mark is opened and never closed".to_owned()));
    }
    Ok(())
}

/// Is this a number with commas between groups of three digits, as spreadsheets write it?
fn grouped(text: &str) -> bool {
    let mut groups = text.strip_prefix('-').unwrap_or(text).split(',');
    let digits = |g: &str| !g.is_empty() && g.bytes().all(|b| b.is_ascii_digit());
    let first = groups.next().is_some_and(|g| digits(g) && g.len() <= 3);
    let mut rest = groups.peekable();
    first && rest.peek().is_some() && rest.all(|g| digits(g) && g.len() == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_whatever_its_dress() {
        let utf8 = "\u{feff}\"Région\",value\r\nÎle-de-France,\"1,234\"\r\n";
        let latin1: Vec<u8> = "Région,value\nÎle-de-France,1234\n".chars().map(|c| c as u8).collect();
        for bytes in [utf8.as_bytes(), &latin1] {
            let table = Table::read(bytes, &COMMA).unwrap();
            let (region, value) =
                (table.column(&["Region", "Région"]).unwrap(), table.column(&["value"]).unwrap());
            let line = table.lines().next().unwrap();
            assert_eq!(line.text(region), "Île-de-France");
            assert_eq!(line.number(value).unwrap(), Some(1234.0));
        }
    }

    #[test]
    fn defects_are_named_with_their_line() {
        let table = Table::read(b"d,v\n2021-02-30,NaN\n2021-02-03,1,5\n", &COMMA);
        assert!(table.unwrap_err().to_string().contains("line: 3"), "uneven");
        let table = Table::read(b"d,v\n2021-02-30,NaN\n,NA\n", &COMMA).unwrap();
        let (d, v) = (table.column(&["d"]).unwrap(), table.column(&["v"]).unwrap());
        let line = table.lines().next().unwrap();
        assert_eq!(
            line.date(d, &["%Y-%m-%d"]).unwrap_err().to_string(),
            "line 2, column `d`: `2021-02-30` is not a date"
        );
        assert!(line.number(v).is_err());
        assert_eq!(table.lines().nth(1).unwrap().number(v).unwrap(), None);
        assert!(
            table.column(&["w"]).unwrap_err().to_string().contains("it has") || table.column(&["w"]).is_err()
        );
    }

    #[test]
    fn only_true_groups_of_three_are_joined() {
        for (text, is) in
            [("1,234", true), ("-12,345,678", true), ("1,2", false), ("1234", false), (",123", false)]
        {
            assert_eq!(grouped(text), is, "{text}");
        }
    }
}
