//! The evidence package: manifest, exhibits, custody; build, verify, open.
