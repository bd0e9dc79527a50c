//! One State's file on one request: the outgoing and incoming machines.
