//! Law profiles between two States.
