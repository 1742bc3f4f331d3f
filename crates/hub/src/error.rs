use std::path::{Path, PathBuf};

/// What can go wrong with the files and arguments of a hub: each is a sentence for the person who gave them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
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
    #[error("forecast of {origin}: {source}")]
    Model {
        /// The reference date.
        origin: chrono::NaiveDate,
        /// Why.
        source: epimodels::Error,
    },
}

impl HubError {
    pub(crate) fn content(path: &Path, what: impl Into<String>) -> Self {
        Self::Content { path: path.to_owned(), what: what.into() }
    }

    /// For `map_err` on the operations of one file.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<'_> {
        move |source| Self::File { path: path.to_owned(), source }
    }
}
