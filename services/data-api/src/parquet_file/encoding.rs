//! The encodings of a Parquet page, for values that are numbered already. One page a column and row group.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// What is distinct among values, in the order in which it comes, and for each value its number.
#[derive(Debug)]
pub(crate) struct Distinct<T> {
    pub(crate) numbers: Vec<u32>,
    pub(crate) values: Vec<T>,
}

impl<T: Copy + Eq + Hash> Distinct<T> {
    pub(crate) fn of(all: impl Iterator<Item = T>) -> Self {
        let mut known: HashMap<T, u32, BuildHasherDefault<Mix>> = HashMap::default();
        let (mut values, mut last): (Vec<T>, Option<(T, u32)>) = (Vec::new(), None);
        let number = |value: T| {
            if let Some((_, number)) = last.filter(|(known, _)| *known == value) {
                return number;
            }
            let next = values.len() as u32;
            let number = *known.entry(value).or_insert(next);
            if number == next {
                values.push(value);
            }
            last = Some((value, number));
            number
        };
        let numbers = all.map(number).collect();
        Self { numbers, values }
    }
}

/// Hashes one number; nobody chooses these values to collide who could not also send a longer file.
#[derive(Default)]
pub(crate) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u64(u64::from(*b)));
    }

    fn write_u64(&mut self, n: u64) {
        // Both halves of the product: times in whole seconds have zeros at their lower end.
        let wide = u128::from(self.0 ^ n ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
        self.0 = (wide >> 64) as u64 ^ wide as u64;
    }

    fn write_i64(&mut self, n: i64) {
        self.write_u64(n.cast_unsigned());
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_i32(&mut self, n: i32) {
        self.write_u64(u64::from(n.cast_unsigned()));
    }
}

/// Bits that hold every number below `count`; one at least.
pub(crate) fn width(count: usize) -> u8 {
    (usize::BITS - count.saturating_sub(1).leading_zeros()).max(1) as u8
}

fn varint(to: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        to.push(n as u8 | 0x80);
        n >>= 7;
    }
    to.push(n as u8);
}

fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

/// Packs numbers of `width` bits (64 at most), lowest bit first.
fn pack(to: &mut Vec<u8>, numbers: impl Iterator<Item = u64>, width: u8) {
    let (mut held, mut bits) = (0_u128, 0_u32);
    for n in numbers {
        held |= u128::from(n) << bits;
        bits += u32::from(width);
        while bits >= 8 {
            to.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        to.push(held as u8);
    }
}

/// Runs of one number, and packed numbers between them.
pub(crate) fn hybrid(to: &mut Vec<u8>, numbers: &[u32], width: u8) {
    let packed = |to: &mut Vec<u8>, part: &[u32]| {
        if !part.is_empty() {
            let eights = part.len().div_ceil(8);
            varint(to, (eights as u64) << 1 | 1);
            let fill = std::iter::repeat_n(0, eights * 8 - part.len());
            pack(to, part.iter().map(|n| u64::from(*n)).chain(fill), width);
        }
    };
    let (mut from, mut at) = (0, 0);
    while let Some(&n) = numbers.get(at) {
        let run = numbers[at..].iter().take_while(|m| **m == n).count();
        // What is packed comes in eights: a run gives up what they lack.
        let lack = (8 - (at - from) % 8) % 8;
        if run >= lack + 16 {
            packed(to, &numbers[from..at + lack]);
            varint(to, ((run - lack) as u64) << 1);
            to.extend(&n.to_le_bytes()[..usize::from(width).div_ceil(8)]);
            from = at + run;
        }
        at += run;
    }
    packed(to, &numbers[from..]);
}

/// `DELTA_BINARY_PACKED`.
pub(crate) fn delta(to: &mut Vec<u8>, numbers: &[u32]) {
    const BLOCK: usize = 128;
    const MINI: usize = 32;
    varint(to, BLOCK as u64);
    varint(to, (BLOCK / MINI) as u64);
    varint(to, numbers.len() as u64);
    varint(to, zigzag(numbers.first().map_or(0, |n| i64::from(*n))));
    let steps: Vec<i64> = numbers.windows(2).map(|w| i64::from(w[1]) - i64::from(w[0])).collect();
    for block in steps.chunks(BLOCK) {
        let least = block.iter().copied().min().unwrap_or(0);
        varint(to, zigzag(least));
        let minis = || block.chunks(MINI);
        let bits =
            |mini: &[i64]| mini.iter().map(|s| 64 - (s - least).leading_zeros()).max().unwrap_or(0) as u8;
        let mut widths = [0; BLOCK / MINI];
        widths.iter_mut().zip(minis()).for_each(|(width, mini)| *width = bits(mini));
        to.extend(widths);
        for (mini, width) in minis().zip(widths) {
            let fill = std::iter::repeat_n(0, MINI - mini.len());
            pack(to, mini.iter().map(|s| (s - least).cast_unsigned()).chain(fill), width);
        }
    }
}

/// Texts of which each tells how much of the one before it it repeats: `DELTA_BYTE_ARRAY`.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    repeated: Vec<u32>,
    lengths: Vec<u32>,
    rest: Vec<u8>,
}

impl Texts {
    /// The next text: the first `repeated` bytes of the one before, then `rest`.
    pub(crate) fn push(&mut self, repeated: usize, rest: &[&[u8]]) {
        self.repeated.push(repeated as u32);
        self.lengths.push(rest.iter().map(|r| r.len() as u32).sum());
        rest.iter().for_each(|r| self.rest.extend_from_slice(r));
    }

    pub(crate) fn page(&self) -> Vec<u8> {
        let mut page = Vec::with_capacity(self.rest.len() + self.lengths.len());
        delta(&mut page, &self.repeated);
        delta(&mut page, &self.lengths);
        page.extend_from_slice(&self.rest);
        page
    }
}
