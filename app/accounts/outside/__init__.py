"""People whose log-in an outside issuer keeps: its keys, its tokens, and the accounts they get here."""
