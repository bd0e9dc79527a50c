//! What two nodes may say and the rules of delivery: messages, envelopes, receipts, duplicates, retries.
