//! Offices, officers, permissions; Authorized and FourEyes.
