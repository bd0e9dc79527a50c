//! Where private keys live.
