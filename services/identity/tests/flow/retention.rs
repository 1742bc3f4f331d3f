//! Retention with a moved clock.
