//! The walk: the one write path, one file per kind of duty, the views that screens read.
