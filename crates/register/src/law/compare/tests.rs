//! What two laws side by side show.
