"""The front desk: accounts, sessions, mail, the catalogue of rooms, and the guardian that keeps the processes up."""
