//! A histogram booster for the pinball loss.
//!
//! As LightGBM's `objective = quantile` does it (Ke et al. 2017; Friedman 2001): trees grow leaf by leaf on
//! binned features along the gradient of the loss, then every leaf takes the quantile of its residuals. The
//! gradient has two values only, so a histogram cell is a pair of whole numbers (rows, rows above the current
//! prediction): sums are exact in any order.

use crate::quantile::linear;
use crate::rng::Rng;

/// Bins of a feature with the one for missing values.
const CELLS: usize = 64;

/// Cut points per feature, ascending: a value belongs to bin 1 + (number of cuts below it), NaN to bin 0.
#[derive(Debug, Clone)]
pub(crate) struct Binner(Vec<Vec<f64>>);

impl Binner {
    /// Cuts at the quantiles of each of the `width` features, half-way between neighbouring values.
    pub(crate) fn new(rows: &[f64], width: usize, bins: usize) -> Self {
        let bins = bins.clamp(2, CELLS - 1);
        let cuts = |feature: usize| {
            let column = rows.iter().skip(feature).step_by(width);
            let mut values: Vec<f64> = column.copied().filter(|v| v.is_finite()).collect();
            values.sort_by(f64::total_cmp);
            let between = |low: f64, high: f64| low + (high - low) / 2.0;
            let mut distinct = values.clone();
            distinct.dedup();
            if distinct.len() <= bins {
                return distinct.windows(2).map(|w| between(w[0], w[1])).collect();
            }
            let n = values.len();
            let mut cuts: Vec<f64> = Vec::with_capacity(bins - 1);
            for b in 1..bins {
                let high = values[b * n / bins];
                let below = distinct.partition_point(|v| *v < high);
                if let Some(low) = below.checked_sub(1).map(|i| distinct[i]) {
                    cuts.push(between(low, high));
                }
            }
            cuts.dedup();
            cuts
        };
        Self((0..width).map(cuts).collect())
    }

    /// The bins of rows, `width` a row.
    pub(crate) fn bins(&self, rows: &[f64]) -> Vec<u8> {
        let bin = |(cuts, value): (&Vec<f64>, &f64)| {
            if value.is_nan() { 0 } else { (1 + cuts.partition_point(|cut| cut < value)) as u8 }
        };
        rows.chunks_exact(self.0.len()).flat_map(|row| self.0.iter().zip(row).map(bin)).collect()
    }
}

/// How a booster is grown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    pub(crate) level: f64,
    pub(crate) trees: usize,
    pub(crate) leaves: usize,
    pub(crate) min_rows: usize,
    pub(crate) feature_share: f64,
    pub(crate) rate: f64,
}

/// A branch (rows with bin ≤ `bin` go left) or, with `left` = 0, a leaf.
#[derive(Debug, Clone, Copy, Default)]
struct Node {
    feature: u16,
    bin: u8,
    left: u16,
    right: u16,
    value: f64,
}

/// A sum of trees for one quantile.
#[derive(Debug, Clone)]
pub(crate) struct Booster {
    start: f64,
    trees: Vec<Vec<Node>>,
}

/// A leaf while its tree grows: its rows are `order[first..last]`.
struct Leaf {
    node: usize,
    first: usize,
    last: usize,
    cells: Vec<u64>,
    best: Option<Split>,
}

#[derive(Clone, Copy)]
struct Split {
    gain: f64,
    slot: usize,
    bin: u8,
}

impl Booster {
    /// Fits `y` on rows of `width` bins.
    pub(crate) fn fit(bins: &[u8], width: usize, y: &[f64], growth: Growth, rng: &mut Rng) -> Self {
        let start = linear(y, growth.level).unwrap_or(0.0);
        let mut fitted = vec![start; y.len()];
        let chosen = ((width as f64 * growth.feature_share).round() as usize).clamp(1, width);
        let mut trees = Vec::with_capacity(growth.trees);
        for _ in 0..growth.trees {
            let features = rng.choose(width, chosen);
            let tree = Grower { bins, width, y, fitted: &fitted, growth, features: &features }.grow();
            let (nodes, leaves) = tree;
            for (value, rows) in &leaves {
                for row in rows {
                    fitted[*row as usize] += value;
                }
            }
            trees.push(nodes);
        }
        Self { start, trees }
    }

    /// The quantile for one row of bins.
    pub(crate) fn predict(&self, bins: &[u8]) -> f64 {
        let walk = |tree: &Vec<Node>| {
            let mut node = tree[0];
            while node.left != 0 {
                let left = bins[usize::from(node.feature)] <= node.bin;
                node = tree[usize::from(if left { node.left } else { node.right })];
            }
            node.value
        };
        self.start + self.trees.iter().map(walk).sum::<f64>()
    }
}

struct Grower<'a> {
    bins: &'a [u8],
    width: usize,
    y: &'a [f64],
    fitted: &'a [f64],
    growth: Growth,
    features: &'a [usize],
}

impl Grower<'_> {
    /// The nodes of one tree, and for each leaf its value (times the learning rate) and its rows.
    fn grow(&self) -> (Vec<Node>, Vec<(f64, Vec<u32>)>) {
        // A row counts 1 in the low half, and 1 in the high half if it lies above the current prediction.
        let marks: Vec<u64> =
            self.y.iter().zip(self.fitted).map(|(y, f)| if y > f { 1 << 32 | 1 } else { 1 }).collect();
        let mut order: Vec<u32> = (0..self.y.len() as u32).collect();
        let mut nodes = vec![Node::default()];
        let cells = self.histogram(&order, &marks);
        let best = self.split(&cells, order.len());
        let mut leaves = vec![Leaf { node: 0, first: 0, last: order.len(), cells, best }];
        while leaves.len() < self.growth.leaves {
            let Some((index, split)) = best_leaf(&leaves) else { break };
            let leaf = leaves.swap_remove(index);
            let feature = self.features[split.slot];
            let rows = &mut order[leaf.first..leaf.last];
            let (left, right): (Vec<u32>, Vec<u32>) =
                rows.iter().partition(|row| self.bins[**row as usize * self.width + feature] <= split.bin);
            rows[..left.len()].copy_from_slice(&left);
            rows[left.len()..].copy_from_slice(&right);
            let (small, large) = if left.len() <= right.len() { (&left, &right) } else { (&right, &left) };
            let small_cells = self.histogram(small, &marks);
            let mut large_cells = leaf.cells;
            for (cell, less) in large_cells.iter_mut().zip(&small_cells) {
                *cell -= less;
            }
            let (small_best, large_best) =
                (self.split(&small_cells, small.len()), self.split(&large_cells, large.len()));
            let small_is_left = left.len() <= right.len();
            let (l, r) = ((small_cells, small_best), (large_cells, large_best));
            let ((lc, lb), (rc, rb)) = if small_is_left { (l, r) } else { (r, l) };
            let (a, b) = (nodes.len(), nodes.len() + 1);
            let middle = leaf.first + left.len();
            nodes[leaf.node] =
                Node { feature: feature as u16, bin: split.bin, left: a as u16, right: b as u16, value: 0.0 };
            nodes.extend([Node::default(); 2]);
            leaves.push(Leaf { node: a, first: leaf.first, last: middle, cells: lc, best: lb });
            leaves.push(Leaf { node: b, first: middle, last: leaf.last, cells: rc, best: rb });
        }
        let valued = leaves.into_iter().map(|leaf| {
            let rows = order[leaf.first..leaf.last].to_vec();
            let mut left: Vec<f64> =
                rows.iter().map(|i| self.y[*i as usize] - self.fitted[*i as usize]).collect();
            let value = self.growth.rate * quantile_of(&mut left, self.growth.level);
            nodes[leaf.node].value = value;
            (value, rows)
        });
        let valued = valued.collect();
        (nodes, valued)
    }

    fn histogram(&self, rows: &[u32], marks: &[u64]) -> Vec<u64> {
        let mut cells = vec![0_u64; self.features.len() * CELLS];
        for row in rows {
            let row = *row as usize;
            let mark = marks[row];
            let bins = &self.bins[row * self.width..(row + 1) * self.width];
            for (slot, feature) in cells.as_chunks_mut::<CELLS>().0.iter_mut().zip(self.features) {
                slot[usize::from(bins[*feature]) % CELLS] += mark;
            }
        }
        cells
    }

    /// The best split of a leaf of `count` rows: the largest gain, of equals the first feature and bin.
    fn split(&self, cells: &[u64], count: usize) -> Option<Split> {
        let least = self.growth.min_rows.max(1) as u64;
        if (count as u64) < 2 * least {
            return None;
        }
        let below = 1.0 - self.growth.level;
        let worth = |n: f64, above: f64| (above - below * n).powi(2) / n;
        let mut best: Option<Split> = None;
        for (slot, cells) in cells.as_chunks::<CELLS>().0.iter().enumerate() {
            let total: u64 = cells.iter().sum();
            let (n, above) = (total & 0xFFFF_FFFF, total >> 32);
            let whole = worth(n as f64, above as f64);
            let mut left = 0_u64;
            for (bin, cell) in cells.iter().enumerate().take(CELLS - 1) {
                left += cell;
                let (left_n, left_above) = (left & 0xFFFF_FFFF, left >> 32);
                if *cell == 0 || left_n < least {
                    continue;
                }
                if n - left_n < least {
                    break;
                }
                let gain = worth(left_n as f64, left_above as f64)
                    + worth((n - left_n) as f64, (above - left_above) as f64)
                    - whole;
                if gain > best.map_or(1e-9, |b| b.gain) {
                    best = Some(Split { gain, slot, bin: bin as u8 });
                }
            }
        }
        best
    }
}

fn best_leaf(leaves: &[Leaf]) -> Option<(usize, Split)> {
    let splits = leaves.iter().enumerate().filter_map(|(i, leaf)| Some((i, leaf.node, leaf.best?)));
    let best = splits.max_by(|a, b| a.2.gain.total_cmp(&b.2.gain).then(b.1.cmp(&a.1)))?;
    Some((best.0, best.2))
}

/// As [`linear`], in linear time; reorders `values`.
fn quantile_of(values: &mut [f64], level: f64) -> f64 {
    let Some(last) = values.len().checked_sub(1) else { return 0.0 };
    let place = level * last as f64;
    let below = place.floor() as usize;
    let (_, low, rest) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let high = rest.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    low + (place - below as f64) * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_learnt_at_each_level_and_missing_has_its_own_side() {
        let mut rng = Rng::new(5, &[]);
        let noise: Vec<f64> = (0..4000).map(|_| rng.uniform()).collect();
        let x: Vec<f64> = (0..4000).map(|i| if i % 4 == 0 { f64::NAN } else { f64::from(i % 100) }).collect();
        let y: Vec<f64> = x
            .iter()
            .zip(&noise)
            .map(|(x, e)| {
                e + if x.is_nan() {
                    9.0
                } else if *x > 50.0 {
                    5.0
                } else {
                    0.0
                }
            })
            .collect();
        let binner = Binner::new(&x, 1, 63);
        let bins = binner.bins(&x);
        let growth = Growth { level: 0.9, trees: 80, leaves: 4, min_rows: 20, feature_share: 1.0, rate: 0.1 };
        let booster = Booster::fit(&bins, 1, &y, growth, &mut Rng::new(1, &[]));
        for (at, wanted) in [(10.0, 0.9), (90.0, 5.9), (f64::NAN, 9.9)] {
            let found = booster.predict(&binner.bins(&[at]));
            assert!((found - wanted).abs() < 0.1, "{found} at {at}");
        }
    }

    #[test]
    fn the_fast_quantile_is_the_sorted_one() {
        let mut rng = Rng::new(8, &[]);
        let values: Vec<f64> = (0..101).map(|_| rng.uniform()).collect();
        for level in [0.01, 0.255, 0.5, 0.99] {
            assert_eq!(Some(quantile_of(&mut values.clone(), level)), linear(&values, level));
        }
    }
}
