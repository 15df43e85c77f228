//! The ordered journey of each person and the roll-up of each account.
