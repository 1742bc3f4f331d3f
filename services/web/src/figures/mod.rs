//! From rows to what a page says: every word and number here is computed from the database as of a moment.

pub mod cards;
pub mod headline;
pub mod movement;
pub mod outlook;
pub mod picture;
pub mod series;
pub mod source;
pub mod tables;
pub mod view;
