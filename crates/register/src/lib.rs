//! Which office of which State to ask: signed State descriptors and the peers enrolled from them.
