//! Scorecards per team, campaign and channel, with credit that adds up to the sale.
