"""What cases that judge a pump share; no case is declared here."""
