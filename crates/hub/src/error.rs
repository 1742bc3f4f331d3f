use std::path::{Path, PathBuf};

/// What can go wrong with the files and arguments of a hub: each is a sentence for the person who gave them, and says its
/// cause itself (a field called `source` would have it said twice where a program prints the whole chain).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// A file or folder cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A file is there and not what it should be.
    #[error("{}: {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the row where there is one.
        what: String,
    },
    /// An argument cannot be satisfied.
    #[error("{0}")]
    Argument(String),
    /// The forecaster refuses the data.
    #[error("forecast of {origin}: {cause}")]
    Model {
        /// The reference date.
        origin: chrono::NaiveDate,
        /// Why.
        cause: epimodels::Error,
    },
}

impl HubError {
    pub(crate) fn content(path: &Path, what: impl Into<String>) -> Self {
        Self::Content { path: path.to_owned(), what: what.into() }
    }

    /// For `map_err` on the operations of one file.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<'_> {
        move |cause| Self::File { path: path.to_owned(), cause }
    }
}
