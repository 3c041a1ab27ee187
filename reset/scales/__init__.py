"""Before a first run: what a user's files hold, and the scale that a user's answers make of it (`reset-lm init`)."""
