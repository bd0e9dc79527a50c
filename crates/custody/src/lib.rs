//! Who held an exhibit, when, why, and proof that the chain is unbroken.
