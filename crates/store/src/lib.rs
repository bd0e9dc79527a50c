//! Keeps bytes and finds them again: one small transaction interface over SQLite; objects on disk.
