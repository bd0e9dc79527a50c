//! The process: configuration, peer endpoint, workers, shutdown.
