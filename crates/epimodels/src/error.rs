/// What a model can fail with: always a property of the data or the arguments that it was given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two slices that describe the same things differ in length.
    #[error("{what}: {left} entries against {right}")]
    Length {
        /// Which slices.
        what: &'static str,
        /// Length of the first.
        left: usize,
        /// Length of the second.
        right: usize,
    },
    /// An argument outside the range for which the method is defined.
    #[error("`{name}` {reason}")]
    Argument {
        /// Name of the argument.
        name: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Too few usable observations.
    #[error("{what}: {found} usable observations, at least {needed} needed")]
    TooFew {
        /// What was to be estimated.
        what: &'static str,
        /// How many were usable.
        found: usize,
        /// How many the method needs.
        needed: usize,
    },
    /// A series names a group that the configuration does not have.
    #[error("series `{series}` belongs to the group `{group}`, which the configuration does not describe")]
    UnknownGroup {
        /// Identifier of the series.
        series: String,
        /// The group it names.
        group: String,
    },
    /// A group is declared per population and a series has none.
    #[error("series `{series}` needs a population")]
    NoPopulation {
        /// Identifier of the series.
        series: String,
    },
}
