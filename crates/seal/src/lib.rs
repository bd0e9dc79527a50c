//! Sign, encrypt, open: the only door to Verified.
