//! Alerts by mail.
