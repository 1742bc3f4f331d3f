//! How a value moved against the one before: a total function, so that no sentence is ever guessed.

/// Changes of at most this share are called stable.
const STABLE: f64 = 0.05;
/// Below this count a percentage says more than the figures can carry; the difference is given instead.
const FEW: f64 = 20.0;

/// A value against the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Movement {
    /// One of the two is not known, or is a negative correction.
    Unknown,
    /// Both are 0, or the same small number.
    Unchanged,
    /// Something after nothing.
    FromNone,
    /// Nothing after this much.
    ToNone(f64),
    /// At most 5 % away: the share, signed.
    Stable(f64),
    /// Up by this share.
    Rising(f64),
    /// Down by this share (positive).
    Falling(f64),
    /// Up by this much, where the figures are small.
    More(f64),
    /// Down by this much (positive), where the figures are small.
    Fewer(f64),
}

impl Movement {
    /// Compares `last` with `before`; `counts` says that the values are whole numbers of events.
    #[must_use]
    pub fn between(last: Option<f64>, before: Option<f64>, counts: bool) -> Self {
        let good = |v: &f64| v.is_finite() && *v >= 0.0;
        let (Some(last), Some(before)) = (last.filter(good), before.filter(good)) else {
            return Self::Unknown;
        };
        let difference = last - before;
        if difference == 0.0 {
            return Self::Unchanged;
        }
        if before == 0.0 {
            return Self::FromNone;
        }
        if last == 0.0 {
            return Self::ToNone(before);
        }
        if counts && before < FEW && last < FEW {
            return if difference > 0.0 { Self::More(difference) } else { Self::Fewer(-difference) };
        }
        let share = difference / before;
        if share.abs() <= STABLE {
            Self::Stable(share)
        } else if share > 0.0 {
            Self::Rising(share)
        } else {
            Self::Falling(-share)
        }
    }

    /// Its word in locale keys.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Unchanged => "unchanged",
            Self::FromNone => "from_none",
            Self::ToNone(_) => "to_none",
            Self::Stable(_) => "stable",
            Self::Rising(_) => "rising",
            Self::Falling(_) => "falling",
            Self::More(_) => "more",
            Self::Fewer(_) => "fewer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_kind_of_movement_is_called_by_its_name() {
        let between = |last, before| Movement::between(Some(last), Some(before), true);
        assert_eq!(between(0.0, 0.0), Movement::Unchanged);
        assert_eq!(between(3.0, 0.0), Movement::FromNone);
        assert_eq!(between(5.0, 3.0), Movement::More(2.0));
        assert_eq!(between(3.0, 5.0), Movement::Fewer(2.0));
        assert_eq!(between(104.0, 100.0), Movement::Stable(0.04));
        assert_eq!(between(0.0, 100.0), Movement::ToNone(100.0));
        assert!(matches!(between(150.0, 100.0), Movement::Rising(s) if (s - 0.5).abs() < 1e-12));
        assert_eq!(Movement::between(None, Some(1.0), true), Movement::Unknown);
        assert_eq!(Movement::between(Some(1.0), None, true), Movement::Unknown);
        assert_eq!(between(-4.0, 100.0), Movement::Unknown);
    }

    proptest! {
        #[test]
        fn it_answers_every_pair_and_never_contradicts_the_figures(
            last in proptest::option::of(-1e3f64..1e6), before in proptest::option::of(-1e3f64..1e6), counts: bool,
        ) {
            let (l, b) = (last.unwrap_or(-1.0), before.unwrap_or(-1.0));
            match Movement::between(last, before, counts) {
                Movement::Unknown => prop_assert!(l < 0.0 || b < 0.0),
                Movement::Unchanged => prop_assert_eq!(l.to_bits(), b.to_bits()),
                Movement::FromNone => prop_assert!(b == 0.0 && l > 0.0),
                Movement::ToNone(before) => prop_assert!(l == 0.0 && before > 0.0),
                Movement::Stable(s) => prop_assert!(s.abs() <= STABLE),
                Movement::Rising(s) | Movement::More(s) => prop_assert!(l > b && s > 0.0),
                Movement::Falling(s) | Movement::Fewer(s) => prop_assert!(l < b && s > 0.0),
            }
        }

        #[test]
        fn no_figures_of_any_kind_make_it_fail(last in any::<f64>(), before in any::<f64>(), counts: bool) {
            let _ = Movement::between(Some(last), Some(before), counts).word();
        }
    }
}
