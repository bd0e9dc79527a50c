//! The Convention as rules and data: articles, offences, measures, what a request must say, grounds, time limits.
